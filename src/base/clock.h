/* Time. Stored times are UTC milliseconds since 1970; durations come from the monotonic clock only. Any thread. */
#pragma once

#include <glib.h>
#include <stdint.h>

int64_t clock_utc_ms(void);       /* wall clock: to store and show, never to subtract */
int64_t clock_monotonic_ms(void); /* for time limits and durations */
int64_t clock_monotonic_us(void); /* for measurements */

/* "2026-11-23T04:43:30.123Z" (RFC 3339). Caller frees. */
char *clock_format_utc(int64_t utc_ms);
