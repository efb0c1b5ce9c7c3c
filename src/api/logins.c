/* Web sessions: where a person is logged in with a browser, and their end. "session" is what people have on desktops. */
#include <string.h>

#include "api/resource.h"
#include "base/clock.h"
#include "identity/browser.h"

static Json *login_json(const Call *call, const StoreWebSession *session)
{
    g_autofree char *browser = browser_name(session->agent);
    bool current = g_strcmp0(call->caller->session_id, session->id) == 0;
    int64_t idle_ms = session->seen_ms + IDENTITY_IDLE_MS;
    return json_pack("{s:s, s:o, s:b, s:o, s:o, s:s, s:o, s:I, s:I, s:I}", "id", session->id, "user",
                     json_ref(session->user_id, session->user_name), "current", current, "address",
                     json_text_or_null(session->address), "browser", json_text_or_null(browser), "means", session->means,
                     "means_name", json_text_or_null(session->means_name), "since_ms", (json_int_t)session->created_ms,
                     "seen_ms", (json_int_t)session->seen_ms, "expires_ms", (json_int_t)MIN(session->expires_ms, idle_ms));
}

/* Whose, by ?user= and ?all=: *ret_user_id NULL is everybody's. Others' need the permission. */
static bool read_whose(const Call *call, Permission permission, char **ret_user_id, GError **error)
{
    bool all = false;
    g_autofree char *user_id = NULL;
    *ret_user_id = NULL;
    if (!call_flag(call, "all", &all, error) || !call_query_user(call, &user_id, error))
        return false;
    if (all || (user_id && !call_is(call, user_id))) {
        *ret_user_id = all ? NULL : g_steal_pointer(&user_id);
        return call_demand(call, permission, error);
    }
    *ret_user_id = g_strdup(call->caller->user_id ? call->caller->user_id : "none"); /* the local administrator has no browser */
    return true;
}

bool logins_get(Call *call, GError **error)
{
    g_autofree char *user_id = NULL, *next = NULL;
    int64_t now_ms = clock_utc_ms();
    StoreWebSessionFilter filter = {.now_ms = now_ms, .seen_after_ms = now_ms - IDENTITY_IDLE_MS};
    if (!read_whose(call, PERMISSION_USER_READ, &user_id, error) || !call_page(call, &filter.page, error))
        return false;
    filter.user_id = user_id;
    g_autoptr(GPtrArray) sessions = store_web_session_list(call->service->store, &filter, &next, error);
    if (!sessions)
        return false;
    Json *items = json_array();
    for (size_t i = 0; i < sessions->len; i++)
        json_array_append_new(items, login_json(call, sessions->pdata[i]));
    call_reply_page(call, items, next);
    return true;
}

/* Somebody else's is not there for whoever may not change people. */
bool login_delete(Call *call, GError **error)
{
    const char *id = call->parameters[0];
    uint64_t count = 0;
    g_autoptr(StoreWebSession) session = store_web_session_find(call->service->store, id, error);
    if (!session)
        return false;
    if (!call_is(call, session->user_id) && !call_allows(call, PERMISSION_USER_WRITE))
        return oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "web session: there is none");
    StoreWebSessionEnd end = {.id = id};
    if (!store_web_session_end(call->service->store, &call->actor, &end, &count, error))
        return false;
    reply_empty(call->reply);
    return true;
}

/* All of one person but the one that asks. */
bool logins_delete(Call *call, GError **error)
{
    g_autofree char *user_id = NULL;
    uint64_t count = 0;
    if (!read_whose(call, PERMISSION_USER_WRITE, &user_id, error))
        return false;
    if (!user_id)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "logins: those of everybody do not end at once; give ?user=");
    StoreWebSessionEnd end = {.user_id = user_id, .but = call->caller->session_id};
    if (!store_web_session_end(call->service->store, &call->actor, &end, &count, error))
        return false;
    reply_json(call->reply, 200, json_pack("{s:I}", "ended", (json_int_t)count));
    return true;
}
