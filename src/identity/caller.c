#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "identity/internal.h"
#include "identity/recheck.h"

#define TOUCH_MS (60 * 1000LL)

void caller_free(Caller *caller)
{
    if (!caller)
        return;
    g_free(caller->user_id);
    g_free(caller->name);
    g_free(caller->display_name);
    g_free(caller->session_id);
    secret_free(caller->csrf);
    g_free(caller->token_id);
    g_free(caller->kiosk_pool_id);
    g_free(caller->kiosk_pool_name);
    g_free(caller->directory_id);
    g_free(caller->directory_name);
    g_free(caller);
}

void caller_kiosk_set(Caller *caller, const char *pool_id, const char *pool_name)
{
    caller->kiosk_pool_id = g_strdup(pool_id);
    caller->kiosk_pool_name = g_strdup(pool_name);
}

bool caller_allows(const Caller *caller, Permission permission, bool reads)
{
    return identity_allows(caller->roles, permission) && scopes_allow(caller->scopes, permission, reads);
}

Caller *identity_local(void)
{
    Caller *caller = g_new0(Caller, 1);
    caller->means = CALLER_LOCAL;
    caller->name = g_strdup("local administrator");
    caller->display_name = g_strdup("Local administrator");
    caller->roles = ROLE_ADMIN;
    caller->scopes = SCOPES_ALL;
    return caller;
}

Caller *caller_of(const StoreUser *user, CallerMeans means, GError **error)
{
    Roles roles = 0;
    if (!roles_parse(user->roles, &roles, error))
        return NULL;
    Caller *caller = g_new0(Caller, 1);
    caller->means = means;
    caller->user_id = g_strdup(user->id);
    caller->name = g_strdup(user->name);
    caller->display_name = g_strdup(user->display_name);
    caller->roles = roles;
    caller->directory_id = g_strdup(user->directory_id);
    caller->directory_name = g_strdup(user->directory_name);
    return caller;
}

/* What is not there is "who are you?" here; other failures stay what they are. */
static void fail_unknown(GError *failure, GError **error)
{
    if (failure && oriel_error_kind(failure) != ORIEL_ERROR_NOT_FOUND) {
        g_propagate_error(error, failure);
        return;
    }
    g_clear_error(&failure);
    oriel_fail(error, ORIEL_ERROR_UNAUTHENTICATED,
               "log in first: the session or token is unknown or has expired");
}

static Caller *enabled_user(Identity *identity, const char *user_id, CallerMeans means, GError **error)
{
    GError *failure = NULL;
    g_autoptr(StoreUser) user = store_user_find(identity->store, user_id, &failure);
    if (user && user->may_log_in) {
        recheck_note(identity, user);
        return caller_of(user, means, error);
    }
    fail_unknown(failure, error);
    return NULL;
}

static bool is_current(const StoreWebSession *session, int64_t now_ms)
{
    return session->expires_ms > now_ms && session->seen_ms + IDENTITY_IDLE_MS > now_ms;
}

Caller *identity_by_cookie(Identity *identity, const char *cookie, GError **error)
{
    g_autofree char *hash = secret_token_hash(cookie);
    GError *failure = NULL;
    int64_t now_ms = clock_utc_ms();
    g_autoptr(StoreWebSession) session = store_web_session_get(identity->store, hash, &failure);
    if (!session || !is_current(session, now_ms)) {
        fail_unknown(failure, error);
        return NULL;
    }
    g_autoptr(Caller) caller = enabled_user(identity, session->user_id, CALLER_COOKIE, error);
    if (!caller)
        return NULL;
    if (!scopes_parse(session->scopes, &caller->scopes, error))
        return NULL;
    if ((caller->scopes == SCOPE_KIOSK) != (session->pool_id != NULL)) { /* the kiosk is gone */
        fail_unknown(NULL, error);
        return NULL;
    }
    caller_kiosk_set(caller, session->pool_id, session->pool_name);
    caller->session_id = g_strdup(session->id);
    caller->proved_ms = session->pool_id ? 0 : session->proved_ms;
    caller->csrf = g_strdup(session->csrf);
    /* Not noting it is no reason to refuse a call that only reads. */
    if (session->seen_ms + TOUCH_MS < now_ms)
        store_web_session_touch(identity->store, session->id, now_ms, NULL);
    return g_steal_pointer(&caller);
}

Caller *identity_by_token(Identity *identity, const char *token, GError **error)
{
    g_autofree char *hash = secret_token_hash(token);
    GError *failure = NULL;
    int64_t now_ms = clock_utc_ms();
    g_autoptr(StoreToken) row = store_token_by_hash(identity->store, hash, now_ms, &failure);
    if (!row) {
        fail_unknown(failure, error);
        return NULL;
    }
    g_autoptr(Caller) caller = enabled_user(identity, row->user_id, CALLER_TOKEN, error);
    if (!caller)
        return NULL;
    if (!scopes_parse(row->scopes, &caller->scopes, error))
        return NULL;
    caller->token_id = g_strdup(row->id);
    if (row->used_ms + TOUCH_MS < now_ms)
        store_token_touch(identity->store, row->id, now_ms, NULL);
    return g_steal_pointer(&caller);
}

bool identity_csrf_matches(const Caller *caller, const char *header)
{
    return caller->means != CALLER_COOKIE || secret_equal(caller->csrf, header);
}
