#include "cli/cli.h"
#include "cli/print.h"

static bool run_stop(Cli *cli, const Call *call, GError **error)
{
    bool machines = call_flag(call, "machines");
    g_autoptr(Json) body = json_pack("{s:b}", "machines", machines);
    const char *question = machines ? "Stop orield and every machine of this host?" : "Stop orield?";
    if (!cli_confirm(cli, call, question, error))
        return false;
    g_autoptr(Json) answer = client_request(cli->client, "POST", "host/stop", body, error);
    if (!answer)
        return false;
    if (cli->json)
        print_json(answer);
    cli_say(cli, machines ? "orield stops its machines, then ends." : "orield ends; its machines go on.");
    return true;
}

static const Option stop_options[] = {
    {"machines", VALUE_FLAG, .help = "The machines too, in an orderly way; desktops in use are kept"},
    {"yes", VALUE_FLAG, .help = "Do not ask first"},
    {0},
};

static const Verb verbs[] = {
    {"stop", "End orield in an orderly way",
     "Machines go on without it and are found again by the next orield, unless --machines.",
     .options = stop_options, .run = run_stop},
    {0},
};

const VerbGroup host_group = {"host", "This host's own service", verbs};
