/* Jobs on both databases. What they wait for is always told by somebody; there are no pauses. */
#include <string.h>

#include "../fixtures/store/backend.h"
#include "base/error.h"
#include "job/job.h"

/* A gate that a job's function waits at. */
typedef struct {
    GMutex lock;
    GCond changed;
    bool open;
    bool entered;
    unsigned runs;
    unsigned frees;
} Gate;

static void gate_init(Gate *gate)
{
    *gate = (Gate){0};
    g_mutex_init(&gate->lock);
    g_cond_init(&gate->changed);
}

static void gate_clear(Gate *gate)
{
    g_mutex_clear(&gate->lock);
    g_cond_clear(&gate->changed);
}

static void gate_open(Gate *gate)
{
    g_mutex_lock(&gate->lock);
    gate->open = true;
    g_cond_broadcast(&gate->changed);
    g_mutex_unlock(&gate->lock);
}

static void gate_wait_entered(Gate *gate)
{
    g_mutex_lock(&gate->lock);
    while (!gate->entered)
        g_cond_wait(&gate->changed, &gate->lock);
    g_mutex_unlock(&gate->lock);
}

static void gate_wake(GCancellable *cancellable, gpointer data)
{
    Gate *gate = data;
    g_mutex_lock(&gate->lock);
    g_cond_broadcast(&gate->changed);
    g_mutex_unlock(&gate->lock);
}

static void gate_freed(gpointer data)
{
    Gate *gate = data;
    g_mutex_lock(&gate->lock);
    gate->frees++;
    g_mutex_unlock(&gate->lock);
}

/* Waits until the gate opens or it is cancelled. */
static bool wait_at_gate(Job *job, void *data, GError **error)
{
    Gate *gate = data;
    GCancellable *cancellable = job_cancellable(job);
    gulong handler = g_cancellable_connect(cancellable, G_CALLBACK(gate_wake), gate, NULL);
    g_mutex_lock(&gate->lock);
    gate->entered = true;
    gate->runs++;
    g_cond_broadcast(&gate->changed);
    while (!gate->open && !g_cancellable_is_cancelled(cancellable))
        g_cond_wait(&gate->changed, &gate->lock);
    g_mutex_unlock(&gate->lock);
    g_cancellable_disconnect(cancellable, handler);
    return !job_is_cancelled(job, error);
}

static bool succeed(Job *job, void *data, GError **error)
{
    job_progress(job, 50, "half");
    for (int i = 0; i < 1000; i++)
        job_log(job, "line %d \u00e4", i);
    job_log_text(job, "bad \xff byte\n", -1);
    return true;
}

static bool fail(Job *job, void *data, GError **error)
{
    job_log(job, "about to fail");
    return oriel_fail(error, ORIEL_ERROR_FULL, "no room");
}

static JobRunner *runner_of(Fixture *fixture, unsigned threads)
{
    g_autoptr(GError) error = NULL;
    JobRunner *runner = job_runner_new(fixture->store, "host", threads, &error);
    g_assert_no_error(error);
    return runner;
}

static char *start(JobRunner *runner, const char *kind, JobFunction function, Gate *gate)
{
    g_autoptr(GError) error = NULL;
    JobStart what = {
        .kind = kind, .object_kind = "image", .object_id = "i", .object_name = "image", .function = function};
    if (gate) {
        what.data = gate;
        what.data_free = gate_freed;
    }
    char *id = job_start(runner, &what, &error);
    g_assert_no_error(error);
    return id;
}

static StoreJob *ended(JobRunner *runner, const char *id)
{
    g_autoptr(GError) error = NULL;
    StoreJob *job = job_wait(runner, id, -1, &error);
    g_assert_no_error(error);
    return job;
}

static char *whole_log(Store *store, const char *id)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (int64_t position = 0;;) {
        g_autofree char *piece = store_job_log_read(store, id, &position, NULL);
        if (!*piece)
            return g_string_free(g_steal_pointer(&text), FALSE);
        g_string_append(text, piece);
    }
}

static void test_ends(Fixture *fixture)
{
    g_autoptr(JobRunner) runner = runner_of(fixture, 2);
    g_autofree char *good = start(runner, "good", succeed, NULL);
    g_autofree char *bad = start(runner, "bad", fail, NULL);
    g_autoptr(StoreJob) done = ended(runner, good);
    g_assert_cmpint(done->state, ==, STORE_JOB_DONE);
    g_assert_cmpint(done->progress, ==, 100);
    g_assert_cmpstr(done->step, ==, "half");
    g_autofree char *log = whole_log(fixture->store, good);
    g_assert_true(g_str_has_prefix(log, "line 0 \u00e4\nline 1 \u00e4\n"));
    g_assert_true(g_str_has_suffix(log, "line 999 \u00e4\nbad \ufffd byte\n"));
    g_autoptr(StoreJob) failed = ended(runner, bad);
    g_assert_cmpint(failed->state, ==, STORE_JOB_FAILED);
    g_assert_cmpstr(failed->error, ==, "no room");
    g_autofree char *failed_log = whole_log(fixture->store, bad);
    g_assert_cmpstr(failed_log, ==, "about to fail\n-- failed: no room --\n");
    g_autofree char *found = job_find(runner, "good", "i");
    g_assert_null(found);
}

static void test_bound_and_cancel(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Gate gate;
    gate_init(&gate);
    JobRunner *runner = runner_of(fixture, 1);
    g_autofree char *first = start(runner, "wait", wait_at_gate, &gate);
    gate_wait_entered(&gate);
    g_autofree char *second = start(runner, "wait", wait_at_gate, &gate);
    g_autofree char *found = job_find(runner, "wait", "i");
    g_assert_nonnull(found);
    g_assert_null(job_wait(runner, first, 0, &error));
    assert_kind(error, ORIEL_ERROR_TIMEOUT);
    g_autoptr(StoreJob) queued = store_job_get(fixture->store, second, &error);
    g_assert_cmpint(queued->state, ==, STORE_JOB_QUEUED);
    /* A queued one ends at once, and never runs. */
    g_assert_true(job_cancel(runner, NULL, second, &error));
    g_autoptr(StoreJob) cancelled = ended(runner, second);
    g_assert_cmpint(cancelled->state, ==, STORE_JOB_CANCELLED);
    g_assert_true(job_cancel(runner, NULL, first, &error));
    g_autoptr(StoreJob) stopped = ended(runner, first);
    g_assert_cmpint(stopped->state, ==, STORE_JOB_CANCELLED);
    g_assert_false(job_cancel(runner, NULL, first, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    job_runner_free(runner);
    g_assert_cmpuint(gate.runs, ==, 1);
    g_assert_cmpuint(gate.frees, ==, 2);
    gate_clear(&gate);
}

/* A cancel that was written to the store by somebody else. */
static void test_cancel_from_elsewhere(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Gate gate;
    gate_init(&gate);
    g_autoptr(JobRunner) runner = runner_of(fixture, 1);
    g_autofree char *id = start(runner, "wait", wait_at_gate, &gate);
    gate_wait_entered(&gate);
    g_autoptr(Store) other = store_open(fixture->database, fixture->path, &error);
    g_assert_no_error(error);
    /* SQLite tells only its own process: there the same store is the way. */
    g_assert_true(store_job_cancel(fixture->postgres ? other : fixture->store, NULL, id, &error));
    g_autoptr(StoreJob) job = ended(runner, id);
    g_assert_cmpint(job->state, ==, STORE_JOB_CANCELLED);
    job_runner_stop(runner);
    gate_clear(&gate);
}

static Gate *resumed_gate; /* a resumed job has no data */

static bool resume(Job *job, void *data, GError **error)
{
    g_assert_null(data);
    g_assert_cmpstr(job_arguments(job), ==, "{\"x\":1}");
    gate_open(resumed_gate);
    return true;
}

/* What a crash leaves: rows of an instance that is no more. */
static void test_recover(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Gate gate;
    gate_init(&gate);
    resumed_gate = &gate;
    StoreJob fields = {.kind = "plain", .host_id = "host", .instance = "dead", .arguments = "{\"x\":1}"};
    g_autoptr(StoreJob) plain = store_job_create(fixture->store, NULL, &fields, &error);
    g_assert_true(store_job_begin(fixture->store, plain->id, "dead", &error));
    fields.kind = "again";
    g_autoptr(StoreJob) again = store_job_create(fixture->store, NULL, &fields, &error);
    g_assert_true(store_job_begin(fixture->store, again->id, "dead", &error));
    g_autoptr(StoreJob) unwanted = store_job_create(fixture->store, NULL, &fields, &error);
    g_assert_true(store_job_begin(fixture->store, unwanted->id, "dead", &error));
    g_assert_true(store_job_cancel(fixture->store, NULL, unwanted->id, &error));
    fields.host_id = "other host";
    g_autoptr(StoreJob) foreign = store_job_create(fixture->store, NULL, &fields, &error);

    g_autoptr(JobRunner) runner = runner_of(fixture, 1);
    job_runner_resumable(runner, "again", resume);
    g_assert_true(job_runner_recover(runner, &error));
    g_autoptr(StoreJob) failed = ended(runner, plain->id);
    g_assert_cmpint(failed->state, ==, STORE_JOB_FAILED);
    g_assert_cmpstr(failed->error, ==, "interrupted by a restart of orield");
    g_autoptr(StoreJob) done = ended(runner, again->id);
    g_assert_cmpint(done->state, ==, STORE_JOB_DONE);
    g_assert_true(gate.open);
    g_autoptr(StoreJob) cancelled = ended(runner, unwanted->id);
    g_assert_cmpint(cancelled->state, ==, STORE_JOB_CANCELLED);
    g_autoptr(StoreJob) untouched = store_job_get(fixture->store, foreign->id, &error);
    g_assert_cmpint(untouched->state, ==, STORE_JOB_QUEUED);
    job_runner_stop(runner);
    gate_clear(&gate);
}

/* A stop in good order: resumable jobs are left for the next start, others fail; nothing runs on. */
static void test_stop(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Gate gate;
    gate_init(&gate);
    JobRunner *runner = runner_of(fixture, 2);
    job_runner_resumable(runner, "again", wait_at_gate);
    g_autofree char *plain = start(runner, "wait", wait_at_gate, &gate);
    g_autofree char *again = start(runner, "again", NULL, &gate);
    g_autofree char *queued = start(runner, "wait", wait_at_gate, &gate);
    gate_wait_entered(&gate);
    job_runner_stop(runner);
    JobStart late = {.kind = "late", .function = succeed};
    g_assert_null(job_start(runner, &late, &error));
    assert_kind(error, ORIEL_ERROR_UNAVAILABLE);
    job_runner_free(runner);
    g_assert_cmpuint(gate.frees, ==, 3);
    g_autoptr(StoreJob) failed = store_job_get(fixture->store, plain, &error);
    g_autoptr(StoreJob) left = store_job_get(fixture->store, again, &error);
    g_autoptr(StoreJob) never = store_job_get(fixture->store, queued, &error);
    g_assert_cmpint(failed->state, ==, STORE_JOB_FAILED);
    g_assert_cmpint(never->state, ==, STORE_JOB_FAILED);
    g_assert_true(left->state == STORE_JOB_RUNNING || left->state == STORE_JOB_QUEUED);
    gate_clear(&gate);
}

/* The end of a job is not lost because the database was away when it came. */
static void test_end_waits_for_store(Fixture *fixture)
{
    Gate gate;
    gate_init(&gate);
    g_autoptr(JobRunner) runner = runner_of(fixture, 1);
    g_autofree char *id = start(runner, "wait", wait_at_gate, &gate);
    gate_wait_entered(&gate);
    fixture_postgres_kill();
    gate_open(&gate);
    fixture_postgres_start();
    while (!store_ping(fixture->store, NULL))
        g_usleep(10000);
    g_autoptr(StoreJob) job = ended(runner, id);
    g_assert_cmpint(job->state, ==, STORE_JOB_DONE);
    job_runner_stop(runner);
    gate_clear(&gate);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fixture_add("ends", test_ends);
    fixture_add("bound-and-cancel", test_bound_and_cancel);
    fixture_add("cancel-from-elsewhere", test_cancel_from_elsewhere);
    fixture_add("recover", test_recover);
    fixture_add("stop", test_stop);
    fixture_add_postgres("end-waits-for-store", test_end_waits_for_store);
    return fixture_run();
}
