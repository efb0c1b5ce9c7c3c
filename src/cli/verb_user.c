#include "base/error.h"
#include "base/secret.h"
#include "cli/cli.h"
#include "cli/print.h"

static const Column list_columns[] = {
    {"NAME", "name", SHOW_TEXT},
    {"SHOWN AS", "display_name", SHOW_TEXT},
    {"ROLES", "roles", SHOW_LIST},
    {"GROUPS", "groups", SHOW_LIST},
    {"DIRECTORY", "directory.name", SHOW_TEXT},
    {"ENABLED", "enabled", SHOW_YES},
    {"PASSWORD", "password_set", SHOW_YES},
    {"SECOND FACTOR", "totp", SHOW_YES},
    {"LAST LOGIN", "last_login_ms", SHOW_TIME},
    {0},
};

static const Column card_columns[] = {
    {"Name", "name", SHOW_TEXT},
    {"Id", "id", SHOW_TEXT},
    {"Shown as", "display_name", SHOW_TEXT},
    {"Mail", "email", SHOW_TEXT},
    {"Roles", "roles", SHOW_LIST},
    {"Groups", "groups", SHOW_LIST},
    {"Directory", "directory.name", SHOW_TEXT},
    {"Enabled", "enabled", SHOW_YES},
    {"Password is set", "password_set", SHOW_YES},
    {"Second factor", "totp", SHOW_YES},
    {"Made", "created_ms", SHOW_TIME},
    {"Last login", "last_login_ms", SHOW_TIME},
    {0},
};

static const Column link_columns[] = {
    {"Link", "url", SHOW_TEXT},
    {"Good until", "expires_ms", SHOW_TIME},
    {0},
};

static void show_list(Cli *cli, const Json *list)
{
    print_table(list, list_columns);
}

static void show_card(Cli *cli, const Json *user)
{
    print_card(user, card_columns);
}

static void show_link(Cli *cli, const Json *link)
{
    print_card(link, link_columns);
}

static bool run_list(Cli *cli, const Call *call, GError **error)
{
    g_autoptr(GString) path = g_string_new("users");
    client_query(path, "search", call_option(call, "search"));
    return cli_show(cli, client_list(cli->client, path->str, 0, error), show_list);
}

static bool run_show(Cli *cli, const Call *call, GError **error)
{
    g_autofree char *path = client_path("users", call_argument(call, 0), NULL);
    return cli_show(cli, client_request(cli->client, "GET", path, NULL, error), show_card);
}

static bool run_create(Cli *cli, const Call *call, GError **error)
{
    g_autoptr(Json) body = call_body(call);
    json_object_set_new(body, "name", json_string(call_argument(call, 0)));
    call_words(call, "roles", "roles", body);
    if (call_option(call, "password-file")) {
        g_autoptr(SecretString) password =
            cli_read_secret(call_option(call, "password-file"), error);
        if (!password)
            return false;
        json_object_set_new(body, "password", json_string(password));
    }
    g_autoptr(Json) user = client_request(cli->client, "POST", "users", body, error);
    if (!user)
        return false;
    bool no_password = !json_is_true(json_object_get(user, "password_set"));
    cli_show(cli, g_steal_pointer(&user), show_card);
    if (no_password)
        cli_say(cli, "\"oriel user link %s\" makes a link with which they set a password.",
                call_argument(call, 0));
    return true;
}

static bool run_edit(Cli *cli, const Call *call, GError **error)
{
    g_autoptr(Json) body = call_body(call);
    call_words(call, "roles", "roles", body);
    if (json_object_size(body) == 0)
        return cli_misused(cli, error,
                          "oriel user edit: nothing to change; \"oriel user edit --help\" lists "
                          "what can be");
    g_autofree char *path = client_path("users", call_argument(call, 0), NULL);
    return cli_show(cli, client_request(cli->client, "PATCH", path, body, error), show_card);
}

static bool run_delete(Cli *cli, const Call *call, GError **error)
{
    const char *name = call_argument(call, 0);
    g_autofree char *question = g_strdup_printf("Delete user \"%s\"?", name);
    g_autofree char *path = client_path("users", name, NULL);
    if (!cli_confirm(cli, call, question, error) || !cli_do(cli, "DELETE", path, NULL, error))
        return false;
    cli_say(cli, "User %s is gone.", name);
    return true;
}

static bool run_password(Cli *cli, const Call *call, GError **error)
{
    const char *file = call_option(call, "password-file");
    g_autoptr(SecretString) password =
        file ? cli_read_secret(file, error) : cli_ask_secret(cli, "New password", "--password-file", error);
    g_autoptr(SecretString) again =
        password && !file ? cli_ask_secret(cli, "The same again", "--password-file", error) : NULL;
    if (!password || (!file && !again))
        return false;
    if (again && !secret_equal(password, again))
        return oriel_fail(error, ORIEL_ERROR_INVALID, "the two are not the same; nothing was changed");
    g_autoptr(Json) body = json_pack("{s:s}", "password", password);
    if (!body)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "the password is no UTF-8 text");
    const char *current_file = call_option(call, "current-file");
    if (current_file) {
        g_autoptr(SecretString) current = cli_read_secret(current_file, error);
        if (!current)
            return false;
        json_object_set_new(body, "current", json_string(current));
    }
    g_autofree char *path = client_path("users", call_argument(call, 0), "password", NULL);
    if (!cli_do(cli, "PUT", path, body, error))
        return false;
    cli_say(cli, "The password of %s is set; their other logins have ended.", call_argument(call, 0));
    return true;
}

static bool run_totp_reset(Cli *cli, const Call *call, GError **error)
{
    const char *name = call_argument(call, 0);
    g_autofree char *question = g_strdup_printf("Take the second factor of \"%s\" away?", name);
    g_autofree char *path = client_path("users", name, "totp", NULL);
    if (!cli_confirm(cli, call, question, error) || !cli_do(cli, "DELETE", path, NULL, error))
        return false;
    cli_say(cli, "%s logs in without a second factor now.", name);
    return true;
}

static bool run_link(Cli *cli, const Call *call, GError **error)
{
    g_autofree char *path = client_path("users", call_argument(call, 0), "link", NULL);
    if (call_flag(call, "if-no-password")) {
        g_autofree char *user_path = client_path("users", call_argument(call, 0), NULL);
        g_autoptr(Json) user = client_request(cli->client, "GET", user_path, NULL, error);
        if (!user || json_is_true(json_object_get(user, "password_set")))
            return user != NULL;
    }
    return cli_show(cli, client_request(cli->client, "POST", path, NULL, error), show_link);
}

/* clang-format off */
#define TITLE {"title", VALUE_TEXT, "TEXT", .help = "The person's name as others see it", .field = "display_name"}
#define MAIL {"mail", VALUE_TEXT, "ADDRESS", .help = "Their mail address", .field = "email"}
#define ROLES {"roles", VALUE_TEXT, "ROLE,…", \
               .help = "Of admin, operator, helpdesk, auditor, user; separated by commas"}
#define PASSWORD_FILE {"password-file", VALUE_FILE, "FILE", \
                       .help = "The password is its first line; - is standard input", .names = NAMES_FILE}
/* clang-format on */

static const Option list_options[] = {
    {"search", VALUE_TEXT, "TEXT", .help = "Only those that have it in their name, full name or mail address"},
    {0},
};

static const Option create_options[] = {TITLE, MAIL, ROLES, PASSWORD_FILE, {0}};

static const Option edit_options[] = {
    TITLE, MAIL,
    ROLES, {"enabled", VALUE_SWITCH, "yes|no", .help = "Whether they may log in", .field = "enabled"},
    {0},
};

static const Option password_options[] = {
    PASSWORD_FILE,
    {"current-file", VALUE_FILE, "FILE", "The password until now, needed for one's own with --url",
     .names = NAMES_FILE},
    {0},
};

static const Option link_options[] = {
    {"if-no-password", VALUE_FLAG, .help = "Only if they have none yet; else nothing is printed"},
    {0},
};

static const Option delete_options[] = {
    {"yes", VALUE_FLAG, .help = "Do not ask first"},
    {0},
};

#define USER .arguments = {{"USER", NAMES_USER}}

static const Verb verbs[] = {
    {"list", "List users", .options = list_options, .run = run_list},
    {"show", "Show a user", USER, .run = run_show},
    {"create", "Make a user",
     "Without --password-file, \"oriel user link\" makes a link with which the person sets one.",
     .arguments = {{"NAME", NAMES_NONE}}, .options = create_options, .run = run_create},
    {"edit", "Change a user", USER, .options = edit_options, .run = run_edit},
    {"password", "Set a user's password",
     "Asks for it on the terminal, or reads --password-file; never from the command line, "
     "where others could see it.",
     USER, .options = password_options, .run = run_password},
    {"link", "Make a one-time link with which a user sets their password",
     "An earlier link of theirs is void.", USER, .options = link_options, .run = run_link},
    {"totp-reset", "Take a user's second factor away",
     "For whoever lost their device and their recovery codes.", USER, .options = delete_options,
     .run = run_totp_reset},
    {"delete", "Delete a user", USER, .options = delete_options, .run = run_delete},
    {0},
};

const VerbGroup user_group = {"user", "People who log in", verbs};
