#include "broker/policy.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"

static const char hidden_text[] = "This pool is not available to you from here now.";

static const struct {
    const char *word, *text;
} reasons[] = {
    [POLICY_MATCHES] = {"matches", "all its conditions hold"},
    [POLICY_OFF] = {"off", "it is switched off"},
    [POLICY_UNREADABLE] = {"unreadable", "its conditions cannot be read, so it matches nobody; set them anew"},
    [POLICY_NOT_PERSON] = {"person", "it is for other people and groups"},
    [POLICY_NOT_ROLE] = {"role", "it is for other roles"},
    [POLICY_NOT_POOL] = {"pool", "it is for other pools"},
    [POLICY_NOT_ADDRESS] = {"address", "it is for other addresses"},
    [POLICY_NOT_DEVICE] = {"device", "it is for other devices"},
    [POLICY_NOT_TIME] = {"time", "it is for other times"},
    [POLICY_NOT_REACHED] = {"not-reached", "a policy before it decided"},
};

const char *policy_reason_word(PolicyReason reason)
{
    return (unsigned)reason < POLICY_REASONS ? reasons[reason].word : "";
}

const char *policy_reason_text(PolicyReason reason)
{
    return (unsigned)reason < POLICY_REASONS ? reasons[reason].text : "";
}

void policy_free(Policy *policy)
{
    if (!policy)
        return;
    g_free(policy->id);
    g_free(policy->name);
    g_strfreev(policy->users);
    g_strfreev(policy->groups);
    g_strfreev(policy->roles);
    g_strfreev(policy->pools);
    g_clear_pointer(&policy->networks, g_array_unref);
    schedule_free(policy->times);
    g_free(policy->unreadable);
    g_free(policy->deny);
    g_strfreev(policy->only_pools);
    for (int kind = 0; kind < PLAN_KINDS; kind++)
        g_free(policy->plan_ids[kind]);
    g_free(policy);
}

/* ---- reading ---- */

/* A list of texts, bounded; absent or null: *ret stays NULL. An empty one asks for nothing, as its absence does. */
static bool texts(Json *settings, const char *key, GPtrArray **ret, GError **error)
{
    Json *list = json_object_get(settings, key);
    if (!list || json_is_null(list))
        return true;
    if (!json_is_array(list) || json_array_size(list) > LIMIT_POLICY_LIST)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "policy: \"%s\" must be a list of at most %d texts", key,
                          LIMIT_POLICY_LIST);
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(g_free);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (!text)
            return oriel_fail(error, ORIEL_ERROR_INVALID, "policy: \"%s\" must be a list of texts", key);
        g_ptr_array_add(found, g_strdup(text));
    }
    if (found->len > 0)
        *ret = g_steal_pointer(&found);
    return true;
}

static bool read_roles(Policy *policy, Json *settings, const char *const *words, GError **error)
{
    g_autoptr(GPtrArray) roles = NULL;
    if (!texts(settings, "roles", &roles, error))
        return false;
    for (size_t i = 0; roles && i < roles->len; i++) {
        if (g_strv_contains(words, roles->pdata[i]))
            continue;
        g_autofree char *allowed = g_strjoinv(", ", (char **)words);
        return oriel_fail(error, ORIEL_ERROR_INVALID, "policy: role \"%s\" is unknown; allowed: %s",
                          (const char *)roles->pdata[i], allowed);
    }
    if (!roles)
        return true;
    g_ptr_array_add(roles, NULL);
    policy->roles = (char **)g_ptr_array_free(g_steal_pointer(&roles), FALSE);
    return true;
}

static bool read_addresses(Policy *policy, Json *settings, GError **error)
{
    g_autoptr(GPtrArray) addresses = NULL;
    if (!texts(settings, "addresses", &addresses, error))
        return false;
    if (!addresses)
        return true;
    policy->networks = g_array_new(FALSE, FALSE, sizeof(Network));
    for (size_t i = 0; i < addresses->len; i++) {
        Network network;
        if (!network_parse(addresses->pdata[i], "policy: addresses", &network, error))
            return false;
        g_array_append_val(policy->networks, network);
    }
    return true;
}

static bool read_devices(Policy *policy, Json *settings, GError **error)
{
    g_autoptr(GPtrArray) devices = NULL;
    if (!texts(settings, "devices", &devices, error))
        return false;
    for (size_t i = 0; devices && i < devices->len; i++) {
        Device device;
        if (!device_parse(devices->pdata[i], &device)) {
            g_autofree char *allowed = g_strjoinv(", ", (char **)device_words);
            return oriel_fail(error, ORIEL_ERROR_INVALID, "policy: device \"%s\" is unknown; allowed: %s",
                              (const char *)devices->pdata[i], allowed);
        }
        policy->devices |= 1u << device;
    }
    return true;
}

bool policy_read(Policy *policy, Json *settings, const char *const *role_words, GError **error)
{
    Json *times = json_object_get(settings, "times");
    return read_roles(policy, settings, role_words, error) && read_addresses(policy, settings, error) &&
           read_devices(policy, settings, error) &&
           (!times || json_is_null(times) || (policy->times = schedule_read(times, "policy: times", error)) != NULL);
}

/* ---- deciding ---- */

static bool any_of(char *const *wanted, const char *const *has)
{
    for (size_t i = 0; has && has[i]; i++)
        if (g_strv_contains((const char *const *)wanted, has[i]))
            return true;
    return false;
}

static bool is_listed(char *const *list, const char *id)
{
    return id && g_strv_contains((const char *const *)list, id);
}

static bool is_person(const Policy *policy, const PolicyQuestion *question)
{
    if (!policy->users && !policy->groups)
        return true;
    return (policy->users && is_listed(policy->users, question->user_id)) ||
           (policy->groups && any_of(policy->groups, question->groups));
}

/* address: as parsed once for all policies; NULL: there is none. */
static bool is_from(const Policy *policy, const Network *address)
{
    for (guint i = 0; policy->networks && i < policy->networks->len; i++)
        if (address && network_includes(&g_array_index(policy->networks, Network, i), address))
            return true;
    return !policy->networks;
}

/* What does not depend on the pool and the clock. */
static PolicyReason reason_of_person(const Policy *policy, const PolicyQuestion *question, const Network *address)
{
    if (!policy->enabled)
        return POLICY_OFF;
    if (policy->unreadable)
        return POLICY_UNREADABLE;
    if (!is_person(policy, question))
        return POLICY_NOT_PERSON;
    if (policy->roles && !any_of(policy->roles, question->roles))
        return POLICY_NOT_ROLE;
    if (!is_from(policy, address))
        return POLICY_NOT_ADDRESS;
    if (policy->devices && !(policy->devices & (1u << question->device)))
        return POLICY_NOT_DEVICE;
    return POLICY_MATCHES;
}

static PolicyReason reason_of(const Policy *policy, const PolicyQuestion *question, const Network *address)
{
    PolicyReason reason = reason_of_person(policy, question, address);
    bool of_pool = !policy->pools || is_listed(policy->pools, question->pool_id);
    if (!of_pool && (reason == POLICY_MATCHES || reason > POLICY_NOT_POOL))
        return POLICY_NOT_POOL; /* the earlier condition is the one that is told */
    if (reason != POLICY_MATCHES)
        return reason;
    if (policy->times && !schedule_contains(policy->times, question->time_ms))
        return POLICY_NOT_TIME;
    return POLICY_MATCHES;
}

static PolicyVerdict verdict_of(const Policy *policy, const PolicyQuestion *question)
{
    PolicyVerdict verdict = {.policy = policy, .denied = policy->deny};
    verdict.hidden = policy->only_pools && question->pool_id && !is_listed(policy->only_pools, question->pool_id);
    if (verdict.hidden)
        verdict.denied = hidden_text;
    return verdict;
}

PolicyVerdict policy_decide(const Policy *const *policies, size_t count, const PolicyQuestion *question,
                            PolicyReason *ret_reasons)
{
    Network parsed;
    const Network *address = question->address && network_parse(question->address, "", &parsed, NULL) ? &parsed : NULL;
    PolicyVerdict verdict = {0};
    for (size_t i = 0; i < count && (ret_reasons || !verdict.policy); i++) {
        PolicyReason reason = verdict.policy ? POLICY_NOT_REACHED : reason_of(policies[i], question, address);
        if (reason == POLICY_MATCHES)
            verdict = verdict_of(policies[i], question);
        if (ret_reasons)
            ret_reasons[i] = reason;
    }
    return verdict;
}

static int by_time(const void *one, const void *other)
{
    int64_t first = *(const int64_t *)one, second = *(const int64_t *)other;
    return (first > second) - (first < second);
}

GArray *policies_edges(const Policy *const *policies, size_t count, const PolicyQuestion *question)
{
    Network parsed;
    const Network *address = question->address && network_parse(question->address, "", &parsed, NULL) ? &parsed : NULL;
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(int64_t));
    GArray *edges = g_array_new(FALSE, FALSE, sizeof(int64_t));
    for (size_t i = 0; i < count; i++)
        if (policies[i]->times && reason_of_person(policies[i], question, address) == POLICY_MATCHES)
            schedule_edges(policies[i]->times, question->time_ms, all);
    g_array_sort(all, by_time);
    for (guint i = 0; i < all->len && edges->len < LIMIT_POLICY_EDGES; i++) {
        int64_t moment = g_array_index(all, int64_t, i), last = edges->len ? g_array_index(edges, int64_t, edges->len - 1) : question->time_ms;
        if (moment > last)
            g_array_append_val(edges, moment);
    }
    return edges;
}

bool policies_have_times(const Policy *const *policies, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (policies[i]->enabled && policies[i]->times)
            return true;
    return false;
}
