#include "cli/cli.h"
#include "cli/print.h"

static const Column card_columns[] = {
    {"Second factor for", "totp_roles", SHOW_LIST},
    {"Trusted networks", "trusted_networks", SHOW_LIST},
    {0},
};

static void show_card(Cli *cli, const Json *settings)
{
    print_card(settings, card_columns);
}

static bool run_show(Cli *cli, const Call *call, GError **error)
{
    return cli_show(cli, client_request(cli->client, "GET", "settings/login", NULL, error), show_card);
}

static bool run_edit(Cli *cli, const Call *call, GError **error)
{
    g_autoptr(Json) body = json_object();
    call_words(call, "totp-roles", "totp_roles", body);
    call_words(call, "trusted", "trusted_networks", body);
    if (json_object_size(body) == 0)
        return cli_misused(cli, error,
                           "oriel setting edit: nothing to change; \"oriel setting edit --help\" lists what can be");
    return cli_show(cli, client_request(cli->client, "PATCH", "settings/login", body, error), show_card);
}

static const Option edit_options[] = {
    {"totp-roles", VALUE_TEXT, "ROLE,…", .help = "Whoever has one of them must have a second factor; \"\" is nobody"},
    {"trusted", VALUE_TEXT, "NETWORK,…", .help = "From there no code is asked for: 192.0.2.0/24; \"\" is nowhere"},
    {0},
};

static const Verb verbs[] = {
    {"show", "Show the rules about logging in", .run = run_show},
    {"edit", "Change the rules about logging in", "They hold from the next log-in on.", .options = edit_options,
     .run = run_edit},
    {0},
};

const VerbGroup setting_group = {"setting", "Rules of the whole house", verbs};
