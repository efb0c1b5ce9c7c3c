/* Users. */
#include <string.h>

#include "api/resource.h"
#include "base/secret.h"
#include "store/user.h"

static Json *groups_of(Store *store, const char *user_id, GError **error)
{
    g_autoptr(GPtrArray) groups = store_user_groups(store, user_id, error);
    if (!groups)
        return NULL;
    Json *array = json_array();
    for (unsigned i = 0; i < groups->len; i++) {
        const StoreGroup *group = groups->pdata[i];
        json_array_append_new(array, json_ref(group->id, group->name));
    }
    return array;
}

static Json *user_json(Store *store, const StoreUser *user, GError **error)
{
    Roles roles = 0;
    Json *groups = groups_of(store, user->id, error);
    if (!groups || !roles_parse(user->roles, &roles, error)) {
        json_decref(groups);
        return NULL;
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:b, s:b, s:b, s:o, s:o, s:I, s:I, s:o}", "id", user->id, "name",
                     user->name, "display_name", user->display_name, "email", user->email, "roles",
                     roles_json(roles), "enabled", user->enabled, "password_set", user->has_password, "totp", user->has_totp,
                     "groups", groups, "directory", json_ref(user->directory_id, user->directory_name), "created_ms", (json_int_t)user->created_ms, "updated_ms",
                     (json_int_t)user->updated_ms, "last_login_ms", json_time_or_null(user->last_login_ms));
}

static bool user_answer(Call *call, const StoreUser *user, GError **error)
{
    Json *value = user_json(call->service->store, user, error);
    if (!value)
        return false;
    call_etag(call, user->version);
    reply_json(call->reply, 200, value);
    return true;
}

bool users_get(Call *call, GError **error)
{
    StorePage page;
    g_autofree char *next = NULL;
    const char *search;
    if (!call_page(call, &page, error) || !call_search(call, &search, error))
        return false;
    g_autoptr(GPtrArray) users = store_user_search(call->service->store, search, &page, &next, error);
    if (!users)
        return false;
    g_autoptr(Json) items = json_array();
    for (unsigned i = 0; i < users->len; i++) {
        Json *item = user_json(call->service->store, users->pdata[i], error);
        if (!item)
            return false;
        json_array_append_new(items, item);
    }
    call_reply_page(call, g_steal_pointer(&items), next);
    return true;
}

bool user_get(Call *call, GError **error)
{
    g_autoptr(StoreUser) user = store_user_find(call->service->store, call->parameters[0], error);
    return user && user_answer(call, user, error);
}

/* Fields that creating and changing share; what is absent stays. */
static bool fields_read(Json *body, StoreUser *user, GError **error)
{
    const char *display_name, *email;
    Json *roles = json_object_get(body, "roles");
    Roles set = 0;
    if (!json_take_text(body, "display_name", &display_name, error) ||
        !json_take_text(body, "email", &email, error) ||
        !json_take_flag(body, "enabled", &user->enabled, error) || (roles && !roles_read(roles, &set, error)))
        return false;
    if (display_name)
        store_set(&user->display_name, display_name);
    if (email)
        store_set(&user->email, email);
    if (roles) {
        g_free(user->roles);
        user->roles = roles_format(set);
    }
    return true;
}

/* NULL: none is given. */
static bool password_read(Json *body, const char **ret, GError **error)
{
    Json *password = json_object_get(body, "password");
    *ret = json_string_value(password);
    return !password || *ret || oriel_fail(error, ORIEL_ERROR_INVALID, "request body: \"password\" must be a text");
}

bool users_post(Call *call, GError **error)
{
    static const char *const keys[] = {"name", "display_name", "email", "roles", "password", NULL};
    const Service *service = call->service;
    const char *name = NULL, *password = NULL;
    StoreUser fields = {
        .enabled = true, .display_name = g_strdup(""), .email = g_strdup(""), .roles = g_strdup("user")};
    bool done = json_only(call->body, keys, error) && json_take_text(call->body, "name", &name, error) &&
                fields_read(call->body, &fields, error) && password_read(call->body, &password, error);
    fields.name = (char *)name;
    g_autoptr(StoreUser) user =
        done ? identity_user_new(service->identity, &call->actor, &fields, password, error) : NULL;
    g_free(fields.display_name);
    g_free(fields.email);
    g_free(fields.roles);
    if (!user)
        return false;
    Json *value = user_json(service->store, user, error);
    if (value)
        call_reply_created(call, "users", user->id, user->version, value);
    return value != NULL;
}

/* Also where the user was disabled before: the disconnect may have failed or been cut short then. */
static bool pictures_end(Call *call, const StoreUser *user, GError **error)
{
    StoreSessionFilter filter = {.user_id = user->id};
    g_autoptr(GPtrArray) sessions = store_session_list(call->service->store, &filter, NULL, NULL, error);
    bool done = sessions != NULL;
    for (unsigned i = 0; done && i < sessions->len; i++) {
        const StoreSession *session = sessions->pdata[i];
        done = host_session_disconnect(call->service->host, session->id, &call->actor, error);
    }
    return done;
}

bool user_patch(Call *call, GError **error)
{
    static const char *const keys[] = {"display_name", "email", "roles", "enabled", NULL};
    g_autoptr(StoreUser) user = store_user_find(call->service->store, call->parameters[0], error);
    return user && call_match(call, user->version, error) && json_only(call->body, keys, error) &&
           fields_read(call->body, user, error) &&
           store_user_update(call->service->store, &call->actor, user, error) &&
           (user->enabled || pictures_end(call, user, error)) &&
           user_answer(call, user, error);
}

bool user_delete(Call *call, GError **error)
{
    int64_t version = 0;
    g_autoptr(StoreUser) user = store_user_find(call->service->store, call->parameters[0], error);
    if (!user || !call_if_match(call, &version, error) ||
        !store_user_delete(call->service->store, &call->actor, user->id, version, error))
        return false;
    reply_empty(call->reply);
    return true;
}

/* The user that is meant, where that is the caller or the caller may change others. To others it does not
 * show whether a name exists. */
bool user_password_put(Call *call, GError **error)
{
    const char *wanted = call->parameters[0];
    bool own = call_is(call, wanted) || (call->caller->user_id && strcmp(call->caller->name, wanted) == 0);
    const char *password = NULL, *current = NULL;
    if (!own && !call_demand(call, PERMISSION_USER_WRITE, error))
        return false;
    if (!json_read(call->body, "request body", error, "{s:s, s?s}", "password", &password, "current",
                   &current))
        return false;
    if (own && !current)
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "request body: \"current\" is needed for your own password");
    g_autoptr(StoreUser) user = store_user_find(call->service->store, wanted, error);
    if (!user)
        return false;
    PasswordChange change = {
        .user_id = user->id,
        .current = own ? current : NULL,
        .password = password,
        .keep_session_id = own ? call->caller->session_id : NULL,
    };
    if (!identity_set_password(call->service->identity, &call->actor, &change, error))
        return false;
    reply_empty(call->reply);
    return true;
}

bool user_link_post(Call *call, GError **error)
{
    int64_t expires_ms = 0;
    g_autoptr(StoreUser) user = store_user_find(call->service->store, call->parameters[0], error);
    if (!user)
        return false;
    g_autoptr(SecretString) token =
        identity_link_new(call->service->identity, &call->actor, user->id, &expires_ms, error);
    if (!token)
        return false;
    setup_link_forget(call->service, user->name);
    g_autofree char *url = g_strdup_printf("%s/#/setup/%s", call->service->public_url, token);
    reply_json(call->reply, 200, json_pack("{s:s, s:I}", "url", url, "expires_ms", (json_int_t)expires_ms));
    explicit_bzero(url, strlen(url));
    return true;
}
