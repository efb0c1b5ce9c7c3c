#include <string.h>

#include "base/error.h"
#include "base/id.h"
#include "base/log.h"
#include "job/internal.h"

enum { THREADS = 4, BACK_OFF_FIRST_MS = 100, BACK_OFF_MOST_MS = 5000 };

static const char interrupted[] = "interrupted by a restart of orield";

Job *job_ref(Job *job)
{
    g_atomic_ref_count_inc(&job->references);
    return job;
}

void job_unref(Job *job)
{
    if (!g_atomic_ref_count_dec(&job->references))
        return;
    if (job->data_free)
        job->data_free(job->data);
    g_object_unref(job->cancellable);
    g_mutex_clear(&job->write_lock);
    g_mutex_clear(&job->lock);
    g_string_free(job->log, TRUE);
    g_free(job->id);
    g_free(job->kind);
    g_free(job->object_id);
    g_free(job->arguments);
    g_free(job->step);
    g_free(job);
}

static Job *job_new(JobRunner *runner, const StoreJob *row, JobFunction function)
{
    Job *job = g_new0(Job, 1);
    g_atomic_ref_count_init(&job->references);
    job->runner = runner;
    job->id = g_strdup(row->id);
    job->kind = g_strdup(row->kind);
    job->object_id = g_strdup(row->object_id);
    job->arguments = g_strdup(row->arguments);
    job->function = function;
    job->cancellable = g_cancellable_new();
    g_mutex_init(&job->write_lock);
    g_mutex_init(&job->lock);
    job->log = g_string_new(NULL);
    return job;
}

/* ---- one job, in a thread of the pool ---- */

static bool is_stopping(JobRunner *runner)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&runner->lock);
    return runner->stopping;
}

static bool is_resumable(JobRunner *runner, const char *kind)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&runner->lock);
    return g_hash_table_contains(runner->kinds, kind);
}

static bool may_pass(const GError *failure)
{
    OrielErrorKind kind = oriel_error_kind(failure);
    return kind == ORIEL_ERROR_UNAVAILABLE || kind == ORIEL_ERROR_NO_SPACE || kind == ORIEL_ERROR_TIMEOUT;
}

/* After a failure of the store. False: do not try again. */
static bool wait_for_store(JobRunner *runner, const GError *failure, int64_t *back_off_ms)
{
    if (!may_pass(failure))
        return false;
    *back_off_ms = CLAMP(*back_off_ms * 2, BACK_OFF_FIRST_MS, BACK_OFF_MOST_MS);
    int64_t end = g_get_monotonic_time() + *back_off_ms * G_TIME_SPAN_MILLISECOND;
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&runner->lock);
    while (!runner->stopping && g_cond_wait_until(&runner->ended, &runner->lock, end))
        continue;
    return !runner->stopping;
}

static bool begin(Job *job)
{
    JobRunner *runner = job->runner;
    for (int64_t back_off_ms = 0;;) {
        if (is_stopping(runner))
            return false;
        g_autoptr(GError) failure = NULL;
        if (store_job_begin(runner->store, job->id, runner->instance, &failure))
            return true;
        if (!wait_for_store(runner, failure, &back_off_ms))
            return false;
    }
}

/* The last of its log first; what cannot be written for another reason than the store's absence does not hold
 * up the end. */
static bool write_end(Job *job, StoreJobState state, const char *error_text, GError **error)
{
    g_autoptr(GError) failure = NULL;
    if (!report_write(job, true, &failure) && may_pass(failure)) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return false;
    }
    return store_job_finish(job->runner->store, job->id, state, error_text, error);
}

static void end(Job *job, StoreJobState state, const char *error_text)
{
    JobRunner *runner = job->runner;
    for (int64_t back_off_ms = 0;;) {
        g_autoptr(GError) failure = NULL;
        if (write_end(job, state, error_text, &failure))
            return;
        if (!wait_for_store(runner, failure, &back_off_ms)) {
            log_error("job %s (%s): its end (%s) could not be written: %s", job->id, job->kind,
                      store_job_state_word(state), failure->message);
            return;
        }
    }
}

/* Whoever reads the log need not look for the reason elsewhere. */
static void end_failed(Job *job, const char *reason)
{
    job_log(job, "-- failed: %s --", reason);
    end(job, STORE_JOB_FAILED, reason);
}

static void set_running(Job *job, bool running)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&job->lock);
    job->running = running;
}

static void run_begun(Job *job)
{
    g_autoptr(GError) failure = NULL;
    set_running(job, true);
    bool done = job->function(job, job->data, &failure);
    set_running(job, false);
    bool cancelled = !done && g_cancellable_is_cancelled(job->cancellable) &&
                     oriel_error_kind(failure) == ORIEL_ERROR_CANCELLED;
    if (done)
        end(job, STORE_JOB_DONE, NULL);
    else if (!cancelled)
        end_failed(job, failure ? failure->message : "it failed and did not say why");
    else if (!is_stopping(job->runner))
        end(job, STORE_JOB_CANCELLED, NULL);
    else if (!is_resumable(job->runner, job->kind))
        end(job, STORE_JOB_FAILED, interrupted);
    /* else: the next start of orield finds it and runs it again */
}

static void leave(JobRunner *runner, Job *job)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&runner->lock);
    if (g_hash_table_lookup(runner->jobs, job->id) == job)
        g_hash_table_remove(runner->jobs, job->id);
    g_cond_broadcast(&runner->ended);
}

static void run(gpointer data, gpointer user_data)
{
    Job *job = data;
    if (begin(job))
        run_begun(job);
    leave(job->runner, job);
    job_unref(job);
}

/* Takes the job. One that comes after the stop is left for the next start. */
static void push(JobRunner *runner, Job *job)
{
    g_mutex_lock(&runner->lock);
    bool taken = !runner->stopping;
    if (taken) {
        g_hash_table_insert(runner->jobs, job->id, job_ref(job));
        g_thread_pool_push(runner->pool, job, NULL);
    }
    g_mutex_unlock(&runner->lock);
    if (!taken)
        job_unref(job);
}

/* ---- the runner ---- */

JobRunner *job_runner_new(Store *store, const char *host_id, unsigned threads, GError **error)
{
    JobRunner *runner = g_new0(JobRunner, 1);
    runner->store = store;
    runner->host_id = g_strdup(host_id);
    runner->instance = id_new();
    g_mutex_init(&runner->lock);
    g_cond_init(&runner->ended);
    g_cond_init(&runner->written);
    runner->jobs = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)job_unref);
    runner->kinds = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    runner->pool = g_thread_pool_new(run, runner, threads ? (int)threads : THREADS, FALSE, NULL);
    runner->writer = g_thread_new("job-writer", report_thread, runner);
    runner->watch = store_subscribe(store, report_on_change, runner);
    return runner;
}

void job_runner_resumable(JobRunner *runner, const char *kind, JobFunction function)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&runner->lock);
    g_hash_table_insert(runner->kinds, g_strdup(kind), function);
}

static JobFunction function_of(JobRunner *runner, const char *kind)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&runner->lock);
    return g_hash_table_lookup(runner->kinds, kind);
}

static bool recover_one(JobRunner *runner, const StoreJob *row, GError **error)
{
    JobFunction function = function_of(runner, row->kind);
    if (row->cancel_requested)
        return store_job_finish(runner->store, row->id, STORE_JOB_CANCELLED, NULL, error);
    if (!function)
        return store_job_finish(runner->store, row->id, STORE_JOB_FAILED, interrupted, error);
    if (!store_job_take(runner->store, row->id, runner->instance, error) ||
        !store_job_log_append(runner->store, row->id, "-- orield was restarted: beginning again --\n", error))
        return false;
    push(runner, job_new(runner, row, function));
    return true;
}

bool job_runner_recover(JobRunner *runner, GError **error)
{
    g_autoptr(GPtrArray) rows = store_job_list_left(runner->store, runner->host_id, runner->instance, error);
    for (guint i = 0; rows && i < rows->len; i++)
        if (!recover_one(runner, rows->pdata[i], error))
            return false;
    return rows != NULL;
}

static GPtrArray *all_jobs(JobRunner *runner)
{
    GPtrArray *jobs = g_ptr_array_new_with_free_func((GDestroyNotify)job_unref);
    GHashTableIter iter;
    gpointer job;
    g_hash_table_iter_init(&iter, runner->jobs);
    while (g_hash_table_iter_next(&iter, NULL, &job))
        g_ptr_array_add(jobs, job_ref(job));
    return jobs;
}

/* What never began is not run: jobs of resumable kinds wait for the next start, the others end here. */
static void end_unbegun(JobRunner *runner, const GPtrArray *jobs)
{
    for (guint i = 0; i < jobs->len; i++) {
        Job *job = jobs->pdata[i];
        g_autoptr(StoreJob) row = store_job_get(runner->store, job->id, NULL);
        if (row && row->state == STORE_JOB_QUEUED && !is_resumable(runner, job->kind))
            store_job_finish(runner->store, job->id, STORE_JOB_FAILED, interrupted, NULL);
    }
}

void job_runner_stop(JobRunner *runner)
{
    g_mutex_lock(&runner->lock);
    bool first = !runner->stopping;
    runner->stopping = true;
    g_autoptr(GPtrArray) jobs = all_jobs(runner);
    g_cond_broadcast(&runner->ended);
    g_mutex_unlock(&runner->lock);
    if (!first)
        return;
    for (guint i = 0; i < jobs->len; i++)
        g_cancellable_cancel(((Job *)jobs->pdata[i])->cancellable);
    g_thread_pool_free(g_steal_pointer(&runner->pool), FALSE, TRUE);
    end_unbegun(runner, jobs);
    store_unsubscribe(runner->store, runner->watch);
    g_mutex_lock(&runner->lock);
    runner->writer_ends = true;
    g_cond_broadcast(&runner->written);
    g_mutex_unlock(&runner->lock);
    g_thread_join(runner->writer);
}

void job_runner_free(JobRunner *runner)
{
    if (!runner)
        return;
    job_runner_stop(runner);
    g_hash_table_unref(runner->jobs);
    g_hash_table_unref(runner->kinds);
    g_mutex_clear(&runner->lock);
    g_cond_clear(&runner->ended);
    g_cond_clear(&runner->written);
    g_free(runner->host_id);
    g_free(runner->instance);
    g_free(runner);
}

/* ---- from outside ---- */

static Job *create(JobRunner *runner, const JobStart *start, GError **error)
{
    JobFunction function = start->function ? start->function : function_of(runner, start->kind);
    if (!function) {
        oriel_fail(error, ORIEL_ERROR_INTERNAL, "job kind \"%s\": it has no function", start->kind);
        return NULL;
    }
    if (is_stopping(runner)) {
        oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "orield is stopping; try again later");
        return NULL;
    }
    StoreJob fields = {.kind = (char *)start->kind,
                       .object_kind = (char *)start->object_kind,
                       .object_id = (char *)start->object_id,
                       .object_name = (char *)start->object_name,
                       .arguments = (char *)start->arguments,
                       .host_id = runner->host_id,
                       .instance = runner->instance};
    g_autoptr(StoreJob) row = store_job_create(runner->store, start->actor, &fields, error);
    return row ? job_new(runner, row, function) : NULL;
}

char *job_start(JobRunner *runner, const JobStart *start, GError **error)
{
    Job *job = create(runner, start, error);
    if (!job) {
        if (start->data_free)
            start->data_free(start->data);
        return NULL;
    }
    job->data = start->data;
    job->data_free = start->data_free;
    char *id = g_strdup(job->id);
    push(runner, job);
    return id;
}

static Job *lookup(JobRunner *runner, const char *id)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&runner->lock);
    Job *job = g_hash_table_lookup(runner->jobs, id);
    return job ? job_ref(job) : NULL;
}

bool job_cancel(JobRunner *runner, const StoreActor *actor, const char *id, GError **error)
{
    if (!store_job_cancel(runner->store, actor, id, error))
        return false;
    Job *job = lookup(runner, id);
    if (!job)
        return true;
    g_cancellable_cancel(job->cancellable);
    /* One that was still queued has ended by that: nobody needs to wait until a thread sees it. */
    g_autoptr(StoreJob) row = store_job_get(runner->store, id, NULL);
    if (row && row->state == STORE_JOB_CANCELLED)
        leave(runner, job);
    job_unref(job);
    return true;
}

static bool wait_for_end(JobRunner *runner, const char *id, int64_t timeout_ms)
{
    int64_t end_us = g_get_monotonic_time() + timeout_ms * G_TIME_SPAN_MILLISECOND;
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&runner->lock);
    while (g_hash_table_contains(runner->jobs, id)) {
        if (timeout_ms < 0)
            g_cond_wait(&runner->ended, &runner->lock);
        else if (!g_cond_wait_until(&runner->ended, &runner->lock, end_us))
            return false;
    }
    return true;
}

StoreJob *job_wait(JobRunner *runner, const char *id, int64_t timeout_ms, GError **error)
{
    bool ended = wait_for_end(runner, id, timeout_ms);
    g_autoptr(StoreJob) row = store_job_get(runner->store, id, error);
    if (!row)
        return NULL;
    if (!ended || row->state == STORE_JOB_QUEUED || row->state == STORE_JOB_RUNNING) {
        oriel_fail(error, ORIEL_ERROR_TIMEOUT, "job \"%s\": it still runs (%s)", id, row->step);
        return NULL;
    }
    return g_steal_pointer(&row);
}

char *job_find(JobRunner *runner, const char *kind, const char *object_id)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&runner->lock);
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, runner->jobs);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Job *job = value;
        if (strcmp(job->kind, kind) == 0 && strcmp(job->object_id, object_id ? object_id : "") == 0)
            return g_strdup(job->id);
    }
    return NULL;
}
