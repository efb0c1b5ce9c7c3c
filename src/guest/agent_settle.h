/* When is a booted machine worth freezing? Once its session is up and the processor has had nothing to do for a while:
 * what the desktop still wanted to load and paint is then loaded and painted. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SETTLE_SAMPLE_MS 500
#define SETTLE_QUIET_SAMPLES 6     /* in a row: 3 s */
#define SETTLE_BUSY_PERCENT 10     /* of one sample; waiting for the disk counts as busy */
#define SETTLE_LONGEST_MS 600000   /* then say ready all the same, with settled: false */

typedef struct {
    uint64_t busy, total; /* of the sample before */
    unsigned quiet;
    int64_t elapsed_ms;
} Settle;

typedef enum { SETTLE_WAIT, SETTLE_SETTLED, SETTLE_GAVE_UP } SettleAnswer;

/* One sample: the text of /proc/stat, and whether the session that this image should have is there. */
SettleAnswer agent_settle_sample(Settle *settle, const char *stat_text, bool session_up);
