/* The help desk: finding people, whom a help desk may help, and what it may do without asking. */
#include "api/resource.h"

#include <string.h>

#include "api/help.h"
#include "base/limits.h"
#include "store/help.h"
#include "store/setting.h"

#define SETTING "help"

/* ---- people ---- */

static Json *person_json(Store *store, const StoreUser *user, GError **error)
{
    StoreSessionFilter filter = {.user_id = user->id};
    g_autoptr(GPtrArray) sessions = store_session_list(store, &filter, NULL, NULL, error);
    if (!sessions)
        return NULL;
    Json *items = json_array();
    for (unsigned i = 0; i < sessions->len; i++)
        json_array_append_new(items, session_json(sessions->pdata[i]));
    return json_pack("{s:s, s:s, s:s, s:b, s:o, s:o}", "id", user->id, "name", user->name, "display_name", user->display_name, "enabled",
                     user->enabled, "last_login_ms", json_time_or_null(user->last_login_ms), "sessions", items);
}

bool people_get(Call *call, GError **error)
{
    const char *text = request_query(call->request, "search"), *helper = NULL;
    if (!text || !*text || strlen(text) > LIMIT_TEXT)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "search: part of a name is needed, at most %d bytes", LIMIT_TEXT);
    if (!call_helper(call, &helper, error))
        return false;
    g_autoptr(GPtrArray) people = store_people_search(call->service->store, text, helper, LIMIT_PEOPLE_FOUND, error);
    g_autoptr(Json) items = json_array();
    for (unsigned i = 0; people && i < people->len; i++) {
        Json *person = person_json(call->service->store, people->pdata[i], error);
        if (!person)
            return false;
        json_array_append_new(items, person);
    }
    if (people)
        reply_json(call->reply, 200, json_pack("{s:O}", "items", items));
    return people != NULL;
}

/* ---- whom a help desk may help ---- */

static bool limits_answer(Call *call, const StoreHelper *helper, GError **error)
{
    bool limited = false;
    g_autoptr(GPtrArray) groups = store_helper_groups(call->service->store, helper, &limited, error);
    if (!groups)
        return false;
    Json *items = limited ? json_array() : json_null();
    for (unsigned i = 0; limited && i < groups->len; i++) {
        const StoreGroup *group = groups->pdata[i];
        json_array_append_new(items, json_ref(group->id, group->name));
    }
    reply_json(call->reply, 200, json_pack("{s:o}", "groups", items));
    return true;
}

/* Ids, NULL-ended, of a list of names or ids; *ret NULL for JSON's null. */
static bool groups_read(Call *call, char ***ret, GError **error)
{
    static const char *const keys[] = {"groups", NULL};
    Json *names = json_object_get(call->body, "groups");
    *ret = NULL;
    if (!json_only(call->body, keys, error))
        return false;
    if (json_is_null(names))
        return true;
    if (!json_is_array(names) || json_array_size(names) > LIMIT_HELP_GROUPS)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "request body: \"groups\" must be a list of at most %d groups, or null",
                          LIMIT_HELP_GROUPS);
    g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        g_autoptr(StoreGroup) group = name ? store_group_find(call->service->store, name, error) : NULL;
        if (!name)
            return oriel_fail(error, ORIEL_ERROR_INVALID, "request body: \"groups\" must be names of groups");
        if (!group)
            return false;
        g_ptr_array_add(ids, g_strdup(group->id));
    }
    g_ptr_array_add(ids, NULL);
    *ret = (char **)g_ptr_array_free(g_steal_pointer(&ids), FALSE);
    return true;
}

static bool limits_set(Call *call, const StoreHelper *helper, GError **error)
{
    g_auto(GStrv) ids = NULL;
    return groups_read(call, &ids, error) &&
           store_helper_set(call->service->store, &call->actor, helper, (const char *const *)ids, error) &&
           limits_answer(call, helper, error);
}

typedef bool (*LimitsAct)(Call *call, const StoreHelper *helper, GError **error);

static bool of_user(Call *call, LimitsAct act, GError **error)
{
    g_autoptr(StoreUser) user = store_user_find(call->service->store, call->parameters[0], error);
    return user && act(call, &(StoreHelper){.user_id = user->id, .name = user->name}, error);
}

static bool of_group(Call *call, LimitsAct act, GError **error)
{
    g_autoptr(StoreGroup) group = store_group_find(call->service->store, call->parameters[0], error);
    return group && act(call, &(StoreHelper){.group_id = group->id, .name = group->name}, error);
}

bool user_helps_get(Call *call, GError **error)
{
    return of_user(call, limits_answer, error);
}

bool user_helps_put(Call *call, GError **error)
{
    return of_user(call, limits_set, error);
}

bool group_helps_get(Call *call, GError **error)
{
    return of_group(call, limits_answer, error);
}

bool group_helps_put(Call *call, GError **error)
{
    return of_group(call, limits_set, error);
}

/* ---- the rules of the house ---- */

bool help_asks(Store *store, bool *ret, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autofree char *text = store_setting_get(store, SETTING, &failure);
    const char *consent = "ask";
    if (failure) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return false;
    }
    g_autoptr(Json) object = text ? json_parse_object(text, strlen(text), "setting \"help\"", error) : NULL;
    if (text && (!object || !json_read(object, "setting \"help\"", error, "{s:s}", "shadow_consent", &consent)))
        return false;
    *ret = strcmp(consent, "notify") != 0;
    return true;
}

static const char *consent_word(bool asks)
{
    return asks ? "ask" : "notify";
}

bool settings_help_get(Call *call, GError **error)
{
    bool asks = true;
    if (!help_asks(call->service->store, &asks, error))
        return false;
    reply_json(call->reply, 200, json_pack("{s:s}", "shadow_consent", consent_word(asks)));
    return true;
}

bool settings_help_patch(Call *call, GError **error)
{
    const char *word = NULL;
    bool asks = true;
    if (!json_read(call->body, "request body", error, "{s:s}", "shadow_consent", &word))
        return false;
    if (strcmp(word, "ask") != 0 && strcmp(word, "notify") != 0)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "request body: \"shadow_consent\" must be ask or notify");
    if (!help_asks(call->service->store, &asks, error))
        return false;
    g_autofree char *before = g_strdup_printf("{\"shadow_consent\":\"%s\"}", consent_word(asks));
    g_autofree char *after = g_strdup_printf("{\"shadow_consent\":\"%s\"}", word);
    return store_setting_set(call->service->store, &call->actor, &(StoreSettingChange){SETTING, before, after}, error) &&
           settings_help_get(call, error);
}
