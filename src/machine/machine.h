/* One machine: one QEMU process in its own folder, locked to it, in its own process group, and outliving
 * orield.
 *
 * Folder (made by the caller, mode 0700): qmp.sock display.sock agent.sock serial.log qemu.log machine.json,
 * and as a rule disk.qcow2. The folder may be renamed while the machine runs (machine_move).
 *
 * Threads: see hypervisor.h. Operations on one machine are for one worker at a time (the caller holds its
 * lock on the desktop); the functions marked "any thread" need none. A Machine is counted: machine_ref,
 * machine_unref. Giving the last reference back closes the connections and leaves QEMU running. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "machine/hypervisor.h"

typedef struct Machine Machine;

typedef struct {
    const char *folder;      /* absolute */
    uint64_t memory;         /* bytes, a multiple of 1 MiB */
    unsigned vcpus;          /* 1..64 */
    const char *disk;        /* absolute path */
    bool disk_is_raw;        /* else qcow2; the format is never guessed from content a guest wrote */
    bool disk_is_disposable; /* the guest's flushes need not reach the disk (floating desktops): faster */
    const char *kernel;      /* direct boot of kernel, initrd, append; NULL: the disk boots */
    const char *initrd;
    const char *append;
    const char *cdrom;           /* an ISO, or NULL */
    const char *const *readable; /* NULL-ended: further folders QEMU may read (the image's, the template's) */
    const char *network_mac; /* machine_resume only: it had this NIC when it was suspended, so it must have it
                                before its state is loaded ("" : whichever MAC, it travels in the state);
                                NULL: it had none */
    const char *user_disk; /* machine_resume only, likewise: the user disk that was plugged in; NULL: none */
    bool user_disk_is_raw;
    bool freezable; /* RAM in a shared memfd, to become a template: template_freeze */
} MachineSpec;

typedef enum {
    MACHINE_STATE_PAUSED, /* stopped, or forked and not yet continued */
    MACHINE_STATE_RUNNING,
    MACHINE_STATE_ENDED, /* the process is gone */
} MachineState;

typedef enum {
    MACHINE_END_UNKNOWN,   /* the process is gone and nobody saw why (killed, or found dead at adoption) */
    MACHINE_END_SHUT_DOWN, /* the guest powered itself off */
    MACHINE_END_RESET, /* the guest asked for a reboot: machines end instead (a fork has no kernel to boot) */
    MACHINE_END_QUIT,  /* we ended it: machine_quit, machine_kill */
    MACHINE_END_CRASHED, /* QEMU died of a signal, left with an error, or the guest triple-faulted */
} MachineEnd;

/* Both are what a guest says: untrusted. seat: on a shared machine; 0: the desktop itself. */
typedef struct {
    unsigned seat;
    bool logged_on;
    const char *user; /* valid UTF-8 */
} MachineSession;

typedef struct {
    unsigned seat;
    int64_t idle_ms; /* since the last input; -1: it saw none */
    bool locked;
    bool held; /* locked so that only agent_unlock unlocks it */
} MachineActivity;

/* Of agent_ask's question, or so the guest says; untrusted. */
typedef struct {
    unsigned seat;
    const char *question; /* of an id's form */
    bool allow;
} MachineAnswer;

/* All fields may be NULL. Machine thread; return at once, and do not give back the last reference from here.
 */
typedef struct {
    void (*ended)(Machine *machine, MachineEnd end, void *data); /* once, last */
    void (*viewer_connected)(Machine *machine, unsigned viewers,
                             void *data); /* VNC_INITIALIZED: handshake is done */
    void (*viewer_gone)(Machine *machine, unsigned viewers, void *data); /* `viewers`: how many are left */
    void (*agent_hello)(Machine *machine, const char *version, const char *boot_id, void *data);
    void (*agent_ready)(Machine *machine, bool settled, void *data);
    void (*session)(Machine *machine, const MachineSession *session, void *data);
    void (*activity)(Machine *machine, const MachineActivity *activity, void *data);
    void (*application)(Machine *machine, const char *ended,
                        void *data); /* NULL: the one program that it shows runs; else how it ended: lines, untrusted */
    void (*answer)(Machine *machine, const MachineAnswer *answer, void *data);
    void (*agent_floods)(Machine *machine, void *data); /* it is read more slowly from now on; told once */
} MachineListener;

/* Starts QEMU and returns when the guest's processors run. On failure nothing is left running and the error
 * carries the last lines of qemu.log. */
Machine *machine_start(Hypervisor *hypervisor, const MachineSpec *spec, GError **error);

/* Takes over the machine that runs in `folder` (after a restart of orield). NOT_FOUND: none runs there (no
 * machine.json, the process is gone, or its pid belongs to another by now). TIMEOUT or CORRUPT: one runs but
 * does not answer sanely; machine_kill_in is the way out. A machine that was forked but not continued comes
 * back PAUSED. */
Machine *machine_adopt(Hypervisor *hypervisor, const char *folder, GError **error);

/* Kills what machine.json of `folder` names, if it is still that process, and waits for its end. Needs no
 * QMP. Nothing running is success. */
bool machine_kill_in(const char *folder, GError **error);

Machine *machine_ref(Machine *machine);
void machine_unref(Machine *machine);

/* Replaces the listener (NULL: none); one who missed the end is told at once. Viewers already there are
 * counted by display_viewers. When it returns, the old listener's functions run no more (unless called from
 * one of them). */
void machine_set_listener(Machine *machine, const MachineListener *listener, void *data);

MachineState machine_state(const Machine *machine);       /* any thread */
MachineEnd machine_end(const Machine *machine);           /* any thread; meaningful once ENDED */
const char *machine_folder(const Machine *machine);       /* until machine_move */
const char *machine_template_key(const Machine *machine); /* NULL: not a fork */
pid_t machine_pid(const Machine *machine);                /* any thread */

bool machine_pause(Machine *machine, GError **error);
bool machine_continue(Machine *machine, GError **error);

/* Presses the power button (ACPI): the guest may obey. machine_wait_end tells. */
bool machine_press_power(Machine *machine, GError **error);
/* Ends QEMU in order (disks flushed), the guest at once, as if the power was cut. Waits for the end; kills
 * after 10 s. */
bool machine_quit(Machine *machine, GError **error);
/* SIGKILL through the pidfd, and waits for the end. */
bool machine_kill(Machine *machine, GError **error);
/* TIMEOUT if it still lives after limit_ms. Any thread but the machine thread. */
bool machine_wait_end(Machine *machine, int64_t limit_ms, GError **error);

/* rename(2) of its folder; `folder` must not exist or be empty. QEMU goes on undisturbed. */
bool machine_move(Machine *machine, const char *folder, GError **error);

/* The last lines of serial.log, at most `limit` bytes, as valid UTF-8 without control characters: for errors
 * such as "the image does not boot". Never NULL. Caller frees. */
char *machine_console_tail(const Machine *machine, size_t limit);

/* A number that grows as long as the guest says something on its console or uses its disks (bytes of both):
 * the same as before means that neither happened. Asks QEMU, at most QMP_LIMIT_MS. */
bool machine_activity(Machine *machine, uint64_t *ret_bytes, GError **error);

/* Keeps serial.log (which the guest writes) under `limit` bytes by cutting off its beginning. Call now and
 * then. */
bool machine_trim_console(const Machine *machine, uint64_t limit, GError **error);

/* Freeze of one machine for itself: pauses it, writes RAM and devices to `path` (atomic: temporary file,
 * rename), and ends QEMU. The disk stays as it is and belongs to the state from then on. On failure the
 * machine runs on. */
bool machine_suspend(Machine *machine, const char *path, GError **error);
/* The other half: the same spec as it was started (or forked) with, and the state file, which the caller
 * removes once this has succeeded and before it runs elsewhere. Returns RUNNING. CORRUPT: QEMU did not accept
 * the state. */
Machine *machine_resume(Hypervisor *hypervisor, const MachineSpec *spec, const char *path, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Machine, machine_unref)
