#include "guest/agent_seat.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "guest/agent_child.h"
#include "guest/agent_home.h"
#include "guest/agent_show.h"
#include "guest/file.h"

#define SESSION "/etc/oriel/session"
#define XVNC "/usr/bin/Xvnc"
#define ASK_MS 10000
#define SHOW_MS 10000
#define REAP_MS 1000

/* Which of a seat's descriptors is ready; the seat's number is below. */
enum { KIND_QUESTION = 1 << 8, KIND_QUESTION_TIMER = 1 << 9, NUMBER = KIND_QUESTION - 1 };

static const AgentSeat nobody = {.process = -1, .starter = {.output = -1}, .question_timer = -1};

bool agent_seats_open(AgentSeats *seats, const AgentAccount *base)
{
    static const char *const stop[] = {"systemctl", "--quiet", "stop", "oriel-seat-*.service", NULL};
    Failure ignored;
    AgentChild clear = {.argv = stop, .timeout_ms = ASK_MS};
    *seats = (AgentSeats){.epoll = epoll_create1(EPOLL_CLOEXEC), .base = *base};
    for (size_t i = 0; i <= AGENT_SEATS_MOST; i++)
        seats->each[i] = nobody;
    seats->count = base->name[0] && access(XVNC, X_OK) == 0 && access(SESSION, X_OK) == 0 ? AGENT_SEATS_MOST : 0;
    if (seats->count && access(SEAT_FOLDER, F_OK) == 0)
        agent_child_run(&clear, &ignored);
    return seats->epoll >= 0;
}

/* ---- accounts ---- */

/* All who sit somewhere, and nobody else. */
static bool write_accounts(const AgentSeats *seats, Failure *failure)
{
    AgentAccount people[AGENT_SEATS_MOST];
    size_t count = 0;
    for (unsigned number = 1; number <= seats->count; number++)
        if (seats->each[number].person.name[0])
            people[count++] = seats->each[number].person;
    return agent_accounts_write("", &seats->base, people, count, failure);
}

/* Where else this person sits; 0: nowhere. */
static unsigned other_seat(const AgentSeats *seats, const AgentRequest *request)
{
    for (unsigned number = 1; number <= seats->count; number++)
        if (number != request->seat && seats->each[number].person.name[0] && seats->each[number].person.uid == request->uid)
            return number;
    return 0;
}

/* By somebody who sits here, or has sat here and left a home: two directories may have a person of one name. */
static bool is_taken(const AgentSeats *seats, const AgentAccount *person)
{
    struct stat home;
    bool taken = lstat(person->home, &home) == 0 && home.st_uid != 0 && home.st_uid != person->uid;
    for (unsigned number = 1; number <= seats->count; number++)
        taken = taken || (seats->each[number].person.uid != person->uid && strcmp(seats->each[number].person.name, person->name) == 0);
    return taken;
}

static AgentAccount choose_account(const AgentSeats *seats, const AgentRequest *request)
{
    AgentAccount person = {.uid = request->uid, .gid = request->uid};
    agent_account_choose("", &seats->base, request, person.name, sizeof person.name);
    snprintf(person.full_name, sizeof person.full_name, "%s", request->display_name);
    snprintf(person.home, sizeof person.home, "/home/%s", person.name);
    if (is_taken(seats, &person)) {
        char name[sizeof person.name];
        snprintf(name, sizeof name, "%.25s-%u", person.name, person.uid);
        memcpy(person.name, name, sizeof name);
        snprintf(person.home, sizeof person.home, "/home/%s", name);
    }
    return person;
}

/* ---- coming and going ---- */

static void stop_unit(unsigned number)
{
    char unit[64];
    Failure ignored;
    agent_seat_unit_name(number, unit, sizeof unit);
    const char *const argv[] = {"systemctl", "--quiet", "--no-block", "stop", unit, NULL};
    AgentChild child = {.argv = argv, .timeout_ms = ASK_MS};
    agent_child_run(&child, &ignored);
}

/* Whoever was asked has gone, and what showed it has been killed with the rest. */
static void forget_question(AgentSeat *seat)
{
    guest_fd_clear(&seat->question_timer);
    if (seat->question.pid <= 0)
        return;
    guest_fd_clear(&seat->question.output);
    agent_child_reap(seat->question.pid, REAP_MS);
}

static void vacate(AgentSeats *seats, unsigned number)
{
    AgentSeat *seat = &seats->each[number];
    Failure ignored;
    if (!seat->person.name[0])
        return;
    stop_unit(number);
    agent_seat_unit_kill(number);
    agent_processes_end(seat->person.uid);
    guest_fd_clear(&seat->process);
    forget_question(seat);
    *seat = nobody;
    write_accounts(seats, &ignored);
}

static bool begin(AgentSeats *seats, const AgentRequest *request, Failure *failure)
{
    AgentSeat *seat = &seats->each[request->seat];
    AgentAccount person = choose_account(seats, request);
    if (is_taken(seats, &person)) /* a unit's User= is a name */
        return failure_set(failure, "the account %.32s is somebody else's here", person.name);
    seat->person = person;
    if (!write_accounts(seats, failure) || !agent_seat_start(&seat->person, request, &seat->starter, failure))
        return false;
    struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data.u32 = request->seat};
    return epoll_ctl(seats->epoll, EPOLL_CTL_ADD, seat->starter.output, &event) == 0 ||
           failure_set_errno(failure, errno, "cannot follow a seat");
}

AgentSeated agent_seat_log_on(AgentSeats *seats, const AgentRequest *request, AgentLogOn *result, Failure *failure)
{
    if (request->seat < 1 || request->seat > seats->count) {
        failure_set(failure, "this image cannot seat people");
        return SEAT_REFUSED;
    }
    AgentSeat *seat = &seats->each[request->seat];
    bool same = seat->person.name[0] && strcmp(seat->session, request->session) == 0;
    if (seat->starter.pid) {
        if (same)
            snprintf(seat->log_on_id, sizeof seat->log_on_id, "%s", request->id);
        return SEAT_BEGINS;
    }
    *result = seat->last;
    if (same)
        return SEAT_TAKEN;
    unsigned other = other_seat(seats, request);
    if (other) {
        if (!seats->each[other].starter.pid)
            stop_unit(other);
        return SEAT_BEGINS;
    }
    if (seat->person.name[0])
        vacate(seats, request->seat); /* whoever sat there before */
    if (!begin(seats, request, failure)) {
        vacate(seats, request->seat);
        return SEAT_REFUSED;
    }
    snprintf(seat->session, sizeof seat->session, "%s", request->session);
    snprintf(seat->log_on_id, sizeof seat->log_on_id, "%s", request->id);
    static_assert(sizeof seat->last.account == sizeof seat->person.name, "one is the other's copy");
    memcpy(seat->last.account, seat->person.name, sizeof seat->last.account);
    if (request->warning.text[0])
        seat->last.warnings[seat->last.warnings_count++] = request->warning;
    return SEAT_BEGINS;
}

/* Its starter has ended. */
static void begun(AgentSeats *seats, unsigned number, AgentSeatNews *news)
{
    AgentSeat *seat = &seats->each[number];
    SeatStarted started;
    struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data.u32 = number};
    if (agent_seat_started(&seat->starter, &started)) {
        seat->process = (int)syscall(SYS_pidfd_open, (pid_t)started.main_process, 0);
        if (seat->process < 0 || epoll_ctl(seats->epoll, EPOLL_CTL_ADD, seat->process, &event) < 0)
            failure_set(&started.failure, "the session ended at once");
    }
    memcpy(seat->last.steps, started.steps, sizeof seat->last.steps);
    seat->last.steps_count = started.steps_count;
    news->failure = started.failure;
    news->seat = *seat;
    news->kind = started.failure.text[0] ? SEAT_FAILED : SEAT_BEGUN;
    if (started.failure.text[0])
        vacate(seats, number);
    else if (seat->log_off_id[0])
        stop_unit(number);
}

bool agent_seat_log_off(AgentSeats *seats, const AgentRequest *request, Failure *failure)
{
    AgentSeat *seat = &seats->each[request->seat];
    if (request->seat > seats->count || !seat->person.name[0])
        return failure_set(failure, "nobody is logged on in that seat");
    if (seat->log_off_id[0])
        return failure_set(failure, "the session is being ended already");
    snprintf(seat->log_off_id, sizeof seat->log_off_id, "%s", request->id);
    if (!seat->starter.pid) /* else when it has begun */
        stop_unit(request->seat);
    return true;
}

/* False: it has not been answered, or not with a choice. */
static bool answered(AgentSeat *seat, AgentSeatNews *news)
{
    AgentAnswer answer = agent_ask_hear(&seat->question);
    if (answer == ANSWER_NONE)
        return false;
    guest_fd_clear(&seat->question_timer);
    news->kind = SEAT_ANSWERED;
    news->allow = answer == ANSWER_ALLOW;
    return answer != ANSWER_LOST;
}

unsigned agent_seats_news(AgentSeats *seats, AgentSeatNews *ret)
{
    struct epoll_event event;
    if (epoll_wait(seats->epoll, &event, 1, 0) != 1)
        return 0;
    unsigned number = event.data.u32 & NUMBER;
    *ret = (AgentSeatNews){.kind = SEAT_ENDED, .seat = seats->each[number]};
    if (event.data.u32 & KIND_QUESTION)
        return answered(&seats->each[number], ret) ? number : 0;
    if (event.data.u32 & KIND_QUESTION_TIMER) {
        guest_fd_clear(&seats->each[number].question_timer);
        agent_ask_end(&seats->each[number].question, NULL);
        return 0;
    }
    if (seats->each[number].starter.pid)
        begun(seats, number, ret);
    else
        vacate(seats, number);
    return number;
}

/* ---- what their screens show ---- */

typedef struct {
    SeatWords words;
    const char *entries[SEAT_WORDS_MOST + 1];
} Environment;

/* NULL: nobody is there. */
static AgentSeat *find_seated(AgentSeats *seats, const AgentRequest *request, Environment *ret, Failure *failure)
{
    AgentSeat *seat = &seats->each[request->seat <= seats->count ? request->seat : 0];
    if (!seat->person.name[0] || seat->starter.pid) {
        failure_set(failure, "nobody is logged on in that seat");
        return NULL;
    }
    *ret = (Environment){0};
    agent_seat_environment(request->seat, NULL, &ret->words);
    for (size_t i = 0; i < ret->words.count; i++)
        ret->entries[i] = ret->words.text[i];
    return seat;
}

bool agent_seat_show(AgentSeats *seats, const AgentRequest *request, Failure *failure)
{
    char escaped[5 * AGENT_TEXT_LONGEST + 1];
    Environment environment;
    const AgentSeat *seat = find_seated(seats, request, &environment, failure);
    if (!seat)
        return false;
    if (!agent_show_escape(request->text, escaped, sizeof escaped))
        return failure_set(failure, "the text is too long");
    const char *const argv[] = {"notify-send", "--urgency=critical", "--app-name=Oriel", "--icon=dialog-information",
                                "--", request->title[0] ? request->title : "Message", escaped, NULL};
    AgentChild notify = {.argv = argv, .environment = environment.entries, .uid = seat->person.uid, .timeout_ms = SHOW_MS};
    return agent_child_run(&notify, failure);
}

/* Without a timer it would stay, and the host would not hear of its end. */
static bool time_question(AgentSeats *seats, AgentSeat *seat, const AgentRequest *request)
{
    const struct itimerspec time = {.it_value = {request->ask_ms / 1000, request->ask_ms % 1000 * 1000000L}};
    struct epoll_event output = {.events = EPOLLIN, .data.u32 = request->seat | KIND_QUESTION},
                       timer = {.events = EPOLLIN, .data.u32 = request->seat | KIND_QUESTION_TIMER};
    seat->question_timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    return seat->question_timer >= 0 && timerfd_settime(seat->question_timer, 0, &time, NULL) == 0 &&
           epoll_ctl(seats->epoll, EPOLL_CTL_ADD, seat->question_timer, &timer) == 0 &&
           epoll_ctl(seats->epoll, EPOLL_CTL_ADD, seat->question.output, &output) == 0;
}

bool agent_seat_ask(AgentSeats *seats, const AgentRequest *request, Failure *failure)
{
    Environment environment;
    AgentSeat *seat = find_seated(seats, request, &environment, failure);
    if (!seat)
        return false;
    AgentChild where = {.environment = environment.entries, .uid = seat->person.uid};
    if (!agent_ask_open(&seat->question, &where, request, failure))
        return false;
    if (time_question(seats, seat, request))
        return true;
    failure_set_errno(failure, errno, "cannot follow a question");
    agent_ask_end(&seat->question, NULL);
    forget_question(seat);
    seat->question = (AgentQuestion){0};
    return false;
}

void agent_seat_ask_end(AgentSeats *seats, const AgentRequest *request)
{
    if (request->seat <= seats->count)
        agent_ask_end(&seats->each[request->seat].question, request->question);
}
