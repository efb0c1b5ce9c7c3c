#include "api/turns.h"

#include "base/error.h"

struct Turns {
    GMutex lock; /* of the table; nothing is called under it */
    GHashTable *counts; /* key → number under way, never 0 */
    unsigned most;
};

Turns *turns_new(unsigned most)
{
    Turns *turns = g_new0(Turns, 1);
    g_mutex_init(&turns->lock);
    turns->counts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    turns->most = most;
    return turns;
}

void turns_free(Turns *turns)
{
    if (!turns)
        return;
    g_hash_table_unref(turns->counts);
    g_mutex_clear(&turns->lock);
    g_free(turns);
}

bool turn_begin(Turns *turns, const char *key, GError **error)
{
    g_mutex_lock(&turns->lock);
    unsigned count = GPOINTER_TO_UINT(g_hash_table_lookup(turns->counts, key));
    bool room = count < turns->most;
    if (room)
        g_hash_table_replace(turns->counts, g_strdup(key), GUINT_TO_POINTER(count + 1));
    g_mutex_unlock(&turns->lock);
    return room || oriel_fail(error, ORIEL_ERROR_TOO_MANY,
                              "%u such calls of yours are under way: wait for one of them to end", turns->most);
}

void turn_end(Turns *turns, const char *key)
{
    g_mutex_lock(&turns->lock);
    unsigned count = GPOINTER_TO_UINT(g_hash_table_lookup(turns->counts, key));
    if (count > 1)
        g_hash_table_replace(turns->counts, g_strdup(key), GUINT_TO_POINTER(count - 1));
    else
        g_hash_table_remove(turns->counts, key);
    g_mutex_unlock(&turns->lock);
}
