/* The first message of an RDP client: X.224 Connection Request in a TPKT (MS-RDPBCGR 2.2.1.1, RFC 1006 6). An .rdp file puts a
 * ticket into it as routing token ("loadbalanceinfo:s:oriel-TICKET"), the place where session brokers have theirs. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RDP_REQUEST_LARGEST 512 /* bytes; a routing token, negotiation and correlation take less than half of it */
#define RDP_TICKET_LARGEST 128
#define RDP_TPKT 0x03 /* first byte; TLS begins with 0x16, HTTP with a letter */

typedef enum {
    RDP_MORE, /* not whole yet */
    RDP_GOOD,
    RDP_BROKEN, /* no connection request, too long, or without a ticket */
} RdpParse;

typedef struct {
    char ticket[RDP_TICKET_LARGEST + 1];
    uint8_t forward[RDP_REQUEST_LARGEST]; /* the same request without the token: RDP servers need not understand ours */
    size_t forward_length;
} RdpRequest;

/* Looks at what has come so far. RDP_GOOD only if nothing follows: a client says no more before the answer. */
RdpParse rdp_request_parse(const uint8_t *bytes, size_t length, RdpRequest *ret);

/* X.224 Connection Confirm with a negotiation failure (MS-RDPBCGR 2.2.1.2.2): what a client whose ticket is worth nothing
 * gets. Its length. */
size_t rdp_refusal(uint8_t ret[19]);
