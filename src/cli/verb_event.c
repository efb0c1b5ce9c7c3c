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

/* Prints what is newer than *last, oldest first, and moves *last. Ids are ULIDs: they sort by time. */
static bool print_newer(Cli *cli, const char *path, unsigned limit, char **last, GError **error)
{
    g_autoptr(Json) list = client_list(cli->client, path, limit, error);
    if (!list)
        return false;
    const Json *items = json_object_get(list, "items");
    for (size_t i = json_array_size(items); i > 0; i--) {
        const Json *event = json_array_get(items, i - 1);
        const char *id = json_string_value(json_object_get(event, "id"));
        if (!id || (*last && strcmp(id, *last) <= 0))
            continue;
        print_line(cli, event);
        g_free(*last);
        *last = g_strdup(id);
    }
    fflush(stdout);
    return true;
}

static bool follow(Cli *cli, const Call *call, GError **error)
{
    g_autofree char *path = events_path(call);
    g_autofree char *last = NULL;
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

static const Option options[] = {
    {"object", VALUE_TEXT, "OBJECT", .help = "Only those of the object with this name or id"},
    {"limit", VALUE_COUNT, "N", "The newest N (50)", .lowest = 1, .highest = 100000},
    {"follow", VALUE_FLAG, .help = "Go on printing new ones, a line each (with --json: an object a line)"},
    {0},
};

static const Verb verbs[] = {
    {"list", "List the audit trail, newest first", .options = options, .run = run_list},
    {0},
};

const VerbGroup event_group = {"event", "The audit trail: who did what", verbs};
