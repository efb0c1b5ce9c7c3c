/* The inside of a Machine, for files of this room only. */
#pragma once

#include "base/tunnel_wire.h"
#include "machine/agent_link.h"
#include "machine/hypervisor_internal.h"
#include "machine/machine.h"
#include "machine/machine_arguments.h"
#include "machine/machine_record.h"
#include "machine/process.h"
#include "machine/qmp.h"
#include "machine/qmp_commands.h"

#define MACHINE_START_LIMIT_MS 20000
#define MACHINE_NICENESS 19 /* of the processors */
#define MACHINE_LOG_TAIL 2000 /* bytes of qemu.log that an error shows at most */

typedef struct TunnelEnd TunnelEnd; /* tunnel.c */

struct Machine {
    gatomicrefcount references;
    Hypervisor *hypervisor;
    ProcessIdentity identity;
    char *template_key;
    uint64_t memory;
    unsigned vcpus;
    int pidfd;
    LoopSource *death;
    Qmp *qmp;
    AgentLink *agent;
    int ram; /* memfd of a freezable machine, while we have it; else -1 */

    GMutex tunnel_door; /* plugging of tunnels; before `lock` */
    bool tunnels_shut;  /* under tunnel_door: none is plugged any more */
    TunnelEnd *tunnels[TUNNEL_STREAMS_MOST]; /* machine thread: of those that are open and that this orield has opened */

    GRWLock door; /* read: connecting to the display; written: putting everybody out. Before `lock` */

    GMutex lock; /* all below; never held over a callback or a QMP command */
    GCond changed;
    char *folder;
    MachineState state;
    MachineEnd end;       /* as foreseen: what the SHUTDOWN event said, or what we did */
    unsigned connections; /* to the display, handshake done or not */
    unsigned viewers;     /* those whose handshake is done */
    unsigned viewers_gone; /* so many have left since we came; wraps */
    bool viewers_quiet;   /* display.c is at work there: no callbacks */
    MachineListener listener;
    void *listener_data;
};

/* A QEMU to be started. */
typedef struct {
    MachineLaunch launch;
    int ram; /* memfd for launch.ram TEMPLATE or FORK; -1: none */
    const char *template_key;
} MachineStart;

/* Starts QEMU and connects, without waiting for its greeting. On failure nothing is left running. */
Machine *machine_launch(Hypervisor *hypervisor, const MachineStart *start, GError **error);

/* Takes over a process that runs in `folder`; takes pidfd over in any case. Connects to its sockets. */
Machine *machine_attach(Hypervisor *hypervisor, const char *folder, const MachineRecord *record, int pidfd,
                        GError **error);

/* Waits until QMP answers; on failure the error carries the last lines of qemu.log. */
bool machine_handshake(Machine *machine, int64_t limit_ms, GError **error);

/* Adds the last lines of qemu.log to an error, if there are any. */
void machine_explain(const Machine *machine, GError **error);

void machine_set_state(Machine *machine, MachineState state);
void machine_expect_end(Machine *machine, MachineEnd end);

/* Tells the listener how many viewers there are. Machine thread. */
void machine_tell_viewers(Machine *machine, unsigned before);

/* thaw.c: loads a state from fd; returns when it is in. CORRUPT: QEMU did not accept it. */
bool machine_load(Machine *machine, int state, bool ignore_shared, GError **error);
/* freeze.c: pauses and writes the state to fd. On failure the machine runs on. */
bool machine_save(Machine *machine, int state, bool ignore_shared, GError **error);

/* plug.c: the ids of all that is plugged in. NULL: could not be asked; else the caller frees. */
GStrv plug_list(Machine *machine, GError **error);
/* plug.c: asks the guest to let go of a device and waits until it has. */
bool plug_remove(Machine *machine, const char *id, GError **error);

/* tunnel.c: unplugs all, and plugs in none until tunnels_allow. */
bool tunnels_shut(Machine *machine, GError **error);
void tunnels_allow(Machine *machine);
/* Unplugs what an orield before us has left and nobody uses any more. */
bool tunnels_adopt(Machine *machine, GError **error);
void tunnel_on_event(Machine *machine, const char *event, const Json *data); /* machine thread */
void tunnels_end(Machine *machine);    /* machine thread: whoever holds one sees its end */
void tunnels_forget(Machine *machine); /* those that are open go on without us */

/* A machine's processors take what is left: the click of the next person and everybody's pictures (QEMU's own thread, the
 * gateway) go before what guests compute. */
void machine_yield(const Machine *machine);
