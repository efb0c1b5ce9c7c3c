/* Policies: who gets which plans, and who does not get in. */
#include "api/resource.h"

#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "host/policy.h"
#include "store/user.h"

/* Where a policy names things: under "when" or "then", the key, and what stands behind it. */
static const struct {
    const char *part, *key;
    StorePolicyKind kind;
} lists[] = {
    {"when", "users", STORE_POLICY_USER},
    {"when", "groups", STORE_POLICY_GROUP},
    {"when", "pools", STORE_POLICY_POOL},
    {"then", "only_pools", STORE_POLICY_SHOWS},
};
static const char *const plan_keys[] = {"power_plan", "release_plan", "display_plan"};
static const char *const kept_keys[] = {"roles", "addresses", "devices", "times", NULL};

/* ---- out ---- */

static Json *members_json(const StorePolicy *policy, StorePolicyKind kind)
{
    Json *list = json_array();
    for (guint i = 0; i < policy->members->len; i++) {
        const StorePolicyMember *member = policy->members->pdata[i];
        if (member->kind == kind)
            json_array_append_new(list, json_pack("{s:s, s:s, s:b}", "id", member->id, "name", member->name, "gone", member->gone));
    }
    return list;
}

static Json *warnings_json(const StorePolicy *policy)
{
    static const char *const words[] = {"user", "group", "pool", "pool"};
    Json *list = json_array();
    for (guint i = 0; i < policy->members->len; i++) {
        const StorePolicyMember *member = policy->members->pdata[i];
        g_autofree char *text = g_strdup_printf("%s \"%s\" is gone; nobody is meant by it any more", words[member->kind], member->name);
        if (member->gone)
            json_array_append_new(list, json_string(text));
    }
    g_autoptr(GError) why = NULL;
    g_autoptr(Policy) readable G_GNUC_UNUSED = host_policy_compile(policy, &why);
    g_autofree char *unread = why ? g_strdup_printf("it cannot be read, so it matches nobody: %s", why->message) : NULL;
    if (unread)
        json_array_append_new(list, json_string(unread));
    return list;
}

static Json *policy_json(const StorePolicy *policy)
{
    Json *when = json_object(), *then = json_object();
    g_autoptr(Json) settings = json_loads(policy->settings, 0, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
        json_object_set_new(strcmp(lists[i].part, "when") == 0 ? when : then, lists[i].key, members_json(policy, lists[i].kind));
    for (size_t i = 0; kept_keys[i]; i++) {
        Json *value = json_object_get(settings, kept_keys[i]);
        bool times = strcmp(kept_keys[i], "times") == 0;
        json_object_set_new(when, kept_keys[i], value ? json_incref(value) : times ? json_null() : json_array());
    }
    json_object_set_new(then, "deny", json_text_or_null(policy->deny));
    for (int kind = 0; kind < STORE_PLAN_KINDS; kind++)
        json_object_set_new(then, plan_keys[kind], json_ref(policy->plan_ids[kind], policy->plan_names[kind]));
    return json_pack("{s:s, s:s, s:s, s:b, s:o, s:o, s:o, s:I, s:I}", "id", policy->id, "name", policy->name, "description",
                     policy->description, "enabled", policy->enabled, "when", when, "then", then, "warnings",
                     warnings_json(policy), "created_ms", (json_int_t)policy->created_ms, "updated_ms",
                     (json_int_t)policy->updated_ms);
}

static bool policy_answer(Call *call, const StorePolicy *policy)
{
    call_etag(call, policy->version);
    reply_json(call->reply, 200, policy_json(policy));
    return true;
}

bool policies_get(Call *call, GError **error)
{
    StorePage page;
    g_autofree char *next = NULL;
    if (!call_page(call, &page, error))
        return false;
    g_autoptr(GPtrArray) policies = store_policy_list(call->service->store, &page, &next, error);
    if (!policies)
        return false;
    Json *items = json_array();
    for (guint i = 0; i < policies->len; i++)
        json_array_append_new(items, policy_json(policies->pdata[i]));
    call_reply_page(call, items, next);
    return true;
}

bool policy_get(Call *call, GError **error)
{
    g_autoptr(StorePolicy) policy = store_policy_find(call->service->store, call->parameters[0], error);
    return policy && policy_answer(call, policy);
}

/* ---- in ---- */

/* By name or id; *ret_name is its name. What has gone may stay, by the id it had. Caller frees both. */
static bool look_up(Store *store, StorePolicyKind kind, const char *text, char **ret_id, char **ret_name, GError **error)
{
    g_autoptr(StoreUser) user = NULL;
    g_autoptr(StoreGroup) group = NULL;
    g_autoptr(StorePool) pool = NULL;
    const char *id = NULL, *name = NULL;
    if (kind == STORE_POLICY_USER && (user = store_user_find(store, text, error)))
        id = user->id, name = user->name;
    if (kind == STORE_POLICY_GROUP && (group = store_group_find(store, text, error)))
        id = group->id, name = group->name;
    if ((kind == STORE_POLICY_POOL || kind == STORE_POLICY_SHOWS) && (pool = store_pool_find(store, text, error)))
        id = pool->id, name = pool->name;
    *ret_id = g_strdup(id);
    *ret_name = g_strdup(name);
    return id != NULL;
}

/* One that is gone stays in a list that is sent back as it came. */
static const StorePolicyMember *gone_member(const StorePolicy *old, StorePolicyKind kind, const char *text)
{
    for (guint i = 0; i < old->members->len; i++) {
        const StorePolicyMember *member = old->members->pdata[i];
        if (member->kind == kind && member->gone && (strcmp(member->id, text) == 0 || strcmp(member->name, text) == 0))
            return member;
    }
    return NULL;
}

static bool member_read(Call *call, const StorePolicy *old, StorePolicy *policy, StorePolicyKind kind, const char *text, GError **error)
{
    g_autofree char *id = NULL, *name = NULL;
    const StorePolicyMember *gone = gone_member(old, kind, text);
    if (gone) {
        store_policy_add(policy, kind, gone->id, gone->name);
        return true;
    }
    if (!look_up(call->service->store, kind, text, &id, &name, error))
        return false;
    store_policy_add(policy, kind, id, name);
    return true;
}

/* A list of names or ids replaces what was there; absent: it stays; null: none. */
static bool list_read(Call *call, StorePolicy *policy, size_t list, Json *part, GError **error)
{
    Json *value = json_object_get(part, lists[list].key);
    if (!value)
        return true;
    if (!json_is_null(value) && (!json_is_array(value) || json_array_size(value) > LIMIT_POLICY_LIST))
        return oriel_fail(error, ORIEL_ERROR_INVALID, "policy: \"%s\" must be a list of at most %d names or ids", lists[list].key,
                          LIMIT_POLICY_LIST);
    g_autoptr(StorePolicy) old = store_policy_new();
    for (guint i = 0; i < policy->members->len; i++) {
        const StorePolicyMember *member = policy->members->pdata[i];
        store_policy_add(old, member->kind, member->id, member->name);
        ((StorePolicyMember *)old->members->pdata[old->members->len - 1])->gone = member->gone;
    }
    store_policy_remove(policy, lists[list].kind);
    for (size_t i = 0; i < json_array_size(value); i++) {
        const char *text = json_string_value(json_array_get(value, i));
        if (!text)
            return oriel_fail(error, ORIEL_ERROR_INVALID, "policy: \"%s\" must be a list of names or ids", lists[list].key);
        if (!member_read(call, old, policy, lists[list].kind, text, error))
            return false;
    }
    return true;
}

/* What is kept as it was sent; null takes a condition away. */
static bool settings_read(StorePolicy *policy, Json *when, GError **error)
{
    g_autoptr(Json) settings = json_loads(policy->settings, 0, NULL);
    for (size_t i = 0; kept_keys[i]; i++) {
        Json *value = json_object_get(when, kept_keys[i]);
        if (value && json_is_null(value))
            json_object_del(settings, kept_keys[i]);
        else if (value)
            json_object_set(settings, kept_keys[i], value);
    }
    g_autofree char *text = json_text(settings);
    store_set(&policy->settings, text);
    g_autoptr(Policy) compiled = host_policy_compile(policy, error);
    return compiled != NULL;
}

static bool plans_read(Call *call, StorePolicy *policy, Json *then, GError **error)
{
    for (int kind = 0; kind < STORE_PLAN_KINDS; kind++) {
        Json *value = json_object_get(then, plan_keys[kind]);
        if (!value)
            continue;
        store_set(&policy->plan_ids[kind], NULL);
        if (json_is_null(value))
            continue;
        if (!json_is_string(value))
            return oriel_fail(error, ORIEL_ERROR_INVALID, "policy: \"%s\" must be the name or id of a plan, or null", plan_keys[kind]);
        g_autoptr(StorePlan) plan = store_plan_find(call->service->store, json_string_value(value), error);
        if (!plan)
            return false;
        if ((int)plan->kind != kind)
            return oriel_fail(error, ORIEL_ERROR_INVALID, "policy: %s: \"%s\" is a %s plan", plan_keys[kind], plan->name,
                              store_plan_kind_word(plan->kind));
        store_set(&policy->plan_ids[kind], plan->id);
    }
    return true;
}

static bool deny_read(StorePolicy *policy, Json *then, GError **error)
{
    const char *deny;
    Json *value = json_object_get(then, "deny");
    if (value && json_is_null(value))
        store_set(&policy->deny, NULL);
    if (!value || json_is_null(value))
        return true;
    if (!json_take_text(then, "deny", &deny, error))
        return false;
    g_autofree char *sentence = g_strstrip(g_strdup(deny));
    if (!*sentence)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "policy: \"deny\" must be a sentence for whoever is refused, or null");
    store_set(&policy->deny, sentence);
    return true;
}

/* What denies decides nothing else. */
static bool sense_check(const StorePolicy *policy, GError **error)
{
    bool more = false;
    for (guint i = 0; i < policy->members->len; i++)
        more = more || ((const StorePolicyMember *)policy->members->pdata[i])->kind == STORE_POLICY_SHOWS;
    for (int kind = 0; kind < STORE_PLAN_KINDS; kind++)
        more = more || policy->plan_ids[kind];
    return !policy->deny || !more ||
           oriel_fail(error, ORIEL_ERROR_INVALID, "policy: one that denies access chooses neither plans nor pools: take one of them away");
}

static bool fields_read(Call *call, StorePolicy *policy, GError **error)
{
    static const char *const when_keys[] = {"users", "groups", "pools", "roles", "addresses", "devices", "times", NULL},
                            *const then_keys[] = {"deny", "only_pools", "power_plan", "release_plan", "display_plan", NULL};
    const char *name, *description;
    Json *when = json_object_get(call->body, "when"), *then = json_object_get(call->body, "then");
    if (!json_take_text(call->body, "name", &name, error) || !json_take_text(call->body, "description", &description, error) ||
        !json_take_flag(call->body, "enabled", &policy->enabled, error))
        return false;
    if ((when && !json_is_object(when)) || (then && !json_is_object(then)))
        return oriel_fail(error, ORIEL_ERROR_INVALID, "policy: \"when\" and \"then\" must be objects");
    if ((when && !json_only(when, when_keys, error)) || (then && !json_only(then, then_keys, error)) ||
        (name && !name_check(name, "policy", error)))
        return false;
    if (name)
        store_set(&policy->name, name);
    if (description)
        store_set(&policy->description, description);
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
        if (!list_read(call, policy, i, strcmp(lists[i].part, "when") == 0 ? when : then, error))
            return false;
    return settings_read(policy, when, error) && plans_read(call, policy, then, error) && deny_read(policy, then, error) &&
           sense_check(policy, error);
}

/* ---- nobody shuts himself out ---- */

static HostPolicyQuestion from_here(const Call *call)
{
    return (HostPolicyQuestion){
        .address = call->actor.address,
        .device = device_of(request_header(call->request, "user-agent")),
    };
}

static bool author_check(Call *call, const GPtrArray *after, GError **error)
{
    HostPolicyQuestion from = from_here(call);
    const char *author = call->caller->user_id;
    return !author || host_policies_check_author(call->service->host, author, &from, after, error);
}

static guint index_of(const GPtrArray *policies, const char *name_or_id)
{
    for (guint i = 0; i < policies->len; i++) {
        const StorePolicy *policy = policies->pdata[i];
        if (strcmp(policy->id, name_or_id) == 0 || strcmp(policy->name, name_or_id) == 0)
            return i;
    }
    return policies->len;
}

/* All policies; this one, which is borrowed, in the place of the row of its id, or last; NULL: without `id`. Caller frees. */
static GPtrArray *with_policy(Call *call, const StorePolicy *policy, const char *id, GPtrArray **ret_rows, GError **error)
{
    GPtrArray *rows = *ret_rows = store_policy_list(call->service->store, NULL, NULL, error);
    if (!rows)
        return NULL;
    GPtrArray *after = g_ptr_array_new();
    for (guint i = 0; i < rows->len; i++)
        g_ptr_array_add(after, rows->pdata[i]);
    guint place = id ? index_of(rows, id) : rows->len;
    if (place < rows->len)
        g_ptr_array_remove_index(after, place);
    if (policy)
        g_ptr_array_insert(after, (gint)place, (void *)policy);
    return after;
}

static bool change_check(Call *call, const StorePolicy *policy, const char *id, GError **error)
{
    g_autoptr(GPtrArray) rows = NULL;
    g_autoptr(GPtrArray) after = with_policy(call, policy, id, &rows, error);
    return after && author_check(call, after, error);
}

/* ---- changes ---- */

bool policies_post(Call *call, GError **error)
{
    static const char *const keys[] = {"name", "description", "enabled", "when", "then", NULL};
    g_autoptr(StorePolicy) fields = store_policy_new();
    fields->enabled = true;
    store_set(&fields->name, "");
    store_set(&fields->id, "");
    store_set(&fields->settings, "{}");
    if (!json_only(call->body, keys, error) || !fields_read(call, fields, error) || !name_check(fields->name, "policy", error) ||
        !change_check(call, fields, NULL, error))
        return false;
    g_autoptr(StorePolicy) policy = store_policy_create(call->service->store, &call->actor, fields, error);
    if (policy)
        call_reply_created(call, "policies", policy->id, policy->version, policy_json(policy));
    return policy != NULL;
}

bool policy_patch(Call *call, GError **error)
{
    static const char *const keys[] = {"name", "description", "enabled", "when", "then", NULL};
    Store *store = call->service->store;
    g_autoptr(StorePolicy) policy = store_policy_find(store, call->parameters[0], error);
    if (!policy || !call_match(call, policy->version, error) || !json_only(call->body, keys, error) ||
        !fields_read(call, policy, error) || !change_check(call, policy, policy->id, error) ||
        !store_policy_update(store, &call->actor, policy, error))
        return false;
    g_autoptr(StorePolicy) now = store_policy_find(store, policy->id, error);
    return now && policy_answer(call, now);
}

bool policy_delete(Call *call, GError **error)
{
    int64_t version = 0;
    g_autoptr(StorePolicy) policy = store_policy_find(call->service->store, call->parameters[0], error);
    if (!policy || !call_if_match(call, &version, error) || !change_check(call, NULL, policy->id, error) ||
        !store_policy_delete(call->service->store, &call->actor, policy->id, version, error))
        return false;
    reply_empty(call->reply);
    return true;
}

/* The names or ids of the body as rows in that order. Borrowed from rows; caller frees the list. */
static GPtrArray *order_read(Call *call, const GPtrArray *rows, GError **error)
{
    Json *names = json_object_get(call->body, "policies");
    if (!json_is_array(names) || json_array_size(names) > LIMIT_POLICIES) {
        oriel_fail(error, ORIEL_ERROR_INVALID, "request body: \"policies\" must be the list of all policies, by name or id");
        return NULL;
    }
    g_autoptr(GPtrArray) after = g_ptr_array_new();
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        guint place = name ? index_of(rows, name) : rows->len;
        if (place == rows->len) {
            oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "policy \"%s\": there is none", name ? name : "");
            return NULL;
        }
        g_ptr_array_add(after, rows->pdata[place]);
    }
    return g_steal_pointer(&after);
}

bool policies_order_put(Call *call, GError **error)
{
    static const char *const keys[] = {"policies", NULL};
    Store *store = call->service->store;
    g_autoptr(GPtrArray) rows = json_only(call->body, keys, error) ? store_policy_list(store, NULL, NULL, error) : NULL;
    g_autoptr(GPtrArray) after = rows ? order_read(call, rows, error) : NULL;
    if (!after || !author_check(call, after, error))
        return false;
    g_autoptr(GPtrArray) ids = g_ptr_array_new();
    for (guint i = 0; i < after->len; i++)
        g_ptr_array_add(ids, ((const StorePolicy *)after->pdata[i])->id);
    g_ptr_array_add(ids, NULL);
    if (!store_policy_order(store, &call->actor, (const char *const *)ids->pdata, error))
        return false;
    reply_empty(call->reply);
    return true;
}
