/* The loop: listens, accepts, turns edges into work, watches certificate files and signals. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Listens at address ("::": both families) and port. -1: in use or not ours; the error says what to do. */
int server_listen(const char *address, uint16_t port, GError **error);

typedef struct {
    int listener;            /* taken over */
    const char *certificate; /* both files are watched and read again when they change */
    const char *certificate_key;
    const char *orield_path; /* gateway.sock, at most 107 bytes */
    unsigned clients_limit;
} ServerOptions;

typedef struct Server Server;

/* All that needs files and rights; nothing is accepted yet. NULL on failure. */
Server *server_new(const ServerOptions *options, GError **error);

/* Until SIGTERM or SIGINT (blocked by server_new): displays are then closed with 1001. */
bool server_run(Server *server, GError **error);

void server_free(Server *server);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Server, server_free)
