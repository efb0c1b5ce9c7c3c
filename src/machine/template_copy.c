/* A second template of the same frozen state: for another pool, which shares no memory with the first,
 * without a second boot. */
#include <errno.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "machine/template_internal.h"

/* One stretch of data, by the kernel (which shares the blocks where the file system can). */
static bool copy_stretch(int from, int to, off_t at, off_t end, GError **error)
{
    off_t out = at;
    while (at < end) {
        ssize_t done = copy_file_range(from, &at, to, &out, (size_t)(end - at), 0);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return oriel_fail_errno(error, done < 0 ? errno : EIO, "template: cannot copy");
    }
    return true;
}

/* Data only: holes stay holes. */
static bool copy_data(int from, int to, off_t length, GError **error)
{
    off_t at = 0;
    while (at < length) {
        off_t data = lseek(from, at, SEEK_DATA);
        if (data < 0 && errno == ENXIO)
            break;
        off_t hole = data < 0 ? -1 : lseek(from, data, SEEK_HOLE);
        if (hole < 0)
            return oriel_fail_errno(error, errno, "template: cannot copy");
        if (!copy_stretch(from, to, data, hole, error))
            return false;
        at = hole;
    }
    return true;
}

static bool copy_file(const char *from_folder, const char *to_folder, const char *name, GError **error)
{
    g_autofree char *source = g_build_filename(from_folder, name, NULL);
    g_autofree char *target = g_build_filename(to_folder, name, NULL);
    struct stat info;
    autofd int from = open(source, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (from < 0 || fstat(from, &info) < 0)
        return oriel_fail_errno(error, errno, "file \"%s\": cannot read", source);
    autofd int to = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (to < 0 || ftruncate(to, info.st_size) < 0)
        return oriel_fail_errno(error, errno, "file \"%s\": cannot create", target);
    if (!copy_data(from, to, info.st_size, error))
        return false;
    if (fchmod(to, info.st_mode & 0777) < 0 || fsync(to) < 0)
        return oriel_fail_errno(error, errno, "file \"%s\": cannot make it durable", target);
    return true;
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
