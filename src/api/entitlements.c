/* Who may use a pool. */
#include "api/resource.h"
#include "store/user.h"

bool entitlements_get(Call *call, GError **error)
{
    g_autoptr(StorePool) pool = store_pool_find(call->service->store, call->parameters[0], error);
    g_autoptr(GPtrArray) rows = pool ? store_entitlement_list(call->service->store, pool->id, error) : NULL;
    if (!rows)
        return false;
    Json *items = json_array();
    for (unsigned i = 0; i < rows->len; i++) {
        const StoreEntitlement *row = rows->pdata[i];
        json_array_append_new(
            items, json_object_of(row->is_group ? "group" : "user", row->subject_id, row->subject_name));
    }
    call_reply_page(call, items, NULL);
    return true;
}

typedef bool (*EntitlementChange)(Store *store, const StoreActor *actor, const StoreEntitle *what,
                                  GError **error);

static bool change_apply(Call *call, bool is_group, EntitlementChange change, GError **error)
{
    Store *store = call->service->store;
    g_autoptr(StoreUser) user = NULL;
    g_autoptr(StoreGroup) group = NULL;
    g_autoptr(StorePool) pool = store_pool_find(store, call->parameters[0], error);
    if (!pool)
        return false;
    if (is_group)
        group = store_group_find(store, call->parameters[1], error);
    else
        user = store_user_find(store, call->parameters[1], error);
    if (!user && !group)
        return false;
    StoreEntitle what = {pool->id, is_group, is_group ? group->id : user->id};
    if (!change(store, &call->actor, &what, error))
        return false;
    reply_empty(call->reply);
    return true;
}

bool entitlement_user_put(Call *call, GError **error)
{
    return change_apply(call, false, store_entitlement_add, error);
}

bool entitlement_user_delete(Call *call, GError **error)
{
    return change_apply(call, false, store_entitlement_remove, error);
}

bool entitlement_group_put(Call *call, GError **error)
{
    return change_apply(call, true, store_entitlement_add, error);
}

bool entitlement_group_delete(Call *call, GError **error)
{
    return change_apply(call, true, store_entitlement_remove, error);
}
