/* Pools: their templates, their spares, their size. The reconcile thread. */
#include "host/private.h"

#include "base/error.h"
#include "base/log.h"
#include "broker/headroom.h"

static const unsigned most_new = 256; /* rows in one pass: the next pass goes on */

typedef struct {
    Host *host;
    StorePool *pool;
    BrokerPool values;
    const BrokerDesktop *desktops;
    size_t count;
} Look;

/* Only desktops that nobody has can be outdated: a user's own keeps what it was made from. */
static bool is_outdated(Host *host, const StorePool *pool, const StoreDesktop *row)
{
    if (row->user_id || row->seat_of || row->protocol)
        return false;
    if ((uint64_t)row->seats != pool->seats)
        return true;
    if (row->observed_generation == 0)
        return false;
    g_autoptr(Slot) slot = slot_find(host, row->id);
    Machine *machine = slot ? slot_machine(slot) : NULL;
    const char *key = machine ? host->driver->template_key(machine) : NULL;
    bool fits = pool_template_fits(host, row->pool_id, key, row->image_version_id);
    slot_release_machine(host, machine);
    return !fits;
}

/* Those of this pool; caller frees. */
static BrokerDesktop *desktops_of(Host *host, const StorePool *pool, const GPtrArray *rows, size_t *ret_count)
{
    BrokerDesktop *desktops = g_new0(BrokerDesktop, MAX(rows->len, 1));
    size_t count = 0;
    for (size_t i = 0; i < rows->len; i++) {
        const StoreDesktop *row = rows->pdata[i];
        if (g_strcmp0(row->pool_id, pool->id) != 0)
            continue;
        desktops[count] = values_desktop(row);
        desktops[count++].outdated = is_outdated(host, pool, row);
    }
    *ret_count = count;
    return desktops;
}

static bool make_desktops(const Look *look, unsigned count, GError **error)
{
    g_autofree char *version_id = count ? pool_version_get(look->host, look->pool->id) : NULL;
    if (!version_id)
        return true; /* made when it is ready */
    StoreDesktopNew fields = {
        .pool_id = look->pool->id,
        .host_id = look->host->id,
        .image_version_id = version_id,
        .desired = STORE_DESIRED_RUNNING,
    };
    for (unsigned i = 0; i < MIN(count, most_new); i++) {
        g_autoptr(StoreDesktop) made = store_desktop_create(look->host->store, NULL, &fields, error);
        if (!made)
            return false;
    }
    return true;
}

static bool start_desktops(const Look *look, unsigned count, GError **error)
{
    for (size_t i = 0; i < look->count && count > 0; i++) {
        const BrokerDesktop *desktop = &look->desktops[i];
        if (desktop->user_id || desktop->machine_id || desktop->maintenance || desktop->desired == BROKER_WANT_RUNNING ||
            desktop->desired == BROKER_WANT_DELETED || desktop->outdated)
            continue;
        if (!store_desktop_set_desired(look->host->store, NULL, desktop->id, STORE_DESIRED_RUNNING, error))
            return false;
        count--;
    }
    return true;
}

static bool remove_desktops(const Look *look, unsigned count, GError **error)
{
    g_autofree unsigned *indices = g_new(unsigned, count ? count : 1);
    unsigned surplus = headroom_surplus(&look->values, look->desktops, look->count, indices, count);
    Store *store = look->host->store;
    for (unsigned i = 0; i < surplus; i++) {
        const char *id = look->desktops[indices[i]].id;
        if (!(look->values.deleted ? store_desktop_set_desired(store, NULL, id, STORE_DESIRED_DELETED, error)
                                   : store_desktop_retire(store, id, error)))
            return false;
    }
    return true;
}

static void keep_waiting(const Look *look, unsigned room)
{
    const StorePool *pool = look->pool;
    bool useful = pool->type != STORE_POOL_MANUAL && pool->enabled && !pool->maintenance && !pool->draining && !pool->deleting && pool->size > 0 && room > 0;
    pool_template_keep_waiting(look->host, pool, useful ? MIN(look->host->config->waiting, room) : 0);
}

static void look_after(Host *host, StorePool *pool, const GPtrArray *rows)
{
    size_t count = 0;
    g_autofree BrokerDesktop *desktops = desktops_of(host, pool, rows, &count);
    Look look = {host, pool, values_pool(pool), desktops, count};
    look.values.spares = MIN(plan_spares(host, pool, look.values.spares), look.values.size * MAX(look.values.seats, 1));
    bool open = host_service(host) == STORE_HOST_OPEN;
    look.values.draining = look.values.draining || !open;
    unsigned room = open ? capacity_room(host, pool) : 0;
    Headroom headroom = headroom_of(&look.values, desktops, count, room);
    keep_waiting(&look, room);
    g_autoptr(GError) error = NULL;
    bool done = remove_desktops(&look, headroom.delete, &error) &&
                start_desktops(&look, headroom.start, &error) &&
                make_desktops(&look, headroom.create, &error);
    OrielErrorKind kind = oriel_error_kind(error);
    if (!done && kind != ORIEL_ERROR_FULL &&
        kind != ORIEL_ERROR_CONFLICT) /* somebody was quicker: look again */
        log_warning("pool %s: its desktops do not follow: %s", pool->name, error->message);
}

void pool_pass(Host *host, GHashTable *pools, GPtrArray *rows)
{
    pool_template_sweep(host, pools);
    GHashTableIter each;
    gpointer pool = NULL;
    g_hash_table_iter_init(&each, pools);
    while (g_hash_table_iter_next(&each, NULL, &pool)) {
        const StorePool *row = pool;
        if (host_service(host) == STORE_HOST_OPEN && row->type != STORE_POOL_MANUAL)
            pool_template_follow(host, pool);
        look_after(host, pool, rows);
    }
}
