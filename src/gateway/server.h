/* The loop: accepts, turns edges into work, watches certificate files and signals. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int listener;            /* of listener_open; stays the caller's */
    const char *certificate; /* both files are watched, and read again when they change or at SIGHUP */
    const char *certificate_key;
    const char *orield_path; /* gateway.sock, at most 107 bytes */
    const char *displays_path; /* displays.sock, the same */
    unsigned clients_limit;
    bool client_certificates; /* clients are asked for one */
} ServerOptions;

typedef struct Server Server;

/* All that needs files and rights; blocks SIGTERM, SIGINT and SIGHUP; nothing is accepted yet. options and
 * what it points to must outlive the server. NULL on failure. */
Server *server_new(const ServerOptions *options, GError **error);

/* Until SIGTERM or SIGINT: displays are then closed with 1001 and have a moment to answer. false: epoll
 * failed. */
bool server_run(Server *server, GError **error);

void server_free(Server *server);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Server, server_free)
