/* Forks of a template. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "machine/overlay.h"
#include "machine/template_internal.h"

/* An empty folder is as good as none; one in use is an error, before anything is started for it. */
static bool folder_free(const char *folder, GError **error)
{
    g_autofree char *parent = g_path_get_dirname(folder);
    if (rmdir(folder) < 0 && errno != ENOENT)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "folder \"%s\": cannot fork into it: %s", folder,
                          g_strerror(errno));
    return folder_make(parent, 0700, error);
}

static bool overlay_make(const Template *template, const char *disk, GError **error)
{
    g_autofree char *backing = g_build_filename(template->folder, MACHINE_FILE_DISK, NULL);
    return overlay_create(disk, backing, false, 0, error);
}

static Machine *fork_launch(Template *template, const ForkSpec *spec, const char *disk, bool paused,
                            GError **error)
{
    const MachineSpec machine = {.folder = spec->folder,
                                 .memory = template->memory,
                                 .vcpus = template->vcpus,
                                 .disk = disk,
                                 .disk_is_disposable = spec->disk_is_disposable,
                                 .readable = (const char *const *)template->readable};
    const MachineStart start = {
        .launch = {.spec = &machine, .ram = MACHINE_RAM_FORK, .incoming = true, .paused = paused},
        .ram = template->ram,
        .template_key = template->key};
    return machine_launch(template->hypervisor, &start, error);
}

static bool fork_load(Template *template, Machine *machine, GError **error)
{
    g_autofree char *path = g_build_filename(template->folder, TEMPLATE_FILE_STATE, NULL);
    /* A descriptor of its own: the position in the file belongs to it. */
    autofd int state = open(path, O_RDONLY | O_CLOEXEC);
    if (state < 0)
        return oriel_fail_errno(error, errno, "file \"%s\": cannot read", path);
    return machine_load(machine, state, true, error);
}

static Machine *fork_in(Template *template, const ForkSpec *spec, bool paused, ForkTiming *timing,
                        GError **error)
{
    g_autofree char *disk = g_build_filename(spec->folder, MACHINE_FILE_DISK, NULL);
    int64_t began_us = clock_monotonic_us();
    if (!overlay_make(template, disk, error))
        return NULL;
    int64_t overlaid_us = clock_monotonic_us();
    g_autoptr(Machine) machine = fork_launch(template, spec, disk, paused, error);
    if (!machine)
        return NULL;
    int64_t launched_us = clock_monotonic_us();
    bool loaded = fork_load(template, machine, error);
    if (!loaded || (!paused && !machine_continue(machine, error))) {
        machine_kill(machine, NULL);
        return NULL;
    }
    timing->overlay_us = overlaid_us - began_us;
    timing->start_us = launched_us - overlaid_us;
    timing->load_us = clock_monotonic_us() - launched_us;
    return g_steal_pointer(&machine);
}

Machine *fork_start(Template *template, const ForkSpec *spec, bool paused, ForkTiming *timing, GError **error)
{
    if (mkdir(spec->folder, 0700) < 0) {
        oriel_fail_errno(error, errno, "folder \"%s\": cannot create", spec->folder);
        return NULL;
    }
    Machine *machine = fork_in(template, spec, paused, timing, error);
    if (!machine)
        folder_remove(spec->folder, NULL);
    return machine;
}

/* The way of a click where a QEMU waits: rename its folder, continue. NULL: none was there, or none that
 * still works. */
static Machine *fork_from_waiting(Template *template, const ForkSpec *spec)
{
    for (;;) {
        g_autoptr(Machine) machine = waiting_take(template->waiting, spec->disk_is_disposable);
        if (!machine)
            return NULL;
        if (machine_move(machine, spec->folder, NULL) && machine_continue(machine, NULL))
            return g_steal_pointer(&machine);
        machine_kill(machine, NULL);
        folder_remove(machine_folder(machine), NULL);
    }
}

static Machine *fork_any(Template *template, const ForkSpec *spec, ForkTiming *timing, GError **error)
{
    Machine *machine = fork_from_waiting(template, spec);
    if (machine) {
        timing->from_waiting = true;
        return machine;
    }
    return fork_start(template, spec, false, timing, error);
}

Machine *template_fork(Template *template, const ForkSpec *spec, ForkTiming *ret_timing, GError **error)
{
    ForkTiming timing = {0};
    int64_t began_us = clock_monotonic_us();
    if (!folder_free(spec->folder, error))
        return NULL;
    waiting_fork_begin(template->waiting);
    Machine *machine = fork_any(template, spec, &timing, error);
    waiting_fork_end(template->waiting);
    timing.running_us = clock_monotonic_us() - began_us;
    if (machine && ret_timing)
        *ret_timing = timing;
    return machine;
}
