#include "gateway/websocket.h"

#include <string.h>

static WebsocketEvent event_of(WebsocketEventKind kind)
{
    return (WebsocketEvent){.kind = kind};
}

static WebsocketEvent broken(uint16_t code)
{
    return (WebsocketEvent){.kind = WEBSOCKET_EVENT_BROKEN, .code = code};
}

static bool is_control(uint8_t opcode)
{
    return (opcode & 0x8) != 0;
}

/* Length of the header that begins like this; `have` bytes of it are there, at least 2. */
static size_t header_size(const uint8_t *header)
{
    uint8_t form = header[1] & 0x7f;
    return 2 + (form == 126 ? 2 : form == 127 ? 8 : 0) + 4; /* a client's frame always has a mask */
}

/* What 5.2 says of the first two bytes. 0, or the close code. */
static uint16_t check_start(const WebsocketDecoder *decoder, const uint8_t *header)
{
    uint8_t opcode = header[0] & 0x0f;
    bool final = header[0] & 0x80;
    if (header[0] & 0x70) /* no extension was agreed */
        return WEBSOCKET_PROTOCOL_ERROR;
    if (!(header[1] & 0x80)) /* 5.1: a client masks */
        return WEBSOCKET_PROTOCOL_ERROR;
    switch (opcode) {
    case WEBSOCKET_CONTINUATION:
        return decoder->in_message ? 0 : WEBSOCKET_PROTOCOL_ERROR;
    case WEBSOCKET_TEXT:
        return decoder->in_message ? WEBSOCKET_PROTOCOL_ERROR : WEBSOCKET_NOT_BINARY;
    case WEBSOCKET_BINARY:
        return decoder->in_message ? WEBSOCKET_PROTOCOL_ERROR : 0;
    case WEBSOCKET_CLOSE:
    case WEBSOCKET_PING:
    case WEBSOCKET_PONG:
        return final && (header[1] & 0x7f) <= WEBSOCKET_CONTROL_LARGEST ? 0 : WEBSOCKET_PROTOCOL_ERROR;
    default:
        return WEBSOCKET_PROTOCOL_ERROR;
    }
}

/* The payload's length, from a whole header; false: not written the shortest way, or its top bit is set
 * (5.2). */
static bool payload_length(const uint8_t *header, uint64_t *ret_length)
{
    uint8_t form = header[1] & 0x7f;
    uint64_t length = 0;
    size_t bytes = form == 126 ? 2 : form == 127 ? 8 : 0;
    for (size_t i = 0; i < bytes; i++)
        length = length << 8 | header[2 + i];
    if (form == 126 && length < 126)
        return false;
    if (form == 127 && (length < 65536 || length >> 63))
        return false;
    *ret_length = bytes ? length : form;
    return true;
}

/* A whole header is in decoder->header: begins the payload. 0, or the close code. */
static uint16_t begin_payload(WebsocketDecoder *decoder, uint64_t largest)
{
    const uint8_t *header = decoder->header;
    uint64_t length = 0;
    if (!payload_length(header, &length))
        return WEBSOCKET_PROTOCOL_ERROR;
    decoder->opcode = header[0] & 0x0f;
    decoder->final = header[0] & 0x80;
    if (!is_control(decoder->opcode)) {
        if (decoder->opcode == WEBSOCKET_BINARY)
            decoder->message_length = 0;
        if (length > largest || decoder->message_length > largest - length)
            return WEBSOCKET_TOO_LARGE;
        decoder->message_length += length;
        decoder->in_message = !decoder->final;
    }
    memcpy(decoder->mask, header + decoder->header_length - 4, 4);
    decoder->mask_at = 0;
    decoder->remaining = length;
    decoder->control_length = 0;
    decoder->header_length = 0;
    decoder->in_payload = true;
    return 0;
}

/* Adds to the header until it is whole. Returns how many bytes it took; *ret_code is a close code or 0. */
static size_t take_header(WebsocketDecoder *decoder, const uint8_t *bytes, size_t length, uint64_t largest,
                          uint16_t *ret_code)
{
    size_t used = 0;
    *ret_code = 0;
    while (used < length) {
        decoder->header[decoder->header_length++] = bytes[used++];
        if (decoder->header_length < 2)
            continue;
        if (decoder->header_length == 2)
            *ret_code = check_start(decoder, decoder->header);
        else if (decoder->header_length == header_size(decoder->header))
            *ret_code = begin_payload(decoder, largest);
        if (*ret_code || decoder->in_payload)
            break;
    }
    return used;
}

static void unmask(WebsocketDecoder *decoder, uint8_t *bytes, size_t length)
{
    uint8_t turned[8];
    for (size_t i = 0; i < sizeof turned; i++)
        turned[i] = decoder->mask[(decoder->mask_at + i) & 3];
    uint64_t word, mask;
    memcpy(&mask, turned, sizeof mask);
    size_t at = 0;
    for (; at + sizeof word <= length; at += sizeof word) {
        memcpy(&word, bytes + at, sizeof word);
        word ^= mask;
        memcpy(bytes + at, &word, sizeof word);
    }
    for (; at < length; at++)
        bytes[at] ^= turned[at & 7];
    decoder->mask_at = (decoder->mask_at + length) & 3;
}

/* 7.4: the codes that an endpoint may send. */
static bool code_is_valid(uint16_t code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

static WebsocketEvent closed(const WebsocketDecoder *decoder)
{
    const uint8_t *payload = decoder->control;
    if (decoder->control_length == 0)
        return (WebsocketEvent){.kind = WEBSOCKET_EVENT_CLOSED, .code = WEBSOCKET_NO_CODE};
    if (decoder->control_length == 1)
        return broken(WEBSOCKET_PROTOCOL_ERROR);
    uint16_t code = (uint16_t)(payload[0] << 8 | payload[1]);
    if (!code_is_valid(code) ||
        !g_utf8_validate_len((const char *)payload + 2, decoder->control_length - 2u, NULL))
        return broken(WEBSOCKET_PROTOCOL_ERROR);
    return (WebsocketEvent){.kind = WEBSOCKET_EVENT_CLOSED, .code = code};
}

static WebsocketEvent control_event(const WebsocketDecoder *decoder)
{
    if (decoder->opcode == WEBSOCKET_CLOSE)
        return closed(decoder);
    WebsocketEvent event =
        event_of(decoder->opcode == WEBSOCKET_PING ? WEBSOCKET_EVENT_PING : WEBSOCKET_EVENT_PONG);
    event.payload = decoder->control;
    event.length = decoder->control_length;
    return event;
}

/* Takes payload; NONE: the frame goes on, or it was an empty data frame. */
static WebsocketEvent take_payload(WebsocketDecoder *decoder, uint8_t *bytes, size_t length, size_t *ret_used)
{
    size_t take = length < decoder->remaining ? length : (size_t)decoder->remaining;
    unmask(decoder, bytes, take);
    decoder->remaining -= take;
    decoder->in_payload = decoder->remaining > 0;
    *ret_used = take;
    if (is_control(decoder->opcode)) {
        memcpy(decoder->control + decoder->control_length, bytes, take);
        decoder->control_length = (uint8_t)(decoder->control_length + take);
        return decoder->in_payload ? event_of(WEBSOCKET_EVENT_NONE) : control_event(decoder);
    }
    if (take == 0)
        return event_of(WEBSOCKET_EVENT_NONE);
    return (WebsocketEvent){.kind = WEBSOCKET_EVENT_DATA, .payload = bytes, .length = take};
}

WebsocketEvent websocket_decode(WebsocketDecoder *decoder, uint8_t *bytes, size_t length, size_t *ret_used,
                                uint64_t largest)
{
    size_t used = 0;
    WebsocketEvent event = event_of(WEBSOCKET_EVENT_NONE);
    /* A header that ends the input may announce an empty payload: that frame is already whole. */
    while (event.kind == WEBSOCKET_EVENT_NONE &&
           (used < length || (decoder->in_payload && !decoder->remaining))) {
        size_t took = 0;
        uint16_t code = 0;
        if (decoder->in_payload)
            event = take_payload(decoder, bytes + used, length - used, &took);
        else
            took = take_header(decoder, bytes + used, length - used, largest, &code);
        used += took;
        if (code)
            event = broken(code);
    }
    *ret_used = used;
    return event;
}

size_t websocket_header(uint8_t header[WEBSOCKET_HEADER_LARGEST], WebsocketOpcode opcode, uint64_t length)
{
    header[0] = (uint8_t)(0x80 | opcode);
    size_t bytes = length < 126 ? 0 : length < 65536 ? 2 : 8;
    header[1] = bytes == 0 ? (uint8_t)length : bytes == 2 ? 126 : 127;
    for (size_t i = 0; i < bytes; i++)
        header[2 + i] = (uint8_t)(length >> (8 * (bytes - 1 - i)));
    return 2 + bytes;
}

size_t websocket_close_frame(uint8_t frame[4], uint16_t code)
{
    frame[0] = 0x80 | WEBSOCKET_CLOSE;
    frame[1] = code == WEBSOCKET_NO_CODE ? 0 : 2;
    frame[2] = (uint8_t)(code >> 8);
    frame[3] = (uint8_t)code;
    return 2u + frame[1];
}

size_t websocket_close_text(uint8_t frame[2 + WEBSOCKET_CONTROL_LARGEST], uint16_t code, const char *text)
{
    size_t length = MIN(strlen(text), WEBSOCKET_CONTROL_LARGEST - 2u);
    websocket_close_frame(frame, code);
    frame[1] = (uint8_t)(2 + length);
    memcpy(frame + 4, text, length);
    return 4 + length;
}
