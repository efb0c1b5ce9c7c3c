/* The pieces of orield, put together in order and taken apart in the reverse one. */
#pragma once

#include "base/config.h"
#include "host/host.h"

typedef struct Daemon Daemon;

/* Takes the state folder (CONFLICT: another orield has it), opens store, identity, images, jobs, machines,
 * API. config and driver (NULL: real machines) live longer. The caller frees also what failed half way. */
Daemon *daemon_new(const Config *config, const HostDriver *driver);
bool daemon_open(Daemon *daemon, GError **error);

/* Until SIGTERM, SIGINT or POST host/stop. */
void daemon_run(Daemon *daemon);

/* In order: no more requests, jobs end, machines end if somebody asked for that and else go on, store. NULL
 * is fine. */
void daemon_free(Daemon *daemon);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Daemon, daemon_free)
