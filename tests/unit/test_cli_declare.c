/* Files of declarations: YAML as JSON, and the difference between what is declared and what there is. */
#include <string.h>

#include "base/error.h"
#include "cli/declare.h"
#include "cli/yaml.h"

static char *yaml_as_json(const char *text, GError **error)
{
    g_autoptr(Json) value = yaml_parse_object(text, strlen(text), "file", error);
    return value ? json_text(value) : NULL;
}

static void test_yaml(void)
{
    static const struct {
        const char *yaml, *json;
    } rows[] = {
        {"a: 1", "{\"a\":1}"},
        {"a: -5\nb: 007\nc: 1.5\nd: 99999999999999999999", "{\"a\":-5,\"b\":7,\"c\":\"1.5\",\"d\":\"99999999999999999999\"}"},
        {"a: yes\nb: true\nc: False\nd: \"true\"\ne: ~\nf:\ng: null", "{\"a\":\"yes\",\"b\":true,\"c\":false,\"d\":\"true\",\"e\":null,\"f\":null,\"g\":null}"},
        {"a: '12'\nb: \"ü\\n\"", "{\"a\":\"12\",\"b\":\"ü\\n\"}"},
        {"list:\n  - one\n  - {two: [3, four]}\n", "{\"list\":[\"one\",{\"two\":[3,\"four\"]}]}"},
        {"{\"json\": [true, null, {\"x\": \"y\"}]}", "{\"json\":[true,null,{\"x\":\"y\"}]}"},
        {"text: |\n  first\n  second\n", "{\"text\":\"first\\nsecond\\n\"}"},
        {"# a remark\n---\na: b # another\n...\n", "{\"a\":\"b\"}"},
        {"{}", "{}"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *json = yaml_as_json(rows[i].yaml, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(json, ==, rows[i].json);
    }
}

static void test_yaml_refused(void)
{
    static const struct {
        const char *yaml, *sentence;
    } rows[] = {
        {"", "file, line 1: what is wanted has to be here, such as \"pools:\" and a list of them"},
        {"- a", "file, line 1: what is wanted has to be here, such as \"pools:\" and a list of them"},
        {"a: 1\nb: 2\na: 3", "file, line 3: \"a\" stands here twice"},
        {"a: &x 1", "file, line 1: anchors (&) are not understood here: write it out"},
        {"a: &x [1]", "file, line 1: anchors (&) are not understood here: write it out"},
        {"a:\n  b: *x", "file, line 2: aliases (*) are not understood here: write it out"},
        {"a: !!str 1", "file, line 1: tags (!) are not understood here"},
        {"a: 1\n---\nb: 2", "file, line 2: a second document: put everything into one"},
        {"? [1]\n: 2", "file, line 1: a key has to be a word"},
        {"a: [1", "file, line 2: did not find expected ',' or ']'"},
        {"a: b: c", "file, line 1: mapping values are not allowed in this context"},
        {"a:\n\t- b", "file, line 2: found character that cannot start any token"},
        {"a: \"\\0\"", "file, line 1: a text with a zero byte"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(yaml_as_json(rows[i].yaml, &error));
        g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_INVALID);
        g_assert_cmpstr(error->message, ==, rows[i].sentence);
    }
    g_autoptr(GError) error = NULL;
    g_autofree char *deep = g_strnfill(100, '[');
    g_autofree char *text = g_strconcat("a: ", deep, NULL);
    g_assert_null(yaml_as_json(text, &error));
    g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_TOO_LARGE);
}

/* ---- the difference ---- */

static const char *const there =
    "plans: [{name: night, kind: power, id: P1, settings: {on_log_off: {action: suspend}}, pools: 1}]\n"
    "pools:\n"
    "  - {name: office, id: O1, type: floating, image: {id: I1, name: xfce}, version: 3, follows_newest: true, size: 10,\n"
    "     memory_bytes: 1073741824, power_plan: {id: P1, name: night}, release_plan: null}\n"
    "  - {name: old, id: O2, type: dedicated, image: {id: I1, name: xfce}, version: 2, follows_newest: false, size: 1}\n"
    "policies: [{name: first, id: Q1}, {name: second, id: Q2}, {name: third, id: Q3}]\n"
    "entitlements:\n"
    "  office: [{kind: user, name: ada}, {kind: group, name: staff}]\n"
    "  old: [{kind: group, name: staff}]\n";

static Json *declaration(const char *yaml)
{
    g_autoptr(GError) error = NULL;
    Json *value = yaml_parse_object(yaml, strlen(yaml), "file", &error);
    g_assert_no_error(error);
    return value;
}

/* All changes as people see them. */
static char *difference(const char *declared, bool prune, GError **error)
{
    g_autoptr(Json) wanted = declaration(declared), current = declaration(there);
    g_autoptr(GPtrArray) changes = declaration_check(wanted, error) ? declaration_changes(wanted, current, prune, error) : NULL;
    if (!changes)
        return NULL;
    g_autoptr(GString) text = g_string_new(NULL);
    for (unsigned i = 0; i < changes->len; i++) {
        g_autofree char *line = change_text(changes->pdata[i]);
        g_autoptr(Json) json = change_json(changes->pdata[i]);
        g_assert_nonnull(json);
        g_string_append_printf(text, "%s\n", line);
    }
    return g_strdup(text->str);
}

static void test_difference(void)
{
    static const struct {
        const char *declared;
        bool prune;
        const char *changes;
    } rows[] = {
        {"{}", true, ""},
        {"pools: [{name: office, size: 10, image: xfce, version: null, power_plan: night, memory_bytes: 1GiB, type: floating}]", false, ""},
        {"pools: [{name: old, version: 2}]", false, ""},
        {"pools: [{name: office, version: 3}]", false, "~ pool office\n    version: none → 3\n"},
        {"pools: [{name: office, size: 20, power_plan: null, memory_bytes: 2GiB}]", false,
         "~ pool office\n    size: 10 → 20\n    power_plan: night → none\n    memory_bytes: 1073741824 → 2147483648\n"},
        {"plans: [{name: night, kind: power, settings: {on_log_off: {action: suspend}}}, {name: day, kind: display}]", false,
         "+ plan day\n    kind: display\n"},
        {"plans: [{name: night, settings: {}}]", false, "~ plan night\n    settings: {\"on_log_off\":{\"action\":\"suspend\"}} → {}\n"},
        {"pools: [{name: office, entitlements: {users: [ada], groups: [staff]}}]", false, ""},
        {"pools: [{name: office, entitlements: {users: [bob, ada, bob]}}]", false,
         "+ entitlement to office: user bob\n- entitlement to office: group staff\n"},
        {"pools: [{name: new, image: xfce, entitlements: {groups: [staff]}}]", false,
         "+ pool new\n    image: xfce\n+ entitlement to new: group staff\n"},
        {"pools: [{name: office, entitlements: {}}]", false, "- entitlement to office: user ada\n- entitlement to office: group staff\n"},
        {"pools: [{name: office}]", true, "- pool old\n"},
        {"plans: []", true, "- plan night\n"},
        {"policies: [{name: first}, {name: second}, {name: third}]", false, ""},
        {"policies: [{name: third}]", false, "~ order of policies\n    policies: [\"first\",\"second\",\"third\"] → [\"third\",\"first\",\"second\"]\n"},
        {"policies: [{name: third}, {name: new}]", true,
         "+ policy new\n- policy first\n- policy second\n"},
        {"policies: [{name: new}, {name: first}, {name: second}, {name: third}]", true,
         "+ policy new\n~ order of policies\n    policies: [\"first\",\"second\",\"third\",\"new\"] → [\"new\",\"first\",\"second\",\"third\"]\n"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *changes = difference(rows[i].declared, rows[i].prune, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(changes, ==, rows[i].changes);
    }
}

static void test_declaration_refused(void)
{
    static const struct {
        const char *declared, *sentence;
    } rows[] = {
        {"pool: []", "\"pool\": unknown; a file may declare plans, pools and policies"},
        {"pools: {name: x}", "pools: a list is needed, each item with its name"},
        {"pools: [{size: 3}]", "pools: item 1 has no name (quote it if it looks like a number)"},
        {"pools: [{name: a}, {name: 12}]", "pools: item 2 has no name (quote it if it looks like a number)"},
        {"pools: [{name: a}, {name: a}]", "pool \"a\": is declared twice"},
        {"pools: [{name: office, sise: 3}]", "pool \"office\": there is no field \"sise\""},
        {"pools: [{name: office, type: dedicated}]",
         "pool \"office\": \"type\" is decided when it is made; delete it first, or give it another name"},
        {"pools: [{name: office, memory_bytes: much}]", NULL},
        {"pools: [{name: a, entitlements: [x]}]", "pool \"a\": entitlements: \"users\" and \"groups\" are needed, each a list"},
        {"pools: [{name: a, entitlements: {people: []}}]", "pool \"a\": entitlements: people: unknown; allowed are users and groups"},
        {"pools: [{name: a, entitlements: {users: ada}}]", "pool \"a\": entitlements: users: a list of names is needed"},
        {"pools: [{name: a, entitlements: {users: [7]}}]", "pool \"a\": entitlements: users: item 1 is no name; quote it if it looks like a number"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(difference(rows[i].declared, false, &error));
        g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_INVALID);
        if (rows[i].sentence)
            g_assert_cmpstr(error->message, ==, rows[i].sentence);
    }
}

int main(int count, char **arguments)
{
    g_test_init(&count, &arguments, NULL);
    g_test_add_func("/cli/yaml", test_yaml);
    g_test_add_func("/cli/yaml/refused", test_yaml_refused);
    g_test_add_func("/cli/declare/difference", test_difference);
    g_test_add_func("/cli/declare/refused", test_declaration_refused);
    return g_test_run();
}
