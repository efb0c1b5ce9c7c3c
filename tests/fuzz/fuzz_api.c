/* Requests from outside. The first byte chooses: what stands before the handlers (targets, headers,
 * handshakes), or a call of the table with any parameters, query and body, on a real store with simulated
 * machines. No input may crash, be answered with an internal error, or get an answer that is no JSON. */
#include <glib.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/dispatch.h"
#include "api/door.h"
#include "api/files.h"
#include "api/stream.h"
#include "api/websocket.h"
#include "base/config.h"
#include "base/file.h"
#include "base/secret.h"
#include "host/simulated.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static Service service;
static char *folder;

static void on_stop(bool machines, void *unused)
{
}

static void must(bool good, const GError *error)
{
    if (good)
        return;
    g_printerr("%s\n", error ? error->message : "failed");
    abort();
}

static void house_close(void)
{
    hub_free(service.hub);
    job_runner_stop(service.jobs);
    host_close(service.host);
    job_runner_free(service.jobs);
    folder_remove(folder, NULL);
}

static void house_open(void)
{
    g_autoptr(GError) error = NULL;
    must(secret_init(&error), error);
    folder = g_dir_make_tmp("oriel-fuzz-XXXXXX", NULL);
    g_setenv("ORIEL_STATE", folder, TRUE);
    g_setenv("ORIEL_SHARE", folder, TRUE);
    service.config = config_load(NULL, &error);
    g_autofree char *path = g_build_filename(folder, "oriel.db", NULL);
    must((service.store = store_open("sqlite", path, &error)) != NULL, error);
    must((service.identity = identity_new(service.store, &error)) != NULL, error);
    g_autofree char *token = NULL;
    must(identity_first_admin(service.identity, &token, &error), error);
    g_autofree char *id = host_id_of(folder, &error);
    must((service.jobs = job_runner_new(service.store, id, 1, &error)) != NULL, error);
    HostSetup host = {service.config, service.store, service.jobs, host_driver_simulated()};
    must((service.host = host_open(&host, &error)) != NULL, error);
    service.setup = (ApiSetup){.stop = on_stop};
    service.hub = hub_new(service.store, service.identity);
    service.files = files_new(folder);
    service.public_url = g_strdup("https://localhost");
    service.images = g_build_filename(folder, "images", NULL);
    atexit(house_close);
}

/* ---- before the handlers ---- */

static void try_front(char **lines, unsigned count)
{
    g_autoptr(Request) request = request_new("GET", lines[0], NULL);
    g_free(door_address(lines[0], strlen(lines[0])));
    if (!request)
        return;
    for (unsigned i = 1; i < count; i++) {
        char *colon = strchr(lines[i], ':');
        if (colon) {
            *colon = '\0';
            request_add_header(request, lines[i], colon + 1);
        }
    }
    char *parameters[CALL_PARAMETERS];
    g_autofree char *allow = NULL;
    router_find("GET", request->path, parameters, &allow);
    for (size_t i = 0; i < CALL_PARAMETERS; i++)
        g_free(parameters[i]);
    g_auto(WebSocketHandshake) handshake = {0};
    int status = 0;
    websocket_check(request, "https://desk.example.org", &handshake, &status, NULL);
    secret_free(request_cookie(request, "__Host-oriel"));
    g_autoptr(Reply) reply = reply_new();
    dispatch_unrouted(&service, NULL, request, reply);
    if (reply->status == 500)
        abort();
}

/* ---- the calls ---- */

static const Route *route_at(unsigned number)
{
    unsigned count = 0;
    while (routes[count].method)
        count++;
    return &routes[number % count];
}

static void answer_check(const Route *route, const Reply *reply)
{
    gsize length = 0;
    const char *body = reply->body ? g_bytes_get_data(reply->body, &length) : NULL;
    bool json = reply->content_type && strstr(reply->content_type, "json");
    json_t *value = json && body ? json_loadb(body, length, 0, NULL) : NULL;
    if (reply->status < 200 || reply->status > 599 || reply->status == 500 || (json && !value) ||
        (reply->status >= 400 && !json)) {
        g_printerr("%s %s: %d %.*s\n", route->method, route->pattern, reply->status, (int)length,
                   body ? body : "");
        abort();
    }
    json_decref(value);
}

static void try_call(uint8_t number, char **lines, unsigned count)
{
    const Route *route = route_at(number);
    const char *body = count > 4 ? lines[4] : "";
    if ((route->lane == LANE_PASSWORD || route->lane == LANE_LOGIN) && strstr(body, "password"))
        return; /* argon2id is slow on purpose */
    g_autofree char *target = g_strdup_printf("/?%s", count > 3 ? lines[3] : "");
    g_autoptr(Request) request = request_new(route->method, target, NULL);
    if (!request)
        return;
    request->local = true;
    request_add_header(request, "content-type", "application/json");
    if (count > 2 && *lines[2])
        request_add_header(request, "if-match", lines[2]);
    g_byte_array_append(request->body, (const guint8 *)body, (guint)strlen(body));
    char *parameters[CALL_PARAMETERS] = {0};
    size_t braces = 0;
    for (const char *at = route->pattern; (at = strchr(at, '{')) && braces < CALL_PARAMETERS; at++, braces++)
        parameters[braces] = g_utf8_make_valid(lines[braces % MIN(count, 2)], -1);
    g_autoptr(Reply) reply = reply_new();
    dispatch(&service, route, parameters, request, reply);
    if (!reply->stream && reply->display < 0)
        answer_check(route, reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!service.store)
        house_open();
    if (size < 2)
        return 0;
    g_autofree char *text = g_strndup((const char *)data + 2, size - 2);
    g_auto(GStrv) lines = g_strsplit(text, "\n", data[0] & 1 ? 5 : 20);
    unsigned count = g_strv_length(lines);
    if (count == 0)
        return 0;
    if (data[0] & 1)
        try_call(data[1], lines, count);
    else
        try_front(lines, count);
    return 0;
}
