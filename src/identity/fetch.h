/* Asking an OpenID provider over HTTP: bounded in size and time, never redirected, its certificate verified. Blocks: never on the
 * loop thread. */
#pragma once

#include "base/json.h"

typedef struct {
    const char *url;          /* that fetch_url_allowed allows */
    const char *certificates; /* PEM of the only authorities to trust; NULL: the system's */
    const char *form;         /* body of a POST; NULL: GET */
    const char *basic;        /* "user:password", both percent-encoded; NULL: none */
    const char *bearer;       /* NULL: none */
} FetchRequest;

/* The object that it answers; *ret_status: of HTTP. UNAVAILABLE: it cannot be reached or takes too long; its certificate is not
 * trusted. CORRUPT: no JSON object, or over LIMIT_PROVIDER_ANSWER. Caller owns. */
Json *fetch_json(const FetchRequest *request, long *ret_status, GError **error);

/* https, or http to this host itself; with a host and without user, fragment and control characters. */
bool fetch_url_allowed(const char *url);
