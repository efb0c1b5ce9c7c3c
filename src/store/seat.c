/* Seats of shared machines: rows of desktops that follow their machine's row. */
#include "base/error.h"
#include "base/id.h"
#include "store/desktop_internal.h"
#include "store/rules.h"

bool seat_lock_machine(Transaction *transaction, const char *desktop_id, GError **error)
{
    return transaction_run(transaction,
                           "SELECT m.id FROM desktops m WHERE m.id = (SELECT d.seat_of FROM desktops d WHERE d.id = $1)"
                           " FOR UPDATE",
                           PARAMS(TEXT(desktop_id)), error);
}

bool seat_is_one(Transaction *transaction, const char *desktop_id)
{
    g_autoptr(Rows) rows = desktop_id ? transaction_query(transaction, "SELECT 1 FROM desktops WHERE id = $1 AND seat_of IS NOT NULL",
                                                          PARAMS(TEXT(desktop_id)), NULL)
                                      : NULL;
    return rows && rows->count > 0;
}

bool seat_refuse(const StoreDesktop *desktop, GError **error)
{
    return !desktop->seat_of ||
           oriel_fail(error, ORIEL_ERROR_UNSUPPORTED,
                      "desktop \"%s\": is a seat on \"%s\", which others may share; do that to the machine itself", desktop->name,
                      text_or_empty(desktop->seat_of_name));
}

/* Its name has a sign that no pattern of names has: only a machine that somebody added could be called so. */
static bool make_one(Transaction *transaction, const char *machine_id, int64_t seat, GError **error)
{
    g_autofree char *id = id_new();
    g_autofree char *suffix = g_strdup_printf(".%" G_GINT64_FORMAT, seat);
    transaction_change(transaction, "desktop", id, "create", NULL);
    return transaction_run(transaction,
                           "INSERT INTO desktops (id, pool_id, host_id, name, image_version_id, desired, observed, generation,"
                           " observed_generation, agent, observed_ms, created_ms, updated_ms, protocol, address, port, sealed_password,"
                           " seat_of, seat) SELECT $2, m.pool_id, m.host_id, m.name || $3, m.image_version_id, m.desired, m.observed,"
                           " m.generation, m.observed_generation, m.agent, m.observed_ms, m.created_ms, m.updated_ms, m.protocol,"
                           " m.address, m.port, m.sealed_password, m.id, $4 FROM desktops m WHERE m.id = $1",
                           PARAMS(TEXT(machine_id), TEXT(id), TEXT(suffix), NUMBER(seat)), error);
}

bool seats_make(Transaction *transaction, const char *machine_id, int64_t seats, GError **error)
{
    if (!transaction_run(transaction, "UPDATE desktops SET seats = $2 WHERE id = $1", PARAMS(TEXT(machine_id), NUMBER(seats)),
                         error))
        return false;
    for (int64_t seat = 1; seat <= seats; seat++)
        if (!make_one(transaction, machine_id, seat, error))
            return false;
    return true;
}

bool seats_changed(Transaction *transaction, const char *machine_id, const char *op, GError **error)
{
    g_autoptr(Rows) rows = transaction_query(transaction, "SELECT id, user_id FROM desktops WHERE seat_of = $1 ORDER BY seat",
                                             PARAMS(TEXT(machine_id)), error);
    for (size_t i = 0; rows && i < rows->count; i++)
        transaction_change(transaction, "desktop", rows_text(rows, i, 0), op, rows_text(rows, i, 1));
    return rows != NULL;
}

bool seats_follow(Transaction *transaction, const char *machine_id, GError **error)
{
    g_autoptr(Rows) rows = transaction_query(
        transaction,
        "UPDATE desktops SET desired = m.desired, observed = m.observed, generation = m.generation,"
        " observed_generation = m.observed_generation, agent = m.agent, error = m.error, image_version_id = m.image_version_id,"
        " maintenance = m.maintenance, observed_ms = m.observed_ms, updated_ms = m.updated_ms, version = desktops.version + 1"
        " FROM desktops m WHERE m.id = $1 AND desktops.seat_of = m.id",
        PARAMS(TEXT(machine_id)), error);
    return rows && (rows->affected == 0 || seats_changed(transaction, machine_id, "update", error));
}

bool seats_clear(Transaction *transaction, const char *machine_id, GError **error)
{
    return transaction_run(transaction, "UPDATE desktops SET user_id = NULL, assigned_ms = 0 WHERE seat_of = $1",
                           PARAMS(TEXT(machine_id)), error) &&
           transaction_run(transaction, "DELETE FROM assignments WHERE desktop_id IN (SELECT id FROM desktops WHERE seat_of = $1)",
                           PARAMS(TEXT(machine_id)), error);
}

/* PostgreSQL reads a row that it had to wait for anew: who took a seat meanwhile is seen. */
bool seats_taken(Transaction *transaction, const char *machine_id, int64_t *ret, GError **error)
{
    g_autoptr(Rows) rows = transaction_query(transaction, "SELECT user_id FROM desktops WHERE seat_of = $1 ORDER BY seat FOR UPDATE",
                                             PARAMS(TEXT(machine_id)), error);
    *ret = 0;
    for (size_t i = 0; rows && i < rows->count; i++)
        *ret += rows_text(rows, i, 0) != NULL;
    return rows != NULL;
}

/* Asleep or stopped with somebody's work in it, a machine is refreshed before the next one comes, as a desktop is. */
static bool refresh_if_empty(Transaction *transaction, const char *machine_id, GError **error)
{
    int64_t taken = 0;
    g_autoptr(StoreDesktop) machine = desktop_in(transaction, machine_id, error);
    g_autoptr(Rows) due = machine ? transaction_query(transaction,
                                                      "SELECT CASE WHEN refresh_due = 1 OR desired <> 'running' OR observed IN"
                                                      " ('stopped', 'stopping') THEN 1 ELSE 0 END FROM desktops WHERE id = $1",
                                                      PARAMS(TEXT(machine_id)), error)
                                  : NULL;
    if (!due)
        return false;
    if (due->count == 0 || !rows_number(due, 0, 0) || machine->maintenance || machine->protocol ||
        machine->desired == STORE_DESIRED_DELETED)
        return true;
    if (!seats_taken(transaction, machine_id, &taken, error))
        return false;
    return taken > 0 ||
           (transaction_run(transaction,
                            "UPDATE desktops SET generation = generation + 1, refresh_due = 0, updated_ms = $2, version = version + 1"
                            " WHERE id = $1",
                            PARAMS(TEXT(machine_id), NUMBER(transaction->now_ms)), error) &&
            seats_follow(transaction, machine_id, error) && desktop_record(transaction, "desktop.refresh", machine, error));
}

bool seat_leave(Transaction *transaction, const StoreDesktop *seat, StoreAfter after, GError **error)
{
    bool refresh = after.refresh || after.remove, release = after.release || after.remove;
    return transaction_run(transaction,
                           "UPDATE desktops SET user_id = CASE WHEN $2 = 1 THEN NULL ELSE user_id END,"
                           " assigned_ms = CASE WHEN $2 = 1 THEN 0 ELSE assigned_ms END, updated_ms = $3, version = version + 1"
                           " WHERE id = $1",
                           PARAMS(TEXT(seat->id), NUMBER(release), NUMBER(transaction->now_ms)), error) &&
           (!release || transaction_run(transaction, "DELETE FROM assignments WHERE desktop_id = $1", PARAMS(TEXT(seat->id)),
                                        error)) &&
           (!refresh || transaction_run(transaction, "UPDATE desktops SET refresh_due = 1 WHERE id = $1",
                                        PARAMS(TEXT(seat->seat_of)), error)) &&
           (!release || !seat->user_id || desktop_record(transaction, "desktop.release", seat, error)) &&
           refresh_if_empty(transaction, seat->seat_of, error);
}

/* What its last users left while it was held for the administrator. */
bool seats_end_maintenance(Transaction *transaction, const char *machine_id, GError **error)
{
    return transaction_run(transaction, "UPDATE desktops SET refresh_due = 1 WHERE id = $1 AND protocol IS NULL",
                           PARAMS(TEXT(machine_id)), error) &&
           refresh_if_empty(transaction, machine_id, error);
}

GPtrArray *store_desktop_seats(Store *store, const char *machine_id, GError **error)
{
    List list = {NULL, desktop_read, (GDestroyNotify)store_desktop_free, 0};
    return list_of(store_read(store, "SELECT " DESKTOP_COLUMNS " FROM desktops d WHERE d.seat_of = $1 ORDER BY d.seat",
                              PARAMS(TEXT(machine_id)), error),
                   &list, NULL);
}
