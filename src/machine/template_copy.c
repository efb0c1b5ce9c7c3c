/* A second template of the same frozen state: for another pool, which shares no memory with the first,
 * without a second boot. */
#include <errno.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "machine/disk_copy.h"
#include "machine/template_internal.h"

static bool copy_file(const char *from_folder, const char *to_folder, const char *name, GError **error)
{
    g_autofree char *source = g_build_filename(from_folder, name, NULL);
    g_autofree char *target = g_build_filename(to_folder, name, NULL);
    struct stat info;
    if (stat(source, &info) < 0)
        return oriel_fail_errno(error, errno, "file \"%s\": cannot read", source);
    if (!disk_copy(source, target, NULL, NULL, error))
        return false;
    return chmod(target, info.st_mode & 0777) == 0 ||
           oriel_fail_errno(error, errno, "file \"%s\": cannot be given its rights", target);
}

static bool copy_all(const Template *template, const char *folder, TemplateRecord *record, GError **error)
{
    static const char *const names[] = {MACHINE_FILE_DISK, TEMPLATE_FILE_RAM, TEMPLATE_FILE_STATE};
    if (!folder_make(folder, 0700, error))
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (!copy_file(template->folder, folder, names[i], error))
            return false;
    return template_record_measure(folder, record, error) && template_record_write(folder, record, error);
}

bool template_copy(Template *template, const char *folder, const char *key, GError **error)
{
    g_auto(TemplateRecord) record = {0};
    if (!template_record_read(template->folder, &record, error))
        return false;
    g_free(record.key);
    record.key = g_strdup(key);
    if (copy_all(template, folder, &record, error))
        return true;
    folder_remove(folder, NULL);
    return false;
}
