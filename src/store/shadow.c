#include "base/error.h"
#include "base/id.h"
#include "base/limits.h"
#include "store/help.h"
#include "store/rules.h"
#include "store/transaction.h"

#define SHADOW_COLUMNS "w.id, w.session_id, w.by_id, w.by_name, w.mode, w.consent, w.state, w.asked_ms, w.changed_ms"
#define GOES_ON "w.state IN ('asked', 'allowed', 'open')"
#define ITS_DISPLAY                                                                                          \
    "EXISTS (SELECT 1 FROM displays x WHERE x.session_id = w.session_id AND x.mode = w.mode"                 \
    " AND COALESCE(x.user_id, '') = COALESCE(w.by_id, ''))"

static const char *const states[] = {"asked", "allowed", "refused", "expired", "open", "ended", NULL};
static const char *const consents[] = {"ask", "notify", NULL};
static const int64_t settle_ms = 10 * 1000; /* a display that was opened has its row by then */

const char *store_shadow_state_word(StoreShadowState state)
{
    return word_of(states, (int)state);
}

void store_shadow_free(StoreShadow *shadow)
{
    if (!shadow)
        return;
    g_free(shadow->id);
    g_free(shadow->session_id);
    g_free(shadow->by_id);
    g_free(shadow->by_name);
    g_free(shadow);
}

static gpointer shadow_read(Reader *reader)
{
    StoreShadow *shadow = g_new0(StoreShadow, 1);
    shadow->id = read_string(reader);
    shadow->session_id = read_string(reader);
    shadow->by_id = read_text(reader);
    shadow->by_name = read_string(reader);
    shadow->mode = (StoreDisplayMode)read_word(reader, store_display_modes);
    shadow->asks = read_word(reader, consents) == 0;
    shadow->state = (StoreShadowState)read_word(reader, states);
    shadow->asked_ms = read_number(reader);
    shadow->changed_ms = read_number(reader);
    return shadow;
}

static StoreShadow *one_shadow(Rows *owned, const char *id, GError **error)
{
    g_autoptr(Rows) rows = owned;
    if (rows && rows->count == 0)
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "there is no shadow \"%s\"", id);
    return rows && rows->count > 0 ? shadow_read(&(Reader){rows, 0, 0}) : NULL;
}

StoreShadow *store_shadow_get(Store *store, const char *id, GError **error)
{
    return one_shadow(store_read(store, "SELECT " SHADOW_COLUMNS " FROM shadows w WHERE w.id = $1", PARAMS(TEXT(id)), error), id,
                      error);
}

GPtrArray *store_shadow_list(Store *store, const char *session_id, GError **error)
{
    List list = {NULL, shadow_read, (GDestroyNotify)store_shadow_free, 0};
    return list_of(store_read(store,
                              "SELECT " SHADOW_COLUMNS " FROM shadows w WHERE w.session_id = $1 AND " GOES_ON " ORDER BY w.id DESC",
                              PARAMS(TEXT(session_id)), error),
                   &list, NULL);
}

/* The trail names the person, the desktop, how and with whose leave; the session's watchers are told. */
static bool record_shadow(Transaction *transaction, const StoreShadow *shadow, GError **error)
{
    static const char *const actions[] = {[SHADOW_ASKED] = "session.shadow-ask",      [SHADOW_ALLOWED] = "session.shadow-allow",
                                          [SHADOW_REFUSED] = "session.shadow-refuse", [SHADOW_EXPIRED] = "session.shadow-expire",
                                          [SHADOW_OPEN] = "session.shadow-begin",     [SHADOW_ENDED] = "session.shadow-end"};
    g_autoptr(Rows) rows =
        transaction_query(transaction, "SELECT s.user_id, s.user_name, s.desktop_name FROM sessions s WHERE s.id = $1",
                          PARAMS(TEXT(shadow->session_id)), error);
    if (!rows || rows->count == 0)
        return rows != NULL;
    Reader reader = {rows, 0, 0};
    g_autofree char *user_id = read_text(&reader);
    g_autofree char *user_name = read_string(&reader);
    g_autofree char *desktop = read_string(&reader);
    g_autofree char *detail = detail_of("{s:s,s:s,s:s,s:s}", "user", user_name, "by", shadow->by_name, "mode",
                                        store_display_mode_word(shadow->mode), "consent", consents[shadow->asks ? 0 : 1]);
    Record record = {.action = actions[shadow->state],
                     .kind = "session",
                     .id = shadow->session_id,
                     .name = desktop,
                     .op = "update",
                     .user_id = user_id,
                     .detail = detail};
    return transaction_record(transaction, &record, error);
}

static bool check_first(Transaction *transaction, const StoreShadow *fields, GError **error)
{
    g_autoptr(Rows) rows = transaction_query(
        transaction, "SELECT w.id FROM shadows w WHERE w.session_id = $1 AND COALESCE(w.by_id, '') = $2 AND " GOES_ON,
        PARAMS(TEXT(fields->session_id), TEXT(text_or_empty(fields->by_id))), error);
    return rows && (rows->count == 0 || oriel_fail(error, ORIEL_ERROR_CONFLICT,
                                                   "you look on in this session already, or have asked to: end that first"));
}

StoreShadow *store_shadow_new(Store *store, const StoreActor *actor, const StoreShadow *fields, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error) || !check_first(&transaction, fields, error))
        return NULL;
    g_autoptr(StoreShadow) shadow = g_new0(StoreShadow, 1);
    *shadow = (StoreShadow){.id = id_new(),
                            .session_id = g_strdup(fields->session_id),
                            .by_id = g_strdup(fields->by_id),
                            .by_name = g_strdup(text_or_empty(fields->by_name)),
                            .mode = fields->mode,
                            .asks = fields->asks,
                            .state = fields->asks ? SHADOW_ASKED : SHADOW_ALLOWED,
                            .asked_ms = transaction.now_ms,
                            .changed_ms = transaction.now_ms};
    bool made = transaction_run(&transaction,
                                "INSERT INTO shadows (id, session_id, by_id, by_name, mode, consent, state, asked_ms, changed_ms)"
                                " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)",
                                PARAMS(TEXT(shadow->id), TEXT(shadow->session_id), TEXT(shadow->by_id), TEXT(shadow->by_name),
                                       TEXT(store_display_mode_word(shadow->mode)), TEXT(consents[shadow->asks ? 0 : 1]),
                                       TEXT(states[shadow->state]), NUMBER(shadow->asked_ms)),
                                error) &&
                record_shadow(&transaction, shadow, error) && transaction_commit(&transaction, error);
    return made ? g_steal_pointer(&shadow) : NULL;
}

static bool may_become(const Transaction *transaction, const StoreShadow *shadow, StoreShadowState state)
{
    switch (state) {
    case SHADOW_ALLOWED:
    case SHADOW_REFUSED:
        return shadow->state == SHADOW_ASKED && transaction->now_ms < shadow->asked_ms + LIMIT_SHADOW_ASK_MS;
    case SHADOW_EXPIRED:
        return shadow->state == SHADOW_ASKED;
    case SHADOW_OPEN:
        return shadow->state == SHADOW_ALLOWED;
    case SHADOW_ENDED:
        return shadow->state == SHADOW_ASKED || shadow->state == SHADOW_ALLOWED || shadow->state == SHADOW_OPEN;
    case SHADOW_ASKED:
    default:
        return false;
    }
}

static bool become(Transaction *transaction, StoreShadow *shadow, StoreShadowState state, GError **error)
{
    if (!may_become(transaction, shadow, state))
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "shadow \"%s\": too late, it is %s", shadow->id,
                          shadow->state == SHADOW_ASKED ? "expired" : states[shadow->state]);
    shadow->state = state;
    return transaction_run(transaction, "UPDATE shadows SET state = $2, changed_ms = $3 WHERE id = $1",
                           PARAMS(TEXT(shadow->id), TEXT(states[state]), NUMBER(transaction->now_ms)), error) &&
           record_shadow(transaction, shadow, error);
}

bool store_shadow_set(Store *store, const StoreActor *actor, const char *id, StoreShadowState state, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return false;
    g_autoptr(StoreShadow) shadow = one_shadow(
        transaction_query(&transaction, "SELECT " SHADOW_COLUMNS " FROM shadows w WHERE w.id = $1 FOR UPDATE", PARAMS(TEXT(id)), error),
        id, error);
    return shadow && become(&transaction, shadow, state, error) && transaction_commit(&transaction, error);
}

/* Whose session it is, where that is on this desktop. NULL on failure. */
static Rows *person_asked(Transaction *transaction, const char *desktop_id, const char *id, GError **error)
{
    g_autoptr(Rows) rows =
        transaction_query(transaction,
                          "SELECT s.user_id, s.user_name FROM sessions s JOIN shadows w ON w.session_id = s.id WHERE w.id = $1"
                          " AND w.state = 'asked' AND s.desktop_id = $2 AND s.state <> 'ended'",
                          PARAMS(TEXT(id), TEXT(desktop_id)), error);
    if (rows && rows->count == 0) {
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "shadow \"%s\": nothing of the kind is asked there", id);
        return NULL;
    }
    return g_steal_pointer(&rows);
}

/* Whoever works at the desktop beside the person could answer for them. */
static bool check_alone(Transaction *transaction, const char *desktop_id, const char *id, GError **error)
{
    g_autoptr(Rows) rows = transaction_query(
        transaction, "SELECT x.id FROM displays x WHERE x.desktop_id = $1 AND x.mode IN ('control', 'console') LIMIT 1",
        PARAMS(TEXT(desktop_id)), error);
    return rows && (rows->count == 0 || oriel_fail(error, ORIEL_ERROR_CONFLICT,
                                                   "shadow \"%s\": somebody else works at this desktop too, so that nobody knows who "
                                                   "answered there; only the person's page can allow it now",
                                                   id));
}

bool store_shadow_answer(Store *store, const char *desktop_id, const char *id, bool allow, GError **error)
{
    g_auto(Transaction) transaction = {0};
    StoreActor actor = {.address = "guest"};
    if (!transaction_begin(&transaction, store, &actor, BEGIN_DURABLE, error))
        return false;
    g_autoptr(Rows) person = person_asked(&transaction, desktop_id, id, error);
    if (!person || (allow && !check_alone(&transaction, desktop_id, id, error)))
        return false;
    Reader reader = {person, 0, 0};
    g_autofree char *user_id = read_text(&reader);
    g_autofree char *user_name = read_string(&reader);
    actor.user_id = user_id;
    actor.name = user_name;
    g_autoptr(StoreShadow) shadow = one_shadow(
        transaction_query(&transaction, "SELECT " SHADOW_COLUMNS " FROM shadows w WHERE w.id = $1 FOR UPDATE", PARAMS(TEXT(id)), error),
        id, error);
    return shadow && become(&transaction, shadow, allow ? SHADOW_ALLOWED : SHADOW_REFUSED, error) &&
           transaction_commit(&transaction, error);
}

StoreShadow *store_shadow_opened(Store *store, const StoreTicket *ticket, GError **error)
{
    g_auto(Transaction) transaction = {0};
    StoreActor actor = {.user_id = ticket->user_id, .address = ticket->client};
    if (!transaction_begin(&transaction, store, &actor, BEGIN_DURABLE, error))
        return NULL;
    g_autoptr(StoreShadow) shadow = one_shadow(
        transaction_query(&transaction,
                          "SELECT " SHADOW_COLUMNS " FROM shadows w WHERE w.session_id = $1 AND COALESCE(w.by_id, '') = $2"
                          " AND w.mode = $3 AND w.state = 'allowed' FOR UPDATE",
                          PARAMS(TEXT(ticket->session_id), TEXT(text_or_empty(ticket->user_id)),
                                 TEXT(store_display_mode_word(ticket->mode))),
                          error),
        "of this ticket", error);
    if (!shadow)
        return NULL;
    actor.name = shadow->by_name;
    return become(&transaction, shadow, SHADOW_OPEN, error) && transaction_commit(&transaction, error) ? g_steal_pointer(&shadow) : NULL;
}

bool store_shadow_sweep(Store *store, GError **error)
{
    List list = {NULL, shadow_read, (GDestroyNotify)store_shadow_free, 0};
    g_autoptr(Rows) some = store_read(store, "SELECT w.id FROM shadows w WHERE " GOES_ON " LIMIT 1", NO_PARAMS, error);
    if (!some || some->count == 0)
        return some != NULL;
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, NULL, BEGIN_DURABLE, error))
        return false;
    g_autoptr(GPtrArray) over =
        list_of(transaction_query(&transaction,
                                  "SELECT " SHADOW_COLUMNS " FROM shadows w WHERE (w.state = 'asked' AND w.asked_ms <= $1)"
                                  " OR (w.state = 'allowed' AND w.changed_ms <= $1)"
                                  " OR (w.state = 'open' AND w.changed_ms <= $2 AND NOT " ITS_DISPLAY ") OR (" GOES_ON
                                  " AND EXISTS (SELECT 1 FROM sessions s WHERE s.id = w.session_id AND s.state IN ('disconnected', 'ended')))"
                                  " ORDER BY w.id FOR UPDATE",
                                  PARAMS(NUMBER(transaction.now_ms - LIMIT_SHADOW_ASK_MS), NUMBER(transaction.now_ms - settle_ms)), error),
                &list, NULL);
    for (guint i = 0; over && i < over->len; i++) {
        StoreShadow *shadow = over->pdata[i];
        if (!become(&transaction, shadow, shadow->state == SHADOW_ASKED ? SHADOW_EXPIRED : SHADOW_ENDED, error))
            return false;
    }
    return over && (over->len == 0 || transaction_commit(&transaction, error));
}
