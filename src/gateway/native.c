/* Clients that are no browsers, at the same port. RDP clients speak first, and their first byte tells. VNC clients wait for the
 * server's greeting: while orield expects one (somebody has just got a .vv file), whoever stays silent is greeted. */
#include "gateway/connection_internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "gateway/upstream.h"

/* Past TLS: of RDP, which has its own inside, and of VNC until TLS begins. */
static void raw_put(Connection *connection, const uint8_t *bytes, size_t length)
{
    connection->timing.said_ms = connection->gateway->now_ms;
    if (!side_send(&connection->client, bytes, length, LIMIT_GATEWAY_WAITING))
        connection_die(connection);
    else if (connection->client.waiting && !connection->timing.client_stalled_ms)
        connection->timing.client_stalled_ms = connection->gateway->now_ms;
}

/* In the client's own protocol, so that it can show it. */
static void refuse(Connection *connection, const char *why)
{
    uint8_t refusal[VENCRYPT_RESULT_LARGEST];
    log_info("%s client %s refused: %s", connection->vnc ? "VNC" : "RDP", connection->name, why);
    if (connection->tls)
        connection_put(connection, refusal, vencrypt_refusal(refusal));
    else if (!connection->vnc)
        raw_put(connection, refusal, rdp_refusal(refusal));
    if (connection->timing.stage != STAGE_DEAD)
        connection_linger(connection);
}

/* The one request that the gateway itself writes: fixed but for the ticket, whose letters are harmless. */
static void knock(Connection *connection, const char *ticket)
{
    char request[256];
    int length = g_snprintf(request, sizeof request,
                            "GET /api/v1/native/%s HTTP/1.1\r\nHost: gateway\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n",
                            ticket, connection->vnc ? "rfb" : "rdp");
    if (!connection_ask(connection)) {
        refuse(connection, "orield cannot be reached");
        return;
    }
    connection_stage(connection, STAGE_KNOCK);
    connection_put_up(connection, (const uint8_t *)request, (size_t)length);
}

/* ---- RDP ---- */

static void rdp_took(Connection *connection, const uint8_t *bytes, size_t length)
{
    RdpKnock *said = connection->knock;
    size_t room = sizeof said->bytes - said->length;
    memcpy(said->bytes + said->length, bytes, MIN(length, room));
    said->length += MIN(length, room);
    switch (rdp_request_parse(said->bytes, said->length, &said->request)) {
    case RDP_MORE:
        return;
    case RDP_GOOD:
        knock(connection, said->request.ticket);
        return;
    case RDP_BROKEN:
    default:
        refuse(connection, "its first message is no connection request with a ticket of ours");
    }
}

/* ---- VNC ---- */

static void vnc_step(Connection *connection, const VencryptStep *step)
{
    if (step->answer)
        raw_put(connection, step->answer, step->answer_length);
    if (connection->timing.stage == STAGE_DEAD)
        return;
    switch (step->end) {
    case VENCRYPT_MORE:
        return;
    case VENCRYPT_TLS:
        connection->tls = tls_stream_new(connection->gateway->context, &connection->gateway->wire);
        if (!connection->tls)
            connection_die(connection);
        return;
    case VENCRYPT_TICKET:
        knock(connection, connection->vnc->ticket);
        return;
    case VENCRYPT_BROKEN:
    default:
        refuse(connection, "it does not speak RFB 3.8 with VeNCrypt X509Plain, or brings no ticket");
    }
}

void native_took_plain(Connection *connection, size_t length)
{
    if (connection->timing.stage == STAGE_VIEWER) {
        connection_payload(connection, length);
        return;
    }
    VencryptStep step = vencrypt_take(connection->vnc, connection->gateway->plain, length);
    vnc_step(connection, &step);
}

void native_tick(Connection *connection)
{
    Gateway *gateway = connection->gateway;
    if (connection->timing.stage != STAGE_HANDSHAKE || connection->tls || connection->knock ||
        gateway->now_ms >= gateway->vnc_until_ms || gateway->now_ms - connection->timing.stage_ms < LIMIT_GATEWAY_SILENCE_MS)
        return;
    connection->vnc = g_new0(Vencrypt, 1);
    connection_stage(connection, STAGE_KNOCK);
    raw_put(connection, (const uint8_t *)VENCRYPT_GREETING, strlen(VENCRYPT_GREETING));
}

/* ---- both ---- */

bool native_took(Connection *connection, const uint8_t *bytes, size_t length)
{
    if (connection->timing.stage == STAGE_RAW) {
        connection_input(connection); /* which bytes are keys cannot be seen: rather active than put out at work */
        connection_put_up(connection, bytes, length);
        return true;
    }
    if (connection->tls)
        return false;
    if (connection->vnc) {
        VencryptStep step = vencrypt_take(connection->vnc, bytes, length);
        vnc_step(connection, &step);
        return true;
    }
    if (!connection->knock && bytes[0] != RDP_TPKT)
        return false;
    if (!connection->knock)
        connection->knock = g_new0(RdpKnock, 1);
    rdp_took(connection, bytes, length);
    return true;
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

/* orield has been let in by the desktop's VNC server: what comes next is the client's ClientInit (RFC 6143 7.3.1). */
static void viewer_begin(Connection *connection)
{
    uint8_t welcome[VENCRYPT_RESULT_LARGEST];
    connection->display->client.phase = RFB_INIT;
    connection_stage(connection, STAGE_VIEWER);
    g_clear_pointer(&connection->vnc, g_free);
    connection_put(connection, welcome, vencrypt_welcome(welcome));
}

static void raw_begin(Connection *connection)
{
    const RdpRequest *request = &connection->knock->request;
    connection->raw = true;
    connection_stage(connection, STAGE_RAW);
    connection_put_up(connection, request->forward, request->forward_length);
    g_clear_pointer(&connection->knock, g_free);
}

static void begin(Connection *connection, int desktop, const DisplayPacket *handover)
{
    autofd int fd = desktop;
    side_close(&connection->upstream);
    if (!side_open(&connection->upstream, connection->gateway->epoll, fd)) {
        log_warning("native client %s: its desktop cannot be watched: %s", connection->name, strerror(errno));
        connection_die(connection);
        return;
    }
    fd_steal(&fd);
    connection_display(connection, handover);
    connection->timing.upstream_stalled_ms = 0;
    keep_alive(connection->client.fd);
    log_debug("%s for %s", connection->vnc ? "VNC" : "RDP", connection->name);
    if (connection->vnc)
        viewer_begin(connection);
    else
        raw_begin(connection);
}

/* orield's answer: of its text only the end matters, the descriptor. */
bool native_answered(Connection *connection)
{
    uint8_t *plain = connection->gateway->plain;
    autofd int desktop = -1;
    ssize_t got = upstream_receive(connection->upstream.fd, plain, GATEWAY_PLAIN, &desktop);
    static const char welcome[] = "HTTP/1.1 101 ";
    if (got < 0 && !connection_is_end(&connection->upstream, got))
        return false;
    size_t length = got > 0 ? (size_t)got : 0;
    DisplayPacket handover;
    connection->answered |= got >= (ssize_t)strlen(welcome) && memcmp(plain, welcome, strlen(welcome)) == 0;
    if (got <= 0 || !connection->answered)
        refuse(connection, "its ticket opens nothing: used, too old, or for another kind of client");
    else if (desktop >= 0 && connection_handover(plain, &length, &handover))
        begin(connection, fd_steal(&desktop), &handover);
    return true;
}

bool native_down(Connection *connection)
{
    Side *side = &connection->upstream;
    size_t size = connection_may(connection, GATEWAY_PLAIN);
    if (size == 0)
        return false;
    ssize_t got = recv(side->fd, connection->gateway->plain, size, MSG_DONTWAIT);
    if (got <= 0) {
        if (!connection_is_end(side, got))
            return false;
        connection_linger(connection);
        return true;
    }
    connection_counts(connection, (size_t)got);
    if (connection->timing.stage == STAGE_VIEWER)
        connection_put(connection, connection->gateway->plain, (size_t)got);
    else
        raw_put(connection, connection->gateway->plain, (size_t)got);
    return true;
}
