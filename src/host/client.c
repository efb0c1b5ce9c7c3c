/* Native clients: tickets that open a desktop for one kind of client alone. */
#include "host/private.h"

#include "base/error.h"
#include "base/limits.h"
#include "base/secret.h"
#include "host/rfb_logon.h"

static const int64_t let_in_limit_us = 5 * G_USEC_PER_SEC;

/* The kind is in the hash: with a ticket of another kind the answer is the same as with none. */
char *client_ticket_hash(ClientKind kind, const char *ticket)
{
    g_autoptr(SecretString) marked = kind == CLIENT_BROWSER ? g_strdup(ticket) : g_strconcat(client_word(kind), " ", ticket, NULL);
    return secret_token_hash(marked);
}

int64_t client_ticket_ms(ClientKind kind)
{
    return kind == CLIENT_BROWSER ? LIMIT_TICKET_MS : LIMIT_TICKET_FILE_MS;
}

bool client_check(ClientKind kind, const StoreDesktop *row, GError **error)
{
    return client_suits(kind, row->protocol) ||
           oriel_fail(error, ORIEL_ERROR_UNSUPPORTED, "desktop \"%s\": %s", row->name, client_advice(row->protocol));
}

bool client_let_in(ClientKind kind, int fd, GError **error)
{
    if (kind != CLIENT_VV || rfb_log_on(fd, NULL, g_get_monotonic_time() + let_in_limit_us, error))
        return true;
    g_prefix_error(error, "the desktop's display ");
    return false;
}
