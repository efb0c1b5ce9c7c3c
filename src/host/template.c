/* Which template each pool has on this host, and how it follows what the pool wants. One template for one
 * pool (memory side channels: pages are never shared across pools), in STATE/templates/KEY.
 *
 * KEY says what was frozen: machine, QEMU, memory, processors, image version, pool, its application, and a number. The number
 * is 0, unless that folder cannot be used any more but must stay, because disks of dedicated desktops rest on
 * its disk. In memory "made of" is compared instead: what can differ while this process lives. */
#include "host/private.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"

/* A template that cannot be made costs a whole boot each time, and most reasons last until somebody changes
 * the image, which is tried at once. */
static const int64_t shortest_retry_ms = 30 * 1000;
static const unsigned most_doublings = 7; /* an hour */
static const unsigned most_numbers = 1000;
static const int64_t await_limit_ms = 30 * 1000;

void template_order_free(TemplateOrder *order)
{
    if (!order)
        return;
    if (!order->answered) {
        g_autoptr(GError) error = NULL;
        oriel_fail(&error, ORIEL_ERROR_CANCELLED, "pool \"%s\": making its template was cancelled",
                   order->pool_name);
        pool_template_done(order, NULL, error);
    }
    g_free(order->pool_id);
    g_free(order->pool_name);
    g_free(order->made_of);
    g_free(order->key);
    g_free(order->version_id);
    g_free(order->application);
    g_free(order);
}

void pool_template_free(PoolTemplate *entry)
{
    g_free(entry->pool_id);
    g_free(entry->key);
    g_free(entry->made_of);
    g_free(entry->version_id);
    g_free(entry->wanted);
    g_free(entry->job_id);
    g_free(entry->error);
    g_free(entry);
}

/* With the lock held. */
static PoolTemplate *entry_of(Host *host, const char *pool_id)
{
    PoolTemplate *entry = g_hash_table_lookup(host->templates_of, pool_id);
    if (!entry) {
        entry = g_new0(PoolTemplate, 1);
        entry->pool_id = g_strdup(pool_id);
        g_hash_table_insert(host->templates_of, entry->pool_id, entry);
    }
    return entry;
}

/* ---- for those who fork ---- */

/* With the lock held. */
static bool is_ready(const PoolTemplate *entry)
{
    return entry && (entry->frozen || (entry->boots && entry->state == TEMPLATE_READY));
}

char *pool_version_get(Host *host, const char *pool_id)
{
    g_mutex_lock(&host->lock);
    PoolTemplate *entry = g_hash_table_lookup(host->templates_of, pool_id);
    char *version_id = is_ready(entry) ? g_strdup(entry->version_id) : NULL;
    g_mutex_unlock(&host->lock);
    return version_id;
}

Template *pool_template_get(Host *host, const char *pool_id, char **ret_version_id)
{
    g_mutex_lock(&host->lock);
    PoolTemplate *entry = g_hash_table_lookup(host->templates_of, pool_id);
    Template *frozen = entry && entry->frozen ? host->driver->template_hold(entry->frozen) : NULL;
    if (frozen && ret_version_id)
        *ret_version_id = g_strdup(entry->version_id);
    g_mutex_unlock(&host->lock);
    return frozen;
}

bool pool_template_is_ready(Host *host, const char *pool_id)
{
    g_mutex_lock(&host->lock);
    PoolTemplate *entry = g_hash_table_lookup(host->templates_of, pool_id);
    bool ready = is_ready(entry);
    g_mutex_unlock(&host->lock);
    return ready;
}

bool pool_template_fits(Host *host, const char *pool_id, const char *key, const char *version_id)
{
    g_mutex_lock(&host->lock);
    PoolTemplate *entry = g_hash_table_lookup(host->templates_of, pool_id);
    bool fits = true;
    if (entry && entry->boots && is_ready(entry))
        fits = !key && g_strcmp0(version_id, entry->version_id) == 0;
    else if (entry && entry->frozen)
        fits = key ? g_strcmp0(key, entry->key) == 0 : g_strcmp0(version_id, entry->version_id) == 0;
    g_mutex_unlock(&host->lock);
    return fits;
}

void pool_template_keep_waiting(Host *host, const StorePool *pool, unsigned wanted)
{
    Template *frozen = pool_template_get(host, pool->id, NULL);
    if (!frozen)
        return;
    host->driver->keep_waiting(frozen, wanted, pool->type == STORE_POOL_FLOATING);
    host->driver->template_release(frozen);
}

/* Whether somebody who waits has to wait on: nothing is decided yet, or it is being loaded, which takes less
 * than a second. */
static bool is_undecided(const PoolTemplate *entry)
{
    if (!entry)
        return true;
    if (is_ready(entry))
        return false;
    return entry->state == TEMPLATE_NONE || entry->state == TEMPLATE_OPENING ||
           (entry->state == TEMPLATE_BUILDING && !entry->job_id);
}

bool pool_template_await(Host *host, const StorePool *pool, char **ret_job_id, GError **error)
{
    int64_t deadline = g_get_monotonic_time() + await_limit_ms * 1000;
    host_wake(host);
    g_mutex_lock(&host->lock);
    PoolTemplate *entry = NULL;
    while (is_undecided(entry = g_hash_table_lookup(host->templates_of, pool->id)) &&
           g_cond_wait_until(&host->changed, &host->lock, deadline))
        ;
    bool ready = is_ready(entry);
    bool booting = entry && (entry->state == TEMPLATE_BUILDING || entry->state == TEMPLATE_SHARING);
    *ret_job_id = booting && !ready ? g_strdup(entry->job_id) : NULL;
    g_autofree char *why = entry ? g_strdup(entry->error) : NULL;
    g_mutex_unlock(&host->lock);
    if (ready || *ret_job_id)
        return true;
    return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "pool \"%s\": has no template on this host yet: %s",
                      pool->name, why ? why : "it takes longer than usual; try again in a moment");
}

/* ---- following ---- */

/* NOT_FOUND: there is none yet, but it may come. */
static StoreImageVersion *wanted_version(Host *host, const StorePool *pool, GError **error)
{
    g_autoptr(StoreImageVersion) version =
        pool->image_version_id ? store_image_version_get(host->store, pool->image_version_id, error)
                               : store_image_version_newest(host->store, pool->image_id, error);
    if (version && version->state == STORE_IMAGE_BUILDING) {
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "image \"%s\": version %" G_GINT64_FORMAT " is being built",
                   version->image_name, version->number);
        return NULL;
    }
    if (version && version->state != STORE_IMAGE_READY) {
        oriel_fail(error, ORIEL_ERROR_CONFLICT, "image \"%s\": version %" G_GINT64_FORMAT " %s%s",
                   version->image_name, version->number, version->error ? "failed: " : "is not ready",
                   version->error ? version->error : "");
        return NULL;
    }
    return g_steal_pointer(&version);
}

static char *made_of_what(const StorePool *pool, const StoreImageVersion *version)
{
    return g_strdup_printf("%s %s %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %s", version->id, version->checksum,
                           pool->memory_bytes, pool->vcpus, pool->application);
}

static char *key_number(Host *host, const StorePool *pool, const StoreImageVersion *version, unsigned number)
{
    g_autofree char *made_of = g_strdup_printf("%s %s %u%s%s", version->checksum, pool->id, number, *pool->application ? " " : "",
                                               pool->application);
    return host->driver->key(host->hypervisor, pool->memory_bytes, (unsigned)pool->vcpus, made_of);
}

static bool is_complete(const char *folder)
{
    g_autofree char *path = g_build_filename(folder, "template.json", NULL);
    return g_file_test(path, G_FILE_TEST_EXISTS);
}

/* The first key whose folder is complete; NULL: there is none. Caller frees. */
static char *complete_key(Host *host, const StorePool *pool, const StoreImageVersion *version)
{
    for (unsigned number = 0; number < most_numbers; number++) {
        g_autofree char *key = key_number(host, pool, version, number);
        g_autofree char *folder = g_build_filename(host->templates, key, NULL);
        if (is_complete(folder))
            return g_steal_pointer(&key);
    }
    return NULL;
}

/* The key whose folder can be used: a complete one, or else the first that is nobody's. What stood in the way when a template
 * was made may be gone by now: the template is found all the same. */
static char *usable_key(Host *host, const StorePool *pool, const StoreImageVersion *version)
{
    char *complete = complete_key(host, pool, version);
    if (complete)
        return complete;
    for (unsigned number = 0; number < most_numbers; number++) {
        g_autofree char *key = key_number(host, pool, version, number);
        g_autofree char *folder = g_build_filename(host->templates, key, NULL);
        if (!collect_is_backing(host, folder))
            return g_steal_pointer(&key);
    }
    return key_number(host, pool, version, most_numbers);
}

/* Whether something is to be done now for what the pool wants; then the entry says that it is being done. */
static bool claim(Host *host, const StorePool *pool, const char *made_of, char **ret_old_job)
{
    g_mutex_lock(&host->lock);
    PoolTemplate *entry = entry_of(host, pool->id);
    bool same = g_strcmp0(entry->wanted, made_of) == 0;
    bool there = entry->frozen && g_strcmp0(entry->made_of, made_of) == 0;
    bool under_way = entry->state == TEMPLATE_OPENING || entry->state == TEMPLATE_BUILDING;
    if (!same) {
        if (under_way)
            *ret_old_job = g_strdup(entry->job_id);
        g_free(entry->wanted);
        entry->wanted = g_strdup(made_of);
        entry->failures = 0;
        entry->retry_ms = 0;
        g_clear_pointer(&entry->error, g_free); /* it was another version's */
        under_way = false;
    }
    bool due = !there && !under_way && entry->retry_ms <= clock_monotonic_ms();
    if (there)
        entry->state = TEMPLATE_READY;
    if (due)
        entry->state = TEMPLATE_OPENING;
    g_mutex_unlock(&host->lock);
    return due;
}

static void say_no_image(Host *host, const StorePool *pool, const GError *error)
{
    g_mutex_lock(&host->lock);
    PoolTemplate *entry = entry_of(host, pool->id);
    if (!entry->frozen && entry->state != TEMPLATE_OPENING && entry->state != TEMPLATE_BUILDING) {
        bool may_come =
            oriel_error_kind(error) == ORIEL_ERROR_NOT_FOUND; /* else the image itself has failed */
        entry->state = may_come ? TEMPLATE_NO_IMAGE : TEMPLATE_FAILED;
        g_free(entry->error);
        entry->error = g_strdup(error->message);
    }
    g_cond_broadcast(&host->changed);
    g_mutex_unlock(&host->lock);
}

/* Another pool's entry that is being built of the very same. Lock held. */
static const PoolTemplate *same_under_way(Host *host, const TemplateOrder *order)
{
    GHashTableIter each;
    gpointer value = NULL;
    g_hash_table_iter_init(&each, host->templates_of);
    while (g_hash_table_iter_next(&each, NULL, &value)) {
        const PoolTemplate *other = value;
        if (other->state == TEMPLATE_BUILDING && other->job_id &&
            g_strcmp0(other->wanted, order->made_of) == 0 && g_strcmp0(other->pool_id, order->pool_id) != 0)
            return other;
    }
    return NULL;
}

/* Whether this order is to boot the image. Not if the pool wants something else by now, nor if another pool's
 * build will serve. */
static bool claim_build(TemplateOrder *order)
{
    Host *host = order->host;
    g_mutex_lock(&host->lock);
    PoolTemplate *entry = entry_of(host, order->pool_id);
    bool wanted = g_strcmp0(entry->wanted, order->made_of) == 0;
    const PoolTemplate *other = wanted ? same_under_way(host, order) : NULL;
    if (wanted)
        entry->state = other ? TEMPLATE_SHARING : TEMPLATE_BUILDING;
    if (wanted) {
        g_free(entry->job_id);
        entry->job_id = other ? g_strdup(other->job_id) : NULL;
    }
    if (!wanted || other)
        order->answered = true;
    g_cond_broadcast(&host->changed);
    g_mutex_unlock(&host->lock);
    return wanted && !other;
}

static void begin_build(TemplateOrder *order)
{
    Host *host = order->host;
    if (!claim_build(order)) {
        template_order_free(order);
        return;
    }
    g_autofree char *pool_id = g_strdup(order->pool_id);
    JobStart start = {
        .kind = "template.build",
        .object_kind = "pool",
        .object_id = pool_id,
        .object_name = order->pool_name,
        .function = template_build,
        .data = order,
        .data_free = (GDestroyNotify)template_order_free,
    };
    g_autoptr(GError) error = NULL;
    g_autofree char *job = job_start(host->jobs, &start, &error);
    if (!job) {
        log_warning("pool %s: the job that makes its template cannot start: %s", pool_id, error->message);
        return;
    }
    g_mutex_lock(&host->lock);
    PoolTemplate *entry = entry_of(host, pool_id);
    g_free(entry->job_id);
    entry->job_id = g_steal_pointer(&job);
    g_cond_broadcast(&host->changed);
    g_mutex_unlock(&host->lock);
}

/* Nothing is frozen for a pool whose desktops boot: only its image counts. */
static void follow_booted(Host *host, const StorePool *pool, const StoreImageVersion *version)
{
    g_autofree char *old_job = NULL;
    g_autofree char *wanted = g_strdup_printf("boots %s", version->id);
    g_mutex_lock(&host->lock);
    PoolTemplate *entry = entry_of(host, pool->id);
    Template *old = g_steal_pointer(&entry->frozen);
    bool news = !entry->boots || g_strcmp0(entry->wanted, wanted) != 0;
    if (news && (entry->state == TEMPLATE_OPENING || entry->state == TEMPLATE_BUILDING))
        old_job = g_strdup(entry->job_id);
    store_set(&entry->wanted, wanted);
    store_set(&entry->version_id, version->id);
    g_clear_pointer(&entry->key, g_free);
    g_clear_pointer(&entry->made_of, g_free);
    g_clear_pointer(&entry->job_id, g_free);
    g_clear_pointer(&entry->error, g_free);
    entry->boots = true;
    entry->state = TEMPLATE_READY;
    if (news)
        g_cond_broadcast(&host->changed);
    g_mutex_unlock(&host->lock);
    if (old)
        host->driver->template_release(old);
    if (old_job)
        job_cancel(host->jobs, NULL, old_job, NULL);
}

/* Its pool forks again. */
static void follow_forked(Host *host, const StorePool *pool)
{
    g_mutex_lock(&host->lock);
    PoolTemplate *entry = entry_of(host, pool->id);
    if (entry->boots)
        entry->state = TEMPLATE_NONE;
    entry->boots = false;
    g_mutex_unlock(&host->lock);
}

void pool_template_follow(Host *host, const StorePool *pool)
{
    if (pool->deleting)
        return;
    g_autoptr(GError) error = NULL;
    g_autoptr(StoreImageVersion) version = wanted_version(host, pool, &error);
    if (!version) {
        say_no_image(host, pool, error);
        return;
    }
    if (pool->provisioning != STORE_PROVISION_INSTANT) {
        follow_booted(host, pool, version);
        return;
    }
    follow_forked(host, pool);
    g_autofree char *made_of = made_of_what(pool, version);
    g_autofree char *old_job = NULL;
    bool due = claim(host, pool, made_of, &old_job);
    if (old_job)
        job_cancel(host->jobs, NULL, old_job, NULL);
    if (!due)
        return;
    TemplateOrder *order = g_new0(TemplateOrder, 1);
    order->host = host;
    order->pool_id = g_strdup(pool->id);
    order->pool_name = g_strdup(pool->name);
    order->made_of = g_steal_pointer(&made_of);
    order->key = usable_key(host, pool, version);
    order->version_id = g_strdup(version->id);
    order->memory = pool->memory_bytes;
    order->vcpus = (unsigned)pool->vcpus;
    order->application = g_strdup(pool->application);
    g_thread_pool_push(host->openers, order, NULL);
}

/* Another pool's template of the very same, or NULL. Caller releases. */
static Template *same_ready(const TemplateOrder *order)
{
    Host *host = order->host;
    Template *frozen = NULL;
    g_mutex_lock(&host->lock);
    GHashTableIter each;
    gpointer value = NULL;
    g_hash_table_iter_init(&each, host->templates_of);
    while (!frozen && g_hash_table_iter_next(&each, NULL, &value)) {
        const PoolTemplate *other = value;
        if (other->frozen && g_strcmp0(other->made_of, order->made_of) == 0)
            frozen = host->driver->template_hold(other->frozen);
    }
    g_mutex_unlock(&host->lock);
    return frozen;
}

/* The folder becomes complete, if another pool's template can be copied into it. */
static void try_copy(const TemplateOrder *order, const char *folder)
{
    Host *host = order->host;
    Template *same = same_ready(order);
    if (!same)
        return;
    g_autoptr(GError) error = NULL;
    bool copied = host->driver->kill_in(folder, &error) && folder_remove(folder, &error) &&
                  host->driver->template_copy(same, folder, order->key, &error);
    if (!copied)
        log_warning("pool %s: another pool's template cannot be copied; the image is booted: %s",
                    order->pool_name, error->message);
    host->driver->template_release(same);
}

/* A saved template that cannot be used makes way; where its disk is needed the next look finds another key.
 */
static void retire(TemplateOrder *order, const char *folder, const GError *why)
{
    log_warning("pool %s: its template cannot be used and is made anew: %s", order->pool_name, why->message);
    g_autoptr(GError) error = NULL;
    bool retired = collect_retire(order->host, folder, &error);
    if (retired && !g_file_test(folder, G_FILE_TEST_EXISTS)) {
        begin_build(order);
        return;
    }
    pool_template_done(order, NULL, retired ? NULL : error);
    template_order_free(order);
}

void template_open_saved(TemplateOrder *order)
{
    Host *host = order->host;
    g_autofree char *folder = g_build_filename(host->templates, order->key, NULL);
    if (!is_complete(folder))
        try_copy(order, folder);
    if (!is_complete(folder)) {
        begin_build(order);
        return;
    }
    g_autoptr(GError) error = NULL;
    Template *frozen = host->driver->template_open(host->hypervisor, folder, order->key, &error);
    if (!frozen) {
        retire(order, folder, error);
        return;
    }
    pool_template_done(order, frozen, NULL);
    template_order_free(order);
}

/* ---- ends ---- */

static void accept(PoolTemplate *entry, const TemplateOrder *order, Template *frozen)
{
    g_free(entry->key);
    g_free(entry->made_of);
    g_free(entry->version_id);
    entry->frozen = frozen;
    entry->key = g_strdup(order->key);
    entry->made_of = g_strdup(order->made_of);
    entry->version_id = g_strdup(order->version_id);
    entry->state = TEMPLATE_READY;
    entry->failures = 0;
    entry->retry_ms = 0;
    g_clear_pointer(&entry->error, g_free);
}

/* error NULL: not really a failure, look again at once. */
static void refuse(PoolTemplate *entry, const GError *error)
{
    entry->state = TEMPLATE_FAILED;
    entry->retry_ms = 0;
    if (!error)
        return;
    entry->failures++;
    entry->retry_ms = clock_monotonic_ms() + (shortest_retry_ms << MIN(entry->failures - 1, most_doublings));
    g_free(entry->error);
    entry->error = g_strdup(error->message);
}

void pool_template_done(TemplateOrder *order, Template *frozen, const GError *error)
{
    Host *host = order->host;
    order->answered = true;
    Template *old = NULL;
    g_mutex_lock(&host->lock);
    PoolTemplate *entry = g_hash_table_lookup(host->templates_of, order->pool_id);
    bool wanted = entry && g_strcmp0(entry->wanted, order->made_of) == 0;
    if (wanted && frozen) {
        old = entry->frozen;
        accept(entry, order, g_steal_pointer(&frozen));
    } else if (wanted) {
        refuse(entry, error);
    }
    g_cond_broadcast(&host->changed);
    g_mutex_unlock(&host->lock);
    if (old)
        host->driver->template_release(old);
    if (frozen)
        host->driver->template_release(frozen);
    host_wake(host);
}

void pool_template_lost(Host *host, const char *pool_id, const GError *why)
{
    g_mutex_lock(&host->lock);
    PoolTemplate *entry = g_hash_table_lookup(host->templates_of, pool_id);
    Template *old = entry ? g_steal_pointer(&entry->frozen) : NULL;
    g_autofree char *folder = old ? g_build_filename(host->templates, entry->key, NULL) : NULL;
    if (old)
        entry->state = TEMPLATE_NONE;
    g_mutex_unlock(&host->lock);
    if (!old)
        return;
    log_warning("pool %s: its template is damaged and is made anew: %s", pool_id, why->message);
    host->driver->template_release(old);
    g_autoptr(GError) error = NULL;
    if (!collect_retire(host, folder, &error))
        log_warning("pool %s: the damaged template cannot be removed: %s", pool_id, error->message);
    host_wake(host);
}

void pool_template_sweep(Host *host, GHashTable *pools)
{
    g_autoptr(GPtrArray) gone = g_ptr_array_new_with_free_func((GDestroyNotify)pool_template_free);
    g_mutex_lock(&host->lock);
    GHashTableIter each;
    gpointer value = NULL;
    g_hash_table_iter_init(&each, host->templates_of);
    while (g_hash_table_iter_next(&each, NULL, &value)) {
        PoolTemplate *entry = value;
        if (pools && g_hash_table_contains(pools, entry->pool_id))
            continue;
        g_hash_table_iter_steal(&each);
        g_ptr_array_add(gone, entry);
    }
    g_mutex_unlock(&host->lock);
    for (size_t i = 0; i < gone->len; i++) {
        PoolTemplate *entry = gone->pdata[i];
        if (entry->state == TEMPLATE_BUILDING && entry->job_id && pools)
            job_cancel(host->jobs, NULL, entry->job_id, NULL);
        if (entry->frozen)
            host->driver->template_release(entry->frozen);
    }
}

/* ---- for people ---- */

void host_template_status_clear(HostTemplateStatus *status)
{
    g_free(status->state);
    g_free(status->job_id);
    g_free(status->error);
    g_free(status->waits_for);
    *status = (HostTemplateStatus){0};
}

bool host_template_status(Host *host, const char *pool_id, HostTemplateStatus *ret, GError **error)
{
    static const char *const words[] = {
        [TEMPLATE_NONE] = "waiting",
        [TEMPLATE_OPENING] = "loading",
        [TEMPLATE_BUILDING] = "booting",
        [TEMPLATE_SHARING] = "booting",
        [TEMPLATE_READY] = "ready",
        [TEMPLATE_FAILED] = "failed",
        [TEMPLATE_NO_IMAGE] = "waiting for the image",
    };
    Template *frozen = pool_template_get(host, pool_id, NULL);
    g_mutex_lock(&host->lock);
    PoolTemplate *entry = g_hash_table_lookup(host->templates_of, pool_id);
    PoolTemplateState state = entry ? entry->state : TEMPLATE_NONE;
    const char *sentence = entry ? entry->error : NULL;
    if (state == TEMPLATE_FAILED && !sentence)
        state = TEMPLATE_NONE; /* looked at again at once */
    *ret = (HostTemplateStatus){
        .state = g_strdup(words[state]),
        .job_id = entry ? g_strdup(entry->job_id) : NULL,
        .error = state == TEMPLATE_FAILED ? g_strdup(sentence) : NULL,
        .waits_for = state == TEMPLATE_NO_IMAGE ? g_strdup(sentence) : NULL,
    };
    g_mutex_unlock(&host->lock);
    if (frozen) {
        ret->memory = host->driver->template_resident(frozen);
        host->driver->template_release(frozen);
    }
    return true;
}
