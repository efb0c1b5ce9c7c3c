#include "guest/agent_seat_start.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "guest/agent_child.h"
#include "guest/agent_log_on.h"
#include "guest/file.h"

#define AGENT "/usr/lib/oriel/oriel-agent"
#define START_MS 60000 /* of an X server on a machine where many begin at once */
#define ASK_MS 10000
#define COPY_MS 30000

static void add(SeatWords *words, const char *key, const char *value)
{
    if (words->count < SEAT_WORDS_MOST)
        snprintf(words->text[words->count++], sizeof words->text[0], "%s%s", key, value);
}

static bool run(const char *const *argv, int timeout_ms, Failure *failure)
{
    AgentChild child = {.argv = argv, .timeout_ms = timeout_ms};
    return agent_child_run(&child, failure);
}

void agent_seat_unit_name(unsigned number, char *name, size_t size)
{
    snprintf(name, size, "oriel-seat-%u.service", number);
}

void agent_seat_unit_kill(unsigned number)
{
    char path[96];
    Failure ignored; /* it is gone */
    snprintf(path, sizeof path, "/sys/fs/cgroup/system.slice/oriel-seat-%u.service/cgroup.kill", number);
    guest_file_poke(path, "1", &ignored);
}

static void folder_of(unsigned number, char *path, size_t size)
{
    snprintf(path, size, SEAT_FOLDER "/%u", number);
}

/* ---- the home ---- */

/* The owner last: what was cut short is done again. One who comes back to the same machine finds what they left. */
static bool make_home(const AgentAccount *person, Failure *failure)
{
    struct stat home;
    char owner[32];
    if (mkdir(person->home, 0700) < 0 && errno != EEXIST)
        return failure_set_errno(failure, errno, "cannot make %s", person->home);
    if (lstat(person->home, &home) < 0 || !S_ISDIR(home.st_mode))
        return failure_set(failure, "%s is no folder", person->home);
    if (home.st_uid == person->uid)
        return true;
    if (home.st_uid != 0)
        return failure_set(failure, "%s belongs to another account", person->home);
    snprintf(owner, sizeof owner, "%u:%u", person->uid, person->gid);
    const char *const copy[] = {"cp", "-a", "/etc/skel/.", person->home, NULL};
    const char *const give[] = {"chown", "-Rh", owner, person->home, NULL};
    return run(copy, COPY_MS, failure) && chmod(person->home, 0700) == 0 && run(give, COPY_MS, failure);
}

/* ---- the folder of a seat: the X server's socket, its cookie, what XDG_RUNTIME_DIR is for ---- */

static void put_counted(FILE *file, const char *bytes, size_t length)
{
    fputc((int)(length >> 8), file);
    fputc((int)(length & 0xff), file);
    fwrite(bytes, 1, length, file);
}

/* Xauthority's one entry (libXau, AuWrite.c): any host (FamilyWild), this display, a cookie. */
static bool write_cookie(const char *folder, const char *display, const AgentAccount *person, Failure *failure)
{
    char path[96], cookie[16];
    snprintf(path, sizeof path, "%s/Xauthority", folder);
    if (getrandom(cookie, sizeof cookie, 0) != sizeof cookie)
        return failure_set_errno(failure, errno, "no cookie");
    FILE *file = fopen(path, "wxe");
    if (!file)
        return failure_set_errno(failure, errno, "cannot make %s", path);
    fputs("\xff\xff", file);
    put_counted(file, "", 0);
    put_counted(file, display, strlen(display));
    put_counted(file, "MIT-MAGIC-COOKIE-1", strlen("MIT-MAGIC-COOKIE-1"));
    put_counted(file, cookie, sizeof cookie);
    explicit_bzero(cookie, sizeof cookie);
    bool done = fchmod(fileno(file), 0600) == 0 && fchown(fileno(file), person->uid, person->gid) == 0;
    return (fclose(file) == 0 && done) || failure_set_errno(failure, errno, "cannot write %s", path);
}

/* Whatever the last one left there goes, and what an X server that was killed leaves in /tmp (Xserver(1)), where another account could not
 * remove it. The link is where the tunnel looks; who listens behind it is checked there. */
static bool make_folder(unsigned number, const AgentAccount *person, Failure *failure)
{
    char folder[64], runtime[80], target[80], link[64], display[16], lock[32], screen[48];
    folder_of(number, folder, sizeof folder);
    snprintf(runtime, sizeof runtime, "%s/run", folder);
    snprintf(target, sizeof target, "%s/vnc", folder);
    snprintf(link, sizeof link, "/run/oriel/seat-%u.sock", number);
    snprintf(display, sizeof display, "%u", 100 + number);
    snprintf(lock, sizeof lock, "/tmp/.X%s-lock", display);
    snprintf(screen, sizeof screen, "/tmp/.X11-unix/X%s", display);
    const char *const clear[] = {"rm", "-rf", "--", folder, link, lock, screen, NULL};
    if (!run(clear, ASK_MS, failure))
        return false;
    mkdir("/run/oriel", 0755);
    mkdir(SEAT_FOLDER, 0755);
    if (mkdir(folder, 0700) < 0 || mkdir(runtime, 0700) < 0 || chown(runtime, person->uid, person->gid) < 0)
        return failure_set_errno(failure, errno, "cannot make %s", folder);
    return write_cookie(folder, display, person, failure) &&
           ((chown(folder, person->uid, person->gid) == 0 && symlink(target, link) == 0) ||
            failure_set_errno(failure, errno, "cannot make %s", link));
}

/* ---- the unit ---- */

/* Of locale(7), as a log-in manager would have read it. */
static void images_locale(char *locale, size_t size)
{
    char text[1024], value[64];
    snprintf(locale, size, "C.UTF-8");
    if (guest_file_read("/etc/default/locale", text, sizeof text) <= 0 || !guest_value(text, "LANG", value, sizeof value))
        return;
    const char *first = value + (value[0] == '"');
    snprintf(locale, size, "%.*s", (int)strcspn(first, "\""), first);
}

void agent_seat_environment(unsigned number, const AgentRequest *place, SeatWords *words)
{
    char folder[64], display[16], zone[128], cookie[96], runtime[96], bus[96], locale[64];
    folder_of(number, folder, sizeof folder);
    snprintf(cookie, sizeof cookie, "%s/Xauthority", folder);
    snprintf(runtime, sizeof runtime, "%s/run", folder);
    snprintf(bus, sizeof bus, "%s/run/bus", folder);
    snprintf(display, sizeof display, ":%u", 100 + number);
    snprintf(zone, sizeof zone, "/usr/share/zoneinfo/%s", place ? place->time_zone : "");
    add(words, "DISPLAY=", display);
    add(words, "XAUTHORITY=", cookie);
    add(words, "XDG_RUNTIME_DIR=", runtime);
    add(words, "DBUS_SESSION_BUS_ADDRESS=unix:path=", bus);
    add(words, "XDG_SESSION_TYPE=", "x11");
    add(words, "PATH=", "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games");
    if (!place)
        return;
    bool knows = place->locale[0] && agent_locale_exists("", place->locale);
    if (!knows)
        images_locale(locale, sizeof locale);
    add(words, "LANG=", knows ? place->locale : locale);
    if (place->time_zone[0] && access(zone, F_OK) == 0)
        add(words, "TZ=", place->time_zone);
    if (place->keyboard[0])
        add(words, "ORIEL_KEYBOARD=", place->keyboard);
}

/* It has started when the X server listens: oriel-agent says so (sd_notify(3)). */
static bool start_unit(unsigned number, const AgentAccount *person, const AgentRequest *request, Failure *failure)
{
    SeatWords words = {0};
    char unit[64], seat[16];
    agent_seat_unit_name(number, unit, sizeof unit);
    snprintf(seat, sizeof seat, "%u", number);
    add(&words, "--unit=", unit);
    add(&words, "--property=User=", person->name);
    add(&words, "--property=WorkingDirectory=", person->home);
    size_t first = words.count;
    agent_seat_environment(number, request, &words);
    static const char *const fixed[] = {"systemd-run", "--quiet", "--collect", "--service-type=notify", "--property=TasksMax=2048",
                                        "--property=TimeoutStopSec=10", "--property=UMask=0077"};
    const char *argv[sizeof fixed / sizeof fixed[0] + 2 * SEAT_WORDS_MOST + 4];
    size_t count = 0;
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        argv[count++] = fixed[i];
    for (size_t i = 0; i < words.count; i++) {
        if (i >= first)
            argv[count++] = "--setenv";
        argv[count++] = words.text[i];
    }
    argv[count++] = AGENT;
    argv[count++] = "seat";
    argv[count++] = seat;
    argv[count] = NULL;
    return run(argv, START_MS, failure);
}

static bool main_process(unsigned number, int *ret, Failure *failure)
{
    char unit[64], answer[32];
    agent_seat_unit_name(number, unit, sizeof unit);
    const char *const argv[] = {"systemctl", "show", "--property=MainPID", "--value", unit, NULL};
    AgentChild ask = {.argv = argv, .timeout_ms = ASK_MS, .output = answer, .output_size = sizeof answer};
    unsigned long pid = 0;
    if (!agent_child_run(&ask, failure))
        return false;
    answer[strcspn(answer, "\n")] = '\0';
    *ret = guest_number(answer, INT32_MAX, &pid) ? (int)pid : 0;
    return *ret > 1 || failure_set(failure, "the session ended at once");
}

/* ---- in a process of its own ---- */

static void step_done(SeatStarted *started, const char *name, int64_t *began_us)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t now_us = now.tv_sec * 1000000LL + now.tv_nsec / 1000;
    if (*began_us)
        started->steps[started->steps_count++] = (AgentStep){name, now_us - *began_us};
    *began_us = now_us;
}

/* Whoever sat there before may be on the way out yet. */
static void await_unit_gone(unsigned number)
{
    char folder[64], unit[64];
    Failure ignored;
    folder_of(number, folder, sizeof folder);
    agent_seat_unit_name(number, unit, sizeof unit);
    const char *const stop[] = {"systemctl", "--quiet", "stop", unit, NULL};
    if (access(folder, F_OK) == 0)
        run(stop, START_MS, &ignored);
}

static void work(const AgentAccount *person, const AgentRequest *request, SeatStarted *ret)
{
    int64_t began_us = 0;
    step_done(ret, "", &began_us);
    await_unit_gone(request->seat);
    if (!make_home(person, &ret->failure))
        return;
    step_done(ret, "home", &began_us);
    if (!make_folder(request->seat, person, &ret->failure))
        return;
    step_done(ret, "folder", &began_us);
    if (!start_unit(request->seat, person, request, &ret->failure))
        return;
    step_done(ret, "screen", &began_us);
    main_process(request->seat, &ret->main_process, &ret->failure);
}

/* With nothing of the agent's open: ports that it closes are to be closed. */
static void starter_main(const AgentAccount *person, const AgentRequest *request, int output)
{
    SeatStarted started = {0};
    dup3(output, STDERR_FILENO + 1, O_CLOEXEC);
    syscall(SYS_close_range, STDERR_FILENO + 2, ~0U, 0);
    work(person, request, &started);
    _exit(write(STDERR_FILENO + 1, &started, sizeof started) == sizeof started ? EXIT_SUCCESS : EXIT_FAILURE);
}

bool agent_seat_start(const AgentAccount *person, const AgentRequest *request, SeatStarter *ret, Failure *failure)
{
    int ends[2] = {-1, -1};
    if (pipe2(ends, O_CLOEXEC) < 0)
        return failure_set_errno(failure, errno, "cannot start a seat");
    autofd int output = ends[0];
    autofd int input = ends[1];
    pid_t pid = fork();
    if (pid == 0)
        starter_main(person, request, input);
    if (pid < 0)
        return failure_set_errno(failure, errno, "cannot start a seat");
    *ret = (SeatStarter){pid, output};
    output = -1;
    return true;
}

bool agent_seat_started(SeatStarter *starter, SeatStarted *ret)
{
    *ret = (SeatStarted){0};
    if (read(starter->output, ret, sizeof *ret) != sizeof *ret) /* one process, one program: its pointers are ours */
        *ret = (SeatStarted){.failure = {"the seat's beginning was cut short"}};
    guest_fd_clear(&starter->output);
    agent_child_reap(starter->pid, ASK_MS);
    *starter = (SeatStarter){.output = -1};
    return !ret->failure.text[0];
}
