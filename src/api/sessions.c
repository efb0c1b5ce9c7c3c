/* Sessions: helpdesk's all, a user's own. */
#include <string.h>

#include "api/resource.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/number.h"
#include "broker/session.h"
#include "store/home.h"

static SessionFacts facts_of(const StoreSession *session)
{
    static const SessionPhase phases[] = {
        [STORE_SESSION_CONNECTING] = PHASE_CONNECTING,
        [STORE_SESSION_CONNECTED] = PHASE_CONNECTED,
        [STORE_SESSION_DISCONNECTED] = PHASE_DISCONNECTED,
        [STORE_SESSION_ENDED] = PHASE_ENDED,
    };
    return (SessionFacts){.phase = phases[session->state],
                          .since_ms = session->changed_ms,
                          .input_ms = session->input_ms,
                          .locked = session->locked || session->locked_ms};
}

static void set_activity(Json *value, const StoreSession *session)
{
    int64_t now_ms = clock_utc_ms();
    SessionFacts facts = facts_of(session);
    bool connected = session->state == STORE_SESSION_CONNECTED;
    int64_t since_ms = MIN(session_idle_since(&facts), now_ms);
    json_object_set_new(value, "activity", json_string(session_activity(&facts, now_ms)));
    json_object_set_new(value, "idle_since_ms", connected ? json_integer(since_ms) : json_null());
    json_object_set_new(value, "idle_ms", connected ? json_integer(now_ms - since_ms) : json_null());
    json_object_set_new(value, "locked", json_boolean(session->locked));
    json_object_set_new(value, "locked_ms", json_time_or_null(session->locked_ms));
    json_object_set_new(value, "agent", json_string(store_agent_word(session->agent)));
}

Json *session_json(const StoreSession *session)
{
    Json *value = json_pack("{s:s, s:o, s:o, s:o, s:s, s:o, s:I, s:I, s:o, s:o, s:o}", "id", session->id, "user",
                     json_ref(session->user_id, session->user_name), "pool",
                     json_ref(session->pool_id, session->pool_name), "desktop",
                     json_ref(session->desktop_id, session->desktop_name), "state",
                     store_session_state_word(session->state), "client", json_text_or_null(session->client),
                     "started_ms", (json_int_t)session->started_ms, "since_ms",
                     (json_int_t)session->changed_ms, "ended_ms", json_time_or_null(session->ended_ms),
                     "end_reason", json_text_or_null(session->end_reason), "policy",
                     session->policy_id ? json_ref(session->policy_id, session->policy_name) : json_null());
    set_activity(value, session);
    return value;
}

/* Which policy decided is for those who look after sessions, not for the session's person. */
static Json *shown_json(const Call *call, const StoreSession *session)
{
    Json *value = session_json(session);
    if (!call_allows(call, PERMISSION_SESSION_READ))
        json_object_set_new(value, "policy", json_null());
    return value;
}

/* How the person came into the guest; null while that has not been tried. */
static Json *log_on_json(const StoreLogOn *log_on)
{
    if (!log_on || !log_on->done_ms)
        return json_null();
    Json *warnings = json_array();
    g_auto(GStrv) lines = g_strsplit(log_on->warnings, "\n", -1);
    for (char **line = lines; *line; line++)
        if (**line)
            json_array_append_new(warnings, json_string(*line));
    return json_pack("{s:o, s:b, s:o, s:I, s:o, s:o, s:o}", "account", json_text_or_null(log_on->account), "home",
                     log_on->has_home, "warnings", warnings, "done_ms", (json_int_t)log_on->done_ms, "locale",
                     json_text_or_null(log_on->locale), "keyboard", json_text_or_null(log_on->keyboard), "time_zone",
                     json_text_or_null(log_on->time_zone));
}

/* Whether its desktop can move files at all: neither a seat nor a machine that was there before can. */
static bool moves_files(Call *call, const StoreSession *session, bool *ret, GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(StoreDesktop) desktop = session->desktop_id ? store_desktop_find(call->service->store, session->desktop_id, &problem) : NULL;
    *ret = desktop && !desktop->protocol && !desktop->seat_of;
    if (!problem || oriel_error_kind(problem) == ORIEL_ERROR_NOT_FOUND)
        return true;
    g_propagate_error(error, g_steal_pointer(&problem));
    return false;
}

static Json *files_json(const DisplayPlan *plan, bool moves)
{
    return json_pack("{s:b, s:b}", "to_desktop", moves && !display_plan_files_refusal(plan, true), "from_desktop",
                     moves && !display_plan_files_refusal(plan, false));
}

/* What its display plan allows now; null: it has ended. */
static bool set_display(Call *call, Json *value, const StoreSession *session, GError **error)
{
    DisplayPlan plan;
    bool moves = false;
    if (session->state == STORE_SESSION_ENDED)
        return json_object_set_new(value, "display", json_null()) == 0;
    if (!host_session_display(call->service->host, session->id, &plan, error) || !moves_files(call, session, &moves, error))
        return false;
    json_object_set_new(value, "display", json_pack("{s:b, s:o, s:o}", "sound", !plan.no_sound, "bandwidth_kbit_s",
                                                    plan.kbit_s ? json_integer(plan.kbit_s) : json_null(), "files", files_json(&plan, moves)));
    return true;
}

Json *session_brief(const StoreSession *session)
{
    if (!session)
        return json_null();
    return json_pack("{s:s, s:s, s:I}", "id", session->id, "state", store_session_state_word(session->state),
                     "since_ms", (json_int_t)session->changed_ms);
}

/* Milliseconds since 1970; absent: 0. */
static bool query_time(Call *call, const char *name, int64_t *ret, GError **error)
{
    const char *text = request_query(call->request, name);
    uint64_t number = 0;
    *ret = 0;
    if (text && !number_parse(text, 1, LIMIT_TIME_MS, name, &number, error))
        return false;
    *ret = (int64_t)number;
    return true;
}

bool sessions_get(Call *call, GError **error)
{
    StorePage page;
    g_autofree char *next = NULL, *user_id = NULL, *pool_id = NULL;
    bool ended = false;
    if (!call_page(call, &page, error) || !call_flag(call, "ended", &ended, error))
        return false;
    StoreSessionFilter filter = {.with_ended = ended};
    if (!query_time(call, "from", &filter.from_ms, error) || !query_time(call, "until", &filter.until_ms, error) ||
        !call_search(call, &filter.search, error))
        return false;
    if (!call_allows(call, PERMISSION_SESSION_READ)) {
        filter.user_id = call->caller->user_id; /* whatever the query asks for */
        filter.pool_id = call->caller->kiosk_pool_id;
    } else {
        if (!call_query_user(call, &user_id, error) || !call_query_pool(call, &pool_id, error))
            return false;
        if (!call_helper(call, &filter.helper_id, error))
            return false;
        filter.user_id = user_id;
        filter.pool_id = pool_id;
    }
    g_autoptr(GPtrArray) sessions = store_session_list(call->service->store, &filter, &page, &next, error);
    if (!sessions)
        return false;
    Json *items = json_array();
    for (unsigned i = 0; i < sessions->len; i++)
        json_array_append_new(items, shown_json(call, sessions->pdata[i]));
    call_reply_page(call, items, next);
    return true;
}

/* Another person's session does not exist for a user. */
StoreSession *session_find(Call *call, Permission permission, GError **error)
{
    g_autoptr(StoreSession) session = store_session_get(call->service->store, call->parameters[0], error);
    if (!session || !call_demand_pool(call, session->pool_id, error))
        return NULL;
    if (call_is(call, session->user_id))
        return g_steal_pointer(&session);
    if (call_allows(call, permission))
        return call_may_help(call, session->user_id, "session", call->parameters[0], error) ? g_steal_pointer(&session) : NULL;
    if (call_allows(call, PERMISSION_SESSION_READ))
        call_demand(call, permission, error);
    else
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "there is no session \"%s\"", call->parameters[0]);
    return NULL;
}

bool session_get(Call *call, GError **error)
{
    g_autoptr(StoreSession) session = session_find(call, PERMISSION_SESSION_READ, error);
    g_autoptr(StoreLogOn) log_on = NULL;
    if (!session || !store_log_on_get(call->service->store, session->id, &log_on, error))
        return false;
    g_autoptr(Json) value = shown_json(call, session);
    if (!set_display(call, value, session, error))
        return false;
    Json *steps = json_loads(session->steps, 0, NULL);
    json_object_set_new(value, "steps", json_is_array(steps) ? steps : json_array());
    json_object_set_new(value, "log_on", log_on_json(log_on));
    reply_json(call->reply, 200, g_steal_pointer(&value));
    return true;
}

static bool reply_as_it_is_now(Call *call, const char *id, GError **error)
{
    g_autoptr(StoreSession) now = store_session_get(call->service->store, id, error);
    if (!now)
        return false;
    reply_json(call->reply, 200, shown_json(call, now));
    return true;
}

typedef bool (*SessionAct)(Host *host, const char *session_id, const StoreActor *actor, GError **error);

static bool session_act(Call *call, SessionAct act, GError **error)
{
    g_autoptr(StoreSession) session = session_find(call, PERMISSION_SESSION_WRITE, error);
    if (!session || !act(call->service->host, session->id, &call->actor, error))
        return false;
    return reply_as_it_is_now(call, session->id, error);
}

bool session_disconnect_post(Call *call, GError **error)
{
    return session_act(call, host_session_disconnect, error);
}

bool session_lock_post(Call *call, GError **error)
{
    return session_act(call, host_session_lock, error);
}

/* Only the person, and only by a log-in made after the lock: nobody does it for them, whatever their role. */
bool session_unlock_post(Call *call, GError **error)
{
    g_autoptr(StoreSession) session = session_find(call, PERMISSION_SESSION_READ, error);
    if (!session)
        return false;
    if (!call_is(call, session->user_id))
        return oriel_fail(error, ORIEL_ERROR_FORBIDDEN, "desktop \"%s\": only its person unlocks it, by logging in to the portal",
                          session->desktop_name);
    if (!host_session_unlock(call->service->host, session->id, call->caller->proved_ms, &call->actor, error))
        return false;
    return reply_as_it_is_now(call, session->id, error);
}

bool session_log_off_post(Call *call, GError **error)
{
    return session_act(call, host_session_log_off, error);
}
