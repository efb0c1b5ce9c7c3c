#include "cli/cli.h"
#include "cli/print.h"

static const Column people[] = {
    {"USER", "name", SHOW_TEXT},
    {"NAME", "display_name", SHOW_TEXT},
    {"SESSION", "sessions.0.id", SHOW_TEXT},
    {"DESKTOP", "sessions.0.desktop.name", SHOW_TEXT},
    {"STATE", "sessions.0.activity", SHOW_STATE},
    {"MORE", "sessions.1.id", SHOW_TEXT},
    {"LOGGED IN", "last_login_ms", SHOW_TIME},
    {0},
};

static void show_people(Cli *cli, const Json *list)
{
    print_table(list, people);
}

static bool run_find(Cli *cli, const Call *call, GError **error)
{
    g_autoptr(GString) path = g_string_new("people");
    client_query(path, "search", call_argument(call, 0));
    return cli_show(cli, client_request(cli->client, "GET", path->str, NULL, error), show_people);
}

static const Column card[] = {
    {"Helps the members of", "groups", SHOW_LIST},
    {0},
};

static void show_limits(Cli *cli, const Json *limits)
{
    const Json *groups = json_object_get(limits, "groups");
    if (json_is_null(groups))
        g_print("Not limited.\n");
    else if (json_array_size(groups) == 0)
        g_print("Limited to nobody.\n");
    else
        print_card(limits, card);
}

/* "users/ada/helps" or "groups/desk/helps"; NULL: neither or both were given. Caller frees. */
static char *path_of(Cli *cli, const Call *call, GError **error)
{
    const char *user = call_option(call, "user"), *group = call_option(call, "group");
    if ((user != NULL) == (group != NULL)) {
        cli_misused(cli, error, "who is it about? --user USER, or --group GROUP for all its members");
        return NULL;
    }
    return client_path(user ? "users" : "groups", user ? user : group, "helps", NULL);
}

static bool run_show(Cli *cli, const Call *call, GError **error)
{
    g_autofree char *path = path_of(cli, call, error);
    return path && cli_show(cli, client_request(cli->client, "GET", path, NULL, error), show_limits);
}

static bool run_limit(Cli *cli, const Call *call, GError **error)
{
    g_autofree char *path = path_of(cli, call, error);
    g_autoptr(Json) body = json_object();
    if (!path)
        return false;
    call_words(call, "to", "groups", body);
    if (call_flag(call, "none") == (json_object_size(body) > 0))
        return cli_misused(cli, error, "to whom? --to GROUP,… or --none for no limit");
    if (call_flag(call, "none"))
        json_object_set_new(body, "groups", json_null());
    return cli_show(cli, client_request(cli->client, "PUT", path, body, error), show_limits);
}

static const Column rules[] = {
    {"Before somebody looks on", "shadow_consent", SHOW_TEXT},
    {0},
};

static void show_rules(Cli *cli, const Json *settings)
{
    print_card(settings, rules);
}

static bool run_consent(Cli *cli, const Call *call, GError **error)
{
    g_autoptr(Json) body = json_pack("{s:s}", "shadow_consent", call_argument(call, 0));
    return cli_show(cli, client_request(cli->client, "PATCH", "settings/help", body, error), show_rules);
}

#define WHO                                                                                                  \
    {"user", VALUE_TEXT, "USER", .help = "A help desk's own limits", .names = NAMES_USER},                   \
        {"group", VALUE_TEXT, "GROUP", .help = "Those of all members of a group", .names = NAMES_GROUP}

static const Option show_options[] = {WHO, {0}};

static const Option limit_options[] = {
    WHO,
    {"to", VALUE_TEXT, "GROUP,…", .help = "They help the members of these groups; \"\" is nobody"},
    {"none", VALUE_FLAG, .help = "They help everybody"},
    {0},
};

static const Verb verbs[] = {
    {"find", "Find people by part of their name, with their sessions", .arguments = {{"TEXT", NAMES_NONE}}, .run = run_find},
    {"show", "Show whom a help desk may help", .options = show_options, .run = run_show},
    {"limit", "Say whom a help desk may help",
     "Of everybody else it sees and does nothing. Operators and administrators are never limited.", .options = limit_options,
     .run = run_limit},
    {"consent", "Whether people are asked before somebody looks on in their session: ask, or notify",
     .arguments = {{"WORD", NAMES_NONE}}, .run = run_consent},
    {0},
};

const VerbGroup help_desk_group = {"help-desk", "Whom the help desk may help, and how", verbs};
