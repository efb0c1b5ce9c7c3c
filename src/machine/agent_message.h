/* Lines of the guest's agent (contract 2). Everything here comes from the guest and is untrusted. Pure;
 * fuzzed. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "base/limits.h"

typedef enum {
    AGENT_HELLO,
    AGENT_READY,
    AGENT_DONE,
    AGENT_SESSION,
    AGENT_PONG,
    AGENT_ACTIVITY,
    AGENT_ANSWERED,
    AGENT_APPLICATION,
    AGENT_UNKNOWN,
    AGENT_FLOODS, /* no message: more came than is read */
} AgentMessageKind;

#define AGENT_TEXT_LIMIT 255 /* bytes of version, boot id, user name; longer ones are no message */

typedef struct {
    AgentMessageKind kind;
    uint64_t id;  /* DONE, PONG; 0: none of ours */
    bool logs_on; /* READY: it knows log-on */
    unsigned seat; /* SESSION, ACTIVITY: 1 to AGENT_SEATS_MOST; 0: the desktop itself. READY: how many it has */
    bool flag;    /* READY: settled; SESSION: logged on; ACTIVITY: locked; APPLICATION: runs; DONE: of a log-on: the user disk is the home; ANSWERED: they allow it */
    bool tunnels; /* READY: it serves tunnels */
    bool held;    /* ACTIVITY: locked until the host says otherwise */
    int64_t idle_ms; /* ACTIVITY: since the last input in the guest; -1: it saw none */
    char *first;  /* HELLO: version; SESSION: user; DONE: the error's sentence or NULL; ANSWERED: the question, an id; owned; valid UTF-8, no
                     controls; APPLICATION: how it ended, lines; NULL: it runs */
    char *second; /* HELLO: boot id; DONE: the steps as text or NULL; owned */
    char *account;  /* DONE: of a log-on, or NULL; owned; fit for an account's name */
    char *warnings; /* DONE: of a log-on: sentences, each on a line; NULL: none; owned */
} AgentMessage;

/* False: this line is to be dropped. AGENT_UNKNOWN: of a type that a later agent may know. */
bool agent_message_parse(const char *line, size_t length, AgentMessage *ret);
void agent_message_clear(AgentMessage *message);

/* Cuts a stream into lines; a line over LIMIT_AGENT_LINE is dropped whole. `take` gets each line without its
 * end. */
typedef struct {
    char line[LIMIT_AGENT_LINE];
    size_t length;
    bool dropping; /* until the next line's end */
} AgentLines;

void agent_lines_feed(AgentLines *lines, const char *bytes, size_t length,
                      void (*take)(const char *line, size_t length, void *data), void *data);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AgentMessage, agent_message_clear)
