#include "broker/admission.h"

#include "base/error.h"
#include "base/number.h"

static const uint64_t mib = 1024 * 1024;
static const uint64_t gib = 1024 * 1024 * 1024;

uint64_t admission_reserve(const AdmissionMemory *memory)
{
    return CLAMP(memory->total / 10, 512 * mib, 8 * gib);
}

static uint64_t minus(uint64_t from, uint64_t what)
{
    return from > what ? from - what : 0;
}

uint64_t admission_free(const AdmissionMemory *memory)
{
    uint64_t host = minus(memory->available, admission_reserve(memory));
    uint64_t own = memory->limit ? minus(memory->limit, memory->used) : UINT64_MAX;
    return minus(MIN(host, own), memory->starting);
}

uint64_t admission_fork_estimate(uint64_t measured, unsigned samples, uint64_t guest)
{
    uint64_t estimate = samples ? measured + measured / 4 : guest / 8;
    estimate = MAX(estimate, 48 * mib);
    return guest ? MIN(estimate, MAX(guest, 48 * mib)) : estimate;
}

unsigned admission_room(const AdmissionMemory *memory, uint64_t each)
{
    uint64_t room = admission_free(memory) / MAX(each, 1);
    return (unsigned)MIN(room, G_MAXUINT);
}

bool admission_memory(const AdmissionMemory *memory, uint64_t need, const char *what, GError **error)
{
    uint64_t left = admission_free(memory);
    if (need <= left)
        return true;
    g_autofree char *needed = number_format_size(need);
    g_autofree char *there = number_format_size(left);
    return oriel_fail(
        error, ORIEL_ERROR_FULL,
        "%s: needs %s of memory, this host has %s left for machines; log off desktops that are not used, "
        "or give machines more (memory_limit)",
        what, needed, there);
}

uint64_t admission_disk_floor(uint64_t disk_total)
{
    return CLAMP(disk_total / 20, gib, 20 * gib);
}

bool admission_copy(const AdmissionDisk *disk, uint64_t need, const char *desktop, GError **error)
{
    uint64_t floor = admission_disk_floor(disk->total);
    if (need <= minus(minus(disk->free, floor), disk->promised))
        return true;
    g_autofree char *wanted = number_format_size(need), *left = number_format_size(disk->free), *kept = number_format_size(floor);
    g_autofree char *promised = number_format_size(disk->promised);
    return oriel_fail(error, ORIEL_ERROR_NO_SPACE,
                      "desktop \"%s\": a copy of its image's disk takes %s; %s are free, of which %s must stay free%s%s%s; remove what is "
                      "not needed there, or use a linked pool",
                      desktop, wanted, left, kept, disk->promised ? " and " : "", disk->promised ? promised : "",
                      disk->promised ? " are for copies under way" : "");
}

bool admission_disk(uint64_t disk_free, uint64_t disk_total, const char *where, GError **error)
{
    uint64_t floor = admission_disk_floor(disk_total);
    if (disk_free >= floor)
        return true;
    g_autofree char *left = number_format_size(disk_free);
    g_autofree char *needed = number_format_size(floor);
    return oriel_fail(
        error, ORIEL_ERROR_NO_SPACE,
        "disk of \"%s\": %s are free, new desktops are made above %s; remove what is not needed there", where,
        left, needed);
}
