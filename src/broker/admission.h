/* Whether one more machine fits into this host's memory and disk. Pure; any thread. All sizes are bytes. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint64_t limit;     /* config's memory_limit for all machines; 0: whatever the host has */
    uint64_t total;     /* MemTotal */
    uint64_t available; /* MemAvailable: machines that run are already out of it */
    uint64_t used;      /* by machines and templates now (sum of proportional set sizes, and template RAM) */
    uint64_t starting;  /* promised to machines that start now and are not in `used` yet */
} AdmissionMemory;

/* What must stay free for the host itself: a tenth, at least 512 MiB, at most 8 GiB. */
uint64_t admission_reserve(const AdmissionMemory *memory);

/* Bytes that machines may still take. */
uint64_t admission_free(const AdmissionMemory *memory);

/* Private memory to expect of one more fork. `measured` is the mean of the idle forks of that pool that have
 * been measured, `samples` their number (0: none); `guest` its RAM. Never below 48 MiB, never above the
 * guest's RAM; a quarter is added, because forks grow with use. */
uint64_t admission_fork_estimate(uint64_t measured, unsigned samples, uint64_t guest);

/* How many more machines of `each` bytes fit. */
unsigned admission_room(const AdmissionMemory *memory, uint64_t each);

/* FULL with both figures and what to do, unless `need` bytes fit. `what` names the thing: "desktop
 * \"sales-7\"". */
bool admission_memory(const AdmissionMemory *memory, uint64_t need, const char *what, GError **error);

/* Below this much free disk no new desktop is made: a twentieth, at least 1 GiB, at most 20 GiB. */
uint64_t admission_disk_floor(uint64_t disk_total);

typedef struct {
    uint64_t free;
    uint64_t total;
    uint64_t promised; /* of the free: what copies under way have yet to write */
} AdmissionDisk;

/* NO_SPACE with the figures, unless a disk of `need` bytes fits above that. */
bool admission_copy(const AdmissionDisk *disk, uint64_t need, const char *desktop, GError **error);

/* NO_SPACE with both figures. `where` names the folder. */
bool admission_disk(uint64_t disk_free, uint64_t disk_total, const char *where, GError **error);
