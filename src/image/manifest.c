#include "image/manifest.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"

static const char *const NAMES[MANIFEST_FILES] = {"disk.qcow2", "kernel", "initrd", "packages.txt"};

const char *manifest_file_name(int file)
{
    return NAMES[file];
}

void manifest_clear(Manifest *manifest)
{
    g_clear_pointer(&manifest->image, image_free);
}

static bool is_sha256(const char *text)
{
    return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

/* jansson's sentence names the key; the kind becomes CORRUPT: nobody typed this file. */
static bool corrupt(GError **error, const char *what, GError *reason)
{
    oriel_fail(error, ORIEL_ERROR_CORRUPT, "%s is damaged (%s); build the image again", what, reason->message);
    g_error_free(reason);
    return false;
}

static bool read_files(Json *files, const char *what, Manifest *manifest, GError **error)
{
    GError *reason = NULL;
    Json *objects[MANIFEST_FILES];
    if (!json_read(files, "files", &reason, "{s:o, s:o, s:o, s:o}", NAMES[0], &objects[0], NAMES[1], &objects[1], NAMES[2],
                   &objects[2], NAMES[3], &objects[3]))
        return corrupt(error, what, reason);
    for (int i = 0; i < MANIFEST_FILES; i++) {
        json_int_t bytes;
        const char *sha256;
        if (!json_read(objects[i], NAMES[i], &reason, "{s:I, s:s}", "bytes", &bytes, "sha256", &sha256))
            return corrupt(error, what, reason);
        if (bytes <= 0 || !is_sha256(sha256))
            return oriel_fail(error, ORIEL_ERROR_CORRUPT, "%s is damaged (size or checksum of %s); build the image again",
                              what, NAMES[i]);
        manifest->files[i].bytes = (uint64_t)bytes;
        g_strlcpy(manifest->files[i].sha256, sha256, sizeof manifest->files[i].sha256);
    }
    return true;
}

typedef struct {
    json_int_t memory, vcpus;
    const char *append, *session;
    Json *user;
} Defaults;

static bool read_defaults(Json *object, const char *what, Image *image, GError **error)
{
    GError *reason = NULL;
    Defaults defaults;
    if (!json_read(object, "defaults", &reason, "{s:I, s:I, s:s, s:s, s:o}", "memory", &defaults.memory, "vcpus",
                   &defaults.vcpus, "append", &defaults.append, "session", &defaults.session, "user", &defaults.user))
        return corrupt(error, what, reason);
    bool user = json_is_null(defaults.user) || json_is_string(defaults.user);
    bool session = strcmp(defaults.session, "x11") == 0 || strcmp(defaults.session, "console") == 0;
    if (defaults.memory < 64 << 20 || defaults.memory % (1 << 20) != 0 || defaults.vcpus < 1 || defaults.vcpus > 64 ||
        !user || !session)
        return oriel_fail(error, ORIEL_ERROR_CORRUPT,
                          "%s is damaged (memory, vcpus, session or user of its defaults); build the image again", what);
    image->memory = (uint64_t)defaults.memory;
    image->vcpus = (unsigned)defaults.vcpus;
    image->append = g_strdup(defaults.append);
    image->session = g_strdup(defaults.session);
    image->user = g_strdup(json_string_value(defaults.user));
    return true;
}

bool manifest_read(Json *object, const char *what, Manifest *ret, GError **error)
{
    g_auto(Manifest) manifest = {.image = g_new0(Image, 1)};
    GError *reason = NULL;
    json_int_t format = 0, version = 0, built_ms = 0, packages = 0, disk_bytes = 0;
    const char *name, *title, *description, *base, *suite, *recipe;
    Json *defaults, *files;
    /* A newer format may have other keys: say so before complaining of those. */
    if (json_is_integer(json_object_get(object, "format")) &&
        json_integer_value(json_object_get(object, "format")) > MANIFEST_FORMAT)
        return oriel_fail(error, ORIEL_ERROR_UNSUPPORTED, "%s is of a newer Oriel; update this one", what);
    if (!json_read(object, "manifest", &reason,
                   "{s:I, s:s, s:I, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:o, s:o, s:s}", "format", &format, "name", &name,
                   "version", &version, "title", &title, "description", &description, "base", &base, "suite", &suite,
                   "built_ms", &built_ms, "packages", &packages, "disk_bytes", &disk_bytes, "defaults", &defaults, "files",
                   &files, "recipe", &recipe))
        return corrupt(error, what, reason);
    if (format != MANIFEST_FORMAT || !image_name_is_valid(name) || version < 1 || version > G_MAXINT || disk_bytes < 1 ||
        packages < 0 || packages > G_MAXINT)
        return oriel_fail(error, ORIEL_ERROR_CORRUPT,
                          "%s is damaged (format, name, version, packages or disk_bytes); build the image again", what);
    Image *image = manifest.image;
    image->name = g_strdup(name);
    image->version = (unsigned)version;
    image->title = g_strdup(title);
    image->description = g_strdup(description);
    image->suite = g_strdup(suite);
    image->recipe_text = g_strdup(recipe);
    image->built_ms = built_ms;
    image->packages = (unsigned)packages;
    image->disk_bytes = (uint64_t)disk_bytes;
    if (!read_defaults(defaults, what, image, error) || !read_files(files, what, &manifest, error))
        return false;
    image->disk_sha256 = g_strdup(manifest.files[MANIFEST_DISK].sha256);
    image->kernel_sha256 = g_strdup(manifest.files[MANIFEST_KERNEL].sha256);
    image->initrd_sha256 = g_strdup(manifest.files[MANIFEST_INITRD].sha256);
    for (int i = 0; i < MANIFEST_FILES; i++)
        image->file_bytes += manifest.files[i].bytes;
    *ret = manifest;
    manifest.image = NULL;
    return true;
}

Json *manifest_json(const Manifest *manifest)
{
    const Image *image = manifest->image;
    g_autoptr(Json) files = json_object();
    for (int i = 0; i < MANIFEST_FILES; i++)
        json_object_set_new(files, NAMES[i],
                            json_pack("{s:I, s:s}", "bytes", (json_int_t)manifest->files[i].bytes, "sha256",
                                      manifest->files[i].sha256));
    return json_pack("{s:i, s:s, s:I, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:{s:I, s:I, s:s, s:s, s:s?}, s:O, s:s}", "format",
                     MANIFEST_FORMAT, "name", image->name, "version", (json_int_t)image->version, "title", image->title,
                     "description", image->description, "base", "debian", "suite", image->suite, "built_ms",
                     (json_int_t)image->built_ms, "packages", (json_int_t)image->packages, "disk_bytes",
                     (json_int_t)image->disk_bytes, "defaults", "memory", (json_int_t)image->memory, "vcpus",
                     (json_int_t)image->vcpus, "append", image->append, "session", image->session, "user", image->user,
                     "files", files, "recipe", image->recipe_text);
}

bool manifest_measure(const char *path, GCancellable *cancellable, ManifestFile *ret, GError **error)
{
    autofd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return oriel_fail_errno(error, errno, "file \"%s\": cannot read", path);
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    const size_t block_size = 1 << 20;
    g_autofree guchar *block = g_malloc(block_size);
    uint64_t bytes = 0;
    ssize_t got;
    while ((got = read(fd, block, block_size)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return oriel_fail_errno(error, errno, "file \"%s\": cannot read", path);
        if (g_cancellable_is_cancelled(cancellable))
            return oriel_fail(error, ORIEL_ERROR_CANCELLED, "file \"%s\": reading it was cancelled", path);
        g_checksum_update(sum, block, got);
        bytes += (uint64_t)got;
    }
    ret->bytes = bytes;
    g_strlcpy(ret->sha256, g_checksum_get_string(sum), sizeof ret->sha256);
    return true;
}
