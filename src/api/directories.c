/* Directories: where people come from besides Oriel. Their secrets come in and never go out. */
#include "api/resource.h"

#include <string.h>

#include "base/id.h"
#include "base/limits.h"
#include "identity/directory.h"

enum { POSITION_MOST = 1000000 };

static Json *directory_json(const StoreDirectory *directory)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:b, s:o, s:b, s:I, s:I, s:I, s:I}", "id", directory->id, "name",
                     directory->name, "display_name", directory->display_name, "kind",
                     store_directory_kind_word(directory->kind), "position", (json_int_t)directory->position, "enabled",
                     directory->enabled, "settings", json_loads(directory->settings, 0, NULL), "secret_set",
                     directory->sealed_secret != NULL, "users", (json_int_t)directory->users, "groups",
                     (json_int_t)directory->groups, "created_ms", (json_int_t)directory->created_ms, "updated_ms",
                     (json_int_t)directory->updated_ms);
}

static bool directory_answer(Call *call, const StoreDirectory *directory)
{
    call_etag(call, directory->version);
    reply_json(call->reply, 200, directory_json(directory));
    return true;
}

bool directories_get(Call *call, GError **error)
{
    g_autoptr(GPtrArray) directories = store_directory_list(call->service->store, error);
    if (!directories)
        return false;
    Json *items = json_array();
    for (unsigned i = 0; i < directories->len; i++)
        json_array_append_new(items, directory_json(directories->pdata[i]));
    call_reply_page(call, items, NULL);
    return true;
}

/* Whoever gets the secret from us, or vouches for who gets it. */
static bool is_elsewhere(Json *before, Json *after)
{
    static const char *const keys[] = {"servers", "certificates", "allow_plain", "issuer", NULL};
    for (size_t i = 0; keys[i]; i++) {
        Json *was = json_object_get(before, keys[i]), *is = json_object_get(after, keys[i]);
        if (was && is ? !json_equal(was, is) : was != is)
            return true;
    }
    return false;
}

static bool settings_read(Call *call, StoreDirectory *directory, GError **error)
{
    Json *settings = json_object_get(call->body, "settings");
    g_autofree char *text = NULL;
    if (!settings)
        return true;
    if (!directory_settings_check(directory->kind, settings, &text, error))
        return false;
    g_autoptr(Json) before = directory->settings ? json_loads(directory->settings, 0, NULL) : NULL;
    if (before && directory->sealed_secret && !json_object_get(call->body, "secret") && is_elsewhere(before, settings))
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "directory \"%s\": its secret would go to other servers than before; give \"secret\" again",
                          directory->name);
    store_set(&directory->settings, text);
    return true;
}

/* Absent: it stays. null: there is none any more. */
static bool secret_read(Call *call, StoreDirectory *directory, GError **error)
{
    Json *value = json_object_get(call->body, "secret");
    const char *secret = json_string_value(value);
    if (!value)
        return true;
    if (!json_is_null(value) && (!secret || !*secret || strlen(secret) > LIMIT_DIRECTORY_SECRET))
        return oriel_fail(error, ORIEL_ERROR_INVALID, "directory: \"secret\" must be a text of 1 to %d bytes, or null",
                          LIMIT_DIRECTORY_SECRET);
    g_autofree char *sealed = secret ? directory_secret_seal(directory->id, secret) : NULL;
    store_set(&directory->sealed_secret, sealed);
    return true;
}

/* Fields that creating and changing share; what is absent stays. */
static bool fields_read(Call *call, StoreDirectory *directory, GError **error)
{
    const NumberField field = {"position", 0, POSITION_MOST};
    const char *name, *display_name;
    uint64_t position = UINT64_MAX;
    if (!json_take_text(call->body, "name", &name, error) || !json_take_text(call->body, "display_name", &display_name, error) ||
        !json_take_number(call->body, &field, &position, error) ||
        !json_take_flag(call->body, "enabled", &directory->enabled, error) || (name && !name_check(name, "directory", error)))
        return false;
    if (name)
        store_set(&directory->name, name);
    if (display_name)
        store_set(&directory->display_name, display_name);
    if (position != UINT64_MAX)
        directory->position = (int64_t)position;
    return settings_read(call, directory, error) && secret_read(call, directory, error);
}

bool directories_post(Call *call, GError **error)
{
    static const char *const keys[] = {"name", "display_name", "kind", "position", "enabled", "settings", "secret", NULL};
    const char *kind;
    g_autoptr(StoreDirectory) fields = g_new0(StoreDirectory, 1);
    fields->id = id_new();
    fields->display_name = g_strdup("");
    fields->enabled = true;
    fields->position = -1;
    if (!json_only(call->body, keys, error) || !json_take_text(call->body, "kind", &kind, error))
        return false;
    if (!kind || !store_directory_kind_parse(kind, &fields->kind))
        return oriel_fail(error, ORIEL_ERROR_INVALID, "directory: \"kind\" must be ldap or oidc");
    if (!fields_read(call, fields, error))
        return false;
    if (!fields->name || !fields->settings)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "request body: \"name\", \"kind\" and \"settings\" are needed");
    g_autoptr(StoreDirectory) directory = store_directory_create(call->service->store, &call->actor, fields, error);
    if (directory)
        call_reply_created(call, "directories", directory->id, directory->version, directory_json(directory));
    return directory != NULL;
}

bool directory_get(Call *call, GError **error)
{
    g_autoptr(StoreDirectory) directory = store_directory_find(call->service->store, call->parameters[0], error);
    return directory && directory_answer(call, directory);
}

bool directory_patch(Call *call, GError **error)
{
    static const char *const keys[] = {"name", "display_name", "position", "enabled", "settings", "secret", NULL};
    g_autoptr(StoreDirectory) directory = store_directory_find(call->service->store, call->parameters[0], error);
    return directory && call_match(call, directory->version, error) && json_only(call->body, keys, error) &&
           fields_read(call, directory, error) &&
           store_directory_update(call->service->store, &call->actor, directory, error) && directory_answer(call, directory);
}

bool directory_delete(Call *call, GError **error)
{
    int64_t version = 0;
    g_autoptr(StoreDirectory) directory = store_directory_find(call->service->store, call->parameters[0], error);
    if (!directory || !call_if_match(call, &version, error) ||
        !store_directory_delete(call->service->store, &call->actor, directory->id, version, error))
        return false;
    reply_empty(call->reply);
    return true;
}

static Json *step_json(const DirectoryStep *step)
{
    return json_pack("{s:s, s:b, s:s, s:I}", "step", step->step, "ok", step->ok, "detail", step->detail, "milliseconds",
                     (json_int_t)step->milliseconds);
}

bool directory_test_post(Call *call, GError **error)
{
    static const char *const keys[] = {"user", "password", NULL};
    const char *user = NULL, *password = NULL;
    g_autoptr(StoreDirectory) directory = store_directory_find(call->service->store, call->parameters[0], error);
    if (!directory)
        return false;
    if (call->body && (!json_only(call->body, keys, error) ||
                       !json_read(call->body, "request body", error, "{s?s, s?s}", "user", &user, "password", &password)))
        return false;
    if ((user && strlen(user) > LIMIT_PASSWORD) || (password && strlen(password) > LIMIT_PASSWORD) || (password && !user))
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "request body: \"user\" and \"password\" have at most %d bytes, and a password needs a user",
                          LIMIT_PASSWORD);
    g_autoptr(GPtrArray) steps = identity_directory_test(call->service->identity, directory, user, password, error);
    if (!steps)
        return false;
    bool good = true;
    Json *array = json_array();
    for (unsigned i = 0; i < steps->len; i++) {
        const DirectoryStep *step = steps->pdata[i];
        good = good && step->ok;
        json_array_append_new(array, step_json(step));
    }
    reply_json(call->reply, 200, json_pack("{s:b, s:o}", "ok", good, "steps", array));
    return true;
}
