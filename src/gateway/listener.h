/* The one door: the socket that listens on the network. */
#pragma once

#include <glib.h>
#include <stdint.h>
#include <sys/socket.h>

/* Listens at address ("::": both families, or IPv4 alone where the host has no IPv6) and port. Returns the
 * descriptor, non-blocking, or -1: the port is in use, the address is not this host's; the error says what to
 * do. */
int listener_open(const char *address, uint16_t port, GError **error);

/* Accepts one client, set up for short delays and little in the kernel. -1 with errno. */
int listener_accept(int listener, struct sockaddr_storage *ret_peer);
