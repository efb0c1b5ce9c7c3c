#include "api/denials.h"

#include "base/limits.h"

#define PAUSE_MS 1000

typedef struct {
    int64_t told_ms;
    uint64_t left_out; /* since then */
} Denial;

struct Denials {
    GMutex lock;       /* of the table; nothing is called under it */
    GHashTable *table; /* key → Denial */
};

Denials *denials_new(void)
{
    Denials *denials = g_new0(Denials, 1);
    g_mutex_init(&denials->lock);
    denials->table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return denials;
}

void denials_free(Denials *denials)
{
    if (!denials)
        return;
    g_hash_table_unref(denials->table);
    g_mutex_clear(&denials->lock);
    g_free(denials);
}

static gboolean is_over(void *key, void *value, void *data)
{
    const Denial *denial = value;
    return *(const int64_t *)data - denial->told_ms >= PAUSE_MS;
}

bool denial_is_told(Denials *denials, const char *key, int64_t now_ms, uint64_t *ret_left_out)
{
    g_mutex_lock(&denials->lock);
    Denial *denial = g_hash_table_lookup(denials->table, key);
    bool told = !denial || now_ms - denial->told_ms >= PAUSE_MS;
    if (!told) {
        denial->left_out++;
    } else {
        *ret_left_out = denial ? denial->left_out : 0;
        if (!denial && g_hash_table_size(denials->table) >= LIMIT_DENIALS)
            g_hash_table_foreach_remove(denials->table, is_over, &now_ms);
        Denial *next = g_new0(Denial, 1);
        next->told_ms = now_ms;
        g_hash_table_replace(denials->table, g_strdup(key), next);
    }
    g_mutex_unlock(&denials->lock);
    return told;
}
