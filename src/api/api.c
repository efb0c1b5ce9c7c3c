#include "api/api.h"

#include "api/denials.h"
#include "api/files.h"
#include "api/server.h"
#include "api/stream.h"
#include "api/turns.h"
#include "base/clock.h"
#include "base/limits.h"

struct Api {
    Service service;
    Server *server;
};

static char *public_url(const Config *config)
{
    if (config->public_url)
        return g_strdup(config->public_url);
    return g_strdup_printf("https://%s:%u", g_get_host_name(), config->port);
}

static void api_free(Api *api)
{
    hub_free(api->service.hub);
    files_free(api->service.files);
    turns_free(api->service.slow_turns);
    turns_free(api->service.connect_turns);
    denials_free(api->service.denials);
    g_free(api->service.public_url);
    g_free(api->service.images);
    g_free(api);
}

Api *api_start(const ApiSetup *setup, GError **error)
{
    g_autofree char *web = g_build_filename(setup->config->share, "web", NULL);
    Api *api = g_new0(Api, 1);
    api->service = (Service){
        .setup = *setup,
        .store = setup->store,
        .identity = setup->identity,
        .jobs = setup->jobs,
        .host = setup->host,
        .config = setup->config,
        .hub = hub_new(setup->store, setup->identity),
        .files = files_new(web),
        .slow_turns = turns_new(LIMIT_API_SLOW_USER),
        .connect_turns = turns_new(LIMIT_API_SLOW_USER),
        .denials = denials_new(),
        .public_url = public_url(setup->config),
        .images = g_build_filename(setup->config->state, "images", NULL),
        .started_ms = clock_utc_ms(),
    };
    api->server = server_start(&api->service, error);
    if (!api->server) {
        api_free(api);
        return NULL;
    }
    return api;
}

/* No new clients, then the streams end, then what is under way is answered, and only then is anything freed.
 */
void api_stop(Api *api)
{
    if (!api)
        return;
    server_shut(api->server);
    hub_stop(api->service.hub);
    server_stop(api->server);
    api_free(api);
}
