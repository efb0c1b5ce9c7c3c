/* WebSocket frames from a client, in pieces that the first byte chooses: no input may crash, take forever,
 * give out more than came in, or decode differently because of where the reads happened to end. */
#include <string.h>

#include "gateway/websocket.h"

#define LARGEST 5000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add(GByteArray *trace, const void *bytes, size_t length)
{
    g_byte_array_append(trace, bytes, (guint)length);
}

/* All events as bytes, data of neighbouring events together. */
static GByteArray *decode(const uint8_t *data, size_t size, size_t piece)
{
    WebsocketDecoder decoder = {0};
    GByteArray *trace = g_byte_array_new();
    for (size_t from = 0; from < size; from += piece) {
        size_t length = MIN(piece, size - from), at = 0;
        g_autofree uint8_t *part = g_memdup2(data + from, length);
        for (;;) {
            size_t used = 0;
            WebsocketEvent event = websocket_decode(&decoder, part + at, length - at, &used, LARGEST);
            if (used > length - at || event.length > size || decoder.message_length > LARGEST)
                g_abort();
            at += used;
            if (event.kind == WEBSOCKET_EVENT_NONE)
                break;
            if (event.kind != WEBSOCKET_EVENT_DATA)
                add(trace, &event.kind, 1);
            if (event.length)
                add(trace, event.payload, event.length);
            if (event.kind == WEBSOCKET_EVENT_CLOSED || event.kind == WEBSOCKET_EVENT_BROKEN) {
                add(trace, &event.code, sizeof event.code);
                return trace;
            }
        }
        if (at != length)
            g_abort();
    }
    return trace;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    g_autoptr(GByteArray) whole = decode(data + 1, size - 1, size);
    g_autoptr(GByteArray) pieces = decode(data + 1, size - 1, 1u + data[0] % 64u);
    if (whole->len != pieces->len || (whole->len && memcmp(whole->data, pieces->data, whole->len) != 0))
        g_abort();
    return 0;
}
