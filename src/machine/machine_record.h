/* machine.json in a machine's folder: what orield needs to know its process again after a restart. Any
 * thread. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "machine/process.h"

typedef struct {
    ProcessIdentity identity;
    char *template_key; /* NULL: not a fork; owned */
    uint64_t memory;    /* bytes of RAM */
    unsigned vcpus;
} MachineRecord;

/* Not flushed to the disk: a power cut that loses the record has ended the process too. */
bool machine_record_write(const char *folder, const MachineRecord *record, GError **error);

/* NOT_FOUND: there is none; CORRUPT: it makes no sense. Clear with machine_record_clear. */
bool machine_record_read(const char *folder, MachineRecord *ret, GError **error);
void machine_record_clear(MachineRecord *record);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MachineRecord, machine_record_clear)
