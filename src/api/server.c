#include "api/server.h"

#include <errno.h>
#include <microhttpd.h>
#include <string.h>
#include <sys/socket.h>

#include "api/dispatch.h"
#include "api/door.h"
#include "api/stream.h"
#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/number.h"
#include "base/socket.h"

#define LANES 9
#define DRAIN_SECONDS 3         /* for the last answers to go, at the end */
#define BLOCK_BYTES (16 * 1024) /* of a file or stream sent at once */

struct Server {
    const Service *service;
    Door *door;
    struct MHD_Daemon *daemon;
    GMutex lock; /* closing, and no push to a lane after it; under_way */
    bool closing;
    unsigned under_way; /* requests that have begun to be answered */
    size_t body_bytes;  /* of the bodies larger than LIMIT_REQUEST_BODY_SMALL; the loop's own */
    size_t piece_bytes; /* of answers that are pieces of files; the loop's own */
    GCond answered;
    GThreadPool *lanes[LANES]; /* NULL: LANE_INLINE */
};

typedef enum {
    EXCHANGE_FRESH,     /* the request line has come */
    EXCHANGE_RECEIVING, /* the headers have come */
    EXCHANGE_WORKING,   /* a worker has it; the connection is suspended */
    EXCHANGE_WORKED,    /* the loop has it again, with an answer */
    EXCHANGE_ANSWERED,
} ExchangeState;

/* One request and its answer. Only one thread has it at a time: the loop, or the worker while suspended. The
 * state is written and read atomically, so that each hand-over orders everything else in it. */
typedef struct {
    Server *server;
    struct MHD_Connection *connection;
    int fd;
    int state; /* ExchangeState */
    char *target;
    Request *request;
    Reply *reply;
    const Route *route;
    char *parameters[CALL_PARAMETERS];
    char *allow;
    size_t body_limit;
    int refusal; /* OrielErrorKind of a body that is read on but not kept; 0: none */
    size_t body_bytes, piece_bytes; /* its part of the server's */
    bool counted; /* in under_way */
} Exchange;

static int connection_fd(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? info->connect_fd : -1;
}

static void exchange_free(Exchange *exchange)
{
    g_free(exchange->target);
    request_free(exchange->request);
    reply_free(exchange->reply);
    for (size_t i = 0; i < CALL_PARAMETERS; i++)
        g_free(exchange->parameters[i]);
    g_free(exchange->allow);
    g_free(exchange);
}

/* ---- answering ---- */

static void add_security_headers(struct MHD_Response *response)
{
    static const struct {
        const char *name;
        const char *value;
    } headers[] = {
        {"Content-Security-Policy",
         "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src "
         "'self'; "
         "connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; "
         "frame-ancestors 'none'"},
        {"X-Content-Type-Options", "nosniff"},
        {"X-Frame-Options", "DENY"},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        /* No Strict-Transport-Security: with the self-signed certificate of the first start it would lock
           people out. */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(headers); i++)
        MHD_add_response_header(response, headers[i].name, headers[i].value);
}

static void on_stream_wake(void *data)
{
    MHD_resume_connection(data);
}

static void on_stream_park(void *data)
{
    MHD_suspend_connection(data);
}

static ssize_t on_stream_read(void *data, uint64_t position, char *buffer, size_t length)
{
    bool end = false;
    size_t used = stream_read(data, buffer, length, &end);
    return end ? MHD_CONTENT_READER_END_OF_STREAM : (ssize_t)used;
}

static void on_stream_done(void *data)
{
    hub_leave(data);
}

/* The 101 has been written. The packet that carries the display's descriptor is the last thing orield ever sends
 * here. */
static void on_upgraded(void *data, struct MHD_Connection *connection, void *context, const char *early,
                        size_t early_length, MHD_socket socket, struct MHD_UpgradeResponseHandle *handle)
{
    Exchange *exchange = data;
    uint8_t handover[DISPLAY_PACKET];
    g_autoptr(GError) error = NULL;
    display_packet_write(&exchange->reply->handover, handover);
    if (early_length > 0) /* RFC 6455, 4.1: nothing may come before the client has the 101 */
        log_debug("a display's client sent before it had the answer");
    else if (!socket_send_fd(socket, handover, sizeof handover, exchange->reply->display, &error))
        log_warning("a display could not be handed to the gateway: %s", error->message);
    fd_clear(&exchange->reply->display);
    MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
}

static struct MHD_Response *response_of_bytes(GBytes *body)
{
    gsize length = 0;
    const void *data = body ? g_bytes_get_data(body, &length) : "";
    return MHD_create_response_from_buffer(length, (void *)data, MHD_RESPMEM_MUST_COPY);
}

static struct MHD_Response *response_new(Exchange *exchange)
{
    Reply *reply = exchange->reply;
    if (reply->display >= 0)
        return MHD_create_response_for_upgrade(on_upgraded, exchange);
    if (reply->stream) {
        StreamWaker waker = {on_stream_wake, on_stream_park, exchange->connection};
        stream_set_waker(reply->stream, &waker);
        struct MHD_Response *response = MHD_create_response_from_callback(
            MHD_SIZE_UNKNOWN, BLOCK_BYTES, on_stream_read, reply->stream, on_stream_done);
        if (!response)
            hub_leave(reply->stream);
        reply->stream = NULL;
        /* Heartbeats keep it from being idle; a client that takes nothing for so long is gone. */
        MHD_set_connection_option(exchange->connection, MHD_CONNECTION_OPTION_TIMEOUT, 60u);
        return response;
    }
    if (reply->file >= 0) {
        struct MHD_Response *response = MHD_create_response_from_fd64(reply->file_bytes, reply->file);
        if (response)
            fd_steal(&reply->file);
        return response;
    }
    return response_of_bytes(reply->body);
}

/* A client may take nothing of what it asked for: such pieces have their bound. */
static void piece_count(Exchange *exchange)
{
    Reply *reply = exchange->reply;
    Server *server = exchange->server;
    size_t bytes = exchange->route && exchange->route->lane == LANE_FILES && reply->body ? g_bytes_get_size(reply->body) : 0;
    if (bytes > LIMIT_REQUEST_BODY_SMALL && server->piece_bytes + bytes > LIMIT_PIECES) {
        reply_reset(reply);
        reply_problem_text(reply, ORIEL_ERROR_UNAVAILABLE, 0, "too many pieces of files are being sent: try again in a moment");
        return;
    }
    exchange->piece_bytes = bytes;
    server->piece_bytes += bytes;
}

static enum MHD_Result exchange_respond(Exchange *exchange)
{
    piece_count(exchange);
    Reply *reply = exchange->reply;
    bool from_file = reply->file >= 0 || reply->status == 304;
    exchange->state = EXCHANGE_ANSWERED;
    struct MHD_Response *response = response_new(exchange);
    if (!response)
        return MHD_NO;
    add_security_headers(response);
    for (unsigned i = 0; i + 1 < reply->headers->len; i += 2)
        MHD_add_response_header(response, reply->headers->pdata[i], reply->headers->pdata[i + 1]);
    if (reply->content_type)
        MHD_add_response_header(response, "Content-Type", reply->content_type);
    if (!from_file && reply->status != 101 && !reply_header_get(reply, "Cache-Control"))
        MHD_add_response_header(response, "Cache-Control", "no-store");
    enum MHD_Result result = MHD_queue_response(exchange->connection, (unsigned)reply->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result exchange_refuse(Exchange *exchange, int kind, int status, const char *detail)
{
    door_client_limit(exchange->server->door, exchange->fd, LIMIT_REQUEST_SECONDS * 1000, false); /* to take the answer */
    reply_reset(exchange->reply);
    reply_problem_text(exchange->reply, kind, status, detail);
    return exchange_respond(exchange);
}

static enum MHD_Result body_refuse(Exchange *exchange, int kind)
{
    if (kind == ORIEL_ERROR_UNAVAILABLE)
        return exchange_refuse(exchange, kind, 0, "too many large requests are being received: try again in a moment");
    g_autofree char *detail =
        g_strdup_printf("the request body is larger than the %zu KiB allowed here", exchange->body_limit / 1024);
    return exchange_refuse(exchange, kind, 0, detail);
}

/* ---- working ---- */

static void exchange_work(void *data, void *unused)
{
    Exchange *exchange = data;
    g_return_if_fail(g_atomic_int_get(&exchange->state) == EXCHANGE_WORKING);
    struct MHD_Connection *connection = exchange->connection;
    if (exchange->route)
        dispatch(exchange->server->service, exchange->route, exchange->parameters, exchange->request,
                 exchange->reply);
    else
        dispatch_unrouted(exchange->server->service, exchange->allow, exchange->request, exchange->reply);
    g_atomic_int_set(&exchange->state, EXCHANGE_WORKED);
    MHD_resume_connection(connection);
}

static enum MHD_Result exchange_start(Exchange *exchange)
{
    Server *server = exchange->server;
    door_client_limit(server->door, exchange->fd, 0, false);
    if (exchange->refusal)
        return body_refuse(exchange, exchange->refusal);
    if (exchange->route && exchange->route->lane == LANE_INLINE) {
        dispatch(server->service, exchange->route, exchange->parameters, exchange->request, exchange->reply);
        return exchange_respond(exchange);
    }
    GThreadPool *lane = server->lanes[exchange->route ? exchange->route->lane : LANE_QUICK];
    bool full = g_thread_pool_unprocessed(lane) >= LIMIT_API_QUEUE;
    g_mutex_lock(&server->lock);
    bool closing = server->closing;
    server->under_way++;
    exchange->counted = true;
    if (!closing && !full) {
        g_atomic_int_set(&exchange->state, EXCHANGE_WORKING);
        MHD_suspend_connection(exchange->connection);
        g_thread_pool_push(lane, exchange,
                           NULL); /* fails only in making one more thread; it stays queued then */
    }
    g_mutex_unlock(&server->lock);
    if (closing)
        return exchange_refuse(exchange, ORIEL_ERROR_UNAVAILABLE, 0,
                               "orield is ending: try again in a moment");
    if (full)
        return exchange_refuse(exchange, ORIEL_ERROR_UNAVAILABLE, 0,
                               "too many requests wait: try again in a moment");
    return MHD_YES;
}

/* ---- receiving ---- */

static enum MHD_Result on_header(void *data, enum MHD_ValueKind kind, const char *name, const char *value)
{
    request_add_header(data, name, value);
    return MHD_YES;
}

static bool header_is_too_large(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    return info && info->header_size > LIMIT_REQUEST_HEADER;
}

/* Why a body of so many bytes cannot be taken; 0: it can. A small one always can: nobody who fills the room of the large
 * ones keeps others from logging in or clicking. Nor do they keep the local administrator out. */
static int body_refusal(const Exchange *exchange, uint64_t bytes)
{
    if (bytes > exchange->body_limit)
        return ORIEL_ERROR_TOO_LARGE;
    if (bytes <= LIMIT_REQUEST_BODY_SMALL || exchange->request->local)
        return 0;
    return exchange->server->body_bytes - exchange->body_bytes + bytes > LIMIT_REQUEST_BODIES ? ORIEL_ERROR_UNAVAILABLE
                                                                                              : 0;
}

/* The same, of the length that the headers announce. */
static int announced_refusal(const Exchange *exchange)
{
    const char *length = request_header(exchange->request, "content-length");
    uint64_t bytes = 0;
    if (length && !number_parse(length, 0, LIMIT_REQUEST_BODY, "Content-Length", &bytes, NULL))
        return ORIEL_ERROR_TOO_LARGE;
    return body_refusal(exchange, bytes);
}

/* What the body holds now is counted, as long as the exchange lives. */
static void body_count(Exchange *exchange)
{
    const Request *request = exchange->request;
    size_t bytes = !request->local && request->body->len > LIMIT_REQUEST_BODY_SMALL ? request->body->len : 0;
    exchange->server->body_bytes += bytes - exchange->body_bytes;
    exchange->body_bytes = bytes;
}

/* The headers have come. An answer given here closes the connection where a body would follow. */
static enum MHD_Result exchange_receive(Exchange *exchange, const char *method)
{
    g_autoptr(GError) error = NULL;
    const DoorClient *client = door_client(exchange->server->door, exchange->fd);
    exchange->state = EXCHANGE_RECEIVING;
    if (!client)
        return MHD_NO;
    exchange->request = request_new(method, exchange->target, &error);
    if (!exchange->request)
        return exchange_refuse(exchange, ORIEL_ERROR_INVALID, 400, error->message);
    if (header_is_too_large(exchange->connection))
        return exchange_refuse(exchange, ORIEL_ERROR_TOO_LARGE, 431,
                               "the request's headers are larger than 16 KiB");
    MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, on_header, exchange->request);
    exchange->request->client = g_strdup(client->address);
    exchange->request->certificate = g_strdup(client->certificate);
    exchange->request->local = client->local;
    exchange->request->gateway = client->gateway;
    if (exchange->request->two_lengths)
        return exchange_refuse(exchange, ORIEL_ERROR_INVALID, 400,
                               "one Content-Length or one Transfer-Encoding is needed, not more");
    exchange->route = router_find(method, exchange->request->path, exchange->parameters, &exchange->allow);
    exchange->body_limit = dispatch_body_limit(exchange->route, exchange->request);
    int refusal = announced_refusal(exchange);
    return refusal ? body_refuse(exchange, refusal) : MHD_YES;
}

/* libmicrohttpd 0.9.75 takes no answer amid a body: one that is refused there is read on for a while, so that its sender
 * gets to see why. */
static enum MHD_Result exchange_take(Exchange *exchange, const char *data, size_t *length)
{
    Request *request = exchange->request;
    if (!exchange->refusal)
        exchange->refusal = body_refusal(exchange, request->body->len + *length);
    if (exchange->refusal)
        request_body_forget(request);
    else
        g_byte_array_append(request->body, (const guint8 *)data, (guint)*length);
    body_count(exchange);
    *length = 0;
    return MHD_YES;
}

static enum MHD_Result on_access(void *data, struct MHD_Connection *connection, const char *url,
                                 const char *method, const char *version, const char *upload,
                                 size_t *upload_length, void **context)
{
    Exchange *exchange = *context;
    if (!exchange)
        return MHD_NO;
    switch ((ExchangeState)g_atomic_int_get(&exchange->state)) {
    case EXCHANGE_FRESH:
        return exchange_receive(exchange, method);
    case EXCHANGE_RECEIVING:
        return *upload_length ? exchange_take(exchange, upload, upload_length) : exchange_start(exchange);
    case EXCHANGE_WORKED:
        return exchange_respond(exchange);
    case EXCHANGE_WORKING:
    case EXCHANGE_ANSWERED:
    default:
        return MHD_NO;
    }
}

/* The request line has come: from here on the whole request has its time. */
static void *on_request_line(void *data, const char *target, struct MHD_Connection *connection)
{
    Server *server = data;
    Exchange *exchange = g_new0(Exchange, 1);
    exchange->server = server;
    exchange->connection = connection;
    exchange->fd = connection_fd(connection);
    exchange->target = g_strdup(target);
    exchange->reply = reply_new();
    door_client_limit(server->door, exchange->fd, LIMIT_REQUEST_SECONDS * 1000, true);
    return exchange;
}

static void on_completed(void *data, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode reason)
{
    Server *server = data;
    Exchange *exchange = *context;
    *context = NULL;
    if (!exchange)
        return;
    door_client_limit(server->door, exchange->fd, LIMIT_REQUEST_SECONDS * 1000, false);
    g_mutex_lock(&server->lock);
    if (exchange->counted && --server->under_way == 0)
        g_cond_signal(&server->answered);
    g_mutex_unlock(&server->lock);
    server->body_bytes -= exchange->body_bytes;
    server->piece_bytes -= exchange->piece_bytes;
    exchange_free(exchange);
}

static void on_connection(void *data, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    Server *server = data;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED)
        door_client_gone(server->door, connection_fd(connection));
}

/* ---- start and end ---- */

/* Any thread. The address is of no use to libmicrohttpd (door.h says why it gets none). */
static bool on_admit(int fd, void *data)
{
    Server *server = data;
    struct sockaddr address = {.sa_family = AF_UNIX};
    return MHD_add_connection(server->daemon, fd, &address, sizeof(address.sa_family)) == MHD_YES;
}

static void on_log(void *data, const char *format, va_list arguments) G_GNUC_PRINTF(2, 0);
static void on_log(void *data, const char *format, va_list arguments)
{
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    /* It tries TCP's options on unix sockets too, and says so at each answer. */
    if (strstr(text, "TCP_") || strstr(text, "push the data"))
        return;
    log_debug("http: %s", g_strchomp(text));
}

static bool daemon_start(Server *server, GError **error)
{
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME |
                     MHD_ALLOW_UPGRADE | MHD_USE_ERROR_LOG;
    server->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_access, server,                              //
                                      MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,                             //
                                      MHD_OPTION_URI_LOG_CALLBACK, on_request_line, server,                 //
                                      MHD_OPTION_NOTIFY_COMPLETED, on_completed, server,                    //
                                      MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,                  //
                                      MHD_OPTION_CONNECTION_LIMIT, (unsigned)LIMIT_API_CONNECTIONS,         //
                                      MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)LIMIT_REQUEST_SECONDS * 2,   //
                                      MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)LIMIT_REQUEST_HEADER * 3, //
                                      MHD_OPTION_STRICT_FOR_CLIENT, 1,                                      //
                                      MHD_OPTION_END);
    return server->daemon ||
           oriel_fail(error, ORIEL_ERROR_INTERNAL, "the HTTP server did not start: %s", g_strerror(errno));
}

Server *server_start(const Service *service, GError **error)
{
    static const int threads[LANES] = {
        [LANE_QUICK] = 8,
        [LANE_SLOW] = 32,
        [LANE_FILES] = 24,
        [LANE_CONNECT] = 32,
        [LANE_DISPLAY] = LIMIT_DISPLAYS_WAITING + 16,
        [LANE_OUTSIDE] = 8,
        [LANE_PASSWORD] = 4,
        [LANE_LOGIN] = LIMIT_DIRECTORY_ASKERS + 4,
    };
    Server *server = g_new0(Server, 1);
    server->service = service;
    g_mutex_init(&server->lock);
    g_cond_init(&server->answered);
    for (unsigned i = 0; i < LANES; i++)
        if (threads[i])
            server->lanes[i] = g_thread_pool_new(exchange_work, NULL, threads[i], FALSE, NULL);
    /* The door is made first and opened last: its first client may be served at once. */
    server->door = door_open(service->config, on_admit, server, error);
    if (server->door && daemon_start(server, error))
        door_start(server->door);
    else
        g_clear_pointer(&server, server_stop);
    return server;
}

void server_shut(Server *server)
{
    door_shut(server->door);
}

/* Until the loop has sent what workers have answered; a client that does not take it is not waited for. */
static void answers_await(Server *server)
{
    gint64 until_us = g_get_monotonic_time() + DRAIN_SECONDS * G_USEC_PER_SEC;
    g_mutex_lock(&server->lock);
    while (server->under_way && g_cond_wait_until(&server->answered, &server->lock, until_us))
        continue;
    g_mutex_unlock(&server->lock);
}

/* libmicrohttpd must not end while a connection is suspended: workers end first, and each resumes its own. */
void server_stop(Server *server)
{
    if (!server)
        return;
    if (server->door)
        server_shut(server);
    g_mutex_lock(&server->lock);
    server->closing = true;
    g_mutex_unlock(&server->lock);
    for (unsigned i = 0; i < LANES; i++)
        if (server->lanes[i])
            g_thread_pool_free(server->lanes[i], FALSE, TRUE);
    answers_await(server);
    if (server->daemon)
        MHD_stop_daemon(server->daemon);
    door_free(server->door);
    g_mutex_clear(&server->lock);
    g_cond_clear(&server->answered);
    g_free(server);
}
