/* What all machines of this host share: QEMU's binary and features, the accelerator, Landlock, and the
 * *machine thread*, whose one epoll descriptor watches every QMP and agent socket and every process. Made
 * once at the start of orield.
 *
 * Threads: every operation on a machine is a blocking call for worker threads (never call one from a
 * callback); every callback comes on the machine thread and must return at once (queue the work, wake a
 * worker). */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "machine/accelerator.h"
#include "machine/qemu_features.h"

typedef struct Hypervisor Hypervisor;

typedef struct {
    const char *state_folder; /* STATE; must exist */
    const char *qemu;         /* NULL: qemu-system-x86_64 of PATH */
    AcceleratorForce force;
} HypervisorOptions;

/* Probes QEMU and accelerator, starts the machine thread. Caller ends it with hypervisor_close. */
Hypervisor *hypervisor_open(const HypervisorOptions *options, GError **error);

/* Ends the machine thread and closes all connections. Running machines go on running: they outlive orield.
 * Machines and templates must have been given back before. NULL is fine. */
void hypervisor_close(Hypervisor *hypervisor);

const QemuFeatures *hypervisor_features(const Hypervisor *hypervisor);
const Accelerator *hypervisor_accelerator(const Hypervisor *hypervisor);
const char *hypervisor_state_folder(const Hypervisor *hypervisor);

/* One sentence: how machines are confined here ("Landlock (ABI 7) and QEMU's seccomp sandbox"), or what is
 * missing. */
const char *hypervisor_confinement(const Hypervisor *hypervisor);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Hypervisor, hypervisor_close)
