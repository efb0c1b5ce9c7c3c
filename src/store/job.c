#include "store/job.h"

#include "base/error.h"
#include "base/id.h"
#include "store/rules.h"
#include "store/transaction.h"

#define JOB_COLUMNS                                                                                          \
    "j.id, j.kind, j.object_kind, j.object_id, j.object_name, j.arguments, j.state, j.progress, j.step, "    \
    "j.error,"                                                                                               \
    " j.cancel_requested, j.host_id, j.instance, j.created_by, j.creator_name, j.created_ms, j.started_ms, " \
    "j.ended_ms,"                                                                                            \
    " j.updated_ms, j.version"

static const char *const states[] = {"queued", "running", "done", "failed", "cancelled", NULL};

const char *store_job_state_word(StoreJobState state)
{
    return word_of(states, (int)state);
}

bool store_job_state_parse(const char *word, StoreJobState *ret)
{
    int value = 0;
    if (!word_parse(states, word, &value))
        return false;
    *ret = (StoreJobState)value;
    return true;
}

void store_job_free(StoreJob *job)
{
    if (!job)
        return;
    g_free(job->id);
    g_free(job->kind);
    g_free(job->object_kind);
    g_free(job->object_id);
    g_free(job->object_name);
    g_free(job->arguments);
    g_free(job->step);
    g_free(job->error);
    g_free(job->host_id);
    g_free(job->instance);
    g_free(job->created_by);
    g_free(job->creator_name);
    g_free(job);
}

static gpointer job_read(Reader *reader)
{
    StoreJob *job = g_new0(StoreJob, 1);
    job->id = read_string(reader);
    job->kind = read_string(reader);
    job->object_kind = read_string(reader);
    job->object_id = read_string(reader);
    job->object_name = read_string(reader);
    job->arguments = read_string(reader);
    job->state = (StoreJobState)read_word(reader, states);
    job->progress = read_number(reader);
    job->step = read_string(reader);
    job->error = read_text(reader);
    job->cancel_requested = read_bool(reader);
    job->host_id = read_string(reader);
    job->instance = read_string(reader);
    job->created_by = read_text(reader);
    job->creator_name = read_string(reader);
    job->created_ms = read_number(reader);
    job->started_ms = read_number(reader);
    job->ended_ms = read_number(reader);
    job->updated_ms = read_number(reader);
    job->version = read_number(reader);
    return job;
}

static StoreJob *one_job(Rows *owned, const char *id, GError **error)
{
    g_autoptr(Rows) rows = owned;
    if (!rows)
        return NULL;
    if (rows->count == 0) {
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "job \"%s\": there is none", id);
        return NULL;
    }
    return job_read(&(Reader){rows, 0, 0});
}

static StoreJob *job_lock(Transaction *transaction, const char *id, GError **error)
{
    return one_job(transaction_query(transaction,
                                     "SELECT " JOB_COLUMNS " FROM jobs j WHERE j.id = $1 FOR UPDATE",
                                     PARAMS(TEXT(id)), error),
                   id, error);
}

static bool record_job(Transaction *transaction, const char *action, const StoreJob *job, const char *op,
                       GError **error)
{
    g_autofree char *detail = detail_of("{s:s,s:s,s:s?}", "kind", job->kind, "state",
                                        store_job_state_word(job->state), "error", job->error);
    Record record = {.action = action,
                     .kind = "job",
                     .id = job->id,
                     .name = job->object_name,
                     .op = op,
                     .user_id = job->created_by,
                     .detail = detail,
                     .result = job->state == STORE_JOB_FAILED ? "failed" : NULL};
    return transaction_record(transaction, &record, error);
}

static bool insert_row(Transaction *transaction, const StoreJob *fields, const char *id, GError **error)
{
    const StoreActor *actor = transaction->actor;
    return transaction_run(
        transaction,
        "INSERT INTO jobs (id, kind, object_kind, object_id, object_name, arguments, state, host_id, "
        "instance,"
        " created_by, creator_name, created_ms, updated_ms) VALUES ($1, $2, $3, $4, $5, $6, 'queued', $7, "
        "$8, $9,"
        " COALESCE($10, (SELECT name FROM users WHERE id = $9), 'system'), $11, $11)",
        PARAMS(TEXT(id), TEXT(fields->kind), TEXT(text_or_empty(fields->object_kind)),
               TEXT(text_or_empty(fields->object_id)), TEXT(text_or_empty(fields->object_name)),
               TEXT(fields->arguments ? fields->arguments : "{}"), TEXT(text_or_empty(fields->host_id)),
               TEXT(text_or_empty(fields->instance)), TEXT(actor ? actor->user_id : NULL),
               TEXT(actor ? actor->name : NULL), NUMBER(transaction->now_ms)),
        error);
}

StoreJob *store_job_create(Store *store, const StoreActor *actor, const StoreJob *fields, GError **error)
{
    g_auto(Transaction) transaction = {0};
    g_autofree char *id = id_new();
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error) ||
        !insert_row(&transaction, fields, id, error))
        return NULL;
    g_autoptr(StoreJob) job = job_lock(&transaction, id, error);
    if (!job || !record_job(&transaction, "job.create", job, "create", error) ||
        !transaction_commit(&transaction, error))
        return NULL;
    return g_steal_pointer(&job);
}

StoreJob *store_job_get(Store *store, const char *id, GError **error)
{
    return one_job(
        store_read(store, "SELECT " JOB_COLUMNS " FROM jobs j WHERE j.id = $1", PARAMS(TEXT(id)), error), id,
        error);
}

GPtrArray *store_job_list(Store *store, const StoreJobFilter *filter, const StorePage *page, char **ret_next,
                          GError **error)
{
    static const StoreJobFilter all = {0};
    filter = filter ? filter : &all;
    List list = {page, job_read, (GDestroyNotify)store_job_free, 0};
    return list_of(store_read(store,
                              "SELECT " JOB_COLUMNS
                              " FROM jobs j WHERE j.id < $1 AND ($2 IS NULL OR j.state = $2)"
                              " AND ($3 IS NULL OR j.kind = $3) AND ($4 IS NULL OR j.object_id = $4)"
                              " ORDER BY j.id DESC LIMIT $5",
                              PARAMS(TEXT(page_before(page)), TEXT(filter->state), TEXT(filter->kind),
                                     TEXT(filter->object_id), NUMBER(page_limit(page))),
                              error),
                   &list, ret_next);
}

GPtrArray *store_job_list_left(Store *store, const char *host_id, const char *instance, GError **error)
{
    List list = {NULL, job_read, (GDestroyNotify)store_job_free, 0};
    return list_of(store_read(store,
                              "SELECT " JOB_COLUMNS
                              " FROM jobs j WHERE j.state IN ('queued', 'running') AND j.host_id = $1"
                              " AND j.instance <> $2 ORDER BY j.id",
                              PARAMS(TEXT(host_id), TEXT(instance)), error),
                   &list, NULL);
}

/* ---- its life ---- */

static bool has_ended(const StoreJob *job)
{
    return job->state != STORE_JOB_QUEUED && job->state != STORE_JOB_RUNNING;
}

bool store_job_begin(Store *store, const char *id, const char *instance, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, NULL, BEGIN_RELAXED, error))
        return false;
    g_autoptr(StoreJob) job = job_lock(&transaction, id, error);
    if (!job)
        return false;
    if (job->state != STORE_JOB_QUEUED)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "job \"%s\": it is %s", id,
                          store_job_state_word(job->state));
    transaction_change(&transaction, "job", id, "update", job->created_by);
    return transaction_run(
               &transaction,
               "UPDATE jobs SET state = 'running', instance = $2, started_ms = $3, updated_ms = $3,"
               " version = version + 1 WHERE id = $1",
               PARAMS(TEXT(id), TEXT(instance), NUMBER(transaction.now_ms)), error) &&
           transaction_commit(&transaction, error);
}

bool store_job_progress(Store *store, const char *id, int64_t progress, const char *step, bool *ret_cancel,
                        GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, NULL, BEGIN_RELAXED, error))
        return false;
    g_autoptr(Rows) rows = transaction_query(
        &transaction,
        "UPDATE jobs SET progress = $2, step = COALESCE($3, step), updated_ms = $4,"
        " version = version + 1 WHERE id = $1 AND state = 'running'"
        " RETURNING cancel_requested, created_by",
        PARAMS(TEXT(id), NUMBER(CLAMP(progress, 0, 100)), TEXT(step), NUMBER(transaction.now_ms)), error);
    if (!rows)
        return false;
    if (rows->count == 0)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "job \"%s\": it does not run", id);
    transaction_change(&transaction, "job", id, "update", rows_text(rows, 0, 1));
    if (!transaction_commit(&transaction, error))
        return false;
    if (ret_cancel)
        *ret_cancel = rows_number(rows, 0, 0) != 0;
    return true;
}

static bool write_end(Transaction *transaction, StoreJob *job, StoreJobState state, const char *error_text,
                      GError **error)
{
    job->state = state;
    store_set(&job->error, error_text);
    return transaction_run(transaction,
                           "UPDATE jobs SET state = $2, error = $3, ended_ms = $4, updated_ms = $4, version "
                           "= version + 1,"
                           " progress = CASE WHEN $2 = 'done' THEN 100 ELSE progress END WHERE id = $1",
                           PARAMS(TEXT(job->id), TEXT(store_job_state_word(state)), TEXT(error_text),
                                  NUMBER(transaction->now_ms)),
                           error) &&
           record_job(transaction, "job.end", job, "update", error);
}

bool store_job_finish(Store *store, const char *id, StoreJobState state, const char *error_text,
                      GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, NULL, BEGIN_DURABLE, error))
        return false;
    g_autoptr(StoreJob) job = job_lock(&transaction, id, error);
    if (!job)
        return false;
    return has_ended(job) || (write_end(&transaction, job, state, error_text, error) &&
                              transaction_commit(&transaction, error));
}

bool store_job_cancel(Store *store, const StoreActor *actor, const char *id, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return false;
    g_autoptr(StoreJob) job = job_lock(&transaction, id, error);
    if (!job)
        return false;
    if (has_ended(job))
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "job \"%s\": it has ended already (%s)", id,
                          store_job_state_word(job->state));
    if (!record_job(&transaction, "job.cancel", job, "update", error))
        return false;
    bool done =
        job->state == STORE_JOB_QUEUED
            ? write_end(&transaction, job, STORE_JOB_CANCELLED, NULL, error)
            : transaction_run(&transaction,
                              "UPDATE jobs SET cancel_requested = 1, updated_ms = $2, version = version + 1"
                              " WHERE id = $1",
                              PARAMS(TEXT(id), NUMBER(transaction.now_ms)), error);
    return done && transaction_commit(&transaction, error);
}

bool store_job_take(Store *store, const char *id, const char *instance, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, NULL, BEGIN_DURABLE, error))
        return false;
    g_autoptr(StoreJob) job = job_lock(&transaction, id, error);
    if (!job)
        return false;
    if (has_ended(job) || g_strcmp0(job->instance, instance) == 0)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "job \"%s\": it is %s here", id,
                          store_job_state_word(job->state));
    transaction_change(&transaction, "job", id, "update", job->created_by);
    return transaction_run(
               &transaction,
               "UPDATE jobs SET state = 'queued', instance = $2, updated_ms = $3, version = version + 1"
               " WHERE id = $1",
               PARAMS(TEXT(id), TEXT(instance), NUMBER(transaction.now_ms)), error) &&
           transaction_commit(&transaction, error);
}

bool store_job_expire(Store *store, int64_t ended_before_ms, GError **error)
{
    g_auto(Transaction) transaction = {0};
    return transaction_begin(&transaction, store, NULL, BEGIN_RELAXED, error) &&
           transaction_run(
               &transaction,
               "DELETE FROM jobs WHERE state IN ('done', 'failed', 'cancelled') AND ended_ms < $1",
               PARAMS(NUMBER(ended_before_ms)), error) &&
           transaction_commit(&transaction, error);
}
