/* Homes: the user disks of people. What is in them nobody sees here. */
#include "api/resource.h"
#include "base/limits.h"
#include "store/home.h"

static Json *home_json(const StoreHome *home)
{
    return json_pack("{s:s, s:o, s:s, s:I, s:s, s:o, s:o, s:I, s:I}", "id", home->id, "user",
                     json_ref(home->user_id, home->user_name), "name", home->name, "size_bytes",
                     (json_int_t)home->size_bytes, "state", store_home_state_word(home->state), "desktop",
                     home->desktop_name ? json_ref(home->desktop_id, home->desktop_name) : json_null(), "used_ms",
                     json_time_or_null(home->used_ms), "created_ms", (json_int_t)home->created_ms, "updated_ms",
                     (json_int_t)home->updated_ms);
}

static bool home_answer(Call *call, const StoreHome *home)
{
    call_etag(call, home->version);
    reply_json(call->reply, 200, home_json(home));
    return true;
}

static StoreHome *home_of_path(Call *call, GError **error)
{
    return store_home_find(call->service->store, call->parameters[0], call->parameters[1], error);
}

bool homes_get(Call *call, GError **error)
{
    StorePage page;
    g_autofree char *next = NULL, *user_id = NULL;
    if (!call_page(call, &page, error) || !call_query_user(call, &user_id, error))
        return false;
    StoreHomeFilter filter = {.user_id = user_id, .name = request_query(call->request, "name")};
    g_autoptr(GPtrArray) homes = store_home_list(call->service->store, &filter, &page, &next, error);
    if (!homes)
        return false;
    Json *items = json_array();
    for (unsigned i = 0; i < homes->len; i++)
        json_array_append_new(items, home_json(homes->pdata[i]));
    call_reply_page(call, items, next);
    return true;
}

bool home_get(Call *call, GError **error)
{
    g_autoptr(StoreHome) home = home_of_path(call, error);
    return home && home_answer(call, home);
}

/* A disk that is plugged in grows at once, another one when it is next plugged in. */
bool home_patch(Call *call, GError **error)
{
    static const char *const keys[] = {"size_bytes", NULL};
    const NumberField field = {"size_bytes", LIMIT_HOME_LEAST, LIMIT_HOME_MOST};
    g_autoptr(StoreHome) home = home_of_path(call, error);
    StoreHomeGrow grow = {.id = home ? home->id : NULL, .size_bytes = home ? home->size_bytes : 0};
    if (!home || !call_if_match(call, &grow.expected_version, error) || !json_only(call->body, keys, error) ||
        !json_take_number(call->body, &field, &grow.size_bytes, error) ||
        !store_home_grow(call->service->store, &call->actor, &grow, error) ||
        (home->desktop_id && !host_home_grown(call->service->host, home->desktop_id, grow.size_bytes, error)))
        return false;
    g_autoptr(StoreHome) now = home_of_path(call, error);
    return now && home_answer(call, now);
}

bool home_delete(Call *call, GError **error)
{
    int64_t version = 0;
    g_autoptr(StoreHome) home = home_of_path(call, error);
    if (!home || !call_if_match(call, &version, error) ||
        !store_home_delete(call->service->store, &call->actor, home->id, version, error))
        return false;
    host_wake(call->service->host);
    reply_empty(call->reply);
    return true;
}
