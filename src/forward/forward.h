/* Sends the events of the audit trail to where the configuration says (event_syslog, event_webhook), on threads of its
 * own. */
#pragma once

#include "base/config.h"
#include "base/json.h"
#include "store/event.h"

typedef struct Forward Forward;

/* Begins. INVALID: a destination cannot be read, and what would be right. All of setup must outlive it. */
Forward *forward_start(const Config *config, Store *store, const char *host_id, GError **error);
void forward_stop(Forward *forward); /* what is under way is finished or times out; NULL is fine */

/* Sentences (char *) about configured receivers that have taken nothing for longer than a minute. NULL on failure. */
GPtrArray *forward_warnings(const Config *config, Store *store, int64_t now_ms, GError **error);

/* An event as the API and the webhook show it. Caller owns. */
Json *event_json(const StoreEvent *event);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Forward, forward_stop)
