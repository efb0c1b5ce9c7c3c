#include "store/display.h"

#include "store/rules.h"

const char *const store_display_modes[] = {"own", "console", "view", "control", NULL};

const char *store_display_mode_word(StoreDisplayMode mode)
{
    return word_of(store_display_modes, (int)mode);
}

bool store_display_mode_parse(const char *word, StoreDisplayMode *ret)
{
    int value = 0;
    if (!word_parse(store_display_modes, word, &value))
        return false;
    *ret = (StoreDisplayMode)value;
    return true;
}

void store_display_free(StoreDisplay *display)
{
    if (!display)
        return;
    g_free(display->id);
    g_free(display->desktop_id);
    g_free(display->session_id);
    g_free(display->user_id);
    g_free(display->user_name);
    g_free(display->client);
    g_free(display->user_roles);
    g_free(display);
}

#define DISPLAY_COLUMNS                                                                                      \
    "x.id, x.desktop_id, x.session_id, x.user_id, COALESCE(u.name, ''), x.client, x.mode, x.opened_ms,"      \
    " CASE WHEN u.id IS NULL OR " MAY_LOG_IN("u") " THEN 1 ELSE 0 END, COALESCE(u.roles, ''), CASE WHEN " LOGIN_STANDS("x") " THEN 1 ELSE 0 END,"     \
    " CASE WHEN x.session_id IS NULL OR " SESSION_STANDS("x") " THEN 1 ELSE 0 END,"                          \
    " CASE WHEN " SHADOW_STANDS("x") " THEN 1 ELSE 0 END"

static gpointer display_read(Reader *reader)
{
    StoreDisplay *display = g_new0(StoreDisplay, 1);
    display->id = read_string(reader);
    display->desktop_id = read_string(reader);
    display->session_id = read_text(reader);
    display->user_id = read_text(reader);
    display->user_name = read_string(reader);
    display->client = read_string(reader);
    display->mode = (StoreDisplayMode)read_word(reader, store_display_modes);
    display->opened_ms = read_number(reader);
    display->user_enabled = read_number(reader) != 0;
    display->user_roles = read_string(reader);
    display->login_stands = read_number(reader) != 0;
    display->session_stands = read_number(reader) != 0;
    display->shadow_stands = read_number(reader) != 0;
    return display;
}

GPtrArray *store_display_list(Store *store, const StoreDisplayFilter *filter, GError **error)
{
    List list = {NULL, display_read, (GDestroyNotify)store_display_free, 0};
    return list_of(store_read(store,
                              "SELECT " DISPLAY_COLUMNS " FROM displays x LEFT JOIN users u ON u.id = x.user_id"
                              " WHERE ($1 IS NULL OR x.id = $1) AND ($2 IS NULL OR x.host_id = $2)"
                              " AND ($3 IS NULL OR x.desktop_id = $3) AND ($4 IS NULL OR x.session_id = $4)"
                              " ORDER BY x.id",
                              PARAMS(TEXT(filter->id), TEXT(filter->host_id), TEXT(filter->desktop_id),
                                     TEXT(filter->session_id)),
                              error),
                   &list, NULL);
}

/* Relaxed: after a power cut every display is gone. */
bool store_display_add(Store *store, const StoreDisplayNew *fields, GError **error)
{
    g_auto(Transaction) transaction = {0};
    return transaction_begin(&transaction, store, NULL, BEGIN_RELAXED, error) &&
           transaction_run(&transaction,
                           "INSERT INTO displays (id, host_id, desktop_id, session_id, user_id, login_id, mode, client,"
                           " opened_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                           PARAMS(TEXT(fields->id), TEXT(fields->host_id), TEXT(fields->desktop_id),
                                  TEXT(fields->session_id), TEXT(fields->user_id), TEXT(fields->login_id),
                                  TEXT(store_display_mode_word(fields->mode)), TEXT(text_or_empty(fields->client)),
                                  NUMBER(transaction.now_ms)),
                           error) &&
           transaction_commit(&transaction, error);
}

bool store_display_remove(Store *store, const char *id, GError **error)
{
    g_auto(Transaction) transaction = {0};
    return transaction_begin(&transaction, store, NULL, BEGIN_RELAXED, error) &&
           transaction_run(&transaction, "DELETE FROM displays WHERE id = $1", PARAMS(TEXT(id)), error) &&
           transaction_commit(&transaction, error);
}
