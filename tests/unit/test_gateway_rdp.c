#include <glib.h>
#include <string.h>

#include "gateway/rdp.h"

static const uint8_t negotiation[8] = {1, 0, 8, 0, 3, 0, 0, 0};

/* A request as mstsc and FreeRDP send it, with this line as routing token or cookie. */
static size_t request_make(uint8_t *bytes, const char *line, const void *after, size_t after_length)
{
    const size_t length = 11 + strlen(line) + after_length;
    const uint8_t head[] = {3, 0, (uint8_t)(length >> 8), (uint8_t)length, (uint8_t)(length - 5), 0xe0, 0, 0, 0, 0, 0};
    memcpy(bytes, head, sizeof head);
    memcpy(bytes + 11, line, strlen(line));
    memcpy(bytes + 11 + strlen(line), after, after_length);
    return length;
}

static void test_ticket(void)
{
    uint8_t bytes[600];
    RdpRequest request;
    size_t length = request_make(bytes, "oriel-AbC_9-z\r\n", negotiation, sizeof negotiation);
    g_assert_cmpint(rdp_request_parse(bytes, length, &request), ==, RDP_GOOD);
    g_assert_cmpstr(request.ticket, ==, "AbC_9-z");
    uint8_t plain[32];
    size_t plain_length = request_make(plain, "", negotiation, sizeof negotiation);
    g_assert_cmpmem(request.forward, request.forward_length, plain, plain_length);
}

static void test_in_pieces(void)
{
    uint8_t bytes[600];
    RdpRequest request;
    size_t length = request_make(bytes, "oriel-A\r\n", negotiation, sizeof negotiation);
    for (size_t have = 0; have < length; have++)
        g_assert_cmpint(rdp_request_parse(bytes, have, &request), ==, RDP_MORE);
    bytes[length] = 0; /* a client waits for the answer */
    g_assert_cmpint(rdp_request_parse(bytes, length + 1, &request), ==, RDP_BROKEN);
}

static void test_broken(void)
{
    static const char *const lines[] = {"", "\r\n", "oriel-\r\n", "oriel-A", "oriel-A\r", "oriel-A\n", "oriel-A/../B\r\n",
                                        "oriel-A B\r\n", "Cookie: mstshash=anna\r\n", "Cookie: msts=3640205228.15629.0000\r\n"};
    uint8_t bytes[600];
    RdpRequest request;
    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
        size_t length = request_make(bytes, lines[i], "", 0);
        g_test_message("\"%s\"", lines[i]);
        g_assert_cmpint(rdp_request_parse(bytes, length, &request), ==, RDP_BROKEN);
    }
    size_t length = request_make(bytes, "oriel-A\r\n", negotiation, sizeof negotiation);
    bytes[5] = 0xd0; /* a confirm */
    g_assert_cmpint(rdp_request_parse(bytes, length, &request), ==, RDP_BROKEN);
    g_autofree char *ticket = g_strnfill(RDP_TICKET_LARGEST + 1, 'A');
    g_autofree char *line = g_strconcat("oriel-", ticket, "\r\n", NULL);
    length = request_make(bytes, line, negotiation, sizeof negotiation);
    g_assert_cmpint(rdp_request_parse(bytes, length, &request), ==, RDP_BROKEN);
    static const uint8_t large[] = {3, 0, 0x10, 0}, small[] = {3, 0, 0, 11}, tls[] = {3, 1};
    g_assert_cmpint(rdp_request_parse(large, sizeof large, &request), ==, RDP_BROKEN);
    g_assert_cmpint(rdp_request_parse(small, sizeof small, &request), ==, RDP_BROKEN);
    g_assert_cmpint(rdp_request_parse(tls, sizeof tls, &request), ==, RDP_BROKEN);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rdp/ticket", test_ticket);
    g_test_add_func("/rdp/in-pieces", test_in_pieces);
    g_test_add_func("/rdp/broken", test_broken);
    return g_test_run();
}
