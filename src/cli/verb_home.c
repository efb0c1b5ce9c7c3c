#include "cli/cli.h"
#include "cli/print.h"

static const Column list_columns[] = {
    {"USER", "user.name", SHOW_TEXT},       {"HOME", "name", SHOW_TEXT},
    {"SIZE", "size_bytes", SHOW_SIZE},      {"STATE", "state", SHOW_STATE},
    {"IN USE ON", "desktop.name", SHOW_TEXT}, {"LAST USED", "used_ms", SHOW_TIME},
    {0},
};

static const Column card_columns[] = {
    {"User", "user.name", SHOW_TEXT},         {"Home", "name", SHOW_TEXT},
    {"Id", "id", SHOW_TEXT},                  {"Size", "size_bytes", SHOW_SIZE},
    {"State", "state", SHOW_TEXT},            {"In use on", "desktop.name", SHOW_TEXT},
    {"Last used", "used_ms", SHOW_TIME},      {"Made", "created_ms", SHOW_TIME},
    {0},
};

static void show_list(Cli *cli, const Json *list)
{
    print_table(list, list_columns);
}

static void show_card(Cli *cli, const Json *home)
{
    print_card(home, card_columns);
}

static char *path_of(const Call *call)
{
    return client_path("homes", call_argument(call, 0), call_argument(call, 1), NULL);
}

static bool run_list(Cli *cli, const Call *call, GError **error)
{
    g_autoptr(GString) path = g_string_new("homes");
    client_query(path, "user", call_option(call, "user"));
    return cli_show(cli, client_list(cli->client, path->str, 0, error), show_list);
}

static bool run_show(Cli *cli, const Call *call, GError **error)
{
    g_autofree char *path = path_of(call);
    return cli_show(cli, client_request(cli->client, "GET", path, NULL, error), show_card);
}

static bool run_grow(Cli *cli, const Call *call, GError **error)
{
    g_autofree char *path = path_of(call);
    g_autoptr(Json) body = call_body(call);
    return cli_show(cli, client_request(cli->client, "PATCH", path, body, error), show_card);
}

static bool run_delete(Cli *cli, const Call *call, GError **error)
{
    g_autofree char *question = g_strdup_printf("Delete home \"%s\" of \"%s\" with all files in it?",
                                                call_argument(call, 1), call_argument(call, 0));
    g_autofree char *path = path_of(call);
    if (!cli_confirm(cli, call, question, error) || !cli_do(cli, "DELETE", path, NULL, error))
        return false;
    cli_say(cli, "Home %s of %s is gone.", call_argument(call, 1), call_argument(call, 0));
    return true;
}

static const Option list_options[] = {
    {"user", VALUE_TEXT, "USER", .help = "Only this person's", .names = NAMES_USER},
    {0},
};

static const Option grow_options[] = {
    {"size", VALUE_SIZE, "SIZE", .help = "Its new size, such as \"20 GiB\"", .field = "size_bytes", .required = true},
    {0},
};

static const Option delete_options[] = {
    {"yes", VALUE_FLAG, .help = "Do not ask first"},
    {0},
};

#define HOME .arguments = {{"USER", NAMES_USER}, {"HOME", NAMES_NONE}}

static const Verb verbs[] = {
    {"list", "List homes", .options = list_options, .run = run_list},
    {"show", "Show a home", HOME, .run = run_show},
    {"grow", "Make a home larger", "It grows at once where it is in use, else when it is next used. It never gets smaller.",
     HOME, .options = grow_options, .run = run_grow},
    {"delete", "Delete a home with all files in it", HOME, .options = delete_options, .run = run_delete},
    {0},
};

const VerbGroup home_group = {"home", "Homes: the disks with people's own files", verbs};
