/* Start and end: taking the state folder, adopting what runs, threads. */
#include "host/private.h"
#include "host/viewers.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/id.h"
#include "base/log.h"
#include "store/host.h"

static const int most_log_ons = 16; /* they mostly wait for guests */
static const int64_t lock_limit_ms = 1000;
static const int most_checks = 16; /* machines that are looked at at once: most of the time they wait for silent ones */

/* ---- who this host is ---- */

static bool take_lock(Host *host, GError **error)
{
    g_autofree char *path = g_build_filename(host->config->state, "host.lock", NULL);
    host->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (host->lock_fd < 0)
        return oriel_fail_errno(error, errno, "file \"%s\": cannot be opened", path);
    if (!file_lock(host->lock_fd, lock_limit_ms))
        return oriel_fail(
            error, ORIEL_ERROR_CONFLICT,
            "state folder \"%s\": another orield works with it; stop that one, or choose another folder "
            "(ORIEL_STATE)",
            host->config->state);
    return true;
}

/* Made once and kept in the state folder, so that a host that is renamed stays the same host. */
char *host_id_of(const char *state_folder, GError **error)
{
    g_autofree char *path = g_build_filename(state_folder, "host-id", NULL);
    g_autoptr(GError) problem = NULL;
    g_autofree char *text = file_read(path, 1024, NULL, &problem);
    if (text && id_is_valid(g_strchomp(text)))
        return g_steal_pointer(&text);
    if (text) {
        oriel_fail(error, ORIEL_ERROR_CORRUPT,
                   "file \"%s\": holds no id; restore it, or remove it to begin as a new host", path);
        return NULL;
    }
    if (oriel_error_kind(problem) != ORIEL_ERROR_NOT_FOUND) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return NULL;
    }
    g_autofree char *id = id_new();
    g_autofree char *line = g_strdup_printf("%s\n", id);
    return file_write_atomic(path, line, strlen(line), 0600, error) ? g_steal_pointer(&id) : NULL;
}

static bool take_id(Host *host, GError **error)
{
    host->id = host_id_of(host->config->state, error);
    return host->id != NULL;
}

/* Two state folders on one machine are two hosts: the second gets its id's end as a surname. */
static bool introduce(Host *host, GError **error)
{
    g_autoptr(GError) problem = NULL;
    host->name = g_strdup(g_get_host_name());
    if (loop_beat(host, &problem))
        return true;
    if (oriel_error_kind(problem) != ORIEL_ERROR_CONFLICT) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return false;
    }
    g_free(host->name);
    host->name = g_strdup_printf("%s-%s", g_get_host_name(), host->id + ID_LENGTH - 6);
    return loop_beat(host, error);
}

static bool make_folders(Host *host, GError **error)
{
    host->desktops = g_build_filename(host->config->state, "desktops", NULL);
    host->templates = g_build_filename(host->config->state, "templates", NULL);
    host->images = g_build_filename(host->config->state, "images", NULL);
    return folder_make(host->desktops, 0700, error) && folder_make(host->templates, 0700, error) &&
           folder_make(host->images, 0700, error);
}

/* ---- threads ---- */

static void work_item(gpointer item, gpointer data)
{
    g_autoptr(Slot) slot = item;
    g_mutex_lock(&slot->host->lock);
    slot->queued = false;
    g_mutex_unlock(&slot->host->lock);
    work_run(slot);
}

static void check_item(gpointer item, gpointer data)
{
    g_autoptr(Slot) slot = item;
    external_check(slot);
}

static void open_item(gpointer item, gpointer data)
{
    template_open_saved(item);
}

static void on_change(const StoreChange *change, void *data)
{
    static const char *const wakes[] = {"desktop", "pool", "image", "plan", "policy", "user", "group", "login", "*", NULL};
    static const char *const rules[] = {"plan", "policy", "pool", "*", NULL};
    static const char *const rights[] = {"user", "group", "directory", "token", "login", "entitlement", "pool", "session", "*", NULL};
    Host *host = data;
    static const char *const book[] = {"plan", "policy", "*", NULL};
    static const char *const decisions[] = {"policy", "user", "group", "*", NULL};
    if (g_strv_contains(book, change->kind))
        plan_book_outdated(host);
    if (g_strv_contains(decisions, change->kind))
        g_atomic_int_set(&host->policies_dirty, 1);
    if (g_strv_contains(rules, change->kind))
        viewers_rules_changed(host->viewers);
    if (g_strv_contains(rights, change->kind))
        viewers_rights_changed(host->viewers);
    if (g_strv_contains(wakes, change->kind))
        host_wake(host);
}

static Host *host_new(const HostSetup *setup)
{
    Host *host = g_new0(Host, 1);
    host->config = setup->config;
    host->store = setup->store;
    store_set_quota_judge(host->store, host_quota_judge);
    host->jobs = setup->jobs;
    host->policies_dirty = 1;
    host->driver = setup->driver ? setup->driver : host_driver_real();
    host->lock_fd = -1;
    g_mutex_init(&host->lock);
    g_cond_init(&host->changed);
    host->slots = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)slot_unref);
    host->templates_of =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)pool_template_free);
    host->unwanted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    int workers = (int)MAX(8, 2 * g_get_num_processors());
    host->workers = g_thread_pool_new(work_item, host, workers, FALSE, NULL);
    host->relays = g_ptr_array_new();
    host->file_rooms = file_rooms_new();
    host->rdp_versions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    host->checkers = g_thread_pool_new(check_item, host, most_checks, FALSE, NULL);
    host->log_ons = g_thread_pool_new(log_on_run, host, most_log_ons, FALSE, NULL);
    host->openers =
        g_thread_pool_new(open_item, host, 1, FALSE, NULL); /* one: it sees what was begun before */
    return host;
}

static bool begin(Host *host, GError **error)
{
    if (!take_lock(host, error) || !take_id(host, error) || !make_folders(host, error))
        return false;
    host->hypervisor = host->driver->open(host->config->state, error);
    if (!host->hypervisor)
        return false;
    host->driver->about(host->hypervisor, &host->about);
    if (!host->driver->waiting_clear(host->hypervisor, error) || !introduce(host, error) || !service_read(host, error))
        return false;
    host->viewers = viewers_open(host, error);
    if (!host->viewers || !adopt_all(host, error))
        return false;
    host->watch = store_subscribe(host->store, on_change, host);
    host->loop = g_thread_new("reconcile", loop_main, host);
    return true;
}

Host *host_open(const HostSetup *setup, GError **error)
{
    Host *host = host_new(setup);
    if (!begin(host, error)) {
        host_close(host);
        return NULL;
    }
    return host;
}

static void release_machines(Host *host)
{
    g_autoptr(GPtrArray) slots = slot_list(host);
    for (size_t i = 0; i < slots->len; i++)
        slot_set_machine(slots->pdata[i], NULL, GUEST_NOTHING);
}

static void host_free(Host *host)
{
    if (host->hypervisor)
        host->driver->close(host->hypervisor);
    g_hash_table_unref(host->slots);
    g_hash_table_unref(host->templates_of);
    g_hash_table_unref(host->unwanted);
    g_ptr_array_unref(host->relays);
    g_hash_table_unref(host->file_rooms);
    g_hash_table_unref(host->rdp_versions);
    g_free(host->about.accelerator);
    g_free(host->about.accelerator_why);
    g_free(host->about.qemu_version);
    g_free(host->id);
    g_free(host->name);
    g_free(host->desktops);
    g_free(host->templates);
    g_free(host->images);
    g_free(host->problem);
    fd_clear(&host->lock_fd); /* last: from now on another orield may begin */
    g_mutex_clear(&host->lock);
    g_cond_clear(&host->changed);
    g_free(host);
}

void host_close(Host *host)
{
    if (!host)
        return;
    if (host->watch)
        store_unsubscribe(host->store, host->watch);
    g_mutex_lock(&host->lock);
    host->ending = true;
    g_cond_broadcast(&host->changed);
    g_mutex_unlock(&host->lock);
    g_clear_pointer(&host->loop, g_thread_join);
    transfer_close_all(host);
    relay_close_all(host);
    g_thread_pool_free(host->workers, FALSE, TRUE); /* first: they give work to the others */
    g_thread_pool_free(host->checkers, FALSE, TRUE);
    g_thread_pool_free(host->openers, FALSE, TRUE);
    g_thread_pool_free(host->log_ons, FALSE, TRUE);
    g_clear_pointer(&host->viewers, viewers_close);
    release_machines(host);
    pool_template_sweep(host, NULL);
    g_clear_pointer(&host->plans, plan_book_release);
    host_free(host);
}

const char *host_id(const Host *host)
{
    return host->id;
}
