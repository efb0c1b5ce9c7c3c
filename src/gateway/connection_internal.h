/* What connection.c and native.c share. Only the loop's thread. */
#pragma once

#include "gateway/connection.h"

void connection_stage(Connection *connection, Stage stage);
void connection_die(Connection *connection);

/* Sends what TLS has put out. Afterwards the connection may be dead. */
void connection_wire_send(Connection *connection);
void connection_put(Connection *connection, const void *bytes, size_t length); /* to the client, through its TLS */
void connection_put_up(Connection *connection, const uint8_t *bytes, size_t length);

/* All is said: what waits still goes out, then our half is shut. */
void connection_linger(Connection *connection);

bool connection_ask(Connection *connection);           /* connects to orield */
bool connection_is_end(Side *side, ssize_t got);       /* whether a failed read is the upstream's end */
bool connection_handover(const uint8_t *bytes, size_t *length, DisplayPacket *ret);
void connection_display(Connection *connection, const DisplayPacket *handover);
void connection_input(Connection *connection); /* its person does something: orield is told, now and then */
void connection_payload(Connection *connection, size_t length); /* of gateway->plain: what the rules let pass */

/* Of `size` bytes as many as the display's rules let go to the client now; what was read is counted by connection_counts. 0: it is
 * pumped again when there may be some. */
size_t connection_may(Connection *connection, size_t size);
void connection_counts(Connection *connection, size_t length);

/* ---- native.c: clients that are no browsers ---- */

/* Whether these first bytes, or an earlier greeting, make it one; then the bytes have been taken. */
bool native_took(Connection *connection, const uint8_t *bytes, size_t length);
void native_took_plain(Connection *connection, size_t length); /* of gateway->plain, out of a VNC client's TLS */
bool native_answered(Connection *connection);                  /* orield has something to say of its ticket */
bool native_down(Connection *connection);                      /* RAW, VIEWER: bytes of the desktop */
void native_tick(Connection *connection);                      /* greets one that says nothing, if it may be a VNC client */
