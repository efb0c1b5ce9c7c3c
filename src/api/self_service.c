/* What people do with their own desktop from the portal. */
#include "broker/self_service.h"

#include "api/resource.h"
#include "base/error.h"

Json *self_service_json(const StorePool *pool)
{
    Json *list = json_array();
    g_auto(GStrv) words = g_strsplit(pool->self_service ? pool->self_service : "", " ", -1);
    for (char **word = words; *word; word++)
        if (**word)
            json_array_append_new(list, json_string(*word));
    return list;
}

bool self_service_read(Json *body, StorePool *pool, GError **error)
{
    unsigned acts = 0;
    size_t at;
    Json *list = json_object_get(body, "self_service"), *word;
    if (!list)
        return true;
    if (!json_is_array(list) || json_array_size(list) > 8)
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "request body: \"self_service\" must be a list of restart, reset and refresh");
    g_autoptr(GString) text = g_string_new(NULL);
    json_array_foreach(list, at, word)
        g_string_append_printf(text, " %s", json_is_string(word) && *json_string_value(word) ? json_string_value(word) : "?");
    if (!self_service_parse(text->str, &acts, error))
        return false;
    if (acts && pool->type == STORE_POOL_MANUAL)
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "pool: self_service is for desktops that Oriel makes; a manual pool has machines that were there before");
    g_free(pool->self_service);
    pool->self_service = self_service_format(acts);
    return true;
}

/* Of several the body says which: {"desktop": name or id}. *ret is NULL where the caller has none (of that name) in this pool. */
static bool own_desktop(Call *call, const StorePool *pool, StoreDesktop **ret, GError **error)
{
    static const char *const keys[] = {"desktop", NULL};
    const char *name = NULL;
    if (call->body && (!json_only(call->body, keys, error) || !json_take_text(call->body, "desktop", &name, error)))
        return false;
    g_autoptr(GPtrArray) desktops = store_desktops_of_user(call->service->store, pool->id, call->caller->user_id, error);
    if (!desktops)
        return false;
    if (!name && desktops->len > 1)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "pool \"%s\": you have %u desktops there; say which by \"desktop\"", pool->name,
                          desktops->len);
    for (unsigned i = 0; i < desktops->len && !*ret; i++) {
        const StoreDesktop *desktop = desktops->pdata[i];
        if (!name || g_strcmp0(name, desktop->id) == 0 || g_strcmp0(name, desktop->name) == 0)
            *ret = g_ptr_array_steal_index(desktops, i);
    }
    return true;
}

static StoreDesktop *own_desktop_for(Call *call, const StorePool *pool, SelfAct act, GError **error)
{
    g_autoptr(StoreDesktop) desktop = NULL;
    SelfQuestion question = {.pool = pool->name, .act = act, .external = pool->type == STORE_POOL_MANUAL};
    if (!store_user_entitled(call->service->store, call->caller->user_id, pool->id, &question.entitled, error) ||
        !self_service_parse(pool->self_service, &question.allowed, error) || !own_desktop(call, pool, &desktop, error))
        return NULL;
    question.has_desktop = desktop != NULL;
    question.maintenance = pool->maintenance || (desktop && desktop->maintenance);
    return (!desktop || desktop_in_use_by_other(call, desktop, &question.in_use, error)) && self_service_check(&question, error)
               ? g_steal_pointer(&desktop) : NULL;
}

typedef bool (*SelfDo)(Host *host, const char *desktop_id, const StoreActor *actor, GError **error);

static bool self_act(Call *call, SelfAct act, SelfDo run, GError **error)
{
    if (!call->caller->user_id)
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "the local administrator has no desktop; use \"oriel desktop\" for other people's");
    g_autoptr(StorePool) pool = store_pool_find(call->service->store, call->parameters[0], error);
    g_autoptr(StoreDesktop) desktop =
        pool && call_demand_pool(call, pool->id, error) && portal_demand_let_in(call, pool, error) ? own_desktop_for(call, pool, act, error)
                                                                                                    : NULL;
    if (!desktop)
        return false;
    if (run)
        return run(call->service->host, desktop->id, &call->actor, error) && portal_tile_answer(call, pool, error);
    g_autofree char *job_id = host_desktop_restart(call->service->host, desktop->id, &call->actor, error);
    return job_id && call_reply_job(call, job_id, error);
}

bool portal_restart_post(Call *call, GError **error)
{
    return self_act(call, SELF_RESTART, NULL, error);
}

bool portal_reset_post(Call *call, GError **error)
{
    return self_act(call, SELF_RESET, host_desktop_reset, error);
}

bool portal_refresh_post(Call *call, GError **error)
{
    return self_act(call, SELF_REFRESH, host_desktop_refresh, error);
}
