/* Native clients: tickets that open a desktop for one kind of client alone. */
#include "host/private.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/secret.h"
#include "store/image.h"
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

/* What never changes of a version is read once. */
static bool version_serves_rdp(Host *host, const StoreImageVersion *version)
{
    gpointer known = NULL;
    g_mutex_lock(&host->lock);
    bool found = g_hash_table_lookup_extended(host->rdp_versions, version->id, NULL, &known);
    g_mutex_unlock(&host->lock);
    if (found)
        return GPOINTER_TO_INT(known);
    g_autoptr(Recipe) recipe = recipe_parse(version->recipe, strlen(version->recipe), "of the image", NULL);
    bool serves = recipe && recipe->serves_rdp;
    g_mutex_lock(&host->lock);
    g_hash_table_replace(host->rdp_versions, g_strdup(version->id), GINT_TO_POINTER(serves));
    g_mutex_unlock(&host->lock);
    return serves;
}

/* desktop NULL: a new one of the pool. */
bool host_serves_rdp(Host *host, const StorePool *pool, const StoreDesktop *desktop)
{
    const char *id = desktop && desktop->image_version_id ? desktop->image_version_id : pool->image_version_id;
    if (!pool->image_id)
        return false;
    g_autoptr(StoreImageVersion) version = id ? store_image_version_get(host->store, id, NULL)
                                              : store_image_version_newest(host->store, pool->image_id, NULL);
    return version && version_serves_rdp(host, version);
}

static bool desktop_serves_rdp(Host *host, const StoreDesktop *row)
{
    g_autoptr(StorePool) pool = row->protocol ? NULL : store_pool_find(host->store, row->pool_id, NULL);
    return pool && host_serves_rdp(host, pool, row);
}

bool client_check(Host *host, DisplayClient kind, const StoreDesktop *row, GError **error)
{
    return client_suits(kind, row->protocol, kind == DISPLAY_CLIENT_RDP && desktop_serves_rdp(host, row)) ||
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
