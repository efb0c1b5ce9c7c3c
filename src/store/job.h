/* Rows of long work. job/job.h runs them; the API reads them here. */
#pragma once

#include "store/store.h"

typedef enum {
    STORE_JOB_QUEUED,
    STORE_JOB_RUNNING,
    STORE_JOB_DONE,
    STORE_JOB_FAILED,
    STORE_JOB_CANCELLED
} StoreJobState;

const char *store_job_state_word(StoreJobState state); /* "queued", ... */
bool store_job_state_parse(const char *word, StoreJobState *ret);

typedef struct {
    char *id;
    char *kind;        /* "image.build", "template.build", "pool.delete", ... */
    char *object_kind; /* "image"; "" if none */
    char *object_id;
    char *object_name;
    char *arguments; /* JSON that a resumable job starts again from; "{}" */
    StoreJobState state;
    int64_t progress; /* 0..100 */
    char *step;       /* what it does now, for people */
    char *error;      /* NULL, or why it failed */
    bool cancel_requested;
    char *host_id;    /* whose orield runs it; "" : none yet */
    char *instance;   /* which run of that orield */
    char *created_by; /* user id; NULL: the system */
    char *creator_name;
    int64_t created_ms;
    int64_t started_ms;
    int64_t ended_ms;
    int64_t updated_ms;
    int64_t version;
} StoreJob;

void store_job_free(StoreJob *job);

/* kind, object_*, arguments, host_id, instance are read from fields. State queued. */
StoreJob *store_job_create(Store *store, const StoreActor *actor, const StoreJob *fields, GError **error);
StoreJob *store_job_get(Store *store, const char *id, GError **error);

typedef struct {
    const char *state; /* word; NULL: any; the same for all */
    const char *kind;
    const char *object_id;
} StoreJobFilter;

/* Newest first. */
GPtrArray *store_job_list(Store *store, const StoreJobFilter *filter, const StorePage *page, char **ret_next,
                          GError **error);

/* queued to running under this instance. CONFLICT: it is not queued (cancelled meanwhile). */
bool store_job_begin(Store *store, const char *id, const char *instance, GError **error);
/* step NULL: keep. Tells through ret_cancel (may be NULL) whether a cancel was asked for. */
bool store_job_progress(Store *store, const char *id, int64_t progress, const char *step, bool *ret_cancel,
                        GError **error);
/* The end: DONE, FAILED (with error) or CANCELLED. Idempotent: an ended job stays as it is. */
bool store_job_finish(Store *store, const char *id, StoreJobState state, const char *error_text,
                      GError **error);
/* A queued job is cancelled at once, a running one gets cancel_requested; an ended one: CONFLICT. */
bool store_job_cancel(Store *store, const StoreActor *actor, const char *id, GError **error);
/* Jobs of this host, queued or running, that belong to another run (instance) of its orield: left by a crash.
 */
GPtrArray *store_job_list_left(Store *store, const char *host_id, const char *instance, GError **error);
/* Makes such a job queued again, owned by this instance. CONFLICT: it has ended or is this instance's
 * already. */
bool store_job_take(Store *store, const char *id, const char *instance, GError **error);

/* Appends text; beyond LIMIT_JOB_LOG the oldest pieces go. */
bool store_job_log_append(Store *store, const char *id, const char *text, GError **error);
/* The log after cursor *position (0: from the beginning; updated to the end of what was read), at most about
 * 1 MiB an answer; "" at the end. Caller frees. NOT_FOUND. */
char *store_job_log_read(Store *store, const char *id, int64_t *position, GError **error);

/* Removes ended jobs older than that, with their logs. */
bool store_job_expire(Store *store, int64_t ended_before_ms, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreJob, store_job_free)
