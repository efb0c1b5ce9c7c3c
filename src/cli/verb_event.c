#include <string.h>

#include "base/error.h"
#include "cli/cli.h"
#include "cli/print.h"

/* A look without being told, for what a lost event would hide. */
enum { QUIET_MS = 60000 };

static const Column columns[] = {
    {"TIME", "time_ms", SHOW_TIME},       {"ACTOR", "actor", SHOW_TEXT},
    {"FROM", "address", SHOW_TEXT},       {"ACTION", "action", SHOW_TEXT},
    {"OBJECT", "object.name", SHOW_TEXT}, {"RESULT", "result", SHOW_STATE},
    {"DETAIL", "detail", SHOW_DETAILS},   {0},
};

static void show_list(Cli *cli, const Json *list)
{
    print_table(list, columns);
}

/* One event as a line that stands for itself: a table's columns are not known before its end. */
static void print_line(const Cli *cli, const Json *event)
{
    if (cli->json) {
        g_autofree char *text = json_text(event);
        puts(text);
        return;
    }
    g_autoptr(GString) line = g_string_new(NULL);
    for (size_t i = 0; columns[i].title; i++) {
        g_autofree char *cell = print_value(event, &columns[i]);
        g_string_append_printf(line, "%s%s", *cell && i ? "  " : "", cell);
    }
    puts(line->str);
}

static char *events_path(const Call *call)
{
    GString *path = g_string_new("events");
    client_query(path, "object", call_option(call, "object"));
    return g_string_free(path, FALSE);
}

/* Prints what is newer than *last, oldest first, and moves *last. */
static bool print_newer(Cli *cli, const char *path, unsigned limit, int64_t *last, GError **error)
{
    g_autoptr(Json) list = client_list(cli->client, path, limit, error);
    if (!list)
        return false;
    const Json *items = json_object_get(list, "items");
    for (size_t i = json_array_size(items); i > 0; i--) {
        const Json *event = json_array_get(items, i - 1);
        int64_t sequence = json_integer_value(json_object_get(event, "sequence"));
        if (sequence <= *last)
            continue;
        print_line(cli, event);
        *last = sequence;
    }
    fflush(stdout);
    return true;
}

static bool follow(Cli *cli, const Call *call, GError **error)
{
    g_autofree char *path = events_path(call);
    int64_t last = 0;
    if (!print_newer(cli, path, (unsigned)call_number(call, "limit", 10), &last, error))
        return false;
    g_autoptr(ClientStream) stream = client_stream(cli->client, "stream", error);
    while (stream) {
        g_auto(StreamEvent) event = {0};
        if (client_stream_next(stream, QUIET_MS, -1, &event, error) == STREAM_CLOSED)
            return false;
        bool progress_only = event.event && strcmp(event.event, "job") == 0;
        if (!progress_only && !print_newer(cli, path, 100, &last, error))
            return false;
    }
    return false;
}

static bool run_list(Cli *cli, const Call *call, GError **error)
{
    if (call_flag(call, "follow"))
        return follow(cli, call, error);
    g_autofree char *path = events_path(call);
    return cli_show(cli, client_list(cli->client, path, (unsigned)call_number(call, "limit", 50), error),
                    show_list);
}

static const Column verdict_columns[] = {
    {"Events", "count", SHOW_NUMBER},
    {"First", "first_sequence", SHOW_NUMBER},
    {"Last", "last_sequence", SHOW_NUMBER},
    {"Hash of the last", "hash", SHOW_TEXT},
    {"Removed by retention up to", "anchor.sequence", SHOW_NUMBER},
    {0},
};

static void show_verdict(Cli *cli, const Json *verdict)
{
    print_card(verdict, verdict_columns);
    if (json_is_true(json_object_get(verdict, "whole")))
        puts("The chain is whole: these are the events that were written.");
}

/* A broken chain is a failure of the command, so that a script notices. */
static bool run_verify(Cli *cli, const Call *call, GError **error)
{
    g_autoptr(Json) verdict = client_request(cli->client, "GET", "events/verify", NULL, error);
    if (!cli_show(cli, json_incref(verdict), show_verdict))
        return false;
    const Json *problem = json_object_get(verdict, "problem");
    if (!json_is_object(problem))
        return true;
    return oriel_fail(error, ORIEL_ERROR_CORRUPT, "audit trail: %s",
                      json_string_value(json_object_get(problem, "reason")));
}

static const Option options[] = {
    {"object", VALUE_TEXT, "OBJECT", .help = "Only those of the object with this name or id"},
    {"limit", VALUE_COUNT, "N", "The newest N (50)", .lowest = 1, .highest = 100000},
    {"follow", VALUE_FLAG, .help = "Go on printing new ones, a line each (with --json: an object a line)"},
    {0},
};

static const Verb verbs[] = {
    {"list", "List the audit trail, newest first", .options = options, .run = run_list},
    {"verify", "Check that no event was changed, removed or put in",
     "Reads all events and computes the chain of their hashes anew. Says how many there are and the hash of the last, "
     "or which one was changed, removed or put in; then the exit code is not 0. Keep the number and hash of the last "
     "elsewhere, or forward the events, to notice also that somebody wrote the whole chain anew.",
     .run = run_verify},
    {0},
};

const VerbGroup event_group = {"event", "The audit trail: who did what", verbs};
