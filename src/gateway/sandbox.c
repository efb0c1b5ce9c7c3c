#include "gateway/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

unsigned sandbox_limits(void)
{
    struct rlimit none = {0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0); /* neither core dumps nor ptrace: keys are in our memory */
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) < 0)
        return 1024;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    return (unsigned)MIN(files.rlim_cur, (rlim_t)G_MAXINT);
}

/* ---- user and capabilities ---- */

static const struct passwd *user_find(const char *user, GError **error)
{
    const struct passwd *entry = getpwnam(user);
    if (!entry)
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "gateway_user \"%s\": this host has no such user", user);
    return entry;
}

bool sandbox_give(const char *path, const char *user, GError **error)
{
    const struct passwd *entry = user_find(user, error);
    if (entry && chown(path, entry->pw_uid, entry->pw_gid) < 0)
        return oriel_fail_errno(error, errno, "\"%s\": cannot be given to user \"%s\"", path, user);
    return entry != NULL;
}

static bool user_become(const char *user, GError **error)
{
    const struct passwd *entry = user_find(user, error);
    if (!entry)
        return false;
    if (initgroups(user, entry->pw_gid) < 0 || setgid(entry->pw_gid) < 0 || setuid(entry->pw_uid) < 0)
        return oriel_fail_errno(error, errno, "gateway_user \"%s\": cannot become that user", user);
    return true;
}

static bool capabilities_drop(GError **error)
{
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability) >= 0; capability++)
        prctl(PR_CAPBSET_DROP, capability); /* fails without CAP_SETPCAP, and then there is nothing to drop */
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};
    if (syscall(SYS_capset, &header, none) < 0)
        return oriel_fail_errno(error, errno, "cannot give up capabilities");
    return true;
}

bool sandbox_user(const char *user, GError **error)
{
    if (user && geteuid() == 0 && !user_become(user, error))
        return false;
    if (!capabilities_drop(error))
        return false;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return oriel_fail_errno(error, errno, "cannot give up new privileges");
    prctl(PR_SET_DUMPABLE, 0); /* becoming another user may have set it */
    return true;
}

/* ---- Landlock (landlock(7)) ---- */

/* Of later kernels than Debian 12's headers; all ABIs so far fit into this. */
#define ACCESS_FS_REFER (1ULL << 13)     /* ABI 2 */
#define ACCESS_FS_TRUNCATE (1ULL << 14)  /* ABI 3 */
#define ACCESS_FS_IOCTL_DEV (1ULL << 15) /* ABI 5 */
#define ACCESS_NET_ALL 3ULL              /* ABI 4: bind and connect of TCP */
#define SCOPE_SIGNAL (1ULL << 1)         /* ABI 6 */

typedef struct {
    uint64_t files, network, scope;
} Rules;

static Rules rules_of(int abi)
{
    Rules rules = {.files = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1}; /* all of ABI 1 */
    rules.files |= abi >= 2 ? ACCESS_FS_REFER : 0;
    rules.files |= abi >= 3 ? ACCESS_FS_TRUNCATE : 0;
    rules.files |= abi >= 5 ? ACCESS_FS_IOCTL_DEV : 0;
    rules.network = abi >= 4 ? ACCESS_NET_ALL : 0;
    rules.scope = abi >= 6 ? SCOPE_SIGNAL : 0;
    return rules;
}

static bool folder_allow(int ruleset, const char *folder, GError **error)
{
    autofd int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct landlock_path_beneath_attr rule = {
        .allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR, .parent_fd = fd};
    if (fd < 0 || syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
        return oriel_fail_errno(error, errno, "folder \"%s\": cannot be opened for the gateway", folder);
    return true;
}

bool sandbox_files(const char *const *folders, bool *ret_held, GError **error)
{
    *ret_held = false;
    int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1)
        return true; /* ENOSYS: before 5.13; EOPNOTSUPP: switched off at boot */
    Rules rules = rules_of(abi);
    size_t size = abi >= 6 ? sizeof rules : abi >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
    autofd int ruleset = (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
    if (ruleset < 0)
        return oriel_fail_errno(error, errno, "Landlock cannot be set up");
    for (size_t i = 0; folders[i]; i++)
        if (!folder_allow(ruleset, folders[i], error))
            return false;
    if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
        return oriel_fail_errno(error, errno, "Landlock cannot be switched on");
    *ret_held = true;
    return true;
}
