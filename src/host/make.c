/* Desktops that boot from the first: of pools whose provisioning is linked (a disk upon the image's) or full (a copy of it).
 *
 * The disk is whole and durable before the row says that it is current; until then it is nobody's, and whoever finds it after a
 * crash throws it away and begins anew (broker/step.c). A copy takes long, so it is a job. */
#include "host/private.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/network.h"
#include "broker/admission.h"

static const int64_t row_look_ms = 1000; /* while a disk is copied: whether anybody wants it still */

typedef struct {
    Work *work;
    CopyRoom *room;
    int64_t looked_ms; /* monotonic */
} Copying;

/* Deleted or refreshed meanwhile, or the host goes. */
static bool is_wanted(const Work *work)
{
    g_mutex_lock(&work->host->lock);
    bool ending = work->host->ending || work->host->paused;
    g_mutex_unlock(&work->host->lock);
    g_autoptr(StoreDesktop) now = store_desktop_find(work->host->store, work->row->id, NULL);
    return !ending && now && now->desired == STORE_DESIRED_RUNNING && now->generation == work->row->generation;
}

static bool on_progress(void *data, uint64_t done, uint64_t total, GError **error)
{
    Copying *copying = data;
    const Work *work = copying->work;
    int64_t now_ms = g_get_monotonic_time() / 1000;
    if (work->job && job_is_cancelled(work->job, error))
        return false;
    if (now_ms - copying->looked_ms >= row_look_ms) {
        copying->looked_ms = now_ms;
        if (!is_wanted(work))
            return oriel_fail(error, ORIEL_ERROR_STALE, "desktop \"%s\": is not wanted any more", work->row->name);
    }
    slot_hold_session(work->slot);
    capacity_copy_wrote(copying->room, done, total);
    if (work->job)
        job_progress(work->job, 1 + (int)(50 * (total ? (double)done / (double)total : 1)), "copying the image's disk");
    return true;
}

static bool sync_file(const char *path, GError **error)
{
    autofd int fd = open(path, O_RDONLY | O_CLOEXEC);
    return (fd >= 0 && fsync(fd) == 0) || oriel_fail_errno(error, errno, "file \"%s\": cannot make it durable", path);
}

static bool make_disk(Work *work, const Image *image, const char *folder, GError **error)
{
    const HostDriver *driver = work->host->driver;
    g_autofree char *disk = g_build_filename(folder, "disk.qcow2", NULL);
    g_auto(CopyRoom) room = {0};
    Copying copying = {.work = work, .room = &room};
    if (!driver->kill_in(folder, error) || !folder_remove(folder, error) || !folder_make(folder, 0700, error))
        return false;
    if (work->pool->provisioning == STORE_PROVISION_FULL)
        return capacity_copy_begin(work->host, image->file_bytes, work->row->name, &room, error) &&
               driver->copy(image->disk, disk, on_progress, &copying, error);
    return driver->overlay(disk, image->disk, false, 0, error) && sync_file(disk, error);
}

/* Its disk is whole: from here on it is the desktop's. */
static bool observe_made(Work *work, const char *version_id, GError **error)
{
    g_autofree char *mac = network_mac_new(), *machine_id = thaw_machine_id_new();
    StoreObservation observation = {
        .id = work->row->id,
        .generation = work->row->generation,
        .observed = STORE_OBSERVED_STARTING,
        .image_version_id = version_id,
        .mac = mac,
        .machine_id = machine_id,
        .forked = true,
    };
    return store_desktop_observe(work->host->store, &observation, error) &&
           work_load(work, work->host, work->slot, error);
}

bool make_and_boot(Work *work, GError **error)
{
    Host *host = work->host;
    g_autofree char *folder = slot_folder(work->slot);
    g_autofree char *what = g_strdup_printf("desktop \"%s\"", work->row->name);
    g_autofree char *version_id = pool_version_get(host, work->pool->id);
    if (!version_id)
        return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "pool \"%s\": its image is not ready yet", work->pool->name);
    g_autoptr(Image) image = host_image(host, version_id, error);
    if (!image || !capacity_admit(host, work->pool->memory_bytes, what, error))
        return false;
    if (make_disk(work, image, folder, error))
        return observe_made(work, version_id, error) && thaw_boot(work, error);
    folder_remove(folder, NULL); /* a part of a copy is worth nothing, and takes room */
    return false;
}

bool make_step(Work *work, GError **error)
{
    if (work->job || work->pool->provisioning != STORE_PROVISION_FULL)
        return make_and_boot(work, error);
    g_autofree char *job_id = make_job(work->host, work->row, NULL, error);
    return job_id != NULL;
}
