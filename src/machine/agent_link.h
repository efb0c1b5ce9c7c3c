/* The connection to one guest's agent, on the machine thread. Bounded both ways: a guest that floods us is
 * read more slowly, one that does not read makes our calls fail. For files of this room; agent.h is what
 * others use. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "machine/agent_message.h"
#include "machine/loop.h"

typedef struct AgentLink AgentLink;

/* HELLO, READY, SESSION, ACTIVITY, and FLOODS once. Machine thread. */
typedef void (*AgentLinkFunction)(const AgentMessage *message, void *owner);

/* Takes the connected socket over. `name` appears in errors: "machine 01J…". */
AgentLink *agent_link_new(Loop *loop, int fd, const char *name, AgentLinkFunction function, void *owner);

/* Calls under way fail with UNAVAILABLE; when it returns, the function runs no more. */
void agent_link_close(AgentLink *link);
void agent_link_unref(AgentLink *link); /* NULL is fine */

/* Sends `message` (taken over) with an id of its own and waits for `done` (of a ping: `pong`). limit_ms 0:
 * does not wait. *ret_steps (may be NULL): see AgentMessage.second; caller frees. */
/* As agent_link_call, with the whole answer; *ret is cleared by the caller with agent_message_clear. */
bool agent_link_ask(AgentLink *link, Json *message, int64_t limit_ms, AgentMessage *ret, GError **error);

/* Its last ready said that it knows log-on. */
bool agent_link_logs_on(AgentLink *link);
unsigned agent_link_seats(AgentLink *link); /* how many people it can seat, as it said there */
bool agent_link_tunnels(AgentLink *link); /* likewise, that it serves tunnels */

bool agent_link_call(AgentLink *link, Json *message, int64_t limit_ms, char **ret_steps, GError **error);

bool agent_link_wait_ready(AgentLink *link, bool settled, int64_t limit_ms, GError **error);
