#include "image/child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/error.h"
#include "base/file.h"

#define NICENESS 19 /* as the processors of machines */

/* Between fork and exec: only calls that signal-safety(7) allows. */
static void prepare(gpointer data)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL); /* what the caller's thread blocks, its children must not */
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a build without its builder would go on in a folder that gets swept */
    umask(022); /* the daemon's own would leave folders in the image that its users may not enter */
    setpgid(0, 0);
    setpriority(PRIO_PROCESS, 0, NICENESS);
}

static void say(const Child *child, GString *line)
{
    g_autofree char *text = g_utf8_make_valid(line->str, (gssize)line->len);
    if (child->line && *text)
        child->line(child->data, text);
    g_string_truncate(line, 0);
}

static void take_output(const Child *child, GString *line, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == '\n' || bytes[i] == '\r' || line->len >= CHILD_LINE / 4) /* make_valid may triple it */
            say(child, line);
        if (bytes[i] != '\n' && bytes[i] != '\r' && bytes[i] != '\0')
            g_string_append_c(line, bytes[i]);
    }
}

/* Bytes taken; 0 or less at the end of the output. */
static ssize_t read_block(const Child *child, int output, GString *line, size_t most)
{
    char block[16384];
    ssize_t got;
    do
        got = read(output, block, MIN(sizeof block, most));
    while (got < 0 && errno == EINTR);
    if (got > 0)
        take_output(child, line, block, (size_t)got);
    return got;
}

/* What is in the pipe now and no more: somebody that has left the group may hold the other end, or write, forever. */
static void drain(const Child *child, int output, GString *line)
{
    int left = 0;
    if (output < 0 || ioctl(output, FIONREAD, &left) < 0)
        return;
    for (ssize_t got; left > 0; left -= (int)got)
        if ((got = read_block(child, output, line, (size_t)left)) <= 0)
            return;
}

/* Until the child itself has ended. Its end counts, not the pipe's: unshare(1), refused its namespace, exits and leaves a
 * child of its own behind that waits forever and holds the pipe. Returns false if it was cancelled. */
static bool read_output(const Child *child, int output, int pidfd, pid_t pid)
{
    g_autoptr(GString) line = g_string_new(NULL);
    int cancel = g_cancellable_get_fd(child->cancellable);
    bool cancelled = false;
    struct pollfd fds[3] = {{output, POLLIN, 0}, {pidfd, POLLIN, 0}, {cancel, POLLIN, 0}};
    while (!fds[1].revents) {
        if (poll(fds, 3, -1) < 0) {
            if (errno == EINTR)
                continue;
            break;
        }
        if (fds[2].revents) {
            cancelled = true;
            kill(-pid, SIGKILL);
            fds[2] = (struct pollfd){-1, 0, 0};
        }
        if (!fds[1].revents && fds[0].revents && read_block(child, output, line, SIZE_MAX) <= 0)
            fds[0] = (struct pollfd){-1, 0, 0};
    }
    kill(-pid, SIGKILL); /* stragglers of its group, whose number is not free before the child is reaped */
    drain(child, fds[0].fd, line);
    say(child, line);
    if (cancel >= 0)
        g_cancellable_release_fd(child->cancellable);
    return !cancelled;
}

static bool wait_for(const Child *child, pid_t pid, bool finished, GError **error)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (!finished || g_cancellable_is_cancelled(child->cancellable))
        return oriel_fail(error, ORIEL_ERROR_CANCELLED, "%s was cancelled", child->argv[0]);
    if (WIFSIGNALED(status))
        return oriel_fail(error, ORIEL_ERROR_INTERNAL, "%s was ended by signal %d", child->argv[0], WTERMSIG(status));
    if (WEXITSTATUS(status) != 0)
        return oriel_fail(error, ORIEL_ERROR_INTERNAL, "%s failed with status %d", child->argv[0], WEXITSTATUS(status));
    return true;
}

bool child_run(const Child *child, GError **error)
{
    if (g_cancellable_is_cancelled(child->cancellable))
        return oriel_fail(error, ORIEL_ERROR_CANCELLED, "%s was cancelled", child->argv[0]);
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return oriel_fail_errno(error, errno, "%s: cannot make a pipe", child->argv[0]);
    autofd int output = ends[0];
    autofd int input = ends[1];
    GError *reason = NULL;
    GPid pid;
    GSpawnFlags flags = G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_SEARCH_PATH_FROM_ENVP;
    if (!g_spawn_async_with_fds(child->folder, (char **)child->argv, child->environment, flags, prepare, NULL, &pid, -1,
                                input, input, &reason)) {
        oriel_fail(error, ORIEL_ERROR_UNSUPPORTED, "%s cannot be started: %s", child->argv[0], reason->message);
        g_error_free(reason);
        return false;
    }
    fd_clear(&input);
    autofd int pidfd = pidfd_open(pid, 0);
    int refused = errno;
    if (pidfd < 0) {
        kill(-pid, SIGKILL);
        waitpid(pid, NULL, 0);
        return oriel_fail_errno(error, refused, "%s: cannot be watched", child->argv[0]);
    }
    return wait_for(child, pid, read_output(child, output, pidfd, pid), error);
}
