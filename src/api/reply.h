/* What a handler answers. The server turns it into bytes. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/display_wire.h"
#include "base/json.h"

typedef struct StreamClient StreamClient; /* api/stream.h */

typedef struct {
    int status;
    const char *content_type; /* static; NULL: no body */
    GBytes *body;             /* or: */
    int file;                 /* descriptor of a file to send, -1: none; and its size: */
    uint64_t file_bytes;
    StreamClient *stream; /* or: an event stream; leaves its hub with the reply */
    int display;          /* or: the display whose descriptor follows the 101; -1: none; and what goes with it: */
    DisplayPacket handover;
    GPtrArray *headers;   /* name, value, name, value; of char * */
} Reply;

Reply *reply_new(void);
void reply_free(Reply *reply);

/* Back to an empty answer (a handler failed half way). */
void reply_reset(Reply *reply);

void reply_header(Reply *reply, const char *name, const char *value); /* added, not replaced */
/* Value of a header set before; NULL: none. Borrowed. */
const char *reply_header_get(const Reply *reply, const char *name);

/* Takes the value. */
void reply_json(Reply *reply, int status, Json *value);
void reply_text(Reply *reply, int status, const char *text);
void reply_bytes(Reply *reply, const char *content_type, GBytes *bytes); /* keeps a reference; status 200 */
void reply_empty(Reply *reply);                                          /* 204 */

/* The problem of an error: RFC 9457. status 0: what base/error.h says for its kind. An internal error's
 * sentence is not shown to strangers: caller logs it. 429 and 503 get a Retry-After. */
void reply_problem(Reply *reply, const GError *error, int status);
void reply_problem_text(Reply *reply, int kind, int status, const char *detail);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Reply, reply_free)
