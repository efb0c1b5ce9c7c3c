#include <string.h>

#include "base/error.h"
#include "base/number.h"
#include "cli/cli.h"
#include "cli/print.h"

static const Column list_columns[] = {
    {"KIND", "kind", SHOW_TEXT},
    {"NAME", "name", SHOW_TEXT},
    {"DESKTOPS", "desktops", SHOW_NUMBER},
    {"RUNNING", "running", SHOW_NUMBER},
    {"MEMORY", "memory_bytes", SHOW_SIZE},
    {"DISK", "disk_bytes", SHOW_SIZE},
    {0},
};

static const Column card_columns[] = {
    {"Person", "user.name", SHOW_TEXT},
    {"Desktops", "desktops.used", SHOW_NUMBER},
    {"at most", "desktops.most", SHOW_NUMBER},
    {"as says", "desktops.from.name", SHOW_TEXT},
    {"Running", "running.used", SHOW_NUMBER},
    {"at most", "running.most", SHOW_NUMBER},
    {"as says", "running.from.name", SHOW_TEXT},
    {"Memory", "memory_bytes.used", SHOW_SIZE},
    {"at most", "memory_bytes.most", SHOW_SIZE},
    {"as says", "memory_bytes.from.name", SHOW_TEXT},
    {"Disk", "disk_bytes.used", SHOW_SIZE},
    {"at most", "disk_bytes.most", SHOW_SIZE},
    {"as says", "disk_bytes.from.name", SHOW_TEXT},
    {0},
};

static void show_list(Cli *cli, const Json *list)
{
    print_table(list, list_columns);
}

static void show_card(Cli *cli, const Json *use)
{
    print_card(use, card_columns);
}

static bool run_list(Cli *cli, const Call *call, GError **error)
{
    return cli_show(cli, client_list(cli->client, "quotas", 0, error), show_list);
}

static bool run_show(Cli *cli, const Call *call, GError **error)
{
    g_autofree char *path = client_path("users", call_argument(call, 0), "quota", NULL);
    return cli_show(cli, client_request(cli->client, "GET", path, NULL, error), show_card);
}

static char *path_of(Cli *cli, const Call *call, GError **error)
{
    const char *user = call_option(call, "user"), *group = call_option(call, "group");
    if (!user == !group) {
        g_autofree char *path = verb_path(call->group, call->verb);
        cli_misused(cli, error, "%s: give either --user or --group", path);
        return NULL;
    }
    return user ? client_path("quotas", "users", user, NULL) : client_path("quotas", "groups", group, NULL);
}

static bool body_most(Cli *cli, const Call *call, const char *option, const char *field, Json *body, GError **error)
{
    const char *text = call_option(call, option);
    bool is_size = g_str_has_suffix(field, "_bytes");
    uint64_t most = 0;
    if (!text)
        return true;
    if (strcmp(text, "unlimited") == 0)
        return json_object_set_new(body, field, json_string(text)) == 0;
    if (is_size ? !number_parse_size(text, option, &most, NULL) : !number_parse(text, 0, INT32_MAX, option, &most, NULL))
        return cli_misused(cli, error, "--%s: \"%s\" is neither a %s nor \"unlimited\"", option, text,
                          is_size ? "size such as 4GiB" : "number");
    return json_object_set_new(body, field, json_integer((json_int_t)MIN(most, (uint64_t)INT64_MAX))) == 0;
}

static bool run_set(Cli *cli, const Call *call, GError **error)
{
    g_autoptr(Json) body = json_object();
    g_autofree char *path = path_of(cli, call, error);
    if (!path || !body_most(cli, call, "desktops", "desktops", body, error) ||
        !body_most(cli, call, "running", "running", body, error) ||
        !body_most(cli, call, "memory", "memory_bytes", body, error) || !body_most(cli, call, "disk", "disk_bytes", body, error))
        return false;
    if (json_object_size(body) == 0)
        return cli_misused(cli, error, "oriel quota set: give at least one of --desktops, --running, --memory and --disk");
    g_autoptr(Json) quota = client_request(cli->client, "PUT", path, body, error);
    if (quota && cli->json)
        print_json(quota);
    else if (quota)
        cli_say(cli, "The quota is set; what people have already stays.");
    return quota != NULL;
}

static bool run_remove(Cli *cli, const Call *call, GError **error)
{
    g_autofree char *path = path_of(cli, call, error);
    if (!path || !cli_do(cli, "DELETE", path, NULL, error))
        return false;
    cli_say(cli, "The quota is gone.");
    return true;
}

/* clang-format off */
#define WHOSE \
    {"user", VALUE_TEXT, "USER", "Of this person", .names = NAMES_USER}, \
    {"group", VALUE_TEXT, "GROUP", "Of each member of this group; \"everyone\": of whom nothing else is said", .names = NAMES_GROUP}
/* clang-format on */

static const Option set_options[] = {
    WHOSE,
    {"desktops", VALUE_TEXT, "N", .help = "Desktops at most, or \"unlimited\""},
    {"running", VALUE_TEXT, "N", .help = "Running desktops at most, or \"unlimited\""},
    {"memory", VALUE_TEXT, "SIZE", .help = "Memory of running desktops at most, such as 8GiB, or \"unlimited\""},
    {"disk", VALUE_TEXT, "SIZE", .help = "Disk at most, as large as the desktops see it, or \"unlimited\""},
    {0},
};

static const Option remove_options[] = {WHOSE, {0}};

static const Verb verbs[] = {
    {"list", "List quotas", .run = run_list},
    {"show", "Show what a person uses, and may", .arguments = {{"USER", NAMES_USER}}, .run = run_show},
    {"set", "Set how much a person, or each member of a group, may have",
     "It replaces the quota that was there; what is left out says nothing. A person's own quota is asked first, then the most "
     "generous of their groups, then that of \"everyone\". Desktops that are there already stay.",
     .options = set_options, .run = run_set},
    {"remove", "Take a quota away", .options = remove_options, .run = run_remove},
    {0},
};

const VerbGroup quota_group = {"quota", "Quotas: how much people may have", verbs};
