#include "store/watch.h"

#include <string.h>

#include "base/id.h"
#include "base/json.h"
#include "store/listener.h"

typedef struct {
    unsigned handle;
    StoreWatcher watcher;
    void *data;
} Entry;

struct Watch {
    GMutex lock; /* held while watchers run: keeps them in order, and lets watch_unsubscribe wait for them */
    GArray *entries;
    unsigned last;
    char *instance; /* tells our own notifications from those of others */
    Listener *listener;
};

Watch *watch_new(void)
{
    Watch *watch = g_new0(Watch, 1);
    g_mutex_init(&watch->lock);
    watch->entries = g_array_new(FALSE, FALSE, sizeof(Entry));
    watch->instance = id_new();
    return watch;
}

void watch_free(Watch *watch)
{
    if (!watch)
        return;
    listener_free(watch->listener);
    g_array_unref(watch->entries);
    g_mutex_clear(&watch->lock);
    g_free(watch->instance);
    g_free(watch);
}

unsigned watch_subscribe(Watch *watch, StoreWatcher watcher, void *data)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&watch->lock);
    Entry entry = {++watch->last, watcher, data};
    g_array_append_val(watch->entries, entry);
    return entry.handle;
}

void watch_unsubscribe(Watch *watch, unsigned handle)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&watch->lock);
    for (guint i = 0; i < watch->entries->len; i++) {
        if (g_array_index(watch->entries, Entry, i).handle == handle) {
            g_array_remove_index(watch->entries, i);
            return;
        }
    }
}

static void change_free(gpointer data)
{
    StoreChange *change = data;
    g_free((char *)change->kind);
    g_free((char *)change->id);
    g_free((char *)change->op);
    g_free((char *)change->user_id);
    g_free(change);
}

GPtrArray *watch_changes_new(void)
{
    return g_ptr_array_new_with_free_func(change_free);
}

/* Two updates of one thing in one transaction are one change. */
static bool is_known(const GPtrArray *changes, const StoreChange *change)
{
    for (guint i = 0; i < changes->len; i++) {
        const StoreChange *known = changes->pdata[i];
        if (strcmp(known->id, change->id) == 0 && strcmp(known->kind, change->kind) == 0 &&
            strcmp(known->op, change->op) == 0 && g_strcmp0(known->user_id, change->user_id) == 0)
            return true;
    }
    return false;
}

void watch_changes_add(GPtrArray *changes, const StoreChange *change)
{
    if (changes->len < 16 && is_known(changes, change))
        return;
    StoreChange *copy = g_new0(StoreChange, 1);
    *copy = (StoreChange){g_strdup(change->kind), g_strdup(change->id), g_strdup(change->op),
                          g_strdup(change->user_id)};
    g_ptr_array_add(changes, copy);
}

void watch_tell(Watch *watch, const GPtrArray *changes)
{
    if (changes->len == 0)
        return;
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&watch->lock);
    for (guint i = 0; i < changes->len; i++)
        for (guint j = 0; j < watch->entries->len; j++) {
            const Entry *entry = &g_array_index(watch->entries, Entry, j);
            entry->watcher(changes->pdata[i], entry->data);
        }
}

/* ["INSTANCE",["kind","id","op","user"],...] */
enum { CHANGES_IN_PAYLOAD = 64 };

char **watch_payloads(const Watch *watch, const GPtrArray *changes)
{
    GPtrArray *payloads = g_ptr_array_new();
    for (guint first = 0; first < changes->len; first += CHANGES_IN_PAYLOAD) {
        g_autoptr(Json) payload = json_pack("[s]", watch->instance);
        for (guint i = first; i < changes->len && i < first + CHANGES_IN_PAYLOAD; i++) {
            const StoreChange *change = changes->pdata[i];
            json_array_append_new(
                payload, json_pack("[s,s,s,s?]", change->kind, change->id, change->op, change->user_id));
        }
        g_ptr_array_add(payloads, json_text(payload));
    }
    g_ptr_array_add(payloads, NULL);
    return (char **)g_ptr_array_free(payloads, FALSE);
}

/* From the listener's thread: what another process told, or NULL: the connection was lost for a while. */
static void on_payload(const char *payload, void *data)
{
    Watch *watch = data;
    g_autoptr(GPtrArray) changes = watch_changes_new();
    g_autoptr(Json) list = payload ? json_loads(payload, 0, NULL) : NULL;
    const char *instance = json_string_value(json_array_get(list, 0));
    if (g_strcmp0(instance, watch->instance) == 0)
        return;
    for (size_t i = 1; i < json_array_size(list); i++) {
        StoreChange change = {0};
        json_t *user_id = NULL; /* a string or null */
        if (json_unpack(json_array_get(list, i), "[s,s,s,o]", &change.kind, &change.id, &change.op,
                        &user_id) != 0)
            continue;
        change.user_id = json_string_value(user_id);
        watch_changes_add(changes, &change);
    }
    if (changes->len == 0)
        watch_changes_add(changes, &(StoreChange){"*", "", "*", NULL});
    watch_tell(watch, changes);
}

void watch_listen(Watch *watch, const char *uri)
{
    watch->listener = listener_new(uri, on_payload, watch);
}
