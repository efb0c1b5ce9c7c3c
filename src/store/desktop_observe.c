/* What the host reports: observed follows desired. */
#include "base/error.h"
#include "store/desktop_internal.h"
#include "store/rules.h"

static bool differs_if_given(const char *given, const char *known)
{
    return given && g_strcmp0(given, known) != 0;
}

static bool changes_anything(const StoreObservation *observation, const StoreDesktop *desktop)
{
    return observation->observed != desktop->observed || g_strcmp0(observation->error, desktop->error) != 0 ||
           (observation->forked && desktop->observed_generation != observation->generation) ||
           differs_if_given(observation->image_version_id, desktop->image_version_id) ||
           differs_if_given(observation->mac, desktop->mac) ||
           differs_if_given(observation->machine_id, desktop->machine_id);
}

static bool write_row(Transaction *transaction, const StoreObservation *observation, GError **error)
{
    return transaction_run(
        transaction,
        "UPDATE desktops SET observed = $3, error = $4, image_version_id = COALESCE($5, image_version_id),"
        " mac = COALESCE($6, mac), machine_id = COALESCE($7, machine_id),"
        " observed_generation = CASE WHEN $8 = 1 THEN $2 ELSE observed_generation END,"
        " agent = CASE WHEN $3 <> 'running' OR ($8 = 1 AND observed_generation <> $2) THEN 'none' ELSE agent "
        "END,"
        " observed_ms = CASE WHEN observed = $3 THEN observed_ms ELSE $9 END, updated_ms = $9, version = "
        "version + 1"
        " WHERE id = $1",
        PARAMS(TEXT(observation->id), NUMBER(observation->generation),
               TEXT(store_observed_word(observation->observed)), TEXT(observation->error),
               TEXT(observation->image_version_id), TEXT(observation->mac), TEXT(observation->machine_id),
               NUMBER(observation->forked), NUMBER(transaction->now_ms)),
        error);
}

/* Of what the host sees only a failure is for the audit trail. */
static bool record_observation(Transaction *transaction, const StoreObservation *observation,
                               const StoreDesktop *desktop, GError **error)
{
    bool failed =
        observation->observed == STORE_OBSERVED_FAILED && desktop->observed != STORE_OBSERVED_FAILED;
    g_autofree char *detail = detail_of("{s:s?}", "error", observation->error);
    Record record = {.action = failed ? "desktop.failed" : NULL,
                     .kind = "desktop",
                     .id = desktop->id,
                     .name = desktop->name,
                     .op = "update",
                     .user_id = desktop->user_id,
                     .detail = detail,
                     .result = "internal"};
    return transaction_record(transaction, &record, error);
}

/* A fork must be on the disk before anybody relies on it: were it forgotten, the host would throw the
 * desktop's disk away and fork anew. The rest the host would see and write again. */
static Begin durability_of(const StoreObservation *observation)
{
    return observation->forked || observation->observed == STORE_OBSERVED_FAILED ? BEGIN_DURABLE
                                                                                 : BEGIN_RELAXED;
}

bool store_desktop_observe(Store *store, const StoreObservation *observation, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, NULL, durability_of(observation), error))
        return false;
    g_autoptr(StoreDesktop) desktop = desktop_lock(&transaction, observation->id, error);
    if (!desktop)
        return false;
    if (observation->generation < desktop->observed_generation ||
        observation->generation > desktop->generation)
        return oriel_fail(error, ORIEL_ERROR_STALE,
                          "desktop \"%s\": generation %" G_GINT64_FORMAT
                          " was seen, it is at %" G_GINT64_FORMAT,
                          desktop->name, observation->generation, desktop->observed_generation);
    if (!changes_anything(observation, desktop))
        return true;
    return write_row(&transaction, observation, error) && (!desktop->seats || seats_follow(&transaction, desktop->id, error)) &&
           record_observation(&transaction, observation, desktop, error) &&
           transaction_commit(&transaction, error);
}

bool store_desktop_set_agent(Store *store, const char *id, int64_t generation, StoreAgent agent,
                             GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, NULL, BEGIN_RELAXED, error))
        return false;
    g_autoptr(StoreDesktop) desktop = desktop_lock(&transaction, id, error);
    if (!desktop)
        return false;
    if (desktop->observed_generation != generation)
        return oriel_fail(error, ORIEL_ERROR_STALE,
                          "desktop \"%s\": the agent was of generation %" G_GINT64_FORMAT, desktop->name,
                          generation);
    if (desktop->agent == agent)
        return true;
    transaction_change(&transaction, "desktop", id, "update", desktop->user_id);
    return transaction_run(
               &transaction,
               "UPDATE desktops SET agent = $2, updated_ms = $3, version = version + 1 WHERE id = $1",
               PARAMS(TEXT(id), TEXT(store_agent_word(agent)), NUMBER(transaction.now_ms)), error) &&
           (!desktop->seats || seats_follow(&transaction, id, error)) &&
           transaction_commit(&transaction, error);
}

/* The pool is locked before the desktop, as everywhere. */
static bool lock_pool_of(Transaction *transaction, const char *desktop_id, GError **error)
{
    return transaction_run(
        transaction,
        "SELECT p.id FROM pools p WHERE p.id = (SELECT d.pool_id FROM desktops d WHERE d.id = $1) FOR UPDATE",
        PARAMS(TEXT(desktop_id)), error);
}

bool store_desktop_remove(Store *store, const char *id, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, NULL, BEGIN_DURABLE, error) ||
        !lock_pool_of(&transaction, id, error))
        return false;
    g_autoptr(GError) failure = NULL;
    g_autoptr(StoreDesktop) desktop = desktop_lock(&transaction, id, &failure);
    if (!desktop) {
        if (oriel_error_kind(failure) == ORIEL_ERROR_NOT_FOUND)
            return true;
        g_propagate_error(error, g_steal_pointer(&failure));
        return false;
    }
    if (desktop->desired != STORE_DESIRED_DELETED)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "desktop \"%s\": it is not to be deleted",
                          desktop->name);
    Record record = {
        .action = "desktop.removed", .kind = "desktop", .id = id, .name = desktop->name, .op = "delete"};
    if (desktop->seat_of) /* it goes with its machine */
        return true;
    return sessions_end_on(&transaction, id, "deleted", error) && seats_changed(&transaction, id, "delete", error) &&
           transaction_run(&transaction, "DELETE FROM desktops WHERE id = $1", PARAMS(TEXT(id)), error) &&
           pool_remove_if_empty(&transaction, desktop->pool_id, error) &&
           transaction_record(&transaction, &record, error) && transaction_commit(&transaction, error);
}
