#include "store/desktop.h"

#include "base/error.h"
#include "base/id.h"
#include "base/naming.h"
#include "store/desktop_internal.h"
#include "store/quota_internal.h"
#include "store/rules.h"

static const char *const desired_words[] = {"running", "stopped", "suspended", "off", "deleted", NULL};
static const char *const observed_words[] = {"absent",  "starting", "running", "stopping",
                                             "stopped", "failed",   NULL};
static const char *const agent_words[] = {"none", "ready", NULL};

const char *store_desired_word(StoreDesired desired)
{
    return word_of(desired_words, (int)desired);
}

const char *store_observed_word(StoreObserved observed)
{
    return word_of(observed_words, (int)observed);
}

const char *store_agent_word(StoreAgent agent)
{
    return word_of(agent_words, (int)agent);
}

bool store_observed_parse(const char *word, StoreObserved *ret)
{
    int value = 0;
    if (!word_parse(observed_words, word, &value))
        return false;
    *ret = (StoreObserved)value;
    return true;
}

void store_desktop_free(StoreDesktop *desktop)
{
    if (!desktop)
        return;
    g_free(desktop->id);
    g_free(desktop->pool_id);
    g_free(desktop->pool_name);
    g_free(desktop->host_id);
    g_free(desktop->name);
    g_free(desktop->image_version_id);
    g_free(desktop->protocol);
    g_free(desktop->address);
    g_free(desktop->wake_mac);
    g_free(desktop->sealed_password);
    g_free(desktop->user_id);
    g_free(desktop->user_name);
    g_free(desktop->error);
    g_free(desktop->mac);
    g_free(desktop->machine_id);
    g_free(desktop->seat_of);
    g_free(desktop->seat_of_name);
    g_free(desktop);
}

gpointer desktop_read(Reader *reader)
{
    StoreDesktop *desktop = g_new0(StoreDesktop, 1);
    desktop->id = read_string(reader);
    desktop->pool_id = read_string(reader);
    desktop->pool_name = read_string(reader);
    desktop->host_id = read_string(reader);
    desktop->name = read_string(reader);
    desktop->image_version_id = read_text(reader);
    desktop->maintenance = read_bool(reader);
    desktop->protocol = read_text(reader);
    desktop->address = read_text(reader);
    desktop->port = (uint16_t)read_number(reader);
    desktop->wake_mac = read_text(reader);
    desktop->sealed_password = read_text(reader);
    desktop->desired = (StoreDesired)read_word(reader, desired_words);
    desktop->observed = (StoreObserved)read_word(reader, observed_words);
    desktop->generation = read_number(reader);
    desktop->observed_generation = read_number(reader);
    desktop->user_id = read_text(reader);
    desktop->user_name = read_text(reader);
    desktop->assigned_ms = read_number(reader);
    desktop->agent = (StoreAgent)read_word(reader, agent_words);
    desktop->error = read_text(reader);
    desktop->mac = read_text(reader);
    desktop->machine_id = read_text(reader);
    desktop->observed_ms = read_number(reader);
    desktop->created_ms = read_number(reader);
    desktop->updated_ms = read_number(reader);
    desktop->version = read_number(reader);
    desktop->seats = read_number(reader);
    desktop->seat_of = read_text(reader);
    desktop->seat = read_number(reader);
    desktop->seat_of_name = read_text(reader);
    desktop->seats_taken = read_number(reader);
    return desktop;
}

static StoreDesktop *one_desktop(Rows *owned, const char *name, GError **error)
{
    g_autoptr(Rows) rows = owned;
    if (!rows)
        return NULL;
    if (rows->count == 0) {
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "desktop \"%s\": there is none", name);
        return NULL;
    }
    return desktop_read(&(Reader){rows, 0, 0});
}

StoreDesktop *desktop_in(Transaction *transaction, const char *id, GError **error)
{
    return one_desktop(transaction_query(transaction,
                                         "SELECT " DESKTOP_COLUMNS " FROM desktops d WHERE d.id = $1",
                                         PARAMS(TEXT(id)), error),
                       id, error);
}

StoreDesktop *desktop_lock(Transaction *transaction, const char *id, GError **error)
{
    if (!seat_lock_machine(transaction, id, error))
        return NULL;
    return one_desktop(transaction_query(transaction,
                                         "SELECT " DESKTOP_COLUMNS
                                         " FROM desktops d WHERE d.id = $1 FOR UPDATE",
                                         PARAMS(TEXT(id)), error),
                       id, error);
}

bool desktop_record(Transaction *transaction, const char *action, const StoreDesktop *desktop, GError **error)
{
    g_autofree char *detail = detail_of("{s:s,s:s?}", "pool", desktop->pool_name, "user", desktop->user_name);
    Record record = {.action = action,
                     .kind = "desktop",
                     .id = desktop->id,
                     .name = desktop->name,
                     .op = "update",
                     .user_id = desktop->user_id,
                     .detail = detail};
    return transaction_record(transaction, &record, error);
}

/* ---- making ---- */

typedef struct {
    const char *pattern;
    const char *pool;
    int64_t next;
    bool has_seats; /* whose names begin with it too */
} PoolNaming;

/* A renamed pool may have left its old name on desktops: the number goes on to a free one. */
static char *free_name(Transaction *transaction, const char *pool_id, const PoolNaming *naming, GError **error)
{
    for (int64_t number = naming->next;; number++) {
        g_autofree char *name = naming_make(naming->pattern, naming->pool, number);
        g_autoptr(Rows) taken = transaction_query(transaction, "SELECT id FROM desktops WHERE name = $1 OR ($2 = 1 AND substr(name, 1, length($1) + 1) = $1 || '.')",
                                                  PARAMS(TEXT(name), NUMBER(naming->has_seats)), error);
        if (!taken)
            return NULL;
        if (taken->count > 0)
            continue;
        return transaction_run(transaction, "UPDATE pools SET next_number = $2 WHERE id = $1",
                               PARAMS(TEXT(pool_id), NUMBER(number + 1)), error)
                   ? g_steal_pointer(&name)
                   : NULL;
    }
}

/* Locks the pool, so that two at once cannot go over its size. Caller frees the name. */
static char *next_name(Transaction *transaction, const StoreDesktopNew *fields, int64_t *ret_seats, GError **error)
{
    g_autoptr(Rows) rows =
        transaction_query(transaction,
                          "SELECT p.name, p.next_number, p.size, p.deleting, (SELECT COUNT(*)"
                          " FROM desktops d WHERE d.pool_id = p.id AND d.desired <> 'deleted' AND d.seat_of IS NULL), p.naming, p.seats"
                          " FROM pools p WHERE p.id = $1 FOR UPDATE",
                          PARAMS(TEXT(fields->pool_id)), error);
    if (!rows)
        return NULL;
    const char *pool = rows->count ? rows_text(rows, 0, 0) : NULL;
    *ret_seats = pool ? rows_number(rows, 0, 6) : 0;
    if (!pool)
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "pool \"%s\": there is none", fields->pool_id);
    else if (rows_number(rows, 0, 3))
        oriel_fail(error, ORIEL_ERROR_CONFLICT, "pool \"%s\": it is being deleted", pool);
    else if (rows_number(rows, 0, 4) >= rows_number(rows, 0, 2))
        oriel_fail(error, ORIEL_ERROR_FULL, "pool \"%s\": it has its size of %s desktops; raise the size",
                   pool, rows_text(rows, 0, 2));
    else if (fields->name)
        return g_strdup(fields->name);
    else
        return free_name(transaction, fields->pool_id,
                         &(PoolNaming){rows_text(rows, 0, 5), pool, rows_number(rows, 0, 1), *ret_seats > 0}, error);
    return NULL;
}

static bool insert_row(Transaction *transaction, const StoreDesktopNew *fields, const char *id,
                       const char *name, GError **error)
{
    g_autoptr(GError) failure = NULL;
    if (transaction_run(transaction,
                        "INSERT INTO desktops (id, pool_id, host_id, name, image_version_id, desired, "
                        "observed, generation,"
                        " observed_generation, agent, observed_ms, created_ms, updated_ms, protocol, address, port,"
                        " wake_mac, sealed_password)"
                        " VALUES ($1, $2, $3, $4, $5, $6, 'absent', 1, 0, 'none', $7, $7, $7, $8, $9,"
                        " CASE WHEN $8 IS NULL THEN NULL ELSE $10 END, $11, $12)",
                        PARAMS(TEXT(id), TEXT(fields->pool_id), TEXT(fields->host_id), TEXT(name),
                               TEXT(fields->image_version_id), TEXT(store_desired_word(fields->desired)),
                               NUMBER(transaction->now_ms), TEXT(fields->protocol), TEXT(fields->address),
                               NUMBER(fields->port), TEXT(fields->wake_mac), TEXT(fields->sealed_password)),
                        &failure))
        return true;
    if (transaction_failure(transaction) == FAILURE_FOREIGN_KEY)
        return oriel_fail(error, ORIEL_ERROR_NOT_FOUND,
                          "desktop \"%s\": there is no host \"%s\" or no image version \"%s\"", name,
                          text_or_empty(fields->host_id), text_or_empty(fields->image_version_id));
    return fail_taken(transaction, g_steal_pointer(&failure), "desktop", name, error);
}

StoreDesktop *store_desktop_create(Store *store, const StoreActor *actor, const StoreDesktopNew *fields,
                                   GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return NULL;
    int64_t seats = 0;
    g_autofree char *name = next_name(&transaction, fields, &seats, error);
    seats = MAX(seats, (int64_t)fields->seats);
    g_autofree char *id = id_new();
    if (!name || !insert_row(&transaction, fields, id, name, error) || (seats && !seats_make(&transaction, id, seats, error)))
        return NULL;
    g_autoptr(StoreDesktop) desktop = desktop_in(&transaction, id, error);
    Record record = {.action = "desktop.create", .kind = "desktop", .id = id, .name = name, .op = "create"};
    if (!desktop || !transaction_record(&transaction, &record, error) ||
        !transaction_commit(&transaction, error))
        return NULL;
    return g_steal_pointer(&desktop);
}

/* ---- reading ---- */

StoreDesktop *store_desktop_find(Store *store, const char *name_or_id, GError **error)
{
    return one_desktop(store_read(store,
                                  "SELECT " DESKTOP_COLUMNS " FROM desktops d WHERE d.id = $1 OR d.name = $1",
                                  PARAMS(TEXT(name_or_id)), error),
                       name_or_id, error);
}

StoreDesktop *store_desktop_of_user(Store *store, const char *pool_id, const char *user_id, GError **error)
{
    return one_desktop(store_read(store,
                                  "SELECT " DESKTOP_COLUMNS
                                  " FROM desktops d WHERE " DESKTOP_THEIRS DESKTOP_LAST_FIRST " LIMIT 1",
                                  PARAMS(TEXT(pool_id), TEXT(user_id)), error),
                       "of this user", error);
}

GPtrArray *store_desktops_of_user(Store *store, const char *pool_id, const char *user_id, GError **error)
{
    List list = {NULL, desktop_read, (GDestroyNotify)store_desktop_free, 0};
    return list_of(store_read(store, "SELECT " DESKTOP_COLUMNS " FROM desktops d WHERE " DESKTOP_THEIRS DESKTOP_LAST_FIRST,
                              PARAMS(TEXT(pool_id), TEXT(user_id)), error),
                   &list, NULL);
}

GPtrArray *store_desktop_list(Store *store, const StoreDesktopFilter *filter, const StorePage *page,
                              char **ret_next, GError **error)
{
    static const StoreDesktopFilter all = {0};
    filter = filter ? filter : &all;
    g_autofree char *search = search_text(filter->search);
    List list = {page, desktop_read, (GDestroyNotify)store_desktop_free, 0};
    return list_of(store_read(store,
                              "SELECT " DESKTOP_COLUMNS " FROM desktops d WHERE d.id > $1"
                              " AND ($2 IS NULL OR d.pool_id = $2) AND ($3 IS NULL OR d.user_id = $3 OR d.id IN"
                              " (SELECT a.desktop_id FROM assignments a WHERE a.user_id = $3))"
                              " AND ($4 IS NULL OR d.host_id = $4) AND ($5 IS NULL OR d.observed = $5)"
                              " AND ($7 IS NULL OR " HOLDS("d.name", "$7") " OR EXISTS (SELECT 1 FROM users u WHERE"
                              " (u.id = d.user_id OR u.id IN (SELECT a.user_id FROM assignments a WHERE a.desktop_id = d.id))"
                              " AND (" HOLDS("u.name", "$7") " OR " HOLDS("u.display_name", "$7") ")))"
                              " AND ($8 IS NULL OR " HELPED_BY("$8", "d.user_id") " OR EXISTS (SELECT 1 FROM assignments a"
                              " WHERE a.desktop_id = d.id AND " HELPED_BY("$8", "a.user_id") "))"
                              " ORDER BY d.id LIMIT $6",
                              PARAMS(TEXT(page_after(page)), TEXT(filter->pool_id), TEXT(filter->user_id), TEXT(filter->host_id),
                                     TEXT(filter->observed), NUMBER(page_limit(page)), TEXT(search), TEXT(filter->helper_id)),
                              error),
                   &list, ret_next);
}

GPtrArray *store_desktop_list_host(Store *store, const char *host_id, GError **error)
{
    List list = {NULL, desktop_read, (GDestroyNotify)store_desktop_free, 0};
    return list_of(store_read(store,
                              "SELECT " DESKTOP_COLUMNS " FROM desktops d WHERE d.host_id = $1 ORDER BY d.id",
                              PARAMS(TEXT(host_id)), error),
                   &list, NULL);
}

GPtrArray *store_desktop_list_near(Store *store, const char *pool_id, const char *user_id, unsigned most, GError **error)
{
    List list = {NULL, desktop_read, (GDestroyNotify)store_desktop_free, 0};
    return list_of(
        store_read(store,
                   "SELECT " DESKTOP_COLUMNS " FROM desktops d WHERE d.id IN ("
                   "SELECT own.id FROM desktops own WHERE own.user_id = $2 AND own.pool_id = $1 AND own.desired <> 'deleted'"
                   " UNION SELECT a.desktop_id FROM assignments a WHERE a.pool_id = $1 AND a.user_id = $2"
                   " UNION ALL SELECT ready.id FROM (SELECT free.id FROM desktops free WHERE free.pool_id = $1 AND"
                   " free.user_id IS NULL AND free.desired = 'running' AND free.observed = 'running'"
                   " AND free.agent = 'ready' AND free.maintenance = 0 AND free.generation = free.observed_generation LIMIT $3) ready)",
                   PARAMS(TEXT(pool_id), TEXT(user_id), NUMBER(most)), error),
        &list, NULL);
}

/* ---- desired ---- */

static const char *const actions_of_desired[] = {"desktop.start", "desktop.stop", "desktop.suspend", "desktop.off", "desktop.delete"};

static bool write_desired(Transaction *transaction, const char *id, StoreDesired desired, GError **error)
{
    /* A desktop that goes away is nobody's any more: its user may get another one at once. */
    return transaction_run(
               transaction,
               "UPDATE desktops SET desired = $2, updated_ms = $3, version = version + 1,"
               " user_id = CASE WHEN $2 = 'deleted' THEN NULL ELSE user_id END,"
               " assigned_ms = CASE WHEN $2 = 'deleted' THEN 0 ELSE assigned_ms END WHERE id = $1",
               PARAMS(TEXT(id), TEXT(store_desired_word(desired)), NUMBER(transaction->now_ms)), error) &&
           (desired != STORE_DESIRED_DELETED ||
            (sessions_end_on(transaction, id, "deleted", error) && seats_clear(transaction, id, error) &&
             transaction_run(transaction, "DELETE FROM assignments WHERE desktop_id = $1", PARAMS(TEXT(id)), error))) &&
           seats_follow(transaction, id, error);
}

/* Users are locked before desktops: only then is it known that nobody gives this person another one meanwhile. */
static bool check_start(Transaction *transaction, const char *id, GError **error)
{
    g_autoptr(StoreDesktop) desktop = desktop_in(transaction, id, error);
    if (!desktop)
        return false;
    if (!desktop->user_id || desktop->desired == STORE_DESIRED_RUNNING)
        return true;
    const QuotaGift more = {.user_id = desktop->user_id, .pool_id = desktop->pool_id, .desktop_id = id, .starts = true};
    return transaction_run(transaction, "SELECT id FROM users WHERE id = $1 FOR UPDATE", PARAMS(TEXT(desktop->user_id)), error) &&
           quota_check_in(transaction, &more, error);
}

bool store_desktop_set_desired(Store *store, const StoreActor *actor, const char *id, StoreDesired desired,
                               GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error) ||
        (desired == STORE_DESIRED_RUNNING && !check_start(&transaction, id, error)))
        return false;
    g_autoptr(StoreDesktop) desktop = desktop_lock(&transaction, id, error);
    if (!desktop || !seat_refuse(desktop, error))
        return false;
    if (desktop->desired == desired)
        return true;
    if (desktop->desired == STORE_DESIRED_DELETED)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "desktop \"%s\": it is being deleted", desktop->name);
    return write_desired(&transaction, id, desired, error) &&
           desktop_record(&transaction, actions_of_desired[desired], desktop, error) &&
           transaction_commit(&transaction, error);
}

bool desktop_remove_in(Transaction *transaction, const StoreDesktop *desktop, GError **error)
{
    return write_desired(transaction, desktop->id, STORE_DESIRED_DELETED, error) &&
           desktop_record(transaction, "desktop.delete", desktop, error);
}

bool store_desktop_retire(Store *store, const char *id, GError **error)
{
    g_auto(Transaction) transaction = {0};
    int64_t taken = 0;
    if (!transaction_begin(&transaction, store, NULL, BEGIN_DURABLE, error))
        return false;
    g_autoptr(StoreDesktop) desktop = desktop_lock(&transaction, id, error);
    if (!desktop || !seat_refuse(desktop, error) || (desktop->seats && !seats_taken(&transaction, id, &taken, error)))
        return false;
    if (desktop->desired == STORE_DESIRED_DELETED)
        return true;
    if (desktop->user_id || taken > 0)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "desktop \"%s\": it is somebody's by now", desktop->name);
    return desktop_remove_in(&transaction, desktop, error) && transaction_commit(&transaction, error);
}

bool store_desktop_rest(Store *store, const char *id, StoreDesired desired, bool *ret_done, GError **error)
{
    g_auto(Transaction) transaction = {0};
    *ret_done = false;
    if (!transaction_begin(&transaction, store, NULL, BEGIN_DURABLE, error))
        return false;
    g_autoptr(StoreDesktop) desktop = desktop_lock(&transaction, id, error);
    g_autoptr(Rows) watched = desktop ? transaction_query(&transaction,
                                                          "SELECT s.id FROM sessions s WHERE s.desktop_id = $1"
                                                          " AND s.state IN ('connecting', 'connected')",
                                                          PARAMS(TEXT(id)), error)
                                      : NULL;
    if (!watched)
        return false;
    if (watched->count > 0 || desktop->desired != STORE_DESIRED_RUNNING || !desktop->user_id || desktop->seat_of)
        return true;
    *ret_done = write_desired(&transaction, id, desired, error) &&
                desktop_record(&transaction, actions_of_desired[desired], desktop, error) &&
                transaction_commit(&transaction, error);
    return *ret_done;
}

bool desktops_delete_all(Transaction *transaction, const char *pool_id, GError **error)
{
    List list = {NULL, desktop_read, (GDestroyNotify)store_desktop_free, 0};
    g_autoptr(GPtrArray) desktops =
        list_of(transaction_query(transaction,
                                  "SELECT " DESKTOP_COLUMNS " FROM desktops d WHERE d.pool_id = $1"
                                  " AND d.desired <> 'deleted' AND d.seat_of IS NULL ORDER BY d.id FOR UPDATE",
                                  PARAMS(TEXT(pool_id)), error),
                &list, NULL);
    for (guint i = 0; desktops && i < desktops->len; i++) {
        const StoreDesktop *desktop = desktops->pdata[i];
        transaction_change(transaction, "desktop", desktop->id, "update", desktop->user_id);
        if (!write_desired(transaction, desktop->id, STORE_DESIRED_DELETED, error))
            return false;
    }
    return desktops != NULL;
}
