/* The two sockets: accepts, says who comes, bounds how many, and cuts off who takes too long to say what they
 * want.
 *
 * Why not libmicrohttpd's own accept: 0.9.75 keeps 28 bytes for the peer's address and copies as many as
 * accept(2) says the address has, past the end of its stack variable; the gateway's abstract names are longer
 * than that. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/config.h"

typedef struct Door Door;

typedef struct {
    int fd;
    bool local;    /* orield.sock, and the peer is root or our own user */
    bool gateway;  /* gateway.sock */
    char *address; /* of the client, without port; NULL: local */
    char *certificate; /* SHA-256 in hex; NULL: it has shown none */
} DoorClient;

/* Takes the descriptor over. Runs on the door's thread; false: it was closed. */
typedef bool (*DoorAdmit)(int fd, void *data);

/* Makes the sockets; clients wait in them until door_start. */
Door *door_open(const Config *config, DoorAdmit admit, void *data, GError **error);
void door_start(Door *door);

/* Accepts no more, and removes the sockets. Clients stay. */
void door_shut(Door *door);
void door_free(Door *door); /* NULL is fine */

/* The client behind a descriptor, from its admission until door_client_gone. NULL: none. */
const DoorClient *door_client(Door *door, int fd);

/* Call before the descriptor is closed. */
void door_client_gone(Door *door, int fd);

/* The next thing (a whole request) must have come within limit_ms, else the connection is cut; 0: no limit. is_asking: part of a request
 * has come and nothing of an answer has been sent, so that it is told why (408, RFC 9110 15.5.9). Each new client begins with
 * LIMIT_REQUEST_SECONDS, asking. */
void door_client_limit(Door *door, int fd, int64_t limit_ms, bool is_asking);

/* "oriel/[2001:db8::1]:51234" (without the leading NUL) → "2001:db8::1". NULL if it is not of that form.
 * Caller frees. */
char *door_address(const char *name, size_t length);
/* "oriel/192.0.2.7:51234;MARK", where MARK is a SHA-256 as base64url (43 letters) → in hex. NULL: there is none. Caller frees. */
char *door_certificate(const char *name, size_t length);
