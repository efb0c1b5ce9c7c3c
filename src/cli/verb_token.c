#include "cli/cli.h"
#include "cli/print.h"

static const Column list_columns[] = {
    {"ID", "id", SHOW_TEXT},
    {"NAME", "name", SHOW_TEXT},
    {"FOR", "scopes", SHOW_LIST},
    {"MADE", "created_ms", SHOW_TIME},
    {"GOOD UNTIL", "expires_ms", SHOW_TIME},
    {"LAST USED", "last_used_ms", SHOW_TIME},
    {0},
};

static const Column made_columns[] = {
    {"Id", "id", SHOW_TEXT},
    {"Name", "name", SHOW_TEXT},
    {"For", "scopes", SHOW_LIST},
    {"Good until", "expires_ms", SHOW_TIME},
    {"Token", "token", SHOW_TEXT},
    {0},
};

static void show_list(Cli *cli, const Json *list)
{
    print_table(list, list_columns);
}

static void show_made(Cli *cli, const Json *token)
{
    print_card(token, made_columns);
}

static bool run_list(Cli *cli, const Call *call, GError **error)
{
    g_autoptr(GString) path = g_string_new("tokens");
    client_query(path, "user", call_option(call, "user"));
    return cli_show(cli, client_list(cli->client, path->str, 0, error), show_list);
}

static bool run_create(Cli *cli, const Call *call, GError **error)
{
    g_autoptr(Json) body = call_body(call);
    json_object_set_new(body, "name", json_string(call_argument(call, 0)));
    call_words(call, "scope", "scopes", body);
    if (call_flag(call, "forever"))
        json_object_set_new(body, "days", json_null());
    return cli_show(cli, client_request(cli->client, "POST", "tokens", body, error), show_made);
}

static bool run_delete(Cli *cli, const Call *call, GError **error)
{
    g_autofree char *path = client_path("tokens", call_argument(call, 0), NULL);
    if (!cli_do(cli, "DELETE", path, NULL, error))
        return false;
    cli_say(cli, "Token %s is void.", call_argument(call, 0));
    return true;
}

static const Option list_options[] = {
    {"user", VALUE_TEXT, "USER", "Whose; on orield's own socket always needed", .names = NAMES_USER},
    {0},
};

static const Option create_options[] = {
    {"user", VALUE_TEXT, "USER", "Whose it is; on orield's own socket always needed, from elsewhere never", .names = NAMES_USER,
     .field = "user"},
    {"days", VALUE_COUNT, "N", "How long it is good (365)", .lowest = 1, .highest = 3650, .field = "days"},
    {"scope", VALUE_TEXT, "SCOPE,…",
     .help = "What it may do: all, read, portal, account, desktops, sessions, pools, images, users, jobs, audit, hosts"},
    {"forever", VALUE_FLAG, .help = "It has no end"},
    {0},
};

static const Verb verbs[] = {
    {"list", "List a person's API tokens", .options = list_options, .run = run_list},
    {"create", "Make an API token; it is shown this once",
     "NAME says what it is for. The token has its owner's rights, less what --scope leaves out. A token makes no tokens: this is for the host "
     "itself, where --user says whose it is. People make their own in the web pages.",
     .arguments = {{"NAME", NAMES_NONE}}, .options = create_options, .run = run_create},
    {"delete", "Make a token void", .arguments = {{"TOKEN", NAMES_TOKEN}}, .run = run_delete},
    {0},
};

const VerbGroup token_group = {"token", "API tokens for scripts", verbs};
