#include "guest/agent_identity.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/random.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "guest/agent_child.h"
#include "guest/agent_freezer.h"
#include "guest/file.h"

#define SSH_KEY "/etc/ssh/ssh_host_ed25519_key"
#define TOOL_MS 20000

typedef bool (*IdentityStep)(const AgentRequest *request, Failure *failure);

static bool apply_clock(const AgentRequest *request, Failure *failure)
{
    struct timespec time = {request->time_ms / 1000, request->time_ms % 1000 * 1000000};
    if (clock_settime(CLOCK_REALTIME, &time) < 0)
        return failure_set_errno(failure, errno, "cannot set the clock");
    return true;
}

static bool apply_entropy(const AgentRequest *request, Failure *failure)
{
    union {
        struct rand_pool_info info;
        unsigned char room[sizeof(struct rand_pool_info) + AGENT_ENTROPY_BYTES];
    } pool = {.info = {.entropy_count = (int)request->entropy_length * 8, .buf_size = (int)request->entropy_length}};
    memcpy(pool.room + sizeof(struct rand_pool_info), request->entropy, request->entropy_length);
    autofd int fd = open("/dev/urandom", O_WRONLY | O_CLOEXEC);
    bool mixed = fd >= 0 && ioctl(fd, RNDADDENTROPY, &pool) == 0 && ioctl(fd, RNDRESEEDCRNG) == 0;
    int saved = errno;
    explicit_bzero(&pool, sizeof pool);
    return mixed || failure_set_errno(failure, saved, "cannot feed the random number generator");
}

bool agent_identity_write_machine_id(const char *root, const char *machine_id, Failure *failure)
{
    char path[PATH_MAX], text[40];
    struct stat info;
    snprintf(text, sizeof text, "%s\n", machine_id);
    snprintf(path, sizeof path, "%s/etc/machine-id", root);
    if (!guest_file_replace(path, text, 0444, failure))
        return false;
    /* D-Bus's own copy; usually a link to /etc/machine-id */
    snprintf(path, sizeof path, "%s/var/lib/dbus/machine-id", root);
    if (lstat(path, &info) == 0 && S_ISREG(info.st_mode))
        return guest_file_replace(path, text, 0444, failure);
    return true;
}

static bool apply_machine_id(const AgentRequest *request, Failure *failure)
{
    /* A first boot with a read-only or empty file leaves a transient id mounted over it. */
    umount2("/etc/machine-id", MNT_DETACH);
    return agent_identity_write_machine_id("", request->machine_id, failure);
}

/* /etc/hosts with its 127.0.1.1 line (Debian's place of the own name) replaced or added. */
static bool write_hosts(const char *path, const char *hostname, Failure *failure)
{
    char old[16384], text[sizeof old + 128];
    if (guest_file_read(path, old, sizeof old) < 0)
        snprintf(old, sizeof old, "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
    size_t used = (size_t)snprintf(text, sizeof text, "127.0.1.1\t%s\n", hostname);
    char *rest = old;
    for (char *line; (line = strsep(&rest, "\n"));) {
        bool ours = strncmp(line, "127.0.1.1", 9) == 0;
        if (!ours && *line && used < sizeof text)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s\n", line);
    }
    return guest_file_replace(path, text, 0644, failure);
}

bool agent_identity_write_hostname(const char *root, const char *hostname, Failure *failure)
{
    char path[PATH_MAX], text[80];
    snprintf(text, sizeof text, "%s\n", hostname);
    snprintf(path, sizeof path, "%s/etc/hostname", root);
    if (!guest_file_replace(path, text, 0644, failure))
        return false;
    snprintf(path, sizeof path, "%s/etc/hosts", root);
    return write_hosts(path, hostname, failure);
}

static bool apply_hostname(const AgentRequest *request, Failure *failure)
{
    if (sethostname(request->hostname, strlen(request->hostname)) < 0)
        return failure_set_errno(failure, errno, "cannot set the host name");
    return agent_identity_write_hostname("", request->hostname, failure) &&
           agent_identity_write_place("", request, failure);
}

/* Locale, keyboard and time zone, for programs that start from now on. */
bool agent_identity_write_place(const char *root, const AgentRequest *request, Failure *failure)
{
    char path[PATH_MAX], text[256];
    struct stat info;
    if (request->locale[0]) {
        snprintf(path, sizeof path, "%s/etc/default/locale", root);
        snprintf(text, sizeof text, "LANG=%s\n", request->locale);
        if (!guest_file_replace(path, text, 0644, failure))
            return false;
    }
    if (request->keyboard[0]) {
        snprintf(path, sizeof path, "%s/etc/default/keyboard", root);
        snprintf(text, sizeof text, "XKBMODEL=pc105\nXKBLAYOUT=%s\nXKBVARIANT=\nXKBOPTIONS=\nBACKSPACE=guess\n",
                 request->keyboard);
        if (!guest_file_replace(path, text, 0644, failure))
            return false;
    }
    if (!request->time_zone[0])
        return true;
    snprintf(path, sizeof path, "%s/usr/share/zoneinfo/%s", root, request->time_zone);
    if (stat(path, &info) < 0 || !S_ISREG(info.st_mode))
        return failure_set(failure, "time zone %s is not installed", request->time_zone);
    snprintf(text, sizeof text, "../usr/share/zoneinfo/%s", request->time_zone);
    snprintf(path, sizeof path, "%s/etc/localtime", root);
    unlink(path);
    if (symlink(text, path) < 0)
        return failure_set_errno(failure, errno, "cannot set the time zone");
    return true;
}

/* Only Ed25519: an RSA key takes up to a second (trap 13). Nothing to do where no SSH server is installed. */
static bool apply_ssh_key(const AgentRequest *request, Failure *failure)
{
    static const char *const OTHERS[] = {"rsa", "ecdsa", "dsa"};
    if (access("/usr/sbin/sshd", X_OK) < 0)
        return true;
    for (size_t i = 0; i < sizeof OTHERS / sizeof OTHERS[0]; i++) {
        char path[64];
        snprintf(path, sizeof path, "/etc/ssh/ssh_host_%s_key", OTHERS[i]);
        unlink(path);
        snprintf(path, sizeof path, "/etc/ssh/ssh_host_%s_key.pub", OTHERS[i]);
        unlink(path);
    }
    unlink(SSH_KEY);
    unlink(SSH_KEY ".pub");
    const char *const argv[] = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", SSH_KEY, NULL};
    AgentChild keygen = {.argv = argv, .timeout_ms = TOOL_MS};
    return agent_child_run(&keygen, failure);
}

static bool apply_thaw(const AgentRequest *request, Failure *failure)
{
    return agent_users_thaw(failure);
}

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

void agent_identity_apply(const AgentRequest *request, IdentityResult *result)
{
    static const struct {
        const char *name;
        IdentityStep apply;
    } STEPS[IDENTITY_STEPS] = {
        {"clock", apply_clock},       {"entropy", apply_entropy}, {"machine-id", apply_machine_id},
        {"hostname", apply_hostname}, {"ssh-key", apply_ssh_key}, {"thaw", apply_thaw},
    };
    *result = (IdentityResult){.count = IDENTITY_STEPS};
    for (size_t i = 0; i < IDENTITY_STEPS; i++) {
        Failure failure = {""};
        int64_t start = now_us();
        if (!STEPS[i].apply(request, &failure) && !result->failure.text[0])
            result->failure = failure;
        result->steps[i] = (AgentStep){STEPS[i].name, now_us() - start};
    }
}
