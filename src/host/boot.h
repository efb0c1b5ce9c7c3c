/* How far the boot of an image is, and whether it goes on. A boot may take long on a slow or loaded host; it
 * is given up only when nothing has happened for LIMIT_BOOT_QUIET_MS, or at last after LIMIT_BOOT_MS. Pure;
 * one thread. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int64_t began_ms; /* monotonic, as all times here */
    int64_t moved_ms; /* last sign of progress */
    uint64_t activity;
    bool agent;
} Boot;

void boot_begin(Boot *boot, int64_t now_ms);

/* `activity`: machine_activity; `agent`: whether it has said hello. Anything new is a sign of progress. */
void boot_see(Boot *boot, uint64_t activity, bool agent, int64_t now_ms);

/* NULL: go on. Else why this boot is given up, a part of a sentence; caller frees. */
char *boot_overdue(const Boot *boot, int64_t now_ms);

/* What is going on, in words: "booting the image (3 min)". Caller frees. */
char *boot_step(const Boot *boot, int64_t now_ms);

/* Rises quickly at first and never arrives: how long a boot takes is not known before. */
int boot_percent(const Boot *boot, int64_t now_ms);
