#include "machine/qemu_features.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "machine/loop.h"
#include "machine/process.h"
#include "machine/qmp.h"

#define PROBE_LIMIT_MS 10000

void qemu_features_free(QemuFeatures *features)
{
    if (!features)
        return;
    g_free(features->path);
    g_free(features->version);
    g_free(features->machine_type);
    g_free(features);
}

static bool read_version(Qmp *qmp, QemuFeatures *features, GError **error)
{
    g_autoptr(Json) value = NULL;
    int major, minor, micro;
    const char *package;
    if (!qmp_run(qmp, "query-version", NULL, PROBE_LIMIT_MS, &value, error))
        return false;
    if (json_unpack(value, "{s:{s:i, s:i, s:i}, s:s}", "qemu", "major", &major, "minor", &minor, "micro",
                    &micro, "package", &package) != 0)
        return oriel_fail(error, ORIEL_ERROR_CORRUPT, "QEMU does not tell its version");
    features->version = g_strdup_printf("%d.%d.%d%s%s", major, minor, micro, *package ? " " : "", package);
    return true;
}

static bool read_machine_type(Qmp *qmp, QemuFeatures *features, GError **error)
{
    g_autoptr(Json) machines = NULL;
    size_t i;
    Json *machine;
    if (!qmp_run(qmp, "query-machines", NULL, PROBE_LIMIT_MS, &machines, error))
        return false;
    json_array_foreach (machines, i, machine) {
        const char *alias = json_string_value(json_object_get(machine, "alias"));
        if (g_strcmp0(alias, "q35") == 0)
            features->machine_type = g_strdup(json_string_value(json_object_get(machine, "name")));
    }
    if (!features->machine_type)
        return oriel_fail(error, ORIEL_ERROR_UNSUPPORTED, "this QEMU has no machine type q35");
    return true;
}

/* Whether one of the objects in `list` has this name. */
static bool list_names(const Json *list, const char *name)
{
    size_t i;
    const Json *each;
    json_array_foreach (list, i, each) {
        if (g_strcmp0(json_string_value(json_object_get(each, "name")), name) == 0)
            return true;
    }
    return false;
}

static bool read_machine_switches(Qmp *qmp, QemuFeatures *features, GError **error)
{
    g_autoptr(Json) properties = NULL;
    g_autofree char *type = g_strconcat(features->machine_type, "-machine", NULL);
    if (!qmp_run(qmp, "qom-list-properties", json_pack("{s:s}", "typename", type), PROBE_LIMIT_MS,
                 &properties, error))
        return false;
    features->smbus_switch = list_names(properties, "smbus");
    features->sata_switch = list_names(properties, "sata");
    return true;
}

/* The D-Bus display is a module of its own package; its character device comes in the same module. */
static bool read_chardevs(Qmp *qmp, QemuFeatures *features, GError **error)
{
    g_autoptr(Json) types = NULL;
    if (!qmp_run(qmp, "qom-list-types", json_pack("{s:s}", "implements", "chardev"), PROBE_LIMIT_MS, &types,
                 error))
        return false;
    features->display_dbus = list_names(types, "chardev-dbus");
    features->vdagent = list_names(types, "chardev-qemu-vdagent");
    return true;
}

static bool has_type(Qmp *qmp, const char *type)
{
    g_autoptr(Json) found = NULL;
    return qmp_run(qmp, "qom-list-types", json_pack("{s:s}", "implements", type), PROBE_LIMIT_MS, &found, NULL) &&
           json_array_size(found) > 0;
}

static bool has_option(Qmp *qmp, const char *option, const char *parameter)
{
    g_autoptr(Json) options = NULL;
    return qmp_run(qmp, "query-command-line-options", json_pack("{s:s}", "option", option), PROBE_LIMIT_MS, &options, NULL) &&
           list_names(json_object_get(json_array_get(options, 0), "parameters"), parameter);
}

static bool array_has_string(const Json *array, const char *text)
{
    size_t i;
    const Json *each;
    json_array_foreach (array, i, each) {
        if (g_strcmp0(json_string_value(each), text) == 0)
            return true;
    }
    return false;
}

/* The enumeration of network back-ends is the one that knows "hubport"; "user" is in it where libslirp is. */
static bool read_schema(Qmp *qmp, QemuFeatures *features, GError **error)
{
    g_autoptr(Json) schema = NULL;
    size_t i;
    Json *each;
    if (!qmp_run(qmp, "query-qmp-schema", NULL, PROBE_LIMIT_MS, &schema, error))
        return false;
    json_array_foreach (schema, i, each) {
        const Json *values = json_object_get(each, "values");
        if (array_has_string(values, "hubport"))
            features->user_network = array_has_string(values, "user");
    }
    g_autoptr(Json) options = NULL;
    features->sandbox = qmp_run(qmp, "query-command-line-options", json_pack("{s:s}", "option", "sandbox"),
                                PROBE_LIMIT_MS, &options, NULL);
    features->sound = has_type(qmp, "intel-hda") && has_type(qmp, "hda-output") && has_option(qmp, "vnc", "audiodev");
    return true;
}

static bool features_read(int socket, QemuFeatures *features, GError **error)
{
    Loop *loop = loop_new(error);
    if (!loop) {
        close(socket);
        return false;
    }
    Qmp *qmp = qmp_new(loop, socket, "QEMU", NULL, NULL);
    bool done = qmp_handshake(qmp, PROBE_LIMIT_MS, error) && read_version(qmp, features, error) &&
                read_machine_type(qmp, features, error) && read_machine_switches(qmp, features, error) &&
                read_chardevs(qmp, features, error) && read_schema(qmp, features, error);
    qmp_close(qmp);
    qmp_unref(qmp);
    loop_free(loop);
    return done;
}

/* QEMU with no machine at all, to be asked. *ret_socket: its QMP. Returns its pidfd or -1. */
static int probe_start(const char *path, int *ret_socket, GError **error)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
        oriel_fail_errno(error, errno, "cannot ask QEMU");
        return -1;
    }
    autofd int ours = ends[0], theirs = ends[1];
    autofd int output = open("/dev/null", O_WRONLY | O_CLOEXEC);
    const char *const arguments[] = {path,
                                     "-nodefaults",
                                     "-no-user-config",
                                     "-machine",
                                     "none",
                                     "-display",
                                     "none",
                                     "-chardev",
                                     "socket,id=qmp,fd=" G_STRINGIFY(PROCESS_FIRST_FD),
                                     "-mon",
                                     "chardev=qmp,mode=control",
                                     NULL};
    const ProcessSpec spec = {.arguments = arguments,
                              .folder = "/",
                              .fds = &theirs,
                              .fd_count = 1,
                              .output = output,
                              .ruleset = -1};
    ProcessIdentity identity;
    int pidfd = process_start(&spec, &identity, error);
    if (pidfd >= 0)
        *ret_socket = fd_steal(&ours);
    return pidfd;
}

QemuFeatures *qemu_features_probe(const char *path, GError **error)
{
    g_autoptr(QemuFeatures) features = g_new0(QemuFeatures, 1);
    features->path = path ? g_strdup(path) : g_find_program_in_path("qemu-system-x86_64");
    if (!features->path || access(features->path, X_OK) < 0) {
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "there is no %s: install the package qemu-system-x86",
                   path ? path : "qemu-system-x86_64");
        return NULL;
    }
    autofd int socket = -1;
    autofd int pidfd = probe_start(features->path, &socket, error);
    if (pidfd < 0)
        return NULL;
    bool done = features_read(fd_steal(&socket), features, error);
    process_signal(pidfd, SIGKILL, NULL);
    process_wait(pidfd, PROBE_LIMIT_MS, NULL);
    if (!done) {
        g_prefix_error(error, "\"%s\": ", features->path);
        return NULL;
    }
    return g_steal_pointer(&features);
}
