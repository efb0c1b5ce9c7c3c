/* How this host is, and its orderly end. */
#include <string.h>
#include <unistd.h>

#include "api/resource.h"
#include "base/clock.h"
#include "forward/forward.h"
#include "host/policy.h"
#include "store/image.h"
#include "store/user.h"

bool health_get(Call *call, GError **error)
{
    reply_json(call->reply, 200, json_pack("{s:s, s:s}", "status", "ok", "version", ORIEL_VERSION));
    return true;
}

static bool count_of(GPtrArray *rows, int64_t *ret)
{
    if (!rows)
        return false;
    *ret = rows->len;
    g_ptr_array_unref(rows);
    return true;
}

typedef struct {
    uint64_t users;
    int64_t groups, pools, images, desktops, queued, running;
} Counts;

static bool counts_read(Store *store, Counts *ret, GError **error)
{
    StoreJobFilter queued = {.state = "queued"}, running = {.state = "running"};
    return store_user_count(store, &ret->users, error) &&
           count_of(store_group_list(store, NULL, NULL, error), &ret->groups) &&
           count_of(store_pool_list(store, NULL, NULL, error), &ret->pools) &&
           count_of(store_image_list(store, NULL, NULL, error), &ret->images) &&
           count_of(store_desktop_list(store, NULL, NULL, NULL, error), &ret->desktops) &&
           count_of(store_job_list(store, &queued, NULL, NULL, error), &ret->queued) &&
           count_of(store_job_list(store, &running, NULL, NULL, error), &ret->running);
}

static Json *counts_json(const Counts *counts, const HostStatus *host)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:i, s:i, s:i, s:i, s:i, s:I, s:i, s:i}", "users",
                     (json_int_t)counts->users, "groups", (json_int_t)counts->groups, "pools",
                     (json_int_t)counts->pools, "images", (json_int_t)counts->images, "desktops",
                     (json_int_t)counts->desktops, "running", (int)host->desktops_running, "starting",
                     (int)host->desktops_starting, "failed", (int)host->desktops_failed, "room",
                     (int)host->desktops_room, "sessions", (int)host->sessions, "jobs",
                     (json_int_t)(counts->queued + counts->running), "waiting", (int)host->waiting,
                     "templates", (int)host->templates_ready);
}

/* A pool whose template failed has no desktops to give, and looks merely empty. */
static bool warn_of_templates(const Service *service, Json *warnings, GError **error)
{
    g_autoptr(GPtrArray) pools = store_pool_list(service->store, NULL, NULL, error);
    for (unsigned i = 0; pools && i < pools->len; i++) {
        const StorePool *pool = pools->pdata[i];
        g_auto(HostTemplateStatus) template = {0};
        if (!host_template_status(service->host, pool->id, &template, NULL) ||
            g_strcmp0(template.state, "failed") != 0)
            continue;
        g_autofree char *sentence = g_strdup_printf("pool \"%s\": no template, so no new desktops: %s", pool->name,
                                                    template.error ? template.error : "its job's log says why");
        json_array_append_new(warnings, json_string(sentence));
    }
    return pools != NULL;
}

/* Nothing is wrong, but whoever wonders why nobody gets in looks here. */
static void warn_of_service(const HostStatus *host, Json *warnings)
{
    if (host->service == STORE_HOST_OPEN)
        return;
    g_autofree char *sentence = g_strdup_printf(
        "this host %s: %u desktops still run, %u sessions are open; \"oriel host resume\" opens it again",
        host->service == STORE_HOST_DRAINING ? "is being emptied" : "is in maintenance", host->desktops_running,
        host->sessions);
    json_array_append_new(warnings, json_string(sentence));
}

static void warn_of_plans(const Service *service, Json *warnings)
{
    g_autoptr(GPtrArray) unread = host_plan_warnings(service->host);
    for (guint i = 0; i < unread->len; i++)
        json_array_append_new(warnings, json_string(unread->pdata[i]));
}

static bool service_set(Call *call, StoreHostService service, GError **error)
{
    g_auto(HostStatus) host = {0};
    if (!host_set_service(call->service->host, service, &call->actor, error) ||
        !host_status(call->service->host, &host, error))
        return false;
    reply_json(call->reply, 200,
               json_pack("{s:s, s:i, s:i}", "service", store_host_service_word(host.service), "running",
                         (int)host.desktops_running, "sessions", (int)host.sessions));
    return true;
}

bool host_drain_post(Call *call, GError **error)
{
    return service_set(call, STORE_HOST_DRAINING, error);
}

bool host_maintenance_post(Call *call, GError **error)
{
    return service_set(call, STORE_HOST_MAINTENANCE, error);
}

bool host_resume_post(Call *call, GError **error)
{
    return service_set(call, STORE_HOST_OPEN, error);
}

bool status_get(Call *call, GError **error)
{
    const Service *service = call->service;
    g_auto(HostStatus) host = {0};
    Counts counts = {0};
    if (!host_status(service->host, &host, error) || !counts_read(service->store, &counts, error))
        return false;
    g_autoptr(Json) warnings = json_array();
    if (!warn_of_templates(service, warnings, error))
        return false;
    warn_of_service(&host, warnings);
    warn_of_plans(service, warnings);
    g_autoptr(GPtrArray) unsent = forward_warnings(service->config, service->store, clock_utc_ms(), error);
    if (!unsent)
        return false;
    for (guint i = 0; i < unsent->len; i++)
        json_array_append_new(warnings, json_string(unsent->pdata[i]));
    if (host.problem)
        json_array_append_new(warnings, json_string(host.problem));
    Json *value = json_pack("{s:s, s:s, s:I, s:{s:s, s:s}, s:o, s:s}", "version", ORIEL_VERSION, "host",
                            g_get_host_name(), "started_ms", (json_int_t)service->started_ms, "accelerator",
                            "name", host.accelerator ? host.accelerator : "none", "reason",
                            host.accelerator_why ? host.accelerator_why : "", "qemu",
                            json_text_or_null(host.qemu_version), "store", store_backend(service->store));
    Json *more =
        json_pack("{s:{s:I, s:I, s:I}, s:{s:I, s:I, s:I}, s:o, s:O}", "memory", "limit_bytes",
                  (json_int_t)host.memory_total, "used_bytes", (json_int_t)host.memory_used, "desktop_bytes",
                  (json_int_t)host.memory_desktop, "disk", "total_bytes", (json_int_t)host.disk_total,
                  "free_bytes", (json_int_t)host.disk_free, "floor_bytes", (json_int_t)host.disk_floor,
                  "counts", counts_json(&counts, &host), "warnings", warnings);
    json_object_update(value, more);
    json_decref(more);
    json_object_set_new(value, "service", json_string(store_host_service_word(host.service)));
    reply_json(call->reply, 200, value);
    return true;
}

bool host_stop_post(Call *call, GError **error)
{
    int machines = 0;
    g_auto(HostStatus) host = {0};
    if (!json_read(call->body, "request body", error, "{s:b}", "machines", &machines))
        return false;
    host_status(call->service->host, &host, NULL); /* the number is for the person only */
    reply_json(call->reply, 202, json_pack("{s:i}", "machines", (int)host.desktops_running));
    call->service->setup.stop(machines != 0, call->service->setup.data);
    return true;
}
