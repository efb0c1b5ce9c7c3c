#include "machine/template.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"
#include "machine/template_internal.h"
#include "machine/template_ram.h"

#define KEY_LENGTH 32

/* "model name", "flags" and microcode of the first processor: what KVM's -cpu host and QEMU's TCG depend on.
 */
static char *processor_describe(void)
{
    g_autofree char *cpuinfo = file_read("/proc/cpuinfo", LIMIT_MANIFEST, NULL, NULL);
    g_autoptr(GString) text = g_string_new(NULL);
    g_auto(GStrv) lines = g_strsplit(cpuinfo ? cpuinfo : "", "\n", 64);
    for (size_t i = 0; lines[i] && *lines[i]; i++)
        if (g_str_has_prefix(lines[i], "model name") || g_str_has_prefix(lines[i], "flags") ||
            g_str_has_prefix(lines[i], "microcode"))
            g_string_append_printf(text, "%s\n", lines[i]);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

char *template_key(const Hypervisor *hypervisor, uint64_t memory, unsigned vcpus, const char *image_version)
{
    g_autofree char *processor = processor_describe();
    g_autofree char *arguments =
        machine_arguments_key(memory, vcpus, hypervisor->features, hypervisor->accelerator->kind);
    g_autofree char *whole = g_strdup_printf("format 1\n%s\n%s\n%s\n%s\n", hypervisor->features->version,
                                             processor, arguments, image_version);
    char *key = g_compute_checksum_for_string(G_CHECKSUM_SHA256, whole, -1);
    key[KEY_LENGTH] = '\0';
    return key;
}

static Template *template_new(Hypervisor *hypervisor, const char *folder, const TemplateRecord *record,
                              int ram)
{
    Template *template = g_new0(Template, 1);
    g_atomic_ref_count_init(&template->references);
    template->hypervisor = hypervisor;
    template->folder = g_strdup(folder);
    template->key = g_strdup(record->key);
    template->memory = record->memory;
    template->vcpus = record->vcpus;
    g_autoptr(GPtrArray) readable = g_ptr_array_new();
    g_ptr_array_add(readable, g_strdup(folder));
    for (size_t i = 0; record->readable[i]; i++)
        g_ptr_array_add(readable, g_strdup(record->readable[i]));
    g_ptr_array_add(readable, NULL);
    template->readable = (GStrv)g_ptr_array_free(g_steal_pointer(&readable), FALSE);
    template->ram = ram;
    template->waiting = waiting_new(template);
    return template;
}

Template *template_ref(Template *template)
{
    g_atomic_ref_count_inc(&template->references);
    return template;
}

void template_unref(Template *template)
{
    if (!template || !g_atomic_ref_count_dec(&template->references))
        return;
    waiting_free(template->waiting);
    fd_clear(&template->ram);
    g_strfreev(template->readable);
    g_free(template->folder);
    g_free(template->key);
    g_free(template);
}

const char *template_folder(const Template *template)
{
    return template->folder;
}

const char *template_key_of(const Template *template)
{
    return template->key;
}

uint64_t template_memory(const Template *template)
{
    return template->memory;
}

uint64_t template_memory_resident(const Template *template)
{
    struct stat info;
    return fstat(template->ram, &info) == 0 ? (uint64_t)info.st_blocks * 512 : 0;
}

/* Writes the device state and ends QEMU. */
static bool freeze_state(Machine *machine, GError **error)
{
    g_autofree char *path = g_build_filename(machine->folder, TEMPLATE_FILE_STATE, NULL);
    autofd int state = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (state < 0)
        return oriel_fail_errno(error, errno, "file \"%s\": cannot create", path);
    if (!machine_save(machine, state, true, error))
        return false;
    if (fsync(state) < 0)
        return oriel_fail_errno(error, errno, "file \"%s\": cannot make it durable", path);
    return machine_quit(machine, error);
}

/* The disk as it is at the freeze, for good. */
static bool freeze_disk(const char *folder, GError **error)
{
    g_autofree char *path = g_build_filename(folder, MACHINE_FILE_DISK, NULL);
    autofd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fchmod(fd, 0400) < 0 || fsync(fd) < 0)
        return oriel_fail_errno(error, errno, "disk \"%s\": cannot freeze", path);
    return true;
}

/* What a machine needs no more once it is a template. */
static void freeze_tidy(const char *folder)
{
    static const char *const names[] = {MACHINE_FILE_QMP, MACHINE_FILE_AGENT, MACHINE_FILE_DISPLAY,
                                        MACHINE_FILE_RECORD};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(folder, names[i], NULL);
        unlink(path);
    }
}

static Template *freeze_finish(Machine *machine, int ram, const char *key, const char *const *readable,
                               GError **error)
{
    const char *folder = machine->folder;
    g_autofree char *ram_path = g_build_filename(folder, TEMPLATE_FILE_RAM, NULL);
    g_auto(TemplateRecord) record = {.key = g_strdup(key),
                                     .memory = machine->memory,
                                     .vcpus = machine->vcpus,
                                     .readable = readable ? g_strdupv((GStrv)readable) : g_new0(char *, 1)};
    if (!template_ram_seal(ram, error) || !freeze_disk(folder, error) ||
        !template_ram_save(ram, ram_path, &record.ram_checksum, error) ||
        !template_record_measure(folder, &record, error) || !template_record_write(folder, &record, error))
        return NULL;
    freeze_tidy(folder);
    return template_new(machine->hypervisor, folder, &record, ram);
}

Template *template_freeze(Machine *machine, const char *key, const char *const *readable, GError **error)
{
    autofd int ram = fd_steal(&machine->ram);
    if (ram < 0) /* it was adopted */
        ram = template_ram_of_process(machine->identity.pid, machine->memory, false);
    Template *template = NULL;
    if (ram < 0)
        oriel_fail(error, ORIEL_ERROR_INVALID,
                   "machine \"%s\": was not started as one that can become a template", machine->folder);
    else if (freeze_state(machine, error))
        template = freeze_finish(machine, ram, key, readable, error);
    if (template)
        fd_steal(&ram);
    else
        machine_kill(machine, NULL);
    return template;
}

/* The memfd of a fork of this template that runs in one of the folders under `parent`; -1: none. */
static int ram_of_forks(const char *parent, const TemplateRecord *template)
{
    g_autoptr(GDir) entries = g_dir_open(parent, 0, NULL);
    const char *name;
    while (entries && (name = g_dir_read_name(entries))) {
        g_autofree char *folder = g_build_filename(parent, name, NULL);
        g_auto(MachineRecord) record = {0};
        if (!machine_record_read(folder, &record, NULL) || g_strcmp0(record.template_key, template->key) != 0)
            continue;
        autofd int pidfd = process_open(&record.identity, folder, NULL);
        int ram = pidfd < 0 ? -1 : template_ram_of_process(record.identity.pid, template->memory, true);
        if (ram >= 0)
            return ram;
    }
    return -1;
}

static int ram_open(const Hypervisor *hypervisor, const char *folder, const TemplateRecord *record,
                    GError **error)
{
    g_autofree char *desktops = g_build_filename(hypervisor->state_folder, "desktops", NULL);
    g_autofree char *path = g_build_filename(folder, TEMPLATE_FILE_RAM, NULL);
    int ram = ram_of_forks(desktops, record);
    return ram >= 0 ? ram : template_ram_load(path, record->memory, record->ram_checksum, error);
}

/* Nothing may have changed since the freeze. */
static bool template_check(const char *folder, const TemplateRecord *record, GError **error)
{
    g_auto(TemplateRecord) now = {0};
    if (!template_record_measure(folder, &now, error))
        return false;
    if (now.state_bytes != record->state_bytes || now.state_checksum != record->state_checksum)
        return oriel_fail(error, ORIEL_ERROR_CORRUPT, "template \"%s\": its device state is damaged", folder);
    if (now.disk_bytes != record->disk_bytes || now.disk_modified_ns != record->disk_modified_ns)
        return oriel_fail(error, ORIEL_ERROR_CORRUPT,
                          "template \"%s\": its disk has changed since the freeze", folder);
    return true;
}

Template *template_open(Hypervisor *hypervisor, const char *folder, const char *key, GError **error)
{
    g_auto(TemplateRecord) record = {0};
    if (!template_record_read(folder, &record, error))
        return NULL;
    if (!g_str_equal(record.key, key)) {
        oriel_fail(error, ORIEL_ERROR_STALE,
                   "template \"%s\": was made for another QEMU, processor, accelerator or image", folder);
        return NULL;
    }
    if (!template_check(folder, &record, error))
        return NULL;
    int ram = ram_open(hypervisor, folder, &record, error);
    return ram < 0 ? NULL : template_new(hypervisor, folder, &record, ram);
}
