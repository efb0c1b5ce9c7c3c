/* Figures over time, for charts: what the pools and the hosts were at each full minute. Minutes are kept for two
 * days, after that every tenth, for thirty days in all. */
#pragma once

#include "store/store.h"

enum { SAMPLE_MINUTE_MS = 60 * 1000 };

typedef struct {
    const char *host_id;
    uint64_t memory_bytes; /* of its machines */
    int processor_percent; /* of all its processors; -1: not known yet */
} StoreSampleHost;

/* Writes the figures of the minute of now_ms: of this host, and of every pool as the store knows them. Once more in
 * the same minute, or by another host, is fine. */
bool store_sample_take(Store *store, const StoreSampleHost *host, int64_t now_ms, GError **error);

/* Drops what is too old. */
bool store_sample_thin(Store *store, int64_t now_ms, GError **error);

typedef struct {
    const char *name;   /* "sessions", "connected", "desktops", "running", "assigned", "log_on_ms" of pools;
                           "memory_bytes", "processor_percent" of hosts */
    const char *object; /* id of a pool or host; NULL: all together */
    bool mean;          /* together is their mean, not their sum */
    int64_t from_ms;
    int64_t to_ms; /* not included */
    int64_t step_ms;
} StoreSampleQuery;

typedef struct {
    int64_t time_ms; /* a multiple of the step */
    int64_t value;   /* mean over the step */
} StoreSample;

/* In the order of time; steps without a figure are left out. */
GPtrArray *store_sample_list(Store *store, const StoreSampleQuery *query, GError **error);
