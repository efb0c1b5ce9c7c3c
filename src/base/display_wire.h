/* What gateway and orield tell each other about displays (docs/architecture.md, contract 1): packets of one size, with
 * the descriptor of a display and on the channel of displays. Pure; any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"

#define DISPLAY_PACKET 160
#define DISPLAY_REASON 123 /* bytes of a close frame's text (RFC 6455 5.5: 125 with the code) */
#define DISPLAY_SOCKET "displays.sock" /* in RUNTIME */

/* Close codes of our own (RFC 6455 7.4.2: 4000-4999 are private); the page knows them. */
#define DISPLAY_CLOSED_ELSEWHERE 4001 /* the person opened it somewhere else; the reason says where */
#define DISPLAY_CLOSED_REVOKED 4002   /* may not be seen any more */
#define DISPLAY_CLOSED_BY 4003        /* somebody ended it; the reason says who */
#define DISPLAY_CLOSED_IDLE 4005      /* nobody did anything for as long as the plan allows */
#define DISPLAY_CLOSED_RULES 4004     /* the client speaks what the rules of this display cannot be held against */

typedef enum {
    DISPLAY_HANDOVER = 0, /* orield: comes with the descriptor: id and rules */
    DISPLAY_ALIVE = 'A',  /* gateway: it is open; of all of them, whenever the channel is made */
    DISPLAY_INPUT = 'I',  /* gateway: its person pressed a key or moved the mouse; at most each 15 s */
    DISPLAY_ENDED = 'E',  /* gateway: it is closed */
    DISPLAY_RULES = 'R',  /* orield: these rules from now on */
    DISPLAY_CLOSE = 'X',  /* orield: close it, with code and reason */
    DISPLAY_EXPECT = 'V', /* orield: a VNC client may come within `code` seconds; of no display */
} DisplayPacketKind;

enum {
    DISPLAY_VIEW_ONLY = 1,        /* no keys, pointer, clipboard to the desktop, sizes, power */
    DISPLAY_NO_CLIPBOARD_IN = 2,  /* nothing copied goes to the desktop */
    DISPLAY_NO_CLIPBOARD_OUT = 4, /* nothing copied comes from it */
    DISPLAY_NO_SOUND = 8,
    DISPLAY_SHARED = 16,          /* whatever the client asks for, it does not put out others */
    DISPLAY_OPAQUE = 32,          /* not RFB: relayed as it is, no rule can hold */
    DISPLAY_NO_SIZE = 64,         /* the client's window does not change the screen */
};

typedef struct {
    unsigned flags;
    uint16_t width, height; /* the largest size a client may ask for; 0: any */
    uint16_t kbit_s;        /* most to the client, 1000 bits each; 0: any */
} DisplayRules;

typedef struct {
    DisplayPacketKind kind;
    DisplayRules rules; /* HANDOVER, RULES */
    uint16_t code;      /* CLOSE; EXPECT: seconds */
    char id[ID_LENGTH + 1];
    char reason[DISPLAY_REASON + 1]; /* CLOSE; UTF-8 */
} DisplayPacket;

/* Whether a client must be understood for these rules to hold. */
bool display_rules_restrict(const DisplayRules *rules);

/* Cuts the reason at a character's end where it is too long. */
void display_packet_set_reason(DisplayPacket *packet, const char *reason);

void display_packet_write(const DisplayPacket *packet, uint8_t bytes[DISPLAY_PACKET]);

/* false: not such a packet. */
bool display_packet_read(const uint8_t bytes[DISPLAY_PACKET], DisplayPacket *ret);
