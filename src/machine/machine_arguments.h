/* The command line of a machine. One place decides which devices a machine has: equal for the machine that
 * becomes a template and for its forks, since device state fits only the same devices; and the template's key
 * is made of it. Pure. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "machine/accelerator.h"
#include "machine/machine.h"
#include "machine/qemu_features.h"

/* Descriptors that the process inherits (process.h places them). */
enum {
    MACHINE_FD_QMP = 3, /* listening socket of qmp.sock: it exists before QEMU does, so nobody polls for it */
    MACHINE_FD_AGENT = 4, /* listening socket of agent.sock */
    MACHINE_FD_RAM = 5,   /* memfd, where ram is not MACHINE_RAM_PRIVATE */
};

/* Files in the machine's folder, named relative to it (QEMU's working folder), so that the folder can be
 * renamed. */
#define MACHINE_FILE_QMP "qmp.sock"
#define MACHINE_FILE_AGENT "agent.sock"
#define MACHINE_FILE_DISPLAY "display.sock"
#define MACHINE_FILE_SERIAL "serial.log"
#define MACHINE_FILE_LOG "qemu.log"
#define MACHINE_FILE_RECORD "machine.json"
#define MACHINE_FILE_DISK "disk.qcow2"

/* Ids in QEMU of what is plugged later. */
#define MACHINE_PORT_NETWORK "port-network"
#define MACHINE_PORT_USER_DISK "port-user-disk"
#define MACHINE_PORT_SPARE "port-spare"
#define MACHINE_SOUND "sound" /* an audiodev, no device */
#define MACHINE_AGENT_PORT "org.oriel.agent.0"
#define MACHINE_VDAGENT_PORT "com.redhat.spice.0"

typedef enum {
    MACHINE_RAM_PRIVATE,  /* anonymous memory */
    MACHINE_RAM_TEMPLATE, /* shared with the memfd: what the guest writes is in it; becomes a template's RAM
                           */
    MACHINE_RAM_FORK,     /* copy-on-write of a template's sealed memfd */
} MachineRam;

typedef struct {
    const MachineSpec *spec;
    MachineRam ram;
    bool incoming; /* waits for a state: -incoming defer */
    bool paused;   /* -S: does not run by itself once the state is there */
} MachineLaunch;

/* NULL-ended; the first is QEMU's path. Caller frees. INVALID: the spec makes no sense. */
GStrv machine_arguments(const MachineLaunch *launch, const QemuFeatures *features,
                        AcceleratorKind accelerator, GError **error);

/* The part that must be equal for a state to fit: the devices and machine of a spec with this much memory and
 * as many processors, as one text. Caller frees. */
char *machine_arguments_key(uint64_t memory, unsigned vcpus, const QemuFeatures *features,
                            AcceleratorKind accelerator);
