#include "store/sample.h"

#include "store/rules.h"
#include "store/transaction.h"

static const int64_t day_ms = 24 * 3600 * INT64_C(1000);
static const int64_t fine_days = 2;  /* every minute */
static const int64_t kept_days = 30; /* every tenth minute */
static const int64_t swept_days = 3; /* of what a host that was off left unthinned */
static const int64_t coarse_ms = 10 * SAMPLE_MINUTE_MS;

#define INTO "INSERT INTO samples (name, object, time_ms, value) "
#define AGAIN " ON CONFLICT (name, object, time_ms) DO UPDATE SET value = excluded.value"
#define OPEN_SESSIONS(where)                                                                                 \
    " FROM pools p LEFT JOIN (SELECT pool_id, COUNT(*) AS n FROM sessions WHERE state <> 'ended'" where      \
    " GROUP BY pool_id) c ON c.pool_id = p.id WHERE 1 = 1" AGAIN
#define DESKTOPS(where)                                                                                      \
    " FROM pools p LEFT JOIN (SELECT pool_id, COUNT(*) AS n FROM desktops WHERE desired <> 'deleted'" where  \
    " GROUP BY pool_id) c ON c.pool_id = p.id WHERE 1 = 1" AGAIN

/* $1 is the minute. */
static const char *const of_pools[] = {
    INTO "SELECT 'sessions', p.id, $1, COALESCE(c.n, 0)" OPEN_SESSIONS(""),
    INTO "SELECT 'connected', p.id, $1, COALESCE(c.n, 0)" OPEN_SESSIONS(" AND state = 'connected'"),
    INTO "SELECT 'desktops', p.id, $1, COALESCE(c.n, 0)" DESKTOPS(" AND seat_of IS NULL"),
    INTO "SELECT 'running', p.id, $1, COALESCE(c.n, 0)" DESKTOPS(" AND seat_of IS NULL AND observed = 'running'"),
    INTO "SELECT 'assigned', p.id, $1, COALESCE(c.n, 0)" DESKTOPS(" AND user_id IS NOT NULL"),
};

/* From the click to the connection, of the sessions that began in the minute from $1 to $2: it is looked at a
 * minute after it ended, when slow ones are connected too. */
static const char log_ons[] =
    INTO "SELECT 'log_on_ms', pool_id, $1, CAST(ROUND(AVG(changed_ms - started_ms)) AS BIGINT) FROM sessions"
         " WHERE state = 'connected' AND pool_id IS NOT NULL AND started_ms >= $1"
         " AND started_ms < $2 GROUP BY pool_id" AGAIN;

static const char of_host[] = INTO "VALUES ($1, $2, $3, $4)" AGAIN;

static bool host_figure(Transaction *transaction, const char *name, const StoreSampleHost *host,
                        int64_t minute, GError **error)
{
    bool memory = g_str_equal(name, "memory_bytes");
    int64_t value = memory ? (int64_t)host->memory_bytes : host->processor_percent;
    return transaction_run(transaction, of_host,
                           PARAMS(TEXT(name), TEXT(host->host_id), NUMBER(minute), NUMBER(value)), error);
}

bool store_sample_take(Store *store, const StoreSampleHost *host, int64_t now_ms, GError **error)
{
    int64_t minute = now_ms - now_ms % SAMPLE_MINUTE_MS;
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, NULL, BEGIN_RELAXED, error))
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(of_pools); i++)
        if (!transaction_run(&transaction, of_pools[i], PARAMS(NUMBER(minute)), error))
            return false;
    return transaction_run(&transaction, log_ons,
                           PARAMS(NUMBER(minute - 2 * SAMPLE_MINUTE_MS), NUMBER(minute - SAMPLE_MINUTE_MS)),
                           error) &&
           host_figure(&transaction, "memory_bytes", host, minute, error) &&
           (host->processor_percent < 0 ||
            host_figure(&transaction, "processor_percent", host, minute, error)) &&
           transaction_commit(&transaction, error);
}

bool store_sample_thin(Store *store, int64_t now_ms, GError **error)
{
    int64_t fine = now_ms - fine_days * day_ms;
    g_auto(Transaction) transaction = {0};
    return transaction_begin(&transaction, store, NULL, BEGIN_RELAXED, error) &&
           transaction_run(&transaction, "DELETE FROM samples WHERE time_ms < $1",
                           PARAMS(NUMBER(now_ms - kept_days * day_ms)), error) &&
           transaction_run(
               &transaction, "DELETE FROM samples WHERE time_ms >= $1 AND time_ms < $2 AND time_ms % $3 <> 0",
               PARAMS(NUMBER(fine - swept_days * day_ms), NUMBER(fine), NUMBER(coarse_ms)), error) &&
           transaction_commit(&transaction, error);
}

#define LIST(together)                                                                                       \
    "SELECT t, CAST(ROUND(" together "(v)) AS BIGINT) FROM (SELECT object, time_ms / $5 * $5 AS t,"          \
    " AVG(value) AS v FROM samples WHERE name = $1 AND ($2 = '' OR object = $2) AND time_ms >= $3"           \
    " AND time_ms < $4 GROUP BY object, time_ms / $5 * $5) s GROUP BY t ORDER BY t"

GPtrArray *store_sample_list(Store *store, const StoreSampleQuery *query, GError **error)
{
    g_autoptr(Rows) rows =
        store_read(store, query->mean ? LIST("AVG") : LIST("SUM"),
                   PARAMS(TEXT(query->name), TEXT(text_or_empty(query->object)), NUMBER(query->from_ms),
                          NUMBER(query->to_ms), NUMBER(query->step_ms)),
                   error);
    if (!rows)
        return NULL;
    GPtrArray *list = g_ptr_array_new_with_free_func(g_free);
    for (size_t row = 0; row < rows->count; row++) {
        StoreSample *sample = g_new0(StoreSample, 1);
        sample->time_ms = rows_number(rows, row, 0);
        sample->value = rows_number(rows, row, 1);
        g_ptr_array_add(list, sample);
    }
    return list;
}
