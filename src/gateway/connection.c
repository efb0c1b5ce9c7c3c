#include "gateway/connection_internal.h"

#include <errno.h>
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
#define HELD_MS 20          /* so often displays that were held back are looked at, while there are any */
#define INPUT_TOLD_MS 15000 /* so often orield is told that somebody works on a display */

void connection_stage(Connection *connection, Stage stage)
{
    connection->timing.stage = stage;
    connection->timing.stage_ms = connection->gateway->now_ms;
}

void connection_die(Connection *connection)
{
    connection_stage(connection, STAGE_DEAD);
}

/* ---- what goes to the client ---- */

void connection_wire_send(Connection *connection)
{
    Gateway *gateway = connection->gateway;
    size_t length = gateway->wire.output_length;
    gateway->wire.output_length = 0;
    if (length == 0)
        return;
    bool sent = side_send(&connection->client, gateway->wire.output, length, LIMIT_GATEWAY_WAITING);
    connection->timing.said_ms = gateway->now_ms;
    if (!sent)
        connection_die(connection);
    else if (connection->client.waiting && !connection->timing.client_stalled_ms)
        connection->timing.client_stalled_ms = gateway->now_ms;
}

void connection_put(Connection *connection, const void *bytes, size_t length)
{
    if (tls_put(connection->tls, bytes, length)) {
        connection_wire_send(connection);
    } else {
        connection->gateway->wire.output_length = 0; /* must not reach the next client */
        connection_die(connection);
    }
}

/* ---- ends ---- */

static void upstream_drop(Connection *connection)
{
    /* Closing alone would end nothing while orield still holds a copy of the display's socket. */
    if ((connection->timing.stage == STAGE_DISPLAY || connection->timing.stage == STAGE_VIEWER || connection->raw) && connection->upstream.fd >= 0)
        shutdown(connection->upstream.fd, SHUT_RDWR);
    side_close(&connection->upstream);
    connection->timing.upstream_stalled_ms = 0;
}

static void hold(Connection *connection)
{
    Gateway *gateway = connection->gateway;
    GList *link = &connection->display->held;
    if (link->data)
        return;
    link->data = connection;
    if (g_queue_is_empty(&gateway->held))
        gateway->held_ms = gateway->now_ms + HELD_MS;
    g_queue_push_tail_link(&gateway->held, link);
}

static void let_go(Connection *connection)
{
    GList *link = &connection->display->held;
    if (!link->data)
        return;
    g_queue_unlink(&connection->gateway->held, link);
    link->data = NULL;
}

static void display_drop(Connection *connection)
{
    if (!connection->display)
        return;
    Gateway *gateway = connection->gateway;
    gateway->displays--;
    let_go(connection);
    channel_tell(&gateway->channel, DISPLAY_ENDED, connection->display->id);
    if (g_hash_table_lookup(gateway->by_id, connection->display->id) == connection)
        g_hash_table_remove(gateway->by_id, connection->display->id);
    g_clear_pointer(&connection->display, g_free);
}

/* All is said. What waits still goes out, then our half is shut; the client has LIMIT_GATEWAY_CLOSE_SECONDS
 * to end its own. Closing at once would reset the connection if it is still sending, and the reset can
 * overtake our answer. */
void connection_linger(Connection *connection)
{
    upstream_drop(connection);
    display_drop(connection);
    connection_stage(connection, STAGE_LINGER);
    if (connection->tls) {
        tls_end(connection->tls);
        connection_wire_send(connection);
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
        connection_die(connection);
    return first;
}

static void close_frame_put(Connection *connection, uint16_t code)
{
    uint8_t frame[4];
    size_t length = websocket_close_frame(frame, code);
    connection_put(connection, frame, length);
}

void connection_close_display(Connection *connection, uint16_t code, const char *reason)
{
    uint8_t frame[2 + WEBSOCKET_CONTROL_LARGEST];
    if (connection->timing.stage == STAGE_RAW || connection->timing.stage == STAGE_VIEWER)
        connection_linger(connection);
    if (connection->timing.stage != STAGE_DISPLAY)
        return;
    upstream_drop(connection);
    connection_stage(connection, STAGE_ENDING);
    connection_put(connection, frame, websocket_close_text(frame, code, reason));
}

/* We end the display; the client answers with its own close frame (RFC 6455 7.1.2). */
static void display_end(Connection *connection, uint16_t code)
{
    upstream_drop(connection);
    connection_stage(connection, STAGE_ENDING);
    close_frame_put(connection, code);
}

/* The display is over for both: the client has closed, or has broken the protocol. */
static void display_fail(Connection *connection, uint16_t code)
{
    upstream_drop(connection);
    close_frame_put(connection, code);
    if (connection->timing.stage != STAGE_DEAD)
        connection_linger(connection);
}

/* The client has ended its half: of TLS (close_notify) or of TCP. */
static void client_ended(Connection *connection)
{
    if (connection->timing.stage == STAGE_HANDSHAKE) {
        connection_die(connection);
    } else if (connection->timing.stage == STAGE_RELAY && connection->upstream.fd >= 0) {
        connection->timing.half = true; /* the answer may still come */
        connection->timing.stage_ms = connection->gateway->now_ms;
        if (!connection->upstream.waiting)
            shutdown(connection->upstream.fd, SHUT_WR);
    } else if (connection->timing.stage != STAGE_LINGER) {
        connection_linger(connection);
    }
}

/* ---- relay to orield ---- */

bool connection_ask(Connection *connection)
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
    connection_put(connection, answer_unavailable, strlen(answer_unavailable));
    if (connection->timing.stage != STAGE_DEAD)
        connection_linger(connection);
}

/* If orield or the display has gone, its bytes are dropped: what it has still sent is read first, and its end
 * then. */
void connection_put_up(Connection *connection, const uint8_t *bytes, size_t length)
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
    if (connection->upstream.fd < 0 && !connection_ask(connection))
        refuse(connection);
    else
        connection_put_up(connection, connection->gateway->plain, length);
}

/* orield's packet came with the descriptor. An id that is there twice is orield's mistake: the older one ends. */
void connection_display(Connection *connection, const DisplayPacket *handover)
{
    Gateway *gateway = connection->gateway;
    Connection *other = g_hash_table_lookup(gateway->by_id, handover->id);
    if (other)
        connection_die(other);
    Display *display = connection->display = g_new0(Display, 1);
    g_strlcpy(display->id, handover->id, sizeof display->id);
    display->rules = handover->rules;
    bucket_set(&display->bucket, handover->rules.kbit_s, gateway->now_ms);
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
        connection_die(connection);
        return;
    }
    fd_steal(&fd);
    connection_display(connection, handover);
    connection->timing.heard_ms = connection->timing.said_ms = connection->timing.pinged_ms = gateway->now_ms;
    connection->timing.upstream_stalled_ms = 0;
    connection_stage(connection, STAGE_DISPLAY);
    log_debug("display for %s", connection->name);
    g_clear_pointer(&connection->name, g_free);
}

static void orield_ended(Connection *connection)
{
    if (connection->answered)
        connection_linger(connection);
    else /* it went down with the request in its hands: there is no answer yet, so this can be one */
        refuse(connection);
}

/* Whether a failed read of the upstream is its end. */
bool connection_is_end(Side *side, ssize_t got)
{
    if (got < 0 && errno == EAGAIN)
        side->readable = false;
    return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

/* The packet that comes with a descriptor is the last of what was read: the kernel ends a read there (unix(7)). */
bool connection_handover(const uint8_t *bytes, size_t *length, DisplayPacket *ret)
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
        if (!connection_is_end(&connection->upstream, got))
            return false;
        orield_ended(connection);
        return true;
    }
    connection->answered = true;
    size_t length = (size_t)got;
    DisplayPacket handover;
    if (display >= 0 && !connection_handover(plain, &length, &handover)) {
        log_warning("orield passed a descriptor without its packet: connection of %s closed", connection->name);
        connection_die(connection);
        return true;
    }
    if (length > 0)
        connection_put(connection, plain, length);
    if (display >= 0 && connection->timing.stage == STAGE_RELAY)
        display_begin(connection, fd_steal(&display), &handover);
    return true;
}

/* ---- display ---- */

size_t connection_may(Connection *connection, size_t size)
{
    size_t allowed = bucket_allows(&connection->display->bucket, size, connection->gateway->now_ms);
    if (allowed == 0)
        hold(connection);
    return allowed;
}

void connection_counts(Connection *connection, size_t length)
{
    bucket_take(&connection->display->bucket, length);
}

void connection_held_go(Gateway *gateway, void (*go)(Connection *connection, void *data), void *data)
{
    GList *next = NULL;
    for (GList *link = gateway->held.head; link; link = next) {
        Connection *connection = link->data;
        next = link->next;
        if (bucket_due_ms(&connection->display->bucket) > gateway->now_ms)
            continue;
        let_go(connection);
        go(connection, data);
    }
    gateway->held_ms = gateway->now_ms + HELD_MS;
}

static bool display_down(Connection *connection)
{
    uint8_t *payload = connection->gateway->plain + WEBSOCKET_HEADER_LARGEST;
    const size_t size = connection_may(connection, GATEWAY_PLAIN - WEBSOCKET_HEADER_LARGEST);
    Side *side = &connection->upstream;
    if (size == 0)
        return false;
    ssize_t got = recv(side->fd, payload, size, MSG_DONTWAIT);
    if (got <= 0) {
        if (!connection_is_end(side, got))
            return false;
        display_end(connection, WEBSOCKET_NORMAL);
        return true;
    }
    /* Less than asked for was all there was: descriptors, which end a read early, come no more. */
    side->readable = (size_t)got == size || side->hung_up;
    connection_counts(connection, (size_t)got);
    uint8_t header[WEBSOCKET_HEADER_LARGEST];
    size_t length = websocket_header(header, WEBSOCKET_BINARY, (uint64_t)got);
    memcpy(payload - length, header, length);
    connection_put(connection, payload - length, length + (size_t)got);
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
    connection_put(connection, frame, header + length);
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

void connection_input(Connection *connection)
{
    Gateway *gateway = connection->gateway;
    Display *display = connection->display;
    if (display->input_ms && gateway->now_ms - display->input_ms < INPUT_TOLD_MS)
        return;
    display->input_ms = gateway->now_ms;
    channel_tell(&gateway->channel, DISPLAY_INPUT, display->id);
}

/* Payload, as far as the display's rules let it pass. */
void connection_payload(Connection *connection, size_t length)
{
    Gateway *gateway = connection->gateway;
    Display *display = connection->display;
    RfbWalk walk = rfb_client_walk(&display->client, &display->rules, gateway->plain, length, gateway->walked);
    if (walk.length > 0)
        connection_put_up(connection, gateway->walked, walk.length);
    if (walk.input)
        connection_input(connection);
    if (walk.refused)
        connection_close_display(connection, DISPLAY_CLOSED_RULES, too_restricted);
}

void connection_rules(Connection *connection, const DisplayRules *rules)
{
    connection->display->rules = *rules;
    bucket_set(&connection->display->bucket, rules->kbit_s, connection->gateway->now_ms);
    DisplayRules held = *rules;
    held.flags &= ~(unsigned)DISPLAY_NO_SOUND; /* of RDP that is the client's own word */
    if (connection->timing.stage == STAGE_RAW && display_rules_restrict(&held))
        connection_linger(connection); /* what RDP carries nobody here looks into */
    if (connection->timing.stage == STAGE_DISPLAY || connection->timing.stage == STAGE_VIEWER)
        connection_payload(connection, 0); /* of one that is not understood this is the end */
}

static void display_up(Connection *connection, size_t length)
{
    Frames frames;
    frames_decode(connection, length, &frames);
    if (connection->timing.stage == STAGE_ENDING) {
        if (frames.closed || frames.broken)
            connection_linger(connection);
        return;
    }
    if (frames.payload > 0)
        connection_payload(connection, frames.payload);
    if (connection->timing.stage != STAGE_DISPLAY)
        return;
    if (frames.closed || frames.broken)
        display_fail(connection, frames.code);
    else if (frames.pinged)
        pong_put(connection, frames.ping, frames.ping_length);
}

/* ---- what comes from the client ---- */

/* The first bytes decide: plain HTTP begins with a method's capital letter, TLS with 0x16. */
static bool tls_begin(Connection *connection)
{
    Gateway *gateway = connection->gateway;
    if (g_ascii_isupper((char)gateway->input[0])) {
        if (side_send(&connection->client, answer_speak_https, strlen(answer_speak_https),
                      LIMIT_GATEWAY_WAITING))
            connection_linger(connection);
        else
            connection_die(connection);
        return false;
    }
    connection->tls = tls_stream_new(gateway->context, &gateway->wire);
    if (!connection->tls)
        connection_die(connection);
    return connection->tls != NULL;
}

/* Whom orield is told of: ADDRESS:PORT, and after it the certificate that the client has shown. */
static void name_add_certificate(Connection *connection)
{
    g_autofree char *mark = tls_client_certificate(connection->tls);
    if (!mark)
        return;
    char *name = g_strconcat(connection->name, ";", mark, NULL);
    g_free(connection->name);
    connection->name = name;
}

static void client_took(Connection *connection, size_t length)
{
    Gateway *gateway = connection->gateway;
    if (native_took(connection, gateway->input, length))
        return;
    if (!connection->tls && !tls_begin(connection))
        return;
    gateway->wire.input = gateway->input;
    gateway->wire.input_length = length;
    size_t plain = 0;
    TlsStatus status = tls_take(connection->tls, gateway->plain, GATEWAY_PLAIN, &plain);
    gateway->wire.input_length = 0;
    connection_wire_send(connection);
    if (connection->timing.stage == STAGE_HANDSHAKE && SSL_is_init_finished(connection->tls)) {
        name_add_certificate(connection);
        connection_stage(connection, STAGE_RELAY);
    }
    if (plain > 0 && (connection->vnc || connection->timing.stage == STAGE_VIEWER))
        native_took_plain(connection, plain);
    else if (plain > 0 && connection->timing.stage == STAGE_RELAY)
        relay_up(connection, plain);
    else if (plain > 0 &&
             (connection->timing.stage == STAGE_DISPLAY || connection->timing.stage == STAGE_ENDING))
        display_up(connection, plain);
    if (connection->timing.stage == STAGE_DEAD || connection->timing.stage == STAGE_LINGER)
        return;
    if (status == TLS_FAILED) {
        g_clear_pointer(&connection->tls, SSL_free); /* its alert is sent; there is nothing more to say */
        connection_linger(connection);
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
        connection_die(connection);
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
        return native_answered(connection);
    if (connection->timing.stage == STAGE_RAW || connection->timing.stage == STAGE_VIEWER)
        return native_down(connection);
    return connection->timing.stage == STAGE_DISPLAY && display_down(connection);
}

static bool client_flush(Connection *connection)
{
    bool moved = false;
    if (!connection->client.waiting || !connection->client.writable)
        return false;
    if (!side_flush(&connection->client, &moved)) {
        connection_die(connection);
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
    connection_stage(connection, STAGE_HANDSHAKE);
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
    g_free(connection->vnc);
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
    connection_die(connection);
}

void connection_tick(Connection *connection)
{
    static const uint8_t ping[] = {0x80 | WEBSOCKET_PING, 0};
    native_tick(connection);
    switch (timing_due(&connection->timing, connection->gateway->now_ms)) {
    case DUE_NOTHING:
        return;
    case DUE_PING:
        connection->timing.pinged_ms = connection->gateway->now_ms;
        connection_put(connection, ping, sizeof ping);
        return;
    case DUE_END:
        if (connection->timing.stage == STAGE_RELAY && !connection->client.waiting)
            connection_linger(connection);
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
        connection_die(connection);
    else if (connection->timing.stage == STAGE_RELAY || connection->timing.stage == STAGE_KNOCK ||
             connection->timing.stage == STAGE_RAW || connection->timing.stage == STAGE_VIEWER)
        connection_linger(connection);
}
