/* orield: one a host. `orield --help`. */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "api/daemon.h"
#include "base/error.h"
#include "base/log.h"
#include "base/secret.h"
#include "host/check.h"

typedef struct {
    char *config;
    gboolean version;
    gboolean check;
    gboolean json;
} Options;

/* Displays, streams and machines are descriptors each: as many as the system lets us have. */
static void descriptors_raise(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static bool options_read(int *argc, char ***argv, Options *ret, GError **error)
{
    const GOptionEntry entries[] = {
        {"config", 'c', 0, G_OPTION_ARG_FILENAME, &ret->config, "Read this file instead of STATE/oriel.conf",
         "FILE"},
        {"check", 0, 0, G_OPTION_ARG_NONE, &ret->check, "Say what this host can and cannot do, and end",
         NULL},
        {"json", 0, 0, G_OPTION_ARG_NONE, &ret->json, "With --check: as JSON", NULL},
        {"version", 0, 0, G_OPTION_ARG_NONE, &ret->version, "Print the version and end", NULL},
        G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_option_context_set_summary(context,
                                 "Runs the virtual desktops of this host: API, broker, machines, images.");
    g_option_context_add_main_entries(context, entries, NULL);
    g_autoptr(GError) problem = NULL;
    if (!g_option_context_parse(context, argc, argv, &problem))
        return oriel_fail(error, ORIEL_ERROR_INVALID, "%s: see orield --help", problem->message);
    if (*argc > 1)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "unknown word \"%s\": see orield --help", (*argv)[1]);
    return true;
}

static int check_print(const Config *config, bool json)
{
    g_autoptr(GPtrArray) checks = host_check(config);
    if (json) {
        g_autoptr(Json) value = host_check_json(checks);
        g_autofree char *text = json_text(value);
        puts(text);
    } else {
        g_autofree char *text = host_check_text(checks);
        fputs(text, stdout);
    }
    return host_check_worst(checks) == CHECK_FAILED ? 1 : 0;
}

static bool run(const Config *config, GError **error)
{
    g_autoptr(Daemon) daemon = daemon_new(config, NULL);
    if (!secret_init(error) || !daemon_open(daemon, error))
        return false;
    daemon_run(daemon);
    return true;
}

static int fail(const GError *error)
{
    log_error("%s", error->message);
    return oriel_error_info(oriel_error_kind(error))->exit_code;
}

int main(int argc, char **argv)
{
    setlocale(LC_ALL, "C.UTF-8"); /* sentences and numbers are the same everywhere */
    umask(077);
    signal(SIGPIPE, SIG_IGN);
    log_open("orield");
    Options options = {0};
    g_autoptr(GError) error = NULL;
    if (!options_read(&argc, &argv, &options, &error))
        return fail(error);
    g_autofree char *file = options.config;
    if (options.version) {
        puts("orield " ORIEL_VERSION);
        return 0;
    }
    descriptors_raise();
    g_autoptr(Config) config = config_load(file, &error);
    if (!config)
        return fail(error);
    if (options.check)
        return check_print(config, options.json);
    return run(config, &error) ? 0 : fail(error);
}
