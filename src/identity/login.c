#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/secret.h"
#include "identity/directory_ask.h"
#include "identity/internal.h"
#include "store/event.h"

enum { AGENT_MOST = 200 }; /* bytes of a User-Agent that are kept */

void login_free(Login *login)
{
    if (!login)
        return;
    caller_free(login->caller);
    secret_free(login->cookie);
    secret_free(login->half);
    g_free(login);
}

static char *kept_agent(const char *agent)
{
    g_autofree char *cut = g_strndup(agent ? agent : "", AGENT_MOST);
    return g_utf8_make_valid(cut, -1);
}

Login *login_open(Identity *identity, const StoreUser *user, const LoginMeans *means, GError **error)
{
    g_autoptr(Login) login = g_new0(Login, 1);
    login->caller = caller_of(user, CALLER_COOKIE, error);
    if (!login->caller)
        return NULL;
    login->caller->scopes = means->scopes;
    login->cookie = secret_token_new();
    login->caller->csrf = secret_token_new();
    login->expires_ms = clock_utc_ms() + IDENTITY_SESSION_MS;
    g_autofree char *hash = secret_token_hash(login->cookie);
    g_autofree char *agent = kept_agent(means->client->agent);
    StoreActor actor = {.user_id = user->id, .name = user->name, .address = means->client->address};
    g_autofree char *scopes = scopes_format(means->scopes);
    StoreWebSessionNew fields = {.token_hash = hash,
                                 .user_id = user->id,
                                 .csrf = login->caller->csrf,
                                 .address = means->client->address,
                                 .agent = agent,
                                 .scopes = scopes,
                                 .means = means->means,
                                 .means_id = means->means_id,
                                 .expires_ms = login->expires_ms,
                                 .proved_ms = means->proved_ms};
    g_autoptr(StoreWebSession) session = store_web_session_create(identity->store, &actor, &fields, error);
    if (!session)
        return NULL;
    login->caller->session_id = g_strdup(session->id);
    return g_steal_pointer(&login);
}

/* The user and their hash. An unknown one costs the same two questions; *ret_hash is then NULL, as for a user
 * without a password. False only where the store failed. */
static bool look_up(Identity *identity, const char *name, StoreUser **ret_user, char **ret_hash,
                    GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(StoreUser) user = store_user_find(identity->store, name, &failure);
    if (!user && oriel_error_kind(failure) != ORIEL_ERROR_NOT_FOUND) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return false;
    }
    g_clear_error(&failure);
    char *hash = store_password_get(identity->store, user ? user->id : "", &failure);
    if (failure && oriel_error_kind(failure) != ORIEL_ERROR_NOT_FOUND) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return false;
    }
    *ret_user = g_steal_pointer(&user);
    *ret_hash = hash;
    return true;
}

typedef struct {
    const ClientInfo *client;
    const GError *silence; /* a directory that may know better does not answer; NULL: all did */
    const char *why;       /* for the audit trail; NULL likewise */
} Refusal;

/* A name that nobody has is not written down: people type their password there. */
static bool refuse(Identity *identity, const StoreUser *user, const Refusal *refusal, GError **error)
{
    const ClientInfo *client = refusal->client;
    OrielErrorKind kind = refusal->silence ? oriel_error_kind(refusal->silence) : ORIEL_ERROR_UNAUTHENTICATED;
    g_autoptr(Json) reason = json_pack("{s:s?}", "why", refusal->why);
    g_autofree char *detail = refusal->why ? json_text(reason) : NULL;
    StoreActor actor = {.name = user ? user->name : "unknown", .address = client->address};
    StoreEventNew event = {.action = "login",
                           .object_kind = user ? "user" : NULL,
                           .object_id = user ? user->id : NULL,
                           .object_name = user ? user->name : NULL,
                           .result = oriel_error_info(kind)->type,
                           .detail = detail};
    if (!attempt_failed(identity, client->address, error) ||
        !store_event_add(identity->store, &actor, &event, error))
        return false;
    if (refusal->silence) {
        g_propagate_error(error, g_error_copy(refusal->silence));
        return false;
    }
    return oriel_fail(error, ORIEL_ERROR_UNAUTHENTICATED, "log in: the name or the password is wrong");
}

Login *identity_login(Identity *identity, const char *name, const char *password, const ClientInfo *client,
                      GError **error)
{
    if (strlen(password) > LIMIT_PASSWORD || strlen(name) > LIMIT_PASSWORD) {
        oriel_fail(error, ORIEL_ERROR_INVALID, "log in: name and password must have at most %d bytes",
                   LIMIT_PASSWORD);
        return NULL;
    }
    g_autofree char *valid = g_utf8_make_valid(name, -1);
    g_autofree char *lower = g_ascii_strdown(g_strstrip(valid), -1);
    g_autoptr(StoreUser) user = NULL;
    g_autofree char *hash = NULL;
    bool matches = false;
    if (!attempt_begin(identity, lower, client->address, error) ||
        !look_up(identity, lower, &user, &hash, error) ||
        !hash_verify(identity, hash, password, &matches, error))
        return NULL;
    g_auto(DirectoryAnswer) answer = {0};
    DirectoryLogin elsewhere = {lower, password, user};
    bool local = matches && user->may_log_in;
    if (!local && !directories_login(identity, &elsewhere, &answer, error))
        return NULL;
    if (!local && !answer.user) {
        refuse(identity, user, &(Refusal){client, answer.silence, answer.why}, error);
        return NULL;
    }
    const StoreUser *who = local ? user : answer.user;
    return attempt_succeeded(identity, lower, error) ? login_finish(identity, who, client, error) : NULL;
}

bool identity_logout(Identity *identity, const Caller *caller, const char *address, GError **error)
{
    if (!caller->session_id)
        return true;
    StoreActor actor = {.user_id = caller->user_id, .name = caller->name, .address = address};
    return store_web_session_delete(identity->store, &actor, caller->session_id, error);
}
