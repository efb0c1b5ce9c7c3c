/* Quotas: how much people may have, and how much they use. */
#include <string.h>

#include "api/resource.h"
#include "base/error.h"
#include "store/quota.h"
#include "store/user.h"

#define COUNT_MOST G_MAXINT32

static Json *most_json(int64_t most)
{
    return most == QUOTA_UNSAID ? json_null() : most == QUOTA_UNLIMITED ? json_string("unlimited") : json_integer(most);
}

static Json *quota_json(const StoreQuota *quota)
{
    Json *value = json_object_of(quota->is_group ? "group" : "user", quota->subject_id, quota->subject_name);
    for (int kind = 0; kind < QUOTA_KINDS; kind++)
        json_object_set_new(value, quota_word((QuotaKind)kind), most_json(quota->most[kind]));
    return value;
}

bool quotas_get(Call *call, GError **error)
{
    g_autoptr(GPtrArray) quotas = store_quota_list(call->service->store, error);
    if (!quotas)
        return false;
    Json *items = json_array();
    for (unsigned i = 0; i < quotas->len; i++)
        json_array_append_new(items, quota_json(quotas->pdata[i]));
    call_reply_page(call, items, NULL);
    return true;
}

/* ---- in ---- */

static bool most_read(Json *body, QuotaKind kind, int64_t *ret, GError **error)
{
    const char *key = quota_word(kind);
    Json *value = json_object_get(body, key);
    json_int_t highest = kind == QUOTA_MEMORY || kind == QUOTA_DISK ? G_MAXINT64 : COUNT_MOST;
    *ret = QUOTA_UNSAID;
    if (!value || json_is_null(value))
        return true;
    *ret = json_is_string(value) && strcmp(json_string_value(value), "unlimited") == 0 ? QUOTA_UNLIMITED
           : json_is_integer(value)                                                      ? json_integer_value(value)
                                                                                         : QUOTA_UNSAID;
    return *ret == QUOTA_UNLIMITED || (json_is_integer(value) && *ret >= 0 && *ret <= highest) ||
           oriel_fail(error, ORIEL_ERROR_INVALID,
                      "request body: \"%s\" must be a whole number, \"unlimited\", or null where nothing is said", key);
}

/* The user or group that the path names. */
static bool subject_read(Call *call, bool is_group, StoreQuota *ret, GError **error)
{
    Store *store = call->service->store;
    g_autoptr(StoreUser) user = is_group ? NULL : store_user_find(store, call->parameters[0], error);
    g_autoptr(StoreGroup) group = is_group ? store_group_find(store, call->parameters[0], error) : NULL;
    if (!user && !group)
        return false;
    ret->is_group = is_group;
    ret->subject_id = g_strdup(is_group ? group->id : user->id);
    ret->subject_name = g_strdup(is_group ? group->name : user->name);
    return true;
}

static bool put(Call *call, bool is_group, GError **error)
{
    static const char *const keys[] = {"desktops", "running", "memory_bytes", "disk_bytes", NULL};
    g_autoptr(StoreQuota) quota = g_new0(StoreQuota, 1);
    if (!json_only(call->body, keys, error))
        return false;
    for (int kind = 0; kind < QUOTA_KINDS; kind++)
        if (!most_read(call->body, (QuotaKind)kind, &quota->most[kind], error))
            return false;
    if (!subject_read(call, is_group, quota, error) || !store_quota_set(call->service->store, &call->actor, quota, error))
        return false;
    reply_json(call->reply, 200, quota_json(quota));
    return true;
}

static bool take_away(Call *call, bool is_group, GError **error)
{
    g_autoptr(StoreQuota) whose = g_new0(StoreQuota, 1);
    if (!subject_read(call, is_group, whose, error) ||
        !store_quota_remove(call->service->store, &call->actor, whose, error))
        return false;
    reply_empty(call->reply);
    return true;
}

bool quota_user_put(Call *call, GError **error)
{
    return put(call, false, error);
}

bool quota_group_put(Call *call, GError **error)
{
    return put(call, true, error);
}

bool quota_user_delete(Call *call, GError **error)
{
    return take_away(call, false, error);
}

bool quota_group_delete(Call *call, GError **error)
{
    return take_away(call, true, error);
}

/* ---- what holds for one person ---- */

static Json *limit_json(const QuotaLimit *limit, int64_t used)
{
    Json *from = limit->source == QUOTA_OF_NOBODY
                     ? json_null()
                     : json_pack("{s:s, s:s}", "kind", limit->source == QUOTA_OF_USER ? "user" : "group", "name", limit->name);
    return json_pack("{s:I, s:o, s:o}", "used", (json_int_t)used, "most",
                     limit->most == QUOTA_UNLIMITED ? json_null() : json_integer(limit->most), "from", from);
}

static bool answer(Call *call, const char *user_id, GError **error)
{
    g_auto(StoreQuotaFacts) facts = {0};
    if (!store_quota_facts(call->service->store, user_id, &facts, error))
        return false;
    QuotaLimit limits[QUOTA_KINDS];
    host_quota_limits(&facts, limits);
    Json *value = json_pack("{s:o}", "user", json_ref(user_id, facts.user_name));
    for (int kind = 0; kind < QUOTA_KINDS; kind++)
        json_object_set_new(value, quota_word((QuotaKind)kind), limit_json(&limits[kind], facts.used[kind]));
    reply_json(call->reply, 200, value);
    return true;
}

bool user_quota_get(Call *call, GError **error)
{
    g_autoptr(StoreUser) user = store_user_find(call->service->store, call->parameters[0], error);
    return user && answer(call, user->id, error);
}

bool portal_quota_get(Call *call, GError **error)
{
    if (call->caller->user_id)
        return answer(call, call->caller->user_id, error);
    return oriel_fail(error, ORIEL_ERROR_INVALID, "the local administrator is no person and has no quota; use users/NAME/quota");
}
