#include "cli/watch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"

/* REFRESH: a bar shows that time passes. AWAY: a restart of orield takes seconds; longer means that it is
 * gone. */
enum { REFRESH_MS = 1000, RETRY_MS = 500, AWAY_MS = 30000 };

typedef struct {
    Cli *cli;
    const Watch *watch;
    Progress *progress;
    int signals;
    int64_t away_since; /* monotonic; 0: orield is there */
    Json *object;       /* as last read */
} Watching;

static int signals_open(sigset_t *ret_before)
{
    sigset_t ours;
    sigemptyset(&ours);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGTERM);
    sigprocmask(SIG_BLOCK, &ours, ret_before);
    return signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
}

static bool leave(const Watching *watching, GError **error)
{
    return oriel_fail(error, ORIEL_ERROR_CANCELLED, "stopped waiting; %s", watching->watch->left);
}

static bool cancel_job(Watching *watching, GError **error)
{
    g_autofree char *path = client_path("jobs", watching->watch->job_id, "cancel", NULL);
    g_autoptr(Json) answer = client_request(watching->cli->client, "POST", path, NULL, error);
    return answer != NULL;
}

/* Ctrl-C at a terminal asks; a second Ctrl-C, or a signal elsewhere, stops waiting. False: stop waiting. */
static bool interrupted(Watching *watching, GError **error)
{
    struct signalfd_siginfo signal;
    while (read(watching->signals, &signal, sizeof signal) > 0) {
    }
    if (!watching->cli->terminal_error || !isatty(STDIN_FILENO) || !watching->watch->job_id)
        return leave(watching, error);
    progress_clear(watching->progress);
    fputs("Cancel the job (c), leave it running (l), or go on waiting (Enter)? ", stderr);
    struct pollfd inputs[] = {{STDIN_FILENO, POLLIN, 0}, {watching->signals, POLLIN, 0}};
    while (poll(inputs, G_N_ELEMENTS(inputs), -1) < 0 && errno == EINTR) {
    }
    char answer[64] = "";
    if (inputs[1].revents || !fgets(answer, sizeof answer, stdin))
        return leave(watching, error);
    if (answer[0] == 'l' || answer[0] == 'L')
        return leave(watching, error);
    if (answer[0] == 'c' || answer[0] == 'C')
        return cancel_job(watching, error);
    return true;
}

/* Whether this event may concern the watched object. */
static bool concerns(const Watch *watch, const StreamEvent *event)
{
    const char *id = json_string_value(json_object_get(event->data, "id"));
    return !watch->id || !id || strcmp(watch->id, id) == 0;
}

/* Reads the object and lets the caller look. An orield that is away for a moment is no failure. */
static WatchVerdict look_again(Watching *watching, GError **error)
{
    const Watch *watch = watching->watch;
    g_autoptr(GError) failure = NULL;
    Json *object = client_request(watching->cli->client, "GET", watch->path, NULL, &failure);
    if (!object && g_error_matches(failure, ORIEL_ERROR, ORIEL_ERROR_UNAVAILABLE))
        return WATCH_ON;
    if (!object) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return WATCH_FAILED;
    }
    json_decref(watching->object);
    watching->object = object;
    return watch->look(watch->context, object, watching->progress, error);
}

static WatchVerdict event_look(Watching *watching, const StreamEvent *event, GError **error)
{
    const Watch *watch = watching->watch;
    /* A job's event carries the job itself. */
    if (strcmp(event->event, "job") == 0 && watch->job_id) {
        if (!concerns(watch, event))
            return WATCH_ON;
        json_decref(watching->object);
        watching->object = json_incref(event->data);
        return watch->look(watch->context, watching->object, watching->progress, error);
    }
    return concerns(watch, event) ? look_again(watching, error) : WATCH_ON;
}

/* One stream's life. WATCH_ON: it ended, open another. */
static WatchVerdict stream_follow(Watching *watching, GError **error)
{
    g_autoptr(GError) closed = NULL;
    g_autoptr(ClientStream) stream = client_stream(watching->cli->client, "stream", error);
    WatchVerdict verdict = stream ? WATCH_ON : WATCH_FAILED;
    while (verdict == WATCH_ON) {
        g_auto(StreamEvent) event = {0};
        switch (client_stream_next(stream, REFRESH_MS, watching->signals, &event, &closed)) {
        case STREAM_OPENED:
            watching->away_since = 0;
            verdict = look_again(watching, error);
            break;
        case STREAM_EVENT:
            verdict = event_look(watching, &event, error);
            break;
        case STREAM_QUIET:
            if (watching->object && watching->away_since == 0)
                verdict = watching->watch->look(watching->watch->context, watching->object,
                                                watching->progress, error);
            break;
        case STREAM_INPUT:
            verdict = interrupted(watching, error) ? WATCH_ON : WATCH_FAILED;
            break;
        case STREAM_CLOSED:
        default:
            if (watching->object && (g_error_matches(closed, ORIEL_ERROR, ORIEL_ERROR_UNAVAILABLE) ||
                                     g_error_matches(closed, ORIEL_ERROR, ORIEL_ERROR_TIMEOUT)))
                return WATCH_ON;
            g_propagate_error(error, g_steal_pointer(&closed));
            return WATCH_FAILED;
        }
    }
    return verdict;
}

/* Between two streams. WATCH_FAILED: orield stays away, or the person has had enough. */
static WatchVerdict pause_away(Watching *watching, GError **error)
{
    int64_t now = clock_monotonic_ms();
    if (!watching->away_since)
        watching->away_since = now;
    if (now - watching->away_since > AWAY_MS) {
        oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "orield has not answered for %d seconds; %s",
                   AWAY_MS / 1000, watching->watch->left);
        return WATCH_FAILED;
    }
    struct pollfd input = {watching->signals, POLLIN, 0};
    if (poll(&input, 1, RETRY_MS) > 0)
        return interrupted(watching, error) ? WATCH_ON : WATCH_FAILED;
    return WATCH_ON;
}

Json *watch_until(Cli *cli, const Watch *watch, GError **error)
{
    sigset_t before;
    autofd int signals = signals_open(&before);
    Watching watching = {.cli = cli, .watch = watch, .signals = signals};
    watching.progress = progress_new(cli->terminal_error, cli->quiet);
    WatchVerdict verdict;
    while ((verdict = stream_follow(&watching, error)) == WATCH_ON)
        if (pause_away(&watching, error) == WATCH_FAILED) {
            verdict = WATCH_FAILED;
            break;
        }
    progress_free(watching.progress);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (verdict == WATCH_DONE)
        return watching.object;
    json_decref(watching.object);
    return NULL;
}

static WatchVerdict job_look(void *context, const Json *job, Progress *progress, GError **error)
{
    const char *state = json_string_value(json_object_get(job, "state"));
    const char *title = json_string_value(json_object_get(job, "title"));
    const char *step = json_string_value(json_object_get(job, "step"));
    const char *sentence = json_string_value(json_object_get(job, "error"));
    const char *id = json_string_value(json_object_get(job, "id"));
    int percent = (int)json_integer_value(json_object_get(job, "progress"));
    progress_set(progress, title, percent, g_strcmp0(state, "queued") == 0 ? "waits for its turn" : step);
    if (g_strcmp0(state, "done") == 0)
        return WATCH_DONE;
    if (g_strcmp0(state, "cancelled") == 0) {
        oriel_fail(error, ORIEL_ERROR_CANCELLED, "job %s was cancelled", id);
        return WATCH_FAILED;
    }
    if (g_strcmp0(state, "failed") == 0) {
        oriel_fail(error, ORIEL_ERROR_INTERNAL, "%s; \"oriel job log %s\" shows its log",
                   sentence ? sentence : "the job failed", id);
        return WATCH_FAILED;
    }
    return WATCH_ON;
}

Json *watch_job(Cli *cli, const char *job_id, GError **error)
{
    g_autofree char *path = client_path("jobs", job_id, NULL);
    g_autofree char *left = g_strdup_printf("job %s goes on: oriel job watch %s", job_id, job_id);
    const Watch watch = {.path = path, .id = job_id, .job_id = job_id, .look = job_look, .left = left};
    return watch_until(cli, &watch, error);
}
