#include "machine/plug.h"

#include <errno.h>

#include "base/error.h"
#include "base/file.h"
#include "base/network.h"
#include "machine/machine_internal.h"

#define DEVICE_NETWORK "network"
#define DEVICE_USER_DISK "user-disk"
#define DEVICE_CLIPBOARD "clipboard"
#define BACKEND_NETWORK "network-user"
#define BACKEND_CLIPBOARD "vdagent"
#define NODE_USER_DISK "user-disk-node"
#define NODE_USER_DISK_FILE "user-disk-file"
#define FDSET_USER_DISK 1
#define UNPLUG_LIMIT_MS 5000

GStrv plug_list(Machine *machine, GError **error)
{
    g_autoptr(Json) list = NULL;
    size_t i;
    Json *each;
    if (!qmp_finish(qmp_qom_list_peripherals(machine->qmp), 0, &list, error))
        return NULL;
    g_autoptr(GStrvBuilder) ids = g_strv_builder_new();
    json_array_foreach (list, i, each) {
        const char *id = json_string_value(json_object_get(each, "name"));
        if (id)
            g_strv_builder_add(ids, id);
    }
    return g_strv_builder_end(ids);
}

static bool is_plugged(Machine *machine, const char *id, bool *ret_plugged, GError **error)
{
    g_auto(GStrv) ids = plug_list(machine, error);
    *ret_plugged = ids && g_strv_contains((const char *const *)ids, id);
    return ids != NULL;
}

bool plug_remove(Machine *machine, const char *id, GError **error)
{
    g_autoptr(QmpWatch) deleted = qmp_watch(machine->qmp, "DEVICE_DELETED");
    if (!qmp_finish(qmp_device_del(machine->qmp, id), 0, NULL, error))
        return false;
    for (;;) {
        g_autoptr(Json) event = qmp_watch_next(deleted, UNPLUG_LIMIT_MS, error);
        if (!event)
            return false;
        if (g_strcmp0(json_string_value(json_object_get(event, "device")), id) == 0)
            return true;
    }
}

bool plug_network(Machine *machine, const char *mac, GError **error)
{
    bool plugged;
    g_autofree char *random = network_mac_new();
    if (!machine->hypervisor->features->user_network)
        return oriel_fail(error, ORIEL_ERROR_UNSUPPORTED,
                          "this QEMU was built without user-mode networking (libslirp)");
    if (!is_plugged(machine, DEVICE_NETWORK, &plugged, error))
        return false;
    if (plugged)
        return true;
    /* Left over from a plugging that was cut short; most often there is none. */
    qmp_finish(qmp_netdev_del(machine->qmp, BACKEND_NETWORK), 0, NULL, NULL);
    if (!qmp_finish(qmp_netdev_add_user(machine->qmp, BACKEND_NETWORK), 0, NULL, error))
        return false;
    Json *device = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "driver", "virtio-net-pci", "id",
                             DEVICE_NETWORK, "netdev", BACKEND_NETWORK, "bus", MACHINE_PORT_NETWORK, "mac",
                             mac ? mac : random, "romfile", "");
    return qmp_finish(qmp_device_add(machine->qmp, device), 0, NULL, error);
}

static void user_disk_forget(Machine *machine)
{
    qmp_finish(qmp_blockdev_del(machine->qmp, NODE_USER_DISK), 0, NULL, NULL);
    qmp_finish(qmp_blockdev_del(machine->qmp, NODE_USER_DISK_FILE), 0, NULL, NULL);
    qmp_finish(qmp_remove_fd(machine->qmp, FDSET_USER_DISK), 0, NULL, NULL);
}

static bool user_disk_add(Machine *machine, int fd, bool is_raw, GError **error)
{
    Json *file = json_pack("{s:s, s:s, s:s}", "driver", "file", "node-name", NODE_USER_DISK_FILE, "filename",
                           "/dev/fdset/" G_STRINGIFY(FDSET_USER_DISK));
    Json *node = json_pack("{s:s, s:s, s:s, s:s}", "driver", is_raw ? "raw" : "qcow2", "node-name",
                           NODE_USER_DISK, "file", NODE_USER_DISK_FILE, "discard", "unmap");
    if (!is_raw) /* its QEMU wrote it, and might have been another's by then: no file that it names is opened */
        json_object_set_new(node, "backing", json_null());
    Json *device = json_pack("{s:s, s:s, s:s, s:s, s:s}", "driver", "virtio-blk-pci", "id", DEVICE_USER_DISK,
                             "drive", NODE_USER_DISK, "bus", MACHINE_PORT_USER_DISK, "serial", "oriel-user");
    QmpCall *calls[] = {qmp_add_fd(machine->qmp, FDSET_USER_DISK, fd), qmp_blockdev_add(machine->qmp, file),
                        qmp_blockdev_add(machine->qmp, node), qmp_device_add(machine->qmp, device)};
    bool done = true;
    for (size_t i = 0; i < G_N_ELEMENTS(calls); i++)
        done = qmp_finish(calls[i], 0, NULL, done ? error : NULL) && done;
    return done;
}

bool plug_user_disk(Machine *machine, const char *path, bool is_raw, GError **error)
{
    bool plugged;
    if (!is_plugged(machine, DEVICE_USER_DISK, &plugged, error))
        return false;
    if (plugged)
        return true;
    autofd int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return oriel_fail_errno(error, errno, "user disk \"%s\": cannot open", path);
    user_disk_forget(machine);
    if (user_disk_add(machine, fd, is_raw, error))
        return true;
    user_disk_forget(machine);
    return false;
}

bool unplug_user_disk(Machine *machine, GError **error)
{
    bool plugged;
    if (!is_plugged(machine, DEVICE_USER_DISK, &plugged, error) ||
        (plugged && !plug_remove(machine, DEVICE_USER_DISK, error)))
        return false;
    user_disk_forget(machine);
    return true;
}

bool user_disk_resize(Machine *machine, uint64_t bytes, GError **error)
{
    return qmp_finish(qmp_block_resize(machine->qmp, NODE_USER_DISK, bytes), 0, NULL, error);
}

bool plug_clipboard(Machine *machine, GError **error)
{
    bool plugged;
    if (!machine->hypervisor->features->vdagent)
        return oriel_fail(error, ORIEL_ERROR_UNSUPPORTED, "this QEMU has no chardev qemu-vdagent");
    if (!is_plugged(machine, DEVICE_CLIPBOARD, &plugged, error))
        return false;
    if (plugged)
        return true;
    qmp_finish(qmp_chardev_remove(machine->qmp, BACKEND_CLIPBOARD), 0, NULL, NULL);
    Json *port =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:i}", "driver", "virtserialport", "id", DEVICE_CLIPBOARD,
                  "chardev", BACKEND_CLIPBOARD, "name", MACHINE_VDAGENT_PORT, "bus", "serial-bus.0", "nr", 2);
    QmpCall *backend = qmp_chardev_add_vdagent(machine->qmp, BACKEND_CLIPBOARD);
    QmpCall *device = qmp_device_add(machine->qmp, port);
    bool done = qmp_finish(backend, 0, NULL, error);
    return qmp_finish(device, 0, NULL, done ? error : NULL) && done;
}

bool unplug_clipboard(Machine *machine, GError **error)
{
    bool plugged;
    if (!is_plugged(machine, DEVICE_CLIPBOARD, &plugged, error) ||
        (plugged && !plug_remove(machine, DEVICE_CLIPBOARD, error)))
        return false;
    qmp_finish(qmp_chardev_remove(machine->qmp, BACKEND_CLIPBOARD), 0, NULL, NULL);
    return true;
}
