/* What a client of a display says (RFC 6143 7.5 and the extensions that QEMU and TigerVNC know), as far as it takes to
 * see a person's input and to hold the rules of a display. Pure: bytes in, bytes out; no I/O, no allocation, no clock.
 * Fuzzed by tests/fuzz/fuzz_rfb_client.c.
 *
 * Without rules every byte passes as it came, at once; a client that says what this does not know is relayed on and its
 * input is not seen any more. Sound that rules forbid later is switched off in its name. With rules the first bytes of a message are held until it is known what they begin. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/display_wire.h"

#define RFB_HELD_LARGEST 24 /* bytes: SetDesktopSize with one screen */
#define RFB_MORE_LARGEST (RFB_HELD_LARGEST + 4) /* that may come out besides what comes in: what was held, and an end of sound */

typedef enum {
    RFB_VERSION, /* the client's protocol version (7.1.1) */
    RFB_SECURITY,
    RFB_INIT,
    RFB_MESSAGE,
    RFB_LOST, /* not understood any more */
} RfbPhase;

/* All zero at the start. */
typedef struct {
    uint32_t body; /* bytes of the message under way that still come after its head */
    uint8_t phase; /* RfbPhase */
    bool drops;    /* that message goes nowhere */
    bool hears;    /* it has switched on sound, and not off again */
    uint8_t have;  /* bytes of head */
    uint8_t sent;  /* of them already passed on */
    uint8_t head[RFB_HELD_LARGEST];
} RfbClient;

typedef struct {
    size_t length; /* bytes in out */
    bool input;    /* a key or the pointer was among them, and passed */
    bool refused;  /* not understood, and rules must be held: end the display */
} RfbWalk;

/* Writes to `out` (length + RFB_MORE_LARGEST bytes, not overlapping) what may go on. */
RfbWalk rfb_client_walk(RfbClient *client, const DisplayRules *rules, const uint8_t *bytes, size_t length, uint8_t *out);
