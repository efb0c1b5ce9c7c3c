/* What policies decided at the last click on a desktop. */
#include "store/choice_internal.h"

#include "base/error.h"
#include "store/rules.h"

#define CHOICE_COLUMNS                                                                                                 \
    "c.desktop_id, c.session_id, c.user_id, c.device, c.policy_id, c.policy_name, c.power_plan_id, c.release_plan_id," \
    " c.display_plan_id"

void store_choice_free(StoreChoice *choice)
{
    if (!choice)
        return;
    g_free(choice->desktop_id);
    g_free(choice->session_id);
    g_free(choice->user_id);
    g_free(choice->device);
    g_free(choice->policy_id);
    g_free(choice->policy_name);
    for (int kind = 0; kind < STORE_PLAN_KINDS; kind++)
        g_free(choice->plan_ids[kind]);
    g_free(choice);
}

static gpointer choice_read(Reader *reader)
{
    StoreChoice *choice = g_new0(StoreChoice, 1);
    choice->desktop_id = read_string(reader);
    choice->session_id = read_string(reader);
    choice->user_id = read_string(reader);
    choice->device = read_string(reader);
    choice->policy_id = read_text(reader);
    choice->policy_name = read_string(reader);
    for (int kind = 0; kind < STORE_PLAN_KINDS; kind++)
        choice->plan_ids[kind] = read_text(reader);
    return choice;
}

GPtrArray *store_choice_list(Store *store, const StoreChoiceFilter *filter, GError **error)
{
    List list = {NULL, choice_read, (GDestroyNotify)store_choice_free, 0};
    return list_of(store_read(store,
                              "SELECT " CHOICE_COLUMNS " FROM choices c JOIN desktops d ON d.id = c.desktop_id"
                              " WHERE ($1 IS NULL OR d.host_id = $1) AND ($2 IS NULL OR d.id = $2) AND (d.user_id = c.user_id"
                              " OR EXISTS (SELECT 1 FROM assignments a WHERE a.desktop_id = d.id AND a.user_id = c.user_id))"
                              " ORDER BY c.desktop_id",
                              PARAMS(TEXT(filter->host_id), TEXT(filter->desktop_id)), error),
                   &list, NULL);
}

/* The audit trail says which policy decided, where one did or does not any more. */
static bool record_choice(Transaction *transaction, const StoreChoice *choice, const char *desktop_name, GError **error)
{
    g_autofree char *detail =
        detail_of("{s:s?, s:s, s:s}", "policy_id", choice->policy_id, "policy", text_or_empty(choice->policy_name), "device", choice->device);
    Record record = {.action = "session.policy",
                     .kind = "session",
                     .id = choice->session_id,
                     .name = desktop_name,
                     .op = "update",
                     .user_id = choice->user_id,
                     .detail = detail};
    return transaction_record(transaction, &record, error);
}

static bool write_choice(Transaction *transaction, const StoreChoice *choice, GError **error)
{
    return transaction_run(
        transaction,
        "INSERT INTO choices (desktop_id, session_id, user_id, device, policy_id, policy_name, power_plan_id,"
        " release_plan_id, display_plan_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        " ON CONFLICT (desktop_id) DO UPDATE SET session_id = excluded.session_id, user_id = excluded.user_id,"
        " device = excluded.device, policy_id = excluded.policy_id, policy_name = excluded.policy_name,"
        " power_plan_id = excluded.power_plan_id, release_plan_id = excluded.release_plan_id,"
        " display_plan_id = excluded.display_plan_id",
        PARAMS(TEXT(choice->desktop_id), TEXT(choice->session_id), TEXT(choice->user_id), TEXT(choice->device),
               TEXT(choice->policy_id), TEXT(text_or_empty(choice->policy_name)), TEXT(choice->plan_ids[STORE_PLAN_POWER]),
               TEXT(choice->plan_ids[STORE_PLAN_RELEASE]), TEXT(choice->plan_ids[STORE_PLAN_DISPLAY])),
        error);
}

bool choice_write_in(Transaction *transaction, const StoreSession *session, const StoreChoice *choice, GError **error)
{
    StoreChoice whole = *choice;
    whole.desktop_id = session->desktop_id;
    whole.session_id = session->id;
    whole.user_id = session->user_id;
    return write_choice(transaction, &whole, error) &&
           (!whole.policy_id || record_choice(transaction, &whole, session->desktop_name, error));
}

bool store_choice_set(Store *store, const StoreChoice *choice, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, NULL, BEGIN_DURABLE, error))
        return false;
    g_autoptr(Rows) desktop = transaction_query(&transaction, "SELECT id FROM desktops WHERE id = $1 FOR UPDATE",
                                                PARAMS(TEXT(choice->desktop_id)), error);
    g_autoptr(Rows) open =
        desktop ? transaction_query(&transaction,
                                    "SELECT s.desktop_name FROM sessions s WHERE s.id = $1 AND s.desktop_id = $2"
                                    " AND s.state <> 'ended' FOR UPDATE",
                                    PARAMS(TEXT(choice->session_id), TEXT(choice->desktop_id)), error)
                : NULL;
    if (!open || open->count == 0)
        return open != NULL;
    return write_choice(&transaction, choice, error) &&
           record_choice(&transaction, choice, rows_text(open, 0, 0), error) && transaction_commit(&transaction, error);
}
