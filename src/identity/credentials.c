/* Setting passwords, one-time links, API tokens. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/secret.h"
#include "identity/internal.h"

/* The user proves to be the one: guessing here is bounded as at the log-in. */
static bool check_current(Identity *identity, const StoreUser *user, const StoreActor *actor,
                          const char *current, GError **error)
{
    const char *address = actor ? actor->address : NULL;
    g_autoptr(GError) failure = NULL;
    g_autofree char *hash = store_password_get(identity->store, user->id, &failure);
    if (failure) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return false;
    }
    bool matches = false;
    if (!attempt_begin(identity, user->name, address, error) ||
        !hash_verify(identity, hash, current, &matches, error))
        return false;
    if (matches)
        return attempt_succeeded(identity, user->name, error);
    return attempt_failed(identity, address, error) &&
           oriel_fail(error, ORIEL_ERROR_FORBIDDEN, "password: the current one is wrong");
}

static bool check_own(const StoreUser *user, GError **error)
{
    return !user->directory_id ||
           oriel_fail(error, ORIEL_ERROR_CONFLICT,
                      "user \"%s\": comes from directory \"%s\"; the password is that of the directory, and is changed there",
                      user->name, user->directory_name);
}

bool identity_set_password(Identity *identity, const StoreActor *actor, const PasswordChange *change,
                           GError **error)
{
    g_autoptr(StoreUser) user = store_user_find(identity->store, change->user_id, error);
    if (!user || !check_own(user, error) || (change->current && !check_current(identity, user, actor, change->current, error)) ||
        !password_check(change->password, user->name, error))
        return false;
    g_autofree char *hash = hash_new(identity, change->password, error);
    StorePasswordNew fields = {.user_id = user->id,
                               .hash = hash,
                               .keep_session_id = change->keep_session_id,
                               .keep_tokens = change->current != NULL};
    return hash && store_password_set(identity->store, actor, &fields, error);
}

StoreUser *identity_user_new(Identity *identity, const StoreActor *actor, const StoreUser *fields,
                             const char *password, GError **error)
{
    if (!name_check(fields->name ? fields->name : "", "user", error) ||
        (password && !password_check(password, fields->name, error)))
        return NULL;
    g_autofree char *hash = password ? hash_new(identity, password, error) : NULL;
    if (password && !hash)
        return NULL;
    return store_user_create_hashed(identity->store, actor, fields, hash, error);
}

/* ---- links ---- */

char *identity_link_new(Identity *identity, const StoreActor *actor, const char *user_id,
                        int64_t *ret_expires_ms, GError **error)
{
    g_autoptr(StoreUser) user = store_user_find(identity->store, user_id, error);
    if (!user || !check_own(user, error))
        return NULL;
    g_autoptr(SecretString) token = secret_token_new();
    g_autofree char *hash = secret_token_hash(token);
    StoreLinkNew fields = {.hash = hash, .user_id = user_id, .expires_ms = clock_utc_ms() + IDENTITY_LINK_MS};
    if (!store_link_create(identity->store, actor, &fields, error))
        return NULL;
    if (ret_expires_ms)
        *ret_expires_ms = fields.expires_ms;
    return g_steal_pointer(&token);
}

/* Whom the link is for, if they may log in and the password will do. The link is not used up yet. */
static StoreUser *user_of_link(Identity *identity, const char *link_hash, const char *password,
                               GError **error)
{
    g_autofree char *user_id = store_link_user(identity->store, link_hash, clock_utc_ms(), error);
    if (!user_id)
        return NULL;
    g_autoptr(StoreUser) user = store_user_find(identity->store, user_id, error);
    if (!user)
        return NULL;
    if (!user->enabled) {
        oriel_fail(error, ORIEL_ERROR_FORBIDDEN, "user \"%s\": is disabled; ask an administrator",
                   user->name);
        return NULL;
    }
    return password_check(password, user->name, error) ? g_steal_pointer(&user) : NULL;
}

Login *identity_link_use(Identity *identity, const char *token, const char *password,
                         const ClientInfo *client, GError **error)
{
    g_autofree char *link_hash = secret_token_hash(token);
    g_autoptr(StoreUser) user = user_of_link(identity, link_hash, password, error);
    if (!user)
        return NULL;
    g_autofree char *password_hash = hash_new(identity, password, error);
    if (!password_hash)
        return NULL;
    StoreActor actor = {.address = client->address};
    StoreLinkUse use = {.link_hash = link_hash, .password_hash = password_hash, .now_ms = clock_utc_ms()};
    g_autofree char *user_id = store_link_use(identity->store, &actor, &use, error);
    if (!user_id || !attempt_succeeded(identity, user->name, error))
        return NULL;
    return login_finish(identity, user, client, error);
}

/* ---- API tokens ---- */

static bool check_token_name(const char *name, GError **error)
{
    size_t length = strlen(name);
    return (length > 0 && length <= LIMIT_NAME && g_utf8_validate(name, (gssize)length, NULL)) ||
           oriel_fail(error, ORIEL_ERROR_INVALID, "token: its name must have 1 to %d bytes of text",
                      LIMIT_NAME);
}

StoreToken *identity_token_new(Identity *identity, const Caller *caller, const TokenNew *wanted,
                               char **ret_token, GError **error)
{
    const char *owner = wanted->user_id ? wanted->user_id : caller->user_id;
    if (!owner) {
        oriel_fail(error, ORIEL_ERROR_INVALID, "token: the local administrator has none; say whose it is to be");
        return NULL;
    }
    if (!check_token_name(wanted->name, error))
        return NULL;
    if (wanted->scopes == 0 || (wanted->scopes != SCOPES_ALL && (wanted->scopes & (SCOPE_ENROL | SCOPE_KIOSK)))) {
        oriel_fail(error, ORIEL_ERROR_INVALID, "token: its scopes must be one or more of %s", SCOPES_OF_TOKENS);
        return NULL;
    }
    if (wanted->expires_ms != 0 && wanted->expires_ms <= clock_utc_ms()) {
        oriel_fail(error, ORIEL_ERROR_INVALID, "token: it would have expired already");
        return NULL;
    }
    g_autoptr(SecretString) token = secret_token_new();
    g_autofree char *hash = secret_token_hash(token);
    StoreActor actor = {.user_id = caller->user_id, .name = caller->name};
    g_autofree char *scopes = scopes_format(wanted->scopes);
    StoreTokenNew fields = {.hash = hash,
                            .user_id = owner,
                            .name = wanted->name,
                            .scopes = scopes,
                            .expires_ms = wanted->expires_ms};
    StoreToken *row = store_token_create(identity->store, &actor, &fields, error);
    if (row)
        *ret_token = g_steal_pointer(&token);
    return row;
}
