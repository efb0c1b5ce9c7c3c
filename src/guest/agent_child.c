#include "guest/agent_child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest/file.h"

static const char *const MINIMAL_ENVIRONMENT[] = {
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG=C.UTF-8",
    NULL,
};

/* In the child, after fork. glibc's initgroups would need its dynamic name services, which a static program lacks: a
 * desktop user's supplementary groups matter to no program that the agent runs. */
static void become(uid_t uid)
{
    struct stat home;
    char path[64];
    gid_t gid = uid;
    snprintf(path, sizeof path, "/run/user/%u", (unsigned)uid);
    if (stat(path, &home) == 0)
        gid = home.st_gid;
    if (setgroups(0, NULL) < 0 || setgid(gid) < 0 || setuid(uid) < 0)
        _exit(126);
}

static void run_in_child(const AgentChild *child, int output)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid();
    int nothing = open("/dev/null", O_RDWR);
    for (int fd = 0; nothing >= 0 && fd < 3; fd++)
        dup2(fd == STDOUT_FILENO && output >= 0 ? output : nothing, fd);
    if (child->stream > 0)
        dup2(child->stream, STDIN_FILENO);
    Failure ignored; /* outside of it the program may still be of use */
    if (child->cgroup)
        guest_file_poke(child->cgroup, "0", &ignored);
    if (child->uid != 0)
        become(child->uid);
    const char *const *environment = child->environment ? child->environment : MINIMAL_ENVIRONMENT;
    execvpe(child->argv[0], (char *const *)child->argv, (char *const *)environment);
    _exit(127);
}

bool agent_child_start(const AgentChild *child, Failure *failure)
{
    pid_t pid = fork();
    if (pid < 0)
        return failure_set_errno(failure, errno, "cannot start %.64s", child->argv[0]);
    if (pid == 0) {
        if (fork() == 0)
            run_in_child(child, -1);
        _exit(0); /* init looks after it from here */
    }
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return true;
}

/* After its end: what it wrote waits in the pipe. */
static void take_output(const AgentChild *child, int pipe)
{
    ssize_t got = read(pipe, child->output, child->output_size - 1);
    child->output[got > 0 ? got : 0] = '\0';
}

int agent_child_open(const AgentChild *child, pid_t *ret_pid, Failure *failure)
{
    int ends[2] = {-1, -1};
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
        failure_set_errno(failure, errno, "cannot start %.64s", child->argv[0]);
        return -1;
    }
    autofd int output = ends[0];
    autofd int input = ends[1];
    *ret_pid = fork();
    if (*ret_pid == 0)
        run_in_child(child, input);
    if (*ret_pid < 0) {
        failure_set_errno(failure, errno, "cannot start %.64s", child->argv[0]);
        return -1;
    }
    int kept = output;
    output = -1;
    return kept;
}

int agent_child_reap(pid_t pid, int timeout_ms)
{
    autofd int handle = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd waiting = {handle, POLLIN, 0};
    if (handle < 0 || poll(&waiting, 1, timeout_ms) <= 0)
        kill(pid, SIGKILL);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool agent_child_run(const AgentChild *child, Failure *failure)
{
    int ends[2] = {-1, -1};
    if (child->output && pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return failure_set_errno(failure, errno, "cannot start %.64s", child->argv[0]);
    autofd int output = ends[0];
    autofd int input = ends[1];
    pid_t pid = fork();
    if (pid == 0)
        run_in_child(child, input);
    if (pid < 0)
        return failure_set_errno(failure, errno, "cannot start %.64s", child->argv[0]);
    autofd int handle = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd waiting = {handle, POLLIN, 0};
    int ended;
    do
        ended = handle < 0 ? 1 : poll(&waiting, 1, child->timeout_ms);
    while (ended < 0 && errno == EINTR);
    if (ended <= 0)
        kill(-pid, SIGKILL);
    if (ended <= 0)
        kill(pid, SIGKILL); /* before its setsid the group does not exist yet */
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (child->output)
        take_output(child, output);
    if (ended <= 0)
        return failure_set(failure, "%.64s took more than %d ms and was ended", child->argv[0], child->timeout_ms);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        return failure_set(failure, "%.64s is not installed", child->argv[0]);
    if (!WIFEXITED(status) || WEXITSTATUS(status) > child->status_most)
        return failure_set(failure, "%.64s failed with status %d", child->argv[0],
                           WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return true;
}
