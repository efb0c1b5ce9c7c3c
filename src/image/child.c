#include "image/child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/error.h"
#include "base/file.h"

#define NICENESS 10

/* Between fork and exec: only calls that signal-safety(7) allows. */
static void prepare(gpointer data)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL); /* what the caller's thread blocks, its children must not */
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a build without its builder would go on in a folder that gets swept */
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

/* Until the last holder of the pipe's other end is gone. Returns false if it was cancelled. */
static bool read_output(const Child *child, int output, pid_t pid)
{
    g_autoptr(GString) line = g_string_new(NULL);
    int cancel = g_cancellable_get_fd(child->cancellable);
    bool cancelled = false;
    for (;;) {
        char block[16384];
        struct pollfd fds[2] = {{output, POLLIN, 0}, {cancelled ? -1 : cancel, POLLIN, 0}};
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            break;
        if (fds[1].revents && !cancelled) {
            cancelled = true;
            kill(-pid, SIGKILL);
        }
        if (!fds[0].revents)
            continue;
        ssize_t got = read(output, block, sizeof block);
        if (got <= 0 && errno != EINTR)
            break;
        if (got > 0)
            take_output(child, line, block, (size_t)got);
        if (got == 0)
            break;
    }
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
    kill(-pid, SIGKILL); /* stragglers of its group; the group's number cannot be reused while one is left */
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
    return wait_for(child, pid, read_output(child, output, pid), error);
}
