/* oriel-init: the only program of an image's initrd. Loads the few modules that reach the disk, mounts it, hands over to
 * the system's own init. A machine's root is always one virtio disk, so nothing has to be searched for and no shell, no
 * udev and no library has to be unpacked: on emulated hosts this saves seconds of every boot. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/module.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guest/failure.h"
#include "guest/file.h"
#include "guest/uevent.h"

#define DISK_WAIT_MS 30000

typedef struct {
    char root[64];    /* "/dev/vda" */
    char type[16];    /* file system */
    char options[128];
    char program[64]; /* what becomes process 1 */
    bool read_only;
} Boot;

/* A line of /modules/list: NAME of a file in /modules. An already built-in module is no failure. */
static void modules_load(void)
{
    char list[4096];
    if (guest_file_read("/modules/list", list, sizeof list) < 0)
        return;
    char *rest = list;
    for (char *name; (name = strsep(&rest, "\n"));) {
        char path[128];
        if (!*name || snprintf(path, sizeof path, "/modules/%s", name) >= (int)sizeof path)
            continue;
        autofd int fd = open(path, O_RDONLY | O_CLOEXEC);
        size_t length = strlen(name);
        bool plain = length > 3 && strcmp(name + length - 3, ".ko") == 0;
        int flags = plain ? 0 : MODULE_INIT_COMPRESSED_FILE; /* "ext4.ko.xz" of Debian 13 */
        if (fd < 0 || (syscall(SYS_finit_module, fd, "", flags) < 0 && errno != EEXIST))
            fprintf(stderr, "oriel-init: module %s: %s\n", name, strerror(errno));
        unlink(path); /* its memory comes back */
    }
    unlink("/modules/list");
}

static void boot_option(const char *word, const char *key, char *value, size_t size)
{
    size_t length = strlen(key);
    if (strncmp(word, key, length) == 0)
        snprintf(value, size, "%s", word + length);
}

static Boot boot_read(void)
{
    Boot boot = {.root = "/dev/vda", .type = "ext4", .program = "/sbin/init"};
    char line[4096];
    if (guest_file_read("/proc/cmdline", line, sizeof line) < 0)
        return boot;
    char *rest = line;
    for (char *word; (word = strsep(&rest, " \n"));) {
        boot_option(word, "root=", boot.root, sizeof boot.root);
        boot_option(word, "rootfstype=", boot.type, sizeof boot.type);
        boot_option(word, "rootflags=", boot.options, sizeof boot.options);
        boot_option(word, "init=", boot.program, sizeof boot.program);
        if (strcmp(word, "ro") == 0)
            boot.read_only = true;
        if (strcmp(word, "rw") == 0)
            boot.read_only = false;
    }
    return boot;
}

/* A virtio disk may be probed after its module has been loaded: wait for the kernel to say so. */
static bool disk_wait(int events, const char *device)
{
    struct stat info;
    while (stat(device, &info) < 0) {
        struct pollfd waiting = {events, POLLIN, 0};
        if (poll(&waiting, 1, DISK_WAIT_MS) <= 0)
            return false;
        Uevent event;
        while (uevent_next(events, &event))
            ;
    }
    return true;
}

static int give_up(const char *what, const char *detail)
{
    fprintf(stderr, "oriel-init: cannot start this system: %s %s: %s. Powering off.\n", what, detail, strerror(errno));
    sync();
    reboot(RB_POWER_OFF);
    return 1;
}

static void mount_move(const char *name, const char *to)
{
    if (mount(name, to, NULL, MS_MOVE, NULL) < 0)
        umount2(name, MNT_DETACH);
}

int main(void)
{
    mount("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, "mode=0755");
    int console = open("/dev/console", O_RDWR);
    for (int fd = 0; console >= 0 && fd < 3; fd++)
        dup2(console, fd);
    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    autofd int events = uevent_open();
    modules_load();
    Boot boot = boot_read();
    if (!disk_wait(events, boot.root))
        return give_up("no disk", boot.root);
    unsigned long flags = boot.read_only ? MS_RDONLY : 0;
    if (mount(boot.root, "/root", boot.type, flags, boot.options[0] ? boot.options : NULL) < 0)
        return give_up("cannot mount", boot.root);
    unlink("/init");
    mount_move("/dev", "/root/dev");
    mount_move("/proc", "/root/proc");
    mount_move("/sys", "/root/sys");
    if (chdir("/root") < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 || chdir("/") < 0)
        return give_up("cannot enter", boot.root);
    execl(boot.program, boot.program, (char *)NULL);
    return give_up("cannot run", boot.program);
}
