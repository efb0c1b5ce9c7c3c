/* A connection to one QEMU's machine protocol: commands with ids, time limits and passed descriptors, events,
 * on the machine thread's epoll descriptor. Commands may be sent from many worker threads at once, and
 * several may be under way on one connection (QEMU answers them in order). Anything that is no QMP closes the
 * connection: all commands under way fail with CORRUPT, later ones with UNAVAILABLE. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "machine/loop.h"

#define QMP_LIMIT_MS 10000 /* of a command that names no other limit */

typedef struct Qmp Qmp;
typedef struct QmpCall QmpCall;
typedef struct QmpWatch QmpWatch;

/* Machine thread. `closed` comes once, when QEMU has ended the connection or sent nonsense. Either may be
 * NULL, and neither may give back the last reference. */
typedef struct {
    void (*event)(const char *name, Json *data, void *owner);
    void (*closed)(void *owner);
} QmpListener;

/* Takes the connected socket over (closes it also on failure) and sends qmp_capabilities at once without
 * waiting for the greeting; qmp_handshake waits. `name` appears in errors: "machine 01J…". */
Qmp *qmp_new(Loop *loop, int fd, const char *name, const QmpListener *listener, void *owner);
bool qmp_handshake(Qmp *qmp, int64_t limit_ms, GError **error);
Qmp *qmp_ref(Qmp *qmp);
void qmp_unref(Qmp *qmp);
void qmp_close(Qmp *qmp); /* when it returns, the listener's functions run no more */
void qmp_drain(Qmp *qmp); /* machine thread: takes what QEMU still said before it ended */

/* Sends a command and returns at once; arguments (may be NULL) are taken over; pass_fd (-1: none) is passed
 * along with it and stays the caller's. Never NULL: a failure to send comes out of qmp_finish. */
QmpCall *qmp_send(Qmp *qmp, const char *command, Json *arguments, int pass_fd);
/* Waits for the answer and frees the call. *ret_value (may be NULL): what came back, caller owns. An error
 * from QEMU is CONFLICT ("CommandNotFound": UNSUPPORTED, "DeviceNotFound": NOT_FOUND) with command and QEMU's
 * sentence. */
bool qmp_finish(QmpCall *call, int64_t limit_ms, Json **ret_value, GError **error);
/* Frees the call, and runs a task on the machine thread once QEMU has answered, whatever it says, or the connection has ended. */
void qmp_then(QmpCall *call, LoopTask task, void *data);
/* Gives up on the answer. */
void qmp_forget(QmpCall *call);

/* qmp_send and qmp_finish. limit_ms 0: QMP_LIMIT_MS. */
bool qmp_run(Qmp *qmp, const char *command, Json *arguments, int64_t limit_ms, Json **ret_value,
             GError **error);

/* Collects events of one name from now on, so that one which comes before the wait is not missed. */
QmpWatch *qmp_watch(Qmp *qmp, const char *event);
/* The next of them; its data, caller owns. NULL: TIMEOUT, or UNAVAILABLE when the connection ended. */
Json *qmp_watch_next(QmpWatch *watch, int64_t limit_ms, GError **error);
void qmp_watch_free(QmpWatch *watch);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Qmp, qmp_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QmpWatch, qmp_watch_free)
