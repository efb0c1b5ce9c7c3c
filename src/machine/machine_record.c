#include "machine/machine_record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "machine/machine_arguments.h"

void machine_record_clear(MachineRecord *record)
{
    g_free(record->template_key);
    *record = (MachineRecord){0};
}

bool machine_record_write(const char *folder, const MachineRecord *record, GError **error)
{
    g_autofree char *path = g_build_filename(folder, MACHINE_FILE_RECORD, NULL);
    g_autofree char *temp = g_strconcat(path, ".new", NULL);
    g_autoptr(Json) object = json_pack(
        "{s:i, s:i, s:I, s:s, s:s?, s:I, s:i}", "format", 1, "pid", (int)record->identity.pid, "start_time",
        (json_int_t)record->identity.start_time, "boot_id", record->identity.boot_id, "template",
        record->template_key, "memory", (json_int_t)record->memory, "vcpus", (int)record->vcpus);
    g_autofree char *text = json_text(object);
    unlink(temp);
    autofd int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return oriel_fail_errno(error, errno, "file \"%s\": cannot create", temp);
    if (!fd_write_all(fd, text, strlen(text), error))
        return false;
    if (rename(temp, path) < 0)
        return oriel_fail_errno(error, errno, "file \"%s\": cannot put in place", path);
    return true;
}

bool machine_record_read(const char *folder, MachineRecord *ret, GError **error)
{
    g_autofree char *path = g_build_filename(folder, MACHINE_FILE_RECORD, NULL);
    /* QEMU may write in this folder: a link it made is not followed, and what it wrote is checked by
     * process_open. */
    if (g_file_test(path, G_FILE_TEST_IS_SYMLINK))
        return oriel_fail(error, ORIEL_ERROR_CORRUPT, "file \"%s\": is a link", path);
    g_autoptr(Json) object = json_read_file(path, LIMIT_MANIFEST, error);
    if (!object)
        return false;
    int pid, vcpus;
    json_int_t start_time, memory;
    const char *boot_id;
    const char *template_key = json_string_value(json_object_get(object, "template"));
    if (json_unpack(object, "{s:i, s:I, s:s, s:I, s:i}", "pid", &pid, "start_time", &start_time, "boot_id",
                    &boot_id, "memory", &memory, "vcpus", &vcpus) != 0 ||
        strlen(boot_id) > PROCESS_BOOT_ID || pid <= 1)
        return oriel_fail(error, ORIEL_ERROR_CORRUPT, "file \"%s\": is no record of a machine", path);
    *ret = (MachineRecord){.identity = {.pid = pid, .start_time = (uint64_t)start_time},
                           .template_key = g_strdup(template_key),
                           .memory = (uint64_t)memory,
                           .vcpus = (unsigned)vcpus};
    g_strlcpy(ret->identity.boot_id, boot_id, sizeof ret->identity.boot_id);
    return true;
}
