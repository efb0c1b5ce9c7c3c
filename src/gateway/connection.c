#include "gateway/connection.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "gateway/answers.h"
#include "gateway/upstream.h"

/* Steps of one connection before others have their turn: at most 8 * 64 KiB. */
#define PUMP_STEPS 8
#define INPUT_TOLD_MS 15000 /* so often orield is told that somebody works on a display */

static void stage_begin(Connection *connection, Stage stage)
{
    connection->timing.stage = stage;
    connection->timing.stage_ms = connection->gateway->now_ms;
}

static void die(Connection *connection)
{
    stage_begin(connection, STAGE_DEAD);
}

/* ---- what goes to the client ---- */

/* Sends what TLS has put out. Afterwards the connection may be dead. */
static void wire_send(Connection *connection)
{
    Gateway *gateway = connection->gateway;
    size_t length = gateway->wire.output_length;
    gateway->wire.output_length = 0;
    if (length == 0)
        return;
    bool sent = side_send(&connection->client, gateway->wire.output, length, LIMIT_GATEWAY_WAITING);
    connection->timing.said_ms = gateway->now_ms;
    if (!sent)
        die(connection);
    else if (connection->client.waiting && !connection->timing.client_stalled_ms)
        connection->timing.client_stalled_ms = gateway->now_ms;
}

static void client_put(Connection *connection, const void *bytes, size_t length)
{
    if (tls_put(connection->tls, bytes, length)) {
        wire_send(connection);
    } else {
        connection->gateway->wire.output_length = 0; /* must not reach the next client */
        die(connection);
    }
}

/* ---- ends ---- */

static void upstream_drop(Connection *connection)
{
    /* Closing alone would end nothing while orield still holds a copy of the display's socket. */
    if ((connection->timing.stage == STAGE_DISPLAY || connection->raw) && connection->upstream.fd >= 0)
        shutdown(connection->upstream.fd, SHUT_RDWR);
    side_close(&connection->upstream);
    connection->timing.upstream_stalled_ms = 0;
}

static void display_drop(Connection *connection)
{
    if (!connection->display)
        return;
    Gateway *gateway = connection->gateway;
    gateway->displays--;
    channel_tell(&gateway->channel, DISPLAY_ENDED, connection->display->id);
    if (g_hash_table_lookup(gateway->by_id, connection->display->id) == connection)
        g_hash_table_remove(gateway->by_id, connection->display->id);
    g_clear_pointer(&connection->display, g_free);
}

/* All is said. What waits still goes out, then our half is shut; the client has LIMIT_GATEWAY_CLOSE_SECONDS
 * to end its own. Closing at once would reset the connection if it is still sending, and the reset can
 * overtake our answer. */
static void linger(Connection *connection)
{
    upstream_drop(connection);
    display_drop(connection);
    stage_begin(connection, STAGE_LINGER);
    if (connection->tls) {
        tls_end(connection->tls);
        wire_send(connection);
    }
    g_clear_pointer(&connection->tls, SSL_free);
}

static bool linger_step(Connection *connection)
{
    if (connection->timing.stage != STAGE_LINGER || connection->client.waiting)
        return false;
    bool first = !connection->shut;
    if (first)
        shutdown(connection->client.fd, SHUT_WR);
    connection->shut = true;
    if (connection->ended)
        die(connection);
    return first;
}

static void close_frame_put(Connection *connection, uint16_t code)
{
    uint8_t frame[4];
    size_t length = websocket_close_frame(frame, code);
    client_put(connection, frame, length);
}

void connection_close_display(Connection *connection, uint16_t code, const char *reason)
{
    uint8_t frame[2 + WEBSOCKET_CONTROL_LARGEST];
    if (connection->timing.stage == STAGE_RAW)
        linger(connection);
    if (connection->timing.stage != STAGE_DISPLAY)
        return;
    upstream_drop(connection);
    stage_begin(connection, STAGE_ENDING);
    client_put(connection, frame, websocket_close_text(frame, code, reason));
}

/* We end the display; the client answers with its own close frame (RFC 6455 7.1.2). */
static void display_end(Connection *connection, uint16_t code)
{
    upstream_drop(connection);
    stage_begin(connection, STAGE_ENDING);
    close_frame_put(connection, code);
}

/* The display is over for both: the client has closed, or has broken the protocol. */
static void display_fail(Connection *connection, uint16_t code)
{
    upstream_drop(connection);
    close_frame_put(connection, code);
    if (connection->timing.stage != STAGE_DEAD)
        linger(connection);
}

/* The client has ended its half: of TLS (close_notify) or of TCP. */
static void client_ended(Connection *connection)
{
    if (connection->timing.stage == STAGE_HANDSHAKE) {
        die(connection);
    } else if (connection->timing.stage == STAGE_RELAY && connection->upstream.fd >= 0) {
        connection->timing.half = true; /* the answer may still come */
        connection->timing.stage_ms = connection->gateway->now_ms;
        if (!connection->upstream.waiting)
            shutdown(connection->upstream.fd, SHUT_WR);
    } else if (connection->timing.stage != STAGE_LINGER) {
        linger(connection);
    }
}

/* ---- relay to orield ---- */

static bool orield_connect(Connection *connection)
{
    Gateway *gateway = connection->gateway;
    autofd int fd = upstream_connect(gateway->orield_path, connection->name);
    if (fd < 0 || !side_open(&connection->upstream, gateway->epoll, fd)) {
        if (!gateway->orield_missing)
            log_warning("orield cannot be reached at \"%s\": %s; clients get a 503 until it can",
                        gateway->orield_path, strerror(errno));
        gateway->orield_missing = true;
        return false;
    }
    fd_steal(&fd);
    if (gateway->orield_missing)
        log_info("orield is back");
    gateway->orield_missing = false;
    return true;
}

static void refuse(Connection *connection)
{
    client_put(connection, answer_unavailable, strlen(answer_unavailable));
    if (connection->timing.stage != STAGE_DEAD)
        linger(connection);
}

/* If orield or the display has gone, its bytes are dropped: what it has still sent is read first, and its end
 * then. */
static void upstream_put(Connection *connection, const uint8_t *bytes, size_t length)
{
    Side *side = &connection->upstream;
    if (!side_send(side, bytes, length, LIMIT_GATEWAY_WAITING))
        side->writable = false;
    else if (side->waiting && !connection->timing.upstream_stalled_ms)
        connection->timing.upstream_stalled_ms = connection->gateway->now_ms;
}

static void relay_up(Connection *connection, size_t length)
{
    connection->timing.asked = true;
    if (connection->upstream.fd < 0 && !orield_connect(connection))
        refuse(connection);
    else
        upstream_put(connection, connection->gateway->plain, length);
}

/* orield's packet came with the descriptor. An id that is there twice is orield's mistake: the older one ends. */
static void display_make(Connection *connection, const DisplayPacket *handover)
{
    Gateway *gateway = connection->gateway;
    Connection *other = g_hash_table_lookup(gateway->by_id, handover->id);
    if (other)
        die(other);
    Display *display = connection->display = g_new0(Display, 1);
    g_strlcpy(display->id, handover->id, sizeof display->id);
    display->rules = handover->rules;
    g_hash_table_replace(gateway->by_id, display->id, connection);
    gateway->displays++;
    channel_tell(&gateway->channel, DISPLAY_ALIVE, display->id);
}

/* From orield's upgrade on. The descriptor is taken over. */
static void display_begin(Connection *connection, int display, const DisplayPacket *handover)
{
    autofd int fd = display;
    Gateway *gateway = connection->gateway;
    bool early = connection->upstream.waiting || connection->timing.half ||
                 !upstream_all_read(connection->upstream.fd);
    side_close(&connection->upstream);
    if (early) {
        display_fail(connection, WEBSOCKET_PROTOCOL_ERROR);
        return;
    }
    if (!side_open(&connection->upstream, gateway->epoll, fd)) {
        log_warning("display for %s: cannot be watched: %s", connection->name, strerror(errno));
        die(connection);
        return;
    }
    fd_steal(&fd);
    display_make(connection, handover);
    connection->timing.heard_ms = connection->timing.said_ms = connection->timing.pinged_ms = gateway->now_ms;
    connection->timing.upstream_stalled_ms = 0;
    stage_begin(connection, STAGE_DISPLAY);
    log_debug("display for %s", connection->name);
    g_clear_pointer(&connection->name, g_free);
}

static void orield_ended(Connection *connection)
{
    if (connection->answered)
        linger(connection);
    else /* it went down with the request in its hands: there is no answer yet, so this can be one */
        refuse(connection);
}

/* Whether a failed read of the upstream is its end. */
static bool is_end(Side *side, ssize_t got)
{
    if (got < 0 && errno == EAGAIN)
        side->readable = false;
    return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

/* The packet that comes with a descriptor is the last of what was read: the kernel ends a read there (unix(7)). */
static bool handover_take(const uint8_t *bytes, size_t *length, DisplayPacket *ret)
{
    if (*length < DISPLAY_PACKET)
        return false;
    *length -= DISPLAY_PACKET;
    return display_packet_read(bytes + *length, ret) && ret->kind == DISPLAY_HANDOVER;
}

static bool relay_down(Connection *connection)
{
    uint8_t *plain = connection->gateway->plain;
    autofd int display = -1;
    ssize_t got = upstream_receive(connection->upstream.fd, plain, GATEWAY_PLAIN, &display);
    if (got <= 0) {
        if (!is_end(&connection->upstream, got))
            return false;
        orield_ended(connection);
        return true;
    }
    connection->answered = true;
    size_t length = (size_t)got;
    DisplayPacket handover;
    if (display >= 0 && !handover_take(plain, &length, &handover)) {
        log_warning("orield passed a descriptor without its packet: connection of %s closed", connection->name);
        die(connection);
        return true;
    }
    if (length > 0)
        client_put(connection, plain, length);
    if (display >= 0 && connection->timing.stage == STAGE_RELAY)
        display_begin(connection, fd_steal(&display), &handover);
    return true;
}

/* ---- display ---- */

static bool display_down(Connection *connection)
{
    uint8_t *payload = connection->gateway->plain + WEBSOCKET_HEADER_LARGEST;
    const size_t size = GATEWAY_PLAIN - WEBSOCKET_HEADER_LARGEST;
    Side *side = &connection->upstream;
    ssize_t got = recv(side->fd, payload, size, MSG_DONTWAIT);
    if (got <= 0) {
        if (!is_end(side, got))
            return false;
        display_end(connection, WEBSOCKET_NORMAL);
        return true;
    }
    /* Less than asked for was all there was: descriptors, which end a read early, come no more. */
    side->readable = (size_t)got == size || side->hung_up;
    uint8_t header[WEBSOCKET_HEADER_LARGEST];
    size_t length = websocket_header(header, WEBSOCKET_BINARY, (uint64_t)got);
    memcpy(payload - length, header, length);
    client_put(connection, payload - length, length + (size_t)got);
    return true;
}

/* Of several pings that wait the last is answered (RFC 6455 5.5.3), and none while much waits for the client:
 * pings must not fill our memory with pongs. */
static void pong_put(Connection *connection, const uint8_t *payload, size_t length)
{
    uint8_t frame[WEBSOCKET_HEADER_LARGEST + WEBSOCKET_CONTROL_LARGEST];
    if (side_waiting(&connection->client) > LIMIT_GATEWAY_WAITING / 2)
        return;
    size_t header = websocket_header(frame, WEBSOCKET_PONG, length);
    memcpy(frame + header, payload, length);
    client_put(connection, frame, header + length);
}

/* What the frames of one read came to. The payload of messages has been moved together at the start of plain.
 */
typedef struct {
    size_t payload;
    bool pinged, closed, broken;
    uint16_t code;
    size_t ping_length;
    uint8_t ping[WEBSOCKET_CONTROL_LARGEST];
} Frames;

static void frames_decode(Connection *connection, size_t length, Frames *ret)
{
    uint8_t *plain = connection->gateway->plain;
    size_t at = 0;
    *ret = (Frames){0};
    while (!ret->closed && !ret->broken) {
        size_t used = 0;
        WebsocketEvent event =
            websocket_decode(&connection->display->decoder, plain + at, length - at, &used, LIMIT_GATEWAY_MESSAGE);
        at += used;
        if (event.kind == WEBSOCKET_EVENT_NONE)
            return;
        if (event.kind == WEBSOCKET_EVENT_DATA) {
            memmove(plain + ret->payload, event.payload, event.length);
            ret->payload += event.length;
        } else if (event.kind == WEBSOCKET_EVENT_PING) {
            ret->pinged = true;
            ret->ping_length = event.length;
            memcpy(ret->ping, event.payload, event.length);
        }
        ret->closed = event.kind == WEBSOCKET_EVENT_CLOSED;
        ret->broken = event.kind == WEBSOCKET_EVENT_BROKEN;
        ret->code = event.code;
    }
}

static const char too_restricted[] = "This client says what the rules of this display cannot be held against.";

/* Payload, as far as the display's rules let it pass. */
static void payload_put(Connection *connection, size_t length)
{
    Gateway *gateway = connection->gateway;
    Display *display = connection->display;
    RfbWalk walk = rfb_client_walk(&display->client, &display->rules, gateway->plain, length, gateway->walked);
    if (walk.length > 0)
        upstream_put(connection, gateway->walked, walk.length);
    if (walk.input && (!display->input_ms || gateway->now_ms - display->input_ms >= INPUT_TOLD_MS)) {
        display->input_ms = gateway->now_ms;
        channel_tell(&gateway->channel, DISPLAY_INPUT, display->id);
    }
    if (walk.refused)
        connection_close_display(connection, DISPLAY_CLOSED_RULES, too_restricted);
}

void connection_rules(Connection *connection, const DisplayRules *rules)
{
    connection->display->rules = *rules;
    if (connection->timing.stage == STAGE_DISPLAY)
        payload_put(connection, 0); /* of one that is not understood this is the end */
}

static void display_up(Connection *connection, size_t length)
{
    Frames frames;
    frames_decode(connection, length, &frames);
    if (connection->timing.stage == STAGE_ENDING) {
        if (frames.closed || frames.broken)
            linger(connection);
        return;
    }
    if (frames.payload > 0)
        payload_put(connection, frames.payload);
    if (connection->timing.stage != STAGE_DISPLAY)
        return;
    if (frames.closed || frames.broken)
        display_fail(connection, frames.code);
    else if (frames.pinged)
        pong_put(connection, frames.ping, frames.ping_length);
}

/* ---- RDP ---- */

/* Plain bytes for the client: RDP has its own TLS inside. */
static void raw_put(Connection *connection, const uint8_t *bytes, size_t length)
{
    connection->timing.said_ms = connection->gateway->now_ms;
    if (!side_send(&connection->client, bytes, length, LIMIT_GATEWAY_WAITING))
        die(connection);
    else if (connection->client.waiting && !connection->timing.client_stalled_ms)
        connection->timing.client_stalled_ms = connection->gateway->now_ms;
}

static void rdp_refuse(Connection *connection, const char *why)
{
    uint8_t refusal[19];
    log_info("RDP client %s refused: %s", connection->name, why);
    raw_put(connection, refusal, rdp_refusal(refusal));
    if (connection->timing.stage != STAGE_DEAD)
        linger(connection);
}

/* The one request that the gateway itself writes: fixed but for the ticket, whose letters are harmless. */
static void rdp_knock(Connection *connection)
{
    char request[256];
    int length = g_snprintf(request, sizeof request,
                            "GET /api/v1/native/%s HTTP/1.1\r\nHost: gateway\r\nConnection: Upgrade\r\nUpgrade: rdp\r\n\r\n",
                            connection->knock->request.ticket);
    if (!orield_connect(connection)) {
        rdp_refuse(connection, "orield cannot be reached");
        return;
    }
    stage_begin(connection, STAGE_KNOCK);
    upstream_put(connection, (const uint8_t *)request, (size_t)length);
}

static void rdp_took(Connection *connection, const uint8_t *bytes, size_t length)
{
    RdpKnock *knock = connection->knock;
    if (connection->timing.stage == STAGE_RAW) {
        upstream_put(connection, bytes, length);
        return;
    }
    size_t room = sizeof knock->bytes - knock->length;
    memcpy(knock->bytes + knock->length, bytes, MIN(length, room));
    knock->length += MIN(length, room);
    switch (rdp_request_parse(knock->bytes, knock->length, &knock->request)) {
    case RDP_MORE:
        return;
    case RDP_GOOD:
        rdp_knock(connection);
        return;
    case RDP_BROKEN:
    default:
        rdp_refuse(connection, "its first message is no connection request with a ticket of ours");
    }
}

/* A client that vanishes says nothing: two minutes after, TCP tells. */
static void keep_alive(int fd)
{
    static const int on = 1, idle_s = 60, between_s = 15, probes = 4;
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &between_s, sizeof between_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

static void raw_begin(Connection *connection, int desktop, const DisplayPacket *handover)
{
    autofd int fd = desktop;
    side_close(&connection->upstream);
    if (!side_open(&connection->upstream, connection->gateway->epoll, fd)) {
        log_warning("RDP for %s: cannot be watched: %s", connection->name, strerror(errno));
        die(connection);
        return;
    }
    fd_steal(&fd);
    connection->raw = true;
    display_make(connection, handover);
    connection->timing.upstream_stalled_ms = 0;
    stage_begin(connection, STAGE_RAW);
    keep_alive(connection->client.fd);
    log_debug("RDP for %s", connection->name);
    upstream_put(connection, connection->knock->request.forward, connection->knock->request.forward_length);
    g_clear_pointer(&connection->knock, g_free);
}

/* orield's answer: of its text only the end matters, the descriptor. */
static bool rdp_answered(Connection *connection)
{
    uint8_t *plain = connection->gateway->plain;
    autofd int desktop = -1;
    ssize_t got = upstream_receive(connection->upstream.fd, plain, GATEWAY_PLAIN, &desktop);
    static const char welcome[] = "HTTP/1.1 101 ";
    if (got < 0 && !is_end(&connection->upstream, got))
        return false;
    size_t length = got > 0 ? (size_t)got : 0;
    DisplayPacket handover;
    connection->answered |= got >= (ssize_t)strlen(welcome) && memcmp(plain, welcome, strlen(welcome)) == 0;
    if (got <= 0 || !connection->answered)
        rdp_refuse(connection, "its ticket opens nothing: used, too old, or not for RDP");
    else if (desktop >= 0 && handover_take(plain, &length, &handover))
        raw_begin(connection, fd_steal(&desktop), &handover);
    return true;
}

static bool raw_down(Connection *connection)
{
    Side *side = &connection->upstream;
    ssize_t got = recv(side->fd, connection->gateway->plain, GATEWAY_PLAIN, MSG_DONTWAIT);
    if (got <= 0) {
        if (!is_end(side, got))
            return false;
        linger(connection);
        return true;
    }
    raw_put(connection, connection->gateway->plain, (size_t)got);
    return true;
}

/* ---- what comes from the client ---- */

/* The first bytes decide: plain HTTP begins with a method's capital letter, TLS with 0x16. */
static bool tls_begin(Connection *connection)
{
    Gateway *gateway = connection->gateway;
    if (g_ascii_isupper((char)gateway->input[0])) {
        if (side_send(&connection->client, answer_speak_https, strlen(answer_speak_https),
                      LIMIT_GATEWAY_WAITING))
            linger(connection);
        else
            die(connection);
        return false;
    }
    connection->tls = tls_stream_new(gateway->context, &gateway->wire);
    if (!connection->tls)
        die(connection);
    return connection->tls != NULL;
}

static void client_took(Connection *connection, size_t length)
{
    Gateway *gateway = connection->gateway;
    if (!connection->tls && !connection->raw && !connection->knock && gateway->input[0] == RDP_TPKT)
        connection->knock = g_new0(RdpKnock, 1);
    if (connection->raw || connection->knock) {
        rdp_took(connection, gateway->input, length);
        return;
    }
    if (!connection->tls && !tls_begin(connection))
        return;
    gateway->wire.input = gateway->input;
    gateway->wire.input_length = length;
    size_t plain = 0;
    TlsStatus status = tls_take(connection->tls, gateway->plain, GATEWAY_PLAIN, &plain);
    gateway->wire.input_length = 0;
    wire_send(connection);
    if (connection->timing.stage == STAGE_HANDSHAKE && SSL_is_init_finished(connection->tls))
        stage_begin(connection, STAGE_RELAY);
    if (plain > 0 && connection->timing.stage == STAGE_RELAY)
        relay_up(connection, plain);
    else if (plain > 0 &&
             (connection->timing.stage == STAGE_DISPLAY || connection->timing.stage == STAGE_ENDING))
        display_up(connection, plain);
    if (connection->timing.stage == STAGE_DEAD || connection->timing.stage == STAGE_LINGER)
        return;
    if (status == TLS_FAILED) {
        g_clear_pointer(&connection->tls, SSL_free); /* its alert is sent; there is nothing more to say */
        linger(connection);
    } else if (status == TLS_ENDED) {
        client_ended(connection);
    }
}

/* ---- the pump ---- */

static bool client_step(Connection *connection)
{
    Side *side = &connection->client;
    Stage stage = connection->timing.stage;
    if (!side->readable || connection->ended || connection->upstream.waiting)
        return false;
    if (stage == STAGE_DEAD || (stage == STAGE_RELAY && connection->timing.half))
        return false;
    ssize_t got = recv(side->fd, connection->gateway->input, GATEWAY_INPUT, MSG_DONTWAIT);
    if (got > 0) {
        connection->timing.heard_ms = connection->gateway->now_ms;
        side->readable = got == GATEWAY_INPUT || side->hung_up; /* less: all that there was (epoll(7)) */
        if (stage != STAGE_LINGER)
            client_took(connection, (size_t)got);
    } else if (got == 0) {
        connection->ended = true;
        client_ended(connection);
    } else if (errno == EAGAIN) {
        side->readable = false;
        return false;
    } else if (errno != EINTR) {
        die(connection);
    }
    return true;
}

static bool upstream_step(Connection *connection)
{
    if (connection->upstream.fd < 0 || !connection->upstream.readable || connection->client.waiting)
        return false;
    if (connection->timing.stage == STAGE_RELAY)
        return relay_down(connection);
    if (connection->timing.stage == STAGE_KNOCK)
        return rdp_answered(connection);
    if (connection->timing.stage == STAGE_RAW)
        return raw_down(connection);
    return connection->timing.stage == STAGE_DISPLAY && display_down(connection);
}

static bool client_flush(Connection *connection)
{
    bool moved = false;
    if (!connection->client.waiting || !connection->client.writable)
        return false;
    if (!side_flush(&connection->client, &moved)) {
        die(connection);
        return true;
    }
    if (moved)
        connection->timing.said_ms = connection->timing.client_stalled_ms = connection->gateway->now_ms;
    if (!connection->client.waiting)
        connection->timing.client_stalled_ms = 0;
    return moved;
}

static bool upstream_flush(Connection *connection)
{
    Side *side = &connection->upstream;
    bool moved = false;
    if (!side->waiting || !side->writable)
        return false;
    if (!side_flush(side, &moved)) {
        g_clear_pointer(&side->waiting, g_free); /* it has gone; reading will tell */
        side->waiting_from = side->waiting_to = 0;
        side->writable = false;
        moved = true;
    }
    if (moved)
        connection->timing.upstream_stalled_ms = connection->gateway->now_ms;
    if (!side->waiting) {
        connection->timing.upstream_stalled_ms = 0;
        if (connection->timing.half && connection->timing.stage == STAGE_RELAY)
            shutdown(side->fd, SHUT_WR);
    }
    return moved;
}

bool connection_pump(Connection *connection)
{
    for (unsigned step = 0; step < PUMP_STEPS; step++) {
        bool moved = client_flush(connection);
        moved |= upstream_flush(connection);
        moved |= upstream_step(connection);
        moved |= client_step(connection);
        moved |= linger_step(connection);
        if (connection->timing.stage == STAGE_DEAD || !moved)
            return false;
    }
    return true;
}

/* ---- life ---- */

Connection *connection_new(Gateway *gateway, int fd, AddressCount *address, const struct sockaddr *peer)
{
    Connection *connection = g_new0(Connection, 1);
    connection->client = (Side){.kind = WATCH_CLIENT, .fd = -1};
    connection->upstream = (Side){.kind = WATCH_UPSTREAM, .fd = -1};
    connection->gateway = gateway;
    if (!side_open(&connection->client, gateway->epoll, fd)) {
        g_free(connection);
        return NULL;
    }
    connection->name = address_text(peer);
    connection->address = address;
    connection->timing.heard_ms = connection->timing.said_ms = gateway->now_ms;
    stage_begin(connection, STAGE_HANDSHAKE);
    gateway->connections++;
    return connection;
}

void connection_free(Connection *connection)
{
    if (!connection)
        return;
    Gateway *gateway = connection->gateway;
    if ((connection->display || connection->raw) && connection->upstream.fd >= 0)
        shutdown(connection->upstream.fd, SHUT_RDWR);
    display_drop(connection);
    g_free(connection->knock);
    side_close(&connection->upstream);
    side_close(&connection->client);
    SSL_free(connection->tls);
    address_release(gateway->addresses, connection->address);
    g_free(connection->name);
    g_free(connection);
    gateway->connections--;
}

/* Drops it with a reset, so that the kernel does not go on offering what the client does not take. */
static void drop(Connection *connection)
{
    struct linger at_once = {.l_onoff = 1};
    setsockopt(connection->client.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    die(connection);
}

void connection_tick(Connection *connection)
{
    static const uint8_t ping[] = {0x80 | WEBSOCKET_PING, 0};
    switch (timing_due(&connection->timing, connection->gateway->now_ms)) {
    case DUE_NOTHING:
        return;
    case DUE_PING:
        connection->timing.pinged_ms = connection->gateway->now_ms;
        client_put(connection, ping, sizeof ping);
        return;
    case DUE_END:
        if (connection->timing.stage == STAGE_RELAY && !connection->client.waiting)
            linger(connection);
        else
            drop(connection);
        return;
    }
}

void connection_go_away(Connection *connection)
{
    if (connection->timing.stage == STAGE_DISPLAY)
        display_end(connection, WEBSOCKET_GOING_AWAY);
    else if (connection->timing.stage == STAGE_HANDSHAKE)
        die(connection);
    else if (connection->timing.stage == STAGE_RELAY || connection->timing.stage == STAGE_KNOCK ||
             connection->timing.stage == STAGE_RAW)
        linger(connection);
}
