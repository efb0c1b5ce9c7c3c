/* Native clients: tickets that open a desktop for one kind of client alone. */
#include "host/private.h"

#include "base/error.h"
#include "base/limits.h"
#include "base/secret.h"
#include "host/rfb_logon.h"

static const int64_t let_in_limit_us = 5 * G_USEC_PER_SEC;

/* The kind is in the hash: with a ticket of another kind the answer is the same as with none. */
char *client_ticket_hash(DisplayClient kind, const char *ticket)
{
    g_autoptr(SecretString) marked = kind == DISPLAY_CLIENT_BROWSER ? g_strdup(ticket) : g_strconcat(client_word(kind), " ", ticket, NULL);
    return secret_token_hash(marked);
}

int64_t client_ticket_ms(DisplayClient kind)
{
    return kind == DISPLAY_CLIENT_BROWSER ? LIMIT_TICKET_MS : LIMIT_TICKET_FILE_MS;
}

bool client_check(DisplayClient kind, const StoreDesktop *row, GError **error)
{
    return client_suits(kind, row->protocol) ||
           oriel_fail(error, ORIEL_ERROR_UNSUPPORTED, "desktop \"%s\": %s", row->name, client_advice(row->protocol));
}

bool host_client_offered(Host *host, const StorePool *pool, const char *display_plan_id, DisplayClient client)
{
    const StoreChoice decided = {.plan_ids = {[STORE_PLAN_DISPLAY] = (char *)display_plan_id}};
    g_auto(PlanChoice) choice = plan_choose(host, pool, &decided);
    return display_plan_offers(choice.display, client);
}

bool client_let_in(DisplayClient kind, int fd, GError **error)
{
    if (kind != DISPLAY_CLIENT_VV || rfb_log_on(fd, NULL, g_get_monotonic_time() + let_in_limit_us, error))
        return true;
    g_prefix_error(error, "the desktop's display ");
    return false;
}
