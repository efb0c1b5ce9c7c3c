#include "cli/cli.h"
#include "cli/print.h"

static const Column columns[] = {
    {"Host", "host", SHOW_TEXT},
    {"Version", "version", SHOW_TEXT},
    {"Up for", "started_ms", SHOW_AGE},
    {"Accelerator", "accelerator.name", SHOW_TEXT},
    {"Why", "accelerator.reason", SHOW_TEXT},
    {"QEMU", "qemu", SHOW_TEXT},
    {"Store", "store", SHOW_TEXT},
    {"Memory for machines", "memory.limit_bytes", SHOW_SIZE},
    {"Memory of machines", "memory.used_bytes", SHOW_SIZE},
    {"One more desktop", "memory.desktop_bytes", SHOW_SIZE},
    {"Disk free", "disk.free_bytes", SHOW_SIZE},
    {"Images", "counts.images", SHOW_NUMBER},
    {"Pools", "counts.pools", SHOW_NUMBER},
    {"Templates ready", "counts.templates", SHOW_NUMBER},
    {"Desktops", "counts.desktops", SHOW_NUMBER},
    {"Desktops running", "counts.running", SHOW_NUMBER},
    {"Desktops starting", "counts.starting", SHOW_NUMBER},
    {"Desktops failed", "counts.failed", SHOW_NUMBER},
    {"Room for more", "counts.room", SHOW_NUMBER},
    {"Waiting machines", "counts.waiting", SHOW_NUMBER},
    {"Sessions", "counts.sessions", SHOW_NUMBER},
    {"Jobs under way", "counts.jobs", SHOW_NUMBER},
    {"Users", "counts.users", SHOW_NUMBER},
    {0},
};

static void show(Cli *cli, const Json *status)
{
    print_card(status, columns);
    const Json *warnings = json_object_get(status, "warnings");
    for (size_t i = 0; i < json_array_size(warnings); i++) {
        g_autofree char *sentence = print_safe(json_string_value(json_array_get(warnings, i)));
        printf("Warning: %s\n", sentence);
    }
}

static bool run(Cli *cli, const Call *call, GError **error)
{
    return cli_show(cli, client_request(cli->client, "GET", "status", NULL, error), show);
}

static const Verb verbs[] = {
    {NULL, "Show how this host is: accelerator, memory, disk, counts",
     "Asks orield for its accelerator and why it was chosen, the memory and disk that machines may use, and "
     "how many "
     "desktops, sessions and jobs there are.",
     .run = run},
    {0},
};

const VerbGroup status_group = {"status", "How this host is", verbs};
