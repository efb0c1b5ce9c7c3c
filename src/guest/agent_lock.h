/* Whether the session's screen is locked: screen lockers tell logind (LockedHint, org.freedesktop.login1(5)), and logind tells on the
 * system bus. Only enough of D-Bus is spoken to be woken; what is so then, loginctl says. */
#pragma once

#include <stdbool.h>

#include "guest/agent_session.h"

/* A connection on which something comes whenever a property of a session changes, and once at the beginning; -1: there is no bus (yet). */
#define AGENT_BUS "/run/dbus/system_bus_socket"
int agent_lock_watch(const char *bus);

/* Empties it. False: the bus has gone. *ret_asked: somebody wants the session locked (logind's signal Lock, which loginctl lock-session and
 * the desktop's own Lock button lead to). */
bool agent_lock_drain(int watch, bool *ret_asked);

/* False where logind cannot be asked: then nothing is known. */
bool agent_lock_read(const AgentSession *session, bool *ret_locked, Failure *failure);

/* Tells logind, and so whoever asks it; does not wait for that. */
void agent_lock_tell(const AgentSession *session, bool locked);

/* The object path of logind for a session of this id, "" if it does not fit. For tests. */
void agent_lock_path(const char *id, char *path, size_t size);

/* Asks for the session's own screen locker. Whether one heard it shows only in agent_lock_read. */
bool agent_lock_ask(const AgentSession *session, Failure *failure);
