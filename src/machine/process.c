#include "machine/process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/close_range.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/number.h"
#include "machine/sandbox.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif
#define PROC_STAT_LIMIT 4096
#define PROC_STAT_START_TIME 22
#define CHILD_HIGH_FD 64 /* descriptors are parked above this before they get their places */

static int pidfd_of(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

/* Field 22; the second field, the name in brackets, may hold anything, so count from the last bracket. */
static bool parse_start_time(const char *stat, uint64_t *ret)
{
    const char *after = strrchr(stat, ')');
    if (!after)
        return false;
    g_auto(GStrv) fields = g_strsplit(after + 1, " ", PROC_STAT_START_TIME);
    guint index = PROC_STAT_START_TIME - 2; /* the text begins with a space: fields[1] is field 3 */
    return g_strv_length(fields) > index &&
           number_parse(fields[index], 0, UINT64_MAX, "start time", ret, NULL);
}

static bool read_boot_id(char *ret, GError **error)
{
    g_autofree char *text = file_read("/proc/sys/kernel/random/boot_id", 64, NULL, error);
    if (!text)
        return false;
    g_strlcpy(ret, g_strstrip(text), PROCESS_BOOT_ID + 1);
    return true;
}

bool process_identify(pid_t pid, ProcessIdentity *ret, GError **error)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/stat", (int)pid);
    g_autofree char *stat = file_read(path, PROC_STAT_LIMIT, NULL, NULL);
    ProcessIdentity identity = {.pid = pid};
    if (!stat || !parse_start_time(stat, &identity.start_time))
        return oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "process %d is gone", (int)pid);
    if (!read_boot_id(identity.boot_id, error))
        return false;
    *ret = identity;
    return true;
}

int process_open(const ProcessIdentity *identity, const char *folder, GError **error)
{
    autofd int pidfd = identity->pid > 1 ? pidfd_of(identity->pid) : -1;
    ProcessIdentity now;
    /* The pidfd first: what is read of /proc/PID afterwards is of the same process or of none. */
    bool same = pidfd >= 0 && process_identify(identity->pid, &now, NULL) &&
                now.start_time == identity->start_time && g_str_equal(now.boot_id, identity->boot_id);
    g_autofree char *link = g_strdup_printf("/proc/%d/cwd", (int)identity->pid);
    g_autofree char *cwd = same ? g_file_read_link(link, NULL) : NULL;
    g_autofree char *real = realpath(folder, NULL);
    if (!same || g_strcmp0(cwd, real) != 0) {
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "no machine runs in \"%s\"", folder);
        return -1;
    }
    return fd_steal(&pidfd);
}

void process_nice_threads(const ProcessIdentity *identity, const char *prefix, int niceness)
{
    g_autofree char *folder = g_strdup_printf("/proc/%d/task", (int)identity->pid);
    g_autoptr(GDir) threads = g_dir_open(folder, 0, NULL);
    const char *thread;
    while (threads && (thread = g_dir_read_name(threads))) {
        g_autofree char *path = g_build_filename(folder, thread, "comm", NULL);
        g_autofree char *name = file_read(path, PROC_STAT_LIMIT, NULL, NULL);
        guint64 id;
        if (name && g_str_has_prefix(name, prefix) && g_ascii_string_to_unsigned(thread, 10, 1, G_MAXINT, &id, NULL))
            setpriority(PRIO_PROCESS, (id_t)id, niceness);
    }
}

bool process_signal(int pidfd, int signal, GError **error)
{
    if (syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) < 0 && errno != ESRCH)
        return oriel_fail_errno(error, errno, "cannot signal QEMU");
    return true;
}

bool process_reap(int pidfd, int *ret_status)
{
    siginfo_t info = {0};
    if (waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
        return false;
    *ret_status = info.si_code == CLD_EXITED ? W_EXITCODE(info.si_status, 0) : W_EXITCODE(0, info.si_status);
    return true;
}

bool process_wait(int pidfd, int64_t limit_ms, int *ret_status)
{
    int64_t deadline = clock_monotonic_ms() + limit_ms;
    struct pollfd wait = {.fd = pidfd, .events = POLLIN};
    for (;;) {
        int64_t left_ms = MAX(deadline - clock_monotonic_ms(), 0);
        int ready = poll(&wait, 1, (int)MIN(left_ms, G_MAXINT));
        int status;
        if (ready > 0 && process_reap(pidfd, &status) && ret_status)
            *ret_status = status;
        if (ready > 0)
            return true;
        if (ready == 0 || errno != EINTR)
            return false;
    }
}

typedef struct {
    const ProcessSpec *spec;
    int go;      /* read end: one byte is the word to execute */
    int trouble; /* write end, close-on-exec: errno of what failed */
    int null;
} Child;

static void child_fail(int trouble)
{
    int saved = errno;
    while (write(trouble, &saved, sizeof saved) < 0 && errno == EINTR)
        continue;
    _exit(127);
}

/* Puts each descriptor in its place; parked high first, since a place may be another's number. */
static int child_place_fds(const Child *child)
{
    const ProcessSpec *spec = child->spec;
    int parked[8];
    for (size_t i = 0; i < spec->fd_count; i++)
        if ((parked[i] = fcntl(spec->fds[i], F_DUPFD_CLOEXEC, CHILD_HIGH_FD)) < 0)
            return -1;
    if (dup2(child->null, 0) < 0 || dup2(spec->output, 1) < 0 || dup2(spec->output, 2) < 0)
        return -1;
    for (size_t i = 0; i < spec->fd_count; i++)
        if (dup2(parked[i], PROCESS_FIRST_FD + (int)i) < 0)
            return -1;
    return close_range(PROCESS_FIRST_FD + (unsigned)spec->fd_count, ~0U, CLOSE_RANGE_CLOEXEC);
}

/* Between fork and exec of a threaded process: system calls only. */
G_GNUC_NORETURN static void child_run(const Child *original)
{
    static const char *const environment[] = {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "GIO_USE_VFS=local",
                                              NULL};
    Child child = *original;
    char word;
    sigset_t none;
    sigemptyset(&none);
    child.trouble = fcntl(original->trouble, F_DUPFD_CLOEXEC, CHILD_HIGH_FD);
    int ruleset = child.spec->ruleset < 0 ? -1 : fcntl(child.spec->ruleset, F_DUPFD_CLOEXEC, CHILD_HIGH_FD);
    if (setsid() < 0 || sigprocmask(SIG_SETMASK, &none, NULL) < 0 || signal(SIGPIPE, SIG_DFL) == SIG_ERR)
        child_fail(child.trouble);
    if (read(child.go, &word, 1) != 1)
        _exit(126); /* nobody wrote us down */
    if (chdir(child.spec->folder) < 0 || child_place_fds(&child) < 0 ||
        (ruleset >= 0 && sandbox_enter(ruleset) < 0))
        child_fail(child.trouble);
    execve(child.spec->arguments[0], (char *const *)child.spec->arguments, (char *const *)environment);
    child_fail(child.trouble);
    _exit(127);
}

/* Records the newborn child, gives it the word, and waits until it executes the program. */
static bool child_release(const ProcessSpec *spec, const ProcessIdentity *identity, int go, int trouble,
                          GError **error)
{
    if (spec->record && !spec->record(identity, spec->data, error))
        return false;
    if (!fd_write_all(go, "", 1, error))
        return false;
    int failure = 0;
    ssize_t got;
    do
        got = read(trouble, &failure, sizeof failure);
    while (got < 0 && errno == EINTR);
    if (got > 0)
        return oriel_fail_errno(error, failure, "cannot execute \"%s\"", spec->arguments[0]);
    return true;
}

static bool pipe_make(int *ret_read, int *ret_write, GError **error)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return oriel_fail_errno(error, errno, "cannot start a process");
    *ret_read = ends[0];
    *ret_write = ends[1];
    return true;
}

int process_start(const ProcessSpec *spec, ProcessIdentity *ret_identity, GError **error)
{
    autofd int go_read = -1, go_write = -1, trouble_read = -1, trouble_write = -1;
    autofd int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    g_return_val_if_fail(spec->fd_count <= 8, -1);
    if (!pipe_make(&go_read, &go_write, error) || !pipe_make(&trouble_read, &trouble_write, error))
        return -1;
    const Child child = {.spec = spec, .go = go_read, .trouble = trouble_write, .null = null};
    pid_t pid = fork();
    if (pid < 0) {
        oriel_fail_errno(error, errno, "cannot start a process");
        return -1;
    }
    if (pid == 0) {
        close(go_write); /* else our own copy would hide the parent's death */
        child_run(&child);
    }
    fd_clear(&trouble_write);
    autofd int pidfd = pidfd_of(pid);
    ProcessIdentity identity;
    if (pidfd < 0)
        oriel_fail_errno(error, errno, "cannot watch a process");
    if (pidfd >= 0 && process_identify(pid, &identity, error) &&
        child_release(spec, &identity, go_write, trouble_read, error)) {
        *ret_identity = identity;
        return fd_steal(&pidfd);
    }
    kill(pid, SIGKILL); /* our own child, not yet reaped: the pid is still its */
    waitpid(pid, NULL, 0);
    return -1;
}
