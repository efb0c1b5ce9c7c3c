/* What this host has and what its machines take: measured now and then, asked often. */
#include "host/private.h"

#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/number.h"
#include "broker/admission.h"

static const unsigned most_measured = 32; /* machines in one look: about a millisecond each */
static const int64_t settled_after_ms =
    5000;                                 /* a machine younger than this says nothing about what one takes */
static const unsigned most_queued = 1024; /* callers that wait for their turn to start a machine */
static const int64_t turn_limit_ms = 60 * 1000;

/* ---- the host's own figures ---- */

static uint64_t meminfo_value(const char *text, const char *key)
{
    const char *line = strstr(text, key);
    unsigned long long kib = 0;
    if (!line || sscanf(line + strlen(key), " %llu", &kib) != 1)
        return 0;
    return (uint64_t)kib * 1024;
}

static void kernel_memory(uint64_t *ret_total, uint64_t *ret_available)
{
    g_autofree char *text = file_read("/proc/meminfo", 65536, NULL, NULL);
    if (text) {
        *ret_total = meminfo_value(text, "MemTotal:");
        *ret_available = meminfo_value(text, "MemAvailable:");
    }
}

static void measure_disk(Host *host, Capacity *capacity)
{
    struct statvfs info;
    if (statvfs(host->config->state, &info) == 0) {
        capacity->disk_total = (uint64_t)info.f_blocks * info.f_frsize;
        capacity->disk_free = (uint64_t)info.f_bavail * info.f_frsize;
    }
}

static void measure_host(Host *host, Capacity *capacity)
{
    (host->driver->host_memory ? host->driver->host_memory : kernel_memory)(&capacity->total, &capacity->available);
    measure_disk(host, capacity);
}

/* ---- machines ---- */

typedef struct {
    uint64_t used;
    uint64_t settled; /* sum over machines that run for a while */
    unsigned settled_count;
    unsigned running;
} Sum;

/* Those measured longest ago come first by chance of the table's order; a machine keeps its last figure until
 * its next turn. */
static void measure_slot(Slot *slot, bool anew, Sum *sum)
{
    Host *host = slot->host;
    Machine *machine = slot_machine(slot);
    if (!machine)
        return;
    MachineMemory memory = {0};
    bool measured = anew && host->driver->memory(machine, &memory, NULL);
    slot_release_machine(host, machine);
    int64_t now = clock_monotonic_ms();
    g_mutex_lock(&host->lock);
    if (measured)
        slot->private_bytes = memory.private_bytes;
    sum->running++;
    sum->used += slot->private_bytes;
    if (slot->private_bytes && slot->running_ms && now - slot->running_ms > settled_after_ms) {
        sum->settled += slot->private_bytes;
        sum->settled_count++;
    }
    g_mutex_unlock(&host->lock);
}

static GPtrArray *templates_ready(Host *host)
{
    GPtrArray *list = g_ptr_array_new();
    g_mutex_lock(&host->lock);
    GHashTableIter each;
    gpointer value = NULL;
    g_hash_table_iter_init(&each, host->templates_of);
    while (g_hash_table_iter_next(&each, NULL, &value))
        if (((PoolTemplate *)value)->frozen)
            g_ptr_array_add(list, host->driver->template_hold(((PoolTemplate *)value)->frozen));
    g_mutex_unlock(&host->lock);
    return list;
}

static uint64_t templates_memory(Host *host, unsigned *ret_waiting)
{
    g_autoptr(GPtrArray) templates = templates_ready(host);
    uint64_t resident = 0;
    *ret_waiting = 0;
    for (size_t i = 0; i < templates->len; i++) {
        resident += host->driver->template_resident(templates->pdata[i]);
        *ret_waiting += host->driver->waiting(templates->pdata[i]);
        host->driver->template_release(templates->pdata[i]);
    }
    return resident;
}

void capacity_measure(Host *host)
{
    Capacity capacity = {0};
    measure_host(host, &capacity);
    g_autoptr(GPtrArray) slots = slot_list(host);
    Sum sum = {0};
    unsigned first = slots->len ? (unsigned)g_random_int_range(0, (gint32)slots->len) : 0;
    for (size_t i = 0; i < slots->len; i++)
        measure_slot(slots->pdata[(first + i) % slots->len], i < most_measured, &sum);
    uint64_t mean = sum.settled_count ? sum.settled / sum.settled_count : 0;
    unsigned waiting = 0;
    uint64_t templates = templates_memory(host, &waiting);
    capacity.desktop = sum.settled_count ? admission_fork_estimate(mean, sum.settled_count, 0) : 0;
    capacity.used = sum.used + templates;
    uint64_t expected = (sum.running + waiting) * capacity.desktop;
    capacity.promised = expected > sum.used ? expected - sum.used : 0;
    capacity.measured_ms = clock_monotonic_ms();
    g_mutex_lock(&host->lock);
    host->capacity = capacity;
    g_mutex_unlock(&host->lock);
}

/* What one more desktop takes while none has been measured and its guest is not known. */
static const uint64_t unmeasured = 128 * 1024 * 1024;

static AdmissionMemory memory_now(Host *host)
{
    g_mutex_lock(&host->lock);
    const Capacity *capacity = &host->capacity;
    uint64_t each = capacity->desktop ? capacity->desktop : unmeasured;
    AdmissionMemory memory = {
        .limit = host->config->memory_limit,
        .total = capacity->total,
        .available = capacity->available,
        .used = capacity->used,
        .starting = capacity->promised + host->thawing * each,
    };
    g_mutex_unlock(&host->lock);
    return memory;
}

uint64_t capacity_of_fork(Host *host, uint64_t guest_memory)
{
    g_mutex_lock(&host->lock);
    uint64_t measured = host->capacity.desktop;
    g_mutex_unlock(&host->lock);
    return measured ? MIN(measured, guest_memory) : admission_fork_estimate(0, 0, guest_memory);
}

/* What boots shares nothing: its guest fills its memory sooner or later. */
uint64_t capacity_of_new(Host *host, const StorePool *pool)
{
    return pool->provisioning == STORE_PROVISION_INSTANT ? capacity_of_fork(host, pool->memory_bytes) : pool->memory_bytes;
}

unsigned capacity_room(Host *host, const StorePool *pool)
{
    uint64_t each = capacity_of_new(host, pool);
    AdmissionMemory memory = memory_now(host);
    g_mutex_lock(&host->lock);
    uint64_t disk_free = host->capacity.disk_free, disk_total = host->capacity.disk_total;
    g_mutex_unlock(&host->lock);
    return admission_disk(disk_free, disk_total, host->config->state, NULL) ? admission_room(&memory, each)
                                                                            : 0;
}

bool capacity_admit(Host *host, uint64_t need, const char *what, GError **error)
{
    Capacity fresh = {0};
    measure_host(host, &fresh);
    g_mutex_lock(&host->lock);
    host->capacity.total = fresh.total;
    host->capacity.available = fresh.available;
    host->capacity.disk_total = fresh.disk_total;
    host->capacity.disk_free = fresh.disk_free;
    g_mutex_unlock(&host->lock);
    AdmissionMemory memory = memory_now(host);
    return admission_disk(fresh.disk_free, fresh.disk_total, host->config->state, error) &&
           admission_memory(&memory, need, what, error);
}

/* Measured with the lock held: no copy may be under way in the one figure and done in the other. */
bool capacity_copy_begin(Host *host, uint64_t bytes, const char *desktop, CopyRoom *ret, GError **error)
{
    Capacity fresh = {0};
    g_mutex_lock(&host->lock);
    measure_disk(host, &fresh);
    AdmissionDisk disk = {fresh.disk_free, fresh.disk_total, host->copying};
    bool fits = admission_copy(&disk, bytes, desktop, error);
    if (fits) {
        host->copying += bytes;
        *ret = (CopyRoom){host, bytes, bytes};
    }
    g_mutex_unlock(&host->lock);
    return fits;
}

void capacity_copy_wrote(CopyRoom *room, uint64_t done, uint64_t total)
{
    double share = total ? MIN((double)done / (double)total, 1) : 1;
    uint64_t left = room->bytes - (uint64_t)((double)room->bytes * share);
    if (!room->host || left >= room->left)
        return;
    g_mutex_lock(&room->host->lock);
    room->host->copying -= room->left - left;
    g_mutex_unlock(&room->host->lock);
    room->left = left;
}

void capacity_copy_end(CopyRoom *room)
{
    if (!room->host)
        return;
    g_mutex_lock(&room->host->lock);
    room->host->copying -= room->left;
    g_mutex_unlock(&room->host->lock);
    *room = (CopyRoom){0};
}

/* ---- turns ---- */

/* More at once only makes each slower: starting a machine is all processor work. */
static unsigned turns_at_once(void)
{
    return MAX(4, 2 * g_get_num_processors());
}

bool capacity_turn_begin(Host *host, GError **error)
{
    int64_t deadline = g_get_monotonic_time() + turn_limit_ms * 1000;
    g_mutex_lock(&host->lock);
    bool crowded = host->thaws_queued >= most_queued;
    host->thaws_queued++;
    while (!crowded && host->thawing >= turns_at_once() &&
           g_cond_wait_until(&host->changed, &host->lock, deadline))
        ;
    host->thaws_queued--;
    bool mine = !crowded && host->thawing < turns_at_once();
    if (mine)
        host->thawing++;
    g_mutex_unlock(&host->lock);
    if (!mine)
        return oriel_fail(error, ORIEL_ERROR_TOO_MANY,
                          "host \"%s\": too many desktops start at once; try again in a moment", host->name);
    return true;
}

void capacity_turn_end(Host *host)
{
    g_mutex_lock(&host->lock);
    host->thawing--;
    g_cond_broadcast(&host->changed);
    g_mutex_unlock(&host->lock);
}

/* ---- for people ---- */

void host_status_clear(HostStatus *status)
{
    g_free(status->accelerator);
    g_free(status->accelerator_why);
    g_free(status->qemu_version);
    g_free(status->problem);
    *status = (HostStatus){0};
}

static void count_templates(Host *host, HostStatus *ret)
{
    g_mutex_lock(&host->lock);
    GHashTableIter each;
    gpointer value = NULL;
    g_hash_table_iter_init(&each, host->templates_of);
    while (g_hash_table_iter_next(&each, NULL, &value)) {
        PoolTemplate *entry = value;
        ret->templates_ready += entry->frozen != NULL;
        ret->templates_building += entry->state == TEMPLATE_BUILDING || entry->state == TEMPLATE_OPENING;
    }
    g_mutex_unlock(&host->lock);
}

static bool count_desktops(Host *host, HostStatus *ret, GError **error)
{
    g_autoptr(GPtrArray) rows = store_desktop_list_host(host->store, host->id, error);
    g_autoptr(GPtrArray) sessions = rows ? store_session_list(host->store, NULL, NULL, NULL, error) : NULL;
    if (!sessions)
        return false;
    for (size_t i = 0; i < rows->len; i++) {
        const StoreDesktop *row = rows->pdata[i];
        ret->desktops_running += row->observed == STORE_OBSERVED_RUNNING;
        ret->desktops_starting += row->observed == STORE_OBSERVED_STARTING;
        ret->desktops_failed += row->observed == STORE_OBSERVED_FAILED;
    }
    ret->sessions = sessions->len;
    return true;
}

bool host_status(Host *host, HostStatus *ret, GError **error)
{
    g_auto(HostStatus) status = {0};
    if (!count_desktops(host, &status, error))
        return false;
    count_templates(host, &status);
    templates_memory(host, &status.waiting);
    uint64_t each = capacity_of_fork(host, 8 * unmeasured);
    AdmissionMemory memory = memory_now(host);
    g_mutex_lock(&host->lock);
    Capacity capacity = host->capacity;
    status.problem = g_strdup(host->problem);
    g_mutex_unlock(&host->lock);
    status.accelerator = g_strdup(host->about.accelerator);
    status.accelerator_why = g_strdup(host->about.accelerator_why);
    status.qemu_version = g_strdup(host->about.qemu_version);
    status.memory_total = capacity.used + admission_free(&memory) + memory.starting;
    uint64_t most = capacity.total - MIN(capacity.total, admission_reserve(&memory));
    status.memory_most = memory.limit ? MIN(memory.limit, most) : most;
    status.memory_used = capacity.used;
    status.memory_desktop = each;
    status.disk_total = capacity.disk_total;
    status.disk_free = capacity.disk_free;
    status.disk_floor = admission_disk_floor(capacity.disk_total);
    status.desktops_room = admission_room(&memory, each);
    g_autoptr(GError) full = NULL;
    bool disk = admission_disk(capacity.disk_free, capacity.disk_total, host->config->state, &full);
    bool room = disk && admission_memory(&memory, each, "one more desktop", &full);
    status.service = host_service(host);
    status.accepts_desktops = room && status.service == STORE_HOST_OPEN;
    if (!room && !status.problem)
        status.problem = g_strdup(full->message);
    *ret = status;
    status = (HostStatus){0};
    return true;
}
