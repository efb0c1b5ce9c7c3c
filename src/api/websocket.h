/* The opening handshake of RFC 6455, section 4.2, as far as orield goes: it answers 101 and hands the
 * connection over. */
#pragma once

#include <stdbool.h>

#include "api/request.h"

typedef struct {
    char *accept; /* for Sec-WebSocket-Accept */
    bool binary;  /* the client offers the subprotocol "binary" */
} WebSocketHandshake;

void websocket_handshake_clear(WebSocketHandshake *handshake);

/* public_url: the configured one, NULL if none. Failure sets *ret_status: 426 (no WebSocket of version 13),
 * 400 (a broken one), 403 (Origin is another host). */
bool websocket_check(const Request *request, const char *public_url, WebSocketHandshake *ret, int *ret_status,
                     GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(WebSocketHandshake, websocket_handshake_clear)
