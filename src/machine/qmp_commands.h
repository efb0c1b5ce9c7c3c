/* One thin function a QMP command: it sends and returns; qmp_finish waits. Several may be sent before the
 * first is waited for: QEMU runs them in order. QEMU 7.2 reads its monitor a byte a turn, so in the way of a
 * click short words count. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "machine/qmp.h"

QmpCall *qmp_stop(Qmp *qmp);
QmpCall *qmp_cont(Qmp *qmp);
QmpCall *qmp_quit(Qmp *qmp);
QmpCall *qmp_system_powerdown(Qmp *qmp);
QmpCall *qmp_query_status(Qmp *qmp);

/* Always the event capability; with ignore_shared RAM that is a shared file stays out of the stream. */
QmpCall *qmp_migrate_set_capabilities(Qmp *qmp, bool ignore_shared);
/* Nobody else uses the way to a file: no limit of bandwidth, no rounds. */
QmpCall *qmp_migrate_set_parameters_unlimited(Qmp *qmp);
QmpCall *qmp_getfd(Qmp *qmp, const char *name, int fd);
QmpCall *qmp_migrate_to_fd(Qmp *qmp, const char *name);
QmpCall *qmp_migrate_incoming_from_fd(Qmp *qmp, const char *name);
QmpCall *qmp_migrate_cancel(Qmp *qmp);

QmpCall *qmp_query_blockstats(Qmp *qmp);
QmpCall *qmp_query_vnc(Qmp *qmp);
QmpCall *qmp_screendump_png(Qmp *qmp, const char *file);

QmpCall *qmp_qom_list_peripherals(Qmp *qmp);
/* Takes the device's properties over; they name driver and id. */
QmpCall *qmp_device_add(Qmp *qmp, Json *device);
QmpCall *qmp_device_del(Qmp *qmp, const char *id);
QmpCall *qmp_netdev_add_user(Qmp *qmp, const char *id);
QmpCall *qmp_netdev_del(Qmp *qmp, const char *id);
QmpCall *qmp_blockdev_add(Qmp *qmp, Json *node); /* takes it over */
QmpCall *qmp_blockdev_del(Qmp *qmp, const char *node_name);
QmpCall *qmp_block_resize(Qmp *qmp, const char *node_name, uint64_t bytes);
/* The descriptor can be named /dev/fdset/SET from then on. */
QmpCall *qmp_add_fd(Qmp *qmp, int fdset, int fd);
QmpCall *qmp_remove_fd(Qmp *qmp, int fdset);
QmpCall *qmp_chardev_add_vdagent(Qmp *qmp, const char *id);
/* A connected socket that was passed with qmp_getfd. */
QmpCall *qmp_chardev_add_socket(Qmp *qmp, const char *id, const char *fd_name);
QmpCall *qmp_query_chardev(Qmp *qmp);
QmpCall *qmp_chardev_remove(Qmp *qmp, const char *id);
