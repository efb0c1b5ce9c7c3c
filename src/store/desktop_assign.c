/* Who has which desktop. Two rules hold whatever happens at the same time: a desktop has at most one user
 * (its row is locked, and given away only while user_id is NULL), and a user has at most one desktop in a
 * pool (unique index desktops_one_a_user). */
#include "base/error.h"
#include "store/desktop_internal.h"
#include "store/rules.h"

enum { ATTEMPTS = 8 }; /* each failed one means that another claim succeeded meanwhile */

/* The lock on the user lets the clicks of one person come one after the other: of two at once, one would take a second
 * desktop, and hold it from others until it finds out. */
static bool check_claim(Transaction *transaction, const StoreClaim *claim, GError **error)
{
    if (!transaction_run(transaction, "SELECT id FROM users WHERE id = $1 FOR UPDATE", PARAMS(TEXT(claim->user_id)), error))
        return false;
    g_autoptr(Rows) rows =
        transaction_query(transaction,
                          "SELECT p.name, p.enabled, p.maintenance, p.deleting,"
                          " (SELECT u.name FROM users u WHERE u.id = $2) FROM pools p WHERE p.id = $1",
                          PARAMS(TEXT(claim->pool_id), TEXT(claim->user_id)), error);
    if (!rows)
        return false;
    if (rows->count == 0)
        return oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "pool \"%s\": there is none", claim->pool_id);
    if (!rows_text(rows, 0, 4))
        return oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "user \"%s\": there is none",
                          text_or_empty(claim->user_id));
    const char *why = rows_number(rows, 0, 3)    ? "it is being deleted"
                      : !rows_number(rows, 0, 1) ? "it is disabled"
                      : rows_number(rows, 0, 2)  ? "it is in maintenance; try again later"
                                                 : NULL;
    return !why || oriel_fail(error, ORIEL_ERROR_CONFLICT, "pool \"%s\": %s", rows_text(rows, 0, 0), why);
}

#define FREE                                                                                                 \
    " d.pool_id = $1 AND d.user_id IS NULL AND d.desired <> 'deleted'"                                       \
    " AND (d.observed <> 'failed' OR d.generation > d.observed_generation)"

/* This one, or the best free one: up to date and ready for a user, up to date and running, up to date, any. */
static Rows *find_free(Transaction *transaction, const StoreClaim *claim, GError **error)
{
    if (claim->desktop_id)
        return transaction_query(transaction,
                                 "SELECT d.id FROM desktops d WHERE d.id = $2 AND" FREE " FOR UPDATE SKIP LOCKED",
                                 PARAMS(TEXT(claim->pool_id), TEXT(claim->desktop_id)), error);
    return transaction_query(
        transaction,
        "SELECT d.id FROM desktops d WHERE" FREE
        " ORDER BY CASE WHEN d.generation > d.observed_generation THEN 3 WHEN d.observed <> 'running' THEN 2"
        " WHEN d.agent <> 'ready' THEN 1 ELSE 0 END, d.id LIMIT 1 FOR UPDATE SKIP LOCKED",
        PARAMS(TEXT(claim->pool_id)), error);
}

/* What others hold locked at this moment is skipped by find_free, but they may let it go again. */
static bool is_one_left(Transaction *transaction, const StoreClaim *claim, GError **error)
{
    g_autoptr(Rows) rows = transaction_query(
        transaction, "SELECT d.id FROM desktops d WHERE" FREE " AND ($2 IS NULL OR d.id = $2) LIMIT 1",
        PARAMS(TEXT(claim->pool_id), TEXT(claim->desktop_id)), error);
    return rows && rows->count > 0;
}

static bool fail_full(Transaction *transaction, const StoreClaim *claim, GError **error)
{
    if (claim->desktop_id)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "desktop \"%s\": it is no longer free",
                          claim->desktop_id);
    g_autoptr(Rows) rows = transaction_query(transaction,
                                             "SELECT p.name, (SELECT COUNT(*) FROM desktops d WHERE "
                                             "d.pool_id = p.id AND d.desired <> 'deleted') FROM pools p"
                                             " WHERE p.id = $1",
                                             PARAMS(TEXT(claim->pool_id)), error);
    return rows &&
           oriel_fail(error, ORIEL_ERROR_FULL, "pool \"%s\": none of its %s desktops is free",
                      rows->count ? rows_text(rows, 0, 0) : "", rows->count ? rows_text(rows, 0, 1) : "0");
}

/* NULL with *ret_retry where the user got another one at this very moment. */
static StoreDesktop *give(Transaction *transaction, const char *id, const char *user_id, bool *ret_retry,
                          GError **error)
{
    if (!transaction_run(
            transaction,
            "UPDATE desktops SET user_id = $2, assigned_ms = $3, updated_ms = $3, version = version + 1"
            " WHERE id = $1 AND user_id IS NULL",
            PARAMS(TEXT(id), TEXT(user_id), NUMBER(transaction->now_ms)), error)) {
        Failure failure = transaction_failure(transaction);
        *ret_retry = failure == FAILURE_UNIQUE || failure == FAILURE_RETRY;
        return NULL;
    }
    g_autoptr(StoreDesktop) desktop = desktop_in(transaction, id, error);
    if (!desktop || !desktop_record(transaction, "desktop.assign", desktop, error))
        return NULL;
    return g_steal_pointer(&desktop);
}

static StoreDesktop *claim_free(Transaction *transaction, const StoreClaim *claim, bool *ret_retry,
                                GError **error)
{
    g_autoptr(Rows) rows = find_free(transaction, claim, error);
    if (!rows)
        return NULL;
    if (rows->count == 0) {
        *ret_retry = is_one_left(transaction, claim, NULL);
        fail_full(transaction, claim, error);
        return NULL;
    }
    return give(transaction, rows_text(rows, 0, 0), claim->user_id, ret_retry, error);
}

static bool want_running(Transaction *transaction, StoreDesktop *desktop, GError **error)
{
    if (desktop->desired == STORE_DESIRED_RUNNING)
        return true;
    desktop->desired = STORE_DESIRED_RUNNING;
    desktop->version++;
    desktop->updated_ms = transaction->now_ms;
    transaction_change(transaction, "desktop", desktop->id, "update", desktop->user_id);
    return transaction_run(
        transaction,
        "UPDATE desktops SET desired = 'running', updated_ms = $2, version = version + 1 WHERE id = $1",
        PARAMS(TEXT(desktop->id), NUMBER(transaction->now_ms)), error);
}

StoreDesktop *desktop_claim_in(Transaction *transaction, const StoreClaim *claim, bool *ret_retry,
                               GError **error)
{
    if (!check_claim(transaction, claim, error))
        return NULL;
    g_autoptr(Rows) rows = transaction_query(transaction,
                                             "SELECT " DESKTOP_COLUMNS " FROM desktops d WHERE d.pool_id = $1"
                                             " AND d.user_id = $2 AND d.desired <> 'deleted' FOR UPDATE",
                                             PARAMS(TEXT(claim->pool_id), TEXT(claim->user_id)), error);
    if (!rows)
        return NULL;
    g_autoptr(StoreDesktop) desktop =
        rows->count ? desktop_read(&(Reader){rows, 0, 0}) : claim_free(transaction, claim, ret_retry, error);
    if (!desktop || !want_running(transaction, desktop, error))
        return NULL;
    return g_steal_pointer(&desktop);
}

StoreDesktop *store_desktop_claim(Store *store, const StoreActor *actor, const StoreClaim *claim,
                                  GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return NULL;
    for (int attempt = 1;; attempt++) {
        bool retry = false;
        g_autoptr(GError) failure = NULL;
        g_autoptr(StoreDesktop) desktop = desktop_claim_in(&transaction, claim, &retry, &failure);
        if (desktop)
            return transaction_commit(&transaction, error) ? g_steal_pointer(&desktop) : NULL;
        if (!retry || attempt == ATTEMPTS) {
            g_propagate_error(error, g_steal_pointer(&failure));
            return NULL;
        }
        if (!transaction_again(&transaction, BEGIN_DURABLE, error))
            return NULL;
    }
}

static bool connect_once(Transaction *transaction, const StoreClaim *claim, const StoreSessionOpen *open,
                         StoreConnected *ret, bool *ret_retry, GError **error)
{
    g_auto(StoreConnected) connected = {0};
    connected.desktop = desktop_claim_in(transaction, claim, ret_retry, error);
    if (!connected.desktop)
        return false;
    connected.session = session_open_in(transaction, connected.desktop, open, error);
    if (!connected.session || !transaction_commit(transaction, error))
        return false;
    *ret = connected;
    connected = (StoreConnected){0};
    return true;
}

bool store_connect(Store *store, const StoreActor *actor, const StoreClaim *claim,
                   const StoreSessionOpen *open, StoreConnected *ret, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return false;
    for (int attempt = 1;; attempt++) {
        bool retry = false;
        g_autoptr(GError) failure = NULL;
        if (connect_once(&transaction, claim, open, ret, &retry, &failure))
            return true;
        if (!retry || attempt == ATTEMPTS) {
            g_propagate_error(error, g_steal_pointer(&failure));
            return false;
        }
        if (!transaction_again(&transaction, BEGIN_DURABLE, error))
            return false;
    }
}

void store_connected_clear(StoreConnected *connected)
{
    g_clear_pointer(&connected->desktop, store_desktop_free);
    g_clear_pointer(&connected->session, store_session_free);
}

bool store_desktop_assign(Store *store, const StoreActor *actor, const char *id, const char *user_id,
                          GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error) ||
        !check_exists(&transaction, "SELECT id FROM users WHERE id = $1", "user", user_id, error))
        return false;
    g_autoptr(StoreDesktop) desktop = desktop_lock(&transaction, id, error);
    if (!desktop)
        return false;
    if (g_strcmp0(desktop->user_id, user_id) == 0)
        return true;
    if (desktop->user_id)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT,
                          "desktop \"%s\": it is assigned to \"%s\"; release it first", desktop->name,
                          text_or_empty(desktop->user_name));
    if (desktop->desired == STORE_DESIRED_DELETED)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "desktop \"%s\": it is being deleted", desktop->name);
    bool has_one = false;
    g_autoptr(GError) failure = NULL;
    g_autoptr(StoreDesktop) given = give(&transaction, id, user_id, &has_one, &failure);
    if (given)
        return transaction_commit(&transaction, error);
    if (has_one)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT,
                          "desktop \"%s\": the user has a desktop in pool \"%s\" already", desktop->name,
                          desktop->pool_name);
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
}

/* ---- leaving ---- */

bool desktop_leave(Transaction *transaction, const StoreDesktop *desktop, StoreAfter after, GError **error)
{
    if (after.remove)
        return desktop_remove_in(transaction, desktop, error);
    /* Asleep or stopped with somebody's work in it: whoever comes next must not wake that. */
    bool rests = desktop->desired != STORE_DESIRED_RUNNING || desktop->observed == STORE_OBSERVED_STOPPED ||
                 desktop->observed == STORE_OBSERVED_STOPPING;
    after.refresh = after.refresh || (after.release && rests);
    return transaction_run(
               transaction,
               "UPDATE desktops SET user_id = CASE WHEN $2 = 1 THEN NULL ELSE user_id END,"
               " assigned_ms = CASE WHEN $2 = 1 THEN 0 ELSE assigned_ms END, generation = generation + $3,"
               " updated_ms = $4, version = version + 1 WHERE id = $1",
               PARAMS(TEXT(desktop->id), NUMBER(after.release), NUMBER(after.refresh),
                      NUMBER(transaction->now_ms)),
               error) &&
           (!after.refresh || desktop_record(transaction, "desktop.refresh", desktop, error)) &&
           (!after.release || !desktop->user_id ||
            desktop_record(transaction, "desktop.release", desktop, error));
}

bool store_desktop_release_unused(Store *store, const char *id, StoreAfter after, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, NULL, BEGIN_DURABLE, error))
        return false;
    g_autoptr(StoreDesktop) desktop = desktop_lock(&transaction, id, error);
    g_autoptr(Rows) used =
        desktop ? transaction_query(&transaction,
                                    "SELECT s.id FROM sessions s WHERE s.desktop_id = $1 AND s.state <> 'ended'",
                                    PARAMS(TEXT(id)), error)
                : NULL;
    if (!used)
        return false;
    if (used->count > 0 || !desktop->user_id || desktop->desired == STORE_DESIRED_DELETED)
        return true;
    return desktop_leave(&transaction, desktop, after, error) && transaction_commit(&transaction, error);
}

bool store_desktop_release(Store *store, const StoreActor *actor, const char *id, StoreAfter after,
                           GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return false;
    g_autoptr(StoreDesktop) desktop = desktop_lock(&transaction, id, error);
    if (!desktop)
        return false;
    if (!after.remove && !after.refresh && (!after.release || !desktop->user_id))
        return true;
    if (desktop->desired == STORE_DESIRED_DELETED)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "desktop \"%s\": it is being deleted", desktop->name);
    return sessions_end_on(&transaction, id, after.release ? "released" : "refreshed", error) &&
           desktop_leave(&transaction, desktop, after, error) && transaction_commit(&transaction, error);
}

bool store_desktop_refresh(Store *store, const StoreActor *actor, const char *id, GError **error)
{
    return store_desktop_release(store, actor, id, (StoreAfter){.refresh = true}, error);
}
