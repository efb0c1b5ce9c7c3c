#include "cli/cli.h"
#include "cli/print.h"

static const Column columns[] = {
    {"ID", "id", SHOW_TEXT},
    {"USER", "user.name", SHOW_TEXT},
    {"POOL", "pool.name", SHOW_TEXT},
    {"DESKTOP", "desktop.name", SHOW_TEXT},
    {"STATE", "state", SHOW_STATE},
    {"FOR", "since_ms", SHOW_AGE},
    {"FROM", "client", SHOW_TEXT},
    {"BEGAN", "started_ms", SHOW_TIME},
    {0},
};

static void show_list(Cli *cli, const Json *list)
{
    print_table(list, columns);
}

static bool run_list(Cli *cli, const Call *call, GError **error)
{
    g_autoptr(GString) path = g_string_new("sessions");
    client_query(path, "user", call_option(call, "user"));
    client_query(path, "pool", call_option(call, "pool"));
    client_query(path, "ended", call_flag(call, "ended") ? "true" : NULL);
    return cli_show(cli, client_list(cli->client, path->str, 0, error), show_list);
}

static bool run_disconnect(Cli *cli, const Call *call, GError **error)
{
    g_autofree char *path = client_path("sessions", call_argument(call, 0), "disconnect", NULL);
    if (!cli_do(cli, "POST", path, NULL, error))
        return false;
    cli_say(cli, "Session %s is disconnected; its programs go on.", call_argument(call, 0));
    return true;
}

static bool run_log_off(Cli *cli, const Call *call, GError **error)
{
    g_autofree char *question =
        g_strdup_printf("End session %s with all its programs?", call_argument(call, 0));
    g_autofree char *path = client_path("sessions", call_argument(call, 0), "log-off", NULL);
    if (!cli_confirm(cli, call, question, error) || !cli_do(cli, "POST", path, NULL, error))
        return false;
    cli_say(cli, "Session %s has ended.", call_argument(call, 0));
    return true;
}

static const Option list_options[] = {
    {"user", VALUE_TEXT, "USER", "Only those of this person", .names = NAMES_USER},
    {"ended", VALUE_FLAG, .help = "Also those that have ended"},
    {"pool", VALUE_TEXT, "POOL", "Only those of this pool", .names = NAMES_POOL},
    {0},
};

static const Option log_off_options[] = {
    {"yes", VALUE_FLAG, .help = "Do not ask first"},
    {0},
};

static const Verb verbs[] = {
    {"list", "List sessions, newest first", .options = list_options, .run = run_list},
    {"disconnect", "Take the picture away; the programs go on", .arguments = {{"SESSION", NAMES_SESSION}},
     .run = run_disconnect},
    {"log-off", "End a session and its programs", "What then happens to the desktop is the pool's --refresh.",
     .arguments = {{"SESSION", NAMES_SESSION}}, .options = log_off_options, .run = run_log_off},
    {0},
};

const VerbGroup session_group = {"session", "People's sessions on desktops", verbs};
