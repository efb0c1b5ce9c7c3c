/* Images in a folder: a whole one opens, every kind of damage is told apart from it, and removal leaves nothing. */
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "image/image.h"
#include "image/manifest.h"
#include "image/workshop.h"

#define DISK_BYTES (64u << 20)

typedef struct {
    char *images;
} Fixture;

static void write_text(const char *folder, const char *name, const void *data, size_t length)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_assert_true(file_write_atomic(path, data, length, 0644, NULL));
}

/* The smallest thing that has a qcow2 header: QEMU's docs/interop/qcow2.txt. */
static void write_disk(const char *folder, uint64_t backing, uint64_t bytes)
{
    unsigned char disk[512] = {'Q', 'F', 'I', 0xfb, 0, 0, 0, 3};
    for (int i = 0; i < 8; i++) {
        disk[8 + i] = (unsigned char)(backing >> (56 - 8 * i));
        disk[24 + i] = (unsigned char)(bytes >> (56 - 8 * i));
    }
    write_text(folder, "disk.qcow2", disk, sizeof disk);
}

static Json *manifest_of(const char *folder, const char *name, unsigned version)
{
    Image image = {.name = (char *)name,         .version = version,           .title = "T",
                   .description = "D",           .suite = "bookworm",          .session = "console",
                   .user = "user",               .append = "root=/dev/vda rw", .recipe_text = "r",
                   .disk_bytes = DISK_BYTES,     .memory = 256u << 20,         .vcpus = 1,
                   .packages = 3,                .built_ms = 5};
    Manifest manifest = {.image = &image};
    for (int i = 0; i < MANIFEST_FILES; i++) {
        g_autofree char *path = g_build_filename(folder, manifest_file_name(i), NULL);
        g_assert_true(manifest_measure(path, NULL, &manifest.files[i], NULL));
    }
    return manifest_json(&manifest);
}

static char *make_image(const Fixture *fixture, const char *name, unsigned version)
{
    char *folder = image_folder(fixture->images, name, version);
    g_assert_true(folder_make(folder, 0755, NULL));
    write_disk(folder, 0, DISK_BYTES);
    write_text(folder, "kernel", "kernel", 6);
    write_text(folder, "initrd", "initrd", 6);
    write_text(folder, "packages.txt", "a\t1\tall\n", 8);
    g_autoptr(Json) manifest = manifest_of(folder, name, version);
    g_autofree char *path = g_build_filename(folder, "manifest.json", NULL);
    g_assert_true(json_write_file(path, manifest, NULL));
    return folder;
}

static void set_up(Fixture *fixture, gconstpointer data)
{
    fixture->images = g_dir_make_tmp("oriel-image-XXXXXX", NULL);
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
    g_assert_true(folder_remove(fixture->images, NULL));
    g_free(fixture->images);
}

static void test_open(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = make_image(fixture, "demo", 3);
    g_autoptr(Image) image = image_open(folder, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(image->name, ==, "demo");
    g_assert_cmpuint(image->version, ==, 3);
    g_assert_cmpstr(image->user, ==, "user");
    g_assert_cmpuint(image->disk_bytes, ==, DISK_BYTES);
    g_assert_true(g_str_has_suffix(image->kernel, "/demo/3/kernel"));
    g_assert_true(image_verify(image, NULL, &error));
    g_assert_no_error(error);
    g_autoptr(GCancellable) cancelled = g_cancellable_new();
    g_cancellable_cancel(cancelled);
    g_assert_false(image_verify(image, cancelled, &error));
    g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_CANCELLED);
    g_clear_error(&error);
    write_text(folder, "kernel", "kernal", 6); /* the same size */
    g_assert_false(image_verify(image, NULL, &error));
    g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_CORRUPT);
    g_assert_nonnull(strstr(error->message, "checksum of kernel"));
}

static void expect(const char *folder, OrielErrorKind kind, const char *said)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(image_open(folder, &error));
    g_assert_error(error, ORIEL_ERROR, (int)kind);
    if (!strstr(error->message, said))
        g_error("%s\ndoes not say: %s", error->message, said);
}

static void test_damage(Fixture *fixture, gconstpointer data)
{
    g_autofree char *folder = make_image(fixture, "demo", 1);
    g_autofree char *disk = g_build_filename(folder, "disk.qcow2", NULL);
    g_autofree char *missing = g_build_filename(fixture->images, "demo", "9", NULL);
    expect(missing, ORIEL_ERROR_NOT_FOUND, "demo/9");
    g_assert_cmpint(truncate(disk, 100), ==, 0);
    expect(folder, ORIEL_ERROR_CORRUPT, "disk.qcow2 has 100 bytes");
    g_assert_cmpint(unlink(disk), ==, 0);
    expect(folder, ORIEL_ERROR_CORRUPT, "disk.qcow2 is missing");
    g_assert_cmpint(symlink("/etc/passwd", disk), ==, 0);
    expect(folder, ORIEL_ERROR_CORRUPT, "disk.qcow2 has");
    unlink(disk);
    write_disk(folder, 4096, DISK_BYTES); /* names a backing file: QEMU would open it */
    expect(folder, ORIEL_ERROR_CORRUPT, "the header of disk.qcow2");
    write_disk(folder, 0, DISK_BYTES + 512);
    expect(folder, ORIEL_ERROR_CORRUPT, "the header of disk.qcow2");
    g_autofree char *elsewhere = image_folder(fixture->images, "other", 1);
    g_autofree char *parent = g_path_get_dirname(elsewhere);
    g_assert_true(folder_make(parent, 0755, NULL));
    write_disk(folder, 0, DISK_BYTES);
    g_assert_cmpint(rename(folder, elsewhere), ==, 0);
    expect(elsewhere, ORIEL_ERROR_CORRUPT, "holds a manifest of \"demo\" version 1");
}

static void with_manifest(const char *folder, void (*change)(Json *manifest), OrielErrorKind kind, const char *said)
{
    g_autofree char *path = g_build_filename(folder, "manifest.json", NULL);
    g_autoptr(Json) whole = json_read_file(path, 1 << 20, NULL);
    g_autoptr(Json) changed = json_deep_copy(whole);
    change(changed);
    g_assert_true(json_write_file(path, changed, NULL));
    expect(folder, kind, said);
    g_assert_true(json_write_file(path, whole, NULL));
}

static void add_key(Json *manifest)
{
    json_object_set_new(manifest, "extra", json_true());
}

static void drop_key(Json *manifest)
{
    json_object_del(manifest, "recipe");
}

static void wrong_type(Json *manifest)
{
    json_object_set_new(manifest, "version", json_string("1"));
}

static void newer_format(Json *manifest)
{
    json_object_set_new(manifest, "format", json_integer(MANIFEST_FORMAT + 1));
}

static void bad_checksum(Json *manifest)
{
    json_object_set_new(json_object_get(json_object_get(manifest, "files"), "kernel"), "sha256", json_string("../../x"));
}

static void negative_size(Json *manifest)
{
    json_object_set_new(json_object_get(json_object_get(manifest, "files"), "disk.qcow2"), "bytes", json_integer(-1));
}

static void no_memory(Json *manifest)
{
    json_object_set_new(json_object_get(manifest, "defaults"), "memory", json_integer(0));
}

static void evil_name(Json *manifest)
{
    json_object_set_new(manifest, "name", json_string("../demo"));
}

static void test_manifest(Fixture *fixture, gconstpointer data)
{
    g_autofree char *folder = make_image(fixture, "demo", 1);
    with_manifest(folder, add_key, ORIEL_ERROR_CORRUPT, "extra");
    with_manifest(folder, drop_key, ORIEL_ERROR_CORRUPT, "recipe");
    with_manifest(folder, wrong_type, ORIEL_ERROR_CORRUPT, "build the image again");
    with_manifest(folder, newer_format, ORIEL_ERROR_UNSUPPORTED, "newer Oriel");
    with_manifest(folder, bad_checksum, ORIEL_ERROR_CORRUPT, "checksum of kernel");
    with_manifest(folder, negative_size, ORIEL_ERROR_CORRUPT, "disk.qcow2");
    with_manifest(folder, no_memory, ORIEL_ERROR_CORRUPT, "memory");
    with_manifest(folder, evil_name, ORIEL_ERROR_CORRUPT, "name");
    write_text(folder, "manifest.json", "{", 1);
    expect(folder, ORIEL_ERROR_CORRUPT, "manifest.json");
}

static void test_list(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *b2 = make_image(fixture, "b", 2);
    g_autofree char *b10 = make_image(fixture, "b", 10);
    g_autofree char *a1 = make_image(fixture, "a", 1);
    write_text(b2, "kernel", "short", 5);
    g_autofree char *junk = g_build_filename(fixture->images, "b", "011", NULL);
    g_assert_true(folder_make(junk, 0755, NULL));
    g_autoptr(GPtrArray) list = image_list(fixture->images, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(list->len, ==, 3);
    const ImageEntry *first = list->pdata[0], *second = list->pdata[1], *third = list->pdata[2];
    g_assert_cmpstr(first->name, ==, "a");
    g_assert_nonnull(first->image);
    g_assert_null(second->image);
    g_assert_error(second->error, ORIEL_ERROR, ORIEL_ERROR_CORRUPT);
    g_assert_cmpuint(third->version, ==, 10);
    g_assert_cmpuint(image_latest(fixture->images, "b"), ==, 10);
    g_assert_cmpuint(image_latest(fixture->images, "none"), ==, 0);
    g_autoptr(GPtrArray) none = image_list("/nonexistent/images", &error);
    g_assert_no_error(error);
    g_assert_cmpuint(none->len, ==, 0);
}

static void test_remove(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = make_image(fixture, "demo", 1);
    g_autofree char *parent = g_path_get_dirname(folder);
    g_assert_false(image_remove(fixture->images, "demo", 2, &error));
    g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_NOT_FOUND);
    g_clear_error(&error);
    g_assert_false(image_remove(fixture->images, "../demo", 1, &error));
    g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_NOT_FOUND);
    g_clear_error(&error);
    g_assert_true(image_remove(fixture->images, "demo", 1, &error));
    g_assert_no_error(error);
    g_assert_cmpint(access(parent, F_OK), ==, -1);
}

static void test_sweep(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = make_image(fixture, "demo", 1);
    Workshop left = {0}, busy = {0};
    g_assert_true(workshop_open(fixture->images, "demo", &left, NULL));
    g_assert_true(workshop_open(fixture->images, "demo", &busy, NULL));
    g_autofree char *left_folder = g_strdup(left.folder);
    flock(left.lock, LOCK_UN); /* its builder was killed */
    g_autofree char *removed = g_build_filename(fixture->images, "demo", ".removed-7", NULL);
    g_assert_true(folder_make(removed, 0755, NULL));
    g_assert_true(image_sweep(fixture->images, &error));
    g_assert_no_error(error);
    g_assert_cmpint(access(left_folder, F_OK), ==, -1);
    g_assert_cmpint(access(removed, F_OK), ==, -1);
    g_assert_cmpint(access(busy.folder, F_OK), ==, 0);
    g_assert_cmpint(access(folder, F_OK), ==, 0);
    workshop_close(&left);
    workshop_close(&busy);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/image/open", Fixture, NULL, set_up, test_open, tear_down);
    g_test_add("/image/damage", Fixture, NULL, set_up, test_damage, tear_down);
    g_test_add("/image/manifest", Fixture, NULL, set_up, test_manifest, tear_down);
    g_test_add("/image/list", Fixture, NULL, set_up, test_list, tear_down);
    g_test_add("/image/remove", Fixture, NULL, set_up, test_remove, tear_down);
    g_test_add("/image/sweep", Fixture, NULL, set_up, test_sweep, tear_down);
    return g_test_run();
}
