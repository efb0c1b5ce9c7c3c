/* Native clients: tickets that open a desktop for one kind of client alone. */
#include "host/private.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/secret.h"
#include "broker/viewer.h"
#include "host/rfb_logon.h"
#include "store/image.h"

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

/* Of a version, which never changes. */
static bool recall(Host *host, const char *version_id, bool *ret)
{
    gpointer known = NULL;
    g_mutex_lock(&host->lock);
    bool found = g_hash_table_lookup_extended(host->rdp_versions, version_id, NULL, &known);
    g_mutex_unlock(&host->lock);
    *ret = GPOINTER_TO_INT(known);
    return found;
}

static bool learn(Host *host, const StoreImageVersion *version)
{
    g_autoptr(Recipe) recipe = recipe_parse(version->recipe, strlen(version->recipe), "of the image", NULL);
    bool serves = recipe && recipe->serves_rdp;
    g_mutex_lock(&host->lock);
    g_hash_table_replace(host->rdp_versions, g_strdup(version->id), GINT_TO_POINTER(serves));
    g_mutex_unlock(&host->lock);
    return serves;
}

static bool version_serves_rdp(Host *host, const char *version_id)
{
    bool serves = false;
    if (recall(host, version_id, &serves))
        return serves;
    g_autoptr(StoreImageVersion) version = store_image_version_get(host->store, version_id, NULL);
    return version && learn(host, version);
}

struct HostImages {
    Host *host;
    GHashTable *newest; /* image id → whether its newest version serves RDP */
};

HostImages *host_images(Host *host)
{
    HostImages *images = g_new0(HostImages, 1);
    images->host = host;
    images->newest = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return images;
}

void host_images_free(HostImages *images)
{
    if (!images)
        return;
    g_hash_table_unref(images->newest);
    g_free(images);
}

static bool newest_serves_rdp(HostImages *images, const char *image_id)
{
    gpointer known = NULL;
    bool serves = false;
    if (g_hash_table_lookup_extended(images->newest, image_id, NULL, &known))
        return GPOINTER_TO_INT(known);
    g_autoptr(StoreImageVersion) version = store_image_version_newest(images->host->store, image_id, NULL);
    if (version && !recall(images->host, version->id, &serves))
        serves = learn(images->host, version);
    g_hash_table_insert(images->newest, g_strdup(image_id), GINT_TO_POINTER(serves));
    return serves;
}

bool host_serves_rdp(HostImages *images, const StorePool *pool, const StoreDesktop *desktop)
{
    const char *id = desktop && desktop->image_version_id ? desktop->image_version_id : pool->image_version_id;
    if (!pool->image_id)
        return false;
    return id ? version_serves_rdp(images->host, id) : newest_serves_rdp(images, pool->image_id);
}

static bool desktop_serves_rdp(Host *host, const StoreDesktop *row)
{
    g_autoptr(HostImages) images = host_images(host);
    g_autoptr(StorePool) pool = row->protocol ? NULL : store_pool_find(host->store, row->pool_id, NULL);
    return pool && host_serves_rdp(images, pool, row);
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

/* Sound and files are the client's own word: the .rdp file asks for none. */
bool client_bind_rules(DisplayClient kind, DisplayRules *rules, GError **error)
{
    if (kind != DISPLAY_CLIENT_RDP)
        return true;
    rules->flags &= ~(unsigned)DISPLAY_NO_SOUND;
    if (display_rules_restrict(rules))
        return oriel_fail(error, ORIEL_ERROR_UNSUPPORTED, "desktop: what is forbidden on its display cannot be held over RDP");
    rules->flags |= DISPLAY_OPAQUE;
    return true;
}

bool client_check_plan(Host *host, DisplayClient kind, const StoreSession *session, const char *display_plan_id, GError **error)
{
    const StoreChoice decided = {.plan_ids = {[STORE_PLAN_DISPLAY] = (char *)display_plan_id}};
    if (kind != DISPLAY_CLIENT_RDP || !session->pool_id)
        return true;
    g_autoptr(StorePool) pool = store_pool_get(host->store, session->pool_id, error);
    if (!pool)
        return false;
    g_auto(PlanChoice) choice = plan_choose(host, pool, &decided);
    DisplayRules rules = viewer_rules(VIEWER_OWN, choice.display, true);
    return client_bind_rules(kind, &rules, error);
}
