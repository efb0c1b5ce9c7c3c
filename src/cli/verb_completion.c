#include <string.h>

#include "base/error.h"
#include "cli/cli.h"
#include "cli/usage.h"

/* Where the names for completion are read, and which key is the word. */
static const struct {
    const char *kind, *path, *key;
} sources[] = {
    {"pool", "pools", "name"},       {"plan", "plans", "name"},      {"directory", "directories", "name"},
    {"policy", "policies", "name"},
    {"image", "images", "name"},     {"recipe", "recipes", "name"},
    {"desktop", "desktops", "name"}, {"session", "sessions", "id"}, {"user", "users", "name"},
    {"group", "groups", "name"},     {"job", "jobs", "id"},         {"token", "tokens", "id"},
};

enum { NAMES_LIMIT = 500 };

static bool print_names(Cli *cli, const char *kind, GError **error)
{
    size_t index = 0;
    while (index < G_N_ELEMENTS(sources) && strcmp(sources[index].kind, kind) != 0)
        index++;
    if (index == G_N_ELEMENTS(sources))
        return cli_misused(cli, error, "oriel completion: nothing is called \"%s\"", kind);
    g_autoptr(Json) list = client_list(cli->client, sources[index].path, NAMES_LIMIT, error);
    const Json *items = json_object_get(list, "items");
    for (size_t i = 0; i < json_array_size(items); i++) {
        const char *word = json_string_value(json_object_get(json_array_get(items, i), sources[index].key));
        /* A shell splits and evaluates what it is offered: only words that are plain. */
        if (word &&
            word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")] == '\0')
            puts(word);
    }
    return list != NULL;
}

static bool run(Cli *cli, const Call *call, GError **error)
{
    const char *shell = call_argument(call, 0);
    if (call_option(call, "names"))
        return print_names(cli, call_option(call, "names"), error);
    if (call_flag(call, "manual")) {
        g_autofree char *page = manual_text();
        fputs(page, stdout);
        return true;
    }
    if (!shell)
        return cli_misused(cli, error, "oriel completion: which shell: bash, zsh or fish?");
    g_autofree char *script = completion_text(shell);
    if (!script)
        return cli_misused(cli, error,
                          "oriel completion: there is none for \"%s\", only for bash, zsh and fish", shell);
    fputs(script, stdout);
    return true;
}

static const Option options[] = {
    {"names", VALUE_TEXT, "KIND", .help = "Print the names of pools, users, … as the scripts need them"},
    {"manual", VALUE_FLAG, .help = "Print the man page instead"},
    {0},
};

static const Verb verbs[] = {
    {NULL, "Print a shell's completion script",
     "In bash: source <(oriel completion bash). Packages install it where the shell finds it.",
     .arguments = {{"SHELL", NAMES_SHELL, true}}, .options = options, .run = run},
    {0},
};

const VerbGroup completion_group = {"completion", "Completion for bash, zsh and fish", verbs};
