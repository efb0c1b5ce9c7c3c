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

bool agent_prepare_freeze(Machine *machine, int64_t limit_ms, GError **error);
bool agent_log_off(Machine *machine, int64_t limit_ms, GError **error);
bool agent_resize(Machine *machine, unsigned width, unsigned height, int64_t limit_ms, GError **error);
bool agent_ping(Machine *machine, int64_t limit_ms, GError **error);

/* Shows a text of at most LIMIT_MESSAGE bytes, and a title, to whoever sits in front of the screen. */
bool agent_show(Machine *machine, const char *title, const char *text, int64_t limit_ms, GError **error);
/* Has the session's screen locker lock it; fails where it has none. */
bool agent_lock(Machine *machine, int64_t limit_ms, GError **error);

/* Asks for an orderly power off; returns once it is sent. machine_wait_end tells whether it happened. */
bool agent_shut_down(Machine *machine, GError **error);

/* Waits until the agent has reported ready (or had already, since this machine was started, forked or
 * adopted). `settled`: only a ready with settled counts. TIMEOUT; UNAVAILABLE: the machine ended before. */
bool agent_wait_ready(Machine *machine, bool settled, int64_t limit_ms, GError **error);
