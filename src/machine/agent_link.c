#include "machine/agent_link.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"

#define AGENT_READ_BLOCK 16384
#define AGENT_UNSENT_LIMIT (256 * 1024)
#define AGENT_BYTES_SECOND                                                                                   \
    (1024 * 1024) /* more than this within a second, and we stop reading for the rest of it */
#define AGENT_PAUSE_MS 1000

struct AgentLink {
    gatomicrefcount references;
    Loop *loop;
    char *name;
    AgentLinkFunction function;
    void *owner;
    int fd;
    LoopSource *source;
    AgentLines lines;    /* machine thread, as are the two below */
    int64_t window_ms;   /* when this second began */
    size_t window_bytes; /* read in it */
    bool flooded;        /* told */

    GMutex lock; /* all below */
    GCond changed;
    bool closed;  /* by us or by the end of QEMU */
    bool removed; /* the source, by agent_link_close */
    bool paused;  /* reading */
    bool ready, settled, logs_on, tunnels;
    unsigned seats;
    uint64_t last_id;
    GHashTable *calls; /* id -> AgentCall */
    GByteArray *unsent;
};

typedef struct {
    bool answered;
    AgentMessage answer;
} AgentCall;

static void link_ref(AgentLink *link)
{
    g_atomic_ref_count_inc(&link->references);
}

/* Under lock. */
static void link_update_events(AgentLink *link)
{
    uint32_t events = (link->paused ? 0 : EPOLLIN) | (link->unsent->len > 0 ? EPOLLOUT : 0);
    if (!link->removed)
        loop_set_events(link->source, link->closed ? 0 : events);
}

/* Under lock. */
static void link_mark_closed(AgentLink *link)
{
    link->closed = true;
    link_update_events(link);
    g_cond_broadcast(&link->changed);
}

static void take_answer(AgentLink *link, AgentMessage *message)
{
    g_mutex_lock(&link->lock);
    AgentCall *call = g_hash_table_lookup(link->calls, &message->id);
    if (call && !call->answered) {
        call->answered = true;
        call->answer = *message;
        *message = (AgentMessage){0};
        g_cond_broadcast(&link->changed);
    }
    g_mutex_unlock(&link->lock);
}

static void take_ready(AgentLink *link, const AgentMessage *message)
{
    g_mutex_lock(&link->lock);
    link->ready = true;
    link->settled = link->settled || message->flag;
    link->logs_on = message->logs_on;
    link->seats = message->seat;
    link->tunnels = message->tunnels;
    g_cond_broadcast(&link->changed);
    g_mutex_unlock(&link->lock);
}

static void take_line(const char *line, size_t length, void *data)
{
    AgentLink *link = data;
    g_auto(AgentMessage) message = {0};
    if (!agent_message_parse(line, length, &message) || message.kind == AGENT_UNKNOWN)
        return;
    if (message.kind == AGENT_DONE || message.kind == AGENT_PONG) {
        take_answer(link, &message);
        return;
    }
    if (message.kind == AGENT_READY)
        take_ready(link, &message);
    link->function(&message, link->owner);
}

static void link_resume(void *data)
{
    AgentLink *link = data;
    g_mutex_lock(&link->lock);
    link->paused = false;
    link_update_events(link);
    g_mutex_unlock(&link->lock);
    agent_link_unref(link);
}

/* A guest may say as much as it likes, but not keep the machine thread busy with it. */
static void link_count(AgentLink *link, size_t bytes)
{
    int64_t now_ms = clock_monotonic_ms();
    if (now_ms - link->window_ms >= AGENT_PAUSE_MS) {
        link->window_ms = now_ms;
        link->window_bytes = 0;
    }
    link->window_bytes += bytes;
    if (link->window_bytes <= AGENT_BYTES_SECOND)
        return;
    g_mutex_lock(&link->lock);
    link->paused = true;
    link_update_events(link);
    g_mutex_unlock(&link->lock);
    link_ref(link);
    loop_run(link->loop, AGENT_PAUSE_MS, link_resume, link);
    if (!link->flooded)
        link->function(&(AgentMessage){.kind = AGENT_FLOODS}, link->owner);
    link->flooded = true;
}

static void link_receive(AgentLink *link)
{
    char block[AGENT_READ_BLOCK];
    ssize_t got = recv(link->fd, block, sizeof block, MSG_DONTWAIT);
    if (got > 0) {
        agent_lines_feed(&link->lines, block, (size_t)got, take_line, link);
        link_count(link, (size_t)got);
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        g_mutex_lock(&link->lock);
        link_mark_closed(link);
        g_mutex_unlock(&link->lock);
    }
}

/* Under lock. Sends what the socket takes now. */
static void link_send(AgentLink *link)
{
    while (link->unsent->len > 0 && !link->closed) {
        ssize_t sent = send(link->fd, link->unsent->data, link->unsent->len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno != EAGAIN)
            link_mark_closed(link);
        if (sent < 0)
            break;
        g_byte_array_remove_range(link->unsent, 0, (guint)sent);
    }
    link_update_events(link);
}

static void link_event(uint32_t events, void *data)
{
    AgentLink *link = data;
    if (events & EPOLLOUT) {
        g_mutex_lock(&link->lock);
        link_send(link);
        g_mutex_unlock(&link->lock);
    }
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        link_receive(link);
}

AgentLink *agent_link_new(Loop *loop, int fd, const char *name, AgentLinkFunction function, void *owner)
{
    AgentLink *link = g_new0(AgentLink, 1);
    g_atomic_ref_count_init(&link->references);
    link->loop = loop;
    link->name = g_strdup(name);
    link->function = function;
    link->owner = owner;
    link->fd = fd;
    g_mutex_init(&link->lock);
    g_cond_init(&link->changed);
    link->calls = g_hash_table_new(g_int64_hash, g_int64_equal);
    link->unsent = g_byte_array_new();
    link->source = loop_add(loop, fd, 0, link_event, link);
    loop_set_events(link->source, EPOLLIN);
    return link;
}

void agent_link_close(AgentLink *link)
{
    g_mutex_lock(&link->lock);
    link_mark_closed(link);
    LoopSource *source = link->removed ? NULL : link->source;
    link->removed = true;
    g_mutex_unlock(&link->lock);
    loop_remove(source);
}

void agent_link_unref(AgentLink *link)
{
    if (!link || !g_atomic_ref_count_dec(&link->references))
        return;
    close(link->fd);
    g_hash_table_unref(link->calls);
    g_byte_array_unref(link->unsent);
    g_mutex_clear(&link->lock);
    g_cond_clear(&link->changed);
    g_free(link->name);
    g_free(link);
}

/* Under lock. */
static bool call_start(AgentLink *link, Json *message, GError **error)
{
    g_autofree char *text = json_text(message);
    if (link->closed)
        return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "%s: the machine has ended", link->name);
    if (link->unsent->len + strlen(text) > AGENT_UNSENT_LIMIT)
        return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "%s: its agent reads nothing", link->name);
    g_byte_array_append(link->unsent, (const guint8 *)text, (guint)strlen(text));
    g_byte_array_append(link->unsent, (const guint8 *)"\n", 1);
    link_send(link);
    return true;
}

/* Under lock. */
static bool call_wait(AgentLink *link, const AgentCall *call, const char *type, int64_t limit_ms,
                      GError **error)
{
    int64_t deadline = g_get_monotonic_time() + limit_ms * 1000;
    bool in_time = true;
    while (!call->answered && !link->closed && in_time)
        in_time = g_cond_wait_until(&link->changed, &link->lock, deadline);
    if (call->answered && call->answer.first)
        return oriel_fail(error, ORIEL_ERROR_INTERNAL, "%s: its agent failed at \"%s\": %s", link->name, type,
                          call->answer.first);
    if (call->answered)
        return true;
    if (link->closed)
        return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "%s: the machine has ended", link->name);
    return oriel_fail(error, ORIEL_ERROR_TIMEOUT,
                      "%s: its agent did not answer \"%s\" within %" G_GINT64_FORMAT " ms", link->name, type,
                      limit_ms);
}

bool agent_link_logs_on(AgentLink *link)
{
    g_mutex_lock(&link->lock);
    bool logs_on = link->logs_on;
    g_mutex_unlock(&link->lock);
    return logs_on;
}

unsigned agent_link_seats(AgentLink *link)
{
    g_mutex_lock(&link->lock);
    unsigned seats = link->seats;
    g_mutex_unlock(&link->lock);
    return seats;
}

bool agent_link_tunnels(AgentLink *link)
{
    g_mutex_lock(&link->lock);
    bool tunnels = link->tunnels;
    g_mutex_unlock(&link->lock);
    return tunnels;
}

bool agent_link_call(AgentLink *link, Json *message, int64_t limit_ms, char **ret_steps, GError **error)
{
    g_auto(AgentMessage) answer = {0};
    if (!agent_link_ask(link, message, limit_ms, &answer, error))
        return false;
    if (ret_steps)
        *ret_steps = g_steal_pointer(&answer.second);
    return true;
}

bool agent_link_ask(AgentLink *link, Json *message, int64_t limit_ms, AgentMessage *ret, GError **error)
{
    g_autoptr(Json) owned = message;
    const char *type = json_string_value(json_object_get(owned, "type"));
    AgentCall call = {0};
    g_mutex_lock(&link->lock);
    uint64_t id = ++link->last_id;
    json_object_set_new(owned, "id", json_integer((json_int_t)id));
    g_hash_table_insert(link->calls, &id, &call);
    bool done =
        call_start(link, owned, error) && (limit_ms == 0 || call_wait(link, &call, type, limit_ms, error));
    g_hash_table_remove(link->calls, &id);
    g_mutex_unlock(&link->lock);
    if (done)
        *ret = call.answer;
    else
        agent_message_clear(&call.answer);
    return done;
}

bool agent_link_wait_ready(AgentLink *link, bool settled, int64_t limit_ms, GError **error)
{
    int64_t deadline = g_get_monotonic_time() + limit_ms * 1000;
    bool in_time = true;
    g_mutex_lock(&link->lock);
    while (!(settled ? link->settled : link->ready) && !link->closed && in_time)
        in_time = g_cond_wait_until(&link->changed, &link->lock, deadline);
    bool ready = settled ? link->settled : link->ready;
    bool closed = link->closed;
    g_mutex_unlock(&link->lock);
    if (ready)
        return true;
    if (closed)
        return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "%s: the machine ended before its agent was ready",
                          link->name);
    return oriel_fail(error, ORIEL_ERROR_TIMEOUT, "%s: its agent was not ready within %.0f s", link->name,
                      (double)limit_ms / 1000);
}
