#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/number.h"
#include "cli/cli.h"
#include "cli/print.h"
#include "cli/watch.h"

static const Column list_columns[] = {
    {"NAME", "name", SHOW_TEXT},
    {"TYPE", "type", SHOW_TEXT},
    {"IMAGE", "image.name", SHOW_TEXT},
    {"VERSION", "version", SHOW_NUMBER},
    {"SIZE", "size", SHOW_NUMBER},
    {"DESKTOPS", "counts.desktops", SHOW_NUMBER},
    {"RUNNING", "counts.running", SHOW_NUMBER},
    {"ASSIGNED", "counts.assigned", SHOW_NUMBER},
    {"SESSIONS", "counts.sessions", SHOW_NUMBER},
    {"TEMPLATE", "template.state", SHOW_STATE},
    {"ENABLED", "enabled", SHOW_YES},
    {0},
};

static const Column card_columns[] = {
    {"Name", "name", SHOW_TEXT},
    {"Id", "id", SHOW_TEXT},
    {"Shown as", "display_name", SHOW_TEXT},
    {"Description", "description", SHOW_TEXT},
    {"Type", "type", SHOW_TEXT},
    {"Image", "image.name", SHOW_TEXT},
    {"Version", "version", SHOW_NUMBER},
    {"Follows the newest", "follows_newest", SHOW_YES},
    {"Provisioning", "provisioning", SHOW_TEXT},
    {"Desktops at most", "size", SHOW_NUMBER},
    {"Desktops at least", "minimum", SHOW_NUMBER},
    {"Spares", "spares", SHOW_NUMBER},
    {"Named", "naming", SHOW_TEXT},
    {"Assigned by", "assignment", SHOW_TEXT},
    {"People a desktop", "users_a_desktop", SHOW_NUMBER},
    {"Desktops a person", "sessions_a_user", SHOW_NUMBER},
    {"Seats of a machine", "seats", SHOW_NUMBER},
    {"CPUs of a desktop", "vcpus", SHOW_NUMBER},
    {"Memory of a desktop", "memory_bytes", SHOW_SIZE},
    {"Refresh on log off", "refresh_on_log_off", SHOW_YES},
    {"People may", "self_service", SHOW_LIST},
    {"Application", "application", SHOW_TEXT},
    {"Home", "home", SHOW_TEXT},
    {"Size of a new home", "home_bytes", SHOW_SIZE},
    {"Power plan", "power_plan.name", SHOW_TEXT},
    {"Release plan", "release_plan.name", SHOW_TEXT},
    {"Display plan", "display_plan.name", SHOW_TEXT},
    {"Enabled", "enabled", SHOW_YES},
    {"Maintenance", "maintenance", SHOW_YES},
    {"Draining", "draining", SHOW_YES},
    {"Drained", "drained", SHOW_YES},
    {"Template", "template.state", SHOW_TEXT},
    {"Template's error", "template.error", SHOW_TEXT},
    {"Template waits for", "template.waits_for", SHOW_TEXT},
    {"Desktops now", "counts.desktops", SHOW_NUMBER},
    {"Running", "counts.running", SHOW_NUMBER},
    {"Assigned", "counts.assigned", SHOW_NUMBER},
    {"Free and ready", "counts.free", SHOW_NUMBER},
    {"Sessions", "counts.sessions", SHOW_NUMBER},
    {"Made", "created_ms", SHOW_TIME},
    {0},
};

static void show_list(Cli *cli, const Json *list)
{
    print_table(list, list_columns);
}

static void show_card(Cli *cli, const Json *pool)
{
    print_card(pool, card_columns);
}

static bool run_list(Cli *cli, const Call *call, GError **error)
{
    return cli_show(cli, client_list(cli->client, "pools", 0, error), show_list);
}

static bool run_show(Cli *cli, const Call *call, GError **error)
{
    g_autofree char *path = client_path("pools", call_argument(call, 0), NULL);
    return cli_show(cli, client_request(cli->client, "GET", path, NULL, error), show_card);
}

/* "newest" is the API's null: follow the image. */
static bool body_version(Cli *cli, const Call *call, Json *body, GError **error)
{
    const char *text = call_option(call, "version");
    uint64_t version = 0;
    if (!text)
        return true;
    if (strcmp(text, "newest") == 0)
        return json_object_set_new(body, "version", json_null()) == 0;
    if (!number_parse(text, 1, UINT32_MAX, "--version", &version, NULL))
        return cli_misused(cli, error, "--version: \"%s\" is neither a version's number nor \"newest\"", text);
    return json_object_set_new(body, "version", json_integer((json_int_t)version)) == 0;
}

/* "none" is the API's null. */
static void body_plans(const Call *call, Json *body)
{
    static const char *const options[][2] = {
        {"power-plan", "power_plan"}, {"release-plan", "release_plan"}, {"display-plan", "display_plan"}};
    for (size_t i = 0; i < G_N_ELEMENTS(options); i++) {
        const char *name = call_option(call, options[i][0]);
        if (name)
            json_object_set_new(body, options[i][1], strcmp(name, "none") == 0 ? json_null() : json_string(name));
    }
}

/* "none" is an empty list; the server knows the words. */
static void body_self_service(const Call *call, Json *body)
{
    const char *text = call_option(call, "self-service");
    if (!text)
        return;
    Json *list = json_array();
    g_auto(GStrv) words = g_strsplit(text, ",", 16);
    for (char **word = words; *word && strcmp(text, "none") != 0; word++)
        json_array_append_new(list, json_string(g_strstrip(*word)));
    json_object_set_new(body, "self_service", list);
}

static bool run_create(Cli *cli, const Call *call, GError **error)
{
    g_autoptr(Json) body = call_body(call);
    if (!call_option(call, "image") && g_strcmp0(call_option(call, "type"), "manual") != 0)
        return cli_misused(cli, error, "oriel pool create: --image is missing: what are its desktops made from?");
    if (!body_version(cli, call, body, error))
        return false;
    body_plans(call, body);
    body_self_service(call, body);
    return cli_show(cli, cli_create(cli, call, "pools", body, error), show_card);
}

/* What a change has changed, without what moves by itself. */
static void show_changes(const Cli *cli, const Json *before, const Json *after)
{
    Column changed[G_N_ELEMENTS(card_columns)] = {{0}};
    size_t count = 0;
    for (const Column *column = card_columns; column->title; column++) {
        g_autofree char *was = print_value(before, column), *is = print_value(after, column);
        bool own = !g_str_has_prefix(column->path, "counts.") && !g_str_has_prefix(column->path, "template.");
        if (own && strcmp(was, is) != 0)
            changed[count++] = *column;
    }
    if (count)
        print_card(after, changed);
    else
        cli_say(cli, "Nothing was to be changed.");
}

static bool run_edit(Cli *cli, const Call *call, GError **error)
{
    g_autoptr(Json) body = call_body(call);
    if (!body_version(cli, call, body, error))
        return false;
    body_plans(call, body);
    body_self_service(call, body);
    if (json_object_size(body) == 0)
        return cli_misused(cli, error,
                          "oriel pool edit: nothing to change; \"oriel pool edit --help\" lists "
                          "what can be");
    g_autofree char *path = client_path("pools", call_argument(call, 0), NULL);
    g_autoptr(Json) before = cli->json ? NULL : client_request(cli->client, "GET", path, NULL, error);
    if (!before && !cli->json)
        return false;
    g_autoptr(Json) after = client_request(cli->client, "PATCH", path, body, error);
    if (after && cli->json)
        print_json(after);
    else if (after && !cli->quiet)
        show_changes(cli, before, after);
    return after != NULL;
}

static bool run_icon(Cli *cli, const Call *call, GError **error)
{
    const char *file = call_option(call, "file");
    g_autofree char *path = client_path("pools", call_argument(call, 0), "icon", NULL);
    if (!file == !call_flag(call, "remove"))
        return cli_misused(cli, error, "oriel pool icon: give either --file or --remove");
    if (!file)
        return cli_do(cli, "DELETE", path, NULL, error);
    gsize length = 0;
    g_autofree char *bytes = file_read(strcmp(file, "-") == 0 ? "/dev/stdin" : file, LIMIT_ICON, &length, error);
    if (!bytes)
        return false;
    g_autofree char *text = g_base64_encode((const guchar *)bytes, length);
    g_autoptr(Json) body = json_pack("{s:s}", "png", text);
    return cli_do(cli, "PUT", path, body, error);
}

static bool run_delete(Cli *cli, const Call *call, GError **error)
{
    const char *name = call_argument(call, 0);
    g_autofree char *question = g_strdup_printf("Delete pool \"%s\" with all its desktops?", name);
    g_autofree char *path = client_path("pools", name, NULL);
    g_autoptr(GString) whole = g_string_new(path);
    client_query(whole, "force", call_flag(call, "force") ? "true" : NULL);
    if (!cli_confirm(cli, call, question, error) || !cli_do(cli, "DELETE", whole->str, NULL, error))
        return false;
    cli_say(cli, "Pool %s is gone; its desktops are being removed.", name);
    return true;
}

typedef struct {
    Cli *cli;
    char *title;
    int64_t wanted; /* free desktops; -1: as many as the pool's spares */
} Readiness;

/* The template's job moves the bar: its boot is what takes long. */
static void show_template(const Readiness *readiness, const Json *template, Progress *progress)
{
    const char *state = json_string_value(json_object_get(template, "state"));
    const char *job_id = json_string_value(json_object_get(template, "job"));
    g_autofree char *path = job_id ? client_path("jobs", job_id, NULL) : NULL;
    g_autoptr(Json) job = path ? client_request(readiness->cli->client, "GET", path, NULL, NULL) : NULL;
    const char *title = json_string_value(json_object_get(job, "title"));
    const char *step = json_string_value(json_object_get(job, "step"));
    if (g_strcmp0(json_string_value(json_object_get(job, "state")), "running") == 0)
        progress_set(progress, title, (int)json_integer_value(json_object_get(job, "progress")), step);
    else
        progress_set(progress, readiness->title, -1, state);
}

static WatchVerdict ready_look(void *context, const Json *pool, Progress *progress, GError **error)
{
    const Readiness *readiness = context;
    const Json *counts = json_object_get(pool, "counts"), *template = json_object_get(pool, "template");
    const char *state = json_string_value(json_object_get(template, "state"));
    if (g_strcmp0(state, "failed") == 0) {
        const char *sentence = json_string_value(json_object_get(template, "error"));
        oriel_fail(error, ORIEL_ERROR_INTERNAL, "%s: no template: %s", readiness->title,
                   sentence ? sentence : "its job's log says why");
        return WATCH_FAILED;
    }
    if (g_strcmp0(state, "ready") != 0) {
        show_template(readiness, template, progress);
        return WATCH_ON;
    }
    int64_t assigned = json_integer_value(json_object_get(counts, "assigned"));
    int64_t unassigned = json_integer_value(json_object_get(counts, "free"));
    int64_t spares = json_integer_value(json_object_get(pool, "spares"));
    int64_t places = json_integer_value(json_object_get(pool, "size")) - assigned;
    int64_t wanted = readiness->wanted >= 0 ? readiness->wanted : MIN(spares, places);
    g_autofree char *step = g_strdup_printf("%" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " free desktops",
                                            unassigned, MAX(wanted, 0));
    progress_set(progress, readiness->title, unassigned >= wanted ? 100 : -1, step);
    return unassigned >= wanted ? WATCH_DONE : WATCH_ON;
}

static bool run_wait(Cli *cli, const Call *call, GError **error)
{
    g_autofree char *title = g_strdup_printf("Pool %s", call_argument(call, 0));
    g_autofree char *path = client_path("pools", call_argument(call, 0), NULL);
    g_autofree char *left = g_strdup_printf("pool %s goes on without you", call_argument(call, 0));
    Readiness readiness = {cli, title,
                           call_option(call, "free") ? (int64_t)call_number(call, "free", 0) : -1};
    const Watch watch = {.path = path, .look = ready_look, .context = &readiness, .left = left};
    g_autoptr(Json) pool = watch_until(cli, &watch, error);
    if (pool && cli->json)
        print_json(pool);
    return pool != NULL;
}

/* clang-format off */
#define SHARED_OPTIONS \
    {"title", VALUE_TEXT, "TEXT", .help = "What people see instead of the name", .field = "display_name"}, \
    {"description", VALUE_TEXT, "TEXT", .help = "A line about it, for people", .field = "description"}, \
    {"version", VALUE_TEXT, "N", .help = "Version of the image, or \"newest\" (the default) to follow it"}, \
    {"provisioning", VALUE_CHOICE, .choices = "instant|linked|full", .field = "provisioning", \
     .help = "Forked from a running template (the default), booted on a disk upon the image's, or on a copy of it"}, \
    {"size", VALUE_COUNT, "N", .help = "Desktops at most (10)", .lowest = 1, .highest = LIMIT_DESKTOPS_POOL, \
     .field = "size"}, \
    {"minimum", VALUE_COUNT, "N", .help = "Desktops made up front, whoever has them (0)", .highest = LIMIT_DESKTOPS_POOL, \
     .field = "minimum"}, \
    {"spares", VALUE_COUNT, "N", .help = "Free desktops kept running (1)", .highest = LIMIT_DESKTOPS_POOL, \
     .field = "spares"}, \
    {"naming", VALUE_TEXT, "PATTERN", .help = "Names of its desktops, as \"pc-{n:3}\" (\"{pool}-{n}\")", .field = "naming"}, \
    {"assignment", VALUE_CHOICE, .choices = "automatic|manual", .field = "assignment", \
     .help = "Dedicated: by the first click (the default), or by an operator alone"}, \
    {"users", VALUE_COUNT, "N", .help = "Dedicated: people one desktop may be assigned to (1)", .lowest = 1, \
     .highest = LIMIT_USERS_DESKTOP, .field = "users_a_desktop"}, \
    {"sessions", VALUE_COUNT, "N", .help = "Floating: desktops one person may have at a time (1)", .lowest = 1, \
     .highest = LIMIT_SESSIONS_USER, .field = "sessions_a_user"}, \
    {"seats", VALUE_COUNT, "N", .help = "Shared: people who work on one machine at a time (8)", .lowest = 1, \
     .highest = LIMIT_SEATS, .field = "seats"}, \
    {"cpus", VALUE_COUNT, "N", .help = "Processors of a desktop; else the recipe's", .lowest = 1, .highest = 64, \
     .field = "vcpus"}, \
    {"memory", VALUE_SIZE, "SIZE", .help = "Memory of a desktop, such as 1GiB; else the recipe's", \
     .field = "memory_bytes"}, \
    {"refresh", VALUE_SWITCH, "yes|no", .help = "Back to the image when its person logs off", \
     .field = "refresh_on_log_off"}, \
    {"self-service", VALUE_TEXT, "WORDS", .help = "What people may do with their own: restart,reset,refresh or \"none\""}, \
    {"enabled", VALUE_SWITCH, "yes|no", .help = "Whether people see it and may connect", .field = "enabled"}, \
    {"maintenance", VALUE_SWITCH, "yes|no", .help = "Nobody can connect; desktops stay", .field = "maintenance"}, \
    {"drain", VALUE_SWITCH, "yes|no", .help = "No new sessions; open ones go on, free desktops go", .field = "draining"}, \
    {"application", VALUE_TEXT, "COMMAND", .help = "Shows this one program in place of a desktop; \"\": the whole desktop", \
     .field = "application"}, \
    {"home", VALUE_TEXT, "NAME", .help = "Its people have a disk of their own there, the same in all pools of this NAME; \"\": none", \
     .field = "home"}, \
    {"home-size", VALUE_SIZE, "SIZE", .help = "Size of a new one (10 GiB)", .field = "home_bytes"}, \
    {"power-plan", VALUE_TEXT, "PLAN", .help = "What becomes of idle desktops, and spares by the hour; or \"none\"", \
     .names = NAMES_PLAN}, \
    {"release-plan", VALUE_TEXT, "PLAN", .help = "When sessions end, and what then; or \"none\"", .names = NAMES_PLAN}, \
    {"display-plan", VALUE_TEXT, "PLAN", .help = "What the display may; or \"none\"", .names = NAMES_PLAN}
/* clang-format on */

static const Option create_options[] = {
    {"image", VALUE_TEXT, "IMAGE", "Golden image of its desktops; needed unless --type manual", .names = NAMES_IMAGE,
     .field = "image"},
    {"type", VALUE_CHOICE, .choices = "floating|dedicated|shared|manual", .field = "type",
     .help = "Any free desktop (the default), one's own for good, a seat on a machine with others, or machines that are there already"},
    SHARED_OPTIONS,
    {"if-missing", VALUE_FLAG, .help = "Do nothing if there is one of that name"},
    {0},
};

static const Option edit_options[] = {
    {"image", VALUE_TEXT, "IMAGE", "Golden image of desktops made from now on", .names = NAMES_IMAGE,
     .field = "image"},
    SHARED_OPTIONS,
    {0},
};

static const Option delete_options[] = {
    {"force", VALUE_FLAG, .help = "Even while people are in session: ends their sessions"},
    {"yes", VALUE_FLAG, .help = "Do not ask first"},
    {0},
};

static const Option icon_options[] = {
    {"file", VALUE_FILE, "FILE", .help = "A PNG of at most 64 KiB and 512 by 512 pixels (\"-\": standard input)", .names = NAMES_FILE},
    {"remove", VALUE_FLAG, .help = "Take it away"},
    {0},
};

static const Option wait_options[] = {
    {"free", VALUE_COUNT, "N", "Until N desktops are free; else as many as its spares",
     .highest = LIMIT_DESKTOPS_POOL},
    {0},
};

static const Verb verbs[] = {
    {"list", "List pools", .run = run_list},
    {"show", "Show a pool", .arguments = {{"POOL", NAMES_POOL}}, .run = run_show},
    {"create", "Make a pool; its desktops appear by themselves",
     "Desktops are forked from a template: the image, booted once and frozen on this host. \"oriel pool wait "
     "POOL\" shows how "
     "far that is. Nobody can use the pool until \"oriel entitle add\" says who may.",
     .arguments = {{"NAME", NAMES_NONE}}, .options = create_options, .run = run_create},
    {"edit", "Change a pool",
     "A new image, version, number of processors or memory holds for desktops made from then on, and for "
     "others at their next "
     "refresh.",
     .arguments = {{"POOL", NAMES_POOL}}, .options = edit_options, .run = run_edit},
    {"wait", "Wait until a pool has its free desktops, with progress", .arguments = {{"POOL", NAMES_POOL}},
     .options = wait_options, .run = run_wait},
    {"icon", "Give its tile a picture", .arguments = {{"POOL", NAMES_POOL}}, .options = icon_options, .run = run_icon},
    {"delete", "Delete a pool with its desktops", "Refused while people are in session, unless --force.",
     .arguments = {{"POOL", NAMES_POOL}}, .options = delete_options, .run = run_delete},
    {0},
};

const VerbGroup pool_group = {"pool", "Pools of desktops", verbs};
