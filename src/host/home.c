/* User disks: STATE/users/USER/NAME.qcow2, locked to a desktop by a row of the store before it is plugged in, and unlocked when
 * the guest has let go of it or its machine is surely gone. */
#include "host/private.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/id.h"
#include "base/log.h"
#include "base/naming.h"
#include "host/record.h"

static const int64_t grow_limit_ms = 60 * 1000;
static const int64_t log_off_limit_ms = 60 * 1000; /* as of a session (host/session.c) */
static const int64_t leaving_limit_ms = 60 * 1000; /* the person has just logged off elsewhere */
static const int64_t busy_limit_ms = 90 * 1000;
static const int64_t look_again_ms = 250;

/* Caller frees. The name has been checked when the pool got it; it becomes part of a path, so again. */
static char *path_of(Host *host, const char *user_id, const char *name, GError **error)
{
    if (!id_is_valid(user_id) || !home_name_is_valid(name)) {
        oriel_fail(error, ORIEL_ERROR_CORRUPT, "home \"%s\": its name cannot be", name);
        return NULL;
    }
    g_autofree char *file = g_strconcat(name, ".qcow2", NULL);
    return g_build_filename(host->config->state, "users", user_id, file, NULL);
}

static void set_no_home(Slot *slot, bool no_home)
{
    g_mutex_lock(&slot->host->lock);
    slot->no_home = no_home;
    g_cond_broadcast(&slot->host->changed); /* somebody may wait for it elsewhere */
    g_mutex_unlock(&slot->host->lock);
}

static bool has_no_home(Slot *slot)
{
    g_mutex_lock(&slot->host->lock);
    bool no_home = slot->no_home;
    g_mutex_unlock(&slot->host->lock);
    return no_home;
}

/* ---- attach ---- */

static bool is_leaving(Host *host, const char *user_id, const char *name)
{
    g_autoptr(StoreHome) home = store_home_find(host->store, user_id, name, NULL);
    return home && home->desktop_id && !home->in_session;
}

/* Whoever logs off here and comes back at once must not find their own disk locked. */
static StoreHome *take(Host *host, const StoreHomeTake *what, GError **error)
{
    int64_t end = clock_monotonic_ms() + leaving_limit_ms;
    for (;;) {
        g_autoptr(GError) problem = NULL;
        StoreHome *home = store_home_take(host->store, what, &problem);
        bool waits = !home && oriel_error_kind(problem) == ORIEL_ERROR_CONFLICT && clock_monotonic_ms() < end &&
                     is_leaving(host, what->user_id, what->name);
        g_mutex_lock(&host->lock);
        waits = waits && !host->ending;
        if (waits)
            g_cond_wait_until(&host->changed, &host->lock, g_get_monotonic_time() + look_again_ms * 1000);
        g_mutex_unlock(&host->lock);
        if (waits)
            continue;
        if (!home)
            g_propagate_error(error, g_steal_pointer(&problem));
        return home;
    }
}

/* A disk that has files is never made anew: its file must be there. */
static bool make_file(Host *host, const StoreHome *home, const char *path, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);
    if (access(path, F_OK) == 0)
        return true;
    if (home->state != STORE_HOME_NEW)
        return oriel_fail(error, ORIEL_ERROR_CORRUPT, "home \"%s\" of \"%s\": its file \"%s\" is gone", home->name,
                          home->user_name, path);
    return folder_make(folder, 0700, error) && host->driver->disk_create(path, home->size_bytes, error);
}

/* The record says what a resume must plug in. It is written before: a machine that could not be resumed boots. */
static bool note_plugged(Work *work, bool plugged, GError **error)
{
    g_autofree char *folder = slot_folder(work->slot);
    Record record = {0};
    if (!record_read(folder, &record, NULL))
        record = (Record){.memory = work->pool->memory_bytes, .vcpus = (unsigned)work->pool->vcpus, .network = true};
    if (record.home == plugged)
        return true;
    record.home = plugged;
    return record_write(folder, &record, error);
}

static bool plug(Work *work, Machine *machine, const StoreHome *home, GError **error)
{
    Host *host = work->host;
    uint64_t size = 0;
    g_autofree char *path = path_of(host, home->user_id, home->name, error);
    if (!path || !make_file(host, home, path, error) ||
        !host->driver->disk_virtual_size(path, false, &size, error) || !note_plugged(work, true, error) ||
        !host->driver->plug_user_disk(machine, path, false, error))
        return false;
    GError *problem = NULL;
    if (home->size_bytes > size && !host->driver->user_disk_resize(machine, home->size_bytes, &problem)) {
        log_warning("home \"%s\" of \"%s\": cannot grow: %s", home->name, home->user_name, problem->message);
        g_error_free(problem);
    }
    return true;
}

/* Busy with the slot for as long as it takes; the machine must still be the one that somebody is to work on. */
static bool plug_busy(Work *work, Machine *machine, const StoreHome *home, GError **error)
{
    if (!slot_acquire(work->slot, busy_limit_ms, error))
        return false;
    bool done = work->slot->machine == machine
                    ? plug(work, machine, home, error)
                    : oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "the machine has ended");
    if (!done)
        home_put_away(work, false);
    slot_release(work->slot);
    return done;
}

StoreHome *home_attach(Work *work, Machine *machine, const char *user_id, char **ret_warning)
{
    Host *host = work->host;
    if (!work->pool->home || !*work->pool->home)
        return NULL;
    StoreHomeTake what = {.user_id = user_id,
                          .name = work->pool->home,
                          .size_bytes = work->pool->home_bytes,
                          .host_id = host->id,
                          .desktop_id = work->row->id};
    g_autoptr(GError) error = NULL;
    set_no_home(work->slot, false);
    g_autoptr(StoreHome) home = take(host, &what, &error);
    if (home && plug_busy(work, machine, home, &error))
        return g_steal_pointer(&home);
    log_warning("desktop %s: without the user disk: %s", work->row->name, error->message);
    *ret_warning = g_strdup_printf("Your own files are not here, and what you save now will be lost: %s",
                                   error->message);
    return NULL;
}

void home_mounted(const Work *work, const StoreHome *home)
{
    g_autoptr(GError) error = NULL;
    if (home->state == STORE_HOME_NEW && !store_home_keep(work->host->store, home->id, &error))
        log_warning("home \"%s\" of \"%s\": %s", home->name, home->user_name, error->message);
}

/* ---- let go ---- */

static bool unlock(Work *work, const StoreHome *home)
{
    g_autoptr(GError) error = NULL;
    bool done = store_home_release(work->host->store, home->id, work->slot->id, &error);
    if (!done)
        log_warning("home \"%s\" of \"%s\": cannot be unlocked: %s", home->name, home->user_name, error->message);
    set_no_home(work->slot, done);
    return done;
}

/* false: not known. */
static bool find(Work *work, StoreHome **ret)
{
    g_autoptr(GError) error = NULL;
    if (store_home_of_desktop(work->host->store, work->slot->id, ret, &error))
        return true;
    log_warning("desktop %s: does not know its user disk: %s", work->slot->id, error->message);
    return false;
}

bool home_put_away(Work *work, bool ask)
{
    g_autoptr(StoreHome) home = NULL;
    g_autoptr(GError) error = NULL;
    if (has_no_home(work->slot))
        return true;
    if (!find(work, &home))
        return false;
    if (!home) {
        set_no_home(work->slot, true);
        return true;
    }
    Machine *machine = slot_machine(work->slot);
    const HostDriver *driver = work->host->driver;
    bool free = machine && (!ask || driver->log_off(machine, 0, log_off_limit_ms, &error)) &&
                driver->unplug_user_disk(machine, &error) && note_plugged(work, false, &error);
    if (machine && !free)
        log_warning("desktop %s: keeps the user disk until it ends: %s", work->row ? work->row->name : work->slot->id,
                    error->message);
    slot_release_machine(work->host, machine);
    return free && unlock(work, home);
}

static bool has_session_of(Work *work, const char *user_id)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(StoreSession) session = store_session_of_desktop(work->host->store, work->slot->id, &error);
    return session ? g_strcmp0(session->user_id, user_id) == 0 : oriel_error_kind(error) != ORIEL_ERROR_NOT_FOUND;
}

void home_settle(Work *work)
{
    g_autoptr(StoreHome) home = NULL;
    if (has_no_home(work->slot) || log_on_is_running(work->slot) || !find(work, &home))
        return; /* a log on calls again when it is through */
    if (!home) {
        set_no_home(work->slot, true);
        return;
    }
    Machine *machine = slot_machine(work->slot);
    bool alive = machine != NULL;
    slot_release_machine(work->host, machine);
    if (!alive && !thaw_is_suspended(work->slot))
        unlock(work, home);
    else if (alive && !has_session_of(work, home->user_id))
        home_put_away(work, true);
}

char *home_path_of_desktop(const Work *work, GError **error)
{
    g_autoptr(StoreHome) home = NULL;
    if (!store_home_of_desktop(work->host->store, work->row->id, &home, error))
        return NULL;
    if (home)
        return path_of(work->host, home->user_id, home->name, error);
    oriel_fail(error, ORIEL_ERROR_CONFLICT, "desktop \"%s\": its user disk is no longer locked to it", work->row->name);
    return NULL;
}

/* ---- the pass ---- */

static void remove_file(Host *host, const StoreHome *home)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = path_of(host, home->user_id, home->name, &error);
    if (path && unlink(path) < 0 && errno != ENOENT)
        oriel_fail_errno(&error, errno, "file \"%s\": cannot be deleted", path);
    if (!error) {
        g_autofree char *folder = g_path_get_dirname(path);
        rmdir(folder); /* the last one's */
        store_home_remove(host->store, home->id, &error);
    }
    if (error)
        log_warning("home \"%s\" of \"%s\": %s", home->name, home->user_name, error->message);
}

void home_pass(Host *host)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) homes = store_home_list_busy(host->store, host->id, &error);
    for (guint i = 0; homes && i < homes->len; i++) {
        const StoreHome *home = homes->pdata[i];
        if (home->state == STORE_HOME_DELETING) {
            remove_file(host, home);
            continue;
        }
        g_autoptr(Slot) slot = slot_find(host, home->desktop_id);
        Machine *machine = slot ? slot_machine(slot) : NULL;
        if (slot && (!machine || !home->in_session))
            slot_queue(slot);
        slot_release_machine(host, machine);
    }
    if (homes && !store_home_release_lost(host->store, host->id, &error))
        homes = NULL;
    if (error)
        log_warning("user disks cannot be looked after: %s", error->message);
}

/* ---- what people ask ---- */

bool host_home_grown(Host *host, const char *desktop_id, uint64_t bytes, GError **error)
{
    g_autoptr(Slot) slot = slot_of(host, desktop_id);
    if (!slot_acquire(slot, busy_limit_ms, error))
        return false;
    Machine *machine = slot_machine(slot);
    bool done = !machine || (host->driver->user_disk_resize(machine, bytes, error) &&
                             host->driver->grow_home(machine, grow_limit_ms, error));
    slot_release_machine(host, machine);
    slot_release(slot);
    return done;
}
