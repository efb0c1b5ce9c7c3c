/* Only for this folder. */
#pragma once

#include "job/job.h"

struct Job {
    gatomicrefcount references;
    JobRunner *runner;
    char *id; /* these never change */
    char *kind;
    char *object_id;
    char *arguments;
    JobFunction function;
    void *data;
    GDestroyNotify data_free;
    GCancellable *cancellable;

    GMutex write_lock; /* keeps pieces of the log in order; held while they are written to the store */
    GMutex lock;       /* of all below */
    int progress;
    char *step; /* not written yet; NULL: as before */
    GString *log;
    bool dirty;   /* progress or step is not written yet */
    bool look;    /* its row changed: was a cancel asked for? */
    bool running; /* between begin and end */
};

struct JobRunner {
    Store *store;
    char *host_id;
    char *instance; /* of this run */
    GThreadPool *pool;
    GThread *writer;
    unsigned watch;
    GMutex lock;       /* of all below */
    GCond ended;       /* a job left `jobs`, or the runner stops */
    GCond written;     /* there is something for the writer */
    GHashTable *jobs;  /* id to Job: queued and running here */
    GHashTable *kinds; /* resumable ones: kind to JobFunction */
    bool stopping;
    bool writer_ends;
    bool pending; /* some job is dirty, has log or look */
};

Job *job_ref(Job *job);
void job_unref(Job *job);

/* Writes what is not written yet and learns of a cancel; the last word of a job has `last`. False: try again
 * later. */
bool report_write(Job *job, bool last, GError **error);
/* Wakes the writer. */
void report_pending(JobRunner *runner);
gpointer report_thread(gpointer runner);
/* The store's watcher. */
void report_on_change(const StoreChange *change, void *runner);
