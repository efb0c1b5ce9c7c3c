/* What a monitoring system reads: the text format of Prometheus 0.0.4 ("Exposition formats" of its documentation). */
#include <string.h>

#include "api/resource.h"
#include "base/clock.h"
#include "forward/forward.h"
#include "store/event.h"
#include "store/sample.h"

/* Log-on times are told as the mean of the last minutes: a gauge, since sessions are rows and not counts. */
enum { RECENT_MINUTES = 15 };

static const char *const content_type = "text/plain; version=0.0.4; charset=utf-8";

typedef struct {
    GString *text;
    const char *name; /* of the family that is being written */
} Metrics;

static void family_begin(Metrics *metrics, const char *name, const char *type, const char *help)
{
    metrics->name = name;
    g_string_append_printf(metrics->text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* In a label, a backslash, a quote and a line's end are escaped. */
static void label_add(GString *text, const char *key, const char *value)
{
    g_string_append_printf(text, "%s=\"", key);
    for (; *value; value++) {
        if (*value == '\n')
            g_string_append(text, "\\n");
        else if (*value == '\\' || *value == '"')
            g_string_append_printf(text, "\\%c", *value);
        else
            g_string_append_c(text, *value);
    }
    g_string_append_c(text, '"');
}

/* key NULL: without a label. */
static void value_add(Metrics *metrics, const char *key, const char *label, double value)
{
    char digits[G_ASCII_DTOSTR_BUF_SIZE];
    g_string_append(metrics->text, metrics->name);
    if (key) {
        g_string_append_c(metrics->text, '{');
        label_add(metrics->text, key, label);
        g_string_append_c(metrics->text, '}');
    }
    g_string_append_printf(metrics->text, " %s\n", g_ascii_dtostr(digits, sizeof digits, value));
}

static void gauge(Metrics *metrics, const char *name, const char *help, double value)
{
    family_begin(metrics, name, "gauge", help);
    value_add(metrics, NULL, NULL, value);
}

/* ---- the host ---- */

static void host_service_add(Metrics *metrics, StoreHostService service)
{
    static const StoreHostService all[] = {STORE_HOST_OPEN, STORE_HOST_DRAINING, STORE_HOST_MAINTENANCE};
    family_begin(metrics, "oriel_host_service", "gauge", "1 for what the host is: open, draining or in maintenance.");
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
        value_add(metrics, "service", store_host_service_word(all[i]), service == all[i]);
}

static void host_add(Metrics *metrics, const HostStatus *host)
{
    gauge(metrics, "oriel_memory_limit_bytes", "Memory that machines may use.", (double)host->memory_total);
    gauge(metrics, "oriel_memory_used_bytes", "Memory that machines use.", (double)host->memory_used);
    gauge(metrics, "oriel_memory_desktop_bytes", "Private memory of one more idle desktop.", (double)host->memory_desktop);
    gauge(metrics, "oriel_disk_total_bytes", "Size of the disk that holds the state.", (double)host->disk_total);
    gauge(metrics, "oriel_disk_free_bytes", "What is free on it.", (double)host->disk_free);
    gauge(metrics, "oriel_disk_floor_bytes", "Below it no new desktops are made.", (double)host->disk_floor);
    gauge(metrics, "oriel_desktops_room", "Desktops that still fit into memory.", host->desktops_room);
    gauge(metrics, "oriel_machines_waiting", "QEMU processes that wait for a click.", host->waiting);
    family_begin(metrics, "oriel_host_desktops", "gauge", "Desktops of this host by what their machines do.");
    value_add(metrics, "state", "running", host->desktops_running);
    value_add(metrics, "state", "starting", host->desktops_starting);
    value_add(metrics, "state", "failed", host->desktops_failed);
    family_begin(metrics, "oriel_templates", "gauge", "Frozen machines that desktops are forked from.");
    value_add(metrics, "state", "ready", host->templates_ready);
    value_add(metrics, "state", "building", host->templates_building);
    gauge(metrics, "oriel_host_accepts_desktops", "0 where this host has no room for another desktop.", host->accepts_desktops);
    host_service_add(metrics, host->service);
}

/* ---- pools ---- */

typedef struct {
    const char *name;
    const char *help;
    size_t offset; /* of a uint64_t in StorePool */
} PoolFigure;

static const PoolFigure pool_figures[] = {
    {"oriel_pool_size", "Desktops that the pool may have at most.", G_STRUCT_OFFSET(StorePool, size)},
    {"oriel_pool_desktops", "Desktops that it has.", G_STRUCT_OFFSET(StorePool, desktops)},
    {"oriel_pool_desktops_running", "Of them, those that run.", G_STRUCT_OFFSET(StorePool, desktops_running)},
    {"oriel_pool_desktops_assigned", "Of them, those that are somebody's.", G_STRUCT_OFFSET(StorePool, desktops_assigned)},
    {"oriel_pool_desktops_free", "Of them, those that the next click has at once.", G_STRUCT_OFFSET(StorePool, desktops_free)},
    {"oriel_pool_sessions", "Its sessions that have not ended.", G_STRUCT_OFFSET(StorePool, sessions)},
};

static bool log_on_times_add(Metrics *metrics, const Service *service, GPtrArray *pools, GError **error)
{
    int64_t now = clock_utc_ms();
    family_begin(metrics, "oriel_pool_log_on_seconds", "gauge",
                 "From the click to the connection: the mean of the last 15 minutes; absent without a log on.");
    for (unsigned i = 0; i < pools->len; i++) {
        const StorePool *pool = pools->pdata[i];
        StoreSampleQuery query = {
            .name = "log_on_ms", .object = pool->id, .mean = true,
            .from_ms = now - RECENT_MINUTES * SAMPLE_MINUTE_MS, .to_ms = now + 1, .step_ms = SAMPLE_MINUTE_MS,
        };
        g_autoptr(GPtrArray) samples = store_sample_list(service->store, &query, error);
        if (!samples)
            return false;
        double sum = 0;
        for (unsigned at = 0; at < samples->len; at++)
            sum += (double)((const StoreSample *)samples->pdata[at])->value;
        if (samples->len)
            value_add(metrics, "pool", pool->name, sum / samples->len / 1000);
    }
    return true;
}

static bool pools_add(Metrics *metrics, const Service *service, GError **error)
{
    g_autoptr(GPtrArray) pools = store_pool_list(service->store, NULL, NULL, error);
    if (!pools)
        return false;
    for (size_t figure = 0; figure < G_N_ELEMENTS(pool_figures); figure++) {
        family_begin(metrics, pool_figures[figure].name, "gauge", pool_figures[figure].help);
        for (unsigned i = 0; i < pools->len; i++) {
            const StorePool *pool = pools->pdata[i];
            value_add(metrics, "pool", pool->name, (double)G_STRUCT_MEMBER(uint64_t, pool, pool_figures[figure].offset));
        }
    }
    family_begin(metrics, "oriel_pool_available", "gauge", "1 where people may connect: enabled, no maintenance, no drain.");
    for (unsigned i = 0; i < pools->len; i++) {
        const StorePool *pool = pools->pdata[i];
        value_add(metrics, "pool", pool->name, pool->enabled && !pool->maintenance && !pool->draining && !pool->deleting);
    }
    return log_on_times_add(metrics, service, pools, error);
}

/* ---- the rest ---- */

static bool sessions_add(Metrics *metrics, const Service *service, GError **error)
{
    unsigned counts[STORE_SESSION_ENDED] = {0};
    g_autoptr(GPtrArray) sessions = store_session_list(service->store, NULL, NULL, NULL, error);
    if (!sessions)
        return false;
    for (unsigned i = 0; i < sessions->len; i++) {
        StoreSessionState state = ((const StoreSession *)sessions->pdata[i])->state;
        if (state < STORE_SESSION_ENDED)
            counts[state]++;
    }
    family_begin(metrics, "oriel_sessions", "gauge", "Sessions that have not ended.");
    for (unsigned state = 0; state < STORE_SESSION_ENDED; state++)
        value_add(metrics, "state", store_session_state_word((StoreSessionState)state), counts[state]);
    return true;
}

static bool jobs_add(Metrics *metrics, const Service *service, GError **error)
{
    static const StoreJobState states[] = {STORE_JOB_QUEUED, STORE_JOB_RUNNING};
    family_begin(metrics, "oriel_jobs", "gauge", "Long work that has not ended.");
    for (size_t i = 0; i < G_N_ELEMENTS(states); i++) {
        StoreJobFilter filter = {.state = store_job_state_word(states[i])};
        g_autoptr(GPtrArray) jobs = store_job_list(service->store, &filter, NULL, NULL, error);
        if (!jobs)
            return false;
        value_add(metrics, "state", filter.state, jobs->len);
    }
    return true;
}

static bool events_add(Metrics *metrics, const Service *service, GError **error)
{
    StorePage newest = {.limit = 1};
    g_autoptr(GPtrArray) events = store_event_list(service->store, NULL, &newest, NULL, error);
    g_autoptr(GPtrArray) unsent = events ? forward_warnings(service->config, service->store, clock_utc_ms(), error) : NULL;
    if (!unsent)
        return false;
    int64_t sequence = events->len ? ((const StoreEvent *)events->pdata[0])->sequence : 0;
    family_begin(metrics, "oriel_events_total", "counter", "Events of the audit trail that were ever written.");
    value_add(metrics, NULL, NULL, (double)sequence);
    gauge(metrics, "oriel_event_forwards_failing", "Ways out of the audit trail whose receiver does not answer.", unsent->len);
    return true;
}

static void about_add(Metrics *metrics, const Service *service, const HostStatus *host)
{
    family_begin(metrics, "oriel_info", "gauge", "Always 1: which Oriel this is.");
    g_string_append(metrics->text, "oriel_info{");
    label_add(metrics->text, "version", ORIEL_VERSION);
    g_string_append_c(metrics->text, ',');
    label_add(metrics->text, "accelerator", host->accelerator ? host->accelerator : "none");
    g_string_append_c(metrics->text, ',');
    label_add(metrics->text, "qemu", host->qemu_version ? host->qemu_version : "");
    g_string_append_c(metrics->text, ',');
    label_add(metrics->text, "store", store_backend(service->store));
    g_string_append(metrics->text, "} 1\n");
    gauge(metrics, "oriel_start_time_seconds", "When orield was started, seconds since 1970.", (double)service->started_ms / 1000);
}

bool metrics_get(Call *call, GError **error)
{
    const Service *service = call->service;
    g_auto(HostStatus) host = {0};
    g_autoptr(GString) text = g_string_new(NULL);
    Metrics metrics = {.text = text};
    if (!host_status(service->host, &host, error))
        return false;
    about_add(&metrics, service, &host);
    host_add(&metrics, &host);
    if (!pools_add(&metrics, service, error) || !sessions_add(&metrics, service, error) ||
        !jobs_add(&metrics, service, error) || !events_add(&metrics, service, error))
        return false;
    g_autoptr(GBytes) bytes = g_bytes_new(text->str, text->len);
    reply_bytes(call->reply, content_type, bytes);
    return true;
}
