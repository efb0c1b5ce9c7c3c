#include "identity/identity.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "identity/internal.h"
#include "identity/recheck.h"

Identity *identity_new(Store *store, GError **error)
{
    g_autofree char *secret = secret_token_new();
    g_autofree char *dummy_hash = secret_password_hash(secret, error);
    if (!dummy_hash)
        return NULL;
    Identity *identity = g_new0(Identity, 1);
    identity->store = store;
    identity->silent = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    identity->dummy_hash = g_steal_pointer(&dummy_hash);
    identity->providers = providers_new();
    identity->used = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_mutex_init(&identity->lock);
    g_cond_init(&identity->freed);
    g_mutex_init(&identity->count_lock);
    recheck_open(identity);
    return identity;
}

void identity_free(Identity *identity)
{
    if (!identity)
        return;
    recheck_close(identity);
    g_free(identity->dummy_hash);
    providers_free(identity->providers);
    g_hash_table_unref(identity->used);
    g_hash_table_unref(identity->silent);
    g_mutex_clear(&identity->lock);
    g_cond_clear(&identity->freed);
    g_mutex_clear(&identity->count_lock);
    g_free(identity);
}

bool identity_expire(Identity *identity, GError **error)
{
    int64_t now_ms = clock_utc_ms();
    return store_web_session_expire(identity->store, now_ms, now_ms - IDENTITY_IDLE_MS, error);
}

bool identity_first_admin(Identity *identity, char **ret_token, GError **error)
{
    *ret_token = NULL;
    uint64_t count = 0;
    if (!store_user_count(identity->store, &count, error))
        return false;
    if (count == 0) {
        g_autoptr(GError) failure = NULL;
        StoreUser fields = {
            .name = "admin", .display_name = "Administrator", .roles = "admin", .enabled = true};
        g_autoptr(StoreUser) made = store_user_create(identity->store, NULL, &fields, &failure);
        /* Another host of the same store may have been quicker. */
        if (!made && oriel_error_kind(failure) != ORIEL_ERROR_CONFLICT) {
            g_propagate_error(error, g_steal_pointer(&failure));
            return false;
        }
    }
    g_autoptr(GError) failure = NULL;
    g_autoptr(StoreUser) admin = store_user_find(identity->store, "admin", &failure);
    if (!admin && oriel_error_kind(failure) != ORIEL_ERROR_NOT_FOUND) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return false;
    }
    if (!admin || !admin->enabled || admin->has_password)
        return true;
    *ret_token = identity_link_new(identity, NULL, admin->id, NULL, error);
    return *ret_token != NULL;
}
