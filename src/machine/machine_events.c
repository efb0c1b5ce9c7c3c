/* What QEMU and the kernel tell us about a machine, on the machine thread. */
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include "machine/machine_events.h"

/* The listener as it is now; its functions are called without the lock. */
static MachineListener listener_get(Machine *machine, void **ret_data)
{
    g_mutex_lock(&machine->lock);
    MachineListener listener = machine->listener;
    *ret_data = machine->listener_data;
    g_mutex_unlock(&machine->lock);
    return listener;
}

void machine_tell_viewers(Machine *machine, unsigned before)
{
    void *data;
    MachineListener listener = listener_get(machine, &data);
    g_mutex_lock(&machine->lock);
    unsigned now = machine->viewers;
    bool quiet = machine->viewers_quiet;
    g_mutex_unlock(&machine->lock);
    if (quiet || now == before)
        return;
    void (*function)(Machine *, unsigned, void *) =
        now > before ? listener.viewer_connected : listener.viewer_gone;
    if (function)
        function(machine, now, data);
}

/* VNC_DISCONNECTED does not tell whether that client had finished its handshake; there can never be more
 * viewers than connections, so the count is right again at the latest when the other connection goes. */
static void count_viewers(Machine *machine, const char *event)
{
    g_mutex_lock(&machine->lock);
    unsigned before = machine->viewers;
    if (g_str_equal(event, "VNC_CONNECTED"))
        machine->connections++;
    else if (g_str_equal(event, "VNC_INITIALIZED"))
        machine->viewers++;
    else {
        machine->viewers_gone++;
        machine->connections -= machine->connections > 0;
    }
    machine->viewers = MIN(machine->viewers, machine->connections);
    g_cond_broadcast(&machine->changed);
    g_mutex_unlock(&machine->lock);
    machine_tell_viewers(machine, before);
}

static MachineEnd end_of_reason(const char *reason)
{
    if (g_strcmp0(reason, "guest-shutdown") == 0)
        return MACHINE_END_SHUT_DOWN;
    if (g_strcmp0(reason, "guest-reset") == 0)
        return MACHINE_END_RESET;
    if (g_strcmp0(reason, "host-qmp-quit") == 0)
        return MACHINE_END_QUIT;
    return MACHINE_END_CRASHED;
}

void machine_on_event(const char *name, Json *data, void *owner)
{
    Machine *machine = owner;
    if (g_str_equal(name, "STOP"))
        machine_set_state(machine, MACHINE_STATE_PAUSED);
    else if (g_str_equal(name, "RESUME"))
        machine_set_state(machine, MACHINE_STATE_RUNNING);
    else if (g_str_equal(name, "SHUTDOWN"))
        machine_expect_end(machine, end_of_reason(json_string_value(json_object_get(data, "reason"))));
    else if (g_str_has_prefix(name, "VNC_"))
        count_viewers(machine, name);
    else if (g_str_equal(name, "VSERPORT_CHANGE") || g_str_equal(name, "DEVICE_DELETED"))
        tunnel_on_event(machine, name, data);
}

void machine_on_agent(const AgentMessage *message, void *owner)
{
    Machine *machine = owner;
    void *data;
    MachineListener listener = listener_get(machine, &data);
    if (message->kind == AGENT_HELLO && listener.agent_hello)
        listener.agent_hello(machine, message->first, message->second, data);
    else if (message->kind == AGENT_READY && listener.agent_ready)
        listener.agent_ready(machine, message->flag, data);
    else if (message->kind == AGENT_SESSION && listener.session)
        listener.session(machine, &(MachineSession){message->seat, message->flag, message->first}, data);
    else if (message->kind == AGENT_ACTIVITY && listener.activity)
        listener.activity(machine, &(MachineActivity){message->seat, message->idle_ms, message->flag, message->held}, data);
    else if (message->kind == AGENT_APPLICATION && listener.application)
        listener.application(machine, message->first, data);
    else if (message->kind == AGENT_ANSWERED && listener.answer)
        listener.answer(machine, &(MachineAnswer){message->seat, message->first, message->flag}, data);
    else if (message->kind == AGENT_FLOODS && listener.agent_floods)
        listener.agent_floods(machine, data);
}

void machine_on_death(uint32_t events, void *owner)
{
    Machine *machine = owner;
    int status = 0;
    loop_set_events(machine->death, 0);
    qmp_drain(machine->qmp); /* its last words: why it ends */
    bool failed = process_reap(machine->pidfd, &status) && status != 0;
    if (failed)
        machine_expect_end(machine, MACHINE_END_CRASHED);
    g_mutex_lock(&machine->lock);
    machine->state = MACHINE_STATE_ENDED;
    machine->viewers = machine->connections = 0;
    MachineEnd end = machine->end;
    g_cond_broadcast(&machine->changed);
    g_mutex_unlock(&machine->lock);
    qmp_close(machine->qmp);
    agent_link_close(machine->agent);
    tunnels_end(machine);
    void *data;
    MachineListener listener = listener_get(machine, &data);
    if (listener.ended)
        listener.ended(machine, end, data);
}
