#include "base/error.h"
#include "base/id.h"
#include "base/limits.h"
#include "store/help.h"
#include "store/rules.h"
#include "store/transaction.h"

#define MESSAGE_COLUMNS "m.id, m.session_id, s.desktop_name, m.by_name, m.text, m.sent_ms"
#define FROM_MESSAGES " FROM messages m JOIN sessions s ON s.id = m.session_id "

void store_message_free(StoreMessage *message)
{
    if (!message)
        return;
    g_free(message->id);
    g_free(message->session_id);
    g_free(message->desktop_name);
    g_free(message->by_name);
    g_free(message->text);
    g_free(message);
}

static gpointer message_read(Reader *reader)
{
    StoreMessage *message = g_new0(StoreMessage, 1);
    message->id = read_string(reader);
    message->session_id = read_string(reader);
    message->desktop_name = read_string(reader);
    message->by_name = read_string(reader);
    message->text = read_string(reader);
    message->sent_ms = read_number(reader);
    return message;
}

/* The session's watchers are told. other: what the detail says besides the person. */
static bool record_message(Transaction *transaction, const char *action, const char *session_id, const char *other[2], GError **error)
{
    g_autoptr(Rows) rows =
        transaction_query(transaction, "SELECT s.user_id, s.user_name, s.desktop_name FROM sessions s WHERE s.id = $1",
                          PARAMS(TEXT(session_id)), error);
    if (!rows || rows->count == 0)
        return rows && oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "there is no session \"%s\"", session_id);
    Reader reader = {rows, 0, 0};
    g_autofree char *user_id = read_text(&reader);
    g_autofree char *user_name = read_string(&reader);
    g_autofree char *desktop = read_string(&reader);
    g_autofree char *detail = detail_of("{s:s,s:s}", "user", user_name, other[0], other[1]);
    Record record = {.action = action,
                     .kind = "session",
                     .id = session_id,
                     .name = desktop,
                     .op = "update",
                     .user_id = user_id,
                     .detail = detail};
    return transaction_record(transaction, &record, error);
}

/* Of a session that goes on, room for one more; of ended ones, none are kept. */
static bool make_room(Transaction *transaction, const char *session_id, GError **error)
{
    g_autoptr(Rows) open = transaction_query(transaction, "SELECT s.id FROM sessions s WHERE s.id = $1 AND s.state <> 'ended' FOR UPDATE",
                                             PARAMS(TEXT(session_id)), error);
    if (!open)
        return false;
    if (open->count == 0)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "session \"%s\": has ended, and nobody sees a message there", session_id);
    return transaction_run(transaction,
                           "DELETE FROM messages WHERE session_id IN (SELECT s.id FROM sessions s WHERE s.state = 'ended') OR id IN ("
                           "SELECT m.id FROM messages m WHERE m.session_id = $1 ORDER BY m.id DESC LIMIT 1000 OFFSET $2)",
                           PARAMS(TEXT(session_id), NUMBER(LIMIT_MESSAGES_SESSION - 1)), error);
}

StoreMessage *store_message_new(Store *store, const StoreActor *actor, const char *session_id, const char *text, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error) || !make_room(&transaction, session_id, error))
        return NULL;
    g_autoptr(StoreMessage) message = g_new0(StoreMessage, 1);
    *message = (StoreMessage){.id = id_new(),
                              .session_id = g_strdup(session_id),
                              .by_name = g_strdup(text_or_empty(actor ? actor->name : NULL)),
                              .text = g_strdup(text),
                              .sent_ms = transaction.now_ms};
    bool made = transaction_run(&transaction, "INSERT INTO messages (id, session_id, by_name, text, sent_ms) VALUES ($1, $2, $3, $4, $5)",
                                PARAMS(TEXT(message->id), TEXT(session_id), TEXT(message->by_name), TEXT(text), NUMBER(message->sent_ms)),
                                error) &&
                record_message(&transaction, "session.message", session_id, (const char *[2]){"text", text}, error) &&
                transaction_commit(&transaction, error);
    return made ? g_steal_pointer(&message) : NULL;
}

GPtrArray *store_message_list(Store *store, const char *user_id, const char *pool_id, GError **error)
{
    List list = {NULL, message_read, (GDestroyNotify)store_message_free, 0};
    return list_of(store_read(store,
                              "SELECT " MESSAGE_COLUMNS FROM_MESSAGES "WHERE s.user_id = $1 AND s.state <> 'ended'"
                              " AND ($2 IS NULL OR s.pool_id = $2) ORDER BY m.id",
                              PARAMS(TEXT(user_id), TEXT(pool_id)), error),
                   &list, NULL);
}

bool store_message_close(Store *store, const StoreActor *actor, const char *id, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return false;
    g_autoptr(Rows) rows =
        transaction_query(&transaction,
                          "DELETE FROM messages WHERE id = $1 AND session_id IN (SELECT s.id FROM sessions s WHERE s.user_id = $2)"
                          " RETURNING session_id, by_name",
                          PARAMS(TEXT(id), TEXT(actor->user_id)), error);
    if (!rows || rows->count == 0)
        return rows && oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "there is no message \"%s\" for you", id);
    Reader reader = {rows, 0, 0};
    g_autofree char *session_id = read_string(&reader);
    g_autofree char *by_name = read_string(&reader);
    return record_message(&transaction, "session.message-close", session_id, (const char *[2]){"by", by_name}, error) &&
           transaction_commit(&transaction, error);
}
