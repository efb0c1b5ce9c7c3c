/* image_build: recipe -> workshop -> mmdebstrap -> file system -> qcow2 -> manifest -> one rename. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/number.h"
#include "image/child.h"
#include "image/image.h"
#include "image/initrd.h"
#include "image/manifest.h"
#include "image/progress.h"
#include "image/workshop.h"

#define ROOT_DEVICE "root=/dev/vda rw"
#define NEEDED_BYTES (1ull << 30) /* less than this free, and even the smallest image cannot be built */

typedef struct {
    const ImageBuild *options;
    Workshop workshop;
    unsigned version;
    char **environment;
    Progress progress;
    int log; /* build.log */
    size_t logged;
} Build;

/* ---- words to the caller and to build.log ---- */

static void report(Build *build, const char *line)
{
    if (build->options->progress)
        build->options->progress(build->options->data, build->progress.step, build->progress.percent, line);
}

static void enter(Build *build, const char *step, unsigned percent)
{
    progress_step(&build->progress, step, percent);
    report(build, NULL);
}

static void take_line(void *data, const char *line)
{
    Build *build = data;
    progress_line(&build->progress, line);
    size_t length = strlen(line) + 1;
    if (build->logged + length <= LIMIT_JOB_LOG) {
        g_autofree char *text = g_strconcat(line, "\n", NULL);
        fd_write_all(build->log, text, length, NULL); /* the log is a help; a full disk shows itself elsewhere */
        build->logged += length;
    }
    report(build, line);
}

/* ---- running programs ---- */

/* In namespaces of their own if `apart`. Takes argv (which owns its strings). */
static bool run(Build *build, GPtrArray *argv, bool apart, GError **error)
{
    g_autoptr(GPtrArray) words = argv;
    const char *program = words->pdata[0];
    g_autoptr(GPtrArray) all = g_ptr_array_new();
    for (const char *const *word = workshop_namespace(); apart && *word; word++)
        g_ptr_array_add(all, (gpointer)*word);
    for (guint i = 0; i < words->len; i++)
        g_ptr_array_add(all, words->pdata[i]);
    g_ptr_array_add(all, NULL);
    build->progress.first_error[0] = build->progress.before_error[0] = build->progress.last_line[0] = '\0';
    Child child = {(const char *const *)all->pdata, build->environment, build->workshop.folder, take_line, build,
                   build->options->cancellable};
    GError *reason = NULL;
    if (child_run(&child, &reason))
        return true;
    OrielErrorKind kind = oriel_error_kind(reason);
    char text[1024];
    g_strlcpy(text, reason->message, sizeof text);
    g_error_free(reason);
    if (kind == ORIEL_ERROR_CANCELLED)
        return oriel_fail(error, kind, "the build was cancelled");
    if (kind == ORIEL_ERROR_INTERNAL)
        progress_explain(&build->progress, program, &kind, text, sizeof text);
    return oriel_fail(error, kind, "%s", text);
}

static GPtrArray *command(const char *program)
{
    GPtrArray *argv = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(argv, g_strdup(program));
    return argv;
}

static void add(GPtrArray *argv, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void add(GPtrArray *argv, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_ptr_array_add(argv, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

static void add_packages(GPtrArray *argv, const Recipe *recipe)
{
    /* tiny-initramfs is the smallest package that lets the kernel's be installed; its hook never runs: the image's initrd is
     * our own. apt takes a name with a - at its end as "not this one". */
    g_autoptr(GString) list = g_string_new("tiny-initramfs");
    g_string_append_printf(list, ",%s", recipe->kernel);
    for (guint i = 0; i < recipe->packages->len; i++) {
        const char *name = recipe->packages->pdata[i];
        g_string_append_printf(list, ",%s%s", *name == '-' ? name + 1 : name, *name == '-' ? "-" : "");
    }
    add(argv, "--include=%s", list->str);
}

static bool install(Build *build, GError **error)
{
    const Recipe *recipe = build->options->recipe;
    const char *folder = build->workshop.folder;
    GPtrArray *argv = command("mmdebstrap");
    add(argv, "--mode=root");
    add(argv, "--variant=minbase");
    add(argv, "--format=directory");
    add(argv, "--verbose");
    add(argv, "--components=%s", recipe->components);
    add(argv, "--dpkgopt=%s/dpkg.cfg", folder);
    add(argv, "--aptopt=%s/apt.conf", folder);
    add(argv, "--aptopt=Apt::Install-Recommends \"false\"");
    add(argv, "--skip=download/empty");
    add(argv, "--skip=essential/unlink");
    add(argv, "--setup-hook=%s/setup.sh", folder);
    add(argv, "--customize-hook=%s/customize.sh", folder);
    add_packages(argv, recipe);
    add(argv, "%s", recipe->suite);
    add(argv, "%s", build->workshop.root);
    add(argv, "%s/debian.list", folder);
    add(argv, "%s/debian.sources", folder);
    return run(build, argv, true, error);
}

static bool copy_file(const char *from, const char *to, GError **error)
{
    size_t length;
    g_autofree char *data = file_read(from, 256 * 1024 * 1024, &length, error);
    return data && file_write_atomic(to, data, length, 0444, error);
}

/* Kernel and initrd live beside the disk: the host starts them directly, so the disk needs neither them nor a boot loader. */
static bool take_kernel(Build *build, GError **error)
{
    const Workshop *workshop = &build->workshop;
    g_autofree char *version = initrd_kernel_version(workshop->root, error);
    if (!version)
        return false;
    g_autofree char *name = g_strconcat("vmlinuz-", version, NULL);
    g_autofree char *kernel = g_build_filename(workshop->root, "boot", name, NULL);
    g_autofree char *to = g_build_filename(workshop->product, "kernel", NULL);
    g_autofree char *initrd = g_build_filename(workshop->product, "initrd", NULL);
    g_autofree char *init = g_build_filename(build->options->guest, "oriel-init", NULL);
    if (!copy_file(kernel, to, error) || !initrd_write(workshop->root, version, init, initrd, error))
        return false;
    unlink(kernel);
    return true;
}

static bool make_disk(Build *build, GError **error)
{
    const Workshop *workshop = &build->workshop;
    g_autofree char *raw = g_build_filename(workshop->folder, "disk.raw", NULL);
    g_autofree char *disk = g_build_filename(workshop->product, "disk.qcow2", NULL);
    GPtrArray *argv = command("mke2fs");
    add(argv, "-q");
    add(argv, "-F");
    add(argv, "-text4");
    add(argv, "-m0");
    add(argv, "-Loriel");
    /* A new sparse file is zero: nothing has to be written now, nor by a kernel thread of each fork later. */
    add(argv, "-Eassume_storage_prezeroed=1,nodiscard");
    add(argv, "-d%s", workshop->root);
    add(argv, "%s", raw);
    add(argv, "%" G_GUINT64_FORMAT "k", build->options->recipe->size / 1024);
    if (!run(build, argv, true, error))
        return false;
    enter(build, "disk", 88);
    argv = command("rm");
    add(argv, "-rf");
    add(argv, "%s", workshop->root);
    if (!run(build, argv, true, error))
        return false;
    argv = command("qemu-img");
    add(argv, "convert");
    add(argv, "-fraw");
    add(argv, "-Oqcow2");
    add(argv, "%s", raw);
    add(argv, "%s", disk);
    return run(build, argv, false, error) && (unlink(raw) == 0 || oriel_fail_errno(error, errno, "file \"%s\"", raw));
}

/* ---- publishing ---- */

static unsigned count_lines(const char *path)
{
    unsigned lines = 0;
    g_autofree char *text = file_read(path, LIMIT_MANIFEST, NULL, NULL);
    for (const char *at = text; at && (at = strchr(at, '\n')); at++)
        lines++;
    return lines;
}

static Image *describe(const Build *build)
{
    const Recipe *recipe = build->options->recipe;
    g_autofree char *packages = g_build_filename(build->workshop.product, "packages.txt", NULL);
    Image *image = g_new0(Image, 1);
    image->name = g_strdup(build->options->name);
    image->version = build->version;
    image->append = g_strstrip(g_strdup_printf(ROOT_DEVICE " %s", recipe->append));
    image->title = g_strdup(recipe->title);
    image->description = g_strdup(recipe->description);
    image->suite = g_strdup(recipe->suite);
    image->session = g_strdup(recipe_session_name(recipe->session));
    image->user = g_strdup(recipe->user);
    image->recipe_text = g_strdup(recipe->text);
    image->disk_bytes = recipe->size;
    image->memory = recipe->memory;
    image->vcpus = recipe->vcpus;
    image->packages = count_lines(packages);
    image->built_ms = clock_utc_ms();
    return image;
}

/* Durable and read-only before the manifest vouches for it. */
static bool seal(const char *path, GError **error)
{
    autofd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fchmod(fd, 0444) < 0 || fsync(fd) < 0)
        return oriel_fail_errno(error, errno, "file \"%s\": cannot make it durable", path);
    return true;
}

static bool write_manifest(Build *build, GError **error)
{
    g_auto(Manifest) manifest = {.image = describe(build)};
    g_autofree char *path = g_build_filename(build->workshop.product, "manifest.json", NULL);
    for (int i = 0; i < MANIFEST_FILES; i++) {
        g_autofree char *file = g_build_filename(build->workshop.product, manifest_file_name(i), NULL);
        if (!seal(file, error) || !manifest_measure(file, build->options->cancellable, &manifest.files[i], error))
            return false;
    }
    g_autoptr(Json) object = manifest_json(&manifest);
    if (!object)
        return oriel_fail(error, ORIEL_ERROR_INTERNAL, "image \"%s\": cannot write its manifest", build->options->name);
    return json_write_file(path, object, error) && seal(path, error);
}

static bool sync_folder(const char *path, GError **error)
{
    autofd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0)
        return oriel_fail_errno(error, errno, "folder \"%s\": cannot make its entries durable", path);
    return true;
}

static Image *publish(Build *build, GError **error)
{
    const ImageBuild *options = build->options;
    g_autofree char *folder = image_folder(options->images, options->name, build->version);
    g_autofree char *parent = g_path_get_dirname(folder);
    g_autofree char *log = g_build_filename(build->workshop.product, "build.log", NULL);
    if (!seal(log, error) || !sync_folder(build->workshop.product, error))
        return NULL;
    if (rename(build->workshop.product, folder) < 0) {
        int saved = errno;
        if (saved == ENOTEMPTY || saved == EEXIST)
            oriel_fail(error, ORIEL_ERROR_CONFLICT, "image \"%s\" version %u exists already", options->name,
                       build->version);
        else
            oriel_fail_errno(error, saved, "image \"%s\" version %u: cannot put it in place", options->name,
                             build->version);
        return NULL;
    }
    return sync_folder(parent, error) ? image_open(folder, error) : NULL;
}

/* ---- the whole ---- */

static bool check_tools(GError **error)
{
    static const struct {
        const char *program, *package;
    } TOOLS[] = {{"mmdebstrap", "mmdebstrap"}, {"mke2fs", "e2fsprogs"}, {"qemu-img", "qemu-utils"},
                 {"unshare", "util-linux"},    {"newuidmap", "uidmap"}};
    size_t count = G_N_ELEMENTS(TOOLS) - (geteuid() == 0); /* root maps no user ids */
    for (size_t i = 0; i < count; i++) {
        g_autofree char *path = g_find_program_in_path(TOOLS[i].program);
        g_autofree char *system = g_build_filename("/usr/sbin", TOOLS[i].program, NULL);
        if (!path && access(system, X_OK) < 0)
            return oriel_fail(error, ORIEL_ERROR_UNSUPPORTED,
                              "%s is not installed on this host; install Debian's package %s, then build again",
                              TOOLS[i].program, TOOLS[i].package);
    }
    return true;
}

static bool check_request(const ImageBuild *options, unsigned version, GError **error)
{
    uint64_t available;
    if (!image_name_is_valid(options->name))
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "image name \"%s\" is not allowed; allowed: a-z 0-9 - . and at most %d of them", options->name,
                          LIMIT_NAME);
    g_autofree char *folder = image_folder(options->images, options->name, version);
    if (access(folder, F_OK) == 0)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "image \"%s\" version %u exists already", options->name, version);
    if (!check_tools(error) || !folder_make(options->images, 0755, error) ||
        (options->cache && !folder_make(options->cache, 0755, error)) ||
        !folder_free_bytes(options->images, &available, error))
        return false;
    if (available < NEEDED_BYTES) {
        g_autofree char *text = number_format_size(available);
        return oriel_fail(error, ORIEL_ERROR_NO_SPACE, "image \"%s\": only %s are free in \"%s\"; an image needs more than "
                          "1 GiB while it is built", options->name, text, options->images);
    }
    return true;
}

static char **environment_of(const ImageBuild *options, const Workshop *workshop)
{
    g_autofree char *cache = options->cache ? g_canonicalize_filename(options->cache, NULL) : g_strdup("");
    const char *path = g_getenv("PATH"); /* the distribution's own tools first: mmdebstrap's are scripts of its Python */
    g_autofree char *full = g_strconcat("/usr/sbin:/usr/bin:/sbin:/bin", path ? ":" : NULL, path, NULL);
    char **environment = g_get_environ();
    environment = g_environ_setenv(environment, "PATH", full, true);
    environment = g_environ_setenv(environment, "LANG", "C.UTF-8", true);
    environment = g_environ_unsetenv(environment, "LC_ALL");
    environment = g_environ_setenv(environment, "DEBIAN_FRONTEND", "noninteractive", true);
    environment = g_environ_setenv(environment, "TMPDIR", workshop->folder, true);
    environment = g_environ_setenv(environment, "ORIEL_WORK", workshop->folder, true);
    return g_environ_setenv(environment, "ORIEL_CACHE", cache, true);
}

static bool open_log(Build *build, GError **error)
{
    g_autofree char *path = g_build_filename(build->workshop.product, "build.log", NULL);
    build->log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    return build->log >= 0 || oriel_fail_errno(error, errno, "file \"%s\": cannot write", path);
}

static bool keep_package_list(const Build *build, GError **error)
{
    g_autofree char *from = g_build_filename(build->workshop.folder, "packages.txt", NULL);
    g_autofree char *to = g_build_filename(build->workshop.product, "packages.txt", NULL);
    return copy_file(from, to, error);
}

static Image *carry_out(Build *build, GError **error)
{
    enter(build, "prepare", 0);
    if (!open_log(build, error) || !workshop_furnish(&build->workshop, build->options, error))
        return NULL;
    enter(build, "download", 1);
    if (!install(build, error))
        return NULL;
    enter(build, "disk", 82);
    if (!keep_package_list(build, error) || !take_kernel(build, error) || !make_disk(build, error))
        return NULL;
    enter(build, "checksum", 94);
    Image *image = write_manifest(build, error) ? publish(build, error) : NULL;
    if (image)
        enter(build, "checksum", 100);
    return image;
}

Image *image_build(const ImageBuild *options, GError **error)
{
    Build build = {.options = options, .log = -1, .workshop = {.lock = -1}};
    build.version = options->version ? options->version : image_latest(options->images, options->name) + 1;
    if (!check_request(options, build.version, error) ||
        !workshop_open(options->images, options->name, &build.workshop, error))
        return NULL;
    build.environment = environment_of(options, &build.workshop);
    Image *image = carry_out(&build, error);
    if (!image)
        g_prefix_error(error, "image \"%s\": ", options->name);
    fd_clear(&build.log);
    workshop_close(&build.workshop);
    g_strfreev(build.environment);
    return image;
}
