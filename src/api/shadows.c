/* Looking on in a person's session, with their leave: asked for, answered, opened, ended. The person sees each of them. */
#include "api/resource.h"

#include <string.h>

#include "api/help.h"
#include "base/limits.h"
#include "base/words_wire.h"
#include "store/help.h"

static Json *shadow_json(const StoreShadow *shadow)
{
    return json_pack("{s:s, s:s, s:o, s:s, s:s, s:s, s:I, s:I, s:I}", "id", shadow->id, "session", shadow->session_id, "by",
                     json_pack("{s:o, s:s}", "id", json_text_or_null(shadow->by_id), "name", shadow->by_name), "mode",
                     store_display_mode_word(shadow->mode), "consent", shadow->asks ? "ask" : "notify", "state",
                     store_shadow_state_word(shadow->state), "asked_ms", (json_int_t)shadow->asked_ms, "since_ms",
                     (json_int_t)shadow->changed_ms, "until_ms", (json_int_t)(shadow->asked_ms + LIMIT_SHADOW_ASK_MS));
}

static bool shadow_answer(Call *call, const char *id, GError **error)
{
    g_autoptr(StoreShadow) shadow = store_shadow_get(call->service->store, id, error);
    if (shadow)
        reply_json(call->reply, 200, shadow_json(shadow));
    return shadow != NULL;
}

/* ---- of a session ---- */

/* As the person's page asks; whoever answers first, there or here, decides. */
static void ask_in_guest(Call *call, const StoreSession *session, const StoreShadow *shadow)
{
    const char *name = *shadow->by_name ? shadow->by_name : SAY_SOMEBODY;
    g_autofree char *text =
        shadow->mode == STORE_DISPLAY_CONTROL ? g_strdup_printf(SAY_ASK_CONTROL, name) : g_strdup_printf(SAY_ASK_VIEW, name);
    host_session_ask(call->service->host, session, shadow->id, text);
}

bool session_shadow_post(Call *call, GError **error)
{
    const char *mode = NULL;
    bool asks = true;
    if (!json_read(call->body, "request body", error, "{s:s}", "mode", &mode))
        return false;
    bool control = strcmp(mode, "control") == 0;
    if (!control && strcmp(mode, "view") != 0)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "request body: \"mode\" must be view or control");
    g_autoptr(StoreSession) session = session_find(call, PERMISSION_SESSION_WRITE, error);
    if (!session || !call_demand(call, PERMISSION_SESSION_WRITE, error) || !help_asks(call->service->store, &asks, error))
        return false;
    if (call_is(call, session->user_id))
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "this is your own session: open it from your portal");
    if (session->state != STORE_SESSION_CONNECTED)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "session \"%s\": its person is not connected, and nobody looks on behind their back",
                          session->id);
    StoreShadow fields = {.session_id = session->id,
                          .by_id = (char *)call->caller->user_id,
                          .by_name = (char *)(call->actor.name ? call->actor.name : ""),
                          .mode = control ? STORE_DISPLAY_CONTROL : STORE_DISPLAY_VIEW,
                          .asks = asks};
    g_autoptr(StoreShadow) shadow = store_shadow_new(call->service->store, &call->actor, &fields, error);
    if (shadow && asks)
        ask_in_guest(call, session, shadow);
    if (shadow)
        call_reply_created(call, "shadows", shadow->id, 0, shadow_json(shadow));
    return shadow != NULL;
}

bool session_shadows_get(Call *call, GError **error)
{
    g_autoptr(StoreSession) session = session_find(call, PERMISSION_SESSION_READ, error);
    g_autoptr(GPtrArray) shadows = session ? store_shadow_list(call->service->store, session->id, error) : NULL;
    if (!shadows)
        return false;
    Json *items = json_array();
    for (unsigned i = 0; i < shadows->len; i++)
        json_array_append_new(items, shadow_json(shadows->pdata[i]));
    reply_json(call->reply, 200, json_pack("{s:o}", "items", items));
    return true;
}

/* ---- one ---- */

/* The question in the guest is over, however that came. */
static void end_in_guest(Call *call, const StoreShadow *shadow)
{
    g_autoptr(StoreSession) session = shadow->asks ? store_session_get(call->service->store, shadow->session_id, NULL) : NULL;
    if (session)
        host_session_ask(call->service->host, session, shadow->id, NULL);
}

/* The person's own, or one of a help desk that may help them. *ret_own: it is the person. */
static StoreShadow *shadow_for(Call *call, bool *ret_own, GError **error)
{
    const char *id = call->parameters[0];
    g_autoptr(StoreShadow) shadow = store_shadow_get(call->service->store, id, error);
    g_autoptr(StoreSession) session = shadow ? store_session_get(call->service->store, shadow->session_id, error) : NULL;
    if (!session)
        return NULL;
    *ret_own = call_is(call, session->user_id);
    if (!*ret_own && !call_allows(call, PERMISSION_SESSION_WRITE)) {
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "there is no shadow \"%s\"", id);
        return NULL;
    }
    return *ret_own || call_may_help(call, session->user_id, "shadow", id, error) ? g_steal_pointer(&shadow) : NULL;
}

bool shadow_get(Call *call, GError **error)
{
    bool own = false;
    g_autoptr(StoreShadow) shadow = shadow_for(call, &own, error);
    return shadow && shadow_answer(call, shadow->id, error);
}

bool shadow_answer_post(Call *call, GError **error)
{
    int allow = 0;
    bool own = false;
    if (!json_read(call->body, "request body", error, "{s:b}", "allow", &allow))
        return false;
    g_autoptr(StoreShadow) shadow = shadow_for(call, &own, error);
    if (!shadow)
        return false;
    if (!own)
        return oriel_fail(error, ORIEL_ERROR_FORBIDDEN, "only the person whose session it is can answer");
    if (!store_shadow_set(call->service->store, &call->actor, shadow->id, allow ? SHADOW_ALLOWED : SHADOW_REFUSED, error))
        return false;
    end_in_guest(call, shadow);
    return shadow_answer(call, shadow->id, error);
}

bool shadow_end_post(Call *call, GError **error)
{
    bool own = false;
    g_autoptr(StoreShadow) shadow = shadow_for(call, &own, error);
    if (!shadow || !store_shadow_set(call->service->store, &call->actor, shadow->id, SHADOW_ENDED, error))
        return false;
    if (shadow->state == SHADOW_ASKED)
        end_in_guest(call, shadow);
    return shadow_answer(call, shadow->id, error);
}

bool shadow_connect_post(Call *call, GError **error)
{
    bool own = false;
    g_autoptr(StoreShadow) shadow = shadow_for(call, &own, error);
    if (!shadow)
        return false;
    if (g_strcmp0(shadow->by_id, call->caller->user_id) != 0)
        return oriel_fail(error, ORIEL_ERROR_FORBIDDEN, "only who asked can look on");
    if (shadow->state != SHADOW_ALLOWED)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "shadow \"%s\": it is %s, and not allowed", shadow->id,
                          store_shadow_state_word(shadow->state));
    g_autoptr(StoreSession) session = store_session_get(call->service->store, shadow->session_id, error);
    if (!session)
        return false;
    if (!session->desktop_id)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "session \"%s\": its desktop is gone", session->id);
    g_auto(HostConnection) connection = {0};
    HostShadowRequest request = {.actor = &call->actor,
                                 .session_id = session->id,
                                 .desktop_id = session->desktop_id,
                                 .control = shadow->mode == STORE_DISPLAY_CONTROL};
    return host_shadow_connect(call->service->host, &request, &connection, error) && connection_answer(call, &connection, DISPLAY_CLIENT_BROWSER, error);
}
