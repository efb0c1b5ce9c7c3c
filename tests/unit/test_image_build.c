/* The parts of a build that need no mirror: sources, progress, the order of modules, children that are cancelled. */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "image/child.h"
#include "image/image.h"
#include "image/initrd.h"
#include "image/progress.h"
#include "image/sources.h"

static void test_sources_lines(void)
{
    bool whole;
    g_autofree char *picked = sources_pick("# deb http://x bookworm main\n"
                                           "deb http://mirror/debian bookworm main contrib\n"
                                           "deb-src http://mirror/debian bookworm main\n"
                                           "deb [signed-by=/k arch=amd64]  http://mirror/debian bookworm-updates main\n"
                                           "deb http://security/ bookworm-security main\n"
                                           "deb http://other/debian bookworm-pgdg main\n"
                                           "deb http://docker/debian bookworm stable\n"
                                           "deb http://mirror/debian trixie main\n"
                                           "deb [broken http://x bookworm main\n",
                                           false, "bookworm", &whole);
    g_assert_true(whole);
    g_assert_cmpstr(picked, ==,
                    "deb http://mirror/debian bookworm main contrib\n"
                    "deb [signed-by=/k arch=amd64]  http://mirror/debian bookworm-updates main\n"
                    "deb http://security/ bookworm-security main\n");
    g_autofree char *partial = sources_pick("deb http://security/ bookworm-security main\n", false, "bookworm", &whole);
    g_assert_false(whole);
    g_assert_cmpstr(partial, !=, "");
}

static void test_sources_stanzas(void)
{
    bool whole;
    g_autofree char *picked = sources_pick("Types: deb deb-src\n# a comment\nURIs: http://mirror/debian\n"
                                           "Suites: bookworm bookworm-updates bookworm-backports\nComponents: main\n"
                                           "Signed-By:\n -----BEGIN\n .\n\n"
                                           "Types: deb\nURIs: http://node\nSuites: nodistro\nComponents: main\n\n"
                                           "Types: deb\nURIs: http://x\nSuites: bookworm\nComponents: main\nEnabled: no\n\n"
                                           "Types: deb\nURIs: http://docker\nSuites: bookworm\nComponents: stable\n",
                                           true, "bookworm", &whole);
    g_assert_true(whole);
    g_assert_cmpstr(picked, ==,
                    "Types: deb\nURIs: http://mirror/debian\nSuites: bookworm bookworm-updates\nComponents: main\n"
                    "Signed-By:\n -----BEGIN\n .\n\n");
    g_autofree char *none = sources_pick("Types: deb\nURIs: x\nSuites: trixie\nComponents: main\n", true, "bookworm", &whole);
    g_assert_false(whole);
    g_assert_cmpstr(none, ==, "");
}

static void test_progress(void)
{
    Progress progress = {0};
    progress_step(&progress, "download", 1);
    progress_line(&progress, "0 upgraded, 2 newly installed, 0 to remove and 0 not upgraded.");
    unsigned before = progress.percent;
    progress_line(&progress, "Unpacking a (1) ...");
    progress_line(&progress, "Setting up a (1) ...");
    g_assert_cmpuint(progress.percent, >, before);
    progress_line(&progress, "I: installing remaining packages inside the chroot...");
    progress_line(&progress, "0 upgraded, 100 newly installed, 0 to remove and 0 not upgraded.");
    progress_line(&progress, "Get:1 http://x y");
    g_assert_cmpstr(progress.step, ==, "download");
    for (int i = 0; i < 500; i++)
        progress_line(&progress, i % 2 ? "Unpacking b (1) ..." : "Setting up b (1) ...");
    g_assert_cmpuint(progress.percent, ==, 80);
    progress_line(&progress, "Get:2 http://x y"); /* never falls */
    g_assert_cmpuint(progress.percent, ==, 80);
}

static void test_explain(void)
{
    static const struct {
        const char *lines[4];
        OrielErrorKind kind;
        const char *said;
    } ROWS[] = {
        {{"E: Unable to locate package nosuch", "E: setup failed"}, ORIEL_ERROR_INVALID, "package nosuch"},
        {{"Err:1 http://x", "  reason", "E: Failed to fetch http://x  refused"}, ORIEL_ERROR_UNAVAILABLE, "refused"},
        {{"oriel: script", "/oriel-script: 3: foo: not found", "E: command failed: /x/customize.sh"},
         ORIEL_ERROR_INVALID,
         "3: foo: not found"},
        {{"cp: error writing 'x': No space left on device", "E: setup failed"}, ORIEL_ERROR_NO_SPACE, "No space left"},
        {{"mke2fs: Could not allocate block in ext2 filesystem while populating file system"},
         ORIEL_ERROR_INVALID,
         "size is too small"},
        /* not a full disk: a limit of user namespaces */
        {{"unshare: unshare failed: No space left on device"}, ORIEL_ERROR_UNSUPPORTED, "user.max_user_namespaces"},
        {{"unshare: unshare failed: Operation not permitted"}, ORIEL_ERROR_UNSUPPORTED, "unprivileged_userns_clone"},
        {{"unshare: no line matching user \"x\" in /etc/subuid"}, ORIEL_ERROR_UNSUPPORTED, "--add-subuids"},
        {{"some last word"}, ORIEL_ERROR_INTERNAL, "tool failed: some last word"},
        {{NULL}, ORIEL_ERROR_INTERNAL, "it gave no reason"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(ROWS); i++) {
        Progress progress = {0};
        OrielErrorKind kind;
        char text[1024];
        for (int k = 0; k < 4 && ROWS[i].lines[k]; k++)
            progress_line(&progress, ROWS[i].lines[k]);
        progress_explain(&progress, "tool", &kind, text, sizeof text);
        g_assert_cmpint(kind, ==, ROWS[i].kind);
        g_assert_nonnull(strstr(text, ROWS[i].said));
    }
}

static void test_modules(void)
{
    static const char *const NAMES[] = {"virtio_pci", "built_in", "ext4", NULL};
    g_autoptr(GPtrArray) order =
        initrd_modules("kernel/fs/ext4.ko: kernel/crc16.ko kernel/jbd2.ko\nkernel/crc16.ko:\nkernel/jbd2.ko: kernel/crc16.ko\n"
                       "kernel/virtio-pci.ko.xz: kernel/virtio.ko kernel/ring.ko\nkernel/virtio.ko: kernel/ring.ko\n"
                       "kernel/ring.ko:\n",
                       NAMES);
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < order->len; i++)
        g_string_append_printf(text, "%s ", (char *)order->pdata[i]);
    g_assert_cmpstr(text->str, ==,
                    "kernel/ring.ko kernel/virtio.ko kernel/virtio-pci.ko.xz kernel/jbd2.ko kernel/crc16.ko kernel/fs/ext4.ko ");
}

/* GNU cpio reads what we write. */
static void test_initrd(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *root = g_dir_make_tmp("oriel-initrd-XXXXXX", NULL);
    g_autofree char *modules = g_build_filename(root, "usr/lib/modules/6.1-x", NULL);
    g_autofree char *dep = g_build_filename(modules, "modules.dep", NULL);
    g_autofree char *module = g_build_filename(modules, "ext4.ko", NULL);
    g_autofree char *init = g_build_filename(root, "oriel-init", NULL);
    g_autofree char *out = g_build_filename(root, "initrd", NULL);
    g_assert_true(folder_make(modules, 0755, NULL));
    g_assert_true(file_write_atomic(dep, "ext4.ko:\n", 9, 0644, NULL));
    g_assert_true(file_write_atomic(module, "module", 6, 0644, NULL));
    g_assert_true(file_write_atomic(init, "#!init", 6, 0755, NULL));
    g_autofree char *version = initrd_kernel_version(root, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(version, ==, "6.1-x");
    g_assert_true(initrd_write(root, version, init, out, &error));
    g_assert_no_error(error);
    g_autofree char *archive = NULL;
    size_t length;
    archive = file_read(out, 1 << 20, &length, NULL);
    g_assert_cmpuint(length % 4, ==, 0);
    g_assert_cmpmem(archive, 6, "070701", 6);
    g_assert_nonnull(memmem(archive, length, "modules/ext4.ko", 16));
    g_assert_nonnull(memmem(archive, length, "TRAILER!!!", 11));
    g_autofree char *second = g_build_filename(root, "usr/lib/modules/6.2-x", NULL);
    g_assert_true(folder_make(second, 0755, NULL));
    g_assert_null(initrd_kernel_version(root, &error));
    g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_INVALID);
    g_assert_true(folder_remove(root, NULL));
}

static void take(void *data, const char *line)
{
    g_string_append_printf(data, "%s|", line);
}

static void test_child(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) said = g_string_new(NULL);
    const char *const good[] = {"printf", "a\\nb\\r\\377c", NULL};
    Child child = {.argv = good, .folder = "/", .line = take, .data = said};
    g_assert_true(child_run(&child, &error));
    g_assert_cmpstr(said->str, ==, "a|b|\xef\xbf\xbd" "c|"); /* the byte that is no UTF-8 is replaced */
    const char *const bad[] = {"false", NULL};
    child.argv = bad;
    g_assert_false(child_run(&child, &error));
    g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_INTERNAL);
    g_clear_error(&error);
    const char *const missing[] = {"oriel-no-such-program", NULL};
    child.argv = missing;
    g_assert_false(child_run(&child, &error));
    g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_UNSUPPORTED);
}

/* A grandchild that has left the group and holds the pipe does not keep us, and what was said before the end is heard. */
static void test_straggler(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) said = g_string_new(NULL);
    const char *const argv[] = {"sh", "-c", "setsid sleep 1000 & echo $!; seq 1 5000; exit 3", NULL};
    Child child = {.argv = argv, .folder = "/", .line = take, .data = said};
    g_assert_false(child_run(&child, &error));
    g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_INTERNAL);
    g_assert_nonnull(strstr(error->message, "status 3"));
    g_assert_true(g_str_has_suffix(said->str, "|5000|"));
    pid_t sleeper = (pid_t)g_ascii_strtoll(said->str, NULL, 10);
    g_assert_cmpint(sleeper, >, 1);
    kill(sleeper, SIGKILL);
}

static gpointer cancel_when_told(gpointer data)
{
    g_cancellable_cancel(data);
    return NULL;
}

static void cancel_on_line(void *data, const char *line)
{
    g_thread_unref(g_thread_new("cancel", cancel_when_told, data));
}

/* A child that would not end by itself, and neither would its own. */
static void test_cancel(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GCancellable) cancellable = g_cancellable_new();
    const char *const argv[] = {"sh", "-c", "sleep 1000 & echo started; wait", NULL};
    Child child = {.argv = argv, .folder = "/", .line = cancel_on_line, .data = cancellable, .cancellable = cancellable};
    g_assert_false(child_run(&child, &error));
    g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_CANCELLED);
}

static void test_refusals(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *images = g_dir_make_tmp("oriel-image-XXXXXX", NULL);
    static const char TEXT[] = "[image]\ntitle=T\nsuite=x\nsize=1GiB\nmemory=64MiB\n";
    g_autoptr(Recipe) recipe = recipe_parse(TEXT, strlen(TEXT), "x", &error);
    g_assert_no_error(error);
    ImageBuild build = {.recipe = recipe, .images = images, .name = "../x", .guest = "/nonexistent"};
    g_assert_null(image_build(&build, &error));
    g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_INVALID);
    g_clear_error(&error);
    g_autofree char *taken = image_folder(images, "demo", 4);
    g_assert_true(folder_make(taken, 0755, NULL));
    build.name = "demo";
    build.version = 4;
    g_assert_null(image_build(&build, &error));
    g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_CONFLICT);
    g_clear_error(&error);
    build.name = "fresh"; /* the agent is not where it should be: nothing may be left behind */
    build.version = 0;
    g_assert_null(image_build(&build, &error));
    g_assert_nonnull(error);
    g_autofree char *left = g_build_filename(images, "fresh", NULL);
    g_assert_cmpint(access(left, F_OK), ==, -1);
    g_assert_true(folder_remove(images, NULL));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/build/sources-lines", test_sources_lines);
    g_test_add_func("/build/sources-stanzas", test_sources_stanzas);
    g_test_add_func("/build/progress", test_progress);
    g_test_add_func("/build/explain", test_explain);
    g_test_add_func("/build/modules", test_modules);
    g_test_add_func("/build/initrd", test_initrd);
    g_test_add_func("/build/child", test_child);
    g_test_add_func("/build/straggler", test_straggler);
    g_test_add_func("/build/cancel", test_cancel);
    g_test_add_func("/build/refusals", test_refusals);
    return g_test_run();
}
