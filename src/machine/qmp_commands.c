#include "machine/qmp_commands.h"

QmpCall *qmp_stop(Qmp *qmp)
{
    return qmp_send(qmp, "stop", NULL, -1);
}

QmpCall *qmp_cont(Qmp *qmp)
{
    return qmp_send(qmp, "cont", NULL, -1);
}

QmpCall *qmp_quit(Qmp *qmp)
{
    return qmp_send(qmp, "quit", NULL, -1);
}

QmpCall *qmp_system_powerdown(Qmp *qmp)
{
    return qmp_send(qmp, "system_powerdown", NULL, -1);
}

QmpCall *qmp_query_status(Qmp *qmp)
{
    return qmp_send(qmp, "query-status", NULL, -1);
}

QmpCall *qmp_migrate_set_capabilities(Qmp *qmp, bool ignore_shared)
{
    Json *list = json_array();
    json_array_append_new(list, json_pack("{s:s, s:b}", "capability", "events", "state", 1));
    json_array_append_new(list,
                          json_pack("{s:s, s:b}", "capability", "x-ignore-shared", "state", ignore_shared));
    return qmp_send(qmp, "migrate-set-capabilities", json_pack("{s:o}", "capabilities", list), -1);
}

QmpCall *qmp_migrate_set_parameters_unlimited(Qmp *qmp)
{
    return qmp_send(qmp, "migrate-set-parameters",
                    json_pack("{s:I, s:i}", "max-bandwidth", (json_int_t)1 << 40, "downtime-limit", 2000000),
                    -1);
}

QmpCall *qmp_getfd(Qmp *qmp, const char *name, int fd)
{
    return qmp_send(qmp, "getfd", json_pack("{s:s}", "fdname", name), fd);
}

static QmpCall *send_fd_uri(Qmp *qmp, const char *command, const char *name)
{
    return qmp_send(qmp, command, json_pack("{s:s+}", "uri", "fd:", name), -1);
}

QmpCall *qmp_migrate_to_fd(Qmp *qmp, const char *name)
{
    return send_fd_uri(qmp, "migrate", name);
}

QmpCall *qmp_migrate_incoming_from_fd(Qmp *qmp, const char *name)
{
    return send_fd_uri(qmp, "migrate-incoming", name);
}

QmpCall *qmp_migrate_cancel(Qmp *qmp)
{
    return qmp_send(qmp, "migrate_cancel", NULL, -1);
}

QmpCall *qmp_query_blockstats(Qmp *qmp)
{
    return qmp_send(qmp, "query-blockstats", NULL, -1);
}

QmpCall *qmp_query_vnc(Qmp *qmp)
{
    return qmp_send(qmp, "query-vnc", NULL, -1);
}

QmpCall *qmp_screendump_png(Qmp *qmp, const char *file)
{
    return qmp_send(qmp, "screendump", json_pack("{s:s, s:s}", "filename", file, "format", "png"), -1);
}

QmpCall *qmp_qom_list_peripherals(Qmp *qmp)
{
    return qmp_send(qmp, "qom-list", json_pack("{s:s}", "path", "/machine/peripheral"), -1);
}

QmpCall *qmp_device_add(Qmp *qmp, Json *device)
{
    return qmp_send(qmp, "device_add", device, -1);
}

QmpCall *qmp_device_del(Qmp *qmp, const char *id)
{
    return qmp_send(qmp, "device_del", json_pack("{s:s}", "id", id), -1);
}

QmpCall *qmp_netdev_add_user(Qmp *qmp, const char *id)
{
    return qmp_send(qmp, "netdev_add", json_pack("{s:s, s:s}", "type", "user", "id", id), -1);
}

QmpCall *qmp_netdev_del(Qmp *qmp, const char *id)
{
    return qmp_send(qmp, "netdev_del", json_pack("{s:s}", "id", id), -1);
}

QmpCall *qmp_blockdev_add(Qmp *qmp, Json *node)
{
    return qmp_send(qmp, "blockdev-add", node, -1);
}

QmpCall *qmp_blockdev_del(Qmp *qmp, const char *node_name)
{
    return qmp_send(qmp, "blockdev-del", json_pack("{s:s}", "node-name", node_name), -1);
}

QmpCall *qmp_block_resize(Qmp *qmp, const char *node_name, uint64_t bytes)
{
    return qmp_send(qmp, "block_resize", json_pack("{s:s, s:I}", "node-name", node_name, "size", (json_int_t)bytes), -1);
}

QmpCall *qmp_add_fd(Qmp *qmp, int fdset, int fd)
{
    return qmp_send(qmp, "add-fd", json_pack("{s:i}", "fdset-id", fdset), fd);
}

QmpCall *qmp_remove_fd(Qmp *qmp, int fdset)
{
    return qmp_send(qmp, "remove-fd", json_pack("{s:i}", "fdset-id", fdset), -1);
}

QmpCall *qmp_chardev_add_vdagent(Qmp *qmp, const char *id)
{
    return qmp_send(qmp, "chardev-add",
                    json_pack("{s:s, s:{s:s, s:{s:b, s:b}}}", "id", id, "backend", "type", "qemu-vdagent",
                              "data", "mouse", 0, "clipboard", 1),
                    -1);
}

QmpCall *qmp_chardev_add_socket(Qmp *qmp, const char *id, const char *fd_name)
{
    return qmp_send(qmp, "chardev-add",
                    json_pack("{s:s, s:{s:s, s:{s:{s:s, s:{s:s}}, s:b}}}", "id", id, "backend", "type", "socket", "data", "addr",
                              "type", "fd", "data", "str", fd_name, "server", 0),
                    -1);
}

QmpCall *qmp_query_chardev(Qmp *qmp)
{
    return qmp_send(qmp, "query-chardev", NULL, -1);
}

QmpCall *qmp_chardev_remove(Qmp *qmp, const char *id)
{
    return qmp_send(qmp, "chardev-remove", json_pack("{s:s}", "id", id), -1);
}
