/* Figures over time, for charts. */
#include "api/resource.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/number.h"
#include "store/sample.h"

enum { POINTS_USUAL = 240, POINTS_MOST = 3000 };
static const int64_t usual_ms = 24 * 3600 * INT64_C(1000);

typedef struct {
    const char *name;
    const char *unit; /* of a value */
    bool of_pool;
    bool mean; /* of several pools or hosts: their mean, not their sum */
} Figure;

static const Figure figures[] = {
    {"sessions", "count", true, false},      {"connected", "count", true, false},
    {"desktops", "count", true, false},      {"running", "count", true, false},
    {"assigned", "count", true, false},      {"log_on_ms", "ms", true, true},
    {"memory_bytes", "bytes", false, false}, {"processor_percent", "percent", false, true},
};

static const Figure *figure_find(const char *name, GError **error)
{
    g_autoptr(GString) names = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(figures); i++) {
        if (g_strcmp0(figures[i].name, name) == 0)
            return &figures[i];
        g_string_append_printf(names, "%s%s", i ? ", " : "", figures[i].name);
    }
    oriel_fail(error, ORIEL_ERROR_INVALID, "name \"%s\": there is no such figure; there are %s",
               name ? name : "", names->str);
    return NULL;
}

static bool time_of(const Call *call, const char *name, int64_t *ret, GError **error)
{
    const char *text = request_query(call->request, name);
    uint64_t value = 0;
    if (text && !number_parse(text, 0, G_MAXINT64 / 2, name, &value, error))
        return false;
    if (text)
        *ret = (int64_t)value;
    return true;
}

/* A step is whole minutes: there is nothing finer. */
static bool span_read(const Call *call, StoreSampleQuery *query, GError **error)
{
    query->to_ms = clock_utc_ms() + 1;
    if (!time_of(call, "to", &query->to_ms, error))
        return false;
    query->from_ms = MAX(0, query->to_ms - usual_ms);
    if (!time_of(call, "from", &query->from_ms, error))
        return false;
    if (query->from_ms >= query->to_ms)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "from: it must be before to");
    int64_t span = query->to_ms - query->from_ms;
    int64_t step = span / POINTS_USUAL;
    if (!time_of(call, "step", &step, error))
        return false;
    query->step_ms = MAX(1, (step + SAMPLE_MINUTE_MS - 1) / SAMPLE_MINUTE_MS) * SAMPLE_MINUTE_MS;
    if (span / query->step_ms > POINTS_MOST)
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "step: this span needs at least %" G_GINT64_FORMAT " ms", span / POINTS_MOST);
    return true;
}

bool statistics_get(Call *call, GError **error)
{
    g_autofree char *pool_id = NULL;
    StoreSampleQuery query = {0};
    const Figure *figure = figure_find(request_query(call->request, "name"), error);
    if (!figure || !call_query_pool(call, &pool_id, error) || !span_read(call, &query, error))
        return false;
    if (pool_id && !figure->of_pool)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "pool: \"%s\" is a figure of the host", figure->name);
    query.name = figure->name;
    query.object = pool_id;
    query.mean = figure->mean;
    g_autoptr(GPtrArray) samples = store_sample_list(call->service->store, &query, error);
    if (!samples)
        return false;
    Json *points = json_array();
    for (unsigned i = 0; i < samples->len; i++) {
        const StoreSample *sample = samples->pdata[i];
        json_array_append_new(points, json_pack("{s:I, s:I}", "time_ms", (json_int_t)sample->time_ms, "value",
                                                (json_int_t)sample->value));
    }
    reply_json(call->reply, 200,
               json_pack("{s:s, s:s, s:I, s:I, s:I, s:o}", "name", figure->name, "unit", figure->unit,
                         "from_ms", (json_int_t)query.from_ms, "to_ms", (json_int_t)query.to_ms, "step_ms",
                         (json_int_t)query.step_ms, "points", points));
    return true;
}
