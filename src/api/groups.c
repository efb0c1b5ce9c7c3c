/* Groups and their members. */
#include "api/resource.h"

#include <string.h>

#include "base/limits.h"
#include "identity/directory.h"
#include "store/user.h"

static Json *group_json(Store *store, const StoreGroup *group, GError **error)
{
    g_autoptr(GPtrArray) users = store_group_members(store, group->id, NULL, NULL, error);
    if (!users)
        return NULL;
    Json *members = json_array();
    for (unsigned i = 0; i < users->len; i++) {
        const StoreUser *user = users->pdata[i];
        json_array_append_new(members, json_ref(user->id, user->name));
    }
    return json_pack("{s:s, s:s, s:s, s:b, s:o, s:o, s:s?, s:o, s:I, s:I}", "id", group->id, "name", group->name,
                     "display_name", group->display_name, "built_in", store_group_is_everyone(group->id),
                     "members", members, "directory", json_ref(group->directory_id, group->directory_name), "directory_group",
                     group->external_name, "missing_since_ms", json_time_or_null(group->missing_ms), "created_ms", (json_int_t)group->created_ms, "updated_ms",
                     (json_int_t)group->updated_ms);
}

static bool group_answer(Call *call, const StoreGroup *group, GError **error)
{
    Json *value = group_json(call->service->store, group, error);
    if (!value)
        return false;
    call_etag(call, group->version);
    reply_json(call->reply, 200, value);
    return true;
}

bool groups_get(Call *call, GError **error)
{
    StorePage page;
    g_autofree char *next = NULL;
    if (!call_page(call, &page, error))
        return false;
    g_autoptr(GPtrArray) groups = store_group_list(call->service->store, &page, &next, error);
    if (!groups)
        return false;
    g_autoptr(Json) items = json_array();
    for (unsigned i = 0; i < groups->len; i++) {
        Json *item = group_json(call->service->store, groups->pdata[i], error);
        if (!item)
            return false;
        json_array_append_new(items, item);
    }
    call_reply_page(call, g_steal_pointer(&items), next);
    return true;
}

/* A directory's group: it is looked for there now, and what is not there is no group here. */
static bool directory_read(Call *call, char **ret_id, DirectoryGroup *ret, GError **error)
{
    const char *name = json_string_value(json_object_get(call->body, "directory"));
    const char *group = json_string_value(json_object_get(call->body, "directory_group"));
    if (!json_object_get(call->body, "directory") && !json_object_get(call->body, "directory_group"))
        return true;
    if (!name || !group || !*group || strlen(group) > LIMIT_DIRECTORY_TEXT)
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "request body: \"directory\" and \"directory_group\" (its name or DN there) go together");
    g_autoptr(StoreDirectory) directory = store_directory_find(call->service->store, name, error);
    if (!directory || !identity_directory_group(call->service->identity, directory, group, ret, error))
        return false;
    *ret_id = g_strdup(directory->id);
    return true;
}

bool groups_post(Call *call, GError **error)
{
    static const char *const keys[] = {"name", "display_name", "directory", "directory_group", NULL};
    const char *name, *display_name;
    g_auto(DirectoryGroup) found = {0};
    g_autofree char *directory_id = NULL;
    if (!json_only(call->body, keys, error) || !json_take_text(call->body, "name", &name, error) ||
        !json_take_text(call->body, "display_name", &display_name, error) ||
        !name_check(name ? name : "", "group", error) || !directory_read(call, &directory_id, &found, error))
        return false;
    StoreGroup fields = {.name = (char *)name,
                         .display_name = (char *)(display_name ? display_name : ""),
                         .directory_id = directory_id,
                         .external_id = found.external_id,
                         .external_name = found.name};
    g_autoptr(StoreGroup) group = store_group_create(call->service->store, &call->actor, &fields, error);
    Json *value = group ? group_json(call->service->store, group, error) : NULL;
    if (value)
        call_reply_created(call, "groups", group->id, group->version, value);
    return value != NULL;
}

bool group_get(Call *call, GError **error)
{
    g_autoptr(StoreGroup) group = store_group_find(call->service->store, call->parameters[0], error);
    return group && group_answer(call, group, error);
}

bool group_patch(Call *call, GError **error)
{
    static const char *const keys[] = {"display_name", NULL};
    const char *display_name;
    g_autoptr(StoreGroup) group = store_group_find(call->service->store, call->parameters[0], error);
    if (!group || !call_match(call, group->version, error) || !json_only(call->body, keys, error) ||
        !json_take_text(call->body, "display_name", &display_name, error))
        return false;
    if (display_name)
        store_set(&group->display_name, display_name);
    return store_group_update(call->service->store, &call->actor, group, error) &&
           group_answer(call, group, error);
}

bool group_delete(Call *call, GError **error)
{
    int64_t version = 0;
    g_autoptr(StoreGroup) group = store_group_find(call->service->store, call->parameters[0], error);
    if (!group || !call_if_match(call, &version, error) ||
        !store_group_delete(call->service->store, &call->actor, group->id, version, error))
        return false;
    reply_empty(call->reply);
    return true;
}

typedef bool (*MembershipChange)(Store *store, const StoreActor *actor, const char *group_id,
                                 const char *user_id, GError **error);

static bool membership(Call *call, MembershipChange change, GError **error)
{
    g_autoptr(StoreGroup) group = store_group_find(call->service->store, call->parameters[0], error);
    g_autoptr(StoreUser) user =
        group ? store_user_find(call->service->store, call->parameters[1], error) : NULL;
    if (!user || !change(call->service->store, &call->actor, group->id, user->id, error))
        return false;
    reply_empty(call->reply);
    return true;
}

bool group_member_put(Call *call, GError **error)
{
    return membership(call, store_group_add_member, error);
}

bool group_member_delete(Call *call, GError **error)
{
    return membership(call, store_group_remove_member, error);
}
