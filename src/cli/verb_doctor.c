#include <errno.h>
#include <gio/gio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/cli.h"
#include "cli/print.h"

#ifndef ORIEL_DAEMON_FOLDER
#define ORIEL_DAEMON_FOLDER "/usr/sbin"
#endif

/* orield beside this program (a build folder keeps each in its room's), else where it was installed. */
static char *daemon_path(GError **error)
{
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *folder = self ? g_path_get_dirname(self) : g_strdup(".");
    char *const places[] = {
        g_build_filename(folder, "orield", NULL),
        g_build_filename(folder, "..", "api", "orield", NULL),
        g_build_filename(ORIEL_DAEMON_FOLDER, "orield", NULL),
    };
    char *found = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
        if (!found && access(places[i], X_OK) == 0)
            found = places[i];
        else
            g_free(places[i]);
    }
    if (!found)
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND,
                   "orield is not installed beside this program: the host's checks are its");
    return found;
}

/* The checks as orield reports them: {"checks": […]}. */
static Json *checks_read(GError **error)
{
    g_autofree char *path = daemon_path(error);
    if (!path)
        return NULL;
    g_autoptr(GError) failure = NULL;
    g_autoptr(GSubprocess) child =
        g_subprocess_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE, &failure, path, "--check", "--json", NULL);
    g_autoptr(GBytes) output = NULL;
    if (!child || !g_subprocess_communicate(child, NULL, NULL, &output, NULL, &failure))
        return oriel_fail(error, ORIEL_ERROR_INTERNAL, "\"%s --check\": %s", path, failure->message), NULL;
    size_t length = 0;
    const char *text = g_bytes_get_data(output, &length);
    return json_parse_object(text ? text : "", length, "answer of orield --check", error);
}

/* Whether the daemon runs is the CLI's own question; and with which accelerator: its user may have fewer
 * rights than ours. */
static void daemon_check(Cli *cli, Json *checks)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(Json) status = client_request(cli->client, "GET", "status", NULL, &failure);
    const char *version = "", *accelerator = "", *reason = "";
    g_autofree char *sentence = NULL;
    if (status && json_unpack(status, "{s:s, s:{s:s, s:s}}", "version", &version, "accelerator", "name",
                              &accelerator, "reason", &reason) == 0)
        sentence = g_strdup_printf("orield %s answers; it uses %s: %s%s", version, accelerator, reason,
                                   strpbrk(reason + MAX(strlen(reason), 1) - 1, ".?") ? "" : ".");
    else
        sentence = g_strdup_printf("%s.", failure ? failure->message
                                                  : "orield's answer is none that this oriel understands");
    json_array_append_new(checks, json_pack("{s:s, s:s, s:s}", "name", "orield", "state",
                                            failure ? "warning" : "ok", "sentence", sentence));
    const Json *warnings = json_object_get(status, "warnings");
    for (size_t i = 0; i < json_array_size(warnings); i++)
        json_array_append_new(checks, json_pack("{s:s, s:s, s:O}", "name", "status", "state", "warning", "sentence",
                                                json_array_get(warnings, i)));
}

static const char *mark(const char *state, bool colour)
{
    if (strcmp(state, "ok") == 0)
        return colour ? "\033[32mok\033[0m     " : "ok     ";
    if (strcmp(state, "warning") == 0)
        return colour ? "\033[33mwarning\033[0m" : "warning";
    return colour ? "\033[31mfailed\033[0m " : "failed ";
}

static void show(Cli *cli, const Json *answer)
{
    const Json *checks = json_object_get(answer, "checks");
    bool colour = cli->terminal_out && !g_getenv("NO_COLOR");
    for (size_t i = 0; i < json_array_size(checks); i++) {
        const Json *check = json_array_get(checks, i);
        const char *state = json_string_value(json_object_get(check, "state"));
        static const Column name_of = {"", "name", SHOW_TEXT}, sentence_of = {"", "sentence", SHOW_TEXT};
        g_autofree char *name = print_value(check, &name_of), *sentence = print_value(check, &sentence_of);
        printf("%s  %-12s  %s\n", mark(state ? state : "failed", colour), name, sentence);
    }
}

static bool run(Cli *cli, const Call *call, GError **error)
{
    g_autoptr(Json) answer = checks_read(error);
    Json *checks = json_object_get(answer, "checks");
    if (!answer)
        return false;
    if (!json_is_array(checks))
        return oriel_fail(error, ORIEL_ERROR_CORRUPT, "answer of orield --check: no checks in it");
    daemon_check(cli, checks);
    unsigned failed = 0;
    for (size_t i = 0; i < json_array_size(checks); i++)
        failed +=
            g_strcmp0(json_string_value(json_object_get(json_array_get(checks, i), "state")), "failed") == 0;
    cli_show(cli, g_steal_pointer(&answer), show);
    return failed == 0 || oriel_fail(error, ORIEL_ERROR_UNSUPPORTED,
                                     "%u of the checks failed: desktops cannot run here yet", failed);
}

static const Verb verbs[] = {
    {NULL, "Check this host: what it can do, and what to do where it falls short",
     "Needs no running orield. Looks at the accelerator (by really running a tiny guest), QEMU, memory, "
     "disk, the port, kernel "
     "features, whether orield answers, and what it warns of; says in one sentence each what it found and what to do.",
     .run = run},
    {0},
};

const VerbGroup doctor_group = {"doctor", "What this host can do", verbs};
