/* Overlays against qemu-img, which is the judge of what a qcow2 file is. */
#include <glib/gstdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "machine/overlay.h"

typedef struct {
    char *folder;
} Fixture;

static void set_up(Fixture *fixture, const void *data)
{
    fixture->folder = g_dir_make_tmp("oriel-overlay-XXXXXX", NULL);
}

static void tear_down(Fixture *fixture, const void *data)
{
    g_assert_true(folder_remove(fixture->folder, NULL));
    g_free(fixture->folder);
}

static char *path_in(const Fixture *fixture, const char *name)
{
    return g_build_filename(fixture->folder, name, NULL);
}

/* qemu-img's answer, or NULL if it failed. */
static char *qemu_img(const char *const *arguments)
{
    char *output = NULL;
    int status = -1;
    g_assert_true(g_spawn_sync(NULL, (char **)arguments, NULL,
                               G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &output, NULL,
                               &status, NULL));
    if (status == 0)
        return output;
    g_free(output);
    return NULL;
}

static char *raw_disk(const Fixture *fixture, const char *name, uint64_t bytes)
{
    char *path = path_in(fixture, name);
    g_assert_true(g_file_set_contents(path, "first sector", -1, NULL));
    g_assert_cmpint(truncate(path, (off_t)bytes), ==, 0);
    return path;
}

static void check_with_qemu_img(const char *overlay, const char *backing, const char *format, uint64_t size)
{
    const char *const info[] = {"qemu-img", "info", "--output=json", overlay, NULL};
    const char *const check[] = {"qemu-img", "check", "-q", overlay, NULL};
    g_autofree char *text = qemu_img(info);
    g_autofree char *checked = qemu_img(check);
    g_assert_nonnull(text);
    g_assert_nonnull(checked);
    g_autoptr(Json) object = json_parse_object(text, strlen(text), "qemu-img", NULL);
    g_assert_cmpint(json_integer_value(json_object_get(object, "virtual-size")), ==, (json_int_t)size);
    g_assert_cmpstr(json_string_value(json_object_get(object, "format")), ==, "qcow2");
    g_assert_cmpstr(json_string_value(json_object_get(object, "backing-filename")), ==, backing);
    g_assert_cmpstr(json_string_value(json_object_get(object, "backing-filename-format")), ==, format);
}

static bool have_qemu_img(void)
{
    g_autofree char *program = g_find_program_in_path("qemu-img");
    if (!program)
        g_test_skip("qemu-img is not installed");
    return program != NULL;
}

static void test_sizes(Fixture *fixture, const void *data)
{
    static const uint64_t sizes[] = {512, 65536, 3ULL << 30, (8ULL << 40) + 512, 63ULL << 40};
    if (!have_qemu_img())
        return;
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *backing = raw_disk(fixture, "backing", 512);
        g_autofree char *overlay = path_in(fixture, "overlay");
        uint64_t found;
        g_assert_true(overlay_create(overlay, backing, true, sizes[i], &error));
        g_assert_no_error(error);
        check_with_qemu_img(overlay, backing, "raw", sizes[i]);
        g_assert_true(disk_virtual_size(overlay, false, &found, &error));
        g_assert_cmpuint(found, ==, sizes[i]);
        g_unlink(overlay);
    }
}

/* An overlay of an overlay shows the first disk's bytes, has its size, and can be written. */
static void test_chain(Fixture *fixture, const void *data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *backing = raw_disk(fixture, "backing", 1 << 20);
    g_autofree char *middle = path_in(fixture, "middle");
    g_autofree char *top = path_in(fixture, "top");
    g_autofree char *whole = path_in(fixture, "whole");
    g_autofree char *named = NULL;
    char *bytes;
    gsize length;
    if (!have_qemu_img())
        return;
    g_assert_true(overlay_create(middle, backing, true, 0, &error));
    g_assert_true(overlay_create(top, middle, false, 0, &error));
    check_with_qemu_img(top, middle, "qcow2", 1 << 20);
    g_assert_true(overlay_backing(top, &named, &error));
    g_assert_cmpstr(named, ==, middle);
    const char *const write[] = {"qemu-io", "-c", "write -P 7 65536 512", top, NULL};
    g_autofree char *written = qemu_img(write);
    g_assert_nonnull(written);
    const char *const convert[] = {"qemu-img", "convert", "-O", "raw", top, whole, NULL};
    g_autofree char *converted = qemu_img(convert);
    g_assert_nonnull(converted);
    g_assert_true(g_file_get_contents(whole, &bytes, &length, NULL));
    g_assert_cmpuint(length, ==, 1 << 20);
    g_assert_cmpstr(bytes, ==, "first sector");
    g_assert_cmpint(bytes[65536], ==, 7);
    g_assert_cmpint(bytes[66048], ==, 0);
    g_free(bytes);
    check_with_qemu_img(top, middle, "qcow2", 1 << 20);
}

static void test_refusals(Fixture *fixture, const void *data)
{
    g_autofree char *backing = raw_disk(fixture, "backing", 4096);
    g_autofree char *overlay = path_in(fixture, "overlay");
    g_autofree char *missing = path_in(fixture, "missing");
    uint64_t size;
    const struct {
        const char *path, *backing;
        bool raw;
        uint64_t size;
        OrielErrorKind kind;
    } rows[] = {
        {overlay, missing, true, 0, ORIEL_ERROR_NOT_FOUND},
        {overlay, "relative", true, 0, ORIEL_ERROR_INVALID},
        {overlay, backing, false, 0, ORIEL_ERROR_CORRUPT},
        {overlay, backing, true, UINT64_MAX - 1024, ORIEL_ERROR_TOO_LARGE},
        {backing, backing, true, 0, ORIEL_ERROR_CONFLICT},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_false(overlay_create(rows[i].path, rows[i].backing, rows[i].raw, rows[i].size, &error));
        g_assert_cmpint(oriel_error_kind(error), ==, rows[i].kind);
        g_assert_false(g_file_test(overlay, G_FILE_TEST_EXISTS));
    }
    g_assert_true(overlay_create(overlay, backing, true, 0, NULL));
    for (off_t cut = 0; cut < 3 * 65536; cut += 20000) {
        g_autoptr(GError) error = NULL;
        g_assert_cmpint(truncate(overlay, cut), ==, 0);
        g_assert_false(disk_virtual_size(overlay, false, &size, &error));
        g_assert_cmpint(oriel_error_kind(error), ==, ORIEL_ERROR_CORRUPT);
        g_unlink(overlay);
        g_assert_true(overlay_create(overlay, backing, true, 0, NULL));
    }
}

static void test_alone(Fixture *fixture, const void *data)
{
    static const uint64_t sizes[] = {512, 1000, (uint64_t)64 << 20, (uint64_t)600 << 30, (uint64_t)1 << 46};
    g_autofree char *disk = path_in(fixture, "disk.qcow2");
    const char *const check[] = {"qemu-img", "check", "-q", disk, NULL};
    g_autofree char *program = g_find_program_in_path("qemu-img");
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *backing = NULL;
        uint64_t found = 0;
        struct stat info;
        g_assert_true(disk_create(disk, sizes[i], &error));
        g_assert_no_error(error);
        g_assert_true(disk_virtual_size(disk, false, &found, &error));
        g_assert_cmpuint(found, ==, (sizes[i] + 511) / 512 * 512);
        g_assert_true(overlay_backing(disk, &backing, &error));
        g_assert_null(backing);
        g_assert_cmpint(stat(disk, &info), ==, 0);
        g_assert_cmpuint(info.st_mode & 0777, ==, 0600);
        g_autofree char *checked = program ? qemu_img(check) : NULL;
        g_assert_true(!program || checked);
        g_assert_false(disk_create(disk, sizes[i], &error));
        g_assert_cmpint(oriel_error_kind(error), ==, ORIEL_ERROR_CONFLICT);
        g_unlink(disk);
    }
    g_assert_false(disk_create(disk, 0, NULL));
    g_assert_false(disk_create(disk, ((uint64_t)1 << 46) + 1, NULL));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/machine/overlay/sizes", Fixture, NULL, set_up, test_sizes, tear_down);
    g_test_add("/machine/overlay/chain", Fixture, NULL, set_up, test_chain, tear_down);
    g_test_add("/machine/overlay/refusals", Fixture, NULL, set_up, test_refusals, tear_down);
    g_test_add("/machine/overlay/alone", Fixture, NULL, set_up, test_alone, tear_down);
    return g_test_run();
}
