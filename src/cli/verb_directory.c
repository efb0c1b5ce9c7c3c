#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/secret.h"
#include "cli/cli.h"
#include "cli/print.h"

static const Column list_columns[] = {
    {"NAME", "name", SHOW_TEXT},     {"KIND", "kind", SHOW_TEXT},    {"ENABLED", "enabled", SHOW_YES},
    {"USERS", "users", SHOW_NUMBER}, {"GROUPS", "groups", SHOW_NUMBER}, {"SHOWN AS", "display_name", SHOW_TEXT},
    {0},
};

static const Column card_columns[] = {
    {"Name", "name", SHOW_TEXT},
    {"Id", "id", SHOW_TEXT},
    {"Shown as", "display_name", SHOW_TEXT},
    {"Kind", "kind", SHOW_TEXT},
    {"Position", "position", SHOW_NUMBER},
    {"Enabled", "enabled", SHOW_YES},
    {"Users", "users", SHOW_NUMBER},
    {"Groups", "groups", SHOW_NUMBER},
    {"Secret", "secret_set", SHOW_YES},
    {"Settings", "settings", SHOW_DETAILS},
    {"Made", "created_ms", SHOW_TIME},
    {0},
};

static void show_list(Cli *cli, const Json *list)
{
    print_table(list, list_columns);
}

static void show_card(Cli *cli, const Json *directory)
{
    g_autoptr(Json) shown = json_deep_copy(directory);
    Json *settings = json_object_get(shown, "settings");
    if (json_is_string(json_object_get(settings, "certificates")))
        json_object_set_new(settings, "certificates", json_string("(PEM)"));
    print_card(shown, card_columns);
}

static bool run_list(Cli *cli, const Call *call, GError **error)
{
    return cli_show(cli, client_list(cli->client, "directories", 0, error), show_list);
}

static bool run_show(Cli *cli, const Call *call, GError **error)
{
    g_autofree char *path = client_path("directories", call_argument(call, 0), NULL);
    return cli_show(cli, client_request(cli->client, "GET", path, NULL, error), show_card);
}

/* --settings FILE: a JSON object. --secret-file FILE: its first line. */
static bool body_files(const Call *call, Json *body, GError **error)
{
    const char *settings_path = call_option(call, "settings"), *secret_path = call_option(call, "secret-file");
    if (settings_path) {
        g_autofree char *text = cli_read_file(settings_path, LIMIT_DIRECTORY_SETTINGS, error);
        Json *settings = text ? json_parse_object(text, strlen(text), "--settings", error) : NULL;
        if (!settings || json_object_set_new(body, "settings", settings) != 0)
            return false;
    }
    if (secret_path) {
        g_autoptr(SecretString) secret = cli_read_secret(secret_path, error);
        if (!secret || json_object_set_new(body, "secret", json_string(secret)) != 0)
            return false;
    }
    return true;
}

static bool run_create(Cli *cli, const Call *call, GError **error)
{
    g_autoptr(Json) body = call_body(call);
    return body_files(call, body, error) && cli_show(cli, cli_create(cli, call, "directories", body, error), show_card);
}

static bool run_edit(Cli *cli, const Call *call, GError **error)
{
    g_autoptr(Json) body = call_body(call);
    if (!body_files(call, body, error))
        return false;
    if (json_object_size(body) == 0)
        return cli_misused(cli, error, "oriel directory edit: nothing to change; give --settings, --secret-file, --enabled, "
                                       "--position, --title or --name");
    g_autofree char *path = client_path("directories", call_argument(call, 0), NULL);
    return cli_show(cli, client_request(cli->client, "PATCH", path, body, error), show_card);
}

static const Column step_columns[] = {
    {"STEP", "step", SHOW_TEXT}, {"OK", "ok", SHOW_YES}, {"MS", "milliseconds", SHOW_NUMBER}, {"WHAT", "detail", SHOW_TEXT}, {0},
};

static void show_steps(Cli *cli, const Json *answer)
{
    g_autoptr(Json) list = json_pack("{s:O}", "items", json_object_get(answer, "steps"));
    print_table(list, step_columns);
}

/* Exit code 69 (the kind UNAVAILABLE) where a step went wrong: for scripts. */
static bool run_test(Cli *cli, const Call *call, GError **error)
{
    const char *name = call_argument(call, 0), *password_path = call_option(call, "password-file");
    g_autoptr(Json) body = call_body(call);
    if (password_path) {
        g_autoptr(SecretString) password = cli_read_secret(password_path, error);
        if (!password || json_object_set_new(body, "password", json_string(password)) != 0)
            return false;
    }
    g_autofree char *path = client_path("directories", name, "test", NULL);
    Json *answer = client_request(cli->client, "POST", path, body, error);
    bool good = json_is_true(json_object_get(answer, "ok"));
    if (!cli_show(cli, answer, show_steps))
        return false;
    return good || oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "directory \"%s\": not every step went well", name);
}

static bool run_delete(Cli *cli, const Call *call, GError **error)
{
    const char *name = call_argument(call, 0);
    g_autofree char *path = client_path("directories", name, NULL);
    g_autoptr(Json) directory = client_request(cli->client, "GET", path, NULL, error);
    if (!directory)
        return false;
    g_autofree char *question = g_strdup_printf(
        "Delete directory \"%s\" with its %" JSON_INTEGER_FORMAT " users and %" JSON_INTEGER_FORMAT " groups?", name,
        json_integer_value(json_object_get(directory, "users")), json_integer_value(json_object_get(directory, "groups")));
    if (!cli_confirm(cli, call, question, error) || !cli_do(cli, "DELETE", path, NULL, error))
        return false;
    cli_say(cli, "Directory %s is gone, and its users and groups with it.", name);
    return true;
}

/* clang-format off */
#define SHARED_OPTIONS \
    {"secret-file", VALUE_FILE, "FILE", .help = "Its first line is the bind password or client secret (\"-\": standard input)", \
     .names = NAMES_FILE}, \
    {"title", VALUE_TEXT, "TEXT", .help = "What people see instead of the name", .field = "display_name"}, \
    {"enabled", VALUE_SWITCH, "yes|no", .help = "Whether people of it can log in", .field = "enabled"}, \
    {"position", VALUE_COUNT, "N", .help = "Directories are asked in rising order", .lowest = 0, .highest = 1000000, \
     .field = "position"}
/* clang-format on */

static const Option create_options[] = {
    {"kind", VALUE_CHOICE, .choices = "ldap|oidc", .help = "What it is", .field = "kind", .required = true},
    {"settings", VALUE_FILE, "FILE", .help = "Its settings, a JSON object (\"-\": standard input)", .names = NAMES_FILE,
     .required = true},
    SHARED_OPTIONS,
    {"if-missing", VALUE_FLAG, .help = "Do nothing if there is one of that name"},
    {0},
};

static const Option edit_options[] = {
    {"settings", VALUE_FILE, "FILE", .help = "Its settings, a JSON object (\"-\": standard input)", .names = NAMES_FILE},
    SHARED_OPTIONS,
    {"name", VALUE_TEXT, "NAME", .help = "Another name", .field = "name"},
    {0},
};

static const Option test_options[] = {
    {"user", VALUE_TEXT, "NAME", .help = "Look for this person, too", .field = "user"},
    {"password-file", VALUE_FILE, "FILE", .help = "Its first line is the person's password (\"-\": standard input)",
     .names = NAMES_FILE},
    {0},
};

static const Option delete_options[] = {
    {"yes", VALUE_FLAG, .help = "Do not ask first"},
    {0},
};

#define DIRECTORY .arguments = {{"DIRECTORY", NAMES_DIRECTORY}}

static const Verb verbs[] = {
    {"list", "List directories in the order they are asked", .run = run_list},
    {"show", "Show a directory", DIRECTORY, .run = run_show},
    {"create", "Let people of a directory log in",
     "Settings of an LDAP directory: {\"type\": \"active-directory\", \"servers\": [\"ldaps://dc1.example\", "
     "\"ldap://dc2.example\"], \"base\": \"dc=example\", \"bind_name\": \"cn=oriel,dc=example\"}; ldap:// means StartTLS. Of an "
     "OpenID provider: {\"issuer\": \"https://login.example\", \"client_id\": \"oriel\"}. The manual has all of them.",
     .arguments = {{"NAME", NAMES_NONE}}, .options = create_options, .run = run_create},
    {"edit", "Change a directory", "New settings replace all the old ones. With other servers the secret is needed again.",
     DIRECTORY, .options = edit_options, .run = run_edit},
    {"test", "Try a directory and show how each step went",
     "Resolves, connects, verifies the certificate, binds, looks for the base; with --user for the person and their groups, with "
     "--password-file whether that is the password. Nobody is logged in.", DIRECTORY, .options = test_options, .run = run_test},
    {"delete", "Delete a directory with its users and groups",
     "Refused while one of its users has a desktop or a session.", DIRECTORY, .options = delete_options, .run = run_delete},
    {0},
};

const VerbGroup directory_group = {"directory", "Directories: where people come from besides Oriel", verbs};
