/* Lines and messages of QEMU's machine protocol (QEMU docs/interop/qmp-spec). Pure; fuzzed by
 * tests/fuzz/fuzz_qmp.c. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"

typedef enum { QMP_GREETING, QMP_RETURN, QMP_ERROR, QMP_EVENT } QmpMessageKind;

typedef struct {
    QmpMessageKind kind;
    uint64_t id; /* of RETURN and ERROR; 0: QEMU could not tell which command it was */
    Json *value; /* RETURN: what came back; EVENT: its data (an empty object where it has none); owned */
    char *name;  /* EVENT: its name; ERROR: its class; owned */
    char *description; /* ERROR: QEMU's sentence; owned */
} QmpMessage;

/* CORRUPT: nothing that QEMU would say. ret is filled only on success; free with qmp_message_clear. */
bool qmp_message_parse(const char *line, size_t length, QmpMessage *ret, GError **error);
void qmp_message_clear(QmpMessage *message);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(QmpMessage, qmp_message_clear)
