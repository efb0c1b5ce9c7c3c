/* What guests are told of people, and what came of it. */
#include "store/home.h"

#include "base/person_wire.h"
#include "base/error.h"
#include "store/rules.h"
#include "store/transaction.h"

#define UID_TRIES 8

static bool known_uid(Store *store, const char *user_id, unsigned *ret, GError **error)
{
    g_autoptr(Rows) rows =
        store_read(store, "SELECT uid FROM guest_uids WHERE user_id = $1", PARAMS(TEXT(user_id)), error);
    if (!rows)
        return false;
    *ret = rows->count > 0 ? (unsigned)rows_number(rows, 0, 0) : 0;
    return true;
}

/* Rows of people who have gone stay: their numbers are never another's. */
static bool allot(Store *store, const char *user_id, unsigned *ret, bool *ret_retry, GError **error)
{
    g_auto(Transaction) transaction = {0};
    g_autoptr(GError) failure = NULL;
    if (!transaction_begin(&transaction, store, NULL, BEGIN_DURABLE, error))
        return false;
    g_autoptr(Rows) rows = transaction_query(
        &transaction,
        "INSERT INTO guest_uids (user_id, uid) SELECT $1, COALESCE(MAX(uid) + 1, $2) FROM guest_uids RETURNING uid",
        PARAMS(TEXT(user_id), NUMBER(AGENT_UID_LEAST)), &failure);
    *ret_retry = !rows && (transaction_failure(&transaction) == FAILURE_UNIQUE ||
                           transaction_failure(&transaction) == FAILURE_RETRY);
    if (!rows) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return false;
    }
    *ret = (unsigned)rows_number(rows, 0, 0);
    if (*ret > AGENT_UID_MOST)
        return oriel_fail(error, ORIEL_ERROR_FULL, "all %d numbers that people may have in guests have been given out",
                          AGENT_UID_MOST - AGENT_UID_LEAST + 1);
    return transaction_commit(&transaction, error);
}

bool store_guest_uid(Store *store, const char *user_id, unsigned *ret, GError **error)
{
    for (int i = 0; i < UID_TRIES; i++) {
        g_autoptr(GError) failure = NULL;
        bool retry = false;
        if (!known_uid(store, user_id, ret, error))
            return false;
        if (*ret || allot(store, user_id, ret, &retry, &failure))
            return true;
        if (!retry || i == UID_TRIES - 1) {
            g_propagate_error(error, g_steal_pointer(&failure));
            return false;
        }
    }
    return false;
}

void store_log_on_free(StoreLogOn *log_on)
{
    if (!log_on)
        return;
    g_free(log_on->locale);
    g_free(log_on->keyboard);
    g_free(log_on->time_zone);
    g_free(log_on->account);
    g_free(log_on->warnings);
    g_free(log_on);
}

bool store_log_on_expect(Store *store, const char *session_id, const StorePlace *place, GError **error)
{
    g_auto(Transaction) transaction = {0};
    return transaction_begin(&transaction, store, NULL, BEGIN_RELAXED, error) &&
           transaction_run(&transaction,
                           "INSERT INTO log_ons (session_id, locale, keyboard, time_zone) VALUES ($1, $2, $3, $4)"
                           " ON CONFLICT (session_id) DO NOTHING",
                           PARAMS(TEXT(session_id), TEXT(text_or_empty(place->locale)),
                                  TEXT(text_or_empty(place->keyboard)), TEXT(text_or_empty(place->time_zone))),
                           error) &&
           transaction_commit(&transaction, error);
}

bool store_log_on_done(Store *store, const char *session_id, const StoreLogOn *what, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, NULL, BEGIN_RELAXED, error) ||
        !transaction_run(&transaction,
                         "INSERT INTO log_ons (session_id, locale, keyboard, time_zone, account, has_home, warnings,"
                         " done_ms) VALUES ($1, '', '', '', $2, $3, $4, $5) ON CONFLICT (session_id) DO UPDATE"
                         " SET account = $2, has_home = $3, warnings = $4, done_ms = $5",
                         PARAMS(TEXT(session_id), TEXT(text_or_empty(what->account)), NUMBER(what->has_home),
                                TEXT(text_or_empty(what->warnings)), NUMBER(transaction.now_ms)),
                         error))
        return false;
    g_autoptr(Rows) rows = transaction_query(&transaction, "SELECT user_id FROM sessions WHERE id = $1",
                                             PARAMS(TEXT(session_id)), error);
    if (!rows)
        return false;
    transaction_change(&transaction, "session", session_id, "update",
                       rows->count > 0 ? rows_text(rows, 0, 0) : NULL);
    return transaction_commit(&transaction, error);
}

bool store_log_on_get(Store *store, const char *session_id, StoreLogOn **ret, GError **error)
{
    g_autoptr(Rows) rows = store_read(store,
                                      "SELECT locale, keyboard, time_zone, account, has_home, warnings, done_ms"
                                      " FROM log_ons WHERE session_id = $1",
                                      PARAMS(TEXT(session_id)), error);
    if (!rows)
        return false;
    *ret = NULL;
    if (rows->count == 0)
        return true;
    Reader reader = {rows, 0, 0};
    StoreLogOn *log_on = g_new0(StoreLogOn, 1);
    log_on->locale = read_string(&reader);
    log_on->keyboard = read_string(&reader);
    log_on->time_zone = read_string(&reader);
    log_on->account = read_string(&reader);
    log_on->has_home = read_bool(&reader);
    log_on->warnings = read_string(&reader);
    log_on->done_ms = read_number(&reader);
    *ret = log_on;
    return true;
}
