/* Who has which desktop. Two rules hold whatever happens at the same time: a desktop has at most one user
 * (its row is locked, and given away only while user_id is NULL), and a user has at most as many desktops in a
 * pool as it allows, each with an ordinal of its own (unique index desktops_one_a_user). */
#include "base/error.h"
#include "store/desktop_internal.h"
#include "store/quota_internal.h"
#include "store/rules.h"

enum { ATTEMPTS = 8 }; /* each failed one means that another claim succeeded meanwhile */

/* The lock on the user lets the clicks of one person come one after the other: of two at once, one would take a second
 * desktop, and hold it from others until it finds out. */
static bool check_claim(Transaction *transaction, const StoreClaim *claim, Gift *ret, bool *ret_by_hand, GError **error)
{
    if (!transaction_run(transaction, "SELECT id FROM users WHERE id = $1 FOR UPDATE", PARAMS(TEXT(claim->user_id)), error))
        return false;
    g_autoptr(Rows) rows =
        transaction_query(transaction,
                          "SELECT p.name, p.enabled, p.maintenance, p.deleting,"
                          " (SELECT u.name FROM users u WHERE u.id = $2), p.type, p.assignment, p.sessions_a_user"
                          " FROM pools p WHERE p.id = $1",
                          PARAMS(TEXT(claim->pool_id), TEXT(claim->user_id)), error);
    if (!rows)
        return false;
    if (rows->count == 0)
        return oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "pool \"%s\": there is none", claim->pool_id);
    if (!rows_text(rows, 0, 4))
        return oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "user \"%s\": there is none",
                          text_or_empty(claim->user_id));
    bool shared = g_strcmp0(rows_text(rows, 0, 5), "floating") != 0;
    *ret = (Gift){.pool_id = claim->pool_id, .user_id = claim->user_id, .shared = shared, .most = rows_number(rows, 0, 7)};
    *ret_by_hand = g_strcmp0(rows_text(rows, 0, 5), "manual") == 0 || g_strcmp0(rows_text(rows, 0, 6), "manual") == 0;
    const char *why = rows_number(rows, 0, 3)    ? "it is being deleted"
                      : !rows_number(rows, 0, 1) ? "it is disabled"
                      : rows_number(rows, 0, 2)  ? "it is in maintenance; try again later"
                                                 : NULL;
    return !why || oriel_fail(error, ORIEL_ERROR_CONFLICT, "pool \"%s\": %s", rows_text(rows, 0, 0), why);
}

#define FREE                                                                                                 \
    " d.seats = 0 AND d.pool_id = $1 AND d.user_id IS NULL AND d.desired <> 'deleted' AND d.maintenance = 0"                \
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
                                             "d.pool_id = p.id AND d.desired <> 'deleted' AND d.seats = 0) FROM pools p"
                                             " WHERE p.id = $1",
                                             PARAMS(TEXT(claim->pool_id)), error);
    return rows &&
           oriel_fail(error, ORIEL_ERROR_FULL, "pool \"%s\": none of its %s desktops is free",
                      rows->count ? rows_text(rows, 0, 0) : "", rows->count ? rows_text(rows, 0, 1) : "0");
}

bool desktop_record_user(Transaction *transaction, const char *action, const StoreDesktop *desktop, const char *user_id,
                        GError **error)
{
    StoreDesktop theirs = *desktop;
    g_autoptr(Rows) rows = transaction_query(transaction, "SELECT name FROM users WHERE id = $1", PARAMS(TEXT(user_id)),
                                             error);
    if (!rows)
        return false;
    theirs.user_id = (char *)user_id;
    theirs.user_name = (char *)(rows->count ? rows_text(rows, 0, 0) : "");
    return desktop_record(transaction, action, &theirs, error);
}

static bool write_gift(Transaction *transaction, const Gift *gift, int64_t ordinal, GError **error)
{
    return transaction_run(transaction,
                           "UPDATE desktops SET user_id = COALESCE(user_id, $2), ordinal = CASE WHEN user_id IS NULL THEN $4 ELSE"
                           " ordinal END, assigned_ms = CASE WHEN user_id IS NULL"
                           " THEN $3 ELSE assigned_ms END, updated_ms = $3, version = version + 1 WHERE id = $1",
                           PARAMS(TEXT(gift->desktop_id), TEXT(gift->user_id), NUMBER(transaction->now_ms), NUMBER(ordinal)), error) &&
           (!gift->shared ||
            transaction_run(
                transaction,
                "INSERT INTO assignments (desktop_id, user_id, pool_id, assigned_ms) VALUES ($1, $2, $3, $4)",
                PARAMS(TEXT(gift->desktop_id), TEXT(gift->user_id), TEXT(gift->pool_id), NUMBER(transaction->now_ms)),
                error));
}

/* The lowest number that none of theirs has; over gift->most where they have as many as they may. Of what has a row in
 * `assignments`, that alone counts. */
static bool next_ordinal(Transaction *transaction, const Gift *gift, int64_t *ret, GError **error)
{
    *ret = 1;
    if (gift->shared)
        return true;
    g_autoptr(Rows) rows = transaction_query(transaction,
                                             "SELECT d.ordinal FROM desktops d WHERE d.pool_id = $1 AND d.user_id = $2"
                                             " AND d.desired <> 'deleted' ORDER BY d.ordinal",
                                             PARAMS(TEXT(gift->pool_id), TEXT(gift->user_id)), error);
    if (!rows)
        return false;
    for (unsigned i = 0; i < rows->count && rows_number(rows, i, 0) == *ret; i++)
        ++*ret;
    if (rows->count >= (uint64_t)gift->most)
        *ret = gift->most + 1;
    return true;
}

StoreDesktop *desktop_give(Transaction *transaction, const Gift *gift, bool *ret_retry, GError **error)
{
    int64_t ordinal = 0;
    if (!next_ordinal(transaction, gift, &ordinal, error))
        return NULL;
    if (!gift->shared && ordinal > gift->most) {
        *ret_retry = true;
        oriel_fail(error, ORIEL_ERROR_CONFLICT, "desktop \"%s\": the user has a desktop of this pool already", gift->desktop_id);
        return NULL;
    }
    if (!write_gift(transaction, gift, ordinal, error)) {
        Failure failure = transaction_failure(transaction);
        *ret_retry = failure == FAILURE_UNIQUE || failure == FAILURE_RETRY;
        return NULL;
    }
    g_autoptr(StoreDesktop) desktop = desktop_in(transaction, gift->desktop_id, error);
    if (!desktop || !desktop_record_user(transaction, "desktop.assign", desktop, gift->user_id, error))
        return NULL;
    return g_steal_pointer(&desktop);
}

static StoreDesktop *claim_free(Transaction *transaction, const StoreClaim *claim, Gift *gift, bool *ret_retry,
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
    gift->desktop_id = rows_text(rows, 0, 0);
    return desktop_give(transaction, gift, ret_retry, error);
}

static void fail_by_hand(GError **error)
{
    oriel_fail(error, ORIEL_ERROR_FULL, "none of these desktops was assigned to you; ask your administrator for one");
}

/* Whoever claimed it is its user for what follows, though another may have been the first. */
static bool be_user(Transaction *transaction, StoreDesktop *desktop, const char *user_id, GError **error)
{
    if (g_strcmp0(desktop->user_id, user_id) == 0)
        return true;
    g_autoptr(Rows) rows = transaction_query(transaction, "SELECT name FROM users WHERE id = $1", PARAMS(TEXT(user_id)),
                                             error);
    if (!rows || rows->count == 0)
        return false;
    store_set(&desktop->user_id, user_id);
    store_set(&desktop->user_name, rows_text(rows, 0, 0));
    return true;
}

/* Of several who may use it one at a time does. */
static bool check_nobody_else(Transaction *transaction, const StoreDesktop *desktop, const char *user_id, GError **error)
{
    g_autoptr(Rows) rows = transaction_query(transaction,
                                             "SELECT s.user_name FROM sessions s WHERE s.desktop_id = $1"
                                             " AND s.state <> 'ended' AND s.user_id <> $2",
                                             PARAMS(TEXT(desktop->id), TEXT(user_id)), error);
    return rows && (rows->count == 0 || oriel_fail(error, ORIEL_ERROR_FULL,
                                                   "desktop \"%s\": %s uses it now; try again later", desktop->name,
                                                   rows_text(rows, 0, 0)));
}

static bool want_running(Transaction *transaction, StoreDesktop *desktop, GError **error)
{
    if (desktop->desired == STORE_DESIRED_RUNNING)
        return true;
    const char *machine = desktop->seat_of ? desktop->seat_of : desktop->id;
    desktop->desired = STORE_DESIRED_RUNNING;
    desktop->version++;
    desktop->updated_ms = transaction->now_ms;
    transaction_change(transaction, "desktop", machine, "update", desktop->user_id);
    return transaction_run(
               transaction,
               "UPDATE desktops SET desired = 'running', updated_ms = $2, version = version + 1 WHERE id = $1",
               PARAMS(TEXT(machine), NUMBER(transaction->now_ms)), error) &&
           (!desktop->seat_of || seats_follow(transaction, machine, error));
}

static bool fail_limit(Transaction *transaction, const Gift *gift, GError **error)
{
    g_autoptr(Rows) rows =
        transaction_query(transaction, "SELECT p.name FROM pools p WHERE p.id = $1", PARAMS(TEXT(gift->pool_id)), error);
    return rows && oriel_fail(error, ORIEL_ERROR_FULL,
                              "pool \"%s\": you have %d of its desktops, as many as it allows one person; log off from one of them first",
                              rows->count ? rows_text(rows, 0, 0) : "", (int)gift->most);
}

/* Whether one more is theirs to have. */
static bool check_another(Transaction *transaction, const Gift *gift, GError **error)
{
    int64_t ordinal = 0;
    if (gift->shared)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "only floating pools give a person another desktop");
    return next_ordinal(transaction, gift, &ordinal, error) && (ordinal <= gift->most || fail_limit(transaction, gift, error));
}

/* Theirs, locked; NULL: they have none. PostgreSQL looks again at a row that it had to wait for, but not at what other tables
 * say about it: so whose it is stands in the row's own condition, or is asked anew once it is locked. */
static bool lock_theirs(Transaction *transaction, const Gift *gift, const StoreClaim *claim, StoreDesktop **ret, GError **error)
{
    g_autoptr(Rows) rows =
        gift->shared
            ? transaction_query(transaction,
                                "SELECT " DESKTOP_COLUMNS " FROM desktops d WHERE d.desired <> 'deleted' AND d.id ="
                                " (SELECT a.desktop_id FROM assignments a WHERE a.pool_id = $1 AND a.user_id = $2)"
                                " FOR UPDATE",
                                PARAMS(TEXT(gift->pool_id), TEXT(gift->user_id)), error)
            : transaction_query(transaction,
                                "SELECT " DESKTOP_COLUMNS " FROM desktops d WHERE d.pool_id = $1 AND d.user_id = $2"
                                " AND d.desired <> 'deleted' AND ($4 = 0 OR d.id = $3)" DESKTOP_LAST_FIRST_BUT("$3") " LIMIT 1 FOR UPDATE",
                                PARAMS(TEXT(gift->pool_id), TEXT(gift->user_id), TEXT(claim->desktop_id), NUMBER(claim->returns)), error);
    if (!rows || rows->count == 0)
        return rows != NULL;
    g_autoptr(StoreDesktop) desktop = desktop_read(&(Reader){rows, 0, 0});
    bool theirs = true;
    if (gift->shared && !desktop_is_theirs(transaction, desktop, gift->user_id, &theirs, error))
        return false;
    *ret = theirs ? g_steal_pointer(&desktop) : NULL;
    return true;
}

/* The machine of a seat, if it is to be woken: machines are locked before their seats. */
static bool lock_resting(Transaction *transaction, const StoreClaim *claim, GError **error)
{
    return !claim->desktop_id ||
           transaction_run(transaction,
                           "SELECT m.id FROM desktops m WHERE m.desired <> 'running' AND m.id ="
                           " (SELECT d.seat_of FROM desktops d WHERE d.id = $1) FOR UPDATE",
                           PARAMS(TEXT(claim->desktop_id)), error);
}

StoreDesktop *desktop_claim_in(Transaction *transaction, const StoreClaim *claim, bool *ret_retry,
                               GError **error)
{
    Gift gift = {0};
    bool by_hand = false;
    if (!check_claim(transaction, claim, &gift, &by_hand, error) || !lock_resting(transaction, claim, error))
        return NULL;
    g_autoptr(StoreDesktop) desktop = NULL;
    if (claim->another ? !check_another(transaction, &gift, error) : !lock_theirs(transaction, &gift, claim, &desktop, error))
        return NULL;
    if (!desktop && claim->returns) {
        oriel_fail(error, ORIEL_ERROR_CONFLICT, "desktop \"%s\": it is no longer yours", claim->desktop_id);
        return NULL;
    }
    if (!desktop && by_hand && !seat_is_one(transaction, claim->desktop_id))
        return fail_by_hand(error), NULL;
    const QuotaGift more = {.user_id = claim->user_id,
                            .pool_id = claim->pool_id,
                            .desktop_id = desktop ? desktop->id : claim->desktop_id,
                            .is_new = !desktop,
                            .starts = !desktop || desktop->desired != STORE_DESIRED_RUNNING};
    if (!quota_check_in(transaction, &more, error))
        return NULL;
    if (!desktop)
        desktop = claim_free(transaction, claim, &gift, ret_retry, error);
    if (!desktop || !be_user(transaction, desktop, claim->user_id, error) || (gift.shared && !check_nobody_else(transaction, desktop, claim->user_id, error)) ||
        !want_running(transaction, desktop, error))
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

/* Users that it has, and how many its pool allows it. */
static bool count_users(Transaction *transaction, const StoreDesktop *desktop, Gift *ret, bool *ret_room, GError **error)
{
    g_autoptr(Rows) rows = transaction_query(transaction,
                                             "SELECT p.type, p.users_a_desktop, (SELECT COUNT(*) FROM assignments a"
                                             " WHERE a.desktop_id = $2), p.sessions_a_user FROM pools p WHERE p.id = $1 FOR UPDATE",
                                             PARAMS(TEXT(desktop->pool_id), TEXT(desktop->id)), error);
    if (!rows || rows->count == 0)
        return false;
    ret->shared = g_strcmp0(rows_text(rows, 0, 0), "floating") != 0;
    ret->most = rows_number(rows, 0, 3);
    *ret_room = ret->shared ? rows_number(rows, 0, 2) < rows_number(rows, 0, 1) : !desktop->user_id;
    return true;
}

bool desktop_is_theirs(Transaction *transaction, const StoreDesktop *desktop, const char *user_id, bool *ret, GError **error)
{
    g_autoptr(Rows) rows = transaction_query(transaction, "SELECT 1 FROM assignments WHERE desktop_id = $1 AND user_id = $2",
                                             PARAMS(TEXT(desktop->id), TEXT(user_id)), error);
    *ret = rows && (rows->count > 0 || g_strcmp0(desktop->user_id, user_id) == 0);
    return rows != NULL;
}

static bool check_assign(Transaction *transaction, const StoreDesktop *desktop, Gift *gift, GError **error)
{
    bool room = false;
    if (!count_users(transaction, desktop, gift, &room, error))
        return false;
    if (!room)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT,
                          "desktop \"%s\": it is assigned to \"%s\"; release it first, or allow its pool more users a "
                          "desktop",
                          desktop->name, text_or_empty(desktop->user_name));
    if (desktop->desired == STORE_DESIRED_DELETED)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "desktop \"%s\": it is being deleted", desktop->name);
    const QuotaGift more = {.user_id = gift->user_id,
                            .pool_id = gift->pool_id,
                            .desktop_id = desktop->id,
                            .is_new = true,
                            .starts = desktop->desired == STORE_DESIRED_RUNNING};
    return quota_check_in(transaction, &more, error);
}

static bool check_no_machine(const StoreDesktop *desktop, GError **error)
{
    return !desktop->seats || oriel_fail(error, ORIEL_ERROR_UNSUPPORTED,
                                         "desktop \"%s\": is a machine that several people share; assign one of its seats",
                                         desktop->name);
}

bool store_desktop_assign(Store *store, const StoreActor *actor, const char *id, const char *user_id,
                          GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error) ||
        !check_exists(&transaction, "SELECT id FROM users WHERE id = $1 FOR UPDATE", "user", user_id, error))
        return false;
    g_autoptr(StoreDesktop) before = desktop_in(&transaction, id, error);
    Gift gift = {.desktop_id = id, .pool_id = before ? before->pool_id : NULL, .user_id = user_id};
    bool theirs = false, has_one = false;
    if (!before || !desktop_is_theirs(&transaction, before, user_id, &theirs, error))
        return false;
    if (theirs)
        return true;
    /* The pool is locked before the desktop: of two at once the second counts the first. */
    g_autoptr(Rows) pool = transaction_query(&transaction, "SELECT id FROM pools WHERE id = $1 FOR UPDATE",
                                             PARAMS(TEXT(before->pool_id)), error);
    g_autoptr(StoreDesktop) desktop = pool ? desktop_lock(&transaction, id, error) : NULL;
    if (!desktop || !check_no_machine(desktop, error) || !check_assign(&transaction, desktop, &gift, error))
        return false;
    g_autoptr(GError) failure = NULL;
    g_autoptr(StoreDesktop) given = desktop_give(&transaction, &gift, &has_one, &failure);
    if (given)
        return transaction_commit(&transaction, error);
    if (has_one)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT,
                          gift.most > 1 ? "desktop \"%s\": the user has as many desktops in pool \"%s\" already as it allows"
                                        : "desktop \"%s\": the user has a desktop in pool \"%s\" already",
                          desktop->name, desktop->pool_name);
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
}

/* ---- leaving ---- */

bool desktop_leave(Transaction *transaction, const StoreDesktop *desktop, StoreAfter after, GError **error)
{
    if (desktop->seat_of)
        return seat_leave(transaction, desktop, after, error);
    if (after.remove)
        return desktop_remove_in(transaction, desktop, error);
    /* Asleep or stopped with somebody's work in it: whoever comes next must not wake that. */
    bool rests = desktop->desired != STORE_DESIRED_RUNNING || desktop->observed == STORE_OBSERVED_STOPPED ||
                 desktop->observed == STORE_OBSERVED_STOPPING;
    after.refresh = !desktop->protocol && (after.refresh || (after.release && rests)); /* a machine that was there before stays as it is */
    return transaction_run(
               transaction,
               "UPDATE desktops SET user_id = CASE WHEN $2 = 1 THEN NULL ELSE user_id END,"
               " assigned_ms = CASE WHEN $2 = 1 THEN 0 ELSE assigned_ms END, generation = generation + $3,"
               " refresh_due = CASE WHEN $3 = 1 THEN 0 ELSE refresh_due END, updated_ms = $4, version = version + 1 WHERE id = $1",
               PARAMS(TEXT(desktop->id), NUMBER(after.release), NUMBER(after.refresh),
                      NUMBER(transaction->now_ms)),
               error) &&
           (!after.release || transaction_run(transaction, "DELETE FROM assignments WHERE desktop_id = $1",
                                              PARAMS(TEXT(desktop->id)), error)) &&
           (!desktop->seats || !after.refresh || seats_clear(transaction, desktop->id, error)) &&
           seats_follow(transaction, desktop->id, error) &&
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
