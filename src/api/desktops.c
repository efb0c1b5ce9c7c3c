/* Desktops: what they are, and the buttons on them. */
#include <string.h>

#include "api/resource.h"
#include "base/number.h"
#include "store/image.h"
#include "store/user.h"

#define THUMBNAIL_WIDTH_LEAST 32
#define THUMBNAIL_WIDTH_MOST 1920
#define THUMBNAIL_WIDTH_DEFAULT 320

const char *desktop_state(const StoreDesktop *desktop)
{
    if (desktop->desired == STORE_DESIRED_DELETED)
        return "deleting";
    if (!desktop->protocol && desktop->observed_generation != 0 && desktop->observed_generation != desktop->generation &&
        desktop->observed != STORE_OBSERVED_FAILED)
        return "refreshing";
    if (desktop->protocol)
        return desktop->observed == STORE_OBSERVED_RUNNING   ? "reachable"
               : desktop->observed == STORE_OBSERVED_STOPPED ? "unreachable"
                                                             : "unknown";
    return store_observed_word(desktop->observed);
}

Json *desktop_brief(const StoreDesktop *desktop)
{
    if (!desktop)
        return json_null();
    return json_pack("{s:s, s:s, s:s}", "id", desktop->id, "name", desktop->name, "state",
                     desktop_state(desktop));
}

/* One that the caller may know of: a limited help desk knows those of the people whom it helps. */
static StoreDesktop *desktop_for(Call *call, GError **error)
{
    const char *name = call->parameters[0], *helper = NULL;
    g_autoptr(StoreDesktop) desktop = store_desktop_find(call->service->store, name, error);
    if (!desktop || !call_helper(call, &helper, error))
        return NULL;
    if (!helper || call_is(call, desktop->user_id))
        return g_steal_pointer(&desktop);
    StoreDesktopFilter filter = {.pool_id = desktop->pool_id, .helper_id = helper};
    g_autoptr(GPtrArray) known = store_desktop_list(call->service->store, &filter, NULL, NULL, error);
    for (unsigned i = 0; known && i < known->len; i++)
        if (strcmp(((StoreDesktop *)known->pdata[i])->id, desktop->id) == 0)
            return g_steal_pointer(&desktop);
    if (known)
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "desktop \"%s\": there is none", name);
    return NULL;
}

/* What the rows of a list share, looked up once each. */
typedef struct {
    Store *store;
    GHashTable *versions; /* image version id → StoreImageVersion */
    GHashTable *sessions; /* desktop id → StoreSession that has not ended */
    GHashTable *users;    /* desktop id → JSON array of those who may use it */
} Lookup;

static void lookup_clear(Lookup *lookup)
{
    g_clear_pointer(&lookup->versions, g_hash_table_unref);
    g_clear_pointer(&lookup->sessions, g_hash_table_unref);
    g_clear_pointer(&lookup->users, g_hash_table_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Lookup, lookup_clear)

static bool lookup_open(Lookup *lookup, Store *store, const StoreSessionFilter *filter, GError **error)
{
    lookup->store = store;
    lookup->versions =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)store_image_version_free);
    lookup->sessions =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)store_session_free);
    g_autoptr(GPtrArray) sessions = store_session_list(store, filter, NULL, NULL, error);
    if (!sessions)
        return false;
    g_ptr_array_set_free_func(sessions, NULL);
    for (unsigned i = 0; i < sessions->len; i++) {
        StoreSession *session = sessions->pdata[i];
        if (session->desktop_id)
            g_hash_table_insert(lookup->sessions, g_strdup(session->desktop_id), session);
        else
            store_session_free(session);
    }
    return true;
}

/* Of a list by id, from its first to its last. */
static bool lookup_users(Lookup *lookup, const GPtrArray *desktops, GError **error)
{
    lookup->users = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)json_decref);
    if (desktops->len == 0)
        return true;
    const StoreDesktop *first = desktops->pdata[0], *last = desktops->pdata[desktops->len - 1];
    g_autoptr(GPtrArray) assignments = store_assignment_list(lookup->store, first->id, last->id, error);
    for (unsigned i = 0; assignments && i < assignments->len; i++) {
        const StoreAssignment *one = assignments->pdata[i];
        Json *users = g_hash_table_lookup(lookup->users, one->desktop_id);
        if (!users)
            g_hash_table_insert(lookup->users, g_strdup(one->desktop_id), users = json_array());
        json_array_append_new(users, json_ref(one->user_id, one->user_name));
    }
    return assignments != NULL;
}

static Json *users_json(const Lookup *lookup, const StoreDesktop *desktop)
{
    Json *users = g_hash_table_lookup(lookup->users, desktop->id);
    if (users)
        return json_incref(users);
    return desktop->user_id ? json_pack("[o]", json_ref(desktop->user_id, desktop->user_name)) : json_array();
}

static const StoreImageVersion *lookup_version(Lookup *lookup, const char *id, GError **error)
{
    StoreImageVersion *version = g_hash_table_lookup(lookup->versions, id);
    if (!version) {
        version = store_image_version_get(lookup->store, id, error);
        if (version)
            g_hash_table_insert(lookup->versions, g_strdup(id), version);
    }
    return version;
}

static Json *machine_json(const StoreDesktop *desktop)
{
    if (!desktop->protocol)
        return json_null();
    return json_pack("{s:s, s:s, s:I, s:o, s:b}", "protocol", desktop->protocol, "address", desktop->address, "port",
                     (json_int_t)desktop->port, "mac", json_text_or_null(desktop->wake_mac), "password_set",
                     desktop->sealed_password != NULL);
}

static Json *desktop_json(Lookup *lookup, const StoreDesktop *desktop, GError **error)
{
    const StoreImageVersion *version =
        desktop->image_version_id ? lookup_version(lookup, desktop->image_version_id, error) : NULL;
    if (desktop->image_version_id && !version)
        return NULL;
    Json *value = json_pack(
        "{s:s, s:s, s:o, s:s, s:s, s:s, s:s, s:o, s:o}", "id", desktop->id, "name", desktop->name, "pool",
        json_ref(desktop->pool_id, desktop->pool_name), "state", desktop_state(desktop), "desired",
        store_desired_word(desktop->desired), "observed", store_observed_word(desktop->observed), "agent",
        store_agent_word(desktop->agent), "user", json_ref(desktop->user_id, desktop->user_name), "session",
        session_brief(g_hash_table_lookup(lookup->sessions, desktop->id)));
    Json *more = json_pack("{s:o, s:o, s:o, s:b, s:I, s:I, s:o, s:I, s:I}", "image",
                           version ? json_ref(version->image_id, version->image_name) : json_null(), "version",
                           json_time_or_null(version ? version->number : 0), "users", users_json(lookup, desktop),
                           "maintenance", desktop->maintenance, "generation", (json_int_t)desktop->generation,
                           "observed_generation", (json_int_t)desktop->observed_generation, "error",
                           json_text_or_null(desktop->error), "created_ms", (json_int_t)desktop->created_ms,
                           "updated_ms", (json_int_t)desktop->updated_ms);
    json_object_update(value, more);
    json_object_set_new(value, "machine", machine_json(desktop));
    json_object_set_new(value, "seat_of", json_ref(desktop->seat_of, desktop->seat_of_name));
    json_object_set_new(value, "seats", json_integer(desktop->seats));
    json_object_set_new(value, "seats_taken", json_integer(desktop->seats ? desktop->seats_taken : 0));
    json_decref(more);
    return value;
}

Json *desktop_one_json(Store *store, StoreDesktop *desktop, GError **error)
{
    g_auto(Lookup) lookup = {0};
    StoreSessionFilter filter = {.desktop_id = desktop->id};
    if (!lookup_open(&lookup, store, &filter, error))
        return NULL;
    g_autoptr(GPtrArray) one = g_ptr_array_new();
    g_ptr_array_add(one, desktop);
    return lookup_users(&lookup, one, error) ? desktop_json(&lookup, desktop, error) : NULL;
}

static bool desktop_answer(Call *call, const char *id, GError **error)
{
    g_autoptr(StoreDesktop) desktop = store_desktop_find(call->service->store, id, error);
    Json *value = desktop ? desktop_one_json(call->service->store, desktop, error) : NULL;
    if (!value)
        return false;
    call_etag(call, desktop->version);
    reply_json(call->reply, 200, value);
    return true;
}

bool desktops_get(Call *call, GError **error)
{
    StorePage page;
    StoreObserved observed;
    g_autofree char *next = NULL, *pool_id = NULL, *user_id = NULL;
    g_auto(Lookup) lookup = {0};
    const char *state = request_query(call->request, "state");
    if (!call_page(call, &page, error) || !call_query_pool(call, &pool_id, error) ||
        !call_query_user(call, &user_id, error))
        return false;
    if (state && !store_observed_parse(state, &observed))
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "state: \"%s\" is none of absent, starting, running, stopping, stopped, failed",
                          state);
    StoreDesktopFilter filter = {.pool_id = pool_id, .user_id = user_id, .observed = state};
    if (!call_search(call, &filter.search, error))
        return false;
    StoreSessionFilter sessions = {.pool_id = pool_id};
    if (!call_helper(call, &filter.helper_id, error))
        return false;
    g_autoptr(GPtrArray) desktops = store_desktop_list(call->service->store, &filter, &page, &next, error);
    if (!desktops || !lookup_open(&lookup, call->service->store, &sessions, error) ||
        !lookup_users(&lookup, desktops, error))
        return false;
    g_autoptr(Json) items = json_array();
    for (unsigned i = 0; i < desktops->len; i++) {
        Json *item = desktop_json(&lookup, desktops->pdata[i], error);
        if (!item)
            return false;
        json_array_append_new(items, item);
    }
    call_reply_page(call, g_steal_pointer(&items), next);
    return true;
}

bool desktop_get(Call *call, GError **error)
{
    g_autoptr(StoreDesktop) desktop = desktop_for(call, error);
    return desktop && desktop_answer(call, desktop->id, error);
}

/* ---- the buttons ---- */

static bool in_session(Call *call, const StoreDesktop *desktop, GError **error)
{
    if (desktop->seats && desktop->seats_taken > 0)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT,
                          "desktop \"%s\": %" G_GINT64_FORMAT " of its seats are in use; end those sessions, or use force=true",
                          desktop->name, desktop->seats_taken),
               true;
    g_autoptr(GError) problem = NULL;
    g_autoptr(StoreSession) session = store_session_of_desktop(call->service->store, desktop->id, &problem);
    if (session)
        oriel_fail(error, ORIEL_ERROR_CONFLICT,
                   "desktop \"%s\": %s has a session there; end it, or use force=true", desktop->name,
                   session->user_name ? session->user_name : "somebody");
    else if (oriel_error_kind(problem) != ORIEL_ERROR_NOT_FOUND)
        g_propagate_error(error, g_steal_pointer(&problem));
    else
        return false;
    return true;
}

bool desktop_delete(Call *call, GError **error)
{
    bool force = false;
    g_autoptr(StoreDesktop) desktop = desktop_for(call, error);
    if (!desktop || !call_match(call, desktop->version, error) || !call_flag(call, "force", &force, error) ||
        (!force && in_session(call, desktop, error)) ||
        !host_desktop_delete(call->service->host, desktop->id, &call->actor, error))
        return false;
    reply_empty(call->reply);
    return true;
}

typedef bool (*DesktopAct)(Host *host, const char *desktop_id, const StoreActor *actor, GError **error);

static bool desktop_act(Call *call, DesktopAct act, GError **error)
{
    g_autoptr(StoreDesktop) desktop = desktop_for(call, error);
    return desktop && act(call->service->host, desktop->id, &call->actor, error) &&
           desktop_answer(call, desktop->id, error);
}

bool desktop_start_post(Call *call, GError **error)
{
    return desktop_act(call, host_desktop_start, error);
}

bool desktop_stop_post(Call *call, GError **error)
{
    bool force = false;
    g_autoptr(StoreDesktop) desktop = desktop_for(call, error);
    return desktop && call_flag(call, "force", &force, error) &&
           host_desktop_stop(call->service->host, desktop->id, force, &call->actor, error) &&
           desktop_answer(call, desktop->id, error);
}

bool desktop_reset_post(Call *call, GError **error)
{
    return desktop_act(call, host_desktop_reset, error);
}

bool desktop_restart_post(Call *call, GError **error)
{
    g_autoptr(StoreDesktop) desktop = desktop_for(call, error);
    g_autofree char *job_id = desktop ? host_desktop_restart(call->service->host, desktop->id, &call->actor, error) : NULL;
    return job_id && call_reply_job(call, job_id, error);
}

bool desktop_refresh_post(Call *call, GError **error)
{
    return desktop_act(call, host_desktop_refresh, error);
}

bool desktop_release_post(Call *call, GError **error)
{
    return desktop_act(call, host_desktop_release, error);
}

bool desktop_assign_post(Call *call, GError **error)
{
    const char *name = NULL;
    if (!json_read(call->body, "request body", error, "{s:s}", "user", &name))
        return false;
    g_autoptr(StoreDesktop) desktop = desktop_for(call, error);
    g_autoptr(StoreUser) user = desktop ? store_user_find(call->service->store, name, error) : NULL;
    return user && host_desktop_assign(call->service->host, desktop->id, user->id, &call->actor, error) &&
           desktop_answer(call, desktop->id, error);
}

bool desktop_unassign_post(Call *call, GError **error)
{
    const char *name = NULL;
    if (!json_read(call->body, "request body", error, "{s:s}", "user", &name))
        return false;
    g_autoptr(StoreDesktop) desktop = desktop_for(call, error);
    g_autoptr(StoreUser) user = desktop ? store_user_find(call->service->store, name, error) : NULL;
    return user && host_desktop_unassign(call->service->host, desktop->id, user->id, &call->actor, error) &&
           desktop_answer(call, desktop->id, error);
}

bool desktop_patch(Call *call, GError **error)
{
    static const char *const keys[] = {"maintenance", NULL};
    g_autoptr(StoreDesktop) desktop = desktop_for(call, error);
    bool maintenance = desktop ? desktop->maintenance : false;
    return desktop && call_match(call, desktop->version, error) && json_only(call->body, keys, error) &&
           json_take_flag(call->body, "maintenance", &maintenance, error) &&
           host_desktop_set_maintenance(call->service->host, desktop->id, maintenance, &call->actor, error) &&
           desktop_answer(call, desktop->id, error);
}

bool desktop_in_use_by_other(Call *call, const StoreDesktop *desktop, bool *ret, GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(StoreSession) session = store_session_of_desktop(call->service->store, desktop->id, &problem);
    *ret = session && !call_is(call, session->user_id);
    if (session || oriel_error_kind(problem) == ORIEL_ERROR_NOT_FOUND)
        return true;
    g_propagate_error(error, g_steal_pointer(&problem));
    return false;
}

/* One of those who have it, and what it shows is no other's of them. */
static bool is_theirs(Call *call, const StoreDesktop *desktop, bool *ret, GError **error)
{
    bool in_use = false, has = call_is(call, desktop->user_id);
    *ret = false;
    if (!call->caller->user_id)
        return true;
    g_autoptr(GPtrArray) all = store_assignment_list(call->service->store, desktop->id, desktop->id, error);
    for (unsigned i = 0; all && i < all->len; i++)
        has = has || call_is(call, ((StoreAssignment *)all->pdata[i])->user_id);
    if (!all || (has && !desktop_in_use_by_other(call, desktop, &in_use, error)))
        return false;
    *ret = has && !in_use;
    return true;
}

/* A help desk sees that somebody works, and on what; to read along needs the person's leave (shadows.c). */
static bool demand_small(const Call *call, const StoreDesktop *desktop, bool theirs, uint64_t width, GError **error)
{
    return width <= THUMBNAIL_WIDTH_DEFAULT || theirs || call_allows(call, PERMISSION_CONNECT_FOR_OTHERS) ||
           oriel_fail(error, ORIEL_ERROR_FORBIDDEN,
                      "desktop \"%s\": for a help desk its picture is at most %d pixels wide; ask its person to look on", desktop->name,
                      THUMBNAIL_WIDTH_DEFAULT);
}

bool desktop_thumbnail_get(Call *call, GError **error)
{
    const char *text = request_query(call->request, "width");
    uint64_t width = THUMBNAIL_WIDTH_DEFAULT;
    if (text && !number_parse(text, THUMBNAIL_WIDTH_LEAST, THUMBNAIL_WIDTH_MOST, "width", &width, error))
        return false;
    g_autoptr(GError) problem = NULL;
    g_autoptr(StoreDesktop) desktop = desktop_for(call, &problem);
    bool theirs = false;
    if (desktop && !is_theirs(call, desktop, &theirs, error))
        return false;
    if (!call_allows(call, PERMISSION_DESKTOP_READ) && !theirs)
        return call_demand(call, PERMISSION_DESKTOP_READ, error); /* the same whether it exists or not */
    if (!desktop) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return false;
    }
    if (!demand_small(call, desktop, theirs, width, error))
        return false;
    g_autoptr(GBytes) picture =
        host_desktop_thumbnail(call->service->host, desktop->id, (unsigned)width, error);
    if (!picture)
        return false;
    reply_bytes(call->reply, "image/png", picture);
    return true;
}
