/* What policies decide for somebody, and why. */
#include "api/resource.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/network.h"
#include "host/policy.h"
#include "store/plan.h"
#include "store/user.h"

/* The plan that holds, and who says so; null: neither does. */
static Json *plan_json(Store *store, const StorePool *pool, const HostPolicyAnswer *answer, int kind)
{
    const char *chosen = answer->plan_ids[kind], *pools = pool ? pool->plan_ids[kind] : NULL;
    g_autoptr(StorePlan) plan = chosen || pools ? store_plan_find(store, chosen ? chosen : pools, NULL) : NULL;
    if (!plan || answer->denied)
        return json_null();
    return json_pack("{s:s, s:s, s:s}", "id", plan->id, "name", plan->name, "from", chosen ? "policy" : "pool");
}

static Json *rules_json(const GPtrArray *list)
{
    Json *rules = json_array();
    for (guint i = 0; i < list->len; i++) {
        const HostPolicyTried *tried = list->pdata[i];
        json_array_append_new(rules, json_pack("{s:{s:s, s:s}, s:s, s:s}", "policy", "id", tried->id, "name", tried->name,
                                               "reason", policy_reason_word(tried->reason), "why",
                                               policy_reason_text(tried->reason)));
    }
    return rules;
}

typedef struct {
    StoreUser *user;
    StorePool *pool; /* NULL: none in particular */
    HostPolicyQuestion question;
} Asked;

static void asked_clear(Asked *asked)
{
    g_clear_pointer(&asked->user, store_user_free);
    g_clear_pointer(&asked->pool, store_pool_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Asked, asked_clear)

static bool address_check(const char *address, GError **error)
{
    Network network;
    if (!address)
        return true;
    if (!network_parse(address, "request body: address", &network, error))
        return false;
    return network.bits == 128 ||
           oriel_fail(error, ORIEL_ERROR_INVALID, "request body: address: one address is needed, such as 192.0.2.7");
}

static bool asked_read(Call *call, Asked *ret, GError **error)
{
    static const char *const keys[] = {"user", "address", "device", "pool", "time_ms", NULL};
    const NumberField time = {"time_ms", 0, LIMIT_TIME_MS};
    Store *store = call->service->store;
    const char *user, *address, *device, *pool;
    uint64_t time_ms = 0;
    if (!json_only(call->body, keys, error) || !json_take_text(call->body, "user", &user, error) ||
        !json_take_text(call->body, "address", &address, error) || !json_take_text(call->body, "device", &device, error) ||
        !json_take_text(call->body, "pool", &pool, error) || !json_take_number(call->body, &time, &time_ms, error) ||
        !address_check(address, error))
        return false;
    if (!user)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "request body: \"user\" is needed");
    ret->question = (HostPolicyQuestion){.address = address, .device = DEVICE_DESKTOP, .time_ms = (int64_t)time_ms};
    if (device && !device_parse(device, &ret->question.device)) {
        g_autofree char *allowed = g_strjoinv(", ", (char **)device_words);
        return oriel_fail(error, ORIEL_ERROR_INVALID, "request body: device \"%s\" is unknown; allowed: %s", device, allowed);
    }
    if (!(ret->user = store_user_find(store, user, error)) || (pool && !(ret->pool = store_pool_find(store, pool, error))))
        return false;
    ret->question.pool_id = ret->pool ? ret->pool->id : NULL;
    return true;
}

bool policies_explain_post(Call *call, GError **error)
{
    g_auto(Asked) asked = {0};
    g_auto(HostPolicyAnswer) answer = {0};
    Store *store = call->service->store;
    if (!asked_read(call, &asked, error))
        return false;
    if (!asked.question.time_ms)
        asked.question.time_ms = clock_utc_ms();
    g_autoptr(HostPerson) person = host_person(call->service->host, asked.user->id, error);
    if (!person)
        return false;
    g_autoptr(GPtrArray) tried = host_person_explain(person, &asked.question, &answer);
    bool entitled = true;
    if (asked.pool && !store_user_entitled(store, asked.user->id, asked.pool->id, &entitled, error))
        return false;
    reply_json(call->reply, 200,
               json_pack("{s:o, s:o, s:b, s:b, s:{s:o, s:o, s:o}, s:I, s:o}", "decided",
                         json_ref(answer.policy_id, answer.policy_name), "denied", json_text_or_null(answer.denied), "hidden",
                         answer.hidden, "entitled", entitled, "plans", "power", plan_json(store, asked.pool, &answer, 0),
                         "release", plan_json(store, asked.pool, &answer, 1), "display",
                         plan_json(store, asked.pool, &answer, 2), "time_ms", (json_int_t)asked.question.time_ms, "rules",
                         rules_json(tried)));
    return true;
}
