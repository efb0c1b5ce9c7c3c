/* oriel-gateway: see README.md. Everything that needs rights is done here, in order, and the rights are given
 * up before the first client. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/config.h"
#include "base/display_wire.h"
#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/secret.h"
#include "gateway/certificate.h"
#include "gateway/listener.h"
#include "gateway/sandbox.h"
#include "gateway/server.h"

#define DESCRIPTORS_OWN 64 /* not for clients: files, sockets, epoll, and some in reserve */
#define UNIX_PATH_LARGEST 107

typedef struct {
    char *config;
    gboolean fingerprint, listening, version;
} Arguments;

static bool arguments_parse(int *argc, char ***argv, Arguments *ret, GError **error)
{
    const GOptionEntry entries[] = {
        {"config", 'c', 0, G_OPTION_ARG_FILENAME, &ret->config, "Configuration (default: STATE/oriel.conf)",
         "FILE"},
        {"fingerprint", 0, 0, G_OPTION_ARG_NONE, &ret->fingerprint,
         "Print the certificate's SHA-256 fingerprint", NULL},
        {"listening", 0, 0, G_OPTION_ARG_NONE, &ret->listening,
         "Print the process that is this state folder's gateway on this port; fail if there is none", NULL},
        {"version", 0, 0, G_OPTION_ARG_NONE, &ret->version, "Print the version", NULL},
        {0},
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_option_context_set_summary(context,
                                 "Oriel's door to the network: ends TLS, relays requests to orield and "
                                 "displays to browsers.");
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, argc, argv, error))
        return false;
    if (*argc > 1)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "\"%s\": takes options only; see --help", (*argv)[1]);
    return true;
}

/* The files of a certificate made by root belong to the user that the gateway becomes, or it could not read
 * them again. */
static bool certificate_prepare(const Config *config, GError **error)
{
    g_autofree char *usual = g_build_filename(config->state, "tls", "certificate.pem", NULL);
    if (access(config->certificate, F_OK) != 0 && strcmp(config->certificate, usual) != 0)
        return oriel_fail(
            error, ORIEL_ERROR_NOT_FOUND,
            "certificate \"%s\": there is no such file; put it there, or take its line out of the "
            "configuration and a self-signed one is made",
            config->certificate);
    bool made = false;
    if (!certificate_ensure(config->certificate, config->certificate_key, &made, error))
        return false;
    if (made && config->gateway_user && geteuid() == 0) {
        g_autofree char *folder = g_path_get_dirname(config->certificate_key);
        const char *const paths[] = {config->certificate, config->certificate_key, folder};
        for (size_t i = 0; i < G_N_ELEMENTS(paths); i++)
            if (!sandbox_give(paths[i], config->gateway_user, error))
                return false;
    }
    g_autofree char *fingerprint = certificate_fingerprint(config->certificate, error);
    if (!fingerprint)
        return false;
    log_info("%scertificate \"%s\", SHA-256 fingerprint %s", made ? "made a self-signed " : "",
             config->certificate, fingerprint);
    struct stat info;
    if (stat(config->certificate_key, &info) == 0 && (info.st_mode & 0007))
        log_warning("certificate's key \"%s\": everybody on this host can read it; chmod 600",
                    config->certificate_key);
    return true;
}

/* Where orield listens for us. A path that is too long for a unix socket is reached from its folder. Caller
 * frees. */
static char *orield_path(const Config *config, const char *name, GError **error)
{
    g_autofree char *path = g_build_filename(config->runtime, name, NULL);
    if (strlen(path) <= UNIX_PATH_LARGEST)
        return g_steal_pointer(&path);
    if (!folder_make(config->runtime, 0755, error))
        return NULL;
    if (chdir(config->runtime) < 0) {
        oriel_fail(error, ORIEL_ERROR_INVALID, "runtime folder \"%s\": cannot be entered", config->runtime);
        return NULL;
    }
    return g_strdup(name);
}

/* Folders that may still be read: of the certificate and its key, and, where these are links, of what they
 * lead to. */
static bool files_hold(const Config *config, GError **error)
{
    const char *const paths[] = {config->certificate, config->certificate_key};
    g_autoptr(GPtrArray) folders = g_ptr_array_new_with_free_func(g_free);
    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_ptr_array_add(folders, g_path_get_dirname(paths[i]));
        char *target = realpath(paths[i], NULL);
        if (target)
            g_ptr_array_add(folders, g_path_get_dirname(target));
        free(target);
    }
    g_ptr_array_add(folders, NULL);
    bool held = false;
    if (!sandbox_files((const char *const *)folders->pdata, &held, error))
        return false;
    if (!held)
        log_warning("this kernel has no Landlock: files are held by seccomp and permissions only");
    return true;
}

static unsigned clients_limit(unsigned descriptors)
{
    unsigned places =
        descriptors > 2 * DESCRIPTORS_OWN ? (descriptors - DESCRIPTORS_OWN) / 2 : DESCRIPTORS_OWN / 2;
    if (places >= LIMIT_GATEWAY_CLIENTS)
        return LIMIT_GATEWAY_CLIENTS;
    log_info(
        "at most %u clients: the limit of descriptors is %u (raise LimitNOFILE= or ulimit -n for up to %u)",
        places, descriptors, LIMIT_GATEWAY_CLIENTS);
    return places;
}

/* Shows whose the port is to `oriel doctor`, which may not look into this process even as the same user. The descriptor,
 * or -1: the gateway works without. */
static int port_show(const Config *config)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = config_gateway_lock(config);
    int held = folder_make(config->state, 0700, &error) ? file_hold_byte(path, config->port, &error) : -1;
    if (held < 0)
        log_warning("%s; oriel doctor will not know this port as ours", error->message);
    return held;
}

static bool serve(const Config *config, GError **error)
{
    unsigned descriptors = sandbox_limits();
    if (!secret_init(error) || !certificate_prepare(config, error))
        return false;
    autofd int listener = listener_open(config->listen_address, config->port, error);
    if (listener < 0)
        return false;
    autofd int shown = port_show(config); /* while root: the lock stays this process's */
    g_autofree char *path = orield_path(config, "gateway.sock", error);
    g_autofree char *displays = path ? orield_path(config, DISPLAY_SOCKET, error) : NULL;
    if (!displays || !sandbox_user(config->gateway_user, error))
        return false;
    if (geteuid() == 0)
        log_info("runs as root without capabilities; gateway_user= names another user");
    const ServerOptions options = {
        .listener = listener,
        .certificate = config->certificate,
        .certificate_key = config->certificate_key,
        .orield_path = path,
        .displays_path = displays,
        .clients_limit = clients_limit(descriptors),
        .client_certificates = config->client_certificates,
    };
    g_autoptr(Server) server = server_new(&options, error);
    if (!server || !files_hold(config, error))
        return false;
    if (!sandbox_calls(error))
        return false;
    log_info("listening on \"%s\", port %u", config->listen_address, config->port);
    return server_run(server, error);
}

static bool listening_print(const Config *config, GError **error)
{
    g_autofree char *path = config_gateway_lock(config);
    pid_t holder = file_byte_holder(path, config->port);
    if (!holder)
        return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "port %u: no gateway of state folder \"%s\" listens on it",
                          config->port, config->state);
    printf("%d\n", (int)holder);
    return true;
}

static bool run(int argc, char **argv, GError **error)
{
    Arguments arguments = {0};
    bool parsed = arguments_parse(&argc, &argv, &arguments, error);
    g_autofree char *file = arguments.config;
    if (!parsed)
        return false;
    if (arguments.version) {
        printf("oriel-gateway %s\n", ORIEL_VERSION);
        return true;
    }
    g_autoptr(Config) config = config_load(file, error);
    if (!config)
        return false;
    if (arguments.listening)
        return listening_print(config, error);
    if (!arguments.fingerprint)
        return serve(config, error);
    g_autofree char *fingerprint = certificate_fingerprint(config->certificate, error);
    if (fingerprint)
        printf("%s\n", fingerprint);
    return fingerprint != NULL;
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    umask(077);
    log_open("oriel-gateway");
    if (run(argc, argv, &error))
        return 0;
    log_error("%s", error->message);
    return oriel_error_info(oriel_error_kind(error))->exit_code;
}
