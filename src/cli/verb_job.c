#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "cli/cli.h"
#include "cli/print.h"
#include "cli/watch.h"

static const Column list_columns[] = {
    {"ID", "id", SHOW_TEXT},
    {"TITLE", "title", SHOW_TEXT},
    {"STATE", "state", SHOW_STATE},
    {"%", "progress", SHOW_NUMBER},
    {"STEP", "step", SHOW_TEXT},
    {"BEGAN", "created_ms", SHOW_TIME},
    {0},
};

static const Column card_columns[] = {
    {"Title", "title", SHOW_TEXT},
    {"Id", "id", SHOW_TEXT},
    {"Kind", "kind", SHOW_TEXT},
    {"State", "state", SHOW_TEXT},
    {"Per cent", "progress", SHOW_NUMBER},
    {"Step", "step", SHOW_TEXT},
    {"Works on", "object.name", SHOW_TEXT},
    {"Begun by", "actor", SHOW_TEXT},
    {"Error", "error", SHOW_TEXT},
    {"Asked for", "created_ms", SHOW_TIME},
    {"Began", "started_ms", SHOW_TIME},
    {"Ended", "ended_ms", SHOW_TIME},
    {0},
};

static void show_list(Cli *cli, const Json *list)
{
    print_table(list, list_columns);
}

static void show_card(Cli *cli, const Json *job)
{
    print_card(job, card_columns);
}

static bool run_list(Cli *cli, const Call *call, GError **error)
{
    g_autoptr(GString) path = g_string_new("jobs");
    client_query(path, "state", call_option(call, "state"));
    return cli_show(cli, client_list(cli->client, path->str, (unsigned)call_number(call, "limit", 50), error),
                    show_list);
}

static bool run_show(Cli *cli, const Call *call, GError **error)
{
    g_autofree char *path = client_path("jobs", call_argument(call, 0), NULL);
    return cli_show(cli, client_request(cli->client, "GET", path, NULL, error), show_card);
}

/* A log goes to a terminal without its control characters, but with its lines. */
static bool log_write_out(const Cli *cli, GBytes *log, GError **error)
{
    size_t length = 0;
    const char *bytes = g_bytes_get_data(log, &length);
    if (!cli->terminal_out)
        return fd_write_all(STDOUT_FILENO, bytes, length, error);
    g_autofree char *text = g_strndup(bytes ? bytes : "", length);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (size_t i = 0; lines[i] && (lines[i + 1] || *lines[i]); i++) {
        g_autofree char *safe = print_safe(lines[i]);
        puts(safe);
    }
    return true;
}

static bool run_log(Cli *cli, const Call *call, GError **error)
{
    g_autofree char *path = client_path("jobs", call_argument(call, 0), "log", NULL);
    uint64_t next = 0, from;
    do {
        from = next;
        g_autofree char *page = g_strdup_printf("%s?from=%" G_GUINT64_FORMAT, path, from);
        g_autoptr(GBytes) log = client_fetch(cli->client, page, &next, error);
        if (!log || !log_write_out(cli, log, error))
            return false;
    } while (next > from);
    return true;
}

static bool run_cancel(Cli *cli, const Call *call, GError **error)
{
    g_autofree char *path = client_path("jobs", call_argument(call, 0), "cancel", NULL);
    if (!cli_do(cli, "POST", path, NULL, error))
        return false;
    cli_say(cli, "Job %s was asked to stop.", call_argument(call, 0));
    return true;
}

static bool run_watch(Cli *cli, const Call *call, GError **error)
{
    g_autoptr(Json) job = watch_job(cli, call_argument(call, 0), error);
    if (job && cli->json)
        print_json(job);
    return job != NULL;
}

static const Option list_options[] = {
    {"state", VALUE_CHOICE, .choices = "queued|running|done|failed|cancelled",
     .help = "Only those in this state"},
    {"limit", VALUE_COUNT, "N", "The newest N (50)", .lowest = 1, .highest = 100000},
    {0},
};

#define JOB .arguments = {{"JOB", NAMES_JOB}}

static const Verb verbs[] = {
    {"list", "List jobs, newest first", .options = list_options, .run = run_list},
    {"show", "Show a job", JOB, .run = run_show},
    {"watch", "Follow a job with its progress until it ends",
     "Ctrl-C asks whether to cancel it or to leave it running.", JOB, .run = run_watch},
    {"log", "Print what a job has printed so far", JOB, .run = run_log},
    {"cancel", "Ask a job to stop", JOB, .run = run_cancel},
    {0},
};

const VerbGroup job_group = {"job", "Long work: builds, boots", verbs};
