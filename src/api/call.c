#include "api/call.h"

#include <string.h>

#include "base/limits.h"
#include "base/number.h"
#include "store/help.h"
#include "store/pool.h"
#include "store/user.h"

bool call_allows(const Call *call, Permission permission)
{
    return call->caller && caller_allows(call->caller, permission, request_reads(call->request));
}

bool call_demand(const Call *call, Permission permission, GError **error)
{
    if (call_allows(call, permission))
        return true;
    if (call->caller && call->caller->scopes == SCOPE_ENROL)
        return oriel_fail(error, ORIEL_ERROR_FORBIDDEN,
                          "set up your second factor first: your role demands one before anything else");
    if (call->caller && identity_allows(call->caller->roles, permission)) {
        g_autofree char *scopes = scopes_format(call->caller->scopes);
        return oriel_fail(error, ORIEL_ERROR_FORBIDDEN,
                          "this needs the permission \"%s\", which the scopes of this %s (%s) do not give",
                          permission_word(permission), call->caller->means == CALLER_TOKEN ? "token" : "login", scopes);
    }
    return oriel_fail(error, ORIEL_ERROR_FORBIDDEN,
                      "this needs the permission \"%s\", which your roles do not give",
                      permission_word(permission));
}

bool call_demand_pool(const Call *call, const char *pool_id, GError **error)
{
    return !call->caller->kiosk_pool_id || g_strcmp0(call->caller->kiosk_pool_id, pool_id) == 0 ||
           oriel_fail(error, ORIEL_ERROR_FORBIDDEN, "this kiosk is for the pool \"%s\" alone", call->caller->kiosk_pool_name);
}

bool call_is(const Call *call, const char *user_id)
{
    return user_id && call->caller && g_strcmp0(call->caller->user_id, user_id) == 0;
}

bool call_page(const Call *call, StorePage *ret, GError **error)
{
    const char *limit = request_query(call->request, "limit");
    uint64_t number = LIMIT_PAGE_DEFAULT;
    if (limit && !number_parse(limit, 1, LIMIT_PAGE, "limit", &number, error))
        return false;
    *ret = (StorePage){.limit = (unsigned)number, .after = request_query(call->request, "after")};
    return true;
}

bool call_flag(const Call *call, const char *name, bool *ret, GError **error)
{
    const char *text = request_query(call->request, name);
    *ret = text && strcmp(text, "true") == 0;
    if (text && !*ret && strcmp(text, "false") != 0)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "%s: \"%s\" is neither true nor false", name, text);
    return true;
}

bool call_search(const Call *call, const char **ret, GError **error)
{
    *ret = request_query(call->request, "search");
    return !*ret || strlen(*ret) <= LIMIT_TEXT || oriel_fail(error, ORIEL_ERROR_INVALID, "search: at most %d bytes", LIMIT_TEXT);
}

bool call_if_match(const Call *call, int64_t *ret_version, GError **error)
{
    const char *text = request_header(call->request, "if-match");
    *ret_version = 0;
    if (!text || strcmp(text, "*") == 0)
        return true;
    size_t length = strlen(text);
    uint64_t number = 0;
    g_autofree char *digits = length > 2 ? g_strndup(text + 1, length - 2) : NULL;
    if (!digits || text[0] != '"' || text[length - 1] != '"' ||
        !number_parse(digits, 1, G_MAXINT64, "If-Match", &number, NULL))
        return oriel_fail(error, ORIEL_ERROR_STALE, "If-Match: %s is no ETag of this object: read it again",
                          text);
    *ret_version = (int64_t)number;
    return true;
}

bool call_helper(const Call *call, const char **ret, GError **error)
{
    bool limited = false;
    const char *user_id = call->caller->user_id;
    *ret = NULL;
    if (!user_id || call_allows(call, PERMISSION_POOL_READ)) /* operators and administrators see all */
        return true;
    if (!store_helper_is_limited(call->service->store, user_id, &limited, error))
        return false;
    *ret = limited ? user_id : NULL;
    return true;
}

bool call_may_help(const Call *call, const char *person_id, const char *kind, const char *name, GError **error)
{
    const char *helper = NULL;
    bool helps = false;
    if (!call_helper(call, &helper, error))
        return false;
    if (!helper)
        return true;
    if (person_id && !store_helper_helps(call->service->store, helper, person_id, &helps, error))
        return false;
    return helps || oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "there is no %s \"%s\"", kind, name);
}

bool call_match(const Call *call, int64_t version, GError **error)
{
    int64_t wanted = 0;
    if (!call_if_match(call, &wanted, error))
        return false;
    if (wanted && wanted != version)
        return oriel_fail(error, ORIEL_ERROR_STALE, "it was changed since you read it: read it again");
    return true;
}

bool call_query_pool(const Call *call, char **ret, GError **error)
{
    const char *name = request_query(call->request, "pool");
    *ret = NULL;
    if (!name)
        return true;
    g_autoptr(StorePool) pool = store_pool_find(call->service->store, name, error);
    if (pool)
        *ret = g_strdup(pool->id);
    return pool != NULL;
}

bool call_query_user(const Call *call, char **ret, GError **error)
{
    const char *name = request_query(call->request, "user");
    *ret = NULL;
    if (!name)
        return true;
    g_autoptr(StoreUser) user = store_user_find(call->service->store, name, error);
    if (user)
        *ret = g_strdup(user->id);
    return user != NULL;
}

void call_reply_page(Call *call, Json *items, const char *next)
{
    reply_json(call->reply, 200, json_pack("{s:o, s:s?}", "items", items, "next", next));
}

void call_etag(Call *call, int64_t version)
{
    g_autofree char *tag = g_strdup_printf("\"%" G_GINT64_FORMAT "\"", version);
    reply_header(call->reply, "ETag", tag);
}

void call_reply_created(Call *call, const char *collection, const char *id, int64_t version, Json *value)
{
    g_autofree char *location = g_strdup_printf("/api/v1/%s/%s", collection, id);
    reply_header(call->reply, "Location", location);
    if (version)
        call_etag(call, version);
    reply_json(call->reply, 201, value);
}

Json *json_ref(const char *id, const char *name)
{
    return id && *id ? json_pack("{s:s, s:s}", "id", id, "name", name ? name : "") : json_null();
}

Json *json_text_or_null(const char *text)
{
    return text && *text ? json_string(text) : json_null();
}

Json *json_time_or_null(int64_t time_ms)
{
    return time_ms ? json_integer(time_ms) : json_null();
}

Json *json_object_of(const char *kind, const char *id, const char *name)
{
    if (!kind || !*kind)
        return json_null();
    return json_pack("{s:s, s:o, s:o}", "kind", kind, "id", json_text_or_null(id), "name",
                     json_text_or_null(name));
}

bool json_take_text(Json *object, const char *key, const char **ret, GError **error)
{
    Json *value = json_object_get(object, key);
    *ret = NULL;
    if (!value)
        return true;
    if (!json_is_string(value))
        return oriel_fail(error, ORIEL_ERROR_INVALID, "request body: \"%s\" must be a string", key);
    if (json_string_length(value) != strlen(json_string_value(value)))
        return oriel_fail(error, ORIEL_ERROR_INVALID, "request body: \"%s\" contains a NUL character", key);
    if (json_string_length(value) > LIMIT_TEXT)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "request body: \"%s\" is longer than %d bytes", key,
                          LIMIT_TEXT);
    *ret = json_string_value(value);
    return true;
}

bool json_take_flag(Json *object, const char *key, bool *ret, GError **error)
{
    Json *value = json_object_get(object, key);
    if (!value)
        return true;
    if (!json_is_boolean(value))
        return oriel_fail(error, ORIEL_ERROR_INVALID, "request body: \"%s\" must be true or false", key);
    *ret = json_is_true(value);
    return true;
}

bool json_take_number(Json *object, const NumberField *field, uint64_t *ret, GError **error)
{
    Json *value = json_object_get(object, field->key);
    if (!value || json_is_null(value))
        return true;
    json_int_t number = json_is_integer(value) ? json_integer_value(value) : -1;
    if (number < 0 || (uint64_t)number < field->lowest || (uint64_t)number > field->highest)
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "request body: \"%s\" must be a whole number from %" G_GUINT64_FORMAT
                          " to %" G_GUINT64_FORMAT,
                          field->key, field->lowest, field->highest);
    *ret = (uint64_t)number;
    return true;
}

bool json_only(Json *object, const char *const *keys, GError **error)
{
    const char *key;
    Json *value;
    json_object_foreach (object, key, value) {
        if (g_strv_contains(keys, key))
            continue;
        g_autofree char *allowed = g_strjoinv(", ", (char **)keys);
        return oriel_fail(error, ORIEL_ERROR_INVALID, "request body: unknown field \"%s\"; allowed: %s", key,
                          allowed);
    }
    return true;
}
