#include <string.h>

#include "base/error.h"
#include "cli/cli.h"
#include "cli/print.h"

static const Column list_columns[] = {
    {"NAME", "name", SHOW_TEXT},
    {"MEMBERS", "members", SHOW_COUNT},
    {"DIRECTORY", "directory.name", SHOW_TEXT},
    {"SHOWN AS", "display_name", SHOW_TEXT},
    {0},
};

static const Column card_columns[] = {
    {"Name", "name", SHOW_TEXT},
    {"Id", "id", SHOW_TEXT},
    {"Shown as", "display_name", SHOW_TEXT},
    {"Directory", "directory.name", SHOW_TEXT},
    {"Its group there", "directory_group", SHOW_TEXT},
    {"Not there since", "missing_since_ms", SHOW_TIME},
    {"Members", "members", SHOW_LIST},
    {"Made", "created_ms", SHOW_TIME},
    {0},
};

static void show_list(Cli *cli, const Json *list)
{
    print_table(list, list_columns);
}

static void show_card(Cli *cli, const Json *group)
{
    print_card(group, card_columns);
}

static bool run_list(Cli *cli, const Call *call, GError **error)
{
    return cli_show(cli, client_list(cli->client, "groups", 0, error), show_list);
}

static bool run_show(Cli *cli, const Call *call, GError **error)
{
    g_autofree char *path = client_path("groups", call_argument(call, 0), NULL);
    return cli_show(cli, client_request(cli->client, "GET", path, NULL, error), show_card);
}

static bool run_create(Cli *cli, const Call *call, GError **error)
{
    g_autoptr(Json) body = call_body(call);
    if (!call_option(call, "directory") != !call_option(call, "directory-group"))
        return cli_misused(cli, error, "oriel group create: --directory and --directory-group go together");
    return cli_show(cli, cli_create(cli, call, "groups", body, error), show_card);
}

static bool run_edit(Cli *cli, const Call *call, GError **error)
{
    g_autoptr(Json) body = call_body(call);
    if (json_object_size(body) == 0)
        return cli_misused(cli, error, "oriel group edit: nothing to change; give --title");
    g_autofree char *path = client_path("groups", call_argument(call, 0), NULL);
    return cli_show(cli, client_request(cli->client, "PATCH", path, body, error), show_card);
}

static bool run_add(Cli *cli, const Call *call, GError **error)
{
    const char *group = call_argument(call, 0), *user = call_argument(call, 1);
    g_autofree char *path = client_path("groups", group, "members", user, NULL);
    if (!cli_do(cli, "PUT", path, NULL, error))
        return false;
    if (strcmp(group, "everyone") == 0)
        cli_say(cli, "Every enabled user is in everyone, with or without this; nothing was changed.");
    else
        cli_say(cli, "%s is a member of %s.", user, group);
    return true;
}

/* A built-in group has no list: what is asked of it is for orield to refuse. */
static bool is_member(const Json *group, const char *user)
{
    size_t index;
    json_t *member;
    if (!group || json_is_true(json_object_get(group, "built_in")))
        return true;
    json_array_foreach(json_object_get(group, "members"), index, member)
        if (g_strcmp0(json_string_value(json_object_get(member, "name")), user) == 0 ||
            g_strcmp0(json_string_value(json_object_get(member, "id")), user) == 0)
            return true;
    return false;
}

static bool run_remove(Cli *cli, const Call *call, GError **error)
{
    const char *name = call_argument(call, 0), *user = call_argument(call, 1);
    g_autofree char *group_path = client_path("groups", name, NULL);
    g_autoptr(Json) group = client_request(cli->client, "GET", group_path, NULL, error);
    if (!group)
        return false;
    g_autofree char *path = client_path("groups", name, "members", user, NULL);
    if (!cli_do(cli, "DELETE", path, NULL, error))
        return false;
    if (is_member(group, user))
        cli_say(cli, "%s is no longer a member of %s.", user, name);
    else
        cli_say(cli, "%s was no member of %s; nothing was changed.", user, name);
    return true;
}

static bool run_delete(Cli *cli, const Call *call, GError **error)
{
    const char *name = call_argument(call, 0);
    g_autofree char *question = g_strdup_printf("Delete group \"%s\" with its entitlements?", name);
    g_autofree char *path = client_path("groups", name, NULL);
    if (!cli_confirm(cli, call, question, error) || !cli_do(cli, "DELETE", path, NULL, error))
        return false;
    cli_say(cli, "Group %s is gone; its members stay.", name);
    return true;
}

static const Option create_options[] = {
    {"title", VALUE_TEXT, "TEXT", .help = "What people see instead of the name", .field = "display_name"},
    {"directory", VALUE_TEXT, "DIRECTORY", .help = "It is a group of this directory, which says who is a member",
     .names = NAMES_DIRECTORY, .field = "directory"},
    {"directory-group", VALUE_TEXT, "NAME", .help = "Its name or DN there; checked at once", .field = "directory_group"},
    {"if-missing", VALUE_FLAG, .help = "Do nothing if there is one of that name"},
    {0},
};

static const Option edit_options[] = {
    {"title", VALUE_TEXT, "TEXT", .help = "What people see instead of the name", .field = "display_name"},
    {0},
};

static const Option delete_options[] = {
    {"yes", VALUE_FLAG, .help = "Do not ask first"},
    {0},
};

#define GROUP .arguments = {{"GROUP", NAMES_GROUP}}
#define GROUP_USER .arguments = {{"GROUP", NAMES_GROUP}, {"USER", NAMES_USER}}

static const Verb verbs[] = {
    {"list", "List groups", .run = run_list},
    {"show", "Show a group and its members", GROUP, .run = run_show},
    {"create", "Make a group", .arguments = {{"NAME", NAMES_NONE}}, .options = create_options,
     .run = run_create},
    {"edit", "Change a group", GROUP, .options = edit_options, .run = run_edit},
    {"add-member", "Make a user a member", GROUP_USER, .run = run_add},
    {"remove-member", "End a membership", GROUP_USER, .run = run_remove},
    {"delete", "Delete a group with its entitlements", GROUP, .options = delete_options, .run = run_delete},
    {0},
};

const VerbGroup group_group = {"group", "Groups of users", verbs};
