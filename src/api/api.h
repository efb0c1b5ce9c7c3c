/* The HTTP server of orield: docs/api.yaml on two unix sockets, and the web files.
 *
 * RUNTIME/orield.sock (0600): its peer, by credentials, is the local administrator.
 * RUNTIME/gateway.sock (0660): oriel-gateway's way in; never local rights; the client's address is the peer's
 * abstract name. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/config.h"
#include "host/host.h"
#include "identity/identity.h"
#include "job/job.h"
#include "store/store.h"

typedef struct Api Api;

/* STATE/setup-link, mode 0600: orield writes it at a start where `admin` has no password yet: the one-time
 * link that sets it. It goes when the link is used or another takes its place. */
#define API_SETUP_LINK "setup-link"

typedef struct {
    const Config *config; /* these five live longer than the Api */
    Store *store;
    Identity *identity;
    JobRunner *jobs;
    Host *host;
    /* POST host/stop: orield is to end after the answer has gone, with the machines or without. Any thread;
     * must not block. */
    void (*stop)(bool machines, void *data);
    void *data;
} ApiSetup;

/* Makes both sockets and answers from now on. CONFLICT: somebody listens there. NULL on failure. */
Api *api_start(const ApiSetup *setup, GError **error);

/* No new connections, streams end, requests under way are answered; then everything is closed and the sockets
 * are removed. NULL is fine. */
void api_stop(Api *api);

/* A golden image appeared or went on disk since the last run: makes the store's rows say what is there
 * (image_sync.c). Call once, after store_open and before host_open. */
bool api_images_sync(Store *store, const Config *config, GError **error);
