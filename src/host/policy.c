#include "host/policy.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "host/private.h"
#include "host/viewers.h"
#include "identity/role.h"
#include "store/user.h"

G_STATIC_ASSERT((int)PLAN_KINDS == (int)STORE_PLAN_KINDS && (int)PLAN_POWER == (int)STORE_PLAN_POWER &&
                (int)PLAN_RELEASE == (int)STORE_PLAN_RELEASE && (int)PLAN_DISPLAY == (int)STORE_PLAN_DISPLAY);

static const char *const role_words[] = {"admin", "operator", "helpdesk", "auditor", "user", NULL};

void host_policy_answer_clear(HostPolicyAnswer *answer)
{
    g_free(answer->policy_id);
    g_free(answer->policy_name);
    g_free(answer->denied);
    for (int kind = 0; kind < STORE_PLAN_KINDS; kind++)
        g_free(answer->plan_ids[kind]);
    *answer = (HostPolicyAnswer){0};
}

/* ---- from rows to values ---- */

/* NULL where it names none. */
static char **members_of(const StorePolicy *row, StorePolicyKind kind)
{
    g_autoptr(GPtrArray) ids = g_ptr_array_new();
    for (guint i = 0; i < row->members->len; i++) {
        const StorePolicyMember *member = row->members->pdata[i];
        if (member->kind == kind)
            g_ptr_array_add(ids, g_strdup(member->id));
    }
    if (ids->len == 0)
        return NULL;
    g_ptr_array_add(ids, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&ids), FALSE);
}

Policy *host_policy_compile(const StorePolicy *row, GError **error)
{
    g_autoptr(Policy) policy = g_new0(Policy, 1);
    g_autoptr(Json) settings = json_parse_object(row->settings, strlen(row->settings), row->name, error);
    policy->id = g_strdup(row->id);
    policy->name = g_strdup(row->name);
    policy->enabled = row->enabled;
    policy->deny = g_strdup(row->deny);
    policy->users = members_of(row, STORE_POLICY_USER);
    policy->groups = members_of(row, STORE_POLICY_GROUP);
    policy->pools = members_of(row, STORE_POLICY_POOL);
    policy->only_pools = members_of(row, STORE_POLICY_SHOWS);
    for (int kind = 0; kind < PLAN_KINDS; kind++)
        policy->plan_ids[kind] = g_strdup(row->plan_ids[kind]);
    return settings && policy_read(policy, settings, role_words, error) ? g_steal_pointer(&policy) : NULL;
}

/* It keeps its place, so that whoever asks why it does not decide is told. */
static Policy *unreadable(const StorePolicy *row, const GError *why)
{
    Policy *policy = g_new0(Policy, 1);
    policy->id = g_strdup(row->id);
    policy->name = g_strdup(row->name);
    policy->enabled = row->enabled;
    policy->unreadable = g_strdup(why->message);
    return policy;
}

static GPtrArray *compile_all(const GPtrArray *rows)
{
    GPtrArray *policies = g_ptr_array_new_with_free_func((GDestroyNotify)policy_free);
    for (guint i = 0; i < rows->len; i++) {
        g_autoptr(GError) error = NULL;
        const StorePolicy *row = rows->pdata[i];
        Policy *policy = host_policy_compile(row, &error);
        g_ptr_array_add(policies, policy ? policy : unreadable(row, error));
    }
    return policies;
}

GPtrArray *policy_book_read(Host *host, GError **error)
{
    g_autoptr(GPtrArray) rows = store_policy_list(host->store, NULL, NULL, error);
    return rows ? compile_all(rows) : NULL;
}

/* ---- a person ---- */

struct HostPerson {
    Host *host;
    PlanBook *book;
    char *user_id;
    GPtrArray *groups; /* ids, NULL-ended */
    GPtrArray *roles;  /* words, NULL-ended */
};

void host_person_free(HostPerson *person)
{
    if (!person)
        return;
    plan_book_release(person->book);
    g_free(person->user_id);
    g_ptr_array_unref(person->groups);
    g_ptr_array_unref(person->roles);
    g_free(person);
}

static void add_roles(HostPerson *person, const char *text)
{
    Roles roles = 0;
    if (!roles_parse(text, &roles, NULL))
        return;
    for (unsigned bit = ROLE_USER; bit <= ROLE_ADMIN; bit <<= 1)
        if (roles & bit)
            g_ptr_array_add(person->roles, g_strdup(role_word((Role)bit)));
}

static bool read_person(HostPerson *person, GError **error)
{
    Store *store = person->host->store;
    g_autoptr(StoreUser) user = store_user_find(store, person->user_id, error);
    g_autoptr(GPtrArray) groups = user ? store_user_groups(store, user->id, error) : NULL;
    for (guint i = 0; groups && i < groups->len; i++)
        g_ptr_array_add(person->groups, g_strdup(((const StoreGroup *)groups->pdata[i])->id));
    g_ptr_array_add(person->groups, g_strdup(STORE_GROUP_EVERYONE));
    if (groups)
        add_roles(person, user->roles);
    return groups != NULL;
}

/* whole: also where no policy would look. */
static HostPerson *person_new(Host *host, const char *user_id, bool whole, GError **error)
{
    g_autoptr(HostPerson) person = g_new0(HostPerson, 1);
    person->host = host;
    person->user_id = g_strdup(user_id);
    person->groups = g_ptr_array_new_with_free_func(g_free);
    person->roles = g_ptr_array_new_with_free_func(g_free);
    person->book = plan_book(host);
    if (!person->book) {
        oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "policies cannot be read now; try again in a moment");
        return NULL;
    }
    if ((whole || person->book->policies->len > 0) && !read_person(person, error))
        return NULL;
    g_ptr_array_add(person->groups, NULL);
    g_ptr_array_add(person->roles, NULL);
    return g_steal_pointer(&person);
}

HostPerson *host_person(Host *host, const char *user_id, GError **error)
{
    return person_new(host, user_id, false, error);
}

static PolicyQuestion question_of(const HostPerson *person, const HostPolicyQuestion *asked)
{
    return (PolicyQuestion){
        .user_id = person->user_id,
        .groups = (const char *const *)person->groups->pdata,
        .roles = (const char *const *)person->roles->pdata,
        .pool_id = asked->pool_id,
        .address = asked->address,
        .device = asked->device,
        .time_ms = asked->time_ms ? asked->time_ms : clock_utc_ms(),
    };
}

static PolicyVerdict decide(const HostPerson *person, const GPtrArray *policies, const HostPolicyQuestion *asked,
                            PolicyReason *ret_reasons)
{
    const PolicyQuestion question = question_of(person, asked);
    return policy_decide((const Policy *const *)policies->pdata, policies->len, &question, ret_reasons);
}

static void answer_of(const PolicyVerdict *verdict, HostPolicyAnswer *ret)
{
    *ret = (HostPolicyAnswer){.denied = g_strdup(verdict->denied), .hidden = verdict->hidden};
    if (!verdict->policy)
        return;
    ret->policy_id = g_strdup(verdict->policy->id);
    ret->policy_name = g_strdup(verdict->policy->name);
    for (int kind = 0; kind < PLAN_KINDS; kind++)
        ret->plan_ids[kind] = g_strdup(verdict->policy->plan_ids[kind]);
}

void host_person_decide(const HostPerson *person, const HostPolicyQuestion *question, HostPolicyAnswer *ret)
{
    PolicyVerdict verdict = decide(person, person->book->policies, question, NULL);
    answer_of(&verdict, ret);
}

static void tried_free(void *data)
{
    HostPolicyTried *tried = data;
    g_free(tried->id);
    g_free(tried->name);
    g_free(tried);
}

GPtrArray *host_person_explain(const HostPerson *person, const HostPolicyQuestion *question, HostPolicyAnswer *ret)
{
    const GPtrArray *policies = person->book->policies;
    g_autofree PolicyReason *reasons = g_new0(PolicyReason, policies->len + 1);
    GPtrArray *list = g_ptr_array_new_with_free_func(tried_free);
    PolicyVerdict verdict = decide(person, policies, question, reasons);
    answer_of(&verdict, ret);
    for (guint i = 0; i < policies->len; i++) {
        const Policy *policy = policies->pdata[i];
        HostPolicyTried *tried = g_new0(HostPolicyTried, 1);
        *tried = (HostPolicyTried){g_strdup(policy->id), g_strdup(policy->name), reasons[i]};
        g_ptr_array_add(list, tried);
    }
    return list;
}

/* ---- whoever makes policies keeps a way in ---- */

typedef struct {
    const HostPerson *author;
    const GPtrArray *after; /* Policy, as they would be */
    const GPtrArray *pools; /* that the author has */
} Change;

/* ", on tue 2026-12-01 at 22:00 (CET)", in the zone by which the policy goes. Caller frees. */
static char *moment_text(const Policy *policy, int64_t time_ms)
{
    g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(time_ms / 1000);
    g_autoptr(GDateTime) there = utc && policy->times ? g_date_time_to_timezone(utc, policy->times->zone) : NULL;
    GDateTime *shown = there ? there : utc;
    g_autofree char *date = shown ? g_date_time_format(shown, "%Y-%m-%d at %H:%M (%Z)") : NULL;
    return date ? g_strdup_printf(", on %s %s", schedule_day_words[g_date_time_get_day_of_week(shown) - 1], date) : g_strdup("");
}

/* time_ms 0: now. */
static bool check_pool(const Change *change, const HostPolicyQuestion *question, const char *pool, GError **error)
{
    PolicyVerdict then = decide(change->author, change->after, question, NULL);
    if (!then.denied || decide(change->author, change->author->book->policies, question, NULL).denied)
        return true;
    g_autofree char *when = question->time_ms ? moment_text(then.policy, question->time_ms) : g_strdup("");
    g_autofree char *what = pool ? g_strdup_printf("pool \"%s\"", pool) : g_strdup("every pool");
    return oriel_fail(error, ORIEL_ERROR_CONFLICT,
                      "policy \"%s\": it would shut you out of %s from where you are now%s; put a policy before it that lets you in, or "
                      "narrow it",
                      then.policy->name, what, when);
}

static bool check_moment(const Change *change, HostPolicyQuestion question, GError **error)
{
    question.pool_id = NULL;
    if (!check_pool(change, &question, NULL, error))
        return false;
    for (guint i = 0; i < change->pools->len; i++) {
        const StorePool *pool = change->pools->pdata[i];
        question.pool_id = pool->id;
        if (!check_pool(change, &question, pool->name, error))
            return false;
    }
    return true;
}

/* A week is looked at, at the moments when windows of these policies begin or end. */
static bool check_week(const Change *change, const HostPolicyQuestion *from, const GPtrArray *policies, GError **error)
{
    HostPolicyQuestion later = *from;
    later.time_ms = clock_utc_ms();
    const PolicyQuestion question = question_of(change->author, &later);
    g_autoptr(GArray) edges = policies_edges((const Policy *const *)policies->pdata, policies->len, &question);
    for (guint i = 0; i < edges->len; i++) {
        later.time_ms = g_array_index(edges, int64_t, i);
        if (!check_moment(change, later, error))
            return false;
    }
    return true;
}

bool host_policies_check_author(Host *host, const char *author_id, const HostPolicyQuestion *from, const GPtrArray *after,
                                GError **error)
{
    g_autoptr(GPtrArray) policies = compile_all(after);
    g_autoptr(GPtrArray) pools = store_user_pools(host->store, author_id, error);
    g_autoptr(HostPerson) author = pools ? person_new(host, author_id, true, error) : NULL;
    const Change change = {author, policies, pools};
    return author && check_moment(&change, *from, error) && check_week(&change, from, policies, error) &&
           check_week(&change, from, author->book->policies, error);
}
