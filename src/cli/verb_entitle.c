#include "base/error.h"
#include "cli/cli.h"
#include "cli/print.h"

static const Column columns[] = {
    {"KIND", "kind", SHOW_TEXT},
    {"NAME", "name", SHOW_TEXT},
    {0},
};

static void show_list(Cli *cli, const Json *list)
{
    print_table(list, columns);
}

static bool run_list(Cli *cli, const Call *call, GError **error)
{
    g_autofree char *path = client_path("pools", call_argument(call, 0), "entitlements", NULL);
    return cli_show(cli, client_list(cli->client, path, 0, error), show_list);
}

static bool change(Cli *cli, const Call *call, const char *method, const char *sentence, GError **error)
{
    const char *pool = call_argument(call, 0);
    const char *user = call_option(call, "user"), *group = call_option(call, "group");
    if (!user == !group) {
        g_autofree char *path = verb_path(call->group, call->verb);
        return cli_misused(cli, error, "%s: give either --user or --group", path);
    }
    g_autofree char *path = user ? client_path("pools", pool, "entitlements", "users", user, NULL)
                                 : client_path("pools", pool, "entitlements", "groups", group, NULL);
    if (!cli_do(cli, method, path, NULL, error))
        return false;
    cli_say(cli, "%s %s %s pool %s.", user ? "User" : "Group", user ? user : group, sentence, pool);
    return true;
}

static bool run_add(Cli *cli, const Call *call, GError **error)
{
    return change(cli, call, "PUT", "may use", error);
}

static bool run_remove(Cli *cli, const Call *call, GError **error)
{
    return change(cli, call, "DELETE", "may no longer use", error);
}

static const Option options[] = {
    {"user", VALUE_TEXT, "USER", "The person", .names = NAMES_USER},
    {"group", VALUE_TEXT, "GROUP", "All members of this group, now and later", .names = NAMES_GROUP},
    {0},
};

#define POOL .arguments = {{"POOL", NAMES_POOL}}

static const Verb verbs[] = {
    {"list", "List who may use a pool", POOL, .run = run_list},
    {"add", "Let a user or a group use a pool", POOL, .options = options, .run = run_add},
    {"remove", "Take it back", "Sessions go on until they end; new ones are refused.", POOL,
     .options = options, .run = run_remove},
    {0},
};

const VerbGroup entitle_group = {"entitle", "Who may use which pool", verbs};
