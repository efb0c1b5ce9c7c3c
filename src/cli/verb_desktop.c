#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/secret.h"
#include "cli/cli.h"
#include "cli/print.h"
#include "cli/watch.h"

static const Column list_columns[] = {
    {"NAME", "name", SHOW_TEXT},        {"STATE", "state", SHOW_STATE},
    {"USER", "user.name", SHOW_TEXT},   {"SESSION", "session.state", SHOW_STATE},
    {"IMAGE", "image.name", SHOW_TEXT}, {"VERSION", "version", SHOW_NUMBER},
    {"AGENT", "agent", SHOW_STATE},     {"SINCE", "updated_ms", SHOW_AGE},
    {"ERROR", "error", SHOW_TEXT},      {0},
};

static const Column card_columns[] = {
    {"Name", "name", SHOW_TEXT},
    {"Id", "id", SHOW_TEXT},
    {"Pool", "pool.name", SHOW_TEXT},
    {"State", "state", SHOW_TEXT},
    {"Error", "error", SHOW_TEXT},
    {"Assigned to", "user.name", SHOW_TEXT},
    {"Seat on", "seat_of.name", SHOW_TEXT},
    {"Seats", "seats", SHOW_NUMBER},
    {"Seats in use", "seats_taken", SHOW_NUMBER},
    {"Maintenance", "maintenance", SHOW_YES},
    {"Session", "session.state", SHOW_TEXT},
    {"Session id", "session.id", SHOW_TEXT},
    {"Agent", "agent", SHOW_TEXT},
    {"Image", "image.name", SHOW_TEXT},
    {"Version", "version", SHOW_NUMBER},
    {"Protocol", "machine.protocol", SHOW_TEXT},
    {"Address", "machine.address", SHOW_TEXT},
    {"Port", "machine.port", SHOW_NUMBER},
    {"Wake-on-LAN", "machine.mac", SHOW_TEXT},
    {"Desired", "desired", SHOW_TEXT},
    {"Observed", "observed", SHOW_TEXT},
    {"Generation", "generation", SHOW_NUMBER},
    {"Made", "created_ms", SHOW_TIME},
    {"Changed", "updated_ms", SHOW_TIME},
    {0},
};

static const Column connection_columns[] = {
    {"Desktop", "desktop.name", SHOW_TEXT},
    {"Session", "session.id", SHOW_TEXT},
    {"Open before", "expires_ms", SHOW_TIME},
    {"URL", "url", SHOW_TEXT},
    {"File", "file.name", SHOW_TEXT},
    {0},
};

static void show_list(Cli *cli, const Json *list)
{
    print_table(list, list_columns);
}

static void show_card(Cli *cli, const Json *desktop)
{
    print_card(desktop, card_columns);
}

static void show_connection(Cli *cli, const Json *connection)
{
    print_card(connection, connection_columns);
}

static bool run_list(Cli *cli, const Call *call, GError **error)
{
    g_autoptr(GString) path = g_string_new("desktops");
    client_query(path, "pool", call_option(call, "pool"));
    client_query(path, "state", call_option(call, "state"));
    client_query(path, "user", call_option(call, "user"));
    client_query(path, "search", call_option(call, "search"));
    return cli_show(cli, client_list(cli->client, path->str, 0, error), show_list);
}

static bool run_show(Cli *cli, const Call *call, GError **error)
{
    g_autofree char *path = client_path("desktops", call_argument(call, 0), NULL);
    return cli_show(cli, client_request(cli->client, "GET", path, NULL, error), show_card);
}

/* Its ticket is for whoever runs this alone. */
static bool file_save(Cli *cli, const Call *call, Json *connection, GError **error)
{
    const char *output = call_option(call, "output");
    Json *file = json_object_get(connection, "file");
    const char *text = json_string_value(json_object_get(file, "text"));
    if (!text || (!output && cli->json))
        return true;
    if (output && strcmp(output, "-") == 0)
        return fd_write_all(STDOUT_FILENO, text, strlen(text), error);
    g_autofree char *name = g_path_get_basename(json_string_value(json_object_get(file, "name")));
    if (!file_write_atomic(output ? output : name, text, strlen(text), 0600, error))
        return false;
    if (output)
        json_object_set_new(file, "name", json_string(output));
    return true;
}

static bool connection_show(Cli *cli, const Call *call, Json *taken, GError **error)
{
    g_autoptr(Json) connection = taken;
    if (!file_save(cli, call, connection, error))
        return false;
    bool piped = g_strcmp0(call_option(call, "output"), "-") == 0 && json_object_get(connection, "file");
    return piped || cli_show(cli, g_steal_pointer(&connection), show_connection);
}

/* Who asked for another desktop has it once a job boots it: from then on that one is meant. */
static void keep_to(Json *body, const Json *object)
{
    const char *id = json_string_value(json_object_get(object, "id"));
    if (!json_object_get(body, "another") || g_strcmp0(json_string_value(json_object_get(object, "kind")), "desktop") != 0 || !id)
        return;
    json_object_del(body, "another");
    json_object_set_new(body, "desktop", json_string(id));
}

/* A click: where the desktop must boot first, waits for that and clicks again. */
static bool run_connect(Cli *cli, const Call *call, GError **error)
{
    g_autofree char *path = client_path("pools", call_argument(call, 0), "connect", NULL);
    g_autoptr(Json) body = call_body(call);
    if (cli->socket && !call_option(call, "user")) /* it is nobody's own */
        return cli_misused(cli, error, "oriel desktop connect: --user is missing: whom is the desktop for?");
    if (call_flag(call, "another"))
        json_object_set_new(body, "another", json_true());
    for (;;) {
        g_autoptr(Json) answer = client_request(cli->client, "POST", path, body, error);
        if (!answer)
            return false;
        const char *job_id = json_string_value(json_object_get(json_object_get(answer, "job"), "id"));
        keep_to(body, json_object_get(json_object_get(answer, "job"), "object"));
        if (!job_id || !cli->wait)
            return connection_show(cli, call, g_steal_pointer(&answer), error);
        g_autoptr(Json) job = watch_job(cli, job_id, error);
        if (!job)
            return false;
    }
}

static bool run_console(Cli *cli, const Call *call, GError **error)
{
    g_autofree char *path = client_path("desktops", call_argument(call, 0), "connect", NULL);
    return cli_show(cli, client_request(cli->client, "POST", path, NULL, error), show_connection);
}

/* What a power verb waits for. */
typedef struct {
    const char *title;
    const char *state; /* NULL: any state that lasts, once the new generation is there */
} Goal;

/* Whether somebody has started it meanwhile, most often its pool, which keeps spares. */
static bool wanted_again(const Json *desktop)
{
    const char *desired = json_string_value(json_object_get(desktop, "desired"));
    return desired && strcmp(desired, "stopped") != 0;
}

/* Of a spare nothing is kept: one that was stopped is absent. */
static bool stop_is_over(const Json *desktop, const char *state)
{
    return g_strcmp0(state, "stopped") == 0 || g_strcmp0(state, "absent") == 0 || wanted_again(desktop);
}

static WatchVerdict goal_look(void *context, const Json *desktop, Progress *progress, GError **error)
{
    const Goal *goal = context;
    const char *state = json_string_value(json_object_get(desktop, "state"));
    progress_set(progress, goal->title, -1, state);
    if (g_strcmp0(goal->state, "stopped") == 0 && stop_is_over(desktop, state))
        return WATCH_DONE;
    if (g_strcmp0(state, "failed") == 0) {
        const char *sentence = json_string_value(json_object_get(desktop, "error"));
        oriel_fail(error, ORIEL_ERROR_INTERNAL, "%s", sentence ? sentence : "the desktop failed");
        return WATCH_FAILED;
    }
    /* Refreshed, and its pool has enough free ones without it. */
    if (!goal->state && g_strcmp0(state, "deleting") == 0)
        return WATCH_DONE;
    if (goal->state)
        return g_strcmp0(state, goal->state) == 0 ? WATCH_DONE : WATCH_ON;
    static const char *const lasting[] = {"absent", "running", "stopped", NULL};
    bool settled = state && g_strv_contains(lasting, state);
    return settled && json_integer_value(json_object_get(desktop, "generation")) ==
                          json_integer_value(json_object_get(desktop, "observed_generation"))
               ? WATCH_DONE
               : WATCH_ON;
}

static bool power(Cli *cli, const Call *call, const char *action, const char *state, GError **error)
{
    const char *name = call_argument(call, 0);
    g_autofree char *path = client_path("desktops", name, action, NULL);
    g_autoptr(GString) whole = g_string_new(path);
    client_query(whole, "force", call_flag(call, "force") ? "true" : NULL);
    g_autoptr(Json) desktop = client_request(cli->client, "POST", whole->str, NULL, error);
    if (!desktop)
        return false;
    bool machine = json_is_object(json_object_get(desktop, "machine")); /* it comes up by itself, or does not */
    if (cli->wait && !machine) {
        const char *id = json_string_value(json_object_get(desktop, "id"));
        g_autofree char *object = client_path("desktops", id ? id : name, NULL);
        g_autofree char *title = g_strdup_printf("Desktop %s", name);
        g_autofree char *left = g_strdup_printf("desktop %s goes on without you", name);
        Goal goal = {title, state};
        const Watch watch = {.path = object, .id = id, .look = goal_look, .context = &goal, .left = left};
        g_autoptr(GError) failure = NULL;
        Json *now = watch_until(cli, &watch, &failure);
        bool gone = !state && g_error_matches(failure, ORIEL_ERROR, ORIEL_ERROR_NOT_FOUND);
        if (!now && !gone)
            return g_propagate_error(error, g_steal_pointer(&failure)), false;
        if (gone)
            json_object_set_new(desktop, "state", json_string("gone: its pool has enough free ones without it"));
        else
            json_decref(desktop), desktop = now;
    }
    if (cli->json)
        print_json(desktop);
    const char *now_state = json_string_value(json_object_get(desktop, "state"));
    if (machine)
        cli_say(cli, "Machine %s is looked for, and woken if it does not answer; it was %s. \"oriel job list\" says how far that is.",
                name, now_state ? now_state : "unknown");
    else if (g_strcmp0(state, "stopped") == 0 && wanted_again(desktop))
        cli_say(cli, "Desktop %s is wanted again, by its pool or by somebody: it is %s.", name,
                now_state ? now_state : "unknown");
    else
        cli_say(cli, "Desktop %s is %s.", name, now_state ? now_state : "unknown");
    return true;
}

static bool run_start(Cli *cli, const Call *call, GError **error)
{
    return power(cli, call, "start", "running", error);
}

static bool run_stop(Cli *cli, const Call *call, GError **error)
{
    return power(cli, call, "stop", "stopped", error);
}

static bool run_reset(Cli *cli, const Call *call, GError **error)
{
    return power(cli, call, "reset", "running", error);
}

static bool run_restart(Cli *cli, const Call *call, GError **error)
{
    g_autofree char *path = client_path("desktops", call_argument(call, 0), "restart", NULL);
    g_autoptr(Json) answer = client_request(cli->client, "POST", path, NULL, error);
    const char *id = json_string_value(json_object_get(json_object_get(answer, "job"), "id"));
    if (!answer || !cli->wait)
        return answer != NULL;
    g_autoptr(Json) job = watch_job(cli, id ? id : "", error);
    if (job)
        cli_say(cli, "Desktop %s has restarted.", call_argument(call, 0));
    return job != NULL;
}

static bool run_refresh(Cli *cli, const Call *call, GError **error)
{
    g_autofree char *question =
        g_strdup_printf("Throw away everything on the disk of desktop \"%s\"?", call_argument(call, 0));
    return cli_confirm(cli, call, question, error) && power(cli, call, "refresh", NULL, error);
}

static bool run_release(Cli *cli, const Call *call, GError **error)
{
    g_autofree char *question = g_strdup_printf(
        "Take desktop \"%s\" from its person and throw away everything on its disk?", call_argument(call, 0));
    if (!cli_confirm(cli, call, question, error))
        return false;
    g_autofree char *path = client_path("desktops", call_argument(call, 0), "release", NULL);
    if (!cli_do(cli, "POST", path, NULL, error))
        return false;
    cli_say(cli, "Desktop %s belongs to nobody now.", call_argument(call, 0));
    return true;
}

static bool run_assign(Cli *cli, const Call *call, GError **error)
{
    g_autofree char *path = client_path("desktops", call_argument(call, 0), "assign", NULL);
    g_autoptr(Json) body = json_pack("{s:s}", "user", call_argument(call, 1));
    if (!cli_do(cli, "POST", path, body, error))
        return false;
    cli_say(cli, "Desktop %s belongs to %s now.", call_argument(call, 0), call_argument(call, 1));
    return true;
}

static bool run_unassign(Cli *cli, const Call *call, GError **error)
{
    g_autofree char *path = client_path("desktops", call_argument(call, 0), "unassign", NULL);
    g_autoptr(Json) body = json_pack("{s:s}", "user", call_argument(call, 1));
    if (!cli_do(cli, "POST", path, body, error))
        return false;
    cli_say(cli, "Desktop %s no longer belongs to %s.", call_argument(call, 0), call_argument(call, 1));
    return true;
}

static bool run_add(Cli *cli, const Call *call, GError **error)
{
    g_autoptr(Json) body = call_body(call);
    json_object_set_new(body, "pool", json_string(call_argument(call, 0)));
    json_object_set_new(body, "name", json_string(call_argument(call, 1)));
    if (call_option(call, "password-file")) {
        g_autoptr(SecretString) password = cli_read_secret(call_option(call, "password-file"), error);
        if (!password)
            return false;
        json_object_set_new(body, "password", json_string(password));
    }
    return cli_show(cli, client_request(cli->client, "POST", "desktops", body, error), show_card);
}

static bool run_edit(Cli *cli, const Call *call, GError **error)
{
    g_autoptr(Json) body = call_body(call);
    if (json_object_size(body) == 0)
        return cli_misused(cli, error,
                          "oriel desktop edit: nothing to change; \"oriel desktop edit --help\" lists what can be");
    g_autofree char *path = client_path("desktops", call_argument(call, 0), NULL);
    return cli_show(cli, client_request(cli->client, "PATCH", path, body, error), show_card);
}

static bool run_delete(Cli *cli, const Call *call, GError **error)
{
    const char *name = call_argument(call, 0);
    g_autofree char *question = g_strdup_printf("Delete desktop \"%s\" with its disk?", name);
    g_autofree char *path = client_path("desktops", name, NULL);
    g_autoptr(GString) whole = g_string_new(path);
    client_query(whole, "force", call_flag(call, "force") ? "true" : NULL);
    if (!cli_confirm(cli, call, question, error) || !cli_do(cli, "DELETE", whole->str, NULL, error))
        return false;
    cli_say(cli, "Desktop %s is being removed.", name);
    return true;
}

static bool run_thumbnail(Cli *cli, const Call *call, GError **error)
{
    const char *name = call_argument(call, 0);
    const char *output = call_option(call, "output");
    if (!output && cli->terminal_out)
        return cli_misused(cli, error,
                          "oriel desktop thumbnail: a terminal shows no PNG; give --output FILE");
    g_autofree char *path = client_path("desktops", name, "thumbnail", NULL);
    g_autoptr(GString) whole = g_string_new(path);
    client_query(whole, "width", call_option(call, "width"));
    g_autoptr(GBytes) picture = client_fetch(cli->client, whole->str, NULL, error);
    if (!picture)
        return false;
    size_t length = 0;
    const void *bytes = g_bytes_get_data(picture, &length);
    if (!output || strcmp(output, "-") == 0)
        return fd_write_all(STDOUT_FILENO, bytes, length, error);
    return file_write_atomic(output, bytes, length, 0644, error);
}

static const Option list_options[] = {
    {"pool", VALUE_TEXT, "POOL", "Only those of this pool", .names = NAMES_POOL},
    {"state", VALUE_CHOICE, .help = "Only those in this state",
     .choices = "absent|starting|running|stopping|stopped|failed"},
    {"user", VALUE_TEXT, "USER", "Only those assigned to this person", .names = NAMES_USER},
    {"search", VALUE_TEXT, "TEXT", .help = "Only those that have it in their name or their person's"},
    {0},
};

static const Option connect_options[] = {
    {"user", VALUE_TEXT, "USER", "The person to connect as; on orield's own socket always needed",
     .names = NAMES_USER, .field = "user"},
    {"another", VALUE_FLAG, .help = "One more, where the pool allows a person several"},
    {"desktop", VALUE_TEXT, "DESKTOP", .help = "Of several of theirs this one (the one used last)", .names = NAMES_DESKTOP, .field = "desktop"},
    {"client", VALUE_CHOICE, .help = "With what it will be opened: a URL, a .vv file for remote-viewer, an .rdp file (browser)",
     .choices = "browser|vv|rdp", .field = "client"},
    {"output", VALUE_FILE, "FILE", "Where that file goes; - is standard output (the desktop's name, in this folder)", .names = NAMES_FILE},
    {0},
};

static const Option yes_options[] = {
    {"yes", VALUE_FLAG, .help = "Do not ask first"},
    {0},
};

static const Option add_options[] = {
    {"address", VALUE_TEXT, "HOST", "Its name or IP address", .field = "address", .required = true},
    {"protocol", VALUE_CHOICE, .help = "What it speaks (vnc); rdp: people open it with an RDP client", .choices = "vnc|rdp",
     .field = "protocol"},
    {"port", VALUE_COUNT, "N", "Of its VNC or RDP server (5900, 3389)", .lowest = 1, .highest = 65535, .field = "port"},
    {"seats", VALUE_COUNT, "N", "Of an RDP session host: people who work there at a time, a seat each", .lowest = 1, .highest = LIMIT_SEATS,
     .field = "seats"},
    {"mac", VALUE_TEXT, "ADDRESS", "Of its network card: a click wakes it when it does not answer", .field = "mac"},
    {"password-file", VALUE_FILE, "FILE", "The VNC password is its first line; - is standard input", .names = NAMES_FILE},
    {0},
};

static const Option edit_options[] = {
    {"maintenance", VALUE_SWITCH, "yes|no", .field = "maintenance",
     .help = "Nobody gets it; when its session ends it stays as it is for you"},
    {0},
};

static const Option stop_options[] = {
    {"force", VALUE_FLAG, .help = "Even while somebody is in session there"},
    {0},
};

static const Option delete_options[] = {
    {"force", VALUE_FLAG, .help = "Even while somebody is in session there"},
    {"yes", VALUE_FLAG, .help = "Do not ask first"},
    {0},
};

static const Option thumbnail_options[] = {
    {"output", VALUE_FILE, "FILE", "Where the PNG goes; else standard output", .names = NAMES_FILE},
    {"width", VALUE_COUNT, "PIXELS", "At most that wide (320)", .lowest = 32, .highest = 1920},
    {0},
};

#define DESKTOP .arguments = {{"DESKTOP", NAMES_DESKTOP}}

static const Verb verbs[] = {
    {"list", "List desktops", .options = list_options, .run = run_list},
    {"show", "Show a desktop", DESKTOP, .run = run_show},
    {"connect", "Get a person's desktop of a pool and a URL or file that opens it",
     "What a click on the pool's tile does. The URL or file holds a ticket that opens the desktop once and soon "
     "expires: hand it on as "
     "you would a password.",
     .arguments = {{"POOL", NAMES_POOL}}, .options = connect_options, .run = run_connect},
    {"console", "Get a URL that opens any running desktop's screen", DESKTOP, .run = run_console},
    {"add", "Add a machine that is there already, a physical one too, to a manual pool",
     "Its VNC or RDP server must listen where orield can reach it; of VNC it must accept a VNC password or none. To change something, delete it "
     "and add it anew.",
     .arguments = {{"POOL", NAMES_POOL}, {"NAME", NAMES_NONE}}, .options = add_options, .run = run_add},
    {"start", "Power on; of a machine in a manual pool: Wake-on-LAN", DESKTOP, .run = run_start},
    {"stop", "Power off in an orderly way", "After a minute the hard way.", DESKTOP, .options = stop_options,
     .run = run_stop},
    {"reset", "Press the reset button", DESKTOP, .run = run_reset},
    {"restart", "Shut it down in an orderly way, and boot it again", DESKTOP, .run = run_restart},
    {"refresh", "Back to the image: everything on its disk is lost",
     "In a floating pool it is nobody's afterwards, and free for the next person.", DESKTOP, .options = yes_options,
     .run = run_refresh},
    {"assign", "Give a desktop to a person", "It stays theirs until it is released or unassigned. Its pool may allow several people a desktop.",
     .arguments = {{"DESKTOP", NAMES_DESKTOP}, {"USER", NAMES_USER}}, .run = run_assign},
    {"unassign", "Take a dedicated desktop from one of its people; it stays as it is",
     .arguments = {{"DESKTOP", NAMES_DESKTOP}, {"USER", NAMES_USER}}, .run = run_unassign},
    {"edit", "Put a desktop into maintenance, or take it out",
     "A floating desktop that is nobody's goes back to the image at the end of its maintenance.", DESKTOP,
     .options = edit_options, .run = run_edit},
    {"release", "End an assignment; the desktop goes back to the image", DESKTOP, .options = yes_options,
     .run = run_release},
    {"thumbnail", "Save what is on its screen now as PNG", DESKTOP, .options = thumbnail_options,
     .run = run_thumbnail},
    {"delete", "Throw a desktop away; its pool makes another where it needs one", DESKTOP,
     .options = delete_options, .run = run_delete},
    {0},
};

const VerbGroup desktop_group = {"desktop", "Single desktops", verbs};
