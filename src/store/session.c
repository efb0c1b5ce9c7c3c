#include "store/session.h"

#include "base/error.h"
#include "base/id.h"
#include "store/choice_internal.h"
#include "store/desktop_internal.h"
#include "store/rules.h"

#define DECIDED "FROM choices c WHERE c.desktop_id = s.desktop_id AND c.session_id = s.id"
#define SESSION_COLUMNS                                                                                      \
    "s.id, s.user_id, s.user_name, s.pool_id, s.pool_name, s.desktop_id, s.desktop_name, s.state, s.client," \
    " s.started_ms, s.changed_ms, s.ended_ms, s.end_reason, s.version, s.input_ms, s.locked, s.locked_ms, s.steps,"          \
    " COALESCE((SELECT a.agent FROM desktops a WHERE a.id = s.desktop_id), 'none'),"                            \
    " (SELECT c.policy_id " DECIDED "), (SELECT c.policy_name " DECIDED ")"

static const char *const agents[] = {"none", "ready", NULL};
static const char *const states[] = {"connecting", "connected", "disconnected", "ended", NULL};

const char *store_session_state_word(StoreSessionState state)
{
    return word_of(states, (int)state);
}

bool store_session_state_parse(const char *word, StoreSessionState *ret)
{
    int value = 0;
    if (!word_parse(states, word, &value))
        return false;
    *ret = (StoreSessionState)value;
    return true;
}

void store_session_free(StoreSession *session)
{
    if (!session)
        return;
    g_free(session->id);
    g_free(session->user_id);
    g_free(session->user_name);
    g_free(session->pool_id);
    g_free(session->pool_name);
    g_free(session->desktop_id);
    g_free(session->desktop_name);
    g_free(session->client);
    g_free(session->end_reason);
    g_free(session->steps);
    g_free(session->policy_id);
    g_free(session->policy_name);
    g_free(session);
}

static gpointer session_read(Reader *reader)
{
    StoreSession *session = g_new0(StoreSession, 1);
    session->id = read_string(reader);
    session->user_id = read_text(reader);
    session->user_name = read_string(reader);
    session->pool_id = read_text(reader);
    session->pool_name = read_string(reader);
    session->desktop_id = read_text(reader);
    session->desktop_name = read_string(reader);
    session->state = (StoreSessionState)read_word(reader, states);
    session->client = read_string(reader);
    session->started_ms = read_number(reader);
    session->changed_ms = read_number(reader);
    session->ended_ms = read_number(reader);
    session->end_reason = read_string(reader);
    session->version = read_number(reader);
    session->input_ms = read_number(reader);
    session->locked = read_number(reader) != 0;
    session->locked_ms = read_number(reader);
    session->steps = read_string(reader);
    session->agent = (StoreAgent)read_word(reader, agents);
    session->policy_id = read_text(reader);
    session->policy_name = read_text(reader);
    return session;
}

static StoreSession *first_session(Rows *owned)
{
    g_autoptr(Rows) rows = owned;
    return rows && rows->count > 0 ? session_read(&(Reader){rows, 0, 0}) : NULL;
}

static StoreSession *one_session(Rows *rows, const char *id, GError **error)
{
    bool missing = rows && rows->count == 0;
    StoreSession *session = first_session(rows);
    if (missing)
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "session \"%s\": there is none", id);
    return session;
}

static StoreSession *session_lock(Transaction *transaction, const char *id, GError **error)
{
    return one_session(transaction_query(transaction,
                                         "SELECT " SESSION_COLUMNS
                                         " FROM sessions s WHERE s.id = $1 FOR UPDATE",
                                         PARAMS(TEXT(id)), error),
                       id, error);
}

static bool record_session(Transaction *transaction, const char *action, const StoreSession *session,
                           const char *op, GError **error)
{
    g_autofree char *detail =
        detail_of("{s:s,s:s,s:s,s:s}", "user", session->user_name, "pool", session->pool_name, "state",
                  store_session_state_word(session->state), "reason", session->end_reason);
    Record record = {.action = action,
                     .kind = "session",
                     .id = session->id,
                     .name = session->desktop_name,
                     .op = op,
                     .user_id = session->user_id,
                     .detail = detail};
    return transaction_record(transaction, &record, error);
}

/* ---- opening ---- */

static bool insert_session(Transaction *transaction, const StoreDesktop *desktop, const char *client,
                           const char *id, GError **error)
{
    return transaction_run(
        transaction,
        "INSERT INTO sessions (id, user_id, user_name, pool_id, pool_name, desktop_id, desktop_name, state,"
        " client, started_ms, changed_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, 'connecting', $8, $9, $9)",
        PARAMS(TEXT(id), TEXT(desktop->user_id), TEXT(text_or_empty(desktop->user_name)),
               TEXT(desktop->pool_id), TEXT(desktop->pool_name), TEXT(desktop->id), TEXT(desktop->name),
               TEXT(text_or_empty(client)), NUMBER(transaction->now_ms)),
        error);
}

static StoreSession *open_new(Transaction *transaction, const StoreDesktop *desktop, const char *client,
                              GError **error)
{
    g_autofree char *id = id_new();
    if (!insert_session(transaction, desktop, client, id, error))
        return NULL;
    g_autoptr(StoreSession) session = session_lock(transaction, id, error);
    return session && record_session(transaction, "session.open", session, "create", error)
               ? g_steal_pointer(&session)
               : NULL;
}

static bool write_state(Transaction *transaction, StoreSession *session, StoreSessionState state,
                        const char *client, GError **error)
{
    if (session->state != state)
        session->changed_ms = transaction->now_ms;
    session->state = state;
    session->version++;
    if (client)
        store_set(&session->client, client);
    return transaction_run(
        transaction,
        "UPDATE sessions SET state = $2, client = $3, changed_ms = $4, version = version + 1 WHERE id = $1",
        PARAMS(TEXT(session->id), TEXT(store_session_state_word(state)), TEXT(session->client),
               NUMBER(session->changed_ms)),
        error);
}

/* A session that is connected stays so until its display closes: the new viewer takes it over. */
static bool reopen(Transaction *transaction, StoreSession *session, const char *client, GError **error)
{
    StoreSessionState state =
        session->state == STORE_SESSION_CONNECTED ? STORE_SESSION_CONNECTED : STORE_SESSION_CONNECTING;
    return write_state(transaction, session, state, client, error) &&
           record_session(transaction, "session.reopen", session, "update", error);
}

StoreSession *session_open_in(Transaction *transaction, const StoreDesktop *desktop,
                              const StoreSessionOpen *fields, GError **error)
{
    g_autoptr(Rows) rows =
        transaction_query(transaction,
                          "SELECT " SESSION_COLUMNS
                          " FROM sessions s WHERE s.desktop_id = $1 AND s.state <> 'ended' FOR UPDATE",
                          PARAMS(TEXT(desktop->id)), error);
    if (!rows)
        return NULL;
    g_autoptr(StoreSession) session = first_session(g_steal_pointer(&rows));
    if (session && g_strcmp0(session->user_id, desktop->user_id) != 0) {
        if (!sessions_end_on(transaction, desktop->id, "released", error))
            return NULL;
        g_clear_pointer(&session, store_session_free);
    }
    if (session && session->locked_ms && !store_session_may_unlock(session, fields->proved_ms, error))
        return NULL;
    if (session ? !reopen(transaction, session, fields->client, error)
                : !(session = open_new(transaction, desktop, fields->client, error)))
        return NULL;
    if (fields->choice && !choice_write_in(transaction, session, fields->choice, error))
        return NULL;
    StoreTicketNew ticket = {.hash = fields->ticket_hash,
                             .session_id = session->id,
                             .desktop_id = desktop->id,
                             .user_id = transaction->actor ? transaction->actor->user_id : NULL,
                             .client = fields->client,
                             .expires_ms = fields->ticket_expires_ms};
    if (fields->ticket_hash && !ticket_create_in(transaction, &ticket, error))
        return NULL;
    return g_steal_pointer(&session);
}

StoreSession *store_session_open(Store *store, const StoreActor *actor, const StoreSessionOpen *fields,
                                 GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return NULL;
    g_autoptr(StoreDesktop) desktop = desktop_lock(&transaction, fields->desktop_id, error);
    if (!desktop)
        return NULL;
    if (!desktop->user_id || g_strcmp0(desktop->user_id, fields->user_id) != 0) {
        oriel_fail(error, ORIEL_ERROR_CONFLICT, "desktop \"%s\": it is not assigned to this user any more",
                   desktop->name);
        return NULL;
    }
    g_autoptr(StoreSession) session = session_open_in(&transaction, desktop, fields, error);
    return session && transaction_commit(&transaction, error) ? g_steal_pointer(&session) : NULL;
}

/* ---- reading ---- */

StoreSession *store_session_get(Store *store, const char *id, GError **error)
{
    return one_session(store_read(store, "SELECT " SESSION_COLUMNS " FROM sessions s WHERE s.id = $1",
                                  PARAMS(TEXT(id)), error),
                       id, error);
}

StoreSession *store_session_of_desktop(Store *store, const char *desktop_id, GError **error)
{
    return one_session(store_read(store,
                                  "SELECT " SESSION_COLUMNS
                                  " FROM sessions s WHERE s.desktop_id = $1 AND s.state <> 'ended'",
                                  PARAMS(TEXT(desktop_id)), error),
                       "of this desktop", error);
}

void store_left_free(StoreLeft *left)
{
    if (!left)
        return;
    g_free(left->desktop_id);
    g_free(left->client);
    g_free(left);
}

static gpointer left_read(Reader *reader)
{
    StoreLeft *left = g_new0(StoreLeft, 1);
    left->desktop_id = read_string(reader);
    left->ended_ms = read_number(reader);
    left->client = read_string(reader);
    return left;
}

GPtrArray *store_session_left(Store *store, const char *host_id, GError **error)
{
    List list = {NULL, left_read, (GDestroyNotify)store_left_free, 0};
    return list_of(store_read(store,
                              "SELECT d.id, s.ended_ms, s.client FROM desktops d JOIN sessions s ON s.id ="
                              " (SELECT MAX(last.id) FROM sessions last WHERE last.desktop_id = d.id)"
                              " WHERE d.host_id = $1 AND d.user_id IS NOT NULL AND d.desired <> 'deleted'"
                              " AND s.state = 'ended'",
                              PARAMS(TEXT(host_id)), error),
                   &list, NULL);
}

GPtrArray *store_session_list(Store *store, const StoreSessionFilter *filter, const StorePage *page,
                              char **ret_next, GError **error)
{
    static const StoreSessionFilter open_ones = {0};
    filter = filter ? filter : &open_ones;
    g_autofree char *search = search_text(filter->search);
    List list = {page, session_read, (GDestroyNotify)store_session_free, 0};
    return list_of(
        store_read(store,
                   "SELECT " SESSION_COLUMNS
                   " FROM sessions s WHERE s.id < $1 AND ($2 IS NULL OR s.user_id = $2)"
                   " AND ($3 IS NULL OR s.pool_id = $3) AND ($4 IS NULL OR s.desktop_id = $4)"
                   " AND ($5 = 1 OR s.state <> 'ended') AND ($7 = 0 OR s.ended_ms = 0 OR s.ended_ms >= $7)"
                   " AND ($8 = 0 OR s.started_ms < $8) AND ($10 IS NULL OR " HELPED_BY("$10", "s.user_id") ") AND ($9 IS NULL OR " HOLDS("s.user_name", "$9") " OR "
                   HOLDS("s.desktop_name", "$9") " OR EXISTS (SELECT 1 FROM users u WHERE u.id = s.user_id AND "
                   HOLDS("u.display_name", "$9") ")) ORDER BY s.id DESC LIMIT $6",
                   PARAMS(TEXT(page_before(page)), TEXT(filter->user_id), TEXT(filter->pool_id),
                          TEXT(filter->desktop_id), NUMBER(filter->with_ended), NUMBER(page_limit(page)),
                          NUMBER(filter->from_ms), NUMBER(filter->until_ms), TEXT(search),
                          TEXT(filter->helper_id)),
                   error),
        &list, ret_next);
}

/* ---- states ---- */

static const char *const state_actions[] = {"session.connecting", "session.connected", "session.disconnected"};

bool store_session_set_client(Store *store, const char *id, const char *client, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, NULL, BEGIN_DURABLE, error))
        return false;
    g_autoptr(StoreSession) session = session_lock(&transaction, id, error);
    if (!session)
        return false;
    if (session->state == STORE_SESSION_ENDED || g_strcmp0(client, session->client) == 0)
        return true;
    return write_state(&transaction, session, session->state, client, error) &&
           record_session(&transaction, state_actions[session->state], session, "update", error) &&
           transaction_commit(&transaction, error);
}

bool store_session_set_state(Store *store, const StoreActor *actor, const char *id, StoreSessionState state,
                             const char *client, GError **error)
{
    if (state == STORE_SESSION_ENDED)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "session \"%s\": it is ended by store_session_end", id);
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return false;
    g_autoptr(StoreSession) session = session_lock(&transaction, id, error);
    if (!session)
        return false;
    if (session->state == STORE_SESSION_ENDED)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "session \"%s\": it has ended", id);
    if (session->state == state && (!client || g_strcmp0(client, session->client) == 0))
        return true;
    return write_state(&transaction, session, state, client, error) &&
           record_session(&transaction, state_actions[state], session, "update", error) &&
           transaction_commit(&transaction, error);
}

/* Where nothing worth telling changes, watchers are left alone: people type all day. */
bool store_session_set_input(Store *store, const StoreSessionInput *input, int64_t idle_ms, bool *ret_open, GError **error)
{
    g_auto(Transaction) transaction = {0};
    *ret_open = false;
    if (!transaction_begin(&transaction, store, NULL, input->held ? BEGIN_DURABLE : BEGIN_RELAXED, error))
        return false;
    g_autoptr(Rows) rows =
        transaction_query(&transaction,
                          "SELECT " SESSION_COLUMNS
                          " FROM sessions s WHERE s.desktop_id = $1 AND s.state <> 'ended' FOR UPDATE",
                          PARAMS(TEXT(input->desktop_id)), error);
    if (!rows)
        return false;
    g_autoptr(StoreSession) session = first_session(g_steal_pointer(&rows));
    if (!session)
        return true;
    int64_t newest = MAX(session->input_ms, MIN(input->input_ms, transaction.now_ms));
    bool back = newest - MAX(session->input_ms, session->changed_ms) >= idle_ms;
    bool begins = input->held && !session->locked_ms, locked = input->locked || session->locked_ms;
    *ret_open = session->locked_ms && !input->held;
    if (!begins && (back || session->locked != locked))
        transaction_change(&transaction, "session", session->id, "update", session->user_id);
    if (begins)
        session->locked_ms = transaction.now_ms;
    return transaction_run(&transaction, "UPDATE sessions SET input_ms = $2, locked = $3, locked_ms = $4 WHERE id = $1",
                           PARAMS(TEXT(session->id), NUMBER(newest), NUMBER(locked), NUMBER(session->locked_ms)), error) &&
           (!begins || record_session(&transaction, "session.lock", session, "update", error)) &&
           transaction_commit(&transaction, error);
}

bool store_session_lock(Store *store, const StoreActor *actor, const char *id, bool held, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return false;
    g_autoptr(StoreSession) session = session_lock(&transaction, id, error);
    if (!session)
        return false;
    if (session->state == STORE_SESSION_ENDED)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "session \"%s\": it has ended", id);
    if (session->locked_ms)
        return true;
    return transaction_run(&transaction, "UPDATE sessions SET locked = 1, locked_ms = $2 WHERE id = $1",
                           PARAMS(TEXT(id), NUMBER(held ? transaction.now_ms : 0)), error) &&
           record_session(&transaction, "session.lock", session, "update", error) && transaction_commit(&transaction, error);
}

bool store_session_may_unlock(const StoreSession *session, int64_t proved_ms, GError **error)
{
    return proved_ms > session->locked_ms ||
           oriel_fail(error, ORIEL_ERROR_FORBIDDEN, "desktop \"%s\": is locked; log in to the portal again to go on", session->desktop_name);
}

static bool write_unlocked(Transaction *transaction, const StoreSession *session, GError **error)
{
    return transaction_run(transaction, "UPDATE sessions SET locked = 0, locked_ms = 0 WHERE id = $1", PARAMS(TEXT(session->id)), error) &&
           transaction_run(transaction, "UPDATE displays SET login_id = $2 WHERE session_id = $1 AND user_id = $3 AND mode = 'own'",
                           PARAMS(TEXT(session->id), TEXT(transaction->actor->login_id), TEXT(session->user_id)), error) &&
           record_session(transaction, "session.unlock", session, "update", error);
}

bool store_session_unlock(Store *store, const StoreActor *actor, const StoreSessionUnlock *unlock, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return false;
    g_autoptr(StoreSession) session = session_lock(&transaction, unlock->id, error);
    if (!session)
        return false;
    if (session->state == STORE_SESSION_ENDED || !session->locked_ms)
        return true;
    return store_session_may_unlock(session, unlock->proved_ms, error) && write_unlocked(&transaction, session, error) &&
           transaction_commit(&transaction, error);
}

bool store_session_tell(Store *store, const StoreSession *session, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, NULL, BEGIN_RELAXED, error))
        return false;
    transaction_change(&transaction, "session", session->id, "update", session->user_id);
    return transaction_commit(&transaction, error);
}

bool store_session_set_steps(Store *store, const char *id, const char *steps, GError **error)
{
    g_auto(Transaction) transaction = {0};
    return transaction_begin(&transaction, store, NULL, BEGIN_RELAXED, error) &&
           transaction_run(&transaction, "UPDATE sessions SET steps = $2 WHERE id = $1", PARAMS(TEXT(id), TEXT(steps)), error) &&
           transaction_commit(&transaction, error);
}

static bool write_end(Transaction *transaction, StoreSession *session, const char *reason, GError **error)
{
    session->state = STORE_SESSION_ENDED;
    store_set(&session->end_reason, reason);
    return transaction_run(
               transaction,
               "UPDATE sessions SET state = 'ended', end_reason = $2, changed_ms = $3, ended_ms = $3,"
               " version = version + 1 WHERE id = $1",
               PARAMS(TEXT(session->id), TEXT(text_or_empty(reason)), NUMBER(transaction->now_ms)), error) &&
           record_session(transaction, "session.end", session, "update", error);
}

bool sessions_end_on(Transaction *transaction, const char *desktop_id, const char *reason, GError **error)
{
    List list = {NULL, session_read, (GDestroyNotify)store_session_free, 0};
    g_autoptr(GPtrArray) sessions =
        list_of(transaction_query(transaction,
                                  "SELECT " SESSION_COLUMNS
                                  " FROM sessions s WHERE s.desktop_id IN (SELECT d.id FROM desktops d WHERE d.id = $1 OR d.seat_of = $1)"
                                  " AND s.state <> 'ended' ORDER BY s.id FOR UPDATE",
                                  PARAMS(TEXT(desktop_id)), error),
                &list, NULL);
    for (guint i = 0; sessions && i < sessions->len; i++)
        if (!write_end(transaction, sessions->pdata[i], reason, error))
            return false;
    return sessions != NULL;
}

/* NULL without error: its desktop is gone. The desktop is locked before the session, as everywhere. */
static StoreDesktop *lock_desktop_of(Transaction *transaction, const char *session_id, GError **error)
{
    if (!transaction_run(transaction,
                         "SELECT m.id FROM desktops m WHERE m.id = (SELECT d.seat_of FROM desktops d JOIN sessions s"
                         " ON s.desktop_id = d.id WHERE s.id = $1) FOR UPDATE",
                         PARAMS(TEXT(session_id)), error))
        return NULL;
    g_autoptr(Rows) rows =
        transaction_query(transaction,
                          "SELECT " DESKTOP_COLUMNS " FROM desktops d WHERE d.id ="
                          " (SELECT s.desktop_id FROM sessions s WHERE s.id = $1) FOR UPDATE",
                          PARAMS(TEXT(session_id)), error);
    return rows && rows->count > 0 ? desktop_read(&(Reader){rows, 0, 0}) : NULL;
}

bool store_session_end(Store *store, const StoreActor *actor, const char *id, const char *reason,
                       StoreAfter after, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return false;
    g_autoptr(GError) failure = NULL;
    g_autoptr(StoreDesktop) desktop = lock_desktop_of(&transaction, id, &failure);
    if (failure) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return false;
    }
    g_autoptr(StoreSession) session = session_lock(&transaction, id, error);
    if (!session)
        return false;
    if (session->state == STORE_SESSION_ENDED)
        return true;
    if (desktop && desktop->maintenance)
        after.refresh = after.remove = false; /* stays as it is for the administrator; refreshed at the end of the maintenance */
    bool leaves = desktop && desktop->desired != STORE_DESIRED_DELETED && (after.release || after.refresh || after.remove);
    return write_end(&transaction, session, reason, error) &&
           (!leaves || desktop_leave(&transaction, desktop, after, error)) &&
           transaction_commit(&transaction, error);
}
