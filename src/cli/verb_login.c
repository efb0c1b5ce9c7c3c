#include "cli/cli.h"
#include "cli/print.h"

static const Column columns[] = {
    {"ID", "id", SHOW_TEXT},        {"USER", "user.name", SHOW_TEXT}, {"FROM", "address", SHOW_TEXT},
    {"BROWSER", "browser", SHOW_TEXT}, {"BY", "means", SHOW_TEXT},       {"SINCE", "since_ms", SHOW_TIME},
    {"SEEN", "seen_ms", SHOW_AGE},  {"THIS ONE", "current", SHOW_YES}, {0},
};

static void show_list(Cli *cli, const Json *list)
{
    print_table(list, columns);
}

static bool run_list(Cli *cli, const Call *call, GError **error)
{
    const char *user = call_option(call, "user");
    g_autoptr(GString) path = g_string_new("logins");
    client_query(path, "user", user);
    client_query(path, "all", user || call_flag(call, "mine") ? NULL : "true");
    return cli_show(cli, client_list(cli->client, path->str, 0, error), show_list);
}

static bool run_revoke(Cli *cli, const Call *call, GError **error)
{
    const char *id = call_argument(call, 0), *user = call_option(call, "user");
    if ((id != NULL) == (user != NULL))
        return cli_misused(cli, error, "oriel login revoke: give the id of one login, or --user for all of a person");
    if (id) {
        g_autofree char *path = client_path("logins", id, NULL);
        if (!cli_do(cli, "DELETE", path, NULL, error))
            return false;
        cli_say(cli, "Login %s has ended.", id);
        return true;
    }
    g_autoptr(GString) path = g_string_new("logins");
    client_query(path, "user", user);
    g_autoptr(Json) answer = client_request(cli->client, "DELETE", path->str, NULL, error);
    if (!answer)
        return false;
    if (cli->json)
        print_json(answer);
    cli_say(cli, "%s is logged out of %" JSON_INTEGER_FORMAT " browsers.", user,
            json_integer_value(json_object_get(answer, "ended")));
    return true;
}

static const Option list_options[] = {
    {"user", VALUE_TEXT, "USER", "Only those of this person", .names = NAMES_USER},
    {"mine", VALUE_FLAG, .help = "Only those of whom the token of --url belongs to"},
    {0},
};

static const Option revoke_options[] = {
    {"user", VALUE_TEXT, "USER", "All of this person", .names = NAMES_USER},
    {0},
};

static const Verb verbs[] = {
    {"list", "List where people are logged in with a browser", .options = list_options, .run = run_list},
    {"revoke", "End a login of a browser, or all of a person",
     "The desktops that are open there are closed at once; their programs go on. API tokens stay: see `oriel token`.",
     .arguments = {{"LOGIN", NAMES_NONE, .optional = true}}, .options = revoke_options, .run = run_revoke},
    {0},
};

const VerbGroup login_group = {"login", "Logins of browsers: where, since when, and their end", verbs};
