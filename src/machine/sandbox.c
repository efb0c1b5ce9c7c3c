#include "machine/sandbox.h"

#include <errno.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/error.h"
#include "base/file.h"

/* Debian 12's headers end at ABI 2; these are of the kernel's documentation. */
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14) /* ABI 3 */
#endif
#define SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0) /* ABI 6 */
#define SCOPE_SIGNAL (1ULL << 1)

#define ACCESS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define ACCESS_ALL_ABI_1 ((1ULL << 13) - 1)
#define ACCESS_OWN                                                                                           \
    (ACCESS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE |                          \
     LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_TRUNCATE)
#define ACCESS_FILE                                                                                          \
    (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_EXECUTE |             \
     LANDLOCK_ACCESS_FS_TRUNCATE)

/* The attribute as ABI 6 has it; older kernels are given only as much of it as they know. */
typedef struct {
    uint64_t handled_access_fs;
    uint64_t handled_access_net;
    uint64_t scoped;
} RulesetAttribute;

int sandbox_abi(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return abi > 0 ? (int)abi : 0;
}

static uint64_t handled_access(int abi)
{
    uint64_t handled = ACCESS_ALL_ABI_1;
    if (abi >= 2)
        handled |= LANDLOCK_ACCESS_FS_REFER;
    if (abi >= 3)
        handled |= LANDLOCK_ACCESS_FS_TRUNCATE;
    return handled;
}

static bool rule_add(int ruleset, const char *path, uint64_t access, GError **error)
{
    autofd int fd = open(path, O_PATH | O_CLOEXEC);
    struct stat info;
    if (fd < 0 && errno == ENOENT)
        return true;
    if (fd < 0 || fstat(fd, &info) < 0)
        return oriel_fail_errno(error, errno, "cannot confine QEMU: \"%s\"", path);
    if (!S_ISDIR(info.st_mode))
        access &= ACCESS_FILE;
    struct landlock_path_beneath_attr rule = {.allowed_access = access & handled_access(sandbox_abi()),
                                              .parent_fd = fd};
    if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
        return oriel_fail_errno(error, errno, "cannot confine QEMU: \"%s\"", path);
    return true;
}

/* What any QEMU needs: its libraries, modules, firmware; its own /proc; and of /etc, where secrets are too, what strace saw
 * at a start (loader, time zone, libnl) and what names and the TLS libraries take later. A file's rule is of the inode: where resolv.conf is replaced and not in a folder below, a
 * machine that runs cannot read the new one (docs/security.md). */
static bool rules_add_system(int ruleset, const SandboxSpec *spec, GError **error)
{
    static const char *const programs[] = {"/usr", "/lib", "/lib64"};
    static const char *const readable[] = {
        "/proc", "/sys", "/run/systemd/resolve", "/run/resolvconf",
        "/etc/ld.so.cache", "/etc/ld.so.preload", "/etc/localtime", /* any program */
        "/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf",
        "/etc/services", /* user-mode networking: libslirp and libc */
        "/etc/ssl/openssl.cnf", "/etc/gnutls", "/etc/crypto-policies", "/etc/libnl", /* libraries it links */
    };
    static const char *const devices[] = {"/dev/null", "/dev/zero", "/dev/urandom", "/dev/random"};
    for (size_t i = 0; i < G_N_ELEMENTS(programs); i++)
        if (!rule_add(ruleset, programs[i], ACCESS_READ | LANDLOCK_ACCESS_FS_EXECUTE, error))
            return false;
    for (size_t i = 0; i < G_N_ELEMENTS(readable); i++)
        if (!rule_add(ruleset, readable[i], ACCESS_READ, error))
            return false;
    for (size_t i = 0; i < G_N_ELEMENTS(devices); i++)
        if (!rule_add(ruleset, devices[i], LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE,
                      error))
            return false;
    return rule_add(ruleset, spec->program, ACCESS_READ | LANDLOCK_ACCESS_FS_EXECUTE, error) &&
           (!spec->kvm || rule_add(ruleset, "/dev/kvm",
                                   LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE, error));
}

int sandbox_open(const SandboxSpec *spec, GError **error)
{
    int abi = sandbox_abi();
    if (abi == 0)
        return -1;
    RulesetAttribute attribute = {.handled_access_fs = handled_access(abi)};
    size_t size = abi >= 6 ? sizeof attribute : sizeof attribute.handled_access_fs;
    if (abi >= 6)
        attribute.scoped = SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL;
    autofd int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attribute, size, 0);
    if (ruleset < 0) {
        oriel_fail_errno(error, errno, "cannot confine QEMU with Landlock");
        return -1;
    }
    if (!rules_add_system(ruleset, spec, error) || !rule_add(ruleset, spec->folder, ACCESS_OWN, error))
        return -1;
    for (const char *const *each = spec->readable; each && *each; each++)
        if (!rule_add(ruleset, *each, ACCESS_READ, error))
            return -1;
    return fd_steal(&ruleset);
}

int sandbox_enter(int ruleset)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -1;
    return (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
}
