#include "base/error.h"
#include "store/desktop_internal.h"
#include "store/rules.h"
#include "store/user.h"

void store_ticket_free(StoreTicket *ticket)
{
    if (!ticket)
        return;
    g_free(ticket->session_id);
    g_free(ticket->desktop_id);
    g_free(ticket->user_id);
    g_free(ticket->client);
    g_free(ticket->login_id);
    g_free(ticket->agent);
    g_free(ticket);
}

/* A few at a time and only those that nobody else is removing. */
static bool remove_expired(Transaction *transaction, GError **error)
{
    g_autoptr(Rows) rows = transaction_query(
        transaction,
        "SELECT hash FROM tickets WHERE expires_ms < $1 ORDER BY expires_ms LIMIT 20 FOR UPDATE SKIP LOCKED",
        PARAMS(NUMBER(transaction->now_ms)), error);
    for (size_t row = 0; rows && row < rows->count; row++)
        if (!transaction_run(transaction, "DELETE FROM tickets WHERE hash = $1",
                             PARAMS(TEXT(rows_text(rows, row, 0))), error))
            return false;
    return rows != NULL;
}

bool ticket_create_in(Transaction *transaction, const StoreTicketNew *fields, GError **error)
{
    const char *login_id = transaction->actor ? transaction->actor->login_id : NULL;
    return remove_expired(transaction, error) &&
           transaction_run(transaction,
                           "INSERT INTO tickets (hash, session_id, desktop_id, user_id, client, expires_ms, login_id, mode)"
                           " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                           PARAMS(TEXT(fields->hash), TEXT(fields->session_id), TEXT(fields->desktop_id),
                                  TEXT(fields->user_id), TEXT(text_or_empty(fields->client)),
                                  NUMBER(fields->expires_ms), TEXT(login_id),
                                  TEXT(store_display_mode_word(fields->mode))),
                           error);
}

/* Relaxed: a ticket lives for seconds, and after a power cut its desktop is gone with it. */
bool store_ticket_create(Store *store, const StoreActor *actor, const StoreTicketNew *fields, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_RELAXED, error))
        return false;
    g_autoptr(StoreDesktop) desktop = desktop_in(&transaction, fields->desktop_id, error);
    if (!desktop)
        return false;
    /* A console is worth a line in the trail: somebody looks at another one's desktop. */
    Record record = {
        .action = "desktop.console", .kind = "desktop", .id = desktop->id, .name = desktop->name};
    return ticket_create_in(&transaction, fields, error) &&
           (fields->session_id || transaction_record(&transaction, &record, error)) &&
           transaction_commit(&transaction, error);
}

static StoreTicket *ticket_read(Reader *reader)
{
    StoreTicket *ticket = g_new0(StoreTicket, 1);
    ticket->session_id = read_text(reader);
    ticket->desktop_id = read_string(reader);
    ticket->user_id = read_text(reader);
    ticket->client = read_string(reader);
    ticket->expires_ms = read_number(reader);
    ticket->login_id = read_text(reader);
    ticket->mode = (StoreDisplayMode)read_word(reader, store_display_modes);
    ticket->agent = read_string(reader);
    return ticket;
}

StoreTicket *store_ticket_redeem(Store *store, const char *hash, int64_t now_ms, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, NULL, BEGIN_RELAXED, error))
        return NULL;
    g_autoptr(Rows) rows =
        transaction_query(&transaction,
                          "UPDATE tickets SET used_ms = $2 WHERE hash = $1 AND used_ms = 0 AND expires_ms > "
                          "$2 AND (user_id IS NULL OR EXISTS (SELECT 1 FROM users u WHERE u.id = tickets.user_id"
                          " AND " MAY_LOG_IN("u") ")) AND " LOGIN_STANDS("tickets") " AND (session_id IS NULL OR " SESSION_STANDS("tickets") ") AND " SHADOW_STANDS("tickets")
                          " RETURNING session_id, desktop_id, user_id, client, expires_ms, login_id, mode,"
                          " (SELECT w.agent FROM web_sessions w WHERE w.id = tickets.login_id)",
                          PARAMS(TEXT(hash), NUMBER(now_ms)), error);
    if (!rows)
        return NULL;
    if (rows->count == 0) {
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND,
                   "display ticket: it is unknown, used or expired; connect again");
        return NULL;
    }
    StoreTicket *ticket = ticket_read(&(Reader){rows, 0, 0});
    if (transaction_commit(&transaction, error))
        return ticket;
    store_ticket_free(ticket);
    return NULL;
}
