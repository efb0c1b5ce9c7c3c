#include "store/event_chain.h"

#include <string.h>

#include "base/error.h"

/* ---- the form ---- */

static void add_text(GChecksum *checksum, const char *text)
{
    if (!text) {
        g_checksum_update(checksum, (const guchar *)"-,", 2);
        return;
    }
    char length[24];
    size_t bytes = strlen(text);
    int digits = g_snprintf(length, sizeof length, "%zu:", bytes);
    g_checksum_update(checksum, (const guchar *)length, digits);
    g_checksum_update(checksum, (const guchar *)text, (gssize)bytes);
    g_checksum_update(checksum, (const guchar *)",", 1);
}

static void add_number(GChecksum *checksum, int64_t number)
{
    char text[24];
    g_snprintf(text, sizeof text, "%" G_GINT64_FORMAT, number);
    add_text(checksum, text);
}

char *chain_hash(const char *before, const StoreEvent *event)
{
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    add_text(checksum, "oriel-event-1");
    add_text(checksum, before);
    add_number(checksum, event->sequence);
    add_text(checksum, event->id);
    add_number(checksum, event->time_ms);
    add_text(checksum, event->actor_id);
    const char *const texts[] = {event->actor_name, event->address,     event->action, event->object_kind,
                                 event->object_id,  event->object_name, event->result, event->detail};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        add_text(checksum, texts[i]);
    return g_strdup(g_checksum_get_string(checksum));
}

/* ---- appending ---- */

static bool insert(Transaction *transaction, const StoreEvent *event, GError **error)
{
    return transaction_run(
        transaction,
        "INSERT INTO events (sequence, id, time_ms, actor_id, actor_name, address, action, object_kind,"
        " object_id, object_name, result, detail, hash)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        PARAMS(NUMBER(event->sequence), TEXT(event->id), NUMBER(event->time_ms), TEXT(event->actor_id),
               TEXT(event->actor_name), TEXT(event->address), TEXT(event->action), TEXT(event->object_kind),
               TEXT(event->object_id), TEXT(event->object_name), TEXT(event->result), TEXT(event->detail),
               TEXT(event->hash)),
        error);
}

bool chain_append(Transaction *transaction, GError **error)
{
    const GPtrArray *events = transaction->events;
    if (events->len == 0)
        return true;
    g_autoptr(Rows) head =
        transaction_query(transaction, "SELECT sequence, hash FROM event_head FOR UPDATE", NO_PARAMS, error);
    if (!head)
        return false;
    if (head->count != 1)
        return oriel_fail(error, ORIEL_ERROR_CORRUPT, "store: the head of the audit trail is missing; nothing is "
                                                      "changed without it: restore the store from a backup");
    int64_t sequence = rows_number(head, 0, 0);
    const char *before = rows_text(head, 0, 1);
    for (guint i = 0; i < events->len; i++) {
        StoreEvent *event = events->pdata[i];
        event->sequence = ++sequence;
        g_free(event->hash);
        event->hash = chain_hash(before, event);
        before = event->hash;
        if (!insert(transaction, event, error))
            return false;
    }
    return transaction_run(transaction, "UPDATE event_head SET sequence = $1, hash = $2",
                           PARAMS(NUMBER(sequence), TEXT(before)), error);
}
