/* Bringing a desktop to life in the three ways there are, and back to sleep. The caller is busy with its
 * slot.
 *
 * Files of a suspended desktop: "suspended" is its memory and devices, "record.json" what the machine was
 * started with. A resume first renames the state to "resuming": once processors may have run, that state must
 * never be loaded a second time onto a disk that has moved on. So after a crash a "resuming" is thrown away,
 * and the desktop boots as after a power cut. */
#include "host/private.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/network.h"
#include "base/secret.h"
#include "broker/application.h"
#include "host/record.h"
#include "image/image.h"

static char *file_of(const Slot *slot, const char *name)
{
    return g_build_filename(slot->host->desktops, slot->id, name, NULL);
}

bool thaw_is_suspended(const Slot *slot)
{
    g_autofree char *path = file_of(slot, "suspended");
    return access(path, F_OK) == 0;
}

void thaw_tidy(const Slot *slot, bool alive)
{
    g_autofree char *suspended = file_of(slot, "suspended");
    g_autofree char *resuming = file_of(slot, "resuming");
    g_autofree char *unfinished = file_of(slot, "suspended.new");
    unlink(resuming);
    unlink(unfinished);
    if (alive)
        unlink(suspended);
}

char *thaw_machine_id_new(void)
{
    uint8_t bytes[16];
    secret_random(bytes, sizeof bytes);
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < sizeof bytes; i++)
        g_string_append_printf(text, "%02x", bytes[i]);
    return g_string_free(text, FALSE);
}

/* Disks of floating desktops do not outlive a crash of the host anyway: the guest's flushes need not wait for
 * it. */
static bool is_disposable(const Work *work)
{
    return work->pool->type == STORE_POOL_FLOATING;
}

static bool fork_once(Work *work, Template *frozen, GError **error)
{
    Host *host = work->host;
    g_autofree char *folder = slot_folder(work->slot);
    g_autofree char *what = g_strdup_printf("desktop \"%s\"", work->row->name);
    if (!capacity_admit(host, capacity_of_fork(host, work->pool->memory_bytes), what, error) ||
        !capacity_turn_begin(host, error))
        return false;
    ForkSpec spec = {.folder = folder, .disk_is_disposable = is_disposable(work)};
    ForkTiming timing = {0};
    Machine *machine = host->driver->fork(frozen, &spec, &timing, error);
    capacity_turn_end(host);
    if (!machine)
        return false;
    slot_set_machine(work->slot, machine, GUEST_FORKED);
    log_debug("desktop %s: runs after %" G_GINT64_FORMAT " us (%s QEMU; load %" G_GINT64_FORMAT " us)",
              work->row->name, timing.running_us, timing.from_waiting ? "a waiting" : "a new",
              timing.load_us);
    return true;
}

bool thaw_fork(Work *work, GError **error)
{
    Host *host = work->host;
    g_autofree char *version_id = NULL;
    Template *frozen = pool_template_get(host, work->pool->id, &version_id);
    if (!frozen)
        return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "pool \"%s\": its template is not ready yet",
                          work->pool->name);
    g_autoptr(GError) problem = NULL;
    bool forked = fork_once(work, frozen, &problem);
    host->driver->template_release(frozen);
    if (!forked) {
        if (oriel_error_kind(problem) == ORIEL_ERROR_CORRUPT)
            pool_template_lost(host, work->pool->id, problem);
        g_propagate_error(error, g_steal_pointer(&problem));
        return false;
    }
    g_autofree char *mac = network_mac_new();
    g_autofree char *machine_id = thaw_machine_id_new();
    StoreObservation observation = {
        .id = work->row->id,
        .generation = work->row->generation,
        .observed = STORE_OBSERVED_RUNNING,
        .image_version_id = version_id,
        .mac = mac,
        .machine_id = machine_id,
        .forked = true,
    };
    if (!store_desktop_observe(host->store, &observation, error))
        return false;
    slot_tell_up(work->slot, work->row->generation);
    return true;
}

static bool observe_running(const Work *work, GError **error)
{
    if (!work_observe(work, STORE_OBSERVED_RUNNING, NULL, error))
        return false;
    slot_tell_up(work->slot, work->row->generation);
    return true;
}

/* What boot and resume have in common: everything but memory and processors. The strings live in the owner.
 */
typedef struct {
    Image *image;
    char *folder;
    char *disk;
    char *template_folder;
    char *append;
    const char *readable[3];
    MachineSpec spec;
} SpecOwner;

static void spec_owner_clear(SpecOwner *owner)
{
    image_free(owner->image);
    g_free(owner->folder);
    g_free(owner->disk);
    g_free(owner->template_folder);
    g_free(owner->append);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SpecOwner, spec_owner_clear)

/* QEMU writes the disk, and its next QEMU may read the folder of what the disk names as its backing: that must be a template's, or
 * its own image's. */
static bool check_backing(const Work *work, const Image *image, const char *template_folder, GError **error)
{
    if (g_strcmp0(template_folder, image->folder) == 0)
        return true;
    g_autofree char *real = template_folder ? realpath(template_folder, NULL) : NULL;
    g_autofree char *parent = real ? g_path_get_dirname(real) : NULL;
    g_autofree char *templates = realpath(work->host->templates, NULL);
    return !template_folder || (parent && g_strcmp0(parent, templates) == 0) ||
           oriel_fail(error, ORIEL_ERROR_CORRUPT,
                      "desktop \"%s\": its disk stands on \"%s\", which is neither a template nor its image; refresh it",
                      work->row->name, template_folder);
}

static bool spec_fill(Work *work, SpecOwner *owner, GError **error)
{
    owner->image = host_image(work->host, work->row->image_version_id, error);
    if (!owner->image || !application_fits(work->pool->application, owner->image->session, owner->image->name, error))
        return false;
    owner->append = application_append(owner->image->append, work->pool->application);
    owner->folder = slot_folder(work->slot);
    owner->disk = g_build_filename(owner->folder, "disk.qcow2", NULL);
    g_autofree char *backing = NULL;
    if (!work->host->driver->backing(owner->disk, &backing, error))
        return false;
    owner->template_folder = backing ? g_path_get_dirname(backing) : NULL;
    if (!check_backing(work, owner->image, owner->template_folder, error))
        return false;
    owner->readable[0] = owner->image->folder;
    owner->readable[1] = owner->template_folder;
    owner->spec = (MachineSpec){
        .folder = owner->folder,
        .memory = work->pool->memory_bytes,
        .vcpus = (unsigned)work->pool->vcpus,
        .disk = owner->disk,
        .disk_is_disposable = is_disposable(work),
        .kernel = owner->image->kernel,
        .initrd = owner->image->initrd,
        .append = owner->append,
        .readable = owner->readable,
    };
    return true;
}

bool thaw_boot(Work *work, GError **error)
{
    Host *host = work->host;
    g_auto(SpecOwner) owner = {0};
    g_autofree char *what = g_strdup_printf("desktop \"%s\"", work->row->name);
    if (!spec_fill(work, &owner, error) || !capacity_admit(host, owner.spec.memory, what, error) ||
        !work_observe(work, STORE_OBSERVED_STARTING, NULL, error) || !capacity_turn_begin(host, error))
        return false;
    Machine *machine = host->driver->start(host->hypervisor, &owner.spec, error);
    capacity_turn_end(host);
    if (!machine)
        return false;
    slot_set_machine(work->slot, machine, GUEST_BOOTED);
    return observe_running(work, error);
}

static Machine *resume_once(Work *work, const char *state, GError **error)
{
    Host *host = work->host;
    g_auto(SpecOwner) owner = {0};
    Record record = {0};
    if (!spec_fill(work, &owner, error) || !record_read(owner.folder, &record, error))
        return NULL;
    owner.spec.memory = record.memory;
    owner.spec.vcpus = record.vcpus;
    owner.spec.network_mac = record.network ? work->row->mac : NULL;
    g_autofree char *home = NULL;
    if (record.home && !(home = home_path_of_desktop(work, error)))
        return NULL;
    owner.spec.user_disk = home;
    return host->driver->resume(host->hypervisor, &owner.spec, state, error);
}

bool thaw_resume(Work *work, GError **error)
{
    Host *host = work->host;
    g_autofree char *suspended = file_of(work->slot, "suspended");
    g_autofree char *resuming = file_of(work->slot, "resuming");
    g_autofree char *what = g_strdup_printf("desktop \"%s\"", work->row->name);
    if (!capacity_admit(host, work->pool->memory_bytes, what, error) ||
        !work_observe(work, STORE_OBSERVED_STARTING, NULL, error) || !capacity_turn_begin(host, error))
        return false;
    g_autoptr(GError) problem = NULL;
    Machine *machine = NULL;
    if (rename(suspended, resuming) < 0)
        oriel_fail_errno(&problem, errno, "file \"%s\": cannot be taken", suspended);
    else
        machine = resume_once(work, resuming, &problem);
    capacity_turn_end(host);
    unlink(resuming);
    unlink(suspended);
    if (!machine) {
        log_warning("desktop %s: cannot be resumed (%s); it boots from its disk", work->row->name,
                    problem->message);
        return thaw_boot(work, error);
    }
    slot_set_machine(work->slot, machine, GUEST_RESUMED);
    return observe_running(work, error);
}

bool thaw_suspend(Work *work, GError **error)
{
    g_autofree char *folder = slot_folder(work->slot);
    g_autofree char *suspended = file_of(work->slot, "suspended");
    Record record = {0};
    if (!record_read(folder, &record, error) ||
        !work->host->driver->suspend(work->slot->machine, suspended, error))
        return false;
    slot_set_machine(work->slot, NULL, GUEST_NOTHING);
    return work_observe(work, STORE_OBSERVED_STOPPED, NULL, error);
}
