/* A person's seat from inside: their X server and their session, as themselves. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest/agent_seat.h"
#include "guest/file.h"

#define LISTENS_MS 50000
#define END_SECONDS 8 /* for programs to end by themselves; systemd kills them after 10 (agent_seat_start) */
#define BUS "/usr/bin/dbus-daemon"

static pid_t start(const char *const *argv)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    signal(SIGPIPE, SIG_DFL);
    execvp(argv[0], (char *const *)argv);
    _exit(127);
}

/* -displayfd: Xvnc writes its display's number when it listens (xserver, Xserver(1)). */
static pid_t start_screen(unsigned long number)
{
    char display[16], path[80], fd[16];
    int ends[2];
    snprintf(display, sizeof display, ":%lu", 100 + number);
    snprintf(path, sizeof path, SEAT_FOLDER "/%lu/vnc", number);
    if (pipe(ends) < 0)
        return -1;
    snprintf(fd, sizeof fd, "%d", ends[1]);
    const char *const argv[] = {"Xvnc",   display, "-rfbunixpath", path,   "-rfbunixmode", "0600",        "-rfbport",   "-1",
                                "-SecurityTypes", "None", "-AlwaysShared", "-depth", "24", "-geometry", "1280x800", "-nolisten", "tcp",
                                "-auth",  getenv("XAUTHORITY") ? getenv("XAUTHORITY") : "", "-desktop", "Oriel", "-displayfd", fd, NULL};
    pid_t pid = start(argv);
    close(ends[1]);
    struct pollfd listens = {ends[0], POLLIN, 0};
    char word[16];
    bool up = pid > 0 && poll(&listens, 1, LISTENS_MS) == 1 && read(ends[0], word, sizeof word) > 0;
    close(ends[0]);
    if (!up && pid > 0)
        kill(pid, SIGKILL);
    return up ? pid : -1;
}

/* sd_notify(3): one datagram. */
static void say_ready(void)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = path ? strlen(path) : 0;
    if (length == 0 || length >= sizeof address.sun_path)
        return;
    memcpy(address.sun_path, path, length);
    if (address.sun_path[0] == '@')
        address.sun_path[0] = '\0';
    autofd int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    static const char ready[] = "READY=1";
    if (sendto(fd, ready, sizeof ready - 1, MSG_NOSIGNAL, (struct sockaddr *)&address,
               (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0)
        perror("oriel-agent: seat");
}

static void await(pid_t pid)
{
    if (pid > 0)
        waitpid(pid, NULL, 0);
}

/* Where the image has a session bus, the session finds one where a log-in manager would have put it: there is one when this returns. */
static void start_bus(void)
{
    char address[160];
    const char *folder = getenv("XDG_RUNTIME_DIR");
    snprintf(address, sizeof address, "--address=unix:path=%s/bus", folder ? folder : "");
    const char *const argv[] = {BUS, "--session", "--fork", "--nopidfile", "--nosyslog", address, NULL};
    if (folder && access(BUS, X_OK) == 0)
        await(start(argv));
}

static void set_keyboard(void)
{
    const char *layout = getenv("ORIEL_KEYBOARD");
    const char *const argv[] = {"setxkbmap", "-layout", layout, NULL};
    if (layout && *layout)
        await(start(argv));
}

/* systemd asks all of the unit to end at once, us too: whoever waits here gives the programs time to. */
static void on_end(int number)
{
}

/* Their screen has gone, be it that the unit is to end or that it broke. */
static void end_programs(pid_t programs)
{
    alarm(END_SECONDS); /* ends us, and with us the unit */
    kill(programs, SIGTERM);
    await(programs);
}

int agent_seat_run(const char *number)
{
    static const char *const session[] = {"/etc/oriel/session", NULL};
    unsigned long seat;
    if (!guest_number(number, AGENT_SEATS_MOST, &seat) || seat < 1)
        return EXIT_FAILURE;
    signal(SIGTERM, on_end);
    pid_t screen = start_screen(seat);
    if (screen < 0) {
        fprintf(stderr, "oriel-agent: seat %s: Xvnc does not listen\n", number);
        return EXIT_FAILURE;
    }
    start_bus();
    set_keyboard();
    say_ready();
    pid_t programs = start(session), ended;
    do
        ended = wait(NULL);
    while (ended != screen && ended != programs && (ended > 0 || errno == EINTR));
    if (ended == screen && programs > 0)
        end_programs(programs);
    return EXIT_SUCCESS; /* systemd ends whatever is left in the unit */
}
