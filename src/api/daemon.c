#include "api/daemon.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>

#include "api/api.h"
#include "api/notify.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/secret.h"
#include "forward/forward.h"
#include "store/event.h"
#include "store/host.h"

#define TIDY_SECONDS 3600
#define RECHECK_SECONDS ((unsigned)(LIMIT_RECHECK_MS / LIMIT_RECHECK_ROUNDS / 1000))
#define DAY_MS (24 * 60 * 60 * 1000LL)
#define JOBS_KEPT_MS (30 * DAY_MS)
#define LOCK_LIMIT_MS 5000

struct Daemon {
    const Config *config;
    const HostDriver *driver;
    int lock;
    Store *store;
    Identity *identity;
    JobRunner *jobs;
    Host *host;
    Api *api;
    Forward *forward;
    GMainLoop *loop;
    unsigned sources[4];
    int stop_machines; /* atomic: set by a worker of the API */
};

static gboolean on_signal(void *data)
{
    Daemon *daemon = data;
    g_main_loop_quit(daemon->loop);
    return G_SOURCE_CONTINUE;
}

Daemon *daemon_new(const Config *config, const HostDriver *driver)
{
    Daemon *daemon = g_new0(Daemon, 1);
    daemon->config = config;
    daemon->driver = driver;
    daemon->lock = -1;
    daemon->loop = g_main_loop_new(NULL, FALSE);
    /* From the first moment: one that comes while we open is acted upon as soon as the loop runs. */
    daemon->sources[0] = g_unix_signal_add(SIGTERM, on_signal, daemon);
    daemon->sources[1] = g_unix_signal_add(SIGINT, on_signal, daemon);
    return daemon;
}

/* ---- open ---- */

static bool state_lock(Daemon *daemon, GError **error)
{
    g_autofree char *path = g_build_filename(daemon->config->state, "orield.lock", NULL);
    if (!folder_make(daemon->config->state, 0700, error) ||
        !folder_make(daemon->config->runtime, 0750, error))
        return false;
    daemon->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (daemon->lock < 0)
        return oriel_fail_errno(error, errno, "lock file \"%s\"", path);
    if (file_lock(daemon->lock, LOCK_LIMIT_MS))
        return true;
    if (errno == EWOULDBLOCK)
        return oriel_fail(
            error, ORIEL_ERROR_CONFLICT,
            "another orield runs on the state folder \"%s\": end it first, or use another folder "
            "(ORIEL_STATE)",
            daemon->config->state);
    return oriel_fail_errno(error, errno, "lock file \"%s\"", path);
}

/* The link is a secret: it goes into a file that only we can read, and never into the log. */
static bool first_admin(Daemon *daemon, GError **error)
{
    g_autofree char *path = g_build_filename(daemon->config->state, API_SETUP_LINK, NULL);
    g_autoptr(SecretString) token = NULL;
    if (!identity_first_admin(daemon->identity, &token, error))
        return false;
    if (!token) {
        unlink(path);
        return true;
    }
    const Config *config = daemon->config;
    g_autoptr(SecretString) text =
        config->public_url
            ? g_strdup_printf("%s/#/setup/%s\n", config->public_url, token)
            : g_strdup_printf("https://%s:%u/#/setup/%s\n", g_get_host_name(), config->port, token);
    if (!file_write_atomic(path, text, strlen(text), 0600, error))
        return false;
    log_info("the administrator has no password yet: the link in %s sets it, once", path);
    return true;
}

/* Hosts that share a database must open each other's secrets. */
static bool secret_key(Daemon *daemon, GError **error)
{
    if (!secret_key_load(daemon->config->secret_key, error))
        return false;
    g_autofree char *mark = secret_key_mark();
    g_autofree char *kept = store_meta_default(daemon->store, "secret.key.mark", mark, error);
    return kept && (strcmp(kept, mark) == 0 ||
                    oriel_fail(error, ORIEL_ERROR_CONFLICT,
                               "secret key \"%s\": is not the one that sealed the secrets in this database; copy the file "
                               "from the host (or the backup) that has it",
                               daemon->config->secret_key));
}

static bool store_and_identity(Daemon *daemon, GError **error)
{
    g_autofree char *path = g_build_filename(daemon->config->state, "oriel.db", NULL);
    daemon->store = store_open(daemon->config->database, path, error);
    if (!daemon->store || !secret_key(daemon, error))
        return false;
    daemon->identity = identity_new(daemon->store, error);
    return daemon->identity && first_admin(daemon, error) &&
           api_images_sync(daemon->store, daemon->config, error);
}

static bool machines(Daemon *daemon, GError **error)
{
    g_autofree char *id = host_id_of(daemon->config->state, error);
    if (!id)
        return false;
    daemon->jobs = job_runner_new(daemon->store, id, 0, error);
    if (!daemon->jobs)
        return false;
    HostSetup setup = {
        .config = daemon->config, .store = daemon->store, .jobs = daemon->jobs, .driver = daemon->driver};
    daemon->host = host_open(&setup, error);
    return daemon->host && job_runner_recover(daemon->jobs, error);
}

static gboolean on_stop(void *data)
{
    Daemon *daemon = data;
    g_main_loop_quit(daemon->loop);
    return G_SOURCE_REMOVE;
}

/* On a worker of the API. */
static void stop_asked(bool with_machines, void *data)
{
    Daemon *daemon = data;
    if (with_machines)
        g_atomic_int_set(&daemon->stop_machines, 1);
    g_idle_add(on_stop, daemon);
}

bool daemon_open(Daemon *daemon, GError **error)
{
    if (!state_lock(daemon, error) || !store_and_identity(daemon, error) || !machines(daemon, error))
        return false;
    ApiSetup setup = {
        .config = daemon->config,
        .store = daemon->store,
        .identity = daemon->identity,
        .jobs = daemon->jobs,
        .host = daemon->host,
        .stop = stop_asked,
        .data = daemon,
    };
    g_autofree char *id = host_id_of(daemon->config->state, error);
    daemon->forward = id ? forward_start(daemon->config, daemon->store, id, error) : NULL;
    daemon->api = daemon->forward ? api_start(&setup, error) : NULL;
    return daemon->api != NULL;
}

/* ---- run ---- */

static bool events_expire(Daemon *daemon, int64_t now_ms, GError **error)
{
    int64_t days = daemon->config->event_retention_days;
    return days == 0 || store_event_expire(daemon->store, now_ms - days * DAY_MS, NULL, error);
}

/* What the store keeps for a time only. A store that is away is no reason for anything: the next hour does
 * it. */
static gboolean on_tidy(void *data)
{
    Daemon *daemon = data;
    g_autoptr(GError) error = NULL;
    int64_t now_ms = clock_utc_ms();
    if (!identity_expire(daemon->identity, &error) ||
        !events_expire(daemon, now_ms, &error) ||
        !store_job_expire(daemon->store, now_ms - JOBS_KEPT_MS, &error))
        log_warning("old rows were not removed: %s", error->message);
    return G_SOURCE_CONTINUE;
}

static gboolean on_recheck(void *data)
{
    Daemon *daemon = data;
    identity_recheck(daemon->identity);
    return G_SOURCE_CONTINUE;
}

void daemon_run(Daemon *daemon)
{
    daemon->sources[2] = g_timeout_add_seconds(TIDY_SECONDS, on_tidy, daemon);
    daemon->sources[3] = g_timeout_add_seconds(RECHECK_SECONDS, on_recheck, daemon);
    notify_manager("READY=1");
    on_tidy(daemon); /* who starts it each morning has old rows too */
    on_recheck(daemon);
    log_info("orield %s is ready: %s, state in %s", ORIEL_VERSION, store_backend(daemon->store),
             daemon->config->state);
    g_main_loop_run(daemon->loop);
    notify_manager("STOPPING=1");
    log_info("ending%s",
             g_atomic_int_get(&daemon->stop_machines) ? ", and the machines with it" : "; machines go on");
}

/* ---- close ---- */

static void machines_close(Daemon *daemon)
{
    g_autoptr(GError) error = NULL;
    if (daemon->jobs)
        job_runner_stop(daemon->jobs);
    if (daemon->host && g_atomic_int_get(&daemon->stop_machines) && !host_stop_machines(daemon->host, &error))
        log_error("not every machine ended: %s", error->message);
    host_close(daemon->host);
    job_runner_free(daemon->jobs);
}

void daemon_free(Daemon *daemon)
{
    if (!daemon)
        return;
    api_stop(daemon->api);
    forward_stop(daemon->forward);
    machines_close(daemon);
    identity_free(daemon->identity);
    store_close(daemon->store);
    for (size_t i = 0; i < G_N_ELEMENTS(daemon->sources); i++)
        if (daemon->sources[i])
            g_source_remove(daemon->sources[i]);
    g_main_loop_unref(daemon->loop);
    fd_clear(&daemon->lock);
    g_free(daemon);
}
