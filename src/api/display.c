/* A ticket becomes a picture: the WebSocket's opening (docs/architecture.md, contract 1). */
#include "api/resource.h"
#include "api/websocket.h"
#include "base/file.h"

/* The problem with a status of its own; false as handlers return it. */
static bool refuse(Call *call, const GError *error, int status)
{
    reply_reset(call->reply);
    reply_problem(call->reply, error, status);
    if (status == 426)
        reply_header(call->reply, "Upgrade", "websocket");
    return false;
}

bool display_get(Call *call, GError **error)
{
    g_auto(WebSocketHandshake) handshake = {0};
    g_autoptr(GError) problem = NULL;
    int status = 0;
    /* Only the gateway can take a descriptor; a ticket is not used up for nothing. */
    if (!call->request->gateway)
        return oriel_fail(error, ORIEL_ERROR_UNSUPPORTED,
                          "a display opens only through oriel-gateway: use the https address");
    if (!websocket_check(call->request, call->service->config->public_url, &handshake, &status, &problem))
        return refuse(call, problem, status);
    g_auto(HostDisplay) display = {.fd = -1};
    HostDisplayRequest request = {call->parameters[0], DISPLAY_CLIENT_BROWSER, call->request->client};
    if (!host_display_open(call->service->host, &request, &display, error))
        return false;
    call->reply->status = 101;
    call->reply->display = fd_steal(&display.fd);
    call->reply->handover = display.handover;
    reply_header(call->reply, "Upgrade", "websocket");
    reply_header(call->reply, "Sec-WebSocket-Accept", handshake.accept);
    if (handshake.binary)
        reply_header(call->reply, "Sec-WebSocket-Protocol", "binary");
    return true;
}
