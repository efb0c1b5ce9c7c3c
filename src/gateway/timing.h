/* When a connection is pinged and when it has had its time. Pure: values in, a verdict out. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef enum {
    STAGE_HANDSHAKE, /* TLS is not yet agreed */
    STAGE_RELAY,     /* bytes to and from orield, not interpreted */
    STAGE_KNOCK,     /* a native client's ticket is awaited, or with orield */
    STAGE_RAW,       /* RDP on both sides, not interpreted: its TLS is between client and desktop */
    STAGE_VIEWER,    /* a VNC client: TLS on its side, RFB on the other */
    STAGE_DISPLAY,   /* WebSocket on the client's side, RFB on the other */
    STAGE_ENDING,    /* our close frame is sent, the client's awaited */
    STAGE_LINGER,    /* all is said and our half is shut; what still comes is thrown away */
    STAGE_DEAD,      /* to be freed */
} Stage;

typedef struct {
    Stage stage;
    bool asked;                  /* a byte of a request has arrived */
    bool half;                   /* RELAY: the client has ended its half */
    int64_t stage_ms;            /* when the stage (or the half) began; monotonic like all here */
    int64_t heard_ms;            /* last byte from the client */
    int64_t said_ms;             /* last byte for the client */
    int64_t pinged_ms;           /* last ping */
    int64_t client_stalled_ms;   /* bytes wait for the client, which takes none since then; 0: none wait */
    int64_t upstream_stalled_ms; /* the same of orield or the display */
} Timing;

typedef enum {
    DUE_NOTHING,
    DUE_PING,
    DUE_END, /* its time is up: drop it */
} Due;

Due timing_due(const Timing *timing, int64_t now_ms);
