/* Long work: runs in a bounded pool of threads, with progress, log and cancel in the store, and an orderly
 * end after a crash.
 *
 *   JobStart start = {.kind = "image.build", .object_kind = "image", .object_id = id, .object_name = name,
 *                     .function = build, .data = what, .data_free = what_free, .actor = actor};
 *   g_autofree char *job_id = job_start(runner, &start, error);
 */
#pragma once

#include <gio/gio.h>

#include "store/job.h"

typedef struct JobRunner JobRunner;
typedef struct Job Job; /* one job while it runs; only for its function and the threads the function owns */

/* Does the work; false with error: the job fails with that sentence. After a cancel return false with
 * CANCELLED (or G_IO_ERROR_CANCELLED). `data` is JobStart.data, NULL where the job was taken up again after a
 * crash. */
typedef bool (*JobFunction)(Job *job, void *data, GError **error);

typedef struct {
    const char *kind;
    const char *object_kind; /* NULL: none; the same for the next three */
    const char *object_id;
    const char *object_name;
    const char *arguments; /* JSON from which a resumable job can start again; NULL: "{}" */
    JobFunction function;  /* NULL: that of job_runner_resumable */
    void *data;
    GDestroyNotify data_free; /* always called once, also where job_start fails */
    const StoreActor *actor;  /* NULL: the system */
} JobStart;

/* At most `threads` jobs (0: 4) run at once, the others wait queued. The store lives longer. host_id: whose
 * jobs these are. */
JobRunner *job_runner_new(Store *store, const char *host_id, unsigned threads, GError **error);

/* Jobs of this kind can be run again from their arguments. Before job_runner_recover. */
void job_runner_resumable(JobRunner *runner, const char *kind, JobFunction function);

/* Once at start: jobs that an earlier run of this host's orield left queued or running are queued again where
 * their kind is resumable, else marked failed
 * ("interrupted by a restart of orield"). */
bool job_runner_recover(JobRunner *runner, GError **error);

/* Cancels what runs, waits until it has ended (resumable jobs are left for the next start), refuses new jobs.
 * Idempotent. */
void job_runner_stop(JobRunner *runner);
void job_runner_free(JobRunner *runner); /* stops first; NULL is fine */

/* Writes the row and queues the work. Returns the job's id; caller frees. NULL on failure. UNAVAILABLE:
 * stopping. */
char *job_start(JobRunner *runner, const JobStart *start, GError **error);

/* Asks it to end; returns before it has. CONFLICT: it has ended already. */
bool job_cancel(JobRunner *runner, const StoreActor *actor, const char *job_id, GError **error);

/* Waits at most timeout_ms (-1: for ever) for its end and gives the row as it is then. TIMEOUT: it still
 * runs. For jobs of this runner; another host's job is only looked at once. */
StoreJob *job_wait(JobRunner *runner, const char *job_id, int64_t timeout_ms, GError **error);

/* Whether a job of this kind on this object is queued or running in this runner; its id (caller frees) or
 * NULL. */
char *job_find(JobRunner *runner, const char *kind, const char *object_id);

/* ---- for the function ---- */

const char *job_id(const Job *job);
const char *job_arguments(const Job *job);
/* Give it to GIO calls and children; also set by job_cancel, by `oriel job cancel` on another host (within
 * some seconds) and by job_runner_stop. */
GCancellable *job_cancellable(Job *job);
/* Sets CANCELLED and returns true where it is to end. */
bool job_is_cancelled(Job *job, GError **error);

/* Any thread; cheap: written to the store at most twice a second. percent 0..100; step NULL: as before.
 * Failures of the store are not the job's: what could not be written is tried again with the next one. */
void job_progress(Job *job, int percent, const char *step);
void job_log(Job *job, const char *format, ...) G_GNUC_PRINTF(2, 3); /* one line; '\n' is added */
/* Bytes of a child's output as they come; made valid UTF-8. */
void job_log_text(Job *job, const char *text, gssize length);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(JobRunner, job_runner_free)
