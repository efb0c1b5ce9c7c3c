#include "machine/machine.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "machine/machine_internal.h"

#define QUIT_LIMIT_MS 10000
#define KILL_LIMIT_MS 10000

Machine *machine_ref(Machine *machine)
{
    g_atomic_ref_count_inc(&machine->references);
    return machine;
}

/* Callbacks hold no references: the loop ends them before anything is freed. */
void machine_unref(Machine *machine)
{
    if (!machine || !g_atomic_ref_count_dec(&machine->references))
        return;
    loop_remove(machine->death);
    tunnels_forget(machine);
    qmp_close(machine->qmp);
    qmp_unref(machine->qmp);
    agent_link_close(machine->agent);
    agent_link_unref(machine->agent);
    fd_clear(&machine->pidfd);
    fd_clear(&machine->ram);
    g_rw_lock_clear(&machine->door);
    g_mutex_clear(&machine->tunnel_door);
    g_mutex_clear(&machine->lock);
    g_cond_clear(&machine->changed);
    g_free(machine->template_key);
    g_free(machine->folder);
    g_free(machine);
}

void machine_set_state(Machine *machine, MachineState state)
{
    g_mutex_lock(&machine->lock);
    if (machine->state != MACHINE_STATE_ENDED)
        machine->state = state;
    g_cond_broadcast(&machine->changed);
    g_mutex_unlock(&machine->lock);
}

void machine_expect_end(Machine *machine, MachineEnd end)
{
    g_mutex_lock(&machine->lock);
    if (machine->end == MACHINE_END_UNKNOWN)
        machine->end = end;
    g_mutex_unlock(&machine->lock);
}

MachineState machine_state(const Machine *machine)
{
    Machine *locked = (Machine *)machine;
    g_mutex_lock(&locked->lock);
    MachineState state = locked->state;
    g_mutex_unlock(&locked->lock);
    return state;
}

MachineEnd machine_end(const Machine *machine)
{
    Machine *locked = (Machine *)machine;
    g_mutex_lock(&locked->lock);
    MachineEnd end = locked->end;
    g_mutex_unlock(&locked->lock);
    return end;
}

const char *machine_folder(const Machine *machine)
{
    return machine->folder;
}

const char *machine_template_key(const Machine *machine)
{
    return machine->template_key;
}

pid_t machine_pid(const Machine *machine)
{
    return machine->identity.pid;
}

typedef struct {
    Machine *machine;
    const MachineListener *listener;
    void *data;
} ListenerChange;

/* On the machine thread, so that no function of the old listener is running meanwhile. */
static void listener_change(void *data)
{
    const ListenerChange *change = data;
    Machine *machine = change->machine;
    g_mutex_lock(&machine->lock);
    machine->listener = change->listener ? *change->listener : (MachineListener){0};
    machine->listener_data = change->data;
    bool ended = machine->state == MACHINE_STATE_ENDED;
    MachineEnd end = machine->end;
    g_mutex_unlock(&machine->lock);
    if (ended && change->listener && change->listener->ended)
        change->listener->ended(machine, end, change->data);
}

void machine_set_listener(Machine *machine, const MachineListener *listener, void *data)
{
    ListenerChange change = {.machine = machine, .listener = listener, .data = data};
    loop_run_wait(machine->hypervisor->loop, listener_change, &change);
}

bool machine_pause(Machine *machine, GError **error)
{
    if (!qmp_finish(qmp_stop(machine->qmp), 0, NULL, error))
        return false;
    machine_set_state(machine, MACHINE_STATE_PAUSED);
    return true;
}

void machine_yield(const Machine *machine)
{
    process_nice_threads(&machine->identity, "CPU ", MACHINE_NICENESS); /* named by -name debug-threads=on */
}

bool machine_continue(Machine *machine, GError **error)
{
    if (!qmp_finish(qmp_cont(machine->qmp), 0, NULL, error))
        return false;
    machine_set_state(machine, MACHINE_STATE_RUNNING);
    return true;
}

bool machine_press_power(Machine *machine, GError **error)
{
    return qmp_finish(qmp_system_powerdown(machine->qmp), 0, NULL, error);
}

static bool wait_end(Machine *machine, int64_t limit_ms)
{
    int64_t deadline = g_get_monotonic_time() + limit_ms * 1000;
    bool in_time = true;
    g_mutex_lock(&machine->lock);
    while (machine->state != MACHINE_STATE_ENDED && in_time)
        in_time = g_cond_wait_until(&machine->changed, &machine->lock, deadline);
    bool ended = machine->state == MACHINE_STATE_ENDED;
    g_mutex_unlock(&machine->lock);
    return ended;
}

bool machine_wait_end(Machine *machine, int64_t limit_ms, GError **error)
{
    if (wait_end(machine, limit_ms))
        return true;
    return oriel_fail(error, ORIEL_ERROR_TIMEOUT, "machine \"%s\": still runs after %.1f s", machine->folder,
                      (double)limit_ms / 1000);
}

bool machine_quit(Machine *machine, GError **error)
{
    machine_expect_end(machine, MACHINE_END_QUIT);
    /* A QEMU that does not take the command is killed below like one that does not end. */
    qmp_forget(qmp_quit(machine->qmp));
    return wait_end(machine, QUIT_LIMIT_MS) || machine_kill(machine, error);
}

bool machine_kill(Machine *machine, GError **error)
{
    machine_expect_end(machine, MACHINE_END_QUIT);
    return process_signal(machine->pidfd, SIGKILL, error) && machine_wait_end(machine, KILL_LIMIT_MS, error);
}

bool machine_kill_in(const char *folder, GError **error)
{
    g_auto(MachineRecord) record = {0};
    g_autoptr(GError) inner = NULL;
    autofd int pidfd = -1;
    if (machine_record_read(folder, &record, &inner))
        pidfd = process_open(&record.identity, folder, &inner);
    if (pidfd < 0 && oriel_error_kind(inner) == ORIEL_ERROR_NOT_FOUND)
        return true;
    if (pidfd < 0) {
        g_propagate_error(error, g_steal_pointer(&inner));
        return false;
    }
    if (!process_signal(pidfd, SIGKILL, error))
        return false;
    if (process_wait(pidfd, KILL_LIMIT_MS, NULL))
        return true;
    return oriel_fail(error, ORIEL_ERROR_TIMEOUT, "the machine in \"%s\" does not end", folder);
}

bool machine_move(Machine *machine, const char *folder, GError **error)
{
    if (rename(machine->folder, folder) < 0)
        return oriel_fail_errno(error, errno, "folder \"%s\": cannot become \"%s\"", machine->folder, folder);
    g_mutex_lock(&machine->lock);
    g_free(machine->folder);
    machine->folder = g_strdup(folder);
    g_mutex_unlock(&machine->lock);
    return true;
}

/* The end of a file in the machine's folder, without the terminal's control sequences. */
static char *file_tail(const char *folder, const char *name, size_t limit)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    autofd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) < 0 || !S_ISREG(info.st_mode))
        return g_strdup("");
    g_autofree char *bytes = g_malloc(limit + 1);
    off_t from = MAX(info.st_size - (off_t)limit, 0);
    ssize_t got = pread(fd, bytes, limit, from);
    g_autofree char *valid = g_utf8_make_valid(bytes, MAX(got, 0));
    g_autoptr(GRegex) controls =
        g_regex_new("\\x1b\\[[0-9;?]*[A-Za-z]|[\\x00-\\x09\\x0b-\\x1f\\x7f]", 0, 0, NULL);
    char *clean = g_regex_replace_literal(controls, valid, -1, 0, "", 0, NULL);
    return clean ? g_strstrip(clean) : g_strdup("");
}

char *machine_console_tail(const Machine *machine, size_t limit)
{
    return file_tail(machine->folder, MACHINE_FILE_SERIAL, limit);
}

bool machine_activity(Machine *machine, uint64_t *ret_bytes, GError **error)
{
    g_autoptr(Json) disks = NULL;
    g_autofree char *path = g_build_filename(machine->folder, MACHINE_FILE_SERIAL, NULL);
    struct stat console = {0};
    if (!qmp_finish(qmp_query_blockstats(machine->qmp), 0, &disks, error))
        return false;
    uint64_t bytes = stat(path, &console) == 0 ? (uint64_t)console.st_size : 0;
    for (size_t i = 0; i < json_array_size(disks); i++) {
        const Json *stats = json_object_get(json_array_get(disks, i), "stats");
        bytes += (uint64_t)json_integer_value(json_object_get(stats, "rd_bytes")) +
                 (uint64_t)json_integer_value(json_object_get(stats, "wr_bytes"));
    }
    *ret_bytes = bytes;
    return true;
}

void machine_explain(const Machine *machine, GError **error)
{
    g_autofree char *log = file_tail(machine->folder, MACHINE_FILE_LOG, MACHINE_LOG_TAIL);
    if (!error || !*error || !*log)
        return;
    g_autofree char *message = g_strdup_printf("%s; QEMU says: %s", (*error)->message, log);
    g_free((*error)->message);
    (*error)->message = g_steal_pointer(&message);
}

/* QEMU appends (O_APPEND), so the file may be cut behind its back. */
bool machine_trim_console(const Machine *machine, uint64_t limit, GError **error)
{
    g_autofree char *path = g_build_filename(machine->folder, MACHINE_FILE_SERIAL, NULL);
    autofd int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) < 0)
        return oriel_fail_errno(error, errno, "file \"%s\": cannot trim", path);
    if (!S_ISREG(info.st_mode) || (uint64_t)info.st_size <= limit)
        return true;
    size_t keep = limit / 2;
    g_autofree char *bytes = g_malloc(keep + 1);
    ssize_t got = pread(fd, bytes, keep, info.st_size - (off_t)keep);
    if (got < 0 || ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0)
        return oriel_fail_errno(error, errno, "file \"%s\": cannot trim", path);
    return fd_write_all(fd, bytes, (size_t)got, error);
}
