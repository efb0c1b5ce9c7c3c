#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/print.h"

static const Column list_columns[] = {
    {"NAME", "name", SHOW_TEXT},
    {"KIND", "kind", SHOW_TEXT},
    {"POOLS", "pools", SHOW_NUMBER},
    {"SETTINGS", "settings", SHOW_DETAILS},
    {"DESCRIPTION", "description", SHOW_TEXT},
    {0},
};

static const Column card_columns[] = {
    {"Name", "name", SHOW_TEXT},
    {"Id", "id", SHOW_TEXT},
    {"Kind", "kind", SHOW_TEXT},
    {"Description", "description", SHOW_TEXT},
    {"Pools that use it", "pools", SHOW_NUMBER},
    {"Settings", "settings", SHOW_DETAILS},
    {"Made", "created_ms", SHOW_TIME},
    {0},
};

static void show_list(Cli *cli, const Json *list)
{
    print_table(list, list_columns);
}

static void show_card(Cli *cli, const Json *plan)
{
    print_card(plan, card_columns);
}

static bool run_list(Cli *cli, const Call *call, GError **error)
{
    return cli_show(cli, client_list(cli->client, "plans", 0, error), show_list);
}

static bool run_show(Cli *cli, const Call *call, GError **error)
{
    g_autofree char *path = client_path("plans", call_argument(call, 0), NULL);
    return cli_show(cli, client_request(cli->client, "GET", path, NULL, error), show_card);
}

/* --settings FILE: a JSON object. */
static bool body_settings(const Call *call, Json *body, GError **error)
{
    const char *path = call_option(call, "settings");
    g_autofree char *text = path ? cli_read_file(path, LIMIT_PLAN_SETTINGS, error) : NULL;
    if (!path)
        return true;
    Json *settings = text ? json_parse_object(text, strlen(text), "--settings", error) : NULL;
    return settings && json_object_set_new(body, "settings", settings) == 0;
}

static bool run_create(Cli *cli, const Call *call, GError **error)
{
    g_autoptr(Json) body = call_body(call);
    return body_settings(call, body, error) &&
           cli_show(cli, cli_create(cli, call, "plans", body, error), show_card);
}

static bool run_change(Cli *cli, const Call *call, GError **error)
{
    g_autoptr(Json) body = call_body(call);
    if (!body_settings(call, body, error))
        return false;
    if (json_object_size(body) == 0)
        return cli_misused(cli, error, "oriel plan change: nothing to change; give --settings, --description or --name");
    g_autofree char *path = client_path("plans", call_argument(call, 0), NULL);
    return cli_show(cli, client_request(cli->client, "PATCH", path, body, error), show_card);
}

static bool run_delete(Cli *cli, const Call *call, GError **error)
{
    const char *name = call_argument(call, 0);
    g_autofree char *question = g_strdup_printf("Delete plan \"%s\"?", name);
    g_autofree char *path = client_path("plans", name, NULL);
    if (!cli_confirm(cli, call, question, error) || !cli_do(cli, "DELETE", path, NULL, error))
        return false;
    cli_say(cli, "Plan %s is gone.", name);
    return true;
}

/* clang-format off */
#define SHARED_OPTIONS \
    {"settings", VALUE_FILE, "FILE", .help = "Its settings, a JSON object (\"-\": standard input)", .names = NAMES_FILE}, \
    {"description", VALUE_TEXT, "TEXT", .help = "A line about it, for people", .field = "description"}
/* clang-format on */

static const Option create_options[] = {
    {"kind", VALUE_CHOICE, .choices = "power|release|display", .help = "What it decides", .field = "kind",
     .required = true},
    SHARED_OPTIONS,
    {"if-missing", VALUE_FLAG, .help = "Do nothing if there is one of that name"},
    {0},
};

static const Option change_options[] = {
    SHARED_OPTIONS,
    {"name", VALUE_TEXT, "NAME", .help = "Another name", .field = "name"},
    {0},
};

static const Option delete_options[] = {
    {"yes", VALUE_FLAG, .help = "Do not ask first"},
    {0},
};

#define PLAN .arguments = {{"PLAN", NAMES_PLAN}}

static const Verb verbs[] = {
    {"list", "List plans", .run = run_list},
    {"show", "Show a plan", PLAN, .run = run_show},
    {"create", "Make a plan",
     "A power plan: {\"on_disconnect\": {\"action\": \"suspend\", \"after_minutes\": 10}, \"on_log_off\": {\"action\": "
     "\"shut-down\", \"after_minutes\": 60}, \"peak\": {\"time_zone\": \"Europe/Berlin\", \"windows\": [{\"days\": "
     "[\"mon\", \"tue\"], \"from\": \"08:00\", \"to\": \"18:00\"}], \"holidays\": [\"2026-12-25\"]}, \"peak_spares\": 5, "
     "\"off_peak_spares\": 0}; \"on_idle\" is for people who are connected and do nothing. A release plan: {\"lock_after_idle_minutes\": 10, "
     "\"disconnect_after_idle_minutes\": 60, \"log_off_after_idle_minutes\": 240, \"log_off_after_minutes\": 120, \"at_log_off\": \"keep\", "
     "\"release_after_minutes\": 10080, \"at_release\": \"refresh\"}. A display plan: {\"clipboard\": \"to_desktop\", \"files\": \"none\", \"largest\": "
     "{\"width\": 1920, \"height\": 1080}, \"follow_window\": true, \"view_only\": false, \"sound\": true, \"drives\": false, \"usb\": false, \"printers\": true, \"bandwidth_kbit_s\": 4000, \"clients\": [\"browser\"]}. Everything "
     "may be left out. \"oriel pool edit POOL --power-plan PLAN\" makes a pool use it.",
     .arguments = {{"NAME", NAMES_NONE}}, .options = create_options, .run = run_create},
    {"change", "Change a plan", "It holds at once, for sessions that are open too. New settings replace all the old ones.",
     PLAN, .options = change_options, .run = run_change},
    {"delete", "Delete a plan that nothing uses", PLAN, .options = delete_options, .run = run_delete},
    {0},
};

const VerbGroup plan_group = {"plan", "Plans: what happens to desktops when people leave", verbs};
