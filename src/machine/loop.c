#include "machine/loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"

#define LOOP_BATCH 64

typedef struct {
    int64_t due_ms;
    LoopTask task;
    void *data;
} Timed;

struct LoopSource {
    Loop *loop;
    int fd;
    uint32_t events; /* 0: not in the epoll set; under loop->lock */
    LoopFunction function;
    void *data;
    bool removed; /* machine thread only */
};

struct Loop {
    int epoll;
    int wake; /* eventfd: a task was added, or the end */
    GThread *thread;
    GMutex lock;
    GSList *tasks; /* of Timed, by due_ms; under lock */
    bool ending;   /* under lock */
    GPtrArray
        *grave; /* removed sources, freed after the batch of events that may name them; machine thread */
};

bool loop_is_current(const Loop *loop)
{
    return g_thread_self() == loop->thread;
}

static void loop_wake(Loop *loop)
{
    uint64_t one = 1;
    while (write(loop->wake, &one, sizeof one) < 0 && errno == EINTR)
        continue;
}

static int timed_compare(const void *a, const void *b)
{
    const Timed *left = a, *right = b;
    /* >= keeps the order of equal ones: g_slist_insert_sorted inserts before the first that is not smaller.
     */
    return left->due_ms >= right->due_ms ? 1 : -1;
}

void loop_run(Loop *loop, int64_t delay_ms, LoopTask task, void *data)
{
    Timed *timed = g_new(Timed, 1);
    *timed =
        (Timed){.due_ms = delay_ms > 0 ? clock_monotonic_ms() + delay_ms : 0, .task = task, .data = data};
    g_mutex_lock(&loop->lock);
    loop->tasks = g_slist_insert_sorted(loop->tasks, timed, timed_compare);
    g_mutex_unlock(&loop->lock);
    loop_wake(loop);
}

/* The first task that is due (at the loop's end: any); NULL: none. */
static Timed *loop_take_due(Loop *loop, int64_t now_ms)
{
    Timed *due = NULL;
    g_mutex_lock(&loop->lock);
    Timed *first = loop->tasks ? loop->tasks->data : NULL;
    if (first && (loop->ending || first->due_ms <= now_ms)) {
        due = first;
        loop->tasks = g_slist_delete_link(loop->tasks, loop->tasks);
    }
    g_mutex_unlock(&loop->lock);
    return due;
}

/* Runs what is due; returns the time until the next task in ms, -1: none. */
static int loop_run_tasks(Loop *loop)
{
    int64_t now_ms = clock_monotonic_ms();
    for (Timed *timed = loop_take_due(loop, now_ms); timed; timed = loop_take_due(loop, now_ms)) {
        timed->task(timed->data);
        g_free(timed);
    }
    g_mutex_lock(&loop->lock);
    const Timed *next = loop->tasks ? loop->tasks->data : NULL;
    int64_t wait_ms = next ? CLAMP(next->due_ms - clock_monotonic_ms(), 0, 60000) : -1;
    g_mutex_unlock(&loop->lock);
    return (int)wait_ms;
}

static void loop_dispatch(Loop *loop, const struct epoll_event *events, int count)
{
    for (int i = 0; i < count; i++) {
        LoopSource *source = events[i].data.ptr;
        if (!source) {
            uint64_t counter;
            while (read(loop->wake, &counter, sizeof counter) < 0 && errno == EINTR)
                continue;
        } else if (!source->removed) {
            source->function(events[i].events, source->data);
        }
    }
}

static bool loop_is_ending(Loop *loop)
{
    g_mutex_lock(&loop->lock);
    bool ending = loop->ending && !loop->tasks;
    g_mutex_unlock(&loop->lock);
    return ending;
}

static void *loop_thread(void *data)
{
    Loop *loop = data;
    while (!loop_is_ending(loop)) {
        struct epoll_event events[LOOP_BATCH];
        int timeout_ms = loop_run_tasks(loop);
        g_ptr_array_set_size(loop->grave, 0);
        if (loop_is_ending(loop))
            break;
        int count = epoll_wait(loop->epoll, events, LOOP_BATCH, timeout_ms);
        loop_dispatch(loop, events, count);
    }
    g_ptr_array_set_size(loop->grave, 0);
    return NULL;
}

Loop *loop_new(GError **error)
{
    autofd int epoll = epoll_create1(EPOLL_CLOEXEC);
    autofd int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (epoll < 0 || wake < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, wake, &event) < 0) {
        oriel_fail_errno(error, errno, "cannot start the machine thread");
        return NULL;
    }
    Loop *loop = g_new0(Loop, 1);
    loop->epoll = fd_steal(&epoll);
    loop->wake = fd_steal(&wake);
    loop->grave = g_ptr_array_new_with_free_func(g_free);
    g_mutex_init(&loop->lock);
    g_mutex_lock(&loop->lock); /* the thread must see loop->thread */
    loop->thread = g_thread_new("machine", loop_thread, loop);
    g_mutex_unlock(&loop->lock);
    return loop;
}

void loop_free(Loop *loop)
{
    if (!loop)
        return;
    g_mutex_lock(&loop->lock);
    loop->ending = true;
    g_mutex_unlock(&loop->lock);
    loop_wake(loop);
    g_thread_join(loop->thread);
    close(loop->epoll);
    close(loop->wake);
    g_ptr_array_unref(loop->grave);
    g_mutex_clear(&loop->lock);
    g_free(loop);
}

void loop_set_events(LoopSource *source, uint32_t events)
{
    Loop *loop = source->loop;
    struct epoll_event event = {.events = events, .data.ptr = source};
    g_mutex_lock(&loop->lock);
    if (events != source->events) {
        int operation = events == 0 ? EPOLL_CTL_DEL : source->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
        if (epoll_ctl(loop->epoll, operation, source->fd, &event) < 0)
            g_error("machine thread: epoll_ctl: %s",
                    g_strerror(errno)); /* a bug of ours, or the kernel is out of memory */
        source->events = events;
    }
    g_mutex_unlock(&loop->lock);
}

LoopSource *loop_add(Loop *loop, int fd, uint32_t events, LoopFunction function, void *data)
{
    LoopSource *source = g_new0(LoopSource, 1);
    *source = (LoopSource){.loop = loop, .fd = fd, .function = function, .data = data};
    loop_set_events(source, events);
    return source;
}

static void source_remove(void *data)
{
    LoopSource *source = data;
    loop_set_events(source, 0);
    source->removed = true;
    g_ptr_array_add(source->loop->grave, source);
}

void loop_remove(LoopSource *source)
{
    if (source)
        loop_run_wait(source->loop, source_remove, source);
}

typedef struct {
    LoopTask task;
    void *data;
    GMutex lock;
    GCond cond;
    bool done;
} Awaited;

static void awaited_run(void *data)
{
    Awaited *awaited = data;
    awaited->task(awaited->data);
    g_mutex_lock(&awaited->lock);
    awaited->done = true;
    g_cond_signal(&awaited->cond);
    g_mutex_unlock(&awaited->lock);
}

void loop_run_wait(Loop *loop, LoopTask task, void *data)
{
    if (loop_is_current(loop)) {
        task(data);
        return;
    }
    Awaited awaited = {.task = task, .data = data};
    g_mutex_init(&awaited.lock);
    g_cond_init(&awaited.cond);
    loop_run(loop, 0, awaited_run, &awaited);
    g_mutex_lock(&awaited.lock);
    while (!awaited.done)
        g_cond_wait(&awaited.cond, &awaited.lock);
    g_mutex_unlock(&awaited.lock);
    g_mutex_clear(&awaited.lock);
    g_cond_clear(&awaited.cond);
}
