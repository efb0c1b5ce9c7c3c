/* DESKTOP/record.json: what the machine in this folder was started with, as far as no row says it. A pool's
 * memory may have been edited since; a suspended machine needs what it had. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint64_t memory; /* bytes */
    unsigned vcpus;
    bool network; /* its NIC was plugged */
    bool home;    /* its user disk is plugged */
} Record;

bool record_write(const char *folder, const Record *record, GError **error);
bool record_read(const char *folder, Record *ret, GError **error); /* NOT_FOUND, CORRUPT */
