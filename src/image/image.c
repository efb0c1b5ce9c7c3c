#include "image/image.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/number.h"
#include "image/manifest.h"
#include "image/workshop.h"

void image_free(Image *image)
{
    if (!image)
        return;
    g_free(image->name);
    g_free(image->folder);
    g_free(image->disk);
    g_free(image->kernel);
    g_free(image->initrd);
    g_free(image->append);
    g_free(image->title);
    g_free(image->description);
    g_free(image->suite);
    g_free(image->session);
    g_free(image->user);
    g_free(image->recipe_text);
    g_free(image->disk_sha256);
    g_free(image->kernel_sha256);
    g_free(image->initrd_sha256);
    g_free(image);
}

bool image_name_is_valid(const char *name)
{
    size_t length = name ? strlen(name) : 0;
    return length > 0 && length <= LIMIT_NAME && g_ascii_isalnum(name[0]) &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") == length;
}

char *image_folder(const char *images, const char *name, unsigned version)
{
    return g_strdup_printf("%s/%s/%u", images, name, version);
}

/* ---- opening ---- */

static uint64_t big_endian(const unsigned char *bytes, int count)
{
    uint64_t value = 0;
    for (int i = 0; i < count; i++)
        value = value << 8 | bytes[i];
    return value;
}

/* QEMU's docs/interop/qcow2.txt. A golden disk stands alone: one that named a backing or data file could make QEMU read any
 * file of the host. */
static bool check_disk_header(const Image *image, GError **error)
{
    unsigned char header[104] = {0};
    autofd int fd = open(image->disk, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || pread(fd, header, sizeof header, 0) != sizeof header)
        return oriel_fail(error, ORIEL_ERROR_CORRUPT, "image \"%s\" version %u: disk.qcow2 cannot be read; build it again",
                          image->name, image->version);
    uint64_t version = big_endian(header + 4, 4), features = version >= 3 ? big_endian(header + 72, 8) : 0;
    const uint64_t compression_type = 1 << 3;
    if (memcmp(header, "QFI\xfb", 4) != 0 || version < 2 || version > 3 || big_endian(header + 8, 8) != 0 ||
        big_endian(header + 24, 8) != image->disk_bytes || (features & ~compression_type) != 0)
        return oriel_fail(error, ORIEL_ERROR_CORRUPT,
                          "image \"%s\" version %u: the header of disk.qcow2 is damaged; build it again", image->name,
                          image->version);
    return true;
}

static bool check_sizes(const Manifest *manifest, GError **error)
{
    const Image *image = manifest->image;
    for (int i = 0; i < MANIFEST_FILES; i++) {
        g_autofree char *path = g_build_filename(image->folder, manifest_file_name(i), NULL);
        struct stat info;
        if (stat(path, &info) < 0)
            return oriel_fail(error, ORIEL_ERROR_CORRUPT, "image \"%s\" version %u: %s is missing; build it again",
                              image->name, image->version, manifest_file_name(i));
        if (!S_ISREG(info.st_mode) || (uint64_t)info.st_size != manifest->files[i].bytes)
            return oriel_fail(error, ORIEL_ERROR_CORRUPT,
                              "image \"%s\" version %u: %s has %" G_GUINT64_FORMAT " bytes, its manifest says %" G_GUINT64_FORMAT
                              " (cut off or changed); build it again",
                              image->name, image->version, manifest_file_name(i), (uint64_t)info.st_size,
                              manifest->files[i].bytes);
    }
    return true;
}

/* The folder must be where its manifest says: .../NAME/VERSION, else somebody copied one image over another. */
static bool check_place(const Image *image, GError **error)
{
    g_autofree char *version = g_path_get_basename(image->folder);
    g_autofree char *parent = g_path_get_dirname(image->folder);
    g_autofree char *name = g_path_get_basename(parent);
    g_autofree char *number = g_strdup_printf("%u", image->version);
    if (strcmp(name, image->name) != 0 || strcmp(version, number) != 0)
        return oriel_fail(error, ORIEL_ERROR_CORRUPT,
                          "image folder \"%s\" holds a manifest of \"%s\" version %u; build the image again", image->folder,
                          image->name, image->version);
    return true;
}

static bool manifest_open(const char *folder, Manifest *manifest, GError **error)
{
    g_autofree char *path = g_build_filename(folder, "manifest.json", NULL);
    g_autofree char *what = g_strdup_printf("image manifest \"%s\"", path);
    GError *reason = NULL;
    struct stat info;
    if (stat(folder, &info) < 0)
        return oriel_fail_errno(error, errno, "image folder \"%s\"", folder);
    g_autoptr(Json) object = json_read_file(path, LIMIT_MANIFEST, &reason);
    if (!object) {
        oriel_fail(error, ORIEL_ERROR_CORRUPT, "%s cannot be read (%s); build the image again", what, reason->message);
        g_error_free(reason);
        return false;
    }
    if (!manifest_read(object, what, manifest, error))
        return false;
    Image *image = manifest->image;
    image->folder = g_canonicalize_filename(folder, NULL);
    image->disk = g_build_filename(image->folder, manifest_file_name(MANIFEST_DISK), NULL);
    image->kernel = g_build_filename(image->folder, manifest_file_name(MANIFEST_KERNEL), NULL);
    image->initrd = g_build_filename(image->folder, manifest_file_name(MANIFEST_INITRD), NULL);
    return check_place(image, error) && check_sizes(manifest, error) && check_disk_header(image, error);
}

Image *image_open(const char *folder, GError **error)
{
    g_auto(Manifest) manifest = {0};
    if (!manifest_open(folder, &manifest, error))
        return NULL;
    return g_steal_pointer(&manifest.image);
}

bool image_verify(const Image *image, GCancellable *cancellable, GError **error)
{
    g_auto(Manifest) manifest = {0};
    if (!manifest_open(image->folder, &manifest, error))
        return false;
    for (int i = 0; i < MANIFEST_FILES; i++) {
        g_autofree char *path = g_build_filename(image->folder, manifest_file_name(i), NULL);
        ManifestFile found;
        if (!manifest_measure(path, cancellable, &found, error))
            return false;
        if (strcmp(found.sha256, manifest.files[i].sha256) != 0)
            return oriel_fail(error, ORIEL_ERROR_CORRUPT,
                              "image \"%s\" version %u: the checksum of %s does not match its manifest; build it again",
                              image->name, image->version, manifest_file_name(i));
    }
    return true;
}

/* ---- the collection ---- */

static bool version_parse(const char *text, unsigned *ret)
{
    uint64_t number;
    if (text[0] == '0' || !number_parse(text, 1, G_MAXINT, "version", &number, NULL))
        return false;
    *ret = (unsigned)number;
    return true;
}

unsigned image_latest(const char *images, const char *name)
{
    unsigned latest = 0, version;
    g_autofree char *path = g_build_filename(images, name, NULL);
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    for (const char *entry; folder && (entry = g_dir_read_name(folder));)
        if (version_parse(entry, &version) && version > latest)
            latest = version;
    return latest;
}

static void entry_free(gpointer data)
{
    ImageEntry *entry = data;
    g_free(entry->name);
    image_free(entry->image);
    g_clear_error(&entry->error);
    g_free(entry);
}

static int entry_order(gconstpointer a, gconstpointer b)
{
    const ImageEntry *first = *(ImageEntry *const *)a, *second = *(ImageEntry *const *)b;
    int order = strcmp(first->name, second->name);
    return order ? order : (first->version > second->version) - (first->version < second->version);
}

static void list_versions(const char *images, const char *name, GPtrArray *list)
{
    g_autofree char *path = g_build_filename(images, name, NULL);
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    unsigned version;
    for (const char *found; folder && (found = g_dir_read_name(folder));) {
        if (!version_parse(found, &version))
            continue;
        g_autofree char *version_path = g_build_filename(path, found, NULL);
        ImageEntry *entry = g_new0(ImageEntry, 1);
        entry->name = g_strdup(name);
        entry->version = version;
        entry->image = image_open(version_path, &entry->error);
        g_ptr_array_add(list, entry);
    }
}

GPtrArray *image_list(const char *images, GError **error)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(entry_free);
    GError *reason = NULL;
    g_autoptr(GDir) folder = g_dir_open(images, 0, &reason);
    if (g_error_matches(reason, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
        g_error_free(reason);
        return g_steal_pointer(&list);
    }
    if (!folder) {
        oriel_fail(error, ORIEL_ERROR_INTERNAL, "folder of images \"%s\": %s", images, reason->message);
        g_error_free(reason);
        return NULL;
    }
    for (const char *name; (name = g_dir_read_name(folder));)
        if (image_name_is_valid(name))
            list_versions(images, name, list);
    g_ptr_array_sort(list, entry_order);
    return g_steal_pointer(&list);
}

bool image_remove(const char *images, const char *name, unsigned version, GError **error)
{
    if (!image_name_is_valid(name))
        return oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "image \"%s\" does not exist", name);
    g_autofree char *path = image_folder(images, name, version);
    g_autofree char *aside = g_strdup_printf("%s/%s/.removed-%u", images, name, version);
    g_autofree char *parent = g_build_filename(images, name, NULL);
    if (!folder_remove(aside, error)) /* of a removal that was killed */
        return false;
    if (rename(path, aside) < 0 && errno == ENOENT)
        return oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "image \"%s\" has no version %u", name, version);
    if (access(path, F_OK) == 0)
        return oriel_fail(error, ORIEL_ERROR_INTERNAL, "image \"%s\" version %u: cannot be removed", name, version);
    if (!folder_remove(aside, error))
        return false;
    rmdir(parent); /* only succeeds when this was the last version */
    return true;
}

static bool sweep_versions(const char *path, GError **error)
{
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    for (const char *entry; folder && (entry = g_dir_read_name(folder));) {
        g_autofree char *found = g_build_filename(path, entry, NULL);
        bool removed = g_str_has_prefix(entry, ".removed-"), built = g_str_has_prefix(entry, WORKSHOP_PREFIX);
        if ((removed && !folder_remove(found, error)) || (built && !workshop_sweep(found, error)))
            return false;
    }
    return true;
}

bool image_sweep(const char *images, GError **error)
{
    g_autoptr(GDir) folder = g_dir_open(images, 0, NULL);
    for (const char *name; folder && (name = g_dir_read_name(folder));) {
        g_autofree char *path = g_build_filename(images, name, NULL);
        if (!image_name_is_valid(name))
            continue;
        if (!sweep_versions(path, error))
            return false;
        rmdir(path); /* a first build that was killed leaves an empty folder */
    }
    return true;
}
