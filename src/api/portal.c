/* What a person sees, and the click. */
#include "api/native.h"
#include "api/resource.h"
#include "broker/device.h"
#include "broker/locale.h"
#include "host/policy.h"
#include "store/user.h"

static Json *tile_pool(const StorePool *pool)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:o, s:o, s:b, s:b}", "id", pool->id, "name", pool->name, "display_name",
                     *pool->display_name ? pool->display_name : pool->name, "description", pool->description,
                     "type", pool->seats ? "shared" : store_pool_type_word(pool->type), "image",
                     pool->image_name ? pool->image_name : "", "refresh_on_log_off", pool->refresh_on_log_off,
                     "self_service", self_service_json(pool), "icon",
                     pool->has_icon ? json_integer((json_int_t)pool->version) : json_null(), "home", *pool->home != '\0', "application", *pool->application != '\0');
}

/* On this desktop; NULL, one whose desktop is gone, which ends in a moment. */
static StoreSession *session_in(GPtrArray *sessions, const char *pool_id, const StoreDesktop *desktop)
{
    for (unsigned i = 0; i < sessions->len; i++) {
        StoreSession *session = sessions->pdata[i];
        if (g_strcmp0(session->pool_id, pool_id) == 0 && (!desktop || g_strcmp0(session->desktop_id, desktop->id) == 0))
            return session;
    }
    return NULL;
}

/* All that they have there. */
static Json *tile_desktops(GPtrArray *desktops, GPtrArray *sessions, const StorePool *pool)
{
    Json *list = json_array();
    for (unsigned i = 0; i < desktops->len; i++) {
        const StoreDesktop *desktop = desktops->pdata[i];
        json_array_append_new(list, json_pack("{s:o, s:o}", "desktop", desktop_brief(desktop), "session",
                                              session_brief(session_in(sessions, pool->id, desktop))));
    }
    return list;
}

static bool may_have_another(const StorePool *pool, const GPtrArray *desktops)
{
    return pool->type == STORE_POOL_FLOATING && desktops->len > 0 && desktops->len < pool->sessions_a_user;
}

/* Of a manual pool whose machines have seats for whoever comes; caller frees. NULL: there is none. */
static char *seat_protocol(Store *store, const StorePool *pool)
{
    StoreDesktopFilter filter = {.pool_id = pool->id};
    g_autoptr(GPtrArray) rows = pool->type == STORE_POOL_MANUAL ? store_desktop_list(store, &filter, NULL, NULL, NULL) : NULL;
    for (unsigned i = 0; rows && i < rows->len; i++)
        if (((StoreDesktop *)rows->pdata[i])->seat_of)
            return g_strdup(((StoreDesktop *)rows->pdata[i])->protocol);
    return NULL;
}

/* What all tiles of one answer are made of. */
typedef struct {
    Call *call;
    HostPerson *person;
    GPtrArray *sessions;
    HostImages *images;
} Tiles;

static void tiles_clear(Tiles *tiles)
{
    g_clear_pointer(&tiles->person, host_person_free);
    g_clear_pointer(&tiles->sessions, g_ptr_array_unref);
    g_clear_pointer(&tiles->images, host_images_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Tiles, tiles_clear)

/* pool_id NULL: of all pools. */
static bool tiles_read(Tiles *tiles, Call *call, const char *pool_id, GError **error)
{
    const char *user_id = call->caller->user_id;
    StoreSessionFilter filter = {.user_id = user_id, .pool_id = pool_id};
    tiles->call = call;
    tiles->images = host_images(call->service->host);
    tiles->sessions = store_session_list(call->service->store, &filter, NULL, NULL, error);
    tiles->person = tiles->sessions ? host_person(call->service->host, user_id, error) : NULL;
    return tiles->person != NULL;
}

/* A machine that nobody has assigned yet has no protocol: its click says so in the browser. */
static Json *tile_clients(const Tiles *tiles, const StorePool *pool, const StoreDesktop *desktop, const HostPolicyAnswer *decided)
{
    const Service *service = tiles->call->service;
    Host *host = service->host;
    Json *list = json_array();
    g_autofree char *seat = desktop ? NULL : seat_protocol(service->store, pool);
    const char *protocol = desktop ? desktop->protocol : seat;
    for (unsigned kind = 0; kind < DISPLAY_CLIENTS; kind++) {
        bool serves_rdp = kind == DISPLAY_CLIENT_RDP && !pool->seats && host_serves_rdp(tiles->images, pool, desktop);
        bool suits = desktop || seat || pool->type != STORE_POOL_MANUAL ? client_suits((DisplayClient)kind, protocol, serves_rdp) : kind == DISPLAY_CLIENT_BROWSER;
        if (suits && host_client_offered(host, pool, decided->plan_ids[STORE_PLAN_DISPLAY], (DisplayClient)kind))
            json_array_append_new(list, json_string(client_word((DisplayClient)kind)));
    }
    return list;
}

static Json *tile_json(const Tiles *tiles, const StorePool *pool, const HostPolicyAnswer *decided)
{
    const Call *call = tiles->call;
    GPtrArray *sessions = tiles->sessions;
    g_autoptr(GPtrArray) found = store_desktops_of_user(call->service->store, pool->id, call->caller->user_id, NULL);
    g_autoptr(GPtrArray) desktops = found ? g_steal_pointer(&found) : g_ptr_array_new();
    const StoreDesktop *desktop = desktops->len > 0 ? desktops->pdata[0] : NULL;
    return json_pack("{s:o, s:o, s:o, s:o, s:b, s:o, s:o}", "pool", tile_pool(pool), "desktop", desktop_brief(desktop), "session",
                     session_brief(session_in(sessions, pool->id, desktop)), "desktops", tile_desktops(desktops, sessions, pool),
                     "another", may_have_another(pool, desktops), "clients", tile_clients(tiles, pool, desktop, decided), "denied",
                     json_text_or_null(decided->denied));
}

/* What policies say of this pool, here and now. */
static HostPolicyAnswer decide(Call *call, const HostPerson *person, const StorePool *pool)
{
    HostPolicyAnswer answer = {0};
    HostPolicyQuestion question = {
        .pool_id = pool->id,
        .address = call->actor.address,
        .device = call->caller->kiosk_pool_id ? DEVICE_KIOSK : device_of(request_header(call->request, "user-agent")),
    };
    host_person_decide(person, &question, &answer);
    return answer;
}

/* NULL: the person is not to see it. */
static Json *tile_decided(const Tiles *tiles, const StorePool *pool)
{
    g_auto(HostPolicyAnswer) answer = decide(tiles->call, tiles->person, pool);
    return answer.hidden ? NULL : tile_json(tiles, pool, &answer);
}

bool portal_demand_let_in(Call *call, const StorePool *pool, GError **error)
{
    g_autoptr(HostPerson) person = host_person(call->service->host, call->caller->user_id, error);
    if (!person)
        return false;
    g_auto(HostPolicyAnswer) answer = decide(call, person, pool);
    return !answer.denied || oriel_fail(error, ORIEL_ERROR_FORBIDDEN, "%s", answer.denied);
}

bool portal_tile_answer(Call *call, const StorePool *pool, GError **error)
{
    g_auto(Tiles) tiles = {0};
    if (!tiles_read(&tiles, call, pool->id, error))
        return false;
    Json *tile = tile_decided(&tiles, pool);
    if (tile)
        reply_json(call->reply, 200, tile);
    return tile || oriel_fail(error, ORIEL_ERROR_FORBIDDEN, "pool \"%s\": it is not available to you from here now", pool->name);
}

bool portal_get(Call *call, GError **error)
{
    g_autoptr(Json) tiles = json_array();
    const char *user_id = call->caller->user_id;
    if (user_id) {
        g_auto(Tiles) having = {0};
        g_autoptr(GPtrArray) pools = store_user_pools(call->service->store, user_id, error);
        if (!pools || !tiles_read(&having, call, NULL, error))
            return false;
        for (unsigned i = 0; i < pools->len; i++) {
            const StorePool *pool = pools->pdata[i];
            Json *tile = call_demand_pool(call, pool->id, NULL) ? tile_decided(&having, pool) : NULL;
            if (tile)
                json_array_append_new(tiles, tile);
        }
    }
    reply_json(call->reply, 200, json_pack("{s:O}", "tiles", tiles));
    return true;
}

/* ---- the click ---- */

/* A browser's way in, or a file. */
static bool connection_way(const Call *call, const StoreDesktop *desktop, DisplayClient client, const HostConnection *connection,
                           Json *value, GError **error)
{
    const char *ticket = connection->ticket;
    NativeTicket native = {.desktop = desktop->name, .text = ticket, .is_ours = !desktop->protocol};
    if (client != DISPLAY_CLIENT_BROWSER) {
        if (!host_session_display(call->service->host, connection->session_id, &native.plan, error))
            return false;
        return json_object_set_new(value, "file", native_file(call, client, &native)) == 0;
    }
    g_autofree char *path = g_strconcat("api/v1/display/", ticket, NULL);
    g_autofree char *url = g_strdup_printf("%s/#/desktop/%s?ticket=%s", call->service->public_url, desktop->id, ticket);
    json_object_set_new(value, "path", json_string(path));
    return json_object_set_new(value, "url", json_string(url)) == 0;
}

bool connection_answer(Call *call, const HostConnection *connection, DisplayClient client, GError **error)
{
    if (connection->job_id)
        return call_reply_job(call, connection->job_id, error);
    Store *store = call->service->store;
    g_autoptr(StoreSession) session = NULL;
    g_autoptr(StoreDesktop) desktop = store_desktop_find(store, connection->desktop_id, error);
    if (!desktop)
        return false;
    if (connection->session_id && !(session = store_session_get(store, connection->session_id, error)))
        return false;
    g_autoptr(Json) value = json_pack("{s:o, s:o, s:s, s:I}", "desktop", desktop_brief(desktop), "session", session_brief(session),
                            "ticket", connection->ticket, "expires_ms", (json_int_t)connection->expires_ms);
    if (!connection_way(call, desktop, client, connection, value, error))
        return false;
    reply_json(call->reply, 200, g_steal_pointer(&value));
    return true;
}

static bool connect_run(Call *call, const HostConnectRequest *request, GError **error)
{
    g_auto(HostConnection) connection = {0};
    return host_connect(call->service->host, request, &connection, error) &&
           connection_answer(call, &connection, request->client, error);
}

typedef struct {
    char *locale;
    StorePlace place;
} Place;

static void place_clear(Place *place)
{
    g_free(place->locale);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Place, place_clear)

/* What the page says of itself goes before what the browser says in its headers. Whoever opens somebody else's desktop is
 * elsewhere: nothing is guessed then. */
static bool place_read(Call *call, bool is_own, Place *ret, GError **error)
{
    const char *language, *keyboard, *zone;
    if (!json_take_text(call->body, "language", &language, error) ||
        !json_take_text(call->body, "keyboard", &keyboard, error) ||
        !json_take_text(call->body, "time_zone", &zone, error))
        return false;
    if (keyboard && !keyboard_is_valid(keyboard))
        return oriel_fail(error, ORIEL_ERROR_INVALID, "request body: keyboard must look like de or de,fr");
    if (zone && !time_zone_is_valid(zone))
        return oriel_fail(error, ORIEL_ERROR_INVALID, "request body: time_zone must look like Europe/Berlin");
    if (!language && is_own)
        language = request_header(call->request, "accept-language");
    ret->locale = locale_of_languages(language);
    ret->place = (StorePlace){.locale = ret->locale,
                              .keyboard = keyboard ? keyboard : keyboard_of_locale(ret->locale),
                              .time_zone = zone};
    return true;
}

/* Whose it is, is asked later, with the same answer for one that is somebody else's and one that does not exist. */
static bool own_id_of(Store *store, const char *name, char **ret, GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(StoreDesktop) desktop = name ? store_desktop_find(store, name, &problem) : NULL;
    *ret = g_strdup(desktop ? desktop->id : name);
    if (!problem || oriel_error_kind(problem) == ORIEL_ERROR_NOT_FOUND)
        return true;
    g_propagate_error(error, g_steal_pointer(&problem));
    return false;
}

bool pool_connect_post(Call *call, GError **error)
{
    const char *name = NULL, *word = NULL, *own = NULL;
    bool another = false;
    DisplayClient client = DISPLAY_CLIENT_BROWSER;
    static const char *const keys[] = {"user", "client", "desktop", "another", "language", "keyboard", "time_zone", NULL};
    g_auto(Place) place = {0};
    if (call->body && (!json_only(call->body, keys, error) || !json_take_text(call->body, "user", &name, error) ||
                       !json_take_text(call->body, "client", &word, error) || !json_take_text(call->body, "desktop", &own, error) ||
                       !json_take_flag(call->body, "another", &another, error)))
        return false;
    if (own && another)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "request body: either \"desktop\" or \"another\"");
    if (word && !client_parse(word, &client))
        return oriel_fail(error, ORIEL_ERROR_INVALID, "request body: client \"%s\" is unknown; allowed: browser, vv, rdp", word);
    if (name && !call_demand(call, PERMISSION_CONNECT_FOR_OTHERS, error))
        return false;
    if (!name && !call->caller->user_id)
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "request body: \"user\" is needed: whom is the desktop for?");
    g_autoptr(StorePool) pool = store_pool_find(call->service->store, call->parameters[0], error);
    if (!pool || !call_demand_pool(call, pool->id, error))
        return false;
    g_autoptr(StoreUser) user = name ? store_user_find(call->service->store, name, error) : NULL;
    g_autofree char *own_id = NULL;
    if ((name && !user) || !place_read(call, !name, &place, error) || !own_id_of(call->service->store, own, &own_id, error))
        return false;
    /* The person named must be entitled as well: an operator opens what that person would get. */
    HostConnectRequest request = {
        .actor = &call->actor,
        .agent = request_header(call->request, "user-agent"),
        .is_kiosk = call->caller->kiosk_pool_id != NULL,
        .user_id = user ? user->id : call->caller->user_id,
        .pool_id = pool->id,
        .own_id = own_id,
        .another = another,
        .client = client,
        .place = place.place,
        .proved_ms = name ? 0 : call->caller->proved_ms,
    };
    return connect_run(call, &request, error);
}

bool desktop_connect_post(Call *call, GError **error)
{
    int take_over = 0;
    if (call->body && !json_read(call->body, "request body", error, "{s?b}", "take_over", &take_over))
        return false;
    g_autoptr(StoreDesktop) desktop = store_desktop_find(call->service->store, call->parameters[0], error);
    HostConnectRequest request = {
        .actor = &call->actor,
        .desktop_id = desktop ? desktop->id : NULL,
        .as_admin = true,
        .take_over = take_over != 0,
    };
    return desktop && connect_run(call, &request, error);
}
