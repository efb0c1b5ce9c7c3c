/* The inside of a Template, for files of this room only. */
#pragma once

#include "machine/machine_internal.h"
#include "machine/template.h"

#define TEMPLATE_FILE_RAM "ram"
#define TEMPLATE_FILE_STATE "state"
#define TEMPLATE_FILE_RECORD "template.json"

typedef struct Waiting Waiting;

struct Template {
    gatomicrefcount references;
    Hypervisor *hypervisor;
    char *folder;
    char *key;
    uint64_t memory;
    unsigned vcpus;
    GStrv readable; /* folders that forks may read: the template's own and those named at the freeze */
    int ram;        /* sealed memfd */
    Waiting *waiting;
};

/* template.json, written last. */
typedef struct {
    char *key;
    uint64_t memory;
    unsigned vcpus;
    uint32_t ram_checksum;
    uint64_t state_bytes;
    uint32_t state_checksum;
    uint64_t disk_bytes;
    int64_t disk_modified_ns;
    GStrv readable;
} TemplateRecord;

bool template_record_write(const char *folder, const TemplateRecord *record, GError **error);
bool template_record_read(const char *folder, TemplateRecord *ret, GError **error); /* CORRUPT, NOT_FOUND */
void template_record_clear(TemplateRecord *record);

/* Fills what is said of state and disk from the files as they are. */
bool template_record_measure(const char *folder, TemplateRecord *record, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TemplateRecord, template_record_clear)

/* Starts QEMU in `folder` (made here) and loads the template's state. paused: for the waiting ones. On
 * failure the folder is removed again. */
Machine *fork_start(Template *template, const ForkSpec *spec, bool paused, ForkTiming *timing,
                    GError **error);

/* waiting.c. The template is not referenced by its Waiting: it ends it first. */
Waiting *waiting_new(Template *template);
void waiting_free(Waiting *waiting);
/* A ready machine, in its own folder in STATE/waiting, or NULL. Caller owns. */
Machine *waiting_take(Waiting *waiting, bool disk_is_disposable);
/* Between these two nobody fills: the click comes first. */
void waiting_fork_begin(Waiting *waiting);
void waiting_fork_end(Waiting *waiting);
