/* Policies, their order, and what was decided by them: on both databases. */
#include <string.h>

#include "../fixtures/store/backend.h"
#include "base/error.h"
#include "store/policy.h"

static StorePolicy *make(Store *store, const char *name)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(StorePolicy) fields = store_policy_new();
    store_set(&fields->name, name);
    store_set(&fields->settings, "{\"devices\":[\"mobile\"]}");
    fields->enabled = true;
    StorePolicy *policy = store_policy_create(store, NULL, fields, &error);
    g_assert_no_error(error);
    return policy;
}

static char *names(Store *store)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) list = store_policy_list(store, NULL, NULL, &error);
    GString *text = g_string_new(NULL);
    g_assert_no_error(error);
    for (guint i = 0; i < list->len; i++)
        g_string_append_printf(text, "%s ", ((StorePolicy *)list->pdata[i])->name);
    return g_string_free(text, FALSE);
}

static void test_order(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_autoptr(StorePolicy) one = make(store, "one"), two = make(store, "two"), three = make(store, "three");
    const char *const turned[] = {three->id, one->id, two->id, NULL}, *const half[] = {one->id, two->id, NULL},
                      *const twice[] = {one->id, two->id, two->id, NULL};
    g_autofree char *before = names(store);
    g_assert_cmpstr(before, ==, "one two three ");
    g_assert_true(store_policy_order(store, NULL, turned, &error));
    g_autofree char *after = names(store);
    g_assert_cmpstr(after, ==, "three one two ");
    g_assert_false(store_policy_order(store, NULL, half, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    g_assert_false(store_policy_order(store, NULL, twice, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    g_assert_true(store_policy_delete(store, NULL, one->id, 0, &error));
    g_autoptr(StorePolicy) four = make(store, "four");
    StorePage page = {.limit = 2};
    g_autofree char *next = NULL, *end = NULL;
    g_autoptr(GPtrArray) first = store_policy_list(store, &page, &next, &error);
    g_assert_cmpuint(first->len, ==, 2);
    page.after = next;
    g_autoptr(GPtrArray) second = store_policy_list(store, &page, &end, &error);
    g_assert_cmpuint(second->len, ==, 1);
    g_assert_cmpstr(((StorePolicy *)second->pdata[0])->name, ==, "four");
    g_assert_null(end);
    g_assert_null(store_policy_create(store, NULL, two, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
}

static void test_members(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 2);
    g_autoptr(StoreUser) ann = world_user(store, "ann", "user");
    g_autoptr(StorePolicy) policy = make(store, "one");
    store_policy_add(policy, STORE_POLICY_USER, ann->id, ann->name);
    store_policy_add(policy, STORE_POLICY_USER, ann->id, ann->name); /* once is enough */
    store_policy_add(policy, STORE_POLICY_GROUP, STORE_GROUP_EVERYONE, "everyone");
    store_policy_add(policy, STORE_POLICY_SHOWS, world.pool->id, world.pool->name);
    store_set(&policy->deny, "Not now.");
    g_assert_true(store_policy_update(store, NULL, policy, &error));
    g_assert_true(store_user_delete(store, NULL, ann->id, 0, &error));
    g_autoptr(StorePolicy) now = store_policy_find(store, "one", &error);
    g_assert_cmpuint(now->members->len, ==, 3);
    g_assert_cmpstr(now->deny, ==, "Not now.");
    for (guint i = 0; i < now->members->len; i++) {
        const StorePolicyMember *member = now->members->pdata[i];
        g_assert_cmpint(member->gone, ==, member->kind == STORE_POLICY_USER);
        if (member->gone)
            g_assert_cmpstr(member->name, ==, "ann");
    }
    store_policy_remove(now, STORE_POLICY_USER);
    g_assert_true(store_policy_update(store, NULL, now, &error));
    g_assert_false(store_policy_update(store, NULL, policy, &error));
    assert_kind(error, ORIEL_ERROR_STALE);
    g_autoptr(StorePolicy) fewer = store_policy_find(store, now->id, &error);
    g_assert_cmpuint(fewer->members->len, ==, 2);
}

static void test_plans_in_use(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    StorePlan fields = {.name = (char *)"strict", .kind = STORE_PLAN_DISPLAY, .settings = (char *)"{}"};
    g_autoptr(StorePlan) plan = store_plan_create(store, NULL, &fields, &error);
    g_autoptr(StorePolicy) policy = make(store, "one");
    store_set(&policy->plan_ids[STORE_PLAN_DISPLAY], plan->id);
    g_assert_true(store_policy_update(store, NULL, policy, &error));
    g_assert_false(store_plan_delete(store, NULL, plan->id, 0, &error));
    g_assert_nonnull(strstr(error->message, "policy \"one\""));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    g_autoptr(StorePolicy) now = store_policy_find(store, "one", &error);
    g_assert_cmpstr(now->plan_names[STORE_PLAN_DISPLAY], ==, "strict");
    g_assert_true(store_policy_delete(store, NULL, now->id, 0, &error));
    g_assert_true(store_plan_delete(store, NULL, plan->id, 0, &error));
}

static void test_choices(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 2);
    g_autoptr(StoreUser) ann = world_user(store, "ann", "user");
    g_autoptr(StoreDesktop) desktop = world_desktop(&world, store);
    StoreChoice choice = {.device = (char *)"mobile", .policy_id = (char *)"P", .policy_name = (char *)"one", .plan_ids = {(char *)"L"}};
    StoreChoiceFilter of_desktop = {.desktop_id = desktop->id}, of_nobody = {.host_id = "none"};
    g_auto(StoreConnected) connected = {0};
    world_connect(&world, store, ann, &choice, &connected);
    g_autoptr(GPtrArray) list = store_choice_list(store, &of_desktop, &error);
    g_assert_cmpuint(list->len, ==, 1);
    StoreChoice *decided = list->pdata[0];
    g_assert_cmpstr(decided->session_id, ==, connected.session->id);
    g_assert_cmpstr(decided->policy_name, ==, "one");
    g_assert_cmpstr(decided->device, ==, "mobile");
    g_assert_cmpstr(decided->plan_ids[STORE_PLAN_POWER], ==, "L");
    g_assert_null(decided->plan_ids[STORE_PLAN_DISPLAY]);
    store_set(&decided->policy_id, NULL);
    g_assert_true(store_choice_set(store, decided, &error));
    g_autoptr(GPtrArray) anew = store_choice_list(store, &of_desktop, &error);
    g_assert_null(((StoreChoice *)anew->pdata[0])->policy_id);
    g_autoptr(GPtrArray) none = store_choice_list(store, &of_nobody, &error);
    g_assert_cmpuint(none->len, ==, 0);
    g_assert_true(store_desktop_release(store, NULL, desktop->id, (StoreAfter){.release = true}, &error));
    g_autoptr(GPtrArray) left = store_choice_list(store, &of_desktop, &error);
    g_assert_cmpuint(left->len, ==, 0); /* nobody's */
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fixture_add("policy/order", test_order);
    fixture_add("policy/members", test_members);
    fixture_add("policy/plans", test_plans_in_use);
    fixture_add("policy/choices", test_choices);
    return fixture_run();
}
