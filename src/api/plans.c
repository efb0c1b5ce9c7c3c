/* Plans: power, release, display. */
#include "api/resource.h"

#include <string.h>

#include "base/limits.h"
#include "broker/plan.h"
#include "store/plan.h"

/* {} of settings that are no JSON: the plan is shown all the same, and can be set anew. */
static Json *settings_json(const StorePlan *plan)
{
    Json *settings = json_loads(plan->settings, 0, NULL);
    return settings ? settings : json_object();
}

static Json *plan_json(const StorePlan *plan)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:I, s:I, s:I}", "id", plan->id, "name", plan->name, "description",
                     plan->description, "kind", store_plan_kind_word(plan->kind), "settings",
                     settings_json(plan), "pools", (json_int_t)plan->pools, "created_ms",
                     (json_int_t)plan->created_ms, "updated_ms", (json_int_t)plan->updated_ms);
}

static bool plan_answer(Call *call, const StorePlan *plan)
{
    call_etag(call, plan->version);
    reply_json(call->reply, 200, plan_json(plan));
    return true;
}

bool plans_get(Call *call, GError **error)
{
    StorePage page;
    g_autofree char *next = NULL;
    if (!call_page(call, &page, error))
        return false;
    g_autoptr(GPtrArray) plans = store_plan_list(call->service->store, &page, &next, error);
    if (!plans)
        return false;
    Json *items = json_array();
    for (unsigned i = 0; i < plans->len; i++)
        json_array_append_new(items, plan_json(plans->pdata[i]));
    call_reply_page(call, items, next);
    return true;
}

/* The settings as they were sent, once they have been understood; *ret stays where none were sent. */
static bool settings_read(Call *call, StorePlanKind kind, char **ret, GError **error)
{
    static const PlanKind kinds[] = {
        [STORE_PLAN_POWER] = PLAN_POWER, [STORE_PLAN_RELEASE] = PLAN_RELEASE, [STORE_PLAN_DISPLAY] = PLAN_DISPLAY};
    Json *settings = json_object_get(call->body, "settings");
    if (!settings)
        return true;
    g_autoptr(Plan) plan = plan_read(kinds[kind], settings, error);
    if (!plan)
        return false;
    g_autofree char *text = json_text(settings);
    if (strlen(text) > LIMIT_PLAN_SETTINGS)
        return oriel_fail(error, ORIEL_ERROR_TOO_LARGE, "plan: its settings are more than %d KiB",
                          LIMIT_PLAN_SETTINGS / 1024);
    store_set(ret, text);
    return true;
}

bool plans_post(Call *call, GError **error)
{
    static const char *const keys[] = {"name", "description", "kind", "settings", NULL};
    const char *name, *description, *kind;
    g_autoptr(StorePlan) fields = g_new0(StorePlan, 1);
    if (!json_only(call->body, keys, error) || !json_take_text(call->body, "name", &name, error) ||
        !json_take_text(call->body, "description", &description, error) ||
        !json_take_text(call->body, "kind", &kind, error) || !name_check(name ? name : "", "plan", error))
        return false;
    if (!store_plan_kind_parse(kind, &fields->kind))
        return oriel_fail(error, ORIEL_ERROR_INVALID, "plan \"%s\": \"kind\" must be power, release or display", name);
    store_set(&fields->name, name);
    store_set(&fields->description, description ? description : "");
    store_set(&fields->settings, "{}");
    if (!settings_read(call, fields->kind, &fields->settings, error))
        return false;
    g_autoptr(StorePlan) plan = store_plan_create(call->service->store, &call->actor, fields, error);
    if (plan)
        call_reply_created(call, "plans", plan->id, plan->version, plan_json(plan));
    return plan != NULL;
}

bool plan_get(Call *call, GError **error)
{
    g_autoptr(StorePlan) plan = store_plan_find(call->service->store, call->parameters[0], error);
    return plan && plan_answer(call, plan);
}

bool plan_patch(Call *call, GError **error)
{
    static const char *const keys[] = {"name", "description", "settings", NULL};
    const char *name, *description;
    g_autoptr(StorePlan) plan = store_plan_find(call->service->store, call->parameters[0], error);
    if (!plan || !call_match(call, plan->version, error) || !json_only(call->body, keys, error) ||
        !json_take_text(call->body, "name", &name, error) ||
        !json_take_text(call->body, "description", &description, error) || (name && !name_check(name, "plan", error)) ||
        !settings_read(call, plan->kind, &plan->settings, error))
        return false;
    if (name)
        store_set(&plan->name, name);
    if (description)
        store_set(&plan->description, description);
    return store_plan_update(call->service->store, &call->actor, plan, error) && plan_answer(call, plan);
}

bool plan_delete(Call *call, GError **error)
{
    int64_t version = 0;
    g_autoptr(StorePlan) plan = store_plan_find(call->service->store, call->parameters[0], error);
    if (!plan || !call_if_match(call, &version, error) ||
        !store_plan_delete(call->service->store, &call->actor, plan->id, version, error))
        return false;
    reply_empty(call->reply);
    return true;
}
