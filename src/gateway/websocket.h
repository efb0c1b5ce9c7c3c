/* WebSocket framing, RFC 6455 section 5, as the server of a connection whose upgrade somebody else has
 * answered. Pure: bytes in, events out; no I/O, no allocation, no clock. Fuzzed by
 * tests/fuzz/fuzz_websocket.c. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEBSOCKET_HEADER_LARGEST 10   /* of a frame that we send: never masked */
#define WEBSOCKET_CONTROL_LARGEST 125 /* bytes of a control frame's payload (5.5) */

typedef enum {
    WEBSOCKET_CONTINUATION = 0x0,
    WEBSOCKET_TEXT = 0x1,
    WEBSOCKET_BINARY = 0x2,
    WEBSOCKET_CLOSE = 0x8,
    WEBSOCKET_PING = 0x9,
    WEBSOCKET_PONG = 0xA,
} WebsocketOpcode;

/* Close codes that we send (7.4.1). */
typedef enum {
    WEBSOCKET_NORMAL = 1000,
    WEBSOCKET_GOING_AWAY = 1001,
    WEBSOCKET_PROTOCOL_ERROR = 1002,
    WEBSOCKET_NOT_BINARY = 1003,
    WEBSOCKET_NO_CODE = 1005, /* never sent: a close frame without a code */
    WEBSOCKET_TOO_LARGE = 1009, /* and base/display_wire.h */
} WebsocketCode;

typedef enum {
    WEBSOCKET_EVENT_NONE, /* all input is used up */
    WEBSOCKET_EVENT_DATA, /* payload: bytes of a binary message, unmasked in place */
    WEBSOCKET_EVENT_PING, /* payload: to be sent back in a pong */
    WEBSOCKET_EVENT_PONG,
    WEBSOCKET_EVENT_CLOSED, /* code: the client's, WEBSOCKET_NO_CODE if it gave none; answer and end */
    WEBSOCKET_EVENT_BROKEN, /* code: what to close with; the decoder must not be used again */
} WebsocketEventKind;

typedef struct {
    WebsocketEventKind kind;
    const uint8_t *payload; /* DATA: inside the input; PING: inside the decoder, until the next call */
    size_t length;
    uint16_t code;
} WebsocketEvent;

/* All zero at the start. 160 bytes, whatever the client sends: payload of data frames is never kept. */
typedef struct {
    uint64_t remaining;      /* payload bytes of this frame still to come */
    uint64_t message_length; /* payload bytes of this message announced so far */
    uint8_t mask[4];
    uint8_t mask_at; /* position in the mask, 0..3 */
    uint8_t header[14];
    uint8_t header_length; /* bytes of the header held while it is incomplete */
    uint8_t opcode;        /* of the frame whose payload is coming */
    bool final;
    bool in_payload;
    bool in_message; /* a fragmented message is open */
    uint8_t control[WEBSOCKET_CONTROL_LARGEST];
    uint8_t control_length;
} WebsocketDecoder;

/* Takes the next event from bytes (which it unmasks in place) and says in *ret_used how many of them are done
 * with. Call again with the rest until WEBSOCKET_EVENT_NONE. A message over `largest` bytes is BROKEN with
 * WEBSOCKET_TOO_LARGE as soon as its header is known; a text message with WEBSOCKET_NOT_BINARY. */
WebsocketEvent websocket_decode(WebsocketDecoder *decoder, uint8_t *bytes, size_t length, size_t *ret_used,
                                uint64_t largest);

/* Writes the header of one unmasked, final frame; returns its length, 2, 4 or 10. */
size_t websocket_header(uint8_t header[WEBSOCKET_HEADER_LARGEST], WebsocketOpcode opcode, uint64_t length);

/* Writes a whole close frame (4 bytes, or 2 for WEBSOCKET_NO_CODE); returns its length. */
size_t websocket_close_frame(uint8_t frame[4], uint16_t code);

/* The same with a text (UTF-8) of at most WEBSOCKET_CONTROL_LARGEST - 2 bytes; code is not WEBSOCKET_NO_CODE. */
size_t websocket_close_text(uint8_t frame[2 + WEBSOCKET_CONTROL_LARGEST], uint16_t code, const char *text);
