#include "job/internal.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"

enum { WRITE_EVERY_MS = 500, LOG_IN_MEMORY = 64 * 1024 };

const char *job_id(const Job *job)
{
    return job->id;
}

const char *job_arguments(const Job *job)
{
    return job->arguments;
}

GCancellable *job_cancellable(Job *job)
{
    return job->cancellable;
}

bool job_is_cancelled(Job *job, GError **error)
{
    if (!g_cancellable_is_cancelled(job->cancellable))
        return false;
    oriel_fail(error, ORIEL_ERROR_CANCELLED, "job \"%s\": it was cancelled", job->id);
    return true;
}

void report_pending(JobRunner *runner)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&runner->lock);
    runner->pending = true;
    g_cond_signal(&runner->written);
}

void job_progress(Job *job, int percent, const char *step)
{
    g_mutex_lock(&job->lock);
    job->progress = CLAMP(percent, 0, 100);
    if (step) {
        g_free(job->step);
        job->step = g_utf8_make_valid(step, -1);
    }
    job->dirty = true;
    g_mutex_unlock(&job->lock);
    report_pending(job->runner);
}

/* The store keeps no more than that either. */
static void drop_oldest(GString *log)
{
    if (log->len <= LIMIT_JOB_LOG)
        return;
    const char *line = memchr(log->str + (log->len - LIMIT_JOB_LOG), '\n', LIMIT_JOB_LOG);
    g_string_erase(log, 0, line ? line + 1 - log->str : (gssize)(log->len - LIMIT_JOB_LOG));
}

void job_log_text(Job *job, const char *text, gssize length)
{
    g_autofree char *valid = g_utf8_make_valid(text, length);
    g_mutex_lock(&job->lock);
    g_string_append(job->log, valid);
    drop_oldest(job->log);
    bool much = job->log->len > LOG_IN_MEMORY;
    g_mutex_unlock(&job->lock);
    if (much)
        report_write(job, false, NULL); /* what could not be written is kept, and tried again by the writer */
    report_pending(job->runner);
}

void job_log(Job *job, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_autofree char *line = g_strconcat(text, "\n", NULL);
    job_log_text(job, line, -1);
}

/* ---- writing ---- */

static void put_back(Job *job, const char *text)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&job->lock);
    g_string_prepend(job->log, text);
    drop_oldest(job->log);
}

static bool write_log(Job *job, GError **error)
{
    g_mutex_lock(&job->lock);
    g_autofree char *text = job->log->len > 0 ? g_strndup(job->log->str, job->log->len) : NULL;
    g_string_truncate(job->log, 0);
    g_mutex_unlock(&job->lock);
    if (!text || store_job_log_append(job->runner->store, job->id, text, error))
        return true;
    put_back(job, text);
    return false;
}

static bool write_progress(Job *job, GError **error)
{
    g_mutex_lock(&job->lock);
    bool dirty = job->dirty;
    int progress = job->progress;
    g_autofree char *step = g_steal_pointer(&job->step);
    job->dirty = false;
    g_mutex_unlock(&job->lock);
    bool cancel = false;
    if (!dirty)
        return true;
    if (store_job_progress(job->runner->store, job->id, progress, step, &cancel, error)) {
        if (cancel)
            g_cancellable_cancel(job->cancellable);
        return true;
    }
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&job->lock);
    job->dirty = true;
    if (!job->step)
        job->step = g_steal_pointer(&step);
    return false;
}

static void look_for_cancel(Job *job)
{
    g_mutex_lock(&job->lock);
    bool look = job->look && job->running;
    job->look = false;
    g_mutex_unlock(&job->lock);
    g_autoptr(StoreJob) row = look ? store_job_get(job->runner->store, job->id, NULL) : NULL;
    if (row && row->cancel_requested)
        g_cancellable_cancel(job->cancellable);
}

bool report_write(Job *job, bool last, GError **error)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&job->write_lock);
    if (!last)
        look_for_cancel(job);
    return write_log(job, error) && write_progress(job, error);
}

static bool has_something(Job *job)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&job->lock);
    return job->running && (job->dirty || job->look || job->log->len > 0);
}

/* With the runner's lock held. */
static GPtrArray *running_jobs(JobRunner *runner)
{
    GPtrArray *jobs = g_ptr_array_new_with_free_func((GDestroyNotify)job_unref);
    GHashTableIter iter;
    gpointer job;
    g_hash_table_iter_init(&iter, runner->jobs);
    while (g_hash_table_iter_next(&iter, NULL, &job))
        if (has_something(job))
            g_ptr_array_add(jobs, job_ref(job));
    return jobs;
}

/* The pause between two rounds: what is told meanwhile is written together. Ended early by the runner's end.
 */
static void pause_writing(JobRunner *runner)
{
    int64_t end = g_get_monotonic_time() + WRITE_EVERY_MS * G_TIME_SPAN_MILLISECOND;
    while (!runner->writer_ends && g_cond_wait_until(&runner->written, &runner->lock, end))
        continue;
}

gpointer report_thread(gpointer data)
{
    JobRunner *runner = data;
    g_mutex_lock(&runner->lock);
    while (!runner->writer_ends) {
        if (!runner->pending) {
            g_cond_wait(&runner->written, &runner->lock);
            continue;
        }
        runner->pending = false;
        GPtrArray *jobs = running_jobs(runner);
        g_mutex_unlock(&runner->lock);
        bool all = true;
        for (guint i = 0; i < jobs->len; i++)
            all = report_write(jobs->pdata[i], false, NULL) && all;
        g_ptr_array_unref(jobs);
        g_mutex_lock(&runner->lock);
        runner->pending = runner->pending || !all;
        pause_writing(runner);
    }
    g_mutex_unlock(&runner->lock);
    return NULL;
}

void report_on_change(const StoreChange *change, void *data)
{
    JobRunner *runner = data;
    bool all = strcmp(change->kind, "*") == 0;
    if (!all && strcmp(change->kind, "job") != 0)
        return;
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&runner->lock);
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, runner->jobs);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Job *job = value;
        if (!all && strcmp(job->id, change->id) != 0)
            continue;
        g_autoptr(GMutexLocker) job_locker G_GNUC_UNUSED = g_mutex_locker_new(&job->lock);
        job->look = true;
        runner->pending = true;
    }
    g_cond_signal(&runner->written);
}
