#include <string.h>

#include "base/error.h"
#include "cli/cli.h"
#include "cli/print.h"
#include "cli/session_files.h"

static const Column columns[] = {
    {"ID", "id", SHOW_TEXT},
    {"USER", "user.name", SHOW_TEXT},
    {"POOL", "pool.name", SHOW_TEXT},
    {"DESKTOP", "desktop.name", SHOW_TEXT},
    {"STATE", "activity", SHOW_STATE},
    {"FOR", "since_ms", SHOW_AGE},
    {"FROM", "client", SHOW_TEXT},
    {"POLICY", "policy.name", SHOW_TEXT},
    {"BEGAN", "started_ms", SHOW_TIME},
    {0},
};

static void show_list(Cli *cli, const Json *list)
{
    print_table(list, columns);
}

static const Column card[] = {
    {"Session", "id", SHOW_TEXT},
    {"Person", "user.name", SHOW_TEXT},
    {"Pool", "pool.name", SHOW_TEXT},
    {"Desktop", "desktop.name", SHOW_TEXT},
    {"State", "activity", SHOW_STATE},
    {"For", "since_ms", SHOW_AGE},
    {"Last input", "idle_since_ms", SHOW_AGE},
    {"Agent", "agent", SHOW_TEXT},
    {"From", "client", SHOW_TEXT},
    {"Policy", "policy.name", SHOW_TEXT},
    {"Began", "started_ms", SHOW_TIME},
    {"Ended", "ended_ms", SHOW_TIME},
    {"Because", "end_reason", SHOW_TEXT},
    {"Account in the guest", "log_on.account", SHOW_TEXT},
    {"Own files", "log_on.home", SHOW_YES},
    {"Warnings", "log_on.warnings", SHOW_DETAILS},
    {0},
};

static void show_steps(const Json *steps)
{
    size_t count = json_array_size(steps);
    if (count > 0)
        g_print("Log-on:\n");
    for (size_t i = 0; i < count; i++) {
        const Json *step = json_array_get(steps, i);
        g_autofree char *name = print_safe(json_string_value(json_object_get(step, "name")));
        double at_ms = (double)json_integer_value(json_object_get(step, "at_us")) / 1000;
        double took_ms = (double)json_integer_value(json_object_get(step, "took_us")) / 1000;
        g_print("  %-14s %10.1f ms  (after %.1f ms)\n", name, took_ms, at_ms);
    }
}

static void show_one(Cli *cli, const Json *session)
{
    print_card(session, card);
    show_steps(json_object_get(session, "steps"));
}

static bool run_show(Cli *cli, const Call *call, GError **error)
{
    g_autofree char *path = client_path("sessions", call_argument(call, 0), NULL);
    return cli_show(cli, client_request(cli->client, "GET", path, NULL, error), show_one);
}

/* A local date, or one with a time: "2026-11-23", "2026-11-23T09:00". As milliseconds; caller frees. */
static char *time_of(Cli *cli, const Call *call, const char *option, GError **error)
{
    const char *text = call_option(call, option);
    g_autoptr(GTimeZone) here = g_time_zone_new_local();
    g_autofree char *whole = !text ? NULL : strchr(text, 'T') ? g_strconcat(text, ":00", NULL) : g_strconcat(text, "T00:00:00", NULL);
    g_autoptr(GDateTime) time = whole ? g_date_time_new_from_iso8601(whole, here) : NULL;
    if (time)
        return g_strdup_printf("%" G_GINT64_FORMAT, g_date_time_to_unix(time) * 1000);
    if (text)
        cli_misused(cli, error, "--%s: \"%s\" is no time such as 2026-11-23 or 2026-11-23T09:00", option, text);
    return NULL;
}

static bool run_list(Cli *cli, const Call *call, GError **error)
{
    g_autoptr(GString) path = g_string_new("sessions");
    client_query(path, "user", call_option(call, "user"));
    client_query(path, "pool", call_option(call, "pool"));
    g_autoptr(GError) problem = NULL;
    g_autofree char *from = time_of(cli, call, "from", &problem);
    g_autofree char *until = problem ? NULL : time_of(cli, call, "until", &problem);
    if (problem) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return false;
    }
    client_query(path, "search", call_option(call, "search"));
    client_query(path, "from", from);
    client_query(path, "until", until);
    client_query(path, "ended", call_flag(call, "ended") ? "true" : NULL);
    return cli_show(cli, client_list(cli->client, path->str, 0, error), show_list);
}

static bool run_disconnect(Cli *cli, const Call *call, GError **error)
{
    g_autofree char *path = client_path("sessions", call_argument(call, 0), "disconnect", NULL);
    if (!cli_do(cli, "POST", path, NULL, error))
        return false;
    cli_say(cli, "Session %s is disconnected; its programs go on.", call_argument(call, 0));
    return true;
}

static bool run_lock(Cli *cli, const Call *call, GError **error)
{
    g_autofree char *path = client_path("sessions", call_argument(call, 0), "lock", NULL);
    if (!cli_do(cli, "POST", path, NULL, error))
        return false;
    cli_say(cli, "Session %s is locked.", call_argument(call, 0));
    return true;
}

static bool run_log_off(Cli *cli, const Call *call, GError **error)
{
    g_autofree char *question =
        g_strdup_printf("End session %s with all its programs?", call_argument(call, 0));
    g_autofree char *path = client_path("sessions", call_argument(call, 0), "log-off", NULL);
    if (!cli_confirm(cli, call, question, error) || !cli_do(cli, "POST", path, NULL, error))
        return false;
    cli_say(cli, "Session %s has ended.", call_argument(call, 0));
    return true;
}

static void show_sent(Cli *cli, const Json *sent)
{
    const char *problem = json_string_value(json_object_get(sent, "problem"));
    if (problem)
        cli_say(cli, "Their browser shows it; their screen does not: %s.", problem);
    else
        cli_say(cli, "It is on the screen, and in their browser.");
}

static bool run_message(Cli *cli, const Call *call, GError **error)
{
    g_autofree char *path = client_path("sessions", call_argument(call, 0), "message", NULL);
    g_autoptr(Json) body = json_pack("{s:s}", "text", call_argument(call, 1));
    if (!body)
        return cli_misused(cli, error, "the text is not UTF-8");
    return cli_show(cli, client_request(cli->client, "POST", path, body, error), show_sent);
}

/* Until the person has answered, or had the time to. Looked at again and again: not every help desk hears of other people's sessions. */
static Json *await_answer(Cli *cli, Json *asked, GError **error)
{
    g_autoptr(Json) shadow = asked;
    const char *id = json_string_value(json_object_get(shadow, "id"));
    g_autofree char *path = client_path("shadows", id ? id : "", NULL);
    while (shadow && g_strcmp0(json_string_value(json_object_get(shadow, "state")), "asked") == 0) {
        g_usleep(G_USEC_PER_SEC / 2);
        json_decref(shadow);
        shadow = client_request(cli->client, "GET", path, NULL, error);
    }
    return g_steal_pointer(&shadow);
}

static void show_connection(Cli *cli, const Json *connection)
{
    const char *url = json_string_value(json_object_get(connection, "url"));
    g_print("%s\n", url ? url : "");
}

static bool run_shadow(Cli *cli, const Call *call, GError **error)
{
    const char *mode = call_option(call, "mode");
    g_autofree char *path = client_path("sessions", call_argument(call, 0), "shadow", NULL);
    g_autoptr(Json) body = json_pack("{s:s}", "mode", mode ? mode : "view");
    Json *asked = client_request(cli->client, "POST", path, body, error);
    g_autoptr(Json) shadow = asked ? await_answer(cli, asked, error) : NULL;
    if (!shadow)
        return false;
    const char *id = json_string_value(json_object_get(shadow, "id")), *state = json_string_value(json_object_get(shadow, "state"));
    if (g_strcmp0(state, "allowed") != 0)
        return oriel_fail(error, ORIEL_ERROR_FORBIDDEN, "session \"%s\": its person %s", call_argument(call, 0),
                          g_strcmp0(state, "refused") == 0 ? "does not want you to look on" : "did not answer in time");
    g_autofree char *connect = client_path("shadows", id, "connect", NULL);
    return cli_show(cli, client_request(cli->client, "POST", connect, NULL, error), show_connection);
}

static const Option shadow_options[] = {
    {"mode", VALUE_CHOICE, .choices = "view|control", .help = "Look on, or work in it too (without: view)"},
    {0},
};

static const Option list_options[] = {
    {"user", VALUE_TEXT, "USER", "Only those of this person", .names = NAMES_USER},
    {"ended", VALUE_FLAG, .help = "Also those that have ended"},
    {"pool", VALUE_TEXT, "POOL", "Only those of this pool", .names = NAMES_POOL},
    {"search", VALUE_TEXT, "TEXT", .help = "Only those with this in the name of the person or the desktop"},
    {"from", VALUE_TEXT, "TIME", .help = "Only those that went on then or later: 2026-11-23, or 2026-11-23T09:00"},
    {"until", VALUE_TEXT, "TIME", .help = "Only those that began before"},
    {0},
};

static const Option get_options[] = {
    {"output", VALUE_FILE, "FILE", "Where it goes (the file of its name, here); - is standard output", .names = NAMES_FILE},
    {0},
};

static const Option log_off_options[] = {
    {"yes", VALUE_FLAG, .help = "Do not ask first"},
    {0},
};

static const Verb verbs[] = {
    {"list", "List sessions, newest first", .options = list_options, .run = run_list},
    {"show", "Show a session, and how long each step of its log-on took", .arguments = {{"SESSION", NAMES_SESSION}}, .run = run_show},
    {"disconnect", "Take the picture away; the programs go on", .arguments = {{"SESSION", NAMES_SESSION}},
     .run = run_disconnect},
    {"lock", "Lock a session's screen", "Its person unlocks it by logging in to the portal again; nobody else can.",
     .arguments = {{"SESSION", NAMES_SESSION}}, .run = run_lock},
    {"message", "Show a text to a session's person",
     "In their browser, until they close it. On the screen too where the guest has the agent: a notification on a desktop, lines on a console.",
     .arguments = {{"SESSION", NAMES_SESSION}, {"TEXT", NAMES_NONE}}, .run = run_message},
    {"shadow", "Look on in a session, beside its person, who is asked first",
     "Prints an address that opens it in a browser, once and within 30 seconds. The person sees that you look on, and can end it.",
     .arguments = {{"SESSION", NAMES_SESSION}}, .options = shadow_options, .run = run_shadow},
    {"files", "List the files in the folder Downloads of your desktop",
     "What people move between their computer and their desktop goes through this folder, as far as the desktop's display plan allows. Only the session's own user can: with their token.",
     .arguments = {{"SESSION", NAMES_SESSION}}, .run = run_session_files},
    {"put", "Send a file to the folder Downloads of your desktop",
     "It appears there when it is whole, and gets another name where there is one of that name: the name that it got is printed.",
     .arguments = {{"SESSION", NAMES_SESSION}, {"FILE", NAMES_FILE}}, .run = run_session_put},
    {"get", "Fetch a file from the folder Downloads of your desktop", NULL, .arguments = {{"SESSION", NAMES_SESSION}, {"NAME", NAMES_NONE}},
     .options = get_options, .run = run_session_get},
    {"log-off", "End a session and its programs", "What then happens to the desktop is the pool's --refresh.",
     .arguments = {{"SESSION", NAMES_SESSION}}, .options = log_off_options, .run = run_log_off},
    {0},
};

const VerbGroup session_group = {"session", "People's sessions on desktops", verbs};
