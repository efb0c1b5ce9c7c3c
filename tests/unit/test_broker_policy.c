/* Policies: which decides, and why the others do not. */
#include <string.h>

#include "base/error.h"
#include "broker/policy.h"

static const char *const role_words[] = {"admin", "user", NULL};

static Json *json_of(const char *text)
{
    g_autofree char *strict = g_strdelimit(g_strdup(text), "'", '"');
    Json *value = json_loads(strict, 0, NULL);
    g_assert_nonnull(value);
    return value;
}

static const struct {
    const char *settings, *sentence; /* NULL: it is good */
} settings[] = {
    {"{}", NULL},
    {"{'roles': ['admin'], 'addresses': ['192.0.2.0/24', '2001:db8::/32', '192.0.2.7'], 'devices': ['mobile', 'kiosk'],"
     " 'times': {'windows': [{}]}}", NULL},
    {"{'roles': null, 'addresses': [], 'times': null}", NULL},
    {"{'roles': ['root']}", "role \"root\" is unknown; allowed: admin, user"},
    {"{'roles': 'admin'}", "must be a list"},
    {"{'roles': [1]}", "list of texts"},
    {"{'addresses': ['10.0.0.1/8']}", "bits beyond"},
    {"{'addresses': ['office']}", "is no network"},
    {"{'devices': ['fridge']}", "allowed: desktop, mobile, tablet, kiosk, native"},
    {"{'times': {'time_zone': 'Mars/Olympus'}}", "time zone"},
};

static void test_settings(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(settings); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Json) json = json_of(settings[i].settings);
        g_autoptr(Policy) policy = g_new0(Policy, 1);
        bool good = policy_read(policy, json, role_words, &error);
        g_test_message("%s", settings[i].settings);
        g_assert_cmpint(good, ==, !settings[i].sentence);
        if (good)
            continue;
        g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_INVALID);
        g_assert_nonnull(strstr(error->message, settings[i].sentence));
    }
}

/* Conditions as words for a table: lists separated by blanks, NULL: none. */
typedef struct {
    const char *users, *groups, *pools, *settings, *deny, *only_pools;
    bool off;
} Rule;

static char **words_of(const char *text)
{
    return text ? g_strsplit(text, " ", 0) : NULL;
}

static Policy *policy_of(const Rule *rule)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) json = json_of(rule->settings ? rule->settings : "{}");
    Policy *policy = g_new0(Policy, 1);
    g_assert_true(policy_read(policy, json, role_words, &error));
    policy->enabled = !rule->off;
    policy->users = words_of(rule->users);
    policy->groups = words_of(rule->groups);
    policy->pools = words_of(rule->pools);
    policy->only_pools = words_of(rule->only_pools);
    policy->deny = g_strdup(rule->deny);
    return policy;
}

/* 2026-11-27, a Friday, 12:00 in the world, 13:00 in Berlin */
#define NOON INT64_C(1795780800000)

static const char *const anns_groups[] = {"everyone", "sales", NULL}, *const anns_roles[] = {"user", NULL};
static const PolicyQuestion ann = {"ann", anns_groups, anns_roles, "office", "192.0.2.7", DEVICE_DESKTOP, NOON};

static const struct {
    const char *what;
    Rule rule;
    PolicyReason want;
} reasons[] = {
    {"no condition", {0}, POLICY_MATCHES},
    {"switched off", {.off = true}, POLICY_OFF},
    {"ann herself", {.users = "bob ann"}, POLICY_MATCHES},
    {"somebody else", {.users = "bob"}, POLICY_NOT_PERSON},
    {"her group", {.groups = "it sales"}, POLICY_MATCHES},
    {"another group", {.groups = "it"}, POLICY_NOT_PERSON},
    {"either is enough", {.users = "bob", .groups = "sales"}, POLICY_MATCHES},
    {"either is enough, the other way", {.users = "ann", .groups = "gone"}, POLICY_MATCHES},
    {"her role", {.settings = "{'roles': ['admin', 'user']}"}, POLICY_MATCHES},
    {"another role", {.settings = "{'roles': ['admin']}"}, POLICY_NOT_ROLE},
    {"this pool", {.pools = "lab office"}, POLICY_MATCHES},
    {"another pool", {.pools = "lab"}, POLICY_NOT_POOL},
    {"her network", {.settings = "{'addresses': ['192.0.2.0/24']}"}, POLICY_MATCHES},
    {"the second network", {.settings = "{'addresses': ['2001:db8::/32', '192.0.2.7']}"}, POLICY_MATCHES},
    {"the next network", {.settings = "{'addresses': ['192.0.3.0/24']}"}, POLICY_NOT_ADDRESS},
    {"the other half", {.settings = "{'addresses': ['192.0.2.128/25']}"}, POLICY_NOT_ADDRESS},
    {"the whole old internet", {.settings = "{'addresses': ['0.0.0.0/0']}"}, POLICY_MATCHES},
    {"only the new one", {.settings = "{'addresses': ['2000::/3']}"}, POLICY_NOT_ADDRESS},
    {"her device", {.settings = "{'devices': ['desktop', 'tablet']}"}, POLICY_MATCHES},
    {"another device", {.settings = "{'devices': ['mobile']}"}, POLICY_NOT_DEVICE},
    {"now", {.settings = "{'times': {'time_zone': 'Europe/Berlin', 'windows': [{'from': '13:00', 'to': '14:00'}]}}"}, POLICY_MATCHES},
    {"over in Berlin", {.settings = "{'times': {'time_zone': 'Europe/Berlin', 'windows': [{'from': '12:00', 'to': '13:00'}]}}"},
     POLICY_NOT_TIME},
    {"all but the time", {.users = "ann", .pools = "office", .settings = "{'times': {}}"}, POLICY_NOT_TIME},
    {"the first that fails is said", {.users = "bob", .settings = "{'devices': ['mobile']}"}, POLICY_NOT_PERSON},
};

static void test_reasons(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(reasons); i++) {
        g_autoptr(Policy) policy = policy_of(&reasons[i].rule);
        const Policy *const list[] = {policy};
        PolicyReason reason = POLICY_REASONS;
        PolicyVerdict verdict = policy_decide(list, 1, &ann, &reason);
        g_test_message("%s", reasons[i].what);
        g_assert_cmpstr(policy_reason_word(reason), ==, policy_reason_word(reasons[i].want));
        g_assert_true(verdict.policy == (reasons[i].want == POLICY_MATCHES ? policy : NULL));
        g_assert_cmpuint(strlen(policy_reason_text(reason)), >, 0);
    }
}

static void test_what_is_not_known_never_matches(void)
{
    const Rule pools = {.pools = "office"}, networks = {.settings = "{'addresses': ['0.0.0.0/0', '::/0']}"};
    g_autoptr(Policy) one = policy_of(&pools), other = policy_of(&networks);
    const Policy *const list[] = {one, other};
    PolicyQuestion question = ann;
    question.pool_id = question.address = NULL;
    PolicyReason found[2];
    g_assert_null(policy_decide(list, 2, &question, found).policy);
    g_assert_cmpint(found[0], ==, POLICY_NOT_POOL);
    g_assert_cmpint(found[1], ==, POLICY_NOT_ADDRESS);
    question.address = "no address";
    g_assert_null(policy_decide(list, 2, &question, NULL).policy);
}

static void test_the_first_decides_alone(void)
{
    const Rule rules[] = {{.users = "bob", .deny = "Not you, Bob."}, {.groups = "sales"}, {.deny = "Nobody."}};
    Policy *list[G_N_ELEMENTS(rules)];
    PolicyReason found[G_N_ELEMENTS(rules)];
    for (size_t i = 0; i < G_N_ELEMENTS(rules); i++)
        list[i] = policy_of(&rules[i]);
    PolicyVerdict verdict = policy_decide((const Policy *const *)list, 3, &ann, found);
    g_assert_true(verdict.policy == list[1]);
    g_assert_null(verdict.denied);
    g_assert_cmpint(found[0], ==, POLICY_NOT_PERSON);
    g_assert_cmpint(found[2], ==, POLICY_NOT_REACHED);
    PolicyQuestion bob = ann, carl = ann;
    bob.user_id = "bob";
    carl.user_id = "carl";
    carl.groups = NULL;
    g_assert_cmpstr(policy_decide((const Policy *const *)list, 3, &bob, NULL).denied, ==, "Not you, Bob.");
    g_assert_cmpstr(policy_decide((const Policy *const *)list, 3, &carl, NULL).denied, ==, "Nobody.");
    g_assert_null(policy_decide(NULL, 0, &carl, NULL).policy);
    for (size_t i = 0; i < G_N_ELEMENTS(rules); i++)
        policy_free(list[i]);
}

static void test_pools_that_are_shown(void)
{
    const Rule rule = {.only_pools = "lab office"};
    g_autoptr(Policy) policy = policy_of(&rule);
    const Policy *const list[] = {policy};
    g_assert_null(policy_decide(list, 1, &ann, NULL).denied);
    PolicyQuestion question = ann;
    question.pool_id = "payroll";
    PolicyVerdict verdict = policy_decide(list, 1, &question, NULL);
    g_assert_true(verdict.hidden);
    g_assert_nonnull(verdict.denied);
    question.pool_id = NULL;
    g_assert_false(policy_decide(list, 1, &question, NULL).hidden);
}

static void test_times(void)
{
    const Rule plain = {0}, timed = {.settings = "{'times': {'windows': [{}]}}"}, off = {.settings = timed.settings, .off = true};
    g_autoptr(Policy) one = policy_of(&plain), two = policy_of(&timed), three = policy_of(&off);
    const Policy *const without[] = {one, three}, *const with[] = {one, two};
    g_assert_false(policies_have_times(without, 2));
    g_assert_true(policies_have_times(with, 2));
}

static void test_edges(void)
{
    static const char *const text =
        "{'times': {'time_zone': 'Europe/Berlin', 'windows': [{'days': ['mon'], 'from': '08:00', 'to': '18:00'}, {'from': '22:00', 'to': '24:00'}]}}";
    const Rule timed = {.settings = text}, same = {.settings = text}, off = {.settings = text, .off = true}, plain = {0};
    g_autoptr(Policy) one = policy_of(&timed), two = policy_of(&same), three = policy_of(&off), four = policy_of(&plain);
    const Policy *const all[] = {one, two, three, four}, *const none[] = {three, four};
    const int64_t noon = 1796212800000; /* 2026-12-02 12:00 UTC */
    const PolicyQuestion question = {.time_ms = noon};
    g_autoptr(GArray) edges = policies_edges(all, 4, &question);
    g_autoptr(GArray) nothing = policies_edges(none, 2, &question);
    g_assert_cmpuint(nothing->len, ==, 0);
    int64_t last = noon;
    bool evening = false, midnight = false;
    for (guint i = 0; i < edges->len; i++) { /* rising, each once, none behind us */
        int64_t edge = g_array_index(edges, int64_t, i);
        g_assert_cmpint(edge, >, last);
        last = edge;
        evening = evening || edge == noon + 9 * 3600000LL;  /* 22:00 in Berlin */
        midnight = midnight || edge == noon + 11 * 3600000LL;
    }
    g_assert_true(evening && midnight);
    g_assert_cmpint(last - noon, >=, 6 * 24 * 3600000LL);
}

static void test_devices(void)
{
    static const struct {
        const char *agent;
        Device device;
    } rows[] = {
        {"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", DEVICE_DESKTOP},
        {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36", DEVICE_DESKTOP},
        {"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/15E148 Safari/604.1", DEVICE_MOBILE},
        {"Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36", DEVICE_MOBILE},
        {"Mozilla/5.0 (Linux; Android 14; SM-X710) AppleWebKit/537.36 Chrome/126.0 Safari/537.36", DEVICE_TABLET},
        {"Mozilla/5.0 (iPad; CPU OS 12_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1", DEVICE_TABLET},
        {"Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/128.0 OrielKiosk/1", DEVICE_KIOSK},
        {"oriel/1.0", DEVICE_NATIVE},
        {"curl/8.5", DEVICE_NATIVE},
        {"", DEVICE_NATIVE},
        {NULL, DEVICE_NATIVE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        g_assert_cmpstr(device_word(device_of(rows[i].agent)), ==, device_word(rows[i].device));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/broker/policy/settings", test_settings);
    g_test_add_func("/broker/policy/reasons", test_reasons);
    g_test_add_func("/broker/policy/unknown", test_what_is_not_known_never_matches);
    g_test_add_func("/broker/policy/first", test_the_first_decides_alone);
    g_test_add_func("/broker/policy/pools", test_pools_that_are_shown);
    g_test_add_func("/broker/policy/times", test_times);
    g_test_add_func("/broker/policy/devices", test_devices);
    g_test_add_func("/broker/policy/edges", test_edges);
    return g_test_run();
}
