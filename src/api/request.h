/* One request as handlers see it: decoded, bounded, and free of libmicrohttpd, so that tests and the fuzzer
 * make their own. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct {
    char *method;
    char *path;          /* decoded, begins with '/' */
    GHashTable *query;   /* name → value, decoded; the first of equal names */
    GHashTable *headers; /* lower-case name → value; the first of equal names */
    GByteArray *body;
    char *certificate; /* SHA-256, in hex, of the one that the client has shown to the gateway; NULL: none */
    char *client; /* address without port; NULL: local */
    bool local;   /* came through orield.sock from root or orield's own user */
    bool gateway; /* came through gateway.sock */
    bool two_lengths; /* its headers tell more than once where its body ends */
} Request;

/* target: the request line's path and query as sent ("/api/v1/desktops?pool=demo"). INVALID: a bad escape, a
 * NUL, no UTF-8, no '/' at the beginning, or a segment "." or "..". */
Request *request_new(const char *method, const char *target, GError **error);
void request_free(Request *request);

/* Its memory is given back, wiped. */
void request_body_forget(Request *request);

/* Keeps the first of equal names. */
void request_add_header(Request *request, const char *name, const char *value);

/* GET or HEAD: changes nothing. */
bool request_reads(const Request *request);

/* NULL if absent. Names of headers in lower case. */
const char *request_header(const Request *request, const char *name);
const char *request_query(const Request *request, const char *name);

/* Value of one cookie of the Cookie header; NULL: none. Caller frees with secret_free. */
char *request_cookie(const Request *request, const char *name);

/* Whether a comma-separated header contains this token, in any case: "Connection: keep-alive, Upgrade". */
bool request_header_has(const Request *request, const char *name, const char *token);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Request, request_free)
