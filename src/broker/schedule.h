/* Weekly windows in a time zone, with holidays: "peak". Also the weekdays and hours of a policy. Pure (a zone is loaded
 * from the system's tables when a schedule is read); any thread. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"

/* A window begins on one of its days at `from` and ends at `to`; one that does not end later than it begins goes on into
 * the next day, whatever day that is: Friday 22:00 to 06:00 ends on Saturday at six. */
typedef struct {
    unsigned days; /* bit 0: Monday */
    int from;      /* minutes of the local day, 0 to 1439 */
    int to;        /* 1 to 1440 */
} WeekWindow;

typedef struct {
    GTimeZone *zone;
    GArray *windows;  /* WeekWindow */
    GArray *holidays; /* guint32: 20261225; no window begins on one of them */
} Schedule;

/* {"time_zone": "Europe/Berlin", "windows": [{"days": ["mon", ...], "from": "08:00", "to": "18:00"}], "holidays":
 * ["2026-12-25"]}; time_zone absent: UTC; days absent: every day; from absent: 00:00; to absent: 24:00; no windows: never.
 * INVALID names what is wrong; `what` begins the sentence. */
Schedule *schedule_read(Json *object, const char *what, GError **error);
void schedule_free(Schedule *schedule);

/* By the clock on the wall of its zone: on days when clocks change, a window lasts as long as the wall says. */
bool schedule_contains(const Schedule *schedule, int64_t utc_ms);

/* Appends the moments (int64_t, UTC milliseconds) of the week after utc_ms at which windows may begin or end, in no order. */
void schedule_edges(const Schedule *schedule, int64_t utc_ms, GArray *moments);

/* "mon" to "sun". */
extern const char *const schedule_day_words[];

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Schedule, schedule_free)
