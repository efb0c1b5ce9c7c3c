/* Which accelerator this host really has. /dev/kvm may open and yet be useless (nested or paravirtual hosts,
 * where a stock kernel hangs in its decompressor), so the answer comes from really running a small 64-bit
 * guest under KVM with a time limit. The answer is remembered in STATE/accelerator.json, keyed by kernel,
 * processor, QEMU and whether /dev/kvm can be opened; a changed key probes anew. Any thread; blocks up to
 * ACCELERATOR_LIMIT_MS, on a busy host several times as long. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define ACCELERATOR_LIMIT_MS 5000 /* of the guest under KVM; where KVM works it needs some ten ms */
#define ACCELERATOR_BUSY_MS 1000  /* a host that needs more for it under emulation is busy: KVM is tried again, four times as long */

typedef enum { ACCELERATOR_TCG, ACCELERATOR_KVM } AcceleratorKind;

typedef enum {
    ACCELERATOR_FORCE_NONE, /* probe, fall back to software emulation */
    ACCELERATOR_FORCE_TCG,  /* do not even try KVM */
    ACCELERATOR_FORCE_KVM,  /* KVM or an error (UNSUPPORTED) that says why not */
} AcceleratorForce;

typedef struct {
    AcceleratorKind kind;
    char *explanation; /* one sentence for people: what was chosen, and why */
    bool remembered;   /* from STATE, not probed now */
    int64_t guest_ms;  /* how long the small guest took under the chosen accelerator; 0 where none was run */
} Accelerator;

/* `qemu` is the path of qemu-system-x86_64. `state_folder` must exist. Caller frees with accelerator_free. */
Accelerator *accelerator_probe(const char *state_folder, const char *qemu, AcceleratorForce force,
                               GError **error);
void accelerator_free(Accelerator *accelerator);

const char *accelerator_name(AcceleratorKind kind); /* "kvm", "tcg": as QEMU's -accel calls it */

/* Runs the small guest once. False: `error` says what happened (TIMEOUT: it hung; UNSUPPORTED: QEMU refused).
 */
bool accelerator_run_guest(const char *qemu, AcceleratorKind kind, int64_t limit_ms, int64_t *ret_ms,
                           GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Accelerator, accelerator_free)
