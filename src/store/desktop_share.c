/* The users of dedicated and manual desktops, of whom there may be several; and desktops that nobody gets for now. */
#include "base/error.h"
#include "store/desktop_internal.h"
#include "store/rules.h"

/* The one that came next takes the place of the one who leaves. */
static bool take_from(Transaction *transaction, const StoreDesktop *desktop, const char *user_id, GError **error)
{
    return transaction_run(transaction, "DELETE FROM assignments WHERE desktop_id = $1 AND user_id = $2",
                           PARAMS(TEXT(desktop->id), TEXT(user_id)), error) &&
           transaction_run(transaction,
                           "UPDATE desktops SET user_id = NULL, updated_ms = $3, version = version + 1 WHERE id = $1"
                           " AND (user_id = $2 OR user_id IS NULL)",
                           PARAMS(TEXT(desktop->id), TEXT(user_id), NUMBER(transaction->now_ms)), error) &&
           transaction_run(transaction,
                           "UPDATE desktops SET user_id = (SELECT a.user_id FROM assignments a WHERE a.desktop_id = $1"
                           " ORDER BY a.assigned_ms, a.user_id LIMIT 1) WHERE id = $1 AND user_id IS NULL",
                           PARAMS(TEXT(desktop->id)), error) &&
           transaction_run(transaction, "UPDATE desktops SET assigned_ms = 0 WHERE id = $1 AND user_id IS NULL",
                           PARAMS(TEXT(desktop->id)), error);
}

bool store_desktop_unassign(Store *store, const StoreActor *actor, const char *id, const char *user_id, GError **error)
{
    g_auto(Transaction) transaction = {0};
    bool theirs = false;
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return false;
    g_autoptr(StoreDesktop) desktop = desktop_lock(&transaction, id, error);
    if (!desktop || !desktop_is_theirs(&transaction, desktop, user_id, &theirs, error))
        return false;
    if (!theirs)
        return oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "desktop \"%s\": it is not assigned to this user", desktop->name);
    g_autoptr(Rows) session = transaction_query(
        &transaction, "SELECT id FROM sessions WHERE desktop_id = $1 AND user_id = $2 AND state <> 'ended'",
        PARAMS(TEXT(desktop->id), TEXT(user_id)), error);
    return session && (session->count == 0 || sessions_end_on(&transaction, desktop->id, "released", error)) &&
           take_from(&transaction, desktop, user_id, error) &&
           desktop_record_user(&transaction, "desktop.unassign", desktop, user_id, error) &&
           transaction_commit(&transaction, error);
}

void store_assignment_free(StoreAssignment *assignment)
{
    if (!assignment)
        return;
    g_free(assignment->desktop_id);
    g_free(assignment->user_id);
    g_free(assignment->user_name);
    g_free(assignment);
}

static gpointer assignment_read(Reader *reader)
{
    StoreAssignment *assignment = g_new0(StoreAssignment, 1);
    assignment->desktop_id = read_string(reader);
    assignment->user_id = read_string(reader);
    assignment->user_name = read_string(reader);
    assignment->assigned_ms = read_number(reader);
    return assignment;
}

GPtrArray *store_assignment_list(Store *store, const char *first, const char *last, GError **error)
{
    List list = {NULL, assignment_read, (GDestroyNotify)store_assignment_free, 0};
    return list_of(store_read(store,
                              "SELECT a.desktop_id, a.user_id, u.name, a.assigned_ms FROM assignments a JOIN users u"
                              " ON u.id = a.user_id WHERE a.desktop_id >= $1 AND a.desktop_id <= $2"
                              " ORDER BY a.desktop_id, a.assigned_ms, a.user_id",
                              PARAMS(TEXT(first), TEXT(last)), error),
                   &list, NULL);
}

/* ---- maintenance ---- */

/* What a user left on a floating desktop while it was held for the administrator. */
static bool must_refresh(Transaction *transaction, const StoreDesktop *desktop, bool *ret, GError **error)
{
    g_autoptr(Rows) rows = transaction_query(transaction, "SELECT p.type FROM pools p WHERE p.id = $1",
                                             PARAMS(TEXT(desktop->pool_id)), error);
    *ret = rows && rows->count > 0 && g_strcmp0(rows_text(rows, 0, 0), "floating") == 0 && !desktop->user_id && !desktop->seats;
    return rows != NULL;
}

bool store_desktop_set_maintenance(Store *store, const StoreActor *actor, const char *id, bool maintenance,
                                   GError **error)
{
    g_auto(Transaction) transaction = {0};
    bool refresh = false;
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return false;
    g_autoptr(StoreDesktop) desktop = desktop_lock(&transaction, id, error);
    if (!desktop || !seat_refuse(desktop, error))
        return false;
    if (desktop->maintenance == maintenance)
        return true;
    if (desktop->desired == STORE_DESIRED_DELETED)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "desktop \"%s\": it is being deleted", desktop->name);
    if (!maintenance && !must_refresh(&transaction, desktop, &refresh, error))
        return false;
    return transaction_run(&transaction,
                           "UPDATE desktops SET maintenance = $2, generation = generation + $3, updated_ms = $4,"
                           " version = version + 1 WHERE id = $1",
                           PARAMS(TEXT(desktop->id), NUMBER(maintenance), NUMBER(refresh), NUMBER(transaction.now_ms)),
                           error) &&
           (!desktop->seats || (seats_follow(&transaction, desktop->id, error) && (maintenance || seats_end_maintenance(&transaction, desktop->id, error)))) &&
           desktop_record(&transaction, maintenance ? "desktop.maintenance.begin" : "desktop.maintenance.end", desktop,
                          error) &&
           transaction_commit(&transaction, error);
}
