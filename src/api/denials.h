/* Which refusals are written down: of one user and call at most one a second, so that nobody fills the audit trail (each
 * line is a durable write) by asking for what they may not. Any thread. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Denials Denials;

Denials *denials_new(void);
void denials_free(Denials *denials); /* NULL is fine */

/* Whether a refusal with this key is written down at now_ms (monotonic); then *ret_left_out is how many were not since
 * the last that was. Of a burst's end it is told with the next refusal, if there is one. */
bool denial_is_told(Denials *denials, const char *key, int64_t now_ms, uint64_t *ret_left_out);
