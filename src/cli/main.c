#include <locale.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/config.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/secret.h"
#include "cli/cli.h"
#include "cli/print.h"
#include "cli/usage.h"

static int fail(const GError *error, int exit_code)
{
    g_autofree char *safe = print_safe(error->message);
    const char *prefix = g_str_has_prefix(safe, "oriel ") ? "" : "oriel: ";
    fprintf(stderr, "%s%s%s\n", prefix, safe,
            g_str_has_suffix(safe, ".") || g_str_has_suffix(safe, "?") ? "" : ".");
    return exit_code;
}

static const char *option_or_environment(const Call *call, const char *option, const char *variable)
{
    const char *text = call_option(call, option);
    if (!text)
        text = g_getenv(variable);
    return text && *text ? text : NULL;
}

/* A token never stands in the command line or the environment: only the file that holds it. */
static bool token_read(const Call *call, SecretString **ret_token, GError **error)
{
    const char *path = option_or_environment(call, "token-file", "ORIEL_TOKEN_FILE");
    if (!path)
        return oriel_fail(error, ORIEL_ERROR_UNAUTHENTICATED,
                          "--url needs --token-file: a file whose first line is an API token");
    *ret_token = cli_read_secret(path, error);
    return *ret_token != NULL;
}

static bool connect_remote(Cli *cli, const Call *call, const char *url, GError **error)
{
    g_autoptr(SecretString) token = NULL;
    if (!token_read(call, &token, error))
        return false;
    const ClientAddress address = {.url = url,
                                   .token = token,
                                   .fingerprint =
                                       option_or_environment(call, "fingerprint", "ORIEL_FINGERPRINT")};
    cli->client = client_new(&address, error);
    return cli->client != NULL;
}

static bool connect_local(Cli *cli, const Call *call, GError **error)
{
    const char *folder = call_option(call, "state-folder");
    if (folder)
        g_setenv("ORIEL_STATE", folder, TRUE);
    g_autoptr(Config) config = config_load(NULL, error);
    if (!config)
        return false;
    g_autofree char *path = config_api_socket(config);
    const ClientAddress address = {.socket_path = path};
    cli->socket = g_strdup(path);
    cli->client = client_new(&address, error);
    return cli->client != NULL;
}

static int run(const Call *call)
{
    g_autoptr(GError) error = NULL;
    Cli cli = {
        .json = call_flag(call, "json"),
        .wait = !call_flag(call, "no-wait"),
        .quiet = call_flag(call, "quiet"),
        .terminal_out = isatty(STDOUT_FILENO),
        .terminal_error = isatty(STDERR_FILENO),
    };
    if (call_flag(call, "csv"))
        print_tables_as_csv();
    const char *url = option_or_environment(call, "url", "ORIEL_URL");
    bool done = (url ? connect_remote(&cli, call, url, &error) : connect_local(&cli, call, &error)) &&
                call->verb->run(&cli, call, &error);
    client_free(cli.client);
    g_free(cli.socket);
    if (!done)
        return fail(error, cli.misused ? EX_USAGE : oriel_error_info(oriel_error_kind(error))->exit_code);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fputs("oriel: standard output cannot be written.\n", stderr);
        return EX_IOERR;
    }
    return EX_OK;
}

int main(int count, char **arguments)
{
    setlocale(LC_ALL, "");
    g_autoptr(GError) error = NULL;
    if (!secret_init(&error))
        return fail(error, EX_OSERR);
    g_autoptr(Call) call = call_parse(count, arguments, &error);
    if (!call)
        return fail(error, EX_USAGE);
    if (call->as == PARSED_VERSION) {
        puts("oriel " ORIEL_VERSION);
        return EX_OK;
    }
    if (call->as == PARSED_HELP) {
        g_autofree char *text = usage_text(call->group, call->verb);
        bool asked = call_flag(call, "help");
        fputs(text, asked ? stdout : stderr);
        return asked ? EX_OK : EX_USAGE;
    }
    return run(call);
}
