/* The job that makes a template: boots the image once, waits until it is usable, freezes it. */
#include "host/private.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "broker/application.h"
#include "host/boot.h"

static const int64_t slice_ms = 1000; /* between two looks: cancel, progress */
static const int64_t prepare_limit_ms = 60 * 1000;
static const size_t console_bytes = 2048;

Image *host_image(Host *host, const char *version_id, GError **error)
{
    g_autoptr(StoreImageVersion) version = store_image_version_get(host->store, version_id, error);
    if (!version)
        return NULL;
    g_autofree char *folder = image_folder(host->images, version->image_name, (unsigned)version->number);
    return host->driver->image(folder, error);
}

typedef struct {
    Job *job;
    TemplateOrder *order;
    Image *image;
    char *folder;
    Machine *machine;
    char *append;
    int said_hello; /* atomic: the agent is there */
    int shows;      /* atomic: the pool's application was seen to run */
    char *ended;    /* host->lock: how it ended; NULL: it has not */
} Build;

static void build_clear(Build *build)
{
    if (build->machine) {
        build->order->host->driver->listen(build->machine, NULL, NULL);
        build->order->host->driver->release(build->machine);
    }
    image_free(build->image);
    g_free(build->folder);
    g_free(build->append);
    g_free(build->ended);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Build, build_clear)

/* An empty folder with an overlay on the image's disk. What a killed build left there is ended and removed.
 */
static bool make_folder(Build *build, GError **error)
{
    const HostDriver *driver = build->order->host->driver;
    g_autofree char *disk = g_build_filename(build->folder, "disk.qcow2", NULL);
    return driver->kill_in(build->folder, error) && folder_remove(build->folder, error) &&
           folder_make(build->folder, 0700, error) &&
           driver->overlay(disk, build->image->disk, false, 0, error);
}

static void on_hello(Machine *machine, const char *version, const char *boot_id, void *data)
{
    Build *build = data;
    g_atomic_int_set(&build->said_hello, 1);
}

static void on_application(Machine *machine, const char *ended, void *data)
{
    Build *build = data;
    g_atomic_int_set(&build->shows, ended == NULL);
    g_mutex_lock(&build->order->host->lock);
    store_set(&build->ended, ended);
    g_mutex_unlock(&build->order->host->lock);
}

static const MachineListener boot_listener = {.agent_hello = on_hello, .application = on_application};

static bool start(Build *build, GError **error)
{
    Host *host = build->order->host;
    g_autofree char *disk = g_build_filename(build->folder, "disk.qcow2", NULL);
    g_autofree char *what = g_strdup_printf("template of pool \"%s\"", build->order->pool_name);
    const char *const readable[] = {build->image->folder, NULL};
    build->append = application_append(build->image->append, build->order->application);
    MachineSpec spec = {
        .folder = build->folder,
        .memory = build->order->memory,
        .vcpus = build->order->vcpus,
        .disk = disk,
        .disk_is_disposable = true, /* until it is frozen there is nothing to lose */
        .kernel = build->image->kernel,
        .initrd = build->image->initrd,
        .append = build->append,
        .readable = readable,
        .freezable = true,
    };
    if (!capacity_admit(host, build->order->memory, what, error))
        return false;
    build->machine = host->driver->start(host->hypervisor, &spec, error);
    if (!build->machine)
        return false;
    host->driver->listen(build->machine, &boot_listener, build);
    return true;
}

static bool fail_boot(const Build *build, const char *why, GError **error)
{
    g_autofree char *console = build->order->host->driver->console_tail(build->machine, console_bytes);
    g_strchomp(console);
    job_log(build->job, "%s", console);
    return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE,
                      "image \"%s\" version %u: does not boot: %s; the last lines of its console:\n%s",
                      build->image->name, build->image->version, why, *console ? console : "(nothing)");
}

/* Nobody is there who could have ended it: a program that does not stay is a mistake, and the template would show nothing. */
static bool application_stays(Build *build, bool usable, GError **error)
{
    Host *host = build->order->host;
    g_mutex_lock(&host->lock);
    g_autofree char *ended = g_strdup(build->ended);
    g_mutex_unlock(&host->lock);
    if (ended) {
        job_log(build->job, "%s", ended);
        return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "application \"%s\": does not stay in image \"%s\" version %u: %s",
                          build->order->application, build->image->name, build->image->version, ended);
    }
    if (!usable || !*build->order->application || g_atomic_int_get(&build->shows))
        return true;
    return oriel_fail(error, ORIEL_ERROR_UNSUPPORTED,
                      "application \"%s\": the session of image \"%s\" version %u did not start it: that version may be older "
                      "than application pools; build it again",
                      build->order->application, build->image->name, build->image->version);
}

static void report(const Build *build, const Boot *boot, int64_t now_ms)
{
    g_autofree char *step = boot_step(boot, now_ms);
    job_progress(build->job, boot_percent(boot, now_ms), step);
}

/* A QEMU that does not say gives no sign: then only time can tell. */
static void look(Build *build, Boot *boot)
{
    uint64_t activity = boot->activity;
    bool said_hello = g_atomic_int_get(&build->said_hello);
    build->order->host->driver->activity(build->machine, &activity, NULL);
    boot_see(boot, activity, said_hello, clock_monotonic_ms());
}

static bool wait_usable(Build *build, GError **error)
{
    const HostDriver *driver = build->order->host->driver;
    Boot boot;
    boot_begin(&boot, clock_monotonic_ms());
    for (;;) {
        g_autoptr(GError) problem = NULL;
        report(build, &boot, clock_monotonic_ms());
        bool usable = driver->wait_ready(build->machine, true, slice_ms, &problem);
        if (!application_stays(build, usable, error))
            return false;
        if (usable)
            return true;
        if (job_is_cancelled(build->job, error))
            return false;
        if (oriel_error_kind(problem) != ORIEL_ERROR_TIMEOUT)
            return fail_boot(build, problem->message, error);
        look(build, &boot);
        g_autofree char *overdue = boot_overdue(&boot, clock_monotonic_ms());
        if (overdue)
            return fail_boot(build, overdue, error);
    }
}

static Template *freeze(Build *build, GError **error)
{
    const HostDriver *driver = build->order->host->driver;
    const char *const readable[] = {build->image->folder, NULL};
    job_progress(build->job, 90, "desktop is usable; freezing");
    if (!driver->prepare_freeze(build->machine, prepare_limit_ms, error))
        return NULL;
    return driver->freeze(build->machine, build->order->key, readable, error);
}

static Template *make(Build *build, GError **error)
{
    job_log(build->job, "booting image %s version %u to freeze it for pool %s", build->image->name,
            build->image->version, build->order->pool_name);
    job_progress(build->job, 1, "starting");
    if (!application_fits(build->order->application, build->image->session, build->image->name, error) ||
        !make_folder(build, error) || !start(build, error) || !wait_usable(build, error))
        return NULL;
    job_log(build->job, "desktop is usable; freezing");
    return freeze(build, error);
}

static void clean_up(const Build *build)
{
    const HostDriver *driver = build->order->host->driver;
    g_autoptr(GError) error = NULL;
    if (!driver->kill_in(build->folder, &error) || !folder_remove(build->folder, &error))
        log_warning("template %s: what is left of it cannot be removed: %s", build->order->key,
                    error->message);
}

bool template_build(Job *job, void *data, GError **error)
{
    TemplateOrder *order = data;
    g_auto(Build) build = {.job = job, .order = order};
    GError *problem = NULL;
    Template *frozen = NULL;
    build.folder = g_build_filename(order->host->templates, order->key, NULL);
    build.image = host_image(order->host, order->version_id, &problem);
    if (build.image)
        frozen = make(&build, &problem);
    if (build.image && !frozen)
        clean_up(&build);
    pool_template_done(order, frozen, problem);
    if (frozen)
        return true;
    log_warning("pool %s: its template cannot be made: %s", order->pool_name, problem->message);
    g_propagate_error(error, problem);
    return false;
}
