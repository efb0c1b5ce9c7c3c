/* A running machine into a state file. */
#include <errno.h>
#include <stdio.h>

#include "base/error.h"
#include "base/file.h"
#include "machine/machine_internal.h"
#include "machine/plug.h"

#define SAVE_LIMIT_MS 600000 /* RAM of a suspended machine to a slow disk */
#define STATE_FD_NAME "s"

static bool save_wait(Machine *machine, QmpWatch *migration, GError **error)
{
    for (;;) {
        g_autoptr(Json) event = qmp_watch_next(migration, SAVE_LIMIT_MS, error);
        if (!event)
            return false;
        const char *status = json_string_value(json_object_get(event, "status"));
        if (g_strcmp0(status, "completed") == 0)
            return true;
        if (g_strcmp0(status, "failed") == 0 || g_strcmp0(status, "cancelled") == 0)
            return oriel_fail(error, ORIEL_ERROR_CONFLICT,
                              "machine \"%s\": its state cannot be saved (a full disk?)", machine->folder);
    }
}

static bool save_run(Machine *machine, int state, bool ignore_shared, GError **error)
{
    g_autoptr(QmpWatch) migration = qmp_watch(machine->qmp, "MIGRATION");
    return qmp_finish(qmp_migrate_set_capabilities(machine->qmp, ignore_shared), 0, NULL, error) &&
           qmp_finish(qmp_migrate_set_parameters_unlimited(machine->qmp), 0, NULL, error) &&
           qmp_finish(qmp_getfd(machine->qmp, STATE_FD_NAME, state), 0, NULL, error) &&
           qmp_finish(qmp_migrate_to_fd(machine->qmp, STATE_FD_NAME), 0, NULL, error) &&
           save_wait(machine, migration, error);
}

bool machine_save(Machine *machine, int state, bool ignore_shared, GError **error)
{
    /* QEMU 7.2: qemu-vdagent "doesn't yet support migration". A port of a tunnel would be part of the state. */
    bool ready = unplug_clipboard(machine, error) && tunnels_shut(machine, error) && machine_pause(machine, error);
    if (ready && save_run(machine, state, ignore_shared, error))
        return true;
    tunnels_allow(machine);
    if (!ready)
        return false;
    qmp_finish(qmp_migrate_cancel(machine->qmp), 0, NULL, NULL);
    machine_continue(machine, NULL);
    return false;
}

bool machine_suspend(Machine *machine, const char *path, GError **error)
{
    g_autofree char *temp = g_strconcat(path, ".new", NULL);
    autofd int state = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (state < 0)
        return oriel_fail_errno(error, errno, "state \"%s\": cannot create", temp);
    bool saved = machine_save(machine, state, false, error);
    if (saved && (fsync(state) < 0 || rename(temp, path) < 0)) {
        oriel_fail_errno(error, errno, "state \"%s\": cannot write", path);
        machine_continue(machine, NULL);
        saved = false;
    }
    if (!saved) {
        unlink(temp);
        return false;
    }
    return machine_quit(machine, error);
}
