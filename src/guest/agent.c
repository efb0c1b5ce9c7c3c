/* oriel-agent: the host's hand in the guest. One thread, one epoll, nothing that wakes up without a reason: an idle
 * desktop must stay idle. It speaks contract 2 of docs/architecture.md on a virtio-serial port. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "guest/agent_activity.h"
#include "guest/agent_application.h"
#include "guest/agent_ask.h"
#include "guest/agent_files.h"
#include "guest/agent_freezer.h"
#include "guest/agent_identity.h"
#include "guest/agent_lock.h"
#include "guest/agent_locker.h"
#include "guest/agent_log_on.h"
#include "guest/agent_message.h"
#include "guest/agent_port.h"
#include "guest/agent_screen.h"
#include "guest/agent_seat.h"
#include "guest/agent_seat_port.h"
#include "guest/agent_session.h"
#include "guest/agent_settle.h"
#include "guest/agent_show.h"
#include "guest/agent_tunnel.h"
#include "guest/file.h"
#include "guest/uevent.h"

#define CONFIG "/etc/oriel/agent.conf"
#define LOG_OFF_ASKED_MS 8000 /* what the desktop gets to end by itself */
#define LOG_OFF_ENDED_MS 6000 /* what logind gets after that: the host waits 60 s in all */
#define CLIPBOARD_PORT "com.redhat.spice.0"
#define CLIPBOARD_REST_MS 500  /* udev starts the daemon that the session's part connects to */
#define CLIPBOARD_AGAIN_MS 5000
#define CLIPBOARD_TRIES 20     /* a session that has just begun has no screen yet: the helper ends at once */
#define LOCK_REST_MS 1000      /* whoever changes it often is told of less often */
#define LOCK_LIMIT_MS 20000    /* a screen locker has so long to come up: on a host that is out of breath, beside RDP, it takes a while */
#define HOLD_AGAIN_MS 100      /* while a key is down that the desktop saw go down */
#define HOLD_TRIES 50
#define SCREEN_REST_MS 100     /* a viewer that drags its window sends many sizes: follow the last one */
#define SCREEN_AGAIN_MS 2000
#define SCREEN_TRIES 20        /* a session that begins, or a host that is out of breath, answers late */

/* Each has a timer of its own. */
typedef enum { TIMER_SETTLE, TIMER_LOG_OFF, TIMER_SCREEN, TIMER_CLIPBOARD, TIMER_ACTIVITY, TIMER_LOCK, TIMER_LOCKING, TIMER_HOLD, TIMER_COVER, TIMER_ASK, TIMER_COUNT } Timer;

typedef struct {
    AgentPort port;
    int epoll, events, watch;
    int timers[TIMER_COUNT];
    bool graphical; /* this image has a graphical session: wait for it at boot */
    bool shows_application; /* and shows one program in it: wait for that */
    int application_news;
    AgentApplicationNews application;
    bool ready, settled;
    Settle settle;
    AgentSession session;
    AgentPerson person; /* who works here */
    AgentSeats seats;   /* and who else, on a machine that several share */
    unsigned clipboard_tries, screen_tries;
    bool logging_off, terminating;
    char log_off_id[sizeof((AgentRequest *)0)->id];
    AgentActivity activity;
    AgentQuestion question;
    AgentTunnels tunnels;
    int lock_watch;
    bool locked;
    AgentLocker locker;
    unsigned hold_tries;
    char lock_id[sizeof((AgentRequest *)0)->id]; /* of a request to lock that is under way; "": none */
} Agent;

static Agent agent;

static void timer_set(Timer timer, int first_ms, int every_ms)
{
    struct itimerspec time = {
        .it_value = {first_ms / 1000, first_ms % 1000 * 1000000L},
        .it_interval = {every_ms / 1000, every_ms % 1000 * 1000000L},
    };
    timerfd_settime(agent.timers[timer], 0, &time, NULL);
}

static void watch_fd(int fd, unsigned events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    if (fd >= 0)
        epoll_ctl(agent.epoll, EPOLL_CTL_ADD, fd, &event);
}

static void send_done(const char *id, const Failure *failure)
{
    agent_port_send(&agent.port, agent_done_text(id, failure ? failure->text : NULL, NULL, 0));
}

static void send_activity(void)
{
    agent_port_send(&agent.port, agent_activity_text(agent_activity_idle_ms(&agent.activity), agent.locked, agent.locker.held));
}

static void send_application(void)
{
    const AgentApplicationNews *news = &agent.application;
    if (agent.shows_application && (news->runs || news->lines_count > 0))
        agent_port_send(&agent.port, agent_application_text(news->runs, (const char(*)[APPLICATION_LINE + 1])news->lines, news->lines_count));
}

static void application_event(void)
{
    if (agent_application_hear(agent.application_news, &agent.application)) /* one a turn: who floods it keeps nobody waiting */
        send_application();
}

static void send_hello(void)
{
    char boot_id[64];
    if (guest_file_read("/proc/sys/kernel/random/boot_id", boot_id, sizeof boot_id) < 0)
        boot_id[0] = '\0';
    boot_id[strcspn(boot_id, "\n")] = '\0';
    agent_port_send(&agent.port, agent_hello_text(ORIEL_VERSION, boot_id));
    if (agent.session.present)
        agent_port_send(&agent.port, agent_session_text(true, agent.session.user));
    agent_seats_say(&agent.seats, &agent.port);
    send_application();
    if (agent.ready)
        agent_port_send(&agent.port, agent_ready_text(agent.settled, agent.seats.count));
    send_activity();
}

static void log_off_ended(const Failure *failure)
{
    Failure in_use = {""};
    if (!agent.logging_off)
        return;
    if (agent.person.has_home) /* what did not end by itself has been ended then */
        failure = agent_log_off_home(&agent.person, &in_use) ? NULL : &in_use;
    agent.logging_off = agent.terminating = false;
    timer_set(TIMER_LOG_OFF, 0, 0);
    send_done(agent.log_off_id, failure);
}

static void clipboard_soon(void)
{
    agent.clipboard_tries = CLIPBOARD_TRIES;
    timer_set(TIMER_CLIPBOARD, CLIPBOARD_REST_MS, 0);
}

/* Until it is there: a second one, or one killed because it is slow, would only make a slow machine slower. */
static void clipboard_tick(void)
{
    Failure ignored;
    if (!agent_port_exists(CLIPBOARD_PORT) || agent_session_clipboard_runs() || agent.clipboard_tries-- == 0)
        return;
    if (agent.session.graphical)
        agent_session_clipboard_start(&agent.session, &ignored);
    timer_set(TIMER_CLIPBOARD, CLIPBOARD_AGAIN_MS, 0);
}

static void screen_soon(void)
{
    agent.screen_tries = SCREEN_TRIES;
    timer_set(TIMER_SCREEN, SCREEN_REST_MS, 0);
}

static void screen_tick(void)
{
    Failure ignored;
    if (agent.graphical && agent.screen_tries-- > 0 &&
        !(agent.session.graphical && agent_screen_follow(&agent.session, &ignored)))
        timer_set(TIMER_SCREEN, SCREEN_AGAIN_MS, 0);
}

static void fd_listen(int fd, unsigned events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    epoll_ctl(agent.epoll, EPOLL_CTL_MOD, fd, &event);
}

/* Somebody did something: told at once, and then not looked at for a while. */
static void activity_event(void)
{
    if (agent_activity_drain(&agent.activity))
        send_activity();
    fd_listen(agent.activity.epoll, 0);
    timer_set(TIMER_ACTIVITY, ACTIVITY_REST_MS, 0);
}

static void locking_ended(const Failure *failure)
{
    if (!agent.lock_id[0])
        return;
    send_done(agent.lock_id, failure);
    agent.lock_id[0] = '\0';
    timer_set(TIMER_LOCKING, 0, 0);
}

/* ---- locked, until the host says otherwise ---- */

static void hold_end(void)
{
    if (!agent.locker.held)
        return;
    agent_locker_release(&agent.locker);
    agent_activity_let_go(&agent.activity);
    timer_set(TIMER_HOLD, 0, 0);
    timer_set(TIMER_COVER, 0, 0);
    agent.locked = false;
    send_activity();
    agent_lock_tell(&agent.session, false);
}

static void hold_tick(void)
{
    if (agent.locker.held && !agent_activity_hold(&agent.activity, agent.hold_tries-- == 0))
        timer_set(TIMER_HOLD, HOLD_AGAIN_MS, 0);
}

/* A screen that was covered and cannot be any more is not left for everybody to see. */
static void cover_hopeless(void)
{
    Failure failure = {"the screen cannot be covered"}, ignored;
    if (agent.locker.has_covered) {
        agent_session_terminate(&agent.session, &ignored);
        return;
    }
    hold_end();
    locking_ended(&failure);
}

static void cover_tick(void)
{
    Failure ignored;
    if (!agent.locker.held || agent.locker.pid > 0)
        return;
    if (agent_locker_cover(&agent.locker, &agent.session, &ignored))
        watch_fd(agent.locker.output, EPOLLIN);
    else if (agent_locker_failed(&agent.locker))
        cover_hopeless();
    else
        timer_set(TIMER_COVER, agent_locker_pause_ms(&agent.locker), 0);
}

static void cover_event(void)
{
    LockerNews news = agent_locker_hear(&agent.locker);
    if (news == LOCKER_COVERS)
        locking_ended(NULL);
    else if (news == LOCKER_DIED)
        timer_set(TIMER_COVER, agent_locker_pause_ms(&agent.locker), 0);
    else if (news == LOCKER_HOPELESS)
        cover_hopeless();
}

/* False: the session's own locker has to do it. */
static bool hold_begin(void)
{
    if (agent.locker.held)
        return true;
    if (!agent_locker_fits(&agent.session))
        return false;
    agent_locker_hold(&agent.locker, &agent.session);
    agent.hold_tries = HOLD_TRIES;
    agent.locked = true;
    hold_tick();
    cover_tick();
    send_activity();
    agent_lock_tell(&agent.session, true);
    return true;
}

static void lock_tick(void)
{
    bool locked = agent.locker.held;
    Failure ignored;
    if (agent.lock_watch >= 0)
        fd_listen(agent.lock_watch, EPOLLIN);
    if (!locked && agent.session.present && !agent_lock_read(&agent.session, &locked, &ignored))
        return;
    if (locked && (!agent.locker.held || agent.locker.covers))
        locking_ended(NULL);
    if (locked == agent.locked)
        return;
    agent.locked = locked;
    send_activity();
}

static void lock_event(void)
{
    bool asked, stands = agent_lock_drain(agent.lock_watch, &asked);
    if (asked)
        hold_begin();
    if (!stands) {
        close(agent.lock_watch);
        agent.lock_watch = -1; /* until the next session begins */
    } else {
        fd_listen(agent.lock_watch, 0);
    }
    timer_set(TIMER_LOCK, LOCK_REST_MS, 0);
}

static void lock_follow(void)
{
    if (agent.lock_watch >= 0)
        return;
    agent.lock_watch = agent_lock_watch(AGENT_BUS);
    watch_fd(agent.lock_watch, EPOLLIN);
}

static void locking_late(void)
{
    Failure none = {"no screen locker locked the session"};
    if (!agent.locker.has_covered)
        hold_end();
    locking_ended(&none);
}

static void handle_lock(const AgentRequest *request)
{
    Failure failure = {"the session is being locked already"};
    if (agent.lock_id[0] || (!hold_begin() && !agent_lock_ask(&agent.session, &failure))) {
        send_done(request->id, &failure);
        return;
    }
    snprintf(agent.lock_id, sizeof agent.lock_id, "%s", request->id);
    timer_set(TIMER_LOCKING, LOCK_LIMIT_MS, 0);
    lock_tick(); /* it may be locked */
}

static void handle_unlock(const AgentRequest *request)
{
    Failure own = {"the session's own screen locker locked it, and unlocks it"};
    hold_end();
    send_done(request->id, agent.locked ? &own : NULL);
}

/* Tells what changed. A new session right after an old one (automatic log on) is both a log off and a log on. */
static void session_update(void)
{
    Failure ignored;
    AgentSession now = agent_session_read();
    AgentSession before = agent.session;
    agent.session = now;
    if (agent_session_equal(&now, &before))
        return;
    agent_tunnel_end(&agent.tunnels, TUNNEL_FILES); /* it was for whoever has left, and may hold their disk */
    if (before.present && before.uid == agent.person.person.uid)
        agent_log_off_home(&agent.person, &ignored); /* the host unplugs the disk when it hears of the end */
    lock_follow();
    timer_set(TIMER_LOCK, LOCK_REST_MS, 0);
    if (agent.locker.held && !(now.present && strcmp(now.id, agent.locker.session) == 0))
        hold_end();
    if (!agent.locker.held && agent_locker_remembers(&now) && hold_begin())
        agent.locker.has_covered = true;
    if (before.present) {
        agent_ask_end(&agent.question, NULL); /* it was for whoever has left */
        agent_port_send(&agent.port, agent_session_text(false, before.user));
        log_off_ended(NULL);
    }
    if (now.present)
        agent_port_send(&agent.port, agent_session_text(true, now.user));
    if (now.graphical && agent_port_exists(CLIPBOARD_PORT)) /* the next session on the same machine */
        clipboard_soon();
}

static void log_off_terminate(void)
{
    Failure failure = {""};
    if (agent.terminating || !agent_session_terminate(&agent.session, &failure)) {
        if (!failure.text[0])
            failure_set(&failure, "the session did not end");
        log_off_ended(&failure);
        return;
    }
    agent.terminating = true;
    timer_set(TIMER_LOG_OFF, LOG_OFF_ENDED_MS, 0);
}

static void handle_log_on(const AgentRequest *request)
{
    AgentLogOn result;
    Failure ignored;
    bool was_nobodys = !agent.person.session[0];
    agent.session = agent_session_read();
    bool is_first = agent_log_on(&agent.person, request, &agent.session, &result);
    if (is_first && was_nobodys)
        hold_end(); /* the image's user cannot come back to unlock it */
    agent.session = (AgentSession){0};
    session_update();
    agent_port_send(&agent.port, agent_log_on_text(request->id, &result));
    if (is_first) /* a host that left and came back meanwhile was not noticed, and would wait for this word */
        agent_port_send(&agent.port, agent_ready_text(agent.settled, agent.seats.count));
    for (size_t i = 0; is_first && i < result.warnings_count; i++) /* a person must know before working, not after */
        agent_show(&agent.session, "Oriel", result.warnings[i].text, &ignored);
}

static void handle_grow_home(const AgentRequest *request)
{
    Failure failure = {""};
    agent_home_grow(&failure);
    send_done(request->id, &failure);
}

static void handle_log_off(const AgentRequest *request)
{
    Failure busy = {"the session is being ended already"}, ignored, in_use = {""};
    session_update();
    if (agent.logging_off) {
        send_done(request->id, &busy);
        return;
    }
    if (!agent.session.present) {
        agent_log_off_home(&agent.person, &in_use); /* its session has only just been begun */
        send_done(request->id, &in_use);
        return;
    }
    agent.logging_off = true;
    snprintf(agent.log_off_id, sizeof agent.log_off_id, "%s", request->id);
    if (agent_session_ask_to_end(&agent.session, &ignored))
        timer_set(TIMER_LOG_OFF, LOG_OFF_ASKED_MS, 0);
    else
        log_off_terminate();
}

static void handle_prepare_freeze(const AgentRequest *request)
{
    Failure failure = {""};
    timer_set(TIMER_SETTLE, 0, 0);
    timer_set(TIMER_SCREEN, 0, 0);
    timer_set(TIMER_CLIPBOARD, 0, 0);
    agent_session_clipboard_end();
    agent.ready = false; /* a fork is ready only when it has its identity */
    agent_users_freeze(&failure);
    sync();
    send_done(request->id, &failure);
}

static void handle_identity(const AgentRequest *request)
{
    IdentityResult result;
    Failure ignored;
    agent_identity_apply(request, &result);
    agent_port_send(&agent.port, agent_done_text(request->id, result.failure.text, result.steps, result.count));
    agent.ready = true;
    agent_port_send(&agent.port, agent_ready_text(agent.settled, agent.seats.count));
    if (request->keyboard[0] && agent.session.graphical)
        agent_screen_keyboard(&agent.session, request->keyboard, &ignored);
}

static void handle_resize(const AgentRequest *request)
{
    Failure failure = {""};
    agent_screen_resize(&agent.session, request->width, request->height, &failure);
    send_done(request->id, &failure);
}

static void handle_shut_down(const AgentRequest *request)
{
    Failure ignored;
    agent_users_thaw(&ignored); /* frozen processes would not end */
    send_done(request->id, NULL);
    kill(1, SIGRTMIN + 4); /* systemd(1): starts poweroff.target */
}

static void handle_show(const AgentRequest *request)
{
    Failure failure = {""};
    agent_show(&agent.session, request->title, request->text, &failure);
    send_done(request->id, &failure);
}

static void handle_ask(const AgentRequest *request)
{
    Failure failure = {""};
    if (agent_ask_begin(&agent.question, &agent.session, request, &failure)) {
        watch_fd(agent.question.output, EPOLLIN);
        timer_set(TIMER_ASK, request->ask_ms, 0);
    }
    send_done(request->id, &failure);
}

static void question_event(void)
{
    AgentAnswer answer = agent_ask_hear(&agent.question);
    if (answer == ANSWER_NONE)
        return;
    timer_set(TIMER_ASK, 0, 0);
    if (answer != ANSWER_LOST)
        agent_port_send(&agent.port, agent_answer_text(0, agent.question.id, answer == ANSWER_ALLOW));
}

static void handle_line(void *data, const char *line, size_t length)
{
    AgentRequest request;
    if (!agent_request_parse(line, length, &request))
        return;
    if (request.failure.text[0]) {
        send_done(request.id, &request.failure);
        return;
    }
    if (agent_seats_handle(&agent.seats, &agent.port, &request))
        return;
    switch (request.type) {
    case REQUEST_PING:
        agent_port_send(&agent.port, agent_pong_text(request.id));
        break;
    case REQUEST_PREPARE_FREEZE:
        handle_prepare_freeze(&request);
        break;
    case REQUEST_IDENTITY:
        handle_identity(&request);
        break;
    case REQUEST_LOG_ON:
        handle_log_on(&request);
        break;
    case REQUEST_GROW_HOME:
        handle_grow_home(&request);
        break;
    case REQUEST_LOG_OFF:
        handle_log_off(&request);
        break;
    case REQUEST_RESIZE:
        handle_resize(&request);
        break;
    case REQUEST_SHUT_DOWN:
        handle_shut_down(&request);
        break;
    case REQUEST_LOCK:
        handle_lock(&request);
        break;
    case REQUEST_UNLOCK:
        handle_unlock(&request);
        break;
    case REQUEST_SHOW:
        handle_show(&request);
        break;
    case REQUEST_ASK:
        handle_ask(&request);
        break;
    case REQUEST_ASK_END:
        agent_ask_end(&agent.question, request.question);
        send_done(request.id, NULL);
        break;
    }
    explicit_bzero(request.entropy, sizeof request.entropy);
}

static void port_try(void)
{
    if (agent.port.fd < 0 && agent_port_open(&agent.port))
        watch_fd(agent.port.fd, EPOLLIN | EPOLLOUT | EPOLLET);
}

static void port_event(void)
{
    if (agent_port_update(&agent.port))
        send_hello();
    if (!agent_port_receive(&agent.port, handle_line, NULL))
        agent_port_close(&agent.port); /* unplugged: a uevent tells when it is back */
}

static void port_added(void)
{
    port_try();
    agent_tunnels_follow(&agent.tunnels);
    if (agent_port_exists(CLIPBOARD_PORT))
        clipboard_soon();
}

static void device_events(void)
{
    Uevent event;
    while (uevent_next(agent.events, &event)) {
        /* A port is added first and gets its name with a "change" after that. */
        if (event.lost || (strcmp(event.subsystem, "virtio-ports") == 0 && strcmp(event.action, "remove") != 0))
            port_added();
        else if (strcmp(event.subsystem, "virtio-ports") == 0)
            agent_tunnels_follow(&agent.tunnels);
        if (event.lost || (strcmp(event.subsystem, "drm") == 0 && strcmp(event.action, "change") == 0 && event.hotplug))
            screen_soon();
        if (event.lost || (strcmp(event.subsystem, "input") == 0 && strcmp(event.action, "change") != 0))
            agent_activity_follow(&agent.activity);
    }
}

static void settle_tick(void)
{
    char stat[1024];
    if (guest_file_read("/proc/stat", stat, sizeof stat) < 0)
        return;
    bool up = agent.graphical ? agent.session.present && agent.session.graphical : agent.session.present;
    up = up && (!agent.shows_application || agent.application.runs);
    SettleAnswer answer = agent_settle_sample(&agent.settle, stat, up);
    if (answer == SETTLE_WAIT)
        return;
    timer_set(TIMER_SETTLE, 0, 0);
    agent.ready = true;
    agent.settled = answer == SETTLE_SETTLED;
    agent_port_send(&agent.port, agent_ready_text(agent.settled, agent.seats.count));
}

static void timer_event(Timer timer)
{
    uint64_t ticks;
    if (read(agent.timers[timer], &ticks, sizeof ticks) < 0)
        return;
    if (timer == TIMER_SETTLE)
        settle_tick();
    else if (timer == TIMER_LOG_OFF)
        log_off_terminate();
    else if (timer == TIMER_CLIPBOARD)
        clipboard_tick();
    else if (timer == TIMER_SCREEN)
        screen_tick();
    else if (timer == TIMER_ACTIVITY)
        fd_listen(agent.activity.epoll, EPOLLIN);
    else if (timer == TIMER_LOCK)
        lock_tick();
    else if (timer == TIMER_LOCKING)
        locking_late();
    else if (timer == TIMER_HOLD)
        hold_tick();
    else if (timer == TIMER_COVER)
        cover_tick();
    else if (timer == TIMER_ASK)
        agent_ask_end(&agent.question, NULL);
}

static void fd_event(int fd)
{
    if (fd == agent.port.fd)
        port_event();
    else if (fd == agent.events)
        device_events();
    else if (fd == agent.watch) {
        agent_session_drain(agent.watch);
        session_update();
    } else if (fd == agent.activity.epoll)
        activity_event();
    else if (fd == agent.seats.epoll)
        agent_seats_tell(&agent.seats, &agent.port);
    else if (fd == agent.tunnels.epoll)
        agent_tunnels_serve(&agent.tunnels);
    else if (fd == agent.lock_watch)
        lock_event();
    else if (agent.locker.pid > 0 && fd == agent.locker.output)
        cover_event();
    else if (agent.question.pid > 0 && fd == agent.question.output)
        question_event();
    else if (fd == agent.application_news)
        application_event();
    else
        for (int timer = 0; timer < TIMER_COUNT; timer++)
            if (fd == agent.timers[timer])
                timer_event((Timer)timer);
}

static void start_application(void)
{
    AgentApplication application;
    agent.application_news = -1;
    agent.shows_application = agent_application_wanted(&application);
    if (agent.shows_application)
        agent.application_news = agent_application_listen(AGENT_APPLICATION_ADDRESS);
    watch_fd(agent.application_news, EPOLLIN);
}

static bool start(void)
{
    char config[1024], session[32] = "", user[64] = "";
    if (guest_file_read(CONFIG, config, sizeof config) >= 0) {
        guest_value(config, "session", session, sizeof session);
        guest_value(config, "user", user, sizeof user);
    }
    agent_person_init(&agent.person, user);
    agent.graphical = strcmp(session, "x11") == 0;
    if (!agent_seats_open(&agent.seats, &agent.person.base))
        return false;
    agent.port.fd = -1;
    agent.epoll = epoll_create1(EPOLL_CLOEXEC);
    agent.events = uevent_open();
    agent.watch = agent_session_watch();
    agent.lock_watch = agent.locker.output = -1;
    if (agent.epoll < 0 || agent.events < 0 || agent.watch < 0 || !agent_activity_open(&agent.activity) ||
        !agent_tunnels_open(&agent.tunnels))
        return false;
    agent.tunnels.session = &agent.session;
    start_application();
    watch_fd(agent.activity.epoll, EPOLLIN);
    watch_fd(agent.tunnels.epoll, EPOLLIN);
    watch_fd(agent.events, EPOLLIN);
    watch_fd(agent.seats.epoll, EPOLLIN);
    watch_fd(agent.watch, EPOLLIN);
    for (int timer = 0; timer < TIMER_COUNT; timer++) {
        agent.timers[timer] = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
        watch_fd(agent.timers[timer], EPOLLIN);
    }
    timer_set(TIMER_SETTLE, SETTLE_SAMPLE_MS, SETTLE_SAMPLE_MS);
    return true;
}

int main(int count, char **words)
{
    signal(SIGPIPE, SIG_IGN);
    if (count == 3 && strcmp(words[1], "application") == 0)
        return agent_application_session(words[2]);
    if (count == 3 && strcmp(words[1], "seat") == 0)
        return agent_seat_run(words[2]);
    umask(022);
    if (count == 2 && strcmp(words[1], "files") == 0)
        return agent_files_serve(STDIN_FILENO, getenv("HOME") ? getenv("HOME") : "/");
    if (!start()) {
        fprintf(stderr, "oriel-agent: cannot start: %s\n", strerror(errno));
        return EXIT_FAILURE;
    }
    session_update();
    port_added();
    for (;;) {
        struct epoll_event ready[8];
        int events = epoll_wait(agent.epoll, ready, 8, -1);
        for (int i = 0; i < events; i++)
            fd_event(ready[i].data.fd);
    }
}
