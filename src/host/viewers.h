/* Who looks at this host's desktops, through which gateway; puts out who may not any more. For files of this room. Any thread. */
#pragma once

#include "base/display_wire.h"
#include "broker/viewer.h"
#include "host/private.h"

/* Listens for gateways at RUNTIME/displays.sock. NULL on failure. */
Viewers *viewers_open(Host *host, GError **error);
void viewers_close(Viewers *viewers); /* displays stay; NULL is fine */

/* A display that is about to be handed over: its row, and what the gateway gets with the descriptor. */
bool viewers_add(Viewers *viewers, const StoreTicket *ticket, const char *client, DisplayPacket *ret, GError **error);

void viewers_expect(Viewers *viewers, unsigned seconds); /* a native VNC client may come: gateways greet who stays silent */
bool viewers_reachable(Viewers *viewers); /* a gateway listens: displays can be ended */

void viewers_forget(Viewers *viewers, const char *id); /* was not handed over after all */

#define VIEWERS(mode) (1u << (mode))

typedef struct {
    const char *desktop_id;
    unsigned modes;  /* VIEWERS(VIEWER_OWN) | ... */
    const char *id;  /* only this one; NULL: all */
    const char *but; /* not this one; NULL: all */
} ViewerChoice;

/* Ends them; who is not confirmed yet, as soon as he is. */
void viewers_end(Viewers *viewers, const ViewerChoice *choice, uint16_t code, const char *reason);
/* Until they have ended, but only for a moment: whoever does not go is cut off by the machine. */
void viewers_await_end(Viewers *viewers, const ViewerChoice *choice);
unsigned viewers_count(Viewers *viewers, const char *desktop_id, unsigned modes); /* that have not been told to end */

/* display.c: CONFLICT: the user works there now. */
bool console_may_begin(Host *host, const char *desktop_id, GError **error);

void viewers_rights_changed(Viewers *viewers); /* never blocks */
void viewers_rules_changed(Viewers *viewers);  /* the same: of plans */
void viewers_pass(Viewers *viewers);           /* the loop's: puts out who may not stay, forgets who is gone */
