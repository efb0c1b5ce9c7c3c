/* What a machine really costs: for admission and for people. Any thread. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "machine/machine.h"

typedef struct {
    uint64_t private_bytes; /* pages no other process has: what its end would give back */
    uint64_t proportional;  /* PSS: private plus its share of what it shares */
    uint64_t resident;      /* RSS */
} MachineMemory;

/* From /proc/PID/smaps_rollup. NOT_FOUND: the process is gone. Takes about a millisecond. */
bool machine_memory(const Machine *machine, MachineMemory *ret, GError **error);

/* The most a fork of `memory` bytes of RAM can come to cost, to be counted at admission: its own copy of
 * every page, plus QEMU's own. The template's memfd counts once with its full size, since a write to one of
 * its holes allocates a page in it and one in the fork. */
uint64_t machine_memory_worst(uint64_t memory);
