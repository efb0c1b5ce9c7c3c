#include "gateway/rdp.h"

#include <glib.h>
#include <string.h>

#define TPKT_HEADER 4
#define X224_HEADER 7 /* length indicator, code, two references, class */
#define CONNECTION_REQUEST 0xe0
#define PREFIX "oriel-"

static bool is_ticket_letter(uint8_t letter)
{
    return g_ascii_isalnum((char)letter) || letter == '-' || letter == '_';
}

/* "oriel-TICKET" up to carriage return and line feed. NULL: there is none. */
static const uint8_t *take_ticket(const uint8_t *at, const uint8_t *end, RdpRequest *ret)
{
    const size_t prefix = strlen(PREFIX);
    const uint8_t *line_end = at < end ? memchr(at, '\r', (size_t)(end - at)) : NULL;
    if (!line_end || end - line_end < 2 || line_end[1] != '\n' || (size_t)(line_end - at) <= prefix ||
        memcmp(at, PREFIX, prefix) != 0)
        return NULL;
    size_t length = (size_t)(line_end - at) - prefix;
    if (length > RDP_TICKET_LARGEST)
        return NULL;
    for (size_t i = 0; i < length; i++)
        if (!is_ticket_letter(at[prefix + i]))
            return NULL;
    memcpy(ret->ticket, at + prefix, length);
    ret->ticket[length] = '\0';
    return line_end + 2;
}

static void forward_without(const uint8_t *request, const uint8_t *rest, const uint8_t *end, RdpRequest *ret)
{
    const size_t head = TPKT_HEADER + X224_HEADER, more = (size_t)(end - rest);
    memcpy(ret->forward, request, head);
    memcpy(ret->forward + head, rest, more);
    ret->forward_length = head + more;
    ret->forward[2] = (uint8_t)(ret->forward_length >> 8);
    ret->forward[3] = (uint8_t)ret->forward_length;
    ret->forward[4] = (uint8_t)(ret->forward_length - TPKT_HEADER - 1);
}

RdpParse rdp_request_parse(const uint8_t *bytes, size_t length, RdpRequest *ret)
{
    *ret = (RdpRequest){.forward_length = 0};
    if ((length > 0 && bytes[0] != RDP_TPKT) || (length > 1 && bytes[1] != 0))
        return RDP_BROKEN;
    if (length < TPKT_HEADER)
        return RDP_MORE;
    size_t whole = (size_t)bytes[2] << 8 | bytes[3];
    if (whole <= TPKT_HEADER + X224_HEADER || whole > RDP_REQUEST_LARGEST || length > whole)
        return RDP_BROKEN;
    if (length < whole)
        return RDP_MORE;
    /* The indicator has one byte (255 is reserved): TPKT's length is what counts for longer requests. */
    bool indicated = bytes[4] == whole - TPKT_HEADER - 1 || whole - TPKT_HEADER - 1 > 254;
    if (!indicated || (bytes[5] & 0xf0) != CONNECTION_REQUEST)
        return RDP_BROKEN;
    const uint8_t *end = bytes + whole;
    const uint8_t *rest = take_ticket(bytes + TPKT_HEADER + X224_HEADER, end, ret);
    if (!rest)
        return RDP_BROKEN;
    forward_without(bytes, rest, end, ret);
    return RDP_GOOD;
}

size_t rdp_refusal(uint8_t ret[19])
{
    /* TYPE_RDP_NEG_FAILURE, SSL_NOT_ALLOWED_BY_SERVER: clients show it and end */
    static const uint8_t refusal[19] = {RDP_TPKT, 0, 0, 19, 14, 0xd0, 0, 0, 0, 0, 0, 3, 0, 8, 0, 2, 0, 0, 0};
    memcpy(ret, refusal, sizeof refusal);
    return sizeof refusal;
}
