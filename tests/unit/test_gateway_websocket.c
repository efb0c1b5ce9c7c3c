#include <string.h>

#include "gateway/websocket.h"

#define LARGEST 1000

/* Decodes all of bytes in pieces of `piece`; what came out as text: "d:abc p:x c:1000 b:1002". Data of one
 * message that comes in several events is written together. */
static char *decode(const uint8_t *bytes, size_t length, size_t piece)
{
    WebsocketDecoder decoder = {0};
    GString *text = g_string_new(NULL);
    bool in_data = false;
    for (size_t from = 0; from < length;) {
        g_autofree uint8_t *part = g_memdup2(bytes + from, MIN(piece, length - from));
        size_t size = MIN(piece, length - from), at = 0;
        for (;;) {
            size_t used = 0;
            WebsocketEvent event = websocket_decode(&decoder, part + at, size - at, &used, LARGEST);
            g_assert_cmpuint(used, <=, size - at);
            at += used;
            if (event.kind == WEBSOCKET_EVENT_NONE)
                break;
            bool data = event.kind == WEBSOCKET_EVENT_DATA;
            if (!data || !in_data)
                g_string_append_printf(text, "%s%c:", text->len ? " " : "", "-dpqcb"[event.kind]);
            in_data = data;
            if (event.kind == WEBSOCKET_EVENT_CLOSED || event.kind == WEBSOCKET_EVENT_BROKEN) {
                g_string_append_printf(text, "%u", event.code);
                return g_string_free(text, FALSE);
            }
            g_string_append_len(text, (const char *)event.payload, (gssize)event.length);
        }
        g_assert_cmpuint(at, ==, size);
        from += size;
    }
    return g_string_free(text, FALSE);
}

/* Masks are "\0\0\0\0" here, so that the table can be read; test_masks has others. */
#define M "\0\0\0\0"

static const struct {
    const char *what;
    const char *bytes;
    size_t length;
    const char *expected;
} rows[] = {
#define ROW(what, bytes, expected)                                                                           \
    {                                                                                                        \
        what, bytes, sizeof bytes - 1, expected                                                              \
    }
    ROW("one message", "\x82\x83" M "abc", "d:abc"),
    ROW("an empty message", "\x82\x80" M, ""),
    ROW("a message after an empty one", "\x82\x80" M "\x82\x81" M "x", "d:x"),
    ROW("two fragments", "\x02\x82" M "ab\x80\x81" M "c", "d:abc"),
    ROW("a ping between fragments", "\x02\x81" M "a\x89\x81" M "?\x80\x81" M "b", "d:a p:? d:b"),
    ROW("an empty ping", "\x89\x80" M, "p:"),
    ROW("a pong", "\x8a\x82" M "hi", "q:hi"),
    ROW("16 bits of length",
        "\x82\xfe\x00\x7e" M "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "d:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
    ROW("close", "\x88\x82" M "\x03\xe8", "c:1000"),
    ROW("close with a reason",
        "\x88\x85" M "\x0f\xa0"
        "bye",
        "c:4000"),
    ROW("close without a code", "\x88\x80" M, "c:1005"),
    ROW("close after data", "\x82\x81" M "x\x88\x82" M "\x03\xe9", "d:x c:1001"),
    ROW("close inside a message", "\x02\x81" M "x\x88\x80" M, "d:x c:1005"),
    ROW("not masked",
        "\x82\x03"
        "abc",
        "b:1002"),
    ROW("RSV1", "\xc2\x80" M, "b:1002"),
    ROW("RSV3", "\x92\x80" M, "b:1002"),
    ROW("opcode 3", "\x83\x80" M, "b:1002"),
    ROW("opcode 11", "\x8b\x80" M, "b:1002"),
    ROW("text", "\x81\x81" M "x", "b:1003"),
    ROW("text inside a message", "\x02\x81" M "x\x81\x81" M "y", "d:x b:1002"),
    ROW("continuation of nothing", "\x80\x81" M "x", "b:1002"),
    ROW("continuation of an ended message", "\x82\x81" M "x\x80\x81" M "y", "d:x b:1002"),
    ROW("message inside a message", "\x02\x81" M "x\x82\x81" M "y", "d:x b:1002"),
    ROW("fragmented ping", "\x09\x81" M "x", "b:1002"),
    ROW("ping of 126 bytes", "\x89\xfe\x00\x7e" M, "b:1002"),
    ROW("125 in the long form", "\x82\xfe\x00\x7d" M, "b:1002"),
    ROW("65535 in the longest form", "\x82\xff\0\0\0\0\0\0\xff\xff" M, "b:1002"),
    ROW("top bit of the length", "\x82\xff\x80\0\0\0\0\x01\0\0" M, "b:1002"),
    ROW("too large", "\x82\xfe\x03\xe9" M, "b:1009"),
    ROW("much too large", "\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff" M, "b:1009"),
    ROW("too large with its last fragment", "\x02\x81" M "x\x80\xfe\x03\xe8" M, "d:x b:1009"),
    ROW("close of one byte", "\x88\x81" M "\x03", "b:1002"),
    ROW("close 999", "\x88\x82" M "\x03\xe7", "b:1002"),
    ROW("close 1004", "\x88\x82" M "\x03\xec", "b:1002"),
    ROW("close 1005", "\x88\x82" M "\x03\xed", "b:1002"),
    ROW("close 1015", "\x88\x82" M "\x03\xf7", "b:1002"),
    ROW("close 2999", "\x88\x82" M "\x0b\xb7", "b:1002"),
    ROW("close 5000", "\x88\x82" M "\x13\x88", "b:1002"),
    ROW("close with a reason that is not UTF-8", "\x88\x83" M "\x03\xe8\xff", "b:1002"),
    ROW("nothing", "", ""),
    ROW("half a header", "\x82\xfe\x00", ""),
#undef ROW
};

static void test_table(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        for (size_t piece = 1; piece <= 200; piece = piece < 20 ? piece + 1 : piece * 2) {
            g_autofree char *text = decode((const uint8_t *)rows[i].bytes, rows[i].length, piece);
            if (strcmp(text, rows[i].expected) != 0)
                g_error("%s, in pieces of %zu: \"%s\" instead of \"%s\"", rows[i].what, piece, text,
                        rows[i].expected);
        }
}

/* Every mask position at every alignment: the words of eight bytes and the rest must turn alike. */
static void test_masks(void)
{
    static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
    for (size_t length = 1; length < 60; length++)
        for (size_t piece = 1; piece < 70; piece++) {
            g_autoptr(GByteArray) frame = g_byte_array_new();
            g_autoptr(GString) expected = g_string_new("d:");
            g_byte_array_append(frame, (const uint8_t[]){0x82, (uint8_t)(0x80 | length)}, 2);
            g_byte_array_append(frame, mask, sizeof mask);
            for (size_t i = 0; i < length; i++) {
                uint8_t plain = (uint8_t)('A' + i), masked = plain ^ mask[i % 4];
                g_string_append_c(expected, (char)plain);
                g_byte_array_append(frame, &masked, 1);
            }
            g_autofree char *text = decode(frame->data, frame->len, piece);
            g_assert_cmpstr(text, ==, expected->str);
        }
}

static void test_message_limit_is_exact(void)
{
    static const uint8_t head[] = {0x82, 0xfe, 0x03, 0xe8, 0, 0, 0, 0}; /* 1000 */
    uint8_t frame[sizeof head + LARGEST] = {0};
    memcpy(frame, head, sizeof head);
    memset(frame + sizeof head, 'x', LARGEST);
    g_autofree char *text = decode(frame, sizeof frame, sizeof frame);
    g_assert_cmpuint(strlen(text), ==, 2 + LARGEST);
}

static void test_headers(void)
{
    static const struct {
        uint64_t length;
        size_t size;
        uint8_t bytes[WEBSOCKET_HEADER_LARGEST];
    } lengths[] = {
        {0, 2, {0x82, 0}},
        {125, 2, {0x82, 125}},
        {126, 4, {0x82, 126, 0, 126}},
        {65535, 4, {0x82, 126, 0xff, 0xff}},
        {65536, 10, {0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0}},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(lengths); i++) {
        uint8_t header[WEBSOCKET_HEADER_LARGEST];
        size_t size = websocket_header(header, WEBSOCKET_BINARY, lengths[i].length);
        g_assert_cmpmem(header, size, lengths[i].bytes, lengths[i].size);
    }
}

static void test_close_frames(void)
{
    uint8_t frame[4];
    g_assert_cmpmem(frame, websocket_close_frame(frame, WEBSOCKET_GOING_AWAY), "\x88\x02\x03\xe9", 4);
    g_assert_cmpmem(frame, websocket_close_frame(frame, WEBSOCKET_NO_CODE), "\x88\x00", 2);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gateway/websocket/table", test_table);
    g_test_add_func("/gateway/websocket/masks", test_masks);
    g_test_add_func("/gateway/websocket/message-limit", test_message_limit_is_exact);
    g_test_add_func("/gateway/websocket/headers", test_headers);
    g_test_add_func("/gateway/websocket/close-frames", test_close_frames);
    return g_test_run();
}
