#include "cli/cli.h"
#include "cli/print.h"

static const Column list_columns[] = {
    {"NAME", "name", SHOW_TEXT},      {"USER", "user.name", SHOW_TEXT},   {"POOL", "pool.name", SHOW_TEXT},
    {"NETWORKS", "networks", SHOW_LIST}, {"CERTIFICATES", "certificates", SHOW_COUNT}, {"ENABLED", "enabled", SHOW_YES},
    {"LOGINS", "logins", SHOW_NUMBER},   {0},
};

static const Column card_columns[] = {
    {"Name", "name", SHOW_TEXT},
    {"Id", "id", SHOW_TEXT},
    {"User", "user.name", SHOW_TEXT},
    {"Pool", "pool.name", SHOW_TEXT},
    {"Networks", "networks", SHOW_LIST},
    {"Certificates", "certificates", SHOW_LIST},
    {"Enabled", "enabled", SHOW_YES},
    {"Open logins", "logins", SHOW_NUMBER},
    {"Made", "created_ms", SHOW_TIME},
    {0},
};

static void show_list(Cli *cli, const Json *list)
{
    print_table(list, list_columns);
}

static void show_card(Cli *cli, const Json *kiosk)
{
    print_card(kiosk, card_columns);
}

static bool run_list(Cli *cli, const Call *call, GError **error)
{
    return cli_show(cli, client_list(cli->client, "kiosks", 0, error), show_list);
}

static bool run_show(Cli *cli, const Call *call, GError **error)
{
    g_autofree char *path = client_path("kiosks", call_argument(call, 0), NULL);
    return cli_show(cli, client_request(cli->client, "GET", path, NULL, error), show_card);
}

static void body_words(const Call *call, Json *body)
{
    call_words(call, "from", "networks", body);
    call_words(call, "certificate", "certificates", body);
}

static bool run_create(Cli *cli, const Call *call, GError **error)
{
    g_autoptr(Json) body = call_body(call);
    body_words(call, body);
    return cli_show(cli, cli_create(cli, call, "kiosks", body, error), show_card);
}

static bool run_edit(Cli *cli, const Call *call, GError **error)
{
    g_autoptr(Json) body = call_body(call);
    body_words(call, body);
    if (json_object_size(body) == 0)
        return cli_misused(cli, error, "oriel kiosk edit: nothing to change; give --from, --certificate, --user, --pool, --enabled "
                                       "or --name");
    g_autofree char *path = client_path("kiosks", call_argument(call, 0), NULL);
    return cli_show(cli, client_request(cli->client, "PATCH", path, body, error), show_card);
}

static bool run_delete(Cli *cli, const Call *call, GError **error)
{
    const char *name = call_argument(call, 0);
    g_autofree char *question = g_strdup_printf("Delete kiosk \"%s\"? Its devices are logged out.", name);
    g_autofree char *path = client_path("kiosks", name, NULL);
    if (!cli_confirm(cli, call, question, error) || !cli_do(cli, "DELETE", path, NULL, error))
        return false;
    cli_say(cli, "Kiosk %s is gone.", name);
    return true;
}

/* clang-format off */
#define KNOWN_BY \
    {"from", VALUE_TEXT, "NETWORK,…", .help = "Networks whose devices it is: 192.0.2.0/24"}, \
    {"certificate", VALUE_TEXT, "SHA256,…", .help = "Fingerprints of certificates that its devices have"}, \
    {"enabled", VALUE_SWITCH, "yes|no", .help = "Whether it may log in", .field = "enabled"}
/* clang-format on */

static const Option create_options[] = {
    {"user", VALUE_TEXT, "USER", "Whom it logs in as: a user with no other role", .names = NAMES_USER, .field = "user",
     .required = true},
    {"pool", VALUE_TEXT, "POOL", "What it opens", .names = NAMES_POOL, .field = "pool", .required = true},
    KNOWN_BY,
    {"if-missing", VALUE_FLAG, .help = "Do nothing if there is one of that name"},
    {0},
};

static const Option edit_options[] = {
    {"user", VALUE_TEXT, "USER", "Whom it logs in as", .names = NAMES_USER, .field = "user"},
    {"pool", VALUE_TEXT, "POOL", "What it opens", .names = NAMES_POOL, .field = "pool"},
    KNOWN_BY,
    {"name", VALUE_TEXT, "NAME", "Another name", .field = "name"},
    {0},
};

static const Option delete_options[] = {
    {"yes", VALUE_FLAG, .help = "Do not ask first"},
    {0},
};

#define KIOSK .arguments = {{"KIOSK", NAMES_KIOSK}}

static const Verb verbs[] = {
    {"list", "List kiosks", .run = run_list},
    {"show", "Show a kiosk", KIOSK, .run = run_show},
    {"create", "Let a device log in by itself and open one pool",
     "It is known by its address, by a certificate, or by both where both are given. The setting client_certificates = yes makes "
     "the gateway ask browsers for a certificate. Whoever stands before the device has its account: nothing but the pool is open "
     "to them.",
     .arguments = {{"NAME", NAMES_NONE}}, .options = create_options, .run = run_create},
    {"edit", "Change a kiosk", "Its devices are logged out, and log in anew if they still may.", KIOSK, .options = edit_options,
     .run = run_edit},
    {"delete", "Delete a kiosk", KIOSK, .options = delete_options, .run = run_delete},
    {0},
};

const VerbGroup kiosk_group = {"kiosk", "Kiosks: devices that log in by themselves", verbs};
