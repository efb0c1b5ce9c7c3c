/* The API over HTTP: orield's unix socket, or https:// with a token. One request at a time, plus event
 * streams beside it. Problems (RFC 9457) come back as GErrors of the same kind. One thread. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"

typedef struct Client Client;

typedef struct {
    const char *socket_path; /* of orield; used if url is NULL */
    const char *url;         /* "https://desk.example:8443/prefix", or NULL */
    const char *token;       /* for url; NULL: none */
    const char *fingerprint; /* SHA-256 of the server's certificate in hex, colons allowed; NULL: the system's
                                authorities decide */
} ClientAddress;

/* Does not connect yet. NULL: the url or fingerprint is malformed. */
Client *client_new(const ClientAddress *address, GError **error);
void client_free(Client *client);

/* One request; path is below /api/v1/: "pools/demo". body may be NULL. Returns the JSON of the answer (an
 * empty object where the answer has no body), NULL on failure. Caller owns. */
Json *client_request(Client *client, const char *method, const char *path, const Json *body, GError **error);

/* PUT of bytes that are no JSON; the JSON of the answer, as above. */
Json *client_send(Client *client, const char *path, GBytes *bytes, GError **error);

/* GET of bytes that are no JSON. *ret_next (may be NULL) becomes the answer's X-Oriel-Next, and stays where
 * there is none. */
GBytes *client_fetch(Client *client, const char *path, uint64_t *ret_next, GError **error);

/* All pages of a list as one {"items": […], "next": null}; at most `limit` items (0: all). The path may have
 * a query. */
Json *client_list(Client *client, const char *path, unsigned limit, GError **error);

/* path/NAME/… with each piece percent-encoded: client_path("pools", name, "entitlements", NULL). Caller
 * frees. */
char *client_path(const char *first, ...) G_GNUC_NULL_TERMINATED;

/* Adds "?name=value" or "&name=value", encoded; value NULL adds nothing. */
void client_query(GString *path, const char *name, const char *value);

/* Server-sent events. */
typedef struct ClientStream ClientStream;

typedef struct {
    char *event; /* "change", "job"; "message" where the server names none */
    Json *data;
} StreamEvent;

typedef enum { STREAM_EVENT, STREAM_OPENED, STREAM_QUIET, STREAM_INPUT, STREAM_CLOSED } StreamNext;

ClientStream *client_stream(Client *client, const char *path, GError **error);
void client_stream_free(ClientStream *stream);

/* Waits up to timeout_ms for what comes first: STREAM_OPENED once, when the server has accepted; an event
 * (*ret filled, free with stream_event_clear); STREAM_INPUT when the descriptor watch_fd (-1: none) is
 * readable; STREAM_QUIET when time is up; STREAM_CLOSED with error when the stream has ended. */
StreamNext client_stream_next(ClientStream *stream, int timeout_ms, int watch_fd, StreamEvent *ret,
                              GError **error);
void stream_event_clear(StreamEvent *event);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Client, client_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ClientStream, client_stream_free)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StreamEvent, stream_event_clear)
