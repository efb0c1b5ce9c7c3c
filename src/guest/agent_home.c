#include "guest/agent_home.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "guest/agent_child.h"
#include "guest/file.h"
#include "guest/uevent.h"

#define APPEAR_MS 10000  /* from the host's word to the kernel's: it is plugged before we are told */
#define CHECK_MS 120000  /* repairs after a crash; a clean file system takes a moment */
#define MAKE_MS 60000
#define COPY_MS 30000
#define GROW_MS 60000
#define END_MS 5000
#define AGAIN_MS 50
#define EXT_MAGIC_AT 1080 /* ext4's superblock: s_magic, little-endian 0xef53 */

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static bool find_disk(char *device, size_t size)
{
    bool found = false;
    DIR *folder = opendir("/sys/block");
    for (struct dirent *entry; folder && !found && (entry = readdir(folder));) {
        char path[320], serial[64];
        snprintf(path, sizeof path, "/sys/block/%s/serial", entry->d_name);
        if (guest_file_read(path, serial, sizeof serial) <= 0)
            continue;
        serial[strcspn(serial, "\n")] = '\0';
        snprintf(device, size, "/dev/%.32s", entry->d_name);
        found = strcmp(serial, AGENT_DISK_SERIAL) == 0 && access(device, F_OK) == 0;
    }
    if (folder)
        closedir(folder);
    return found;
}

/* Listens before it looks: nothing that comes in between is missed. */
static bool await_disk(char *device, size_t size)
{
    autofd int events = uevent_open();
    int64_t end = now_ms() + APPEAR_MS;
    for (;;) {
        if (find_disk(device, size))
            return true;
        int64_t left = end - now_ms();
        struct pollfd waiting = {events, POLLIN, 0};
        if (left <= 0 || events < 0 || (poll(&waiting, 1, (int)left) < 0 && errno != EINTR))
            return false;
        Uevent event;
        while (uevent_next(events, &event))
            ;
    }
}

static bool has_file_system(const char *device)
{
    autofd int fd = open(device, O_RDONLY | O_CLOEXEC);
    unsigned char magic[2];
    return fd >= 0 && pread(fd, magic, 2, EXT_MAGIC_AT) == 2 && magic[0] == 0x53 && magic[1] == 0xef;
}

static bool run(const char *const *argv, int status_most, int timeout_ms, Failure *failure)
{
    AgentChild child = {.argv = argv, .status_most = status_most, .timeout_ms = timeout_ms};
    return agent_child_run(&child, failure);
}

static bool make_file_system(const char *device, Failure *failure)
{
    const char *const argv[] = {"mkfs.ext4", "-q", "-F", "-L", AGENT_DISK_SERIAL, "-m", "0", "-E", "discard", device, NULL};
    return run(argv, 0, MAKE_MS, failure);
}

/* 1: repaired, 2: the same and "reboot", which is for a root file system. */
static bool check_file_system(const char *device, Failure *failure)
{
    const char *const argv[] = {"e2fsck", "-p", device, NULL};
    return run(argv, 2, CHECK_MS, failure);
}

bool agent_home_is_mounted(const char *home)
{
    struct stat own, parent;
    return stat(home, &own) == 0 && stat("/home", &parent) == 0 && own.st_dev != parent.st_dev;
}

/* The skeleton first, the owner of the top last: what is cut short is done again. */
static bool furnish(const AgentAccount *person, Failure *failure)
{
    struct stat top;
    char owner[32], lost[96];
    if (stat(person->home, &top) < 0)
        return failure_set_errno(failure, errno, "the user disk");
    if (top.st_uid == person->uid)
        return chmod(person->home, 0700) == 0 || failure_set_errno(failure, errno, "the user disk");
    if (top.st_uid != 0)
        return failure_set(failure, "it belongs to another account (uid %u)", (unsigned)top.st_uid);
    snprintf(lost, sizeof lost, "%s/lost+found", person->home);
    rmdir(lost); /* e2fsck makes one when it needs it */
    snprintf(owner, sizeof owner, "%u:%u", person->uid, person->gid);
    const char *const copy[] = {"cp", "-a", "/etc/skel/.", person->home, NULL};
    const char *const give[] = {"find", person->home, "-mindepth", "1", "-exec", "chown", "-h", owner, "{}", "+", NULL};
    return run(copy, 0, COPY_MS, failure) && run(give, 0, COPY_MS, failure) &&
           ((chmod(person->home, 0700) == 0 && chown(person->home, person->uid, person->gid) == 0) ||
            failure_set_errno(failure, errno, "the user disk"));
}

static bool grow(const char *device, Failure *failure)
{
    const char *const argv[] = {"resize2fs", device, NULL};
    return run(argv, 0, GROW_MS, failure);
}

static bool mount_disk(const char *device, const AgentAccount *person, Failure *failure)
{
    if (mkdir(person->home, 0700) < 0 && errno != EEXIST)
        return failure_set_errno(failure, errno, "cannot make %s", person->home);
    return mount(device, person->home, "ext4", MS_NOSUID | MS_NODEV | MS_NOATIME, "errors=remount-ro") == 0 ||
           failure_set_errno(failure, errno, "it cannot be mounted");
}

bool agent_home_mount(const AgentAccount *person, bool is_new, Failure *failure)
{
    char device[48];
    Failure ignored;
    if (agent_home_is_mounted(person->home))
        return true;
    if (!await_disk(device, sizeof device))
        return failure_set(failure, "it did not appear");
    bool blank = !has_file_system(device);
    if (blank && !is_new)
        return failure_set(failure, "there is no file system on it any more");
    if (!(blank ? make_file_system(device, failure) : check_file_system(device, failure)) ||
        !mount_disk(device, person, failure))
        return false;
    if (furnish(person, failure)) {
        grow(device, &ignored); /* smaller than it could be is no reason to be without */
        return true;
    }
    umount2(person->home, MNT_DETACH);
    return false;
}

bool agent_home_grow(Failure *failure)
{
    char device[48];
    return (find_disk(device, sizeof device) || failure_set(failure, "there is no user disk")) && grow(device, failure);
}

/* Sends a signal to all processes of that account; returns whether there is one. */
static bool signal_all(unsigned uid, int number)
{
    bool found = false;
    DIR *folder = opendir("/proc");
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        char path[64];
        struct stat info;
        unsigned long pid;
        if (!guest_number(entry->d_name, INT32_MAX, &pid))
            continue;
        snprintf(path, sizeof path, "/proc/%.16s", entry->d_name);
        if (stat(path, &info) == 0 && info.st_uid == uid)
            found = kill((pid_t)pid, number) == 0 || found;
    }
    if (folder)
        closedir(folder);
    return found;
}

/* Nothing tells of the end of processes that are not ours. */
static void rest(void)
{
    poll(NULL, 0, AGAIN_MS);
}

void agent_processes_end(unsigned uid)
{
    char slice[96];
    Failure ignored;
    snprintf(slice, sizeof slice, "/sys/fs/cgroup/user.slice/user-%u.slice/cgroup.kill", uid);
    guest_file_poke(slice, "1", &ignored); /* those that fork meanwhile too (Linux 5.14) */
    for (int64_t end = now_ms() + END_MS; signal_all(uid, SIGKILL) && now_ms() < end;)
        rest();
}

bool agent_home_unmount(const AgentAccount *person, Failure *failure)
{
    agent_processes_end(person->uid);
    if (!agent_home_is_mounted(person->home))
        return true;
    for (int64_t end = now_ms() + END_MS; umount2(person->home, 0) < 0;) {
        if (errno != EBUSY || now_ms() >= end)
            return failure_set_errno(failure, errno, "the user disk is still in use");
        rest();
    }
    rmdir(person->home);
    return true;
}
