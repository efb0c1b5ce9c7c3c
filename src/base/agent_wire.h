/* The words that host and guest agent say to each other (docs/architecture.md, contract 2): one JSON object a line on
 * the virtio-serial port. Constants only, no GLib: the agent in the guest includes this too. */
#pragma once

#include "base/person_wire.h"

#define AGENT_PORT_NAME "org.oriel.agent.0"
#define AGENT_PORT_PATH "/dev/virtio-ports/" AGENT_PORT_NAME

/* "type" of a message from the host */
#define AGENT_PING "ping"
#define AGENT_PREPARE_FREEZE "prepare-freeze"
#define AGENT_IDENTITY "identity"
#define AGENT_LOG_OFF "log-off"
#define AGENT_RESIZE "resize"
#define AGENT_SHUT_DOWN "shut-down"
#define AGENT_LOCK "lock"
#define AGENT_UNLOCK "unlock" /* of a lock that the agent holds */
#define AGENT_SHOW "message"
#define AGENT_ASK "ask"         /* a question to whoever sits there, until it is answered, taken back or its time is up */
#define AGENT_ASK_END "ask-end" /* takes it back */

/* "type" of a message from the agent */
#define AGENT_HELLO "hello"
#define AGENT_READY "ready"
#define AGENT_DONE "done"
#define AGENT_SESSION "session"
#define AGENT_PONG "pong"
#define AGENT_ACTIVITY "activity"
#define AGENT_ANSWER "answer"

/* "state" of AGENT_SESSION */
#define AGENT_LOGGED_ON "logged-on"
#define AGENT_LOGGED_OFF "logged-off"

#define AGENT_ENTROPY_BYTES 64  /* of "entropy", before base64 */
#define AGENT_ID_LONGEST 64     /* bytes of "id" */
#define AGENT_TITLE_LONGEST 200 /* bytes of "title" */
#define AGENT_TEXT_LONGEST 2000 /* bytes of "text" */
#define AGENT_CHOICE_LONGEST 60 /* bytes of "allow" and "refuse", what stands on a question's buttons */
#define AGENT_ASK_MOST_MS 120000 /* longest "limit_ms" of a question */
#define AGENT_SCREEN_SMALLEST 64 /* pixels: bounds of "width" and "height" */
#define AGENT_SCREEN_LARGEST 8192
