#include "cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/secret.h"
#include "cli/print.h"

bool cli_misused(Cli *cli, GError **error, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    g_autofree char *sentence = g_strdup_vprintf(format, values);
    va_end(values);
    cli->misused = true;
    return oriel_fail(error, ORIEL_ERROR_INVALID, "%s", sentence);
}

bool cli_show(Cli *cli, Json *answer, void (*show)(Cli *cli, const Json *answer))
{
    g_autoptr(Json) owned = answer;
    if (!owned)
        return false;
    if (cli->json)
        print_json(owned);
    else if (!cli->quiet)
        show(cli, owned);
    return true;
}

Json *cli_find(Cli *cli, const char *path, GError **error)
{
    g_autoptr(GError) failure = NULL;
    Json *object = client_request(cli->client, "GET", path, NULL, &failure);
    if (failure && !g_error_matches(failure, ORIEL_ERROR, ORIEL_ERROR_NOT_FOUND))
        g_propagate_error(error, g_steal_pointer(&failure));
    return object;
}

Json *cli_create(Cli *cli, const Call *call, const char *collection, Json *body, GError **error)
{
    const char *name = call_argument(call, 0);
    json_object_set_new(body, "name", json_string(name));
    if (!call_flag(call, "if-missing"))
        return client_request(cli->client, "POST", collection, body, error);
    g_autoptr(GError) failure = NULL;
    g_autofree char *path = client_path(collection, name, NULL);
    Json *found = cli_find(cli, path, &failure);
    if (found || failure)
        return failure ? (g_propagate_error(error, g_steal_pointer(&failure)), NULL) : found;
    return client_request(cli->client, "POST", collection, body, error);
}

void cli_say(const Cli *cli, const char *format, ...)
{
    if (cli->json || cli->quiet)
        return;
    va_list values;
    va_start(values, format);
    g_autofree char *text = g_strdup_vprintf(format, values);
    va_end(values);
    g_autofree char *safe = print_safe(text);
    puts(safe);
}

bool cli_do(Cli *cli, const char *method, const char *path, const Json *body, GError **error)
{
    g_autoptr(Json) answer = client_request(cli->client, method, path, body, error);
    if (answer && cli->json)
        print_json(answer);
    return answer != NULL;
}

static char *line_read(FILE *from, GError **error)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t length = getline(&line, &room, from);
    if (length < 0 || (size_t)length > LIMIT_PASSWORD + 1) {
        free(line);
        oriel_fail(error, ORIEL_ERROR_INVALID, length < 0 ? "is empty" : "its first line is too long");
        return NULL;
    }
    if (length > 0 && line[length - 1] == '\n')
        line[length - 1] = '\0';
    char *copy = g_strdup(line);
    explicit_bzero(line, room);
    free(line);
    return copy;
}

bool cli_confirm(Cli *cli, const Call *call, const char *question, GError **error)
{
    if (call_flag(call, "yes"))
        return true;
    if (!isatty(STDIN_FILENO) || !cli->terminal_error) {
        g_autofree char *path = verb_path(call->group, call->verb);
        return cli_misused(cli, error, "%s: asks first, and there is no terminal to ask on; give --yes", path);
    }
    g_autofree char *safe = print_safe(question);
    fprintf(stderr, "%s [y/N] ", safe);
    g_autofree char *answer = line_read(stdin, NULL);
    if (answer && (g_ascii_strcasecmp(answer, "y") == 0 || g_ascii_strcasecmp(answer, "yes") == 0))
        return true;
    return oriel_fail(error, ORIEL_ERROR_CANCELLED, "nothing was done");
}

char *cli_read_file(const char *path, size_t limit, GError **error)
{
    return file_read(strcmp(path, "-") == 0 ? "/dev/stdin" : path, limit, NULL, error);
}

static void interrupted(int number)
{
    /* Only so that getline() returns: the echo must come back on whatever happens. */
}

char *cli_ask_secret(Cli *cli, const char *prompt, const char *option, GError **error)
{
    if (!isatty(STDIN_FILENO))
        return cli_misused(cli, error, "%s: there is no terminal to ask on; give %s FILE", prompt, option), NULL;
    struct termios before, silent;
    if (tcgetattr(STDIN_FILENO, &before) != 0)
        return oriel_fail_errno(error, errno, "terminal"), NULL;
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    struct sigaction ours = {.sa_handler = interrupted}, earlier;
    sigaction(SIGINT, &ours, &earlier);
    fprintf(stderr, "%s: ", prompt);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    char *secret = line_read(stdin, error);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    sigaction(SIGINT, &earlier, NULL);
    fputc('\n', stderr);
    return secret;
}

char *cli_read_secret(const char *path, GError **error)
{
    bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "re");
    if (!file)
        return oriel_fail_errno(error, errno, "file \"%s\"", path), NULL;
    g_autoptr(GError) failure = NULL;
    char *secret = line_read(file, &failure);
    if (!standard)
        fclose(file);
    if (secret && *secret)
        return secret;
    g_clear_pointer(&secret, g_free);
    if (standard)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "standard input: %s",
                          failure ? failure->message : "its first line is empty"),
               NULL;
    return oriel_fail(error, ORIEL_ERROR_INVALID, "file \"%s\": %s", path,
                      failure ? failure->message : "its first line is empty"),
           NULL;
}
