/* QEMU processes that wait: started, handshaken, state loaded, paused. Each in STATE/waiting/ID. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/id.h"
#include "machine/template_internal.h"

#define CALM_MS 200   /* after a fork: its first picture comes before the next waiting process */
#define RETRY_MS 1000 /* after a failure; doubled up to: */
#define RETRY_MOST_MS 60000

struct Waiting {
    Template *template;
    GThread *thread; /* of the first template_keep_waiting on; under lock */
    GMutex lock;     /* all below */
    GCond changed;
    bool ending;
    unsigned wanted;
    bool disposable;
    GQueue ready;       /* of Machine */
    unsigned forking;   /* forks in progress */
    int64_t not_before; /* monotonic us: no filling earlier */
    int64_t retry_ms;
    char *problem; /* of the last attempt; NULL: it succeeded */
};

static char *waiting_folder(const Hypervisor *hypervisor)
{
    return g_build_filename(hypervisor->state_folder, "waiting", NULL);
}

static void waiting_discard(Machine *machine)
{
    g_autoptr(GError) error = NULL;
    machine_set_listener(machine, NULL, NULL);
    if (machine_kill(machine, &error))
        folder_remove(machine_folder(machine), NULL);
    machine_unref(machine);
}

/* Takes out what has died, or what is of no use any more. Under lock. Caller discards the list. */
static GSList *waiting_prune(Waiting *waiting)
{
    GSList *pruned = NULL;
    for (GList *link = waiting->ready.head; link;) {
        GList *next = link->next;
        bool dead = machine_state(link->data) == MACHINE_STATE_ENDED;
        if (dead || waiting->ready.length > waiting->wanted) {
            pruned = g_slist_prepend(pruned, link->data);
            g_queue_delete_link(&waiting->ready, link);
        }
        link = next;
    }
    return pruned;
}

/* Machine thread: a waiting process died, so another is missing. */
static void on_ended(Machine *machine, MachineEnd end, void *data)
{
    Waiting *waiting = data;
    g_mutex_lock(&waiting->lock);
    g_cond_broadcast(&waiting->changed);
    g_mutex_unlock(&waiting->lock);
}

static Machine *waiting_make(Waiting *waiting, bool disposable, GError **error)
{
    static const MachineListener listener = {.ended = on_ended};
    g_autofree char *parent = waiting_folder(waiting->template->hypervisor);
    g_autofree char *id = id_new();
    g_autofree char *folder = g_build_filename(parent, id, NULL);
    const ForkSpec spec = {.folder = folder, .disk_is_disposable = disposable};
    ForkTiming timing;
    if (!folder_make(parent, 0700, error))
        return NULL;
    Machine *machine = fork_start(waiting->template, &spec, true, &timing, error);
    if (machine)
        machine_set_listener(machine, &listener, waiting);
    return machine;
}

/* Waits until there is something to do. Under lock. False: the end. */
static bool waiting_idle(Waiting *waiting)
{
    while (!waiting->ending) {
        bool missing = waiting->ready.length < waiting->wanted && waiting->forking == 0;
        bool surplus = waiting->ready.length > waiting->wanted;
        bool dead = false;
        for (GList *link = waiting->ready.head; link; link = link->next)
            dead = dead || machine_state(link->data) == MACHINE_STATE_ENDED;
        if (surplus || dead || (missing && clock_monotonic_us() >= waiting->not_before))
            return true;
        if (missing)
            g_cond_wait_until(&waiting->changed, &waiting->lock, waiting->not_before);
        else
            g_cond_wait(&waiting->changed, &waiting->lock);
    }
    return false;
}

/* Under lock, given up meanwhile. */
static void waiting_fill_one(Waiting *waiting)
{
    g_autoptr(GError) error = NULL;
    bool disposable = waiting->disposable;
    g_mutex_unlock(&waiting->lock);
    Machine *machine = waiting_make(waiting, disposable, &error);
    g_mutex_lock(&waiting->lock);
    g_free(waiting->problem);
    waiting->problem = error ? g_strdup(error->message) : NULL;
    if (machine) {
        g_queue_push_tail(&waiting->ready, machine);
        waiting->retry_ms = RETRY_MS;
    } else {
        /* Forks start cold meanwhile and tell the reason. */
        waiting->not_before = clock_monotonic_us() + waiting->retry_ms * 1000;
        waiting->retry_ms = MIN(waiting->retry_ms * 2, RETRY_MOST_MS);
    }
    g_cond_broadcast(&waiting->changed);
}

static void discard_all(GSList *machines)
{
    g_slist_free_full(machines, (GDestroyNotify)waiting_discard);
}

static void *waiting_thread(void *data)
{
    Waiting *waiting = data;
    g_mutex_lock(&waiting->lock);
    while (waiting_idle(waiting)) {
        GSList *pruned = waiting_prune(waiting);
        if (pruned) {
            g_mutex_unlock(&waiting->lock);
            discard_all(pruned);
            g_mutex_lock(&waiting->lock);
            continue;
        }
        waiting_fill_one(waiting);
    }
    g_mutex_unlock(&waiting->lock);
    return NULL;
}

Waiting *waiting_new(Template *template)
{
    Waiting *waiting = g_new0(Waiting, 1);
    waiting->template = template;
    waiting->retry_ms = RETRY_MS;
    g_mutex_init(&waiting->lock);
    g_cond_init(&waiting->changed);
    g_queue_init(&waiting->ready);
    return waiting;
}

void waiting_free(Waiting *waiting)
{
    g_mutex_lock(&waiting->lock);
    waiting->ending = true;
    g_cond_broadcast(&waiting->changed);
    GThread *thread = waiting->thread;
    g_mutex_unlock(&waiting->lock);
    if (thread)
        g_thread_join(thread);
    waiting->wanted = 0;
    discard_all(waiting_prune(waiting));
    g_mutex_clear(&waiting->lock);
    g_cond_clear(&waiting->changed);
    g_free(waiting->problem);
    g_free(waiting);
}

Machine *waiting_take(Waiting *waiting, bool disk_is_disposable)
{
    g_mutex_lock(&waiting->lock);
    bool fits = waiting->disposable == disk_is_disposable;
    Machine *machine = fits ? g_queue_pop_head(&waiting->ready) : NULL;
    g_cond_broadcast(&waiting->changed);
    g_mutex_unlock(&waiting->lock);
    if (machine)
        machine_set_listener(machine, NULL, NULL);
    return machine;
}

void waiting_fork_begin(Waiting *waiting)
{
    g_mutex_lock(&waiting->lock);
    waiting->forking++;
    g_mutex_unlock(&waiting->lock);
}

void waiting_fork_end(Waiting *waiting)
{
    g_mutex_lock(&waiting->lock);
    waiting->forking--;
    waiting->not_before = MAX(waiting->not_before, clock_monotonic_us() + CALM_MS * 1000);
    g_cond_broadcast(&waiting->changed);
    g_mutex_unlock(&waiting->lock);
}

void template_keep_waiting(Template *template, unsigned wanted, bool disk_is_disposable)
{
    Waiting *waiting = template->waiting;
    GSList *others = NULL;
    g_mutex_lock(&waiting->lock);
    if (waiting->disposable != disk_is_disposable) {
        waiting->wanted = 0;
        others = waiting_prune(waiting);
    }
    waiting->disposable = disk_is_disposable;
    waiting->wanted = wanted;
    if (!waiting->thread && wanted > 0)
        waiting->thread = g_thread_new("waiting", waiting_thread, waiting);
    g_cond_broadcast(&waiting->changed);
    g_mutex_unlock(&waiting->lock);
    discard_all(others);
}

unsigned template_waiting(const Template *template)
{
    g_mutex_lock(&template->waiting->lock);
    unsigned ready = template->waiting->ready.length;
    g_mutex_unlock(&template->waiting->lock);
    return ready;
}

char *template_waiting_problem(const Template *template)
{
    g_mutex_lock(&template->waiting->lock);
    char *problem = g_strdup(template->waiting->problem);
    g_mutex_unlock(&template->waiting->lock);
    return problem;
}

bool template_wait_waiting(Template *template, int64_t limit_ms)
{
    Waiting *waiting = template->waiting;
    int64_t deadline = g_get_monotonic_time() + limit_ms * 1000;
    bool in_time = true;
    g_mutex_lock(&waiting->lock);
    while (waiting->ready.length < waiting->wanted && in_time)
        in_time = g_cond_wait_until(&waiting->changed, &waiting->lock, deadline);
    bool ready = waiting->ready.length >= waiting->wanted;
    g_mutex_unlock(&waiting->lock);
    return ready;
}

bool waiting_clear(Hypervisor *hypervisor, GError **error)
{
    g_autofree char *parent = waiting_folder(hypervisor);
    g_autoptr(GDir) entries = g_dir_open(parent, 0, NULL);
    const char *name;
    while (entries && (name = g_dir_read_name(entries))) {
        g_autofree char *folder = g_build_filename(parent, name, NULL);
        if (!machine_kill_in(folder, error) || !folder_remove(folder, error))
            return false;
    }
    return true;
}
