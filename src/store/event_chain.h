/* The chain of events: each one's hash is SHA-256 over the hash before it and all its own fields, so that nobody
 * changes, removes or puts in one without breaking all that follow. Only for this folder. */
#pragma once

#include "store/event.h"
#include "store/transaction.h"

#define CHAIN_EXPIRE "event.expire" /* the event by which retention says where the chain begins now */

/* The hash of an event after that one ("" before the first), in hex. Pure. Caller frees.
 *
 * What is hashed is a row of netstrings (LENGTH ":" BYTES ","), which cannot be read in two ways: "oriel-event-1",
 * the hash before, sequence, id, time_ms, actor_id, actor_name, address, action, object_kind, object_id,
 * object_name, result, detail; numbers in decimal, and "-," for an actor_id that is NULL. */
char *chain_hash(const char *before, const StoreEvent *event);

/* Gives the transaction's events their places behind the head and writes them; the head stays locked until the
 * commit. */
bool chain_append(Transaction *transaction, GError **error);
