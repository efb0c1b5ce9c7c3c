/* The host side of contract 2 (docs/architecture.md): messages to oriel-agent in the guest. Everything the
 * guest says is untrusted: lines are bounded, a flood is slowed down, what makes no sense is dropped. What
 * the agent reports by itself comes through MachineListener. Operations wait for `done` up to limit_ms:
 * TIMEOUT: the agent did not answer; UNAVAILABLE: the machine ended. An error of the agent comes as INTERNAL
 * with its sentence. Threads as in machine.h. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "machine/machine.h"

typedef struct {
    const char *machine_id; /* 32 hex characters, or NULL: a random one */
    const char *hostname;
    const char *locale;    /* "de_DE.UTF-8"; NULL: as in the image */
    const char *keyboard;  /* "de"; NULL: as in the image */
    const char *time_zone; /* "Europe/Berlin"; NULL: as in the image */
} AgentIdentity;

/* Sends time, 64 bytes of entropy and who the machine is. Right after a fork. `ret_steps` (may be NULL): the
 * agent's own measurements as text, "clock 12 us, ...", for the log; caller frees. */
bool agent_identity(Machine *machine, const AgentIdentity *identity, int64_t limit_ms, char **ret_steps,
                    GError **error);

typedef struct {
    unsigned seat;       /* of a shared machine; 0: the whole desktop */
    const char *session; /* its id: said again, it is not begun again */
    const char *account; /* broker/name.h, name_account */
    unsigned uid;        /* AGENT_UID_LEAST to AGENT_UID_MOST */
    const char *display_name;
    const char *locale; /* NULL: as in the image; the same for the next two */
    const char *keyboard;
    const char *time_zone;
    bool has_home;    /* the user disk is plugged in */
    bool home_is_new; /* it may be made a file system of */
    const char *warning; /* a sentence for the screen, or NULL */
} AgentLogOn;

typedef struct {
    char *account;  /* which it is in the guest; untrusted, but fit for an account's name; NULL: none */
    char *warnings; /* sentences, each on a line; untrusted; NULL: none */
    char *steps;    /* for the log; NULL: none */
    bool has_home;  /* its disk is mounted as home */
} AgentLoggedOn;

void agent_logged_on_clear(AgentLoggedOn *logged_on);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AgentLoggedOn, agent_logged_on_clear)

/* Makes the desktop that person's. An agent that does not know it would not answer: agent_logs_on. */
bool agent_log_on(Machine *machine, const AgentLogOn *person, int64_t limit_ms, AgentLoggedOn *ret, GError **error);
bool agent_logs_on(const Machine *machine); /* its last ready said that it knows log-on; any thread */
bool agent_tunnels(const Machine *machine); /* likewise, that it serves tunnels */
/* The user disk has grown: the file system in it follows. */
bool agent_grow_home(Machine *machine, int64_t limit_ms, GError **error);

bool agent_prepare_freeze(Machine *machine, int64_t limit_ms, GError **error);
bool agent_log_off(Machine *machine, unsigned seat, int64_t limit_ms, GError **error); /* seat 0: the desktop's user; so below */
bool agent_resize(Machine *machine, unsigned width, unsigned height, int64_t limit_ms, GError **error);
bool agent_ping(Machine *machine, int64_t limit_ms, GError **error);

typedef struct {
    unsigned seat;
    const char *title;
    const char *text; /* at most LIMIT_MESSAGE bytes */
} AgentShow;

/* Shows it to whoever sits in front of the screen. */
bool agent_show(Machine *machine, const AgentShow *what, int64_t limit_ms, GError **error);

typedef struct {
    unsigned seat;
    const char *id;    /* ULID */
    const char *title; /* who asks */
    const char *text;
    const char *allow; /* what stands on the buttons */
    const char *refuse;
    int64_t limit_ms;  /* so long there is to answer; then it is taken off the screen */
} AgentQuestion;

/* Asks whoever sits in front of the screen; MachineListener.answer says what they chose. Does not wait: a guest that cannot ask says
 * nothing. */
bool agent_ask(Machine *machine, const AgentQuestion *question, GError **error);
bool agent_ask_end(Machine *machine, unsigned seat, const char *question, GError **error); /* takes it back */
/* Locks the session's screen: by Oriel's own locker, which the guest then holds (MachineActivity), or by one that the session has; fails
 * where there is none. */
bool agent_lock(Machine *machine, unsigned seat, int64_t limit_ms, GError **error);
/* Ends a lock that is held; nothing where none is. */
bool agent_unlock(Machine *machine, unsigned seat, int64_t limit_ms, GError **error);

/* Its last ready said that it can seat several people at once; any thread. */
bool agent_seats(const Machine *machine);

/* Asks for an orderly power off; returns once it is sent. machine_wait_end tells whether it happened. */
bool agent_shut_down(Machine *machine, GError **error);

/* Waits until the agent has reported ready (or had already, since this machine was started, forked or
 * adopted). `settled`: only a ready with settled counts. TIMEOUT; UNAVAILABLE: the machine ended before. */
bool agent_wait_ready(Machine *machine, bool settled, int64_t limit_ms, GError **error);
