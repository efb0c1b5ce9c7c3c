/* ThreadSanitizer does not see inside GLib, whose locks are futexes of its own. This file, linked into the unit tests of
 * a -Db_sanitize=thread build, tells it what each of them orders. Without it every use of GMutex looks like a race. */
#include <dlfcn.h>
#include <glib.h>

void __tsan_acquire(void *address);
void __tsan_release(void *address);

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define LOCK(name, type)                                                                                               \
    void name(type *lock)                                                                                              \
    {                                                                                                                  \
        REAL(name)(lock);                                                                                              \
        __tsan_acquire(lock);                                                                                          \
    }
#define UNLOCK(name, type)                                                                                             \
    void name(type *lock)                                                                                              \
    {                                                                                                                  \
        __tsan_release(lock);                                                                                          \
        REAL(name)(lock);                                                                                              \
    }
#define TRYLOCK(name, type)                                                                                            \
    gboolean name(type *lock)                                                                                          \
    {                                                                                                                  \
        gboolean taken = REAL(name)(lock);                                                                             \
        if (taken)                                                                                                     \
            __tsan_acquire(lock);                                                                                      \
        return taken;                                                                                                  \
    }

LOCK(g_mutex_lock, GMutex)
UNLOCK(g_mutex_unlock, GMutex)
TRYLOCK(g_mutex_trylock, GMutex)
LOCK(g_rec_mutex_lock, GRecMutex)
UNLOCK(g_rec_mutex_unlock, GRecMutex)
TRYLOCK(g_rec_mutex_trylock, GRecMutex)
LOCK(g_rw_lock_writer_lock, GRWLock)
UNLOCK(g_rw_lock_writer_unlock, GRWLock)
LOCK(g_rw_lock_reader_lock, GRWLock)
UNLOCK(g_rw_lock_reader_unlock, GRWLock)

void g_cond_wait(GCond *cond, GMutex *mutex)
{
    __tsan_release(mutex);
    REAL(g_cond_wait)(cond, mutex);
    __tsan_acquire(mutex);
}

gboolean g_cond_wait_until(GCond *cond, GMutex *mutex, gint64 end_time)
{
    __tsan_release(mutex);
    gboolean woken = REAL(g_cond_wait_until)(cond, mutex, end_time);
    __tsan_acquire(mutex);
    return woken;
}

void g_async_queue_push(GAsyncQueue *queue, gpointer data)
{
    __tsan_release(queue);
    REAL(g_async_queue_push)(queue, data);
}

gpointer g_async_queue_pop(GAsyncQueue *queue)
{
    gpointer data = REAL(g_async_queue_pop)(queue);
    __tsan_acquire(queue);
    return data;
}

gpointer g_async_queue_try_pop(GAsyncQueue *queue)
{
    gpointer data = REAL(g_async_queue_try_pop)(queue);
    __tsan_acquire(queue);
    return data;
}

gpointer g_async_queue_timeout_pop(GAsyncQueue *queue, guint64 timeout)
{
    gpointer data = REAL(g_async_queue_timeout_pop)(queue, timeout);
    __tsan_acquire(queue);
    return data;
}

/* A pool's function must see what its pusher wrote: both ends meet at the pushed pointer. */
typedef struct {
    GFunc function;
    gpointer data;
} PoolCall;

static char pool_end; /* whoever waits for a pool's end sees what its functions did */

static void pool_call(gpointer item, gpointer data)
{
    PoolCall *call = data;
    __tsan_acquire(item);
    call->function(item, call->data);
    __tsan_release(item);
    __tsan_release(&pool_end);
}

void g_thread_pool_free(GThreadPool *pool, gboolean immediate, gboolean wait)
{
    REAL(g_thread_pool_free)(pool, immediate, wait);
    __tsan_acquire(&pool_end);
}

/* Whoever gives the last reference back sees what the others did before they gave theirs. */
gboolean(g_atomic_ref_count_dec)(gatomicrefcount *count)
{
    __tsan_release((void *)count);
    gboolean last = REAL(g_atomic_ref_count_dec)(count);
    if (last)
        __tsan_acquire((void *)count);
    return last;
}

GThreadPool *g_thread_pool_new(GFunc function, gpointer data, gint threads, gboolean exclusive, GError **error)
{
    PoolCall *call = g_new(PoolCall, 1); /* lives as long as the test: a pool does not tell when it is gone */
    *call = (PoolCall){function, data};
    return REAL(g_thread_pool_new)(pool_call, call, threads, exclusive, error);
}

gboolean g_thread_pool_push(GThreadPool *pool, gpointer item, GError **error)
{
    __tsan_release(item);
    return REAL(g_thread_pool_push)(pool, item, error);
}


gboolean(g_once_init_enter)(volatile void *location)
{
    gboolean first = REAL(g_once_init_enter)(location);
    __tsan_acquire((void *)location);
    return first;
}

void(g_once_init_leave)(volatile void *location, gsize result)
{
    __tsan_release((void *)location);
    REAL(g_once_init_leave)(location, result);
}
