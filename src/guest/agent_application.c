#include "guest/agent_application.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guest/agent_message.h"
#include "guest/file.h"

#define PARAMETER APPLICATION_PARAMETER "="
#define RUNS_AFTER_MS 2000          /* what cannot even begin has ended by then */
#define HASTY_MS 10000              /* a program that failed so early is not started again at once */
#define HASTY_REST_MS 10000
#define TAIL_BYTES 2048 /* of what it said last */

/* ---- which ---- */

static bool split(AgentApplication *application, size_t length)
{
    size_t count = 0;
    for (char *word = application->text; word < application->text + length; word += strlen(word) + 1) {
        if (count == APPLICATION_WORDS)
            return false;
        application->argv[count++] = word;
    }
    return count > 0 && application->argv[0][0];
}

bool agent_application_parse(const char *command_line, AgentApplication *application)
{
    char coded[APPLICATION_LONGEST * 2];
    *application = (AgentApplication){0};
    const char *at = strstr(command_line, PARAMETER);
    if (!at || (at > command_line && at[-1] != ' '))
        return false;
    at += strlen(PARAMETER);
    size_t length = strcspn(at, " \n");
    if (length == 0 || length >= sizeof coded)
        return false;
    memcpy(coded, at, length);
    coded[length] = '\0';
    int bytes = agent_base64_decode(coded, (unsigned char *)application->text, sizeof application->text - 1);
    if (bytes > 0 && split(application, (size_t)bytes))
        return true;
    *application = (AgentApplication){0};
    return false;
}

bool agent_application_wanted(AgentApplication *application)
{
    char line[4096];
    *application = (AgentApplication){0};
    return guest_file_read("/proc/cmdline", line, sizeof line) > 0 && agent_application_parse(line, application);
}

/* ---- between the session's side and the agent ---- */

static socklen_t address_fill(struct sockaddr_un *address, const char *name)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
                       (size_t)snprintf(address->sun_path + 1, sizeof address->sun_path - 1, "%.60s", name));
}

int agent_application_listen(const char *name)
{
    struct sockaddr_un address;
    socklen_t length = address_fill(&address, name);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&address, length) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static void take_line(AgentApplicationNews *news, const char *from, size_t length)
{
    char *to = news->lines[news->lines_count++];
    if (length > APPLICATION_LINE)
        length = APPLICATION_LINE;
    for (size_t i = 0; i < length; i++)
        to[i] = from[i];
    to[length] = '\0';
    for (char *at = to; *at; at++)
        if (*at < ' ' || *at > '~')
            *at = '?';
}

bool agent_application_hear(int fd, AgentApplicationNews *ret)
{
    char word[APPLICATION_LINES * (APPLICATION_LINE + 1)];
    ssize_t got = recv(fd, word, sizeof word, MSG_DONTWAIT);
    if (got <= 0)
        return false;
    *ret = (AgentApplicationNews){.runs = word[0] == 'R'};
    const char *end = word + got;
    for (const char *at = word + 1; at < end && !ret->runs && ret->lines_count < APPLICATION_LINES;) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((stop ? stop : end) - at);
        if (length > 0)
            take_line(ret, at, length);
        at += length + 1;
    }
    return true;
}

static void tell(const char *name, const char *word, size_t length)
{
    struct sockaddr_un address;
    socklen_t size = address_fill(&address, name);
    autofd int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && sendto(fd, word, length, MSG_DONTWAIT, (struct sockaddr *)&address, size) < 0)
        fprintf(stderr, "oriel-agent: is not there to be told: %s\n", strerror(errno));
}

/* ---- the program ---- */

typedef struct {
    const char *address;
    pid_t pid;
    int handle, output, signals;
    char tail[TAIL_BYTES];
    size_t tail_length;
    bool asked_to_end;
    struct timespec began;
} Run;

static long elapsed_ms(const Run *run)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - run->began.tv_sec) * 1000 + (now.tv_nsec - run->began.tv_nsec) / 1000000;
}

static void run_child(const AgentApplication *application, int output)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    int nothing = open("/dev/null", O_RDONLY);
    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0)
        _exit(126);
    execvp(application->argv[0], application->argv);
    dprintf(STDERR_FILENO, "%.200s: %s\n", application->argv[0], strerror(errno));
    _exit(127);
}

/* All of it goes on to the session's own log. */
static void take_output(Run *run)
{
    char block[512];
    ssize_t got;
    while ((got = read(run->output, block, sizeof block)) > 0) {
        size_t more = (size_t)got, room = sizeof run->tail - run->tail_length;
        if (write(STDERR_FILENO, block, more) < 0)
            errno = 0; /* nobody reads it: it is kept here all the same */
        if (more > room) {
            memmove(run->tail, run->tail + (more - room), run->tail_length - (more - room));
            run->tail_length -= more - room;
        }
        memcpy(run->tail + run->tail_length, block, more);
        run->tail_length += more;
    }
}

static void pass_on(Run *run)
{
    struct signalfd_siginfo info;
    if (read(run->signals, &info, sizeof info) != sizeof info)
        return;
    run->asked_to_end = true;
    kill(run->pid, SIGTERM);
}

static void await_end(Run *run)
{
    bool told = false;
    for (;;) {
        struct pollfd waiting[] = {{run->handle, POLLIN, 0}, {run->output, POLLIN, 0}, {run->signals, POLLIN, 0}};
        long left = RUNS_AFTER_MS - elapsed_ms(run);
        int count = poll(waiting, 3, told ? -1 : left > 0 ? (int)left : 0);
        if (count < 0 && errno != EINTR)
            return;
        if (count > 0 && waiting[1].revents)
            take_output(run);
        if (count > 0 && (waiting[1].revents & POLLHUP) && !(waiting[1].revents & POLLIN)) {
            close(run->output); /* it has none left; poll overlooks a negative one */
            run->output = -1;
        }
        if (count > 0 && waiting[2].revents)
            pass_on(run);
        if (count > 0 && waiting[0].revents)
            return;
        if (!told && elapsed_ms(run) >= RUNS_AFTER_MS) {
            tell(run->address, "R", 1);
            told = true;
        }
    }
}

/* Its last lines: the first of the news' lines says how it ended. */
static void tell_end(const Run *run, const AgentApplication *application, int status)
{
    char word[APPLICATION_LINES * (APPLICATION_LINE + 1)];
    int length = WIFSIGNALED(status)
                     ? snprintf(word, sizeof word, "E\"%.80s\" was ended by signal %d\n", application->argv[0], WTERMSIG(status))
                     : snprintf(word, sizeof word, "E\"%.80s\" ended with status %d\n", application->argv[0], WEXITSTATUS(status));
    size_t end = run->tail_length, from = end, lines = 0;
    while (end > 0 && run->tail[end - 1] == '\n')
        end--;
    for (from = end; from > 0 && lines < APPLICATION_LINES - 1; from--)
        if (run->tail[from - 1] == '\n' && ++lines == APPLICATION_LINES - 1)
            break;
    size_t more = end - from, room = sizeof word - (size_t)length;
    if (more > room) {
        from += more - room;
        more = room;
    }
    memcpy(word + length, run->tail + from, more);
    tell(run->address, word, (size_t)length + more);
}

static void rest(const Run *run)
{
    struct pollfd waiting = {run->signals, POLLIN, 0};
    poll(&waiting, 1, HASTY_REST_MS);
}

static bool begin(Run *run, const AgentApplication *application)
{
    int ends[2];
    sigset_t asks;
    sigemptyset(&asks);
    sigaddset(&asks, SIGTERM);
    sigaddset(&asks, SIGHUP);
    sigaddset(&asks, SIGINT);
    sigprocmask(SIG_BLOCK, &asks, NULL);
    run->signals = signalfd(-1, &asks, SFD_CLOEXEC | SFD_NONBLOCK);
    if (run->signals < 0 || pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return false;
    fcntl(ends[1], F_SETFL, 0); /* the program's own end waits, as programs expect */
    clock_gettime(CLOCK_MONOTONIC, &run->began);
    run->pid = fork();
    if (run->pid == 0)
        run_child(application, ends[1]);
    close(ends[1]);
    run->output = ends[0];
    run->handle = run->pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, run->pid, 0);
    return run->handle >= 0;
}

int agent_application_run(const AgentApplication *application, const char *address)
{
    Run run = {.address = address};
    if (!begin(&run, application)) {
        fprintf(stderr, "oriel-agent: the application cannot be started: %s\n", strerror(errno));
        return EXIT_FAILURE;
    }
    await_end(&run);
    if (run.output >= 0)
        take_output(&run);
    int status = 0;
    while (waitpid(run.pid, &status, 0) < 0 && errno == EINTR)
        ;
    tell_end(&run, application, status);
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (code != 0 && !run.asked_to_end && elapsed_ms(&run) < HASTY_MS)
        rest(&run);
    return code;
}

int agent_application_session(const char *verb)
{
    AgentApplication application;
    if (!agent_application_wanted(&application))
        return EXIT_FAILURE;
    return strcmp(verb, "run") == 0 ? agent_application_run(&application, AGENT_APPLICATION_ADDRESS) : EXIT_SUCCESS;
}
