/* A state file into a QEMU that waits for it. */
#include <errno.h>

#include "base/error.h"
#include "base/file.h"
#include "machine/machine_internal.h"
#include "machine/plug.h"

#define LOAD_LIMIT_MS 60000
#define STATE_FD_NAME "s" /* short: QEMU 7.2 reads its monitor a byte a turn */

static bool load_wait(Machine *machine, QmpWatch *migration, GError **error)
{
    for (;;) {
        g_autoptr(Json) event = qmp_watch_next(migration, LOAD_LIMIT_MS, error);
        if (!event)
            return false;
        const char *status = json_string_value(json_object_get(event, "status"));
        if (g_strcmp0(status, "completed") == 0)
            return true;
        if (g_strcmp0(status, "failed") == 0)
            return oriel_fail(error, ORIEL_ERROR_CORRUPT, "machine \"%s\": its state cannot be loaded",
                              machine->folder);
    }
}

bool machine_load(Machine *machine, int state, bool ignore_shared, GError **error)
{
    g_autoptr(QmpWatch) migration = qmp_watch(machine->qmp, "MIGRATION");
    QmpCall *capabilities = qmp_migrate_set_capabilities(machine->qmp, ignore_shared);
    QmpCall *getfd = qmp_getfd(machine->qmp, STATE_FD_NAME, state);
    QmpCall *incoming = qmp_migrate_incoming_from_fd(machine->qmp, STATE_FD_NAME);
    bool started = machine_handshake(machine, MACHINE_START_LIMIT_MS, error);
    started = qmp_finish(capabilities, 0, NULL, started ? error : NULL) && started;
    started = qmp_finish(getfd, 0, NULL, started ? error : NULL) && started;
    started = qmp_finish(incoming, 0, NULL, started ? error : NULL) && started;
    if (!started)
        return false;
    g_autoptr(GError) inner = NULL;
    if (load_wait(machine, migration, &inner)) {
        machine_yield(machine); /* here, where QEMU may still be waiting for a click, and not in the click itself */
        return true;
    }
    /* QEMU 7.2 leaves at once when a state does not fit; later ones tell. */
    if (oriel_error_kind(inner) == ORIEL_ERROR_TIMEOUT)
        g_propagate_error(error, g_steal_pointer(&inner));
    else
        oriel_fail(error, ORIEL_ERROR_CORRUPT, "machine \"%s\": QEMU did not accept its state",
                   machine->folder);
    machine_explain(machine, error);
    return false;
}

/* Devices that were hot-plugged are part of the state: QEMU must have them before it reads it. */
static bool replug(Machine *machine, const MachineSpec *spec, GError **error)
{
    if (!machine_handshake(machine, MACHINE_START_LIMIT_MS, error))
        return false;
    if (spec->network_mac && !plug_network(machine, *spec->network_mac ? spec->network_mac : NULL, error))
        return false;
    return !spec->user_disk || plug_user_disk(machine, spec->user_disk, spec->user_disk_is_raw, error);
}

Machine *machine_resume(Hypervisor *hypervisor, const MachineSpec *spec, const char *path, GError **error)
{
    autofd int state = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (state < 0) {
        oriel_fail_errno(error, errno, "state \"%s\": cannot open", path);
        return NULL;
    }
    /* A kernel would only be read again for nothing: the state holds a machine that has booted. */
    MachineSpec booted = *spec;
    booted.kernel = booted.initrd = booted.append = NULL;
    const MachineStart start = {
        .launch = {.spec = &booted, .ram = MACHINE_RAM_PRIVATE, .incoming = true, .paused = true}, .ram = -1};
    g_autoptr(Machine) machine = machine_launch(hypervisor, &start, error);
    if (!machine)
        return NULL;
    if (!replug(machine, spec, error) || !machine_load(machine, state, false, error) ||
        !machine_continue(machine, error)) {
        machine_kill(machine, NULL);
        return NULL;
    }
    return g_steal_pointer(&machine);
}
