/* Templates: frozen machines of which desktops are forked. A template is a cache on one host: its folder
 * (STATE/templates/KEY) holds disk.qcow2 (read-only from the freeze on), ram (the saved copy), state
 * (devices) and, written last, template.json; without a valid template.json there is no template. RAM lives
 * in a memfd sealed against writing, shrinking and growing, shared by all forks and kept open by orield.
 *
 * Making one:  folder = STATE/templates/KEY; overlay_create(folder/disk.qcow2 on the image's disk);
 *   machine_start({folder, freezable = true, kernel...}); wait for agent_ready(settled);
 * agent_prepare_freeze; template_freeze. On any failure remove the folder and begin again. After a restart:
 * template_open. CORRUPT or NOT_FOUND: remove the folder, make it anew; nothing is lost. A dedicated
 * desktop's overlay rests on the template's disk.qcow2: keep a template's folder while any overlay names it.
 *
 * A Template is counted and may be used from any worker thread at the same time. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "machine/machine.h"

typedef struct Template Template;

/* The key (32 hex characters) of a template of this image version on this host now: machine type, processor
 * model, QEMU, devices, accelerator, memory, vcpus, and the image's version (its checksum, say). Caller
 * frees. */
char *template_key(const Hypervisor *hypervisor, uint64_t memory, unsigned vcpus, const char *image_version);

/* Freezes a machine that was started freezable; its folder becomes the template's. The machine ends in any
 * case. Also needed: `key` of template_key. Returns the template, ready to fork; the copy of RAM on disk is
 * complete by then. `readable`: NULL-ended folders that forks must be able to read (the image's folder: the
 * disk's backing file). */
Template *template_freeze(Machine *machine, const char *key, const char *const *readable, GError **error);

/* Opens the template in `folder`. Takes the memfd over from a running fork where one is found (its memory
 * stays shared with the desktops that run already), else loads the saved copy (0.4 s for 579 MiB). CORRUPT,
 * NOT_FOUND: rebuild; STALE: it was made for another QEMU, processor or accelerator (`key` differs): rebuild.
 */
Template *template_open(Hypervisor *hypervisor, const char *folder, const char *key, GError **error);

/* Writes the same frozen state into another folder (which must not exist, or be empty) under another key: a
 * template for another pool, which then shares no memory with this one (trap 12), without booting the image a
 * second time. Open it with template_open. On failure the folder is removed. */
bool template_copy(Template *template, const char *folder, const char *key, GError **error);

Template *template_ref(Template *template);
void template_unref(Template *template); /* the last one also ends its waiting QEMU processes */

const char *template_folder(const Template *template);
const char *template_key_of(const Template *template);
uint64_t template_memory(const Template *template);          /* bytes of a desktop's RAM */
uint64_t template_memory_resident(const Template *template); /* bytes the sealed memfd occupies now */

typedef struct {
    const char
        *folder; /* STATE/desktops/ID: must not exist, or be empty; made here, removed again on failure */
    bool disk_is_disposable; /* see MachineSpec */
} ForkSpec;

typedef struct {
    bool from_waiting;  /* a waiting QEMU was there */
    int64_t running_us; /* from the call to processors running */
    int64_t overlay_us; /* parts of it; 0 where a waiting QEMU had done it before */
    int64_t start_us;   /* fork and exec until QMP answers */
    int64_t load_us;    /* device state */
} ForkTiming;

/* Forks a desktop: its processors run when this returns. Picture first; then, beside it: agent_identity,
 * plug_network, plug_user_disk, plug_clipboard. timing may be NULL. */
Machine *template_fork(Template *template, const ForkSpec *spec, ForkTiming *ret_timing, GError **error);

/* Keeps `wanted` QEMU processes waiting in STATE/waiting: started, handshaken, state loaded, paused; a fork
 * then only renames the folder and continues. Returns at once; a thread of its own fills and refills when no
 * fork is in progress. Waiting processes have disposable or durable disks as `disk_is_disposable` says; a
 * fork that wants the other kind starts cold. */
void template_keep_waiting(Template *template, unsigned wanted, bool disk_is_disposable);
unsigned template_waiting(const Template *template); /* how many are ready now */
/* Why the last attempt to make one failed, as a sentence; NULL: it succeeded. It is tried again, ever more
 * seldom. Caller frees. */
char *template_waiting_problem(const Template *template);
bool template_wait_waiting(Template *template,
                           int64_t limit_ms); /* until as many as wanted are ready; for tests, benches */

/* At start of orield, before any template is opened: ends what a former orield left in STATE/waiting. */
bool waiting_clear(Hypervisor *hypervisor, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Template, template_unref)
