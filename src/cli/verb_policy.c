#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/print.h"

static const char *const when_keys[] = {"users", "groups", "roles", "pools", "addresses", "devices"};
static const char *const plan_keys[] = {"power_plan", "release_plan", "display_plan"};

/* ---- out ---- */

/* "word a, b" of a list of texts or references; nothing where it is empty. */
static void add_list(GPtrArray *parts, const char *word, const Json *list)
{
    g_autoptr(GString) text = g_string_new(word);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const Json *item = json_array_get(list, i);
        const Json *name = json_is_object(item) ? json_object_get(item, "name") : item;
        bool gone = json_is_true(json_object_get(item, "gone"));
        g_string_append_printf(text, "%s %s%s", i ? "," : "", json_string_value(name), gone ? " (gone)" : "");
    }
    if (json_array_size(list) > 0)
        g_ptr_array_add(parts, g_string_free(g_steal_pointer(&text), FALSE));
}

static char *joined(GPtrArray *parts, const char *empty)
{
    if (parts->len == 0)
        return g_strdup(empty);
    g_ptr_array_add(parts, NULL);
    return g_strjoinv("; ", (char **)parts->pdata);
}

static char *when_text(const Json *when)
{
    g_autoptr(GPtrArray) parts = g_ptr_array_new_with_free_func(g_free);
    for (size_t i = 0; i < G_N_ELEMENTS(when_keys); i++)
        add_list(parts, when_keys[i], json_object_get(when, when_keys[i]));
    if (json_is_object(json_object_get(when, "times")))
        g_ptr_array_add(parts, g_strdup("at its times"));
    return joined(parts, "always");
}

static char *then_text(const Json *then)
{
    g_autoptr(GPtrArray) parts = g_ptr_array_new_with_free_func(g_free);
    const char *deny = json_string_value(json_object_get(then, "deny"));
    if (deny)
        g_ptr_array_add(parts, g_strdup_printf("deny: %s", deny));
    add_list(parts, "only pools", json_object_get(then, "only_pools"));
    for (size_t i = 0; i < G_N_ELEMENTS(plan_keys); i++) {
        const char *plan = json_string_value(json_object_get(json_object_get(then, plan_keys[i]), "name"));
        if (plan)
            g_ptr_array_add(parts, g_strdup_printf("%.*s plan %s", (int)(strlen(plan_keys[i]) - strlen("_plan")), plan_keys[i], plan));
    }
    return joined(parts, "as the pool says");
}

/* A copy for people, with both as a line of text. Caller owns. */
static Json *readable(const Json *policy)
{
    Json *copy = json_copy((Json *)policy);
    g_autofree char *when = when_text(json_object_get(policy, "when")), *then = then_text(json_object_get(policy, "then"));
    json_object_set_new(copy, "when", json_string(when));
    json_object_set_new(copy, "then", json_string(then));
    return copy;
}

static const Column list_columns[] = {
    {"#", "number", SHOW_NUMBER},
    {"NAME", "name", SHOW_TEXT},
    {"ON", "enabled", SHOW_YES},
    {"WHEN", "when", SHOW_TEXT},
    {"THEN", "then", SHOW_TEXT},
    {0},
};

static const Column card_columns[] = {
    {"Name", "name", SHOW_TEXT},
    {"Id", "id", SHOW_TEXT},
    {"Description", "description", SHOW_TEXT},
    {"On", "enabled", SHOW_YES},
    {"When", "when", SHOW_TEXT},
    {"Then", "then", SHOW_TEXT},
    {"Careful", "warnings", SHOW_LIST},
    {"Made", "created_ms", SHOW_TIME},
    {0},
};

static const Column rule_columns[] = {
    {"POLICY", "policy.name", SHOW_TEXT},
    {"", "reason", SHOW_TEXT},
    {"WHY", "why", SHOW_TEXT},
    {0},
};

static void show_list(Cli *cli, const Json *list)
{
    g_autoptr(Json) shown = json_pack("{s:[]}", "items");
    const Json *items = json_object_get(list, "items");
    for (size_t i = 0; i < json_array_size(items); i++) {
        Json *item = readable(json_array_get(items, i));
        json_object_set_new(item, "number", json_integer((json_int_t)i + 1));
        json_array_append_new(json_object_get(shown, "items"), item);
    }
    print_table(shown, list_columns);
}

static void show_card(Cli *cli, const Json *policy)
{
    g_autoptr(Json) shown = readable(policy);
    print_card(shown, card_columns);
}

static void say_plan(Cli *cli, const Json *plans, const char *kind)
{
    const Json *plan = json_object_get(plans, kind);
    const char *name = json_string_value(json_object_get(plan, "name")), *from = json_string_value(json_object_get(plan, "from"));
    if (name)
        cli_say(cli, "The %s plan is \"%s\", the %s's.", kind, name, from);
}

static void show_explanation(Cli *cli, const Json *answer)
{
    const char *decided = json_string_value(json_object_get(json_object_get(answer, "decided"), "name"));
    const char *denied = json_string_value(json_object_get(answer, "denied"));
    if (decided)
        cli_say(cli, "Policy \"%s\" decides.", decided);
    else
        cli_say(cli, "No policy decides: everything is as the pool says.");
    if (denied)
        cli_say(cli, "Access is denied: %s", denied);
    if (!json_is_true(json_object_get(answer, "entitled")))
        cli_say(cli, "But the person is not entitled to the pool, whatever policies say.");
    for (size_t i = 0; i < G_N_ELEMENTS(plan_keys); i++) {
        g_autofree char *kind = g_strndup(plan_keys[i], strlen(plan_keys[i]) - strlen("_plan"));
        say_plan(cli, json_object_get(answer, "plans"), kind);
    }
    g_autoptr(Json) rules = json_pack("{s:O}", "items", json_object_get(answer, "rules"));
    if (json_array_size(json_object_get(answer, "rules")) > 0)
        print_table(rules, rule_columns);
}

/* ---- in ---- */

/* A plan's name, or null for "none"; an empty text takes a refusal away. */
static void body_then(const Call *call, Json *then)
{
    static const char *const options[] = {"power-plan", "release-plan", "display-plan"};
    const char *deny = call_option(call, "deny");
    if (deny)
        json_object_set_new(then, "deny", *deny ? json_string(deny) : json_null());
    call_words(call, "only-pools", "only_pools", then);
    for (size_t i = 0; i < G_N_ELEMENTS(options); i++) {
        const char *plan = call_option(call, options[i]);
        if (plan)
            json_object_set_new(then, plan_keys[i], strcmp(plan, "none") == 0 ? json_null() : json_string(plan));
    }
}

/* --times FILE: a schedule; "none" takes it away. */
static bool body_times(const Call *call, Json *when, GError **error)
{
    const char *path = call_option(call, "times");
    if (!path)
        return true;
    if (strcmp(path, "none") == 0)
        return json_object_set_new(when, "times", json_null()) == 0;
    g_autofree char *text = cli_read_file(path, LIMIT_PLAN_SETTINGS, error);
    Json *times = text ? json_parse_object(text, strlen(text), "--times", error) : NULL;
    return times && json_object_set_new(when, "times", times) == 0;
}

static bool body_of(const Call *call, Json *body, GError **error)
{
    g_autoptr(Json) when = json_object(), then = json_object();
    for (size_t i = 0; i < G_N_ELEMENTS(when_keys); i++)
        call_words(call, when_keys[i], when_keys[i], when);
    if (!body_times(call, when, error))
        return false;
    body_then(call, then);
    if (json_object_size(when) > 0)
        json_object_set(body, "when", when);
    if (json_object_size(then) > 0)
        json_object_set(body, "then", then);
    return true;
}

static bool run_list(Cli *cli, const Call *call, GError **error)
{
    return cli_show(cli, client_list(cli->client, "policies", 0, error), show_list);
}

static bool run_show(Cli *cli, const Call *call, GError **error)
{
    g_autofree char *path = client_path("policies", call_argument(call, 0), NULL);
    return cli_show(cli, client_request(cli->client, "GET", path, NULL, error), show_card);
}

static bool run_create(Cli *cli, const Call *call, GError **error)
{
    g_autoptr(Json) body = call_body(call);
    return body_of(call, body, error) && cli_show(cli, cli_create(cli, call, "policies", body, error), show_card);
}

static bool run_edit(Cli *cli, const Call *call, GError **error)
{
    g_autoptr(Json) body = call_body(call);
    if (!body_of(call, body, error))
        return false;
    if (json_object_size(body) == 0)
        return cli_misused(cli, error, "oriel policy edit: nothing to change; give a condition, a decision or --name");
    g_autofree char *path = client_path("policies", call_argument(call, 0), NULL);
    return cli_show(cli, client_request(cli->client, "PATCH", path, body, error), show_card);
}

static bool run_delete(Cli *cli, const Call *call, GError **error)
{
    const char *name = call_argument(call, 0);
    g_autofree char *question = g_strdup_printf("Delete policy \"%s\"?", name);
    g_autofree char *path = client_path("policies", name, NULL);
    if (!cli_confirm(cli, call, question, error) || !cli_do(cli, "DELETE", path, NULL, error))
        return false;
    cli_say(cli, "Policy %s is gone.", name);
    return true;
}

static bool is_called(const Json *policy, const char *name)
{
    return g_strcmp0(json_string_value(json_object_get(policy, "name")), name) == 0 ||
           g_strcmp0(json_string_value(json_object_get(policy, "id")), name) == 0;
}

/* The ids of all, this one at the place (1: the first). NULL: there is none of that name. Caller owns. */
static Json *moved(const Json *items, const char *name, size_t place)
{
    g_autoptr(Json) order = json_array();
    Json *chosen = NULL;
    for (size_t i = 0; i < json_array_size(items); i++) {
        const Json *policy = json_array_get(items, i);
        if (is_called(policy, name))
            chosen = json_object_get(policy, "id");
        else
            json_array_append(order, json_object_get(policy, "id"));
    }
    if (!chosen)
        return NULL;
    json_array_insert(order, MIN(place - 1, json_array_size(order)), chosen);
    return g_steal_pointer(&order);
}

static bool run_move(Cli *cli, const Call *call, GError **error)
{
    const char *name = call_argument(call, 0);
    uint64_t place = call_number(call, "to", 1);
    g_autoptr(Json) list = client_list(cli->client, "policies", 0, error);
    if (!list)
        return false;
    Json *order = moved(json_object_get(list, "items"), name, place);
    if (!order)
        return oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "policy \"%s\": there is none", name);
    g_autoptr(Json) body = json_pack("{s:o}", "policies", order);
    if (!cli_do(cli, "PUT", "policies/order", body, error))
        return false;
    cli_say(cli, "Policy %s has moved; \"oriel policy list\" shows the order.", name);
    return true;
}

/* --at "2026-11-27T20:00", of this machine's time zone unless it says another. */
static bool body_at(Cli *cli, const Call *call, Json *body, GError **error)
{
    const char *at = call_option(call, "at");
    if (!at)
        return true;
    g_autofree char *whole = strlen(at) == strlen("2026-11-27T20:00") ? g_strconcat(at, ":00", NULL) : g_strdup(at);
    g_autoptr(GTimeZone) here = g_time_zone_new_local();
    g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(whole, here);
    if (!time)
        return cli_misused(cli, error, "oriel policy explain: --at: \"%s\" is no time such as 2026-11-27T20:00", at);
    return json_object_set_new(body, "time_ms", json_integer(g_date_time_to_unix(time) * 1000)) == 0;
}

static bool run_explain(Cli *cli, const Call *call, GError **error)
{
    g_autoptr(Json) body = call_body(call);
    json_object_set_new(body, "user", json_string(call_argument(call, 0)));
    return body_at(cli, call, body, error) &&
           cli_show(cli, client_request(cli->client, "POST", "policies/explain", body, error), show_explanation);
}

/* clang-format off */
#define SHARED_OPTIONS \
    {"users", VALUE_TEXT, "A,B", .help = "For these users, or the groups; \"\": any", .names = NAMES_USER}, \
    {"groups", VALUE_TEXT, "A,B", .help = "For these groups, or the users; \"\": any", .names = NAMES_GROUP}, \
    {"roles", VALUE_TEXT, "A,B", .help = "For people with one of these roles"}, \
    {"pools", VALUE_TEXT, "A,B", .help = "For these pools", .names = NAMES_POOL}, \
    {"addresses", VALUE_TEXT, "A,B", .help = "From these networks: 192.0.2.0/24,2001:db8::/32"}, \
    {"devices", VALUE_TEXT, "A,B", .help = "With these: desktop, mobile, tablet, kiosk, native"}, \
    {"times", VALUE_FILE, "FILE", .help = "At these times, as \"peak\" of a power plan; or \"none\"", .names = NAMES_FILE}, \
    {"deny", VALUE_TEXT, "SENTENCE", .help = "Let nobody in and say this; \"\": let in"}, \
    {"only-pools", VALUE_TEXT, "A,B", .help = "Show these pools alone; \"\": all", .names = NAMES_POOL}, \
    {"power-plan", VALUE_TEXT, "PLAN", .help = "In place of the pool's; or \"none\"", .names = NAMES_PLAN}, \
    {"release-plan", VALUE_TEXT, "PLAN", .help = "In place of the pool's; or \"none\"", .names = NAMES_PLAN}, \
    {"display-plan", VALUE_TEXT, "PLAN", .help = "In place of the pool's; or \"none\"", .names = NAMES_PLAN}, \
    {"enabled", VALUE_SWITCH, "yes|no", .help = "Whether it is tried at all", .field = "enabled"}, \
    {"description", VALUE_TEXT, "TEXT", .help = "A line about it, for people", .field = "description"}
/* clang-format on */

static const Option create_options[] = {
    SHARED_OPTIONS,
    {"if-missing", VALUE_FLAG, .help = "Do nothing if there is one of that name"},
    {0},
};

static const Option edit_options[] = {
    SHARED_OPTIONS,
    {"name", VALUE_TEXT, "NAME", .help = "Another name", .field = "name"},
    {0},
};

static const Option move_options[] = {
    {"to", VALUE_COUNT, "N", .help = "Its new place; 1 is tried first", .lowest = 1, .highest = LIMIT_POLICIES, .required = true},
    {0},
};

static const Option explain_options[] = {
    {"from", VALUE_TEXT, "ADDRESS", .help = "Where the person comes from", .field = "address"},
    {"device", VALUE_CHOICE, .choices = "desktop|mobile|tablet|kiosk|native", .help = "With what; else a desktop", .field = "device"},
    {"pool", VALUE_TEXT, "POOL", .help = "To which pool", .names = NAMES_POOL, .field = "pool"},
    {"at", VALUE_TEXT, "TIME", .help = "When, such as 2026-11-27T20:00; else now"},
    {0},
};

static const Option delete_options[] = {
    {"yes", VALUE_FLAG, .help = "Do not ask first"},
    {0},
};

#define POLICY .arguments = {{"POLICY", NAMES_POLICY}}

static const Verb verbs[] = {
    {"list", "List policies in the order in which they are tried", .run = run_list},
    {"show", "Show a policy", POLICY, .run = run_show},
    {"create", "Make a policy, behind all others",
     "The first policy whose conditions all hold decides alone; where none does, everything is as the pool says. A policy that would "
     "shut its own author out is refused.",
     .arguments = {{"NAME", NAMES_NONE}}, .options = create_options, .run = run_create},
    {"edit", "Change a policy", "It holds at once, for sessions that are open too. A list replaces the old one.", POLICY,
     .options = edit_options, .run = run_edit},
    {"move", "Give a policy another place in the order", POLICY, .options = move_options, .run = run_move},
    {"explain", "Say which policy decides for a person, and why",
     "Without --from no condition on addresses holds, without --pool none on pools. Nothing is changed.",
     .arguments = {{"USER", NAMES_USER}}, .options = explain_options, .run = run_explain},
    {"delete", "Delete a policy", POLICY, .options = delete_options, .run = run_delete},
    {0},
};

const VerbGroup policy_group = {"policy", "Policies: who gets which plans, from where, with what and when", verbs};
