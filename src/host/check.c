#include "host/check.h"

#include <errno.h>
#include <grp.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/number.h"
#include "host/check_port.h"
#include "machine/accelerator.h"
#include "machine/qemu_features.h"

/* A template of the usual image takes 1 GiB of memory, the image and its template 4 GiB of disk, a build
 * twice that for a while. */
#define MEMORY_LEAST (2 * 1024 * 1024 * 1024ull)
#define MEMORY_GOOD (4 * 1024 * 1024 * 1024ull)
#define DISK_LEAST (8 * 1024 * 1024 * 1024ull)
#define DISK_GOOD (20 * 1024 * 1024 * 1024ull)

static bool sentence_ends(const char *text)
{
    return g_str_has_suffix(text, ".") || g_str_has_suffix(text, "?");
}

static void check_free(void *pointer)
{
    Check *check = pointer;
    g_free(check->sentence);
    g_free(check);
}

static void G_GNUC_PRINTF(4, 5)
    add(GPtrArray *checks, const char *name, CheckState state, const char *format, ...)
{
    Check *check = g_new0(Check, 1);
    check->name = name;
    check->state = state;
    va_list values;
    va_start(values, format);
    g_autofree char *text = g_strdup_vprintf(format, values);
    va_end(values);
    /* What comes from errors and probes may lack its full stop. */
    check->sentence = g_strconcat(text, sentence_ends(text) ? "" : ".", NULL);
    g_ptr_array_add(checks, check);
}

static void check_accelerator(const Config *config, GPtrArray *checks, const char *qemu)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Accelerator) accelerator = NULL;
    if (folder_make(config->state, 0700, &error))
        accelerator = accelerator_probe(config->state, qemu, ACCELERATOR_FORCE_NONE, &error);
    if (!accelerator)
        add(checks, "accelerator", CHECK_FAILED, "%s", error->message);
    else if (accelerator->kind == ACCELERATOR_KVM)
        add(checks, "accelerator", CHECK_OK, "%s", accelerator->explanation);
    else
        add(checks, "accelerator", CHECK_WARNING,
            "%s%s Desktops work, several times slower; a machine with working KVM is what people should sit "
            "at.",
            accelerator->explanation, sentence_ends(accelerator->explanation) ? "" : ".");
}

static void check_qemu(const Config *config, GPtrArray *checks)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(QemuFeatures) qemu = qemu_features_probe(NULL, &error);
    if (!qemu) {
        add(checks, "qemu", CHECK_FAILED, "%s", error->message);
        return;
    }
    if (!qemu->sandbox || !qemu->user_network)
        add(checks, "qemu", CHECK_FAILED,
            "QEMU %s at %s is built without %s; take Debian's package qemu-system-x86.", qemu->version,
            qemu->path, qemu->sandbox ? "user networking" : "its seccomp sandbox");
    else if (!qemu->display_dbus)
        add(checks, "qemu", CHECK_WARNING,
            "QEMU %s at %s works; with package qemu-system-gui its pictures come sooner.", qemu->version,
            qemu->path);
    else
        add(checks, "qemu", CHECK_OK, "QEMU %s at %s has all that is needed.", qemu->version, qemu->path);
    check_accelerator(config, checks, qemu->path);
}

/* MemAvailable of proc(5): what programs can get without swapping. */
static uint64_t memory_available(void)
{
    g_autofree char *text = file_read("/proc/meminfo", 64 * 1024, NULL, NULL);
    const char *line = text ? strstr(text, "MemAvailable:") : NULL;
    return line ? g_ascii_strtoull(line + strlen("MemAvailable:"), NULL, 10) * 1024 : 0;
}

static void check_memory(GPtrArray *checks)
{
    struct sysinfo info;
    if (sysinfo(&info) != 0) {
        add(checks, "memory", CHECK_WARNING, "The kernel does not say how much memory there is: %s.",
            g_strerror(errno));
        return;
    }
    uint64_t available = memory_available();
    g_autofree char *available_text = number_format_size(available);
    g_autofree char *total_text = number_format_size((uint64_t)info.totalram * info.mem_unit);
    if (available < MEMORY_LEAST)
        add(checks, "memory", CHECK_FAILED,
            "%s of %s are free, too little for one desktop and its template: free at least 2 GiB.",
            available_text, total_text);
    else if (available < MEMORY_GOOD)
        add(checks, "memory", CHECK_WARNING,
            "%s of %s are free: enough for a few desktops; 4 GiB or more are better.", available_text,
            total_text);
    else
        add(checks, "memory", CHECK_OK, "%s of %s are free.", available_text, total_text);
}

static void check_disk(const Config *config, GPtrArray *checks)
{
    g_autoptr(GError) error = NULL;
    uint64_t bytes = 0;
    if (!folder_make(config->state, 0700, &error) || !folder_free_bytes(config->state, &bytes, &error)) {
        add(checks, "disk", CHECK_FAILED, "%s", error->message);
        return;
    }
    g_autofree char *text = number_format_size(bytes);
    if (access(config->state, W_OK | X_OK) != 0)
        add(checks, "disk", CHECK_FAILED, "%s cannot be written: %s; set ORIEL_STATE to a folder that can.",
            config->state, g_strerror(errno));
    else if (bytes < DISK_LEAST)
        add(checks, "disk", CHECK_FAILED,
            "%s has %s free, building an image takes 8 GiB: make room, or set ORIEL_STATE to "
            "another disk.",
            config->state, text);
    else
        add(checks, "disk", bytes < DISK_GOOD ? CHECK_WARNING : CHECK_OK, "%s has %s free%s.", config->state,
            text, bytes < DISK_GOOD ? ": enough for one image; 20 GiB or more are better" : "");
}

/* An installed gateway has a user and a state folder of its own, where its lock is: there it is known by its program, which
 * lies beside ours, and which is the only one of the host. */
static bool is_installed_gateway(const Config *config, int pid)
{
    g_autofree char *link = g_strdup_printf("/proc/%d/exe", pid);
    g_autofree char *theirs = g_file_read_link(link, NULL);
    g_autofree char *ours = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *folder = ours ? g_path_get_dirname(ours) : NULL;
    g_autofree char *beside = folder ? g_build_filename(folder, "oriel-gateway", NULL) : NULL;
    return g_str_equal(config->state, "/var/lib/oriel") && beside && g_strcmp0(beside, theirs) == 0;
}

static void check_port(const Config *config, GPtrArray *checks)
{
    int reason = 0, pid = 0;
    if (port_can_listen(config->listen_address, config->port, &reason)) {
        add(checks, "port", CHECK_OK, "Port %u is free.", config->port);
        return;
    }
    g_autofree char *lock = config_gateway_lock(config);
    pid_t gateway = file_byte_holder(lock, config->port);
    g_autofree char *owner = gateway ? NULL : port_owner(config->port, &pid);
    if (pid > 0 && is_installed_gateway(config, pid))
        gateway = pid;
    if (reason == EADDRINUSE && gateway)
        add(checks, "port", CHECK_OK, "Port %u is held by this Oriel's gateway (process %d).", config->port,
            (int)gateway);
    else if (reason == EADDRINUSE && g_strcmp0(owner, "oriel-gateway") == 0)
        add(checks, "port", CHECK_FAILED,
            "Port %u is taken by the gateway of another Oriel (process %d), not by that of %s: end it, or set "
            "ORIEL_PORT to another.",
            config->port, pid, config->state);
    else if (reason == EADDRINUSE && owner)
        add(checks, "port", CHECK_FAILED,
            "Port %u is taken by %s (process %d): end it, or set ORIEL_PORT to another.", config->port, owner,
            pid);
    else if (reason == EADDRINUSE)
        add(checks, "port", CHECK_FAILED,
            "Port %u is taken by another program: end it, or set ORIEL_PORT to another.", config->port);
    else if (reason == EACCES)
        add(checks, "port", CHECK_FAILED, "Port %u is only for root: set ORIEL_PORT to one over 1023.",
            config->port);
    else
        add(checks, "port", CHECK_FAILED,
            "Nothing can listen on %s port %u: %s; set ORIEL_LISTEN to an address of this host.",
            config->listen_address, config->port, g_strerror(reason));
}

/* Whether an unprivileged user may make a user namespace: tried, since distributions forbid it in several
 * ways. */
static bool user_namespace_works(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(unshare(CLONE_NEWUSER) == 0 ? 0 : 1);
    int status = 0;
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* A line "NAME:START:COUNT" or "UID:START:COUNT" in /etc/subuid. */
static bool subordinate_ids(void)
{
    g_autofree char *text = file_read("/etc/subuid", 1024 * 1024, NULL, NULL);
    const struct passwd *user = getpwuid(geteuid());
    g_autofree char *by_name = g_strdup_printf("\n%s:", user ? user->pw_name : "");
    g_autofree char *by_number = g_strdup_printf("\n%u:", (unsigned)geteuid());
    g_autofree char *lines = g_strconcat("\n", text, NULL);
    return strstr(lines, by_name) || strstr(lines, by_number);
}

static void check_builder(GPtrArray *checks)
{
    g_autofree char *mmdebstrap = g_find_program_in_path("mmdebstrap");
    g_autofree char *mapper = g_find_program_in_path("newuidmap");
    if (!mmdebstrap)
        add(checks, "images", CHECK_WARNING,
            "mmdebstrap is missing, so no image can be built here: install package mmdebstrap.");
    else if (geteuid() == 0)
        add(checks, "images", CHECK_OK, "Images can be built here, as root.");
    else if (!user_namespace_works())
        add(checks, "images", CHECK_WARNING,
            "This kernel lets only root make user namespaces, so no image can be built as this "
            "user: set kernel.unprivileged_userns_clone=1, or run as root.");
    else if (!mapper || !subordinate_ids())
        add(checks, "images", CHECK_WARNING, "No image can be built as this user: %s.",
            mapper ? "give it a range in /etc/subuid and /etc/subgid (usermod --add-subuids)"
                   : "install package uidmap");
    else
        add(checks, "images", CHECK_OK, "Images can be built here, without root.");
}

static void check_landlock(GPtrArray *checks)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version > 0)
        add(checks, "landlock", CHECK_OK, "Landlock (version %ld) locks each machine into its own folder.",
            version);
    else
        add(checks, "landlock", CHECK_WARNING,
            "This kernel has no Landlock: machines are held by QEMU's seccomp sandbox only; "
            "Linux 5.13 or later with lsm=landlock has it.");
}

/* Root sees more than orield will: its owner's rights to /dev/kvm, to the disk and to user namespaces are
 * what counts. */
static void become_owner(const Config *config)
{
    struct stat info;
    if (geteuid() != 0 || stat(config->state, &info) != 0 || info.st_uid == 0)
        return;
    const struct passwd *owner = getpwuid(info.st_uid);
    if (!owner || initgroups(owner->pw_name, owner->pw_gid) != 0 || setgid(owner->pw_gid) != 0 ||
        setuid(owner->pw_uid) != 0)
        return;
    g_setenv("HOME", owner->pw_dir, TRUE);
}

GPtrArray *host_check(const Config *config)
{
    GPtrArray *checks = g_ptr_array_new_with_free_func(check_free);
    /* First, since root may ask who has the port; the gateway gets its port from root or systemd. */
    g_autoptr(GPtrArray) port = g_ptr_array_new();
    check_port(config, port);
    become_owner(config);
    check_qemu(config, checks);
    check_memory(checks);
    check_disk(config, checks);
    g_ptr_array_extend_and_steal(checks, g_steal_pointer(&port));
    check_builder(checks);
    check_landlock(checks);
    return checks;
}

static const char *state_word(CheckState state)
{
    return state == CHECK_OK ? "ok" : state == CHECK_WARNING ? "warning" : "failed";
}

Json *host_check_json(GPtrArray *checks)
{
    Json *list = json_array();
    for (unsigned i = 0; i < checks->len; i++) {
        const Check *check = checks->pdata[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "name", check->name, "state",
                                              state_word(check->state), "sentence", check->sentence));
    }
    return json_pack("{s:o}", "checks", list);
}

char *host_check_text(GPtrArray *checks)
{
    GString *text = g_string_new(NULL);
    for (unsigned i = 0; i < checks->len; i++) {
        const Check *check = checks->pdata[i];
        g_string_append_printf(text, "%-7s  %-12s  %s\n", state_word(check->state), check->name,
                               check->sentence);
    }
    return g_string_free(text, FALSE);
}

CheckState host_check_worst(GPtrArray *checks)
{
    CheckState worst = CHECK_OK;
    for (unsigned i = 0; i < checks->len; i++)
        worst = MAX(worst, ((const Check *)checks->pdata[i])->state);
    return worst;
}
