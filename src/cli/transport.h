/* One libcurl handle set up for our server: the unix socket, or TLS with the system's authorities or a pinned
 * certificate. Inside of client.c and stream.c only. */
#pragma once

#include <curl/curl.h>
#include <glib.h>
#include <stdbool.h>

#include "base/json.h"

typedef struct {
    char *socket_path; /* NULL: remote */
    char *base;        /* "http://localhost/api/v1/" or "https://…/api/v1/" */
    char *token;       /* NULL: none; wiped at the end */
    guint8 fingerprint[32];
    bool pinned;
    int folder;                    /* of a socket path that is too long; -1: none is needed */
    GError *failure;               /* of the check of a pinned certificate */
    char message[CURL_ERROR_SIZE]; /* libcurl's own words about the last failure */
} Transport;

/* A new handle for base + path, with headers beside ours added by the caller through *headers. NULL on
 * failure. */
CURL *transport_handle(Transport *transport, const char *path, struct curl_slist **headers, GError **error);

/* Turns curl's failure into a sentence and a kind; uses up transport->failure. Always false. */
bool transport_fail(Transport *transport, CURL *curl, CURLcode code, GError **error);

/* An answer's problem (RFC 9457), or its bare status, as an error. Always false. */
bool transport_problem(long status, const char *text, size_t length, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CURL, curl_easy_cleanup)
typedef struct curl_slist HeaderList;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HeaderList, curl_slist_free_all)
