#include "gateway/server.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "gateway/certificate.h"
#include "gateway/connection.h"
#include "gateway/listener.h"

#define TICK_MS 1000
#define ACCEPTS 64 /* clients accepted before others have their turn */
#define RELOAD_AFTER_MS                                                                                      \
    1000                /* certificate and key are two files: the second change comes soon after the first */
#define GO_AWAY_MS 2000 /* displays have so long to answer our close frame at the end */
#define EXPIRY_WARNING_DAYS 14
#define DAY_MS (24 * 60 * 60 * 1000)

typedef struct {
    WatchKind kind;
    int fd;
} Watch;

struct Server {
    const ServerOptions *options;
    Gateway gateway;
    Watch listener, signals, files;
    Connection *first;               /* all connections */
    Connection *run_head, *run_tail; /* those with work, in turn */
    bool listening;                  /* the listener is in epoll */
    bool stopping;
    int64_t tick_ms;           /* when the next one is due */
    int64_t reload_ms;         /* when the certificate is to be read again; 0: not */
    int64_t daily_ms;          /* when the certificate is read again anyway */
    int64_t stop_ms;           /* when the end no longer waits */
    int64_t refused_logged_ms; /* when a refused client was last logged */
};

/* ---- connections ---- */

static void queue_put(Server *server, Connection *connection)
{
    if (connection->queued)
        return;
    connection->queued = true;
    connection->run_next = NULL;
    if (server->run_tail)
        server->run_tail->run_next = connection;
    else
        server->run_head = connection;
    server->run_tail = connection;
}

static void list_add(Server *server, Connection *connection)
{
    connection->next = server->first;
    if (server->first)
        server->first->previous = connection;
    server->first = connection;
}

static void list_remove(Server *server, Connection *connection)
{
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        server->first = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
}

/* One turn of each that is queued now. Only here are connections freed: no event of this turn can point to
 * one. */
static void queue_run(Server *server)
{
    Connection *connection = server->run_head;
    server->run_head = server->run_tail = NULL;
    while (connection) {
        Connection *next = connection->run_next;
        connection->queued = false;
        bool more = connection->timing.stage != STAGE_DEAD && connection_pump(connection);
        if (connection->timing.stage == STAGE_DEAD) {
            list_remove(server, connection);
            connection_free(connection);
        } else if (more) {
            queue_put(server, connection);
        }
        connection = next;
    }
}

/* ---- the channel of displays ---- */

static void order_take(const DisplayPacket *packet, void *data)
{
    Server *server = data;
    Gateway *gateway = &server->gateway;
    if (packet->kind == DISPLAY_EXPECT) {
        gateway->vnc_until_ms = MAX(gateway->vnc_until_ms, gateway->now_ms + packet->code * 1000);
        return;
    }
    Connection *connection = g_hash_table_lookup(server->gateway.by_id, packet->id);
    if (!connection) {
        channel_tell(&server->gateway.channel, DISPLAY_ENDED, packet->id);
        return;
    }
    if (packet->kind == DISPLAY_RULES)
        connection_rules(connection, &packet->rules);
    else if (packet->kind == DISPLAY_CLOSE)
        connection_close_display(connection, packet->code, packet->reason);
    queue_put(server, connection);
}

/* A channel that has just been made begins with all displays: orield may have been restarted. */
static void channel_ensure(Server *server)
{
    Gateway *gateway = &server->gateway;
    GHashTableIter each;
    void *id;
    if (!channel_open(&gateway->channel, gateway->epoll))
        return;
    g_hash_table_iter_init(&each, gateway->by_id);
    while (g_hash_table_iter_next(&each, &id, NULL))
        channel_tell(&gateway->channel, DISPLAY_ALIVE, id);
}

/* ---- accept ---- */

static void refused_log(Server *server, const struct sockaddr *peer, const char *why)
{
    if (server->gateway.now_ms - server->refused_logged_ms < 60 * 1000)
        return;
    server->refused_logged_ms = server->gateway.now_ms;
    g_autofree char *name = address_text(peer);
    log_warning("client %s refused: %s (further ones are not logged for a minute)", name, why);
}

static void client_add(Server *server, int accepted, const struct sockaddr *peer)
{
    autofd int fd = accepted;
    if (server->gateway.connections >= server->options->clients_limit) {
        refused_log(server, peer, "the gateway has all the connections it may have");
        return;
    }
    AddressCount *address = address_take(server->gateway.addresses, peer);
    if (!address) {
        refused_log(server, peer, "its address has all the connections it may have");
        return;
    }
    Connection *connection = connection_new(&server->gateway, fd, address, peer);
    if (!connection) {
        address_release(server->gateway.addresses, address);
        return;
    }
    fd_steal(&fd);
    channel_ensure(server);
    list_add(server, connection);
    queue_put(server, connection);
}

static void listener_watch(Server *server, bool watch)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &server->listener};
    if (server->listening == watch)
        return;
    if (epoll_ctl(server->gateway.epoll, watch ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, server->listener.fd,
                  &event) == 0)
        server->listening = watch;
}

static void clients_accept(Server *server)
{
    for (unsigned i = 0; i < ACCEPTS; i++) {
        struct sockaddr_storage peer;
        int fd = listener_accept(server->listener.fd, &peer);
        if (fd >= 0) {
            client_add(server, fd, (const struct sockaddr *)&peer);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            log_warning("cannot accept clients for a second: %s", strerror(errno));
            listener_watch(server, false); /* until the next tick */
            return;
        } else if (errno == EAGAIN) {
            return;
        } /* others belong to the client that has gone meanwhile (accept(2)) */
    }
}

/* ---- certificate ---- */

static void expiry_warn(Server *server)
{
    int days = certificate_context_days_left(server->gateway.context);
    if (days < 0)
        log_warning("certificate \"%s\" has ended: browsers refuse it; replace it, or remove it with its key "
                    "and restart "
                    "for a new self-signed one",
                    server->options->certificate);
    else if (days < EXPIRY_WARNING_DAYS)
        log_warning(
            "certificate \"%s\" ends in %d days: replace it, or remove it with its key and restart for a new "
            "self-signed one",
            server->options->certificate, days);
}

/* New connections get the new certificate; those that stand keep the context they began with. */
static void certificate_reload(Server *server)
{
    g_autoptr(GError) error = NULL;
    server->reload_ms = 0;
    SSL_CTX *fresh =
        certificate_context(server->options->certificate, server->options->certificate_key, &error);
    if (!fresh) {
        log_error("the certificate in use stays, the new one cannot be used: %s", error->message);
        return;
    }
    if (server->options->client_certificates)
        certificate_ask_clients(fresh);
    g_autofree char *before = certificate_context_fingerprint(server->gateway.context);
    g_autofree char *after = certificate_context_fingerprint(fresh);
    SSL_CTX_free(server->gateway.context);
    server->gateway.context = fresh;
    if (strcmp(before, after) != 0)
        log_info("new certificate in use, SHA-256 fingerprint %s", after);
    expiry_warn(server);
}

/* Folders are watched, not files: a certificate is replaced by rename. */
static bool files_watch(Server *server, GError **error)
{
    const char *const paths[] = {server->options->certificate, server->options->certificate_key};
    server->files.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (server->files.fd < 0)
        return oriel_fail_errno(error, errno, "cannot watch files");
    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autofree char *target = realpath(paths[i], NULL);
        g_autofree char *folder = g_path_get_dirname(paths[i]);
        g_autofree char *target_folder = g_path_get_dirname(target ? target : paths[i]);
        const uint32_t changes = IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE;
        if (inotify_add_watch(server->files.fd, folder, changes) < 0 ||
            inotify_add_watch(server->files.fd, target_folder, changes) < 0)
            log_warning("folder \"%s\" cannot be watched (%s): after a change of the certificate send SIGHUP",
                        folder, strerror(errno));
    }
    return true;
}

static void files_changed(Server *server)
{
    char events[4096];
    while (read(server->files.fd, events, sizeof events) > 0)
        ;
    server->reload_ms = server->gateway.now_ms + RELOAD_AFTER_MS;
}

/* ---- signals ---- */

static void stop_begin(Server *server)
{
    if (server->stopping)
        return;
    log_info("stopping: %u displays open", server->gateway.displays);
    server->stopping = true;
    server->stop_ms = server->gateway.now_ms + GO_AWAY_MS;
    listener_watch(server, false);
    for (Connection *connection = server->first; connection; connection = connection->next) {
        connection_go_away(connection);
        queue_put(server, connection);
    }
}

static void signals_read(Server *server)
{
    struct signalfd_siginfo info;
    while (read(server->signals.fd, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGHUP)
            certificate_reload(server);
        else
            stop_begin(server);
    }
}

static bool signals_open(Server *server, GError **error)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return oriel_fail_errno(error, errno, "cannot block signals");
    server->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return server->signals.fd >= 0 || oriel_fail_errno(error, errno, "cannot receive signals");
}

/* ---- the loop ---- */

static void tick(Server *server)
{
    server->tick_ms = server->gateway.now_ms + TICK_MS;
    if (!server->stopping)
        listener_watch(server, true);
    channel_ensure(server);
    if (server->reload_ms && server->gateway.now_ms >= server->reload_ms)
        certificate_reload(server);
    if (server->gateway.now_ms >= server->daily_ms) {
        /* Also if nothing has changed: a context makes new keys for session tickets, and says when its end is
         * near. */
        server->daily_ms = server->gateway.now_ms + DAY_MS;
        certificate_reload(server);
    }
    for (Connection *connection = server->first; connection; connection = connection->next) {
        connection_tick(connection);
        if (connection->timing.stage == STAGE_DEAD || connection->timing.stage == STAGE_LINGER)
            queue_put(server, connection);
    }
}

static void held_go(Connection *connection, void *data)
{
    queue_put(data, connection);
}

/* Until the next tick, or until displays that were held back may go on; without clients and without a planned reload there is none. */
static int wait_ms(const Server *server)
{
    if (server->run_head)
        return 0;
    if (!server->first && !server->reload_ms && server->listening)
        return (int)CLAMP(server->daily_ms - server->gateway.now_ms, 0, DAY_MS);
    int64_t next_ms = server->gateway.held.length == 0 ? server->tick_ms : MIN(server->tick_ms, server->gateway.held_ms);
    int64_t wait = next_ms - server->gateway.now_ms;
    return (int)CLAMP(wait, 0, TICK_MS);
}

static void dispatch(Server *server, const struct epoll_event *event)
{
    WatchKind *kind = event->data.ptr;
    switch (*kind) {
    case WATCH_LISTENER:
        clients_accept(server);
        return;
    case WATCH_SIGNAL:
        signals_read(server);
        return;
    case WATCH_FILES:
        files_changed(server);
        return;
    case WATCH_CHANNEL:
        side_event(&server->gateway.channel.side, event->events);
        channel_pump(&server->gateway.channel, order_take, server);
        return;
    case WATCH_CLIENT:
    case WATCH_UPSTREAM: {
        Side *side = event->data.ptr;
        Connection *connection =
            *kind == WATCH_CLIENT
                ? (Connection *)(void *)((char *)side - G_STRUCT_OFFSET(Connection, client))
                : (Connection *)(void *)((char *)side - G_STRUCT_OFFSET(Connection, upstream));
        side_event(side, event->events);
        queue_put(server, connection);
        return;
    }
    }
}

bool server_run(Server *server, GError **error)
{
    struct epoll_event events[256];
    listener_watch(server, true);
    channel_ensure(server);
    expiry_warn(server);
    server->daily_ms = server->gateway.now_ms + DAY_MS;
    while (!server->stopping || (server->first && server->gateway.now_ms < server->stop_ms)) {
        int count = epoll_wait(server->gateway.epoll, events, G_N_ELEMENTS(events), wait_ms(server));
        if (count < 0 && errno != EINTR)
            return oriel_fail_errno(error, errno, "cannot wait for events");
        server->gateway.now_ms = clock_monotonic_ms();
        for (int i = 0; i < count; i++)
            dispatch(server, &events[i]);
        if (!g_queue_is_empty(&server->gateway.held) && server->gateway.now_ms >= server->gateway.held_ms)
            connection_held_go(&server->gateway, held_go, server);
        queue_run(server);
        if (server->gateway.now_ms >= server->tick_ms)
            tick(server);
    }
    return true;
}

static bool watch_add(Server *server, Watch *watch, GError **error)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = watch};
    return epoll_ctl(server->gateway.epoll, EPOLL_CTL_ADD, watch->fd, &event) == 0 ||
           oriel_fail_errno(error, errno, "cannot watch a descriptor");
}

Server *server_new(const ServerOptions *options, GError **error)
{
    g_autoptr(Server) server = g_new0(Server, 1);
    Gateway *gateway = &server->gateway;
    server->options = options;
    server->listener = (Watch){.kind = WATCH_LISTENER, .fd = options->listener};
    server->signals = (Watch){.kind = WATCH_SIGNAL, .fd = -1};
    server->files = (Watch){.kind = WATCH_FILES, .fd = -1};
    gateway->orield_path = options->orield_path;
    gateway->now_ms = clock_monotonic_ms();
    server->refused_logged_ms = gateway->now_ms - DAY_MS;
    gateway->addresses = address_table_new(LIMIT_GATEWAY_CLIENTS_ADDRESS);
    gateway->input = g_malloc(GATEWAY_INPUT);
    gateway->plain = g_malloc(GATEWAY_PLAIN);
    gateway->walked = g_malloc(GATEWAY_WALKED);
    gateway->by_id = g_hash_table_new(g_str_hash, g_str_equal);
    channel_init(&gateway->channel, options->displays_path);
    gateway->wire.output = g_malloc(TLS_WIRE_OUTPUT);
    gateway->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (gateway->epoll < 0) {
        oriel_fail_errno(error, errno, "cannot wait for events");
        return NULL;
    }
    gateway->context = certificate_context(options->certificate, options->certificate_key, error);
    if (gateway->context && options->client_certificates)
        certificate_ask_clients(gateway->context);
    if (!gateway->context || !signals_open(server, error) || !files_watch(server, error) ||
        !watch_add(server, &server->signals, error) || !watch_add(server, &server->files, error))
        return NULL;
    return g_steal_pointer(&server);
}

void server_free(Server *server)
{
    if (!server)
        return;
    while (server->first) {
        Connection *connection = server->first;
        list_remove(server, connection);
        connection_free(connection);
    }
    Gateway *gateway = &server->gateway;
    fd_clear(&server->signals.fd);
    fd_clear(&server->files.fd);
    channel_close(&gateway->channel);
    fd_clear(&gateway->epoll);
    SSL_CTX_free(gateway->context);
    address_table_free(gateway->addresses);
    g_free(gateway->input);
    g_free(gateway->plain);
    g_free(gateway->walked);
    g_hash_table_unref(gateway->by_id);
    g_free(gateway->wire.output);
    g_free(server);
}
