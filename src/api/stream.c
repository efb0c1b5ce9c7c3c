#include "api/stream.h"

#include <string.h>

#include "api/resource.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/secret.h"
#include "store/job.h"

#define HEARTBEAT_MS 15000
#define RECHECK_HEARTBEATS 4 /* a login is looked at again every minute */

struct StreamClient {
    Hub *hub;
    char *user_id;
    Roles roles;
    bool limited; /* a help desk that may not see everybody's sessions and desktops: it hears of its own */
    Scopes scopes;
    char *cookie;
    char *token;
    GQueue messages; /* of GBytes */
    size_t offset;   /* sent of the first */
    StreamWaker waker;
    bool parked;
    bool ended;
};

struct Hub {
    Store *store;
    Identity *identity;
    GMutex lock; /* everything below */
    GCond woken;
    GPtrArray *clients;
    GHashTable *jobs; /* ids whose rows are to be read and sent */
    GHashTable *left; /* ids of users of whom a login has ended: their streams are looked at again */
    bool stopping;
    GThread *thread;
    unsigned subscription;
};

static GBytes *message_new(const char *event, const char *data)
{
    char *text = g_strdup_printf("event: %s\ndata: %s\n\n", event, data);
    return g_bytes_new_take(text, strlen(text));
}

static void wake_locked(StreamClient *client)
{
    if (!client->parked)
        return;
    client->parked = false;
    client->waker.wake(client->waker.data);
}

/* Drops what waits, but for a message that is half sent. */
static void drop_locked(StreamClient *client)
{
    unsigned keep = client->offset ? 1 : 0;
    while (g_queue_get_length(&client->messages) > keep)
        g_bytes_unref(g_queue_pop_tail(&client->messages));
}

static void send_locked(StreamClient *client, GBytes *message)
{
    if (client->ended)
        return;
    if (g_queue_get_length(&client->messages) >= LIMIT_STREAM_QUEUE) {
        drop_locked(client);
        g_queue_push_tail(&client->messages, message_new("resync", "{}"));
    } else {
        g_queue_push_tail(&client->messages, g_bytes_ref(message));
    }
    wake_locked(client);
}

static void end_locked(StreamClient *client)
{
    client->ended = true;
    wake_locked(client);
}

/* ---- who may see what ---- */

static bool permission_of_kind(const char *kind, Permission *ret)
{
    static const struct {
        const char *kind;
        Permission permission;
    } kinds[] = {
        {"user", PERMISSION_USER_READ},        {"group", PERMISSION_USER_READ},
        {"token", PERMISSION_USER_READ},       {"login", PERMISSION_USER_READ},        {"kiosk", PERMISSION_USER_READ},
        {"pool", PERMISSION_POOL_READ},
        {"plan", PERMISSION_POOL_READ},        {"directory", PERMISSION_USER_READ},
        {"policy", PERMISSION_POOL_READ},
        {"entitlement", PERMISSION_POOL_READ}, {"desktop", PERMISSION_DESKTOP_READ},
        {"home", PERMISSION_USER_READ}, {"session", PERMISSION_SESSION_READ},  {"image", PERMISSION_IMAGE_READ},
        {"job", PERMISSION_JOB_READ},          {"event", PERMISSION_EVENT_READ},
        {"host", PERMISSION_STATUS_READ},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (strcmp(kinds[i].kind, kind) != 0)
            continue;
        *ret = kinds[i].permission;
        return true;
    }
    return false;
}

static bool client_may(const StreamClient *client, Permission permission)
{
    bool others = permission == PERMISSION_SESSION_READ || permission == PERMISSION_DESKTOP_READ;
    if (others && client->limited)
        return false;
    return identity_allows(client->roles, permission) && scopes_allow(client->scopes, permission, true);
}

/* Changes that may change somebody's tiles, without telling them what others have. */
static bool moves_tiles(const char *kind)
{
    static const char *const kinds[] = {"pool", "policy", "entitlement", "group", "image", NULL};
    return g_strv_contains(kinds, kind);
}

static void change_send_locked(StreamClient *client, const StoreChange *change, GBytes *full, GBytes *tiles)
{
    Permission needed;
    if (!permission_of_kind(change->kind, &needed))
        return;
    if (client_may(client, needed) ||
        (client->user_id && change->user_id && strcmp(client->user_id, change->user_id) == 0))
        send_locked(client, full);
    else if (client->user_id && moves_tiles(change->kind))
        send_locked(client, tiles);
}

static GBytes *change_message(const char *kind, const char *id, const char *op)
{
    g_autoptr(Json) data = json_pack("{s:s, s:s, s:s}", "kind", kind, "id", id, "op", op);
    g_autofree char *text = json_text(data);
    return message_new("change", text);
}

static void on_change(const StoreChange *change, void *data)
{
    Hub *hub = data;
    bool missed = strcmp(change->kind, "*") == 0;
    g_autoptr(GBytes) full = missed ? message_new("resync", "{}")
                                    : change_message(change->kind, change->id ? change->id : "", change->op);
    g_autoptr(GBytes) tiles = change_message("portal", "", "update");
    g_mutex_lock(&hub->lock);
    for (unsigned i = 0; i < hub->clients->len; i++) {
        StreamClient *client = hub->clients->pdata[i];
        if (missed)
            send_locked(client, full);
        else
            change_send_locked(client, change, full, tiles);
    }
    if (!missed && strcmp(change->kind, "job") == 0 && strcmp(change->op, "delete") != 0 &&
        hub->clients->len) {
        g_hash_table_add(hub->jobs, g_strdup(change->id));
        g_cond_signal(&hub->woken);
    }
    if (strcmp(change->kind, "login") == 0 && strcmp(change->op, "delete") == 0 && change->user_id && hub->clients->len) {
        g_hash_table_add(hub->left, g_strdup(change->user_id));
        g_cond_signal(&hub->woken);
    }
    g_mutex_unlock(&hub->lock);
}

/* ---- the hub's thread ---- */

static void job_send(Hub *hub, const char *id)
{
    g_autoptr(StoreJob) job = store_job_get(hub->store, id, NULL);
    if (!job)
        return;
    g_autoptr(Json) data = job_json(job);
    g_autofree char *text = json_text(data);
    g_autoptr(GBytes) message = message_new("job", text);
    g_mutex_lock(&hub->lock);
    for (unsigned i = 0; i < hub->clients->len; i++) {
        StreamClient *client = hub->clients->pdata[i];
        if (client_may(client, PERMISSION_JOB_READ))
            send_locked(client, message);
    }
    g_mutex_unlock(&hub->lock);
}

static void heartbeat(Hub *hub)
{
    static const char comment[] = ":\n\n";
    g_autoptr(GBytes) message = g_bytes_new_static(comment, strlen(comment));
    g_mutex_lock(&hub->lock);
    for (unsigned i = 0; i < hub->clients->len; i++)
        send_locked(hub->clients->pdata[i], message);
    g_mutex_unlock(&hub->lock);
}

/* Whether the login behind a stream still stands with the same roles. An unreachable store proves nothing. */
static bool login_holds(Hub *hub, const char *cookie, const char *token, Roles roles)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Caller) caller = cookie ? identity_by_cookie(hub->identity, cookie, &error)
                                      : identity_by_token(hub->identity, token, &error);
    if (caller)
        return caller->roles == roles;
    return oriel_error_kind(error) != ORIEL_ERROR_UNAUTHENTICATED;
}

typedef struct {
    StreamClient *client; /* compared, not followed, outside the lock */
    char *cookie;
    char *token;
    Roles roles;
} Check;

static void check_free(void *data)
{
    Check *check = data;
    secret_free(check->cookie);
    secret_free(check->token);
    g_free(check);
}

/* of: ids of users; NULL: all. */
static void logins_recheck(Hub *hub, GHashTable *of)
{
    g_autoptr(GPtrArray) checks = g_ptr_array_new_with_free_func(check_free);
    g_mutex_lock(&hub->lock);
    for (unsigned i = 0; i < hub->clients->len; i++) {
        StreamClient *client = hub->clients->pdata[i];
        if ((!client->cookie && !client->token) || (of && (!client->user_id || !g_hash_table_contains(of, client->user_id))))
            continue;
        Check *check = g_new0(Check, 1);
        *check = (Check){client, g_strdup(client->cookie), g_strdup(client->token), client->roles};
        g_ptr_array_add(checks, check);
    }
    g_mutex_unlock(&hub->lock);
    for (unsigned i = 0; i < checks->len; i++) {
        Check *check = checks->pdata[i];
        if (login_holds(hub, check->cookie, check->token, check->roles))
            continue;
        g_mutex_lock(&hub->lock);
        /* A client that left and whose memory serves a new one is told apart by its login. */
        if (g_ptr_array_find(hub->clients, check->client, NULL) &&
            g_strcmp0(check->client->cookie, check->cookie) == 0 &&
            g_strcmp0(check->client->token, check->token) == 0)
            end_locked(check->client);
        g_mutex_unlock(&hub->lock);
    }
}

static void *hub_run(void *data)
{
    Hub *hub = data;
    int64_t next_ms = clock_monotonic_ms() + HEARTBEAT_MS;
    unsigned beats = 0;
    g_mutex_lock(&hub->lock);
    while (!hub->stopping) {
        if (g_hash_table_size(hub->jobs) == 0 && g_hash_table_size(hub->left) == 0)
            g_cond_wait_until(&hub->woken, &hub->lock, next_ms * 1000);
        g_autoptr(GHashTable) jobs = g_steal_pointer(&hub->jobs);
        hub->jobs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_autoptr(GHashTable) left = g_steal_pointer(&hub->left);
        hub->left = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_mutex_unlock(&hub->lock);
        GHashTableIter iter;
        void *id;
        g_hash_table_iter_init(&iter, jobs);
        while (g_hash_table_iter_next(&iter, &id, NULL))
            job_send(hub, id);
        if (g_hash_table_size(left) > 0)
            logins_recheck(hub, left);
        if (clock_monotonic_ms() >= next_ms) {
            next_ms = clock_monotonic_ms() + HEARTBEAT_MS;
            heartbeat(hub);
            if (++beats % RECHECK_HEARTBEATS == 0)
                logins_recheck(hub, NULL);
        }
        g_mutex_lock(&hub->lock);
    }
    g_mutex_unlock(&hub->lock);
    return NULL;
}

Hub *hub_new(Store *store, Identity *identity)
{
    Hub *hub = g_new0(Hub, 1);
    hub->store = store;
    hub->identity = identity;
    g_mutex_init(&hub->lock);
    g_cond_init(&hub->woken);
    hub->clients = g_ptr_array_new();
    hub->jobs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    hub->left = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    hub->subscription = store_subscribe(store, on_change, hub);
    hub->thread = g_thread_new("stream", hub_run, hub);
    return hub;
}

void hub_stop(Hub *hub)
{
    if (hub->subscription)
        store_unsubscribe(hub->store, hub->subscription);
    hub->subscription = 0;
    g_mutex_lock(&hub->lock);
    hub->stopping = true;
    for (unsigned i = 0; i < hub->clients->len; i++)
        end_locked(hub->clients->pdata[i]);
    g_cond_signal(&hub->woken);
    g_mutex_unlock(&hub->lock);
    g_clear_pointer(&hub->thread, g_thread_join);
}

void hub_free(Hub *hub)
{
    if (!hub)
        return;
    hub_stop(hub);
    g_ptr_array_unref(hub->clients);
    g_hash_table_unref(hub->jobs);
    g_hash_table_unref(hub->left);
    g_mutex_clear(&hub->lock);
    g_cond_clear(&hub->woken);
    g_free(hub);
}

/* ---- clients ---- */

static void client_free(StreamClient *client)
{
    g_queue_clear_full(&client->messages, (GDestroyNotify)g_bytes_unref);
    secret_free(client->cookie);
    secret_free(client->token);
    g_free(client->user_id);
    g_free(client);
}

static unsigned count_locked(const Hub *hub, const char *user_id)
{
    unsigned count = 0;
    for (unsigned i = 0; user_id && i < hub->clients->len; i++)
        count += g_strcmp0(((const StreamClient *)hub->clients->pdata[i])->user_id, user_id) == 0;
    return count;
}

StreamClient *hub_join(Hub *hub, const HubMember *member, GError **error)
{
    StreamClient *client = g_new0(StreamClient, 1);
    client->hub = hub;
    client->user_id = g_strdup(member->caller->user_id);
    client->roles = member->caller->roles;
    client->scopes = member->caller->scopes;
    client->limited = member->limited;
    client->cookie = g_strdup(member->cookie);
    client->token = g_strdup(member->token);
    g_queue_init(&client->messages);
    g_queue_push_tail(&client->messages, g_bytes_new_static("retry: 2000\n\n", 13));
    g_queue_push_tail(&client->messages, message_new("resync", "{}"));
    g_mutex_lock(&hub->lock);
    bool own = count_locked(hub, client->user_id) >= LIMIT_EVENT_STREAMS_USER;
    bool stopping = hub->stopping, full = own || hub->clients->len >= LIMIT_EVENT_STREAMS;
    if (!stopping && !full)
        g_ptr_array_add(hub->clients, client);
    g_mutex_unlock(&hub->lock);
    if (!stopping && !full)
        return client;
    client_free(client);
    if (full)
        oriel_fail(error, ORIEL_ERROR_TOO_MANY, "%d event streams%s are open, which is the limit: close one",
                   own ? LIMIT_EVENT_STREAMS_USER : LIMIT_EVENT_STREAMS, own ? " of yours" : "");
    else
        oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "orield is ending");
    return NULL;
}

void hub_leave(StreamClient *client)
{
    if (!client)
        return;
    g_mutex_lock(&client->hub->lock);
    g_ptr_array_remove_fast(client->hub->clients, client);
    g_mutex_unlock(&client->hub->lock);
    client_free(client);
}

void stream_set_waker(StreamClient *client, const StreamWaker *waker)
{
    g_mutex_lock(&client->hub->lock);
    client->waker = *waker;
    g_mutex_unlock(&client->hub->lock);
}

size_t stream_read(StreamClient *client, char *buffer, size_t length, bool *ret_end)
{
    size_t used = 0;
    g_mutex_lock(&client->hub->lock);
    while (used < length && !g_queue_is_empty(&client->messages)) {
        gsize size = 0;
        GBytes *message = g_queue_peek_head(&client->messages);
        const char *text = g_bytes_get_data(message, &size);
        size_t part = MIN(size - client->offset, length - used);
        memcpy(buffer + used, text + client->offset, part);
        used += part;
        client->offset += part;
        if (client->offset == size) {
            client->offset = 0;
            g_bytes_unref(g_queue_pop_head(&client->messages));
        }
    }
    *ret_end = used == 0 && client->ended;
    if (used == 0 && !client->ended) {
        client->parked = true;
        client->waker.park(client->waker.data);
    }
    g_mutex_unlock(&client->hub->lock);
    return used;
}
