/* From a spec to a running QEMU, and back to one that runs already. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/error.h"
#include "base/file.h"
#include "base/socket.h"
#include "machine/machine_events.h"
#include "machine/sandbox.h"
#include "machine/template_ram.h"

typedef struct {
    const char *folder;
    const MachineStart *start;
} RecordData;

static bool launch_record(const ProcessIdentity *identity, void *data, GError **error)
{
    const RecordData *what = data;
    const MachineRecord record = {.identity = *identity,
                                  .template_key = (char *)what->start->template_key,
                                  .memory = what->start->launch.spec->memory,
                                  .vcpus = what->start->launch.spec->vcpus};
    return machine_record_write(what->folder, &record, error);
}

static char *socket_path(const char *folder, const char *name)
{
    return g_build_filename(folder, name, NULL);
}

static int listen_in(const char *folder, const char *name, GError **error)
{
    g_autofree char *path = socket_path(folder, name);
    return socket_listen(path, 0600, error);
}

static int connect_in(const char *folder, const char *name, GError **error)
{
    g_autofree char *path = socket_path(folder, name);
    return socket_connect(path, error);
}

static int log_open_in(const char *folder, GError **error)
{
    g_autofree char *path = g_build_filename(folder, MACHINE_FILE_LOG, NULL);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        oriel_fail_errno(error, errno, "file \"%s\": cannot create", path);
    return fd;
}

/* The machine's own folder and what its spec says it reads. -1 without error: no Landlock here. */
static int launch_sandbox(const Hypervisor *hypervisor, const MachineSpec *spec, GError **error)
{
    g_autoptr(GPtrArray) readable = g_ptr_array_new();
    const char *const files[] = {spec->kernel, spec->initrd, spec->cdrom};
    for (const char *const *each = spec->readable; each && *each; each++)
        g_ptr_array_add(readable, (void *)*each);
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++)
        if (files[i])
            g_ptr_array_add(readable, (void *)files[i]);
    g_ptr_array_add(readable, NULL);
    const SandboxSpec sandbox = {.folder = spec->folder,
                                 .program = hypervisor->features->path,
                                 .readable = (const char *const *)readable->pdata,
                                 .kvm = hypervisor->accelerator->kind == ACCELERATOR_KVM};
    return sandbox_open(&sandbox, error);
}

/* Forks and executes QEMU with its listening sockets; returns its pidfd or -1. */
static int launch_process(Hypervisor *hypervisor, const MachineStart *start, ProcessIdentity *identity,
                          GError **error)
{
    const MachineSpec *spec = start->launch.spec;
    g_auto(GStrv) arguments =
        machine_arguments(&start->launch, hypervisor->features, hypervisor->accelerator->kind, error);
    if (!arguments)
        return -1;
    autofd int qmp = listen_in(spec->folder, MACHINE_FILE_QMP, error);
    autofd int agent = qmp < 0 ? -1 : listen_in(spec->folder, MACHINE_FILE_AGENT, error);
    autofd int log = agent < 0 ? -1 : log_open_in(spec->folder, error);
    if (log < 0)
        return -1;
    g_autoptr(GError) inner = NULL;
    autofd int ruleset = launch_sandbox(hypervisor, spec, &inner);
    if (inner) {
        g_propagate_error(error, g_steal_pointer(&inner));
        return -1;
    }
    const int fds[] = {[MACHINE_FD_QMP - PROCESS_FIRST_FD] = qmp,
                       [MACHINE_FD_AGENT - PROCESS_FIRST_FD] = agent,
                       [MACHINE_FD_RAM - PROCESS_FIRST_FD] = start->ram};
    RecordData record = {.folder = spec->folder, .start = start};
    const ProcessSpec process = {.arguments = (const char *const *)arguments,
                                 .folder = spec->folder,
                                 .fds = fds,
                                 .fd_count = start->ram >= 0 ? 3 : 2,
                                 .output = log,
                                 .ruleset = ruleset,
                                 .record = launch_record,
                                 .data = &record};
    return process_start(&process, identity, error);
}

Machine *machine_attach(Hypervisor *hypervisor, const char *folder, const MachineRecord *record, int pidfd,
                        GError **error)
{
    autofd int own_pidfd = pidfd;
    autofd int qmp = connect_in(folder, MACHINE_FILE_QMP, error);
    autofd int agent = qmp < 0 ? -1 : connect_in(folder, MACHINE_FILE_AGENT, error);
    if (agent < 0)
        return NULL;
    Machine *machine = g_new0(Machine, 1);
    g_atomic_ref_count_init(&machine->references);
    machine->hypervisor = hypervisor;
    machine->identity = record->identity;
    machine->template_key = g_strdup(record->template_key);
    machine->memory = record->memory;
    machine->vcpus = record->vcpus;
    machine->folder = g_strdup(folder);
    machine->ram = -1;
    machine->pidfd = fd_steal(&own_pidfd);
    g_rw_lock_init(&machine->door);
    g_mutex_init(&machine->tunnel_door);
    g_mutex_init(&machine->lock);
    g_cond_init(&machine->changed);
    g_autofree char *id = g_path_get_basename(folder);
    g_autofree char *name = g_strdup_printf("machine %s", id);
    const QmpListener listener = {.event = machine_on_event};
    machine->qmp = qmp_new(hypervisor->loop, fd_steal(&qmp), name, &listener, machine);
    machine->agent = agent_link_new(hypervisor->loop, fd_steal(&agent), name, machine_on_agent, machine);
    machine->death = loop_add(hypervisor->loop, machine->pidfd, 0, machine_on_death, machine);
    loop_set_events(machine->death, EPOLLIN);
    return machine;
}

Machine *machine_launch(Hypervisor *hypervisor, const MachineStart *start, GError **error)
{
    const char *folder = start->launch.spec->folder;
    ProcessIdentity identity;
    int pidfd = launch_process(hypervisor, start, &identity, error);
    if (pidfd < 0)
        return NULL;
    const MachineRecord record = {.identity = identity,
                                  .template_key = (char *)start->template_key,
                                  .memory = start->launch.spec->memory,
                                  .vcpus = start->launch.spec->vcpus};
    Machine *machine = machine_attach(hypervisor, folder, &record, pidfd, error);
    if (!machine)
        machine_kill_in(folder, NULL);
    return machine;
}

bool machine_handshake(Machine *machine, int64_t limit_ms, GError **error)
{
    if (qmp_handshake(machine->qmp, limit_ms, error))
        return true;
    machine_explain(machine, error);
    return false;
}

Machine *machine_start(Hypervisor *hypervisor, const MachineSpec *spec, GError **error)
{
    autofd int ram = spec->freezable ? template_ram_create(spec->memory, error) : -1;
    if (spec->freezable && ram < 0)
        return NULL;
    const MachineStart start = {
        .launch = {.spec = spec, .ram = spec->freezable ? MACHINE_RAM_TEMPLATE : MACHINE_RAM_PRIVATE},
        .ram = ram};
    g_autoptr(Machine) machine = machine_launch(hypervisor, &start, error);
    if (!machine)
        return NULL;
    if (!machine_handshake(machine, MACHINE_START_LIMIT_MS, error)) {
        machine_kill(machine, NULL);
        return NULL;
    }
    machine->ram = fd_steal(&ram);
    machine_yield(machine);
    machine_set_state(machine, MACHINE_STATE_RUNNING);
    return g_steal_pointer(&machine);
}

/* What a restarted orield asks a machine first. */
static bool adopt_ask(Machine *machine, GError **error)
{
    g_autoptr(Json) status = NULL;
    g_autoptr(Json) vnc = NULL;
    if (!machine_handshake(machine, MACHINE_START_LIMIT_MS, error) ||
        !qmp_finish(qmp_query_status(machine->qmp), 0, &status, error) ||
        !qmp_finish(qmp_query_vnc(machine->qmp), 0, &vnc, error) || !tunnels_adopt(machine, error))
        return false;
    Json *running = json_object_get(status, "running");
    if (!json_is_boolean(running))
        return oriel_fail(error, ORIEL_ERROR_CORRUPT, "machine \"%s\": QEMU does not tell whether it runs",
                          machine->folder);
    machine_set_state(machine, json_is_true(running) ? MACHINE_STATE_RUNNING : MACHINE_STATE_PAUSED);
    g_mutex_lock(&machine->lock);
    machine->viewers = machine->connections = (unsigned)json_array_size(json_object_get(vnc, "clients"));
    g_mutex_unlock(&machine->lock);
    return true;
}

Machine *machine_adopt(Hypervisor *hypervisor, const char *folder, GError **error)
{
    g_auto(MachineRecord) record = {0};
    if (!machine_record_read(folder, &record, error))
        return NULL;
    int pidfd = process_open(&record.identity, folder, error);
    if (pidfd < 0)
        return NULL;
    g_autoptr(Machine) machine = machine_attach(hypervisor, folder, &record, pidfd, error);
    if (!machine || !adopt_ask(machine, error))
        return NULL;
    return g_steal_pointer(&machine);
}
