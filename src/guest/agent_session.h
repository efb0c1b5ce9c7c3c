/* Who is logged in: read from the files that systemd-logind keeps in /run/systemd/sessions, told by inotify. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "guest/failure.h"

typedef struct {
    bool present;
    bool graphical;
    char id[32]; /* logind's */
    uid_t uid;
    char user[64];
    char tty[32];   /* its console: "tty1"; "" if it has none */
    char scope[64]; /* systemd's unit with its processes: "session-c1.scope"; "" if unknown */
} AgentSession;

/* The environment in which a program reaches the user's screen and session bus: NULL-ended, for AgentChild. */
typedef struct {
    char room[4096];
    const char *entries[16];
    char leader[32]; /* name of the process it was found in */
} SessionEnvironment;

/* An inotify descriptor that tells of changes, or -1. */
int agent_session_watch(void);

/* Empties it; also follows the folder when logind has just made it. */
void agent_session_drain(int watch);

/* The user's session, a graphical one before others; greeters, services and ending sessions do not count. */
AgentSession agent_session_read(void);

/* One file of logind into a session. False: not a session of a user, or it is ending. For tests: text is untrusted. */
bool agent_session_parse(const char *id, const char *text, AgentSession *session);

bool agent_session_equal(const AgentSession *a, const AgentSession *b);

/* Found in the environment of one of the session's processes. False: no graphical program runs (yet). */
bool agent_session_environment(const AgentSession *session, SessionEnvironment *environment);

/* Keeps those entries of a /proc/PID/environ block that reach a session. False: there is no DISPLAY among them. */
bool agent_session_environment_take(const char *block, size_t length, SessionEnvironment *environment);

/* Asks the desktop to end the session as a person would do it. False: it has no such way; terminate it. */
bool agent_session_ask_to_end(const AgentSession *session, Failure *failure);

/* Starts the clipboard's helper of the session (spice-vdagent) after the host has plugged in its port, and does not
 * wait for it. Nothing happens where it is not installed. */
bool agent_session_clipboard_start(const AgentSession *session, Failure *failure);
bool agent_session_clipboard_runs(void);

/* Ends it: a template must not hold one that looks for a port which is no longer there. */
void agent_session_clipboard_end(void);

/* Has logind end it. */
bool agent_session_terminate(const AgentSession *session, Failure *failure);
