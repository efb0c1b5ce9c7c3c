/* One client: from accept over TLS and the relay to orield to the display. Owned by the loop's one thread. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "gateway/address.h"
#include "gateway/bucket.h"
#include "gateway/channel.h"
#include "gateway/rdp.h"
#include "gateway/rfb_client.h"
#include "gateway/side.h"
#include "gateway/timing.h"
#include "gateway/tls.h"
#include "gateway/vencrypt.h"
#include "gateway/websocket.h"

/* Bytes taken at a time from a client's socket, and from orield or a display (with a frame's header: 4
 * records). */
#define GATEWAY_INPUT (32 * 1024)
#define GATEWAY_PLAIN (64 * 1024)
#define GATEWAY_WALKED (GATEWAY_PLAIN + RFB_MORE_LARGEST)

/* What all connections share. The buffers are scratch: empty between two connections' turns. */
typedef struct {
    int epoll;
    SSL_CTX *context; /* for new connections; replaced at a reload */
    const char *orield_path;
    AddressTable *addresses;
    TlsWire wire;
    uint8_t *input;
    uint8_t *plain;
    uint8_t *walked; /* GATEWAY_WALKED */
    Channel channel;
    GHashTable *by_id; /* displays: id → Connection */
    GQueue held;       /* Connections whose displays may not send more before their bucket is fuller */
    int64_t held_ms;   /* when those are looked at next */
    int64_t vnc_until_ms; /* monotonic: until then who stays silent may be a VNC client */
    int64_t now_ms; /* monotonic, of this turn of the loop */
    unsigned connections, displays;
    bool orield_missing; /* the last attempt to reach it failed, and that was logged */
} Gateway;

/* An RDP client that has not been let in yet. */
typedef struct {
    uint8_t bytes[RDP_REQUEST_LARGEST + 1];
    size_t length;
    RdpRequest request;
} RdpKnock;

/* What a connection becomes with orield's descriptor. */
typedef struct {
    WebsocketDecoder decoder;
    RfbClient client;
    DisplayRules rules;
    Bucket bucket;     /* what may go to the client */
    GList held;        /* in Gateway.held; data NULL: is not */
    int64_t input_ms; /* when orield was last told of input */
    char id[ID_LENGTH + 1];
} Display;

typedef struct Connection Connection;
struct Connection {
    Side client;
    Side upstream; /* orield, later the display; fd -1: none yet, or no more */
    Gateway *gateway;
    SSL *tls;
    Display *display; /* NULL: it is none (yet) */
    RdpKnock *knock;           /* of an RDP client until it is let in */
    Vencrypt *vnc;             /* of one that has been greeted, until it is let in */
    char *name;                /* ADDRESS:PORT, or ADDRESS:PORT;CERTIFICATE; freed when it is a display */
    AddressCount *address;
    Connection *previous, *next; /* all connections; kept by the loop */
    Connection *run_next;        /* those with work; kept by the loop */
    Timing timing;
    bool queued;   /* is among those with work */
    bool answered; /* RELAY: orield has sent a byte */
    bool ended;    /* the client's half of TCP is over */
    bool shut;     /* LINGER: our half of TCP is over */
    bool raw;      /* has been in RAW: orield may hold a copy of the upstream's socket */
};

/* Takes over fd and address. NULL: no memory or no place in epoll; both are then still the caller's. */
Connection *connection_new(Gateway *gateway, int fd, AddressCount *address, const struct sockaddr *peer);

/* Closes everything at once. */
void connection_free(Connection *connection);

/* Moves bytes for a bounded number of steps. true: there is more to do at once, call again after the others'
 * turns. In stage DEAD afterwards: free it. */
bool connection_pump(Connection *connection);

/* Once a second: pings, and ends what has had its time. In stage DEAD afterwards: free it. */
void connection_tick(Connection *connection);

/* Displays that were held back and may go on: `go` is called with each. Time does not pass for the others. */
void connection_held_go(Gateway *gateway, void (*go)(Connection *connection, void *data), void *data);

/* What orield says of this display; pump it afterwards. */
void connection_rules(Connection *connection, const DisplayRules *rules);
void connection_close_display(Connection *connection, uint16_t code, const char *reason);

/* The gateway stops: 1001 to a display, an orderly end to others. Pump it afterwards. */
void connection_go_away(Connection *connection);
