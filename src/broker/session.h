/* A session's life: connecting → connected → disconnected → (connected …) → ended; and what its end means for
 * the desktop. Pure; any thread. Times are passed in. */
#pragma once

#include "broker/value.h"

typedef enum { PHASE_CONNECTING, PHASE_CONNECTED, PHASE_DISCONNECTED, PHASE_ENDED } SessionPhase;

typedef enum {
    SESSION_VIEWER_CAME,  /* a client finished its handshake with the display */
    SESSION_VIEWERS_GONE, /* the last one left, or was closed by `disconnect` */
    SESSION_LOGGED_OFF,   /* by the person, the administrator or the guest */
    SESSION_DESKTOP_LEFT, /* its desktop was refreshed, released, stopped or deleted */
    SESSION_MACHINE_DIED, /* QEMU ended and nobody asked it to */
    SESSION_GUEST_OFF,    /* the guest shut itself down */
    SESSION_TIME_PASSED,  /* look whether a time limit is over */
} SessionEvent;

typedef enum {
    FATE_KEEP,    /* as it is, assigned as it is */
    FATE_RELEASE, /* to nobody, running on as it is */
    FATE_REFRESH, /* to nobody and back to the image */
    FATE_RENEW,   /* back to the image, assigned as it is */
    FATE_DELETE,  /* gone, disk and all */
    FATE_RESTART, /* keeps its user and disk; its machine is to be started again */
} DesktopFate;

typedef struct {
    SessionPhase phase;
    bool was_connected;      /* a viewer has been there at least once */
    int64_t since_ms;        /* UTC: when this phase began */
    int64_t ticket_until_ms; /* UTC: the newest ticket's end */
    int64_t input_ms;        /* UTC: the last input, as the gateway and the guest know it; 0: none yet */
    bool locked;
    int64_t locking_ms;      /* UTC: when locking it was last begun by itself; 0: never */
} SessionFacts;

typedef struct {
    SessionPhase phase;
    const char *reason; /* why it ended, a word for the session's row: "logged off", "machine died"; NULL: not
                           ended */
    DesktopFate fate;   /* FATE_KEEP unless it ended with this event */
    int64_t look_again_ms; /* UTC: when a time limit may be over; 0: none runs */
    bool lock;             /* its screen is to be locked now */
} SessionVerdict;

/* Without input for so long, somebody who is connected is away. */
#define SESSION_IDLE_MS (5 * 60 * 1000)

/* "connecting", "active", "idle", "locked", "disconnected", "ended": what people call it. */
const char *session_activity(const SessionFacts *state, int64_t now_ms);

/* UTC: since when nobody does anything in a connected session. */
int64_t session_idle_since(const SessionFacts *state);

/* Nobody has to know the order in which events come: one that does not fit the phase changes nothing. */
SessionVerdict session_after(const BrokerPool *pool, const SessionFacts *state, SessionEvent event,
                             int64_t now_ms);

/* What becomes of a desktop whose session ended in this way; also for desktops that had none (a spare whose
 * machine died). */
DesktopFate session_desktop_fate(const BrokerPool *pool, SessionEvent end);
