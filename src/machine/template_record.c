#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "machine/checksum.h"
#include "machine/template_internal.h"

#define BLOCK (256 * 1024)
#define NANOSECONDS ((int64_t)1000000000)

void template_record_clear(TemplateRecord *record)
{
    g_free(record->key);
    g_strfreev(record->readable);
    *record = (TemplateRecord){0};
}

static bool measure_state(const char *path, TemplateRecord *record, GError **error)
{
    autofd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return oriel_fail_errno(error, errno, "file \"%s\": cannot read", path);
    g_autofree uint8_t *block = g_malloc(BLOCK);
    record->state_bytes = record->state_checksum = 0;
    for (;;) {
        ssize_t got = read(fd, block, BLOCK);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return oriel_fail_errno(error, errno, "file \"%s\": cannot read", path);
        if (got == 0)
            return true;
        record->state_bytes += (uint64_t)got;
        record->state_checksum = checksum_crc32c(record->state_checksum, block, (size_t)got);
    }
}

bool template_record_measure(const char *folder, TemplateRecord *record, GError **error)
{
    g_autofree char *state = g_build_filename(folder, TEMPLATE_FILE_STATE, NULL);
    g_autofree char *disk = g_build_filename(folder, MACHINE_FILE_DISK, NULL);
    struct stat info;
    if (stat(disk, &info) < 0)
        return oriel_fail_errno(error, errno, "disk \"%s\": cannot read", disk);
    record->disk_bytes = (uint64_t)info.st_size;
    record->disk_modified_ns = info.st_mtim.tv_sec * NANOSECONDS + info.st_mtim.tv_nsec;
    return measure_state(state, record, error);
}

bool template_record_write(const char *folder, const TemplateRecord *record, GError **error)
{
    g_autofree char *path = g_build_filename(folder, TEMPLATE_FILE_RECORD, NULL);
    Json *readable = json_array();
    for (size_t i = 0; record->readable[i]; i++)
        json_array_append_new(readable, json_string(record->readable[i]));
    g_autoptr(Json) object = json_pack(
        "{s:i, s:s, s:I, s:I, s:i, s:I, s:I, s:I, s:I, s:I, s:o}", "format", 1, "key", record->key, "made_ms",
        (json_int_t)clock_utc_ms(), "memory", (json_int_t)record->memory, "vcpus", (int)record->vcpus,
        "ram_checksum", (json_int_t)record->ram_checksum, "state_bytes", (json_int_t)record->state_bytes,
        "state_checksum", (json_int_t)record->state_checksum, "disk_bytes", (json_int_t)record->disk_bytes,
        "disk_modified_ns", (json_int_t)record->disk_modified_ns, "readable", readable);
    return json_write_file(path, object, error);
}

static GStrv read_strings(const Json *array)
{
    g_autoptr(GPtrArray) strings = g_ptr_array_new_with_free_func(g_free);
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *text = json_string_value(json_array_get(array, i));
        if (text)
            g_ptr_array_add(strings, g_strdup(text));
    }
    g_ptr_array_add(strings, NULL);
    return (GStrv)g_ptr_array_free(g_steal_pointer(&strings), FALSE);
}

bool template_record_read(const char *folder, TemplateRecord *ret, GError **error)
{
    g_autofree char *path = g_build_filename(folder, TEMPLATE_FILE_RECORD, NULL);
    g_autoptr(Json) object = json_read_file(path, LIMIT_MANIFEST, error);
    if (!object)
        return false;
    int format, vcpus;
    const char *key;
    Json *readable;
    json_int_t made, memory, ram_checksum, state_bytes, state_checksum, disk_bytes, disk_modified;
    if (json_unpack(object, "{s:i, s:s, s:I, s:I, s:i, s:I, s:I, s:I, s:I, s:I, s:o}", "format", &format,
                    "key", &key, "made_ms", &made, "memory", &memory, "vcpus", &vcpus, "ram_checksum",
                    &ram_checksum, "state_bytes", &state_bytes, "state_checksum", &state_checksum,
                    "disk_bytes", &disk_bytes, "disk_modified_ns", &disk_modified, "readable",
                    &readable) != 0 ||
        format != 1 || memory <= 0 || vcpus <= 0)
        return oriel_fail(error, ORIEL_ERROR_CORRUPT, "file \"%s\": is no record of a template", path);
    *ret = (TemplateRecord){.key = g_strdup(key),
                            .memory = (uint64_t)memory,
                            .vcpus = (unsigned)vcpus,
                            .ram_checksum = (uint32_t)ram_checksum,
                            .state_bytes = (uint64_t)state_bytes,
                            .state_checksum = (uint32_t)state_checksum,
                            .disk_bytes = (uint64_t)disk_bytes,
                            .disk_modified_ns = disk_modified,
                            .readable = read_strings(readable)};
    return true;
}
