/* Unix stream sockets and the passing of descriptors (unix(7)). Any thread. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Listens at path (at most 107 bytes), replacing a dead socket file; CONFLICT if somebody answers there.
 * Returns the descriptor (close-on-exec, blocking) or -1. */
int socket_listen(const char *path, mode_t mode, GError **error);

/* Connects to path. A path over 107 bytes is reached through /proc/self/fd. Returns the descriptor or -1. */
int socket_connect(const char *path, GError **error);

/* Sends length (> 0) bytes with one descriptor attached to the first of them. The caller keeps passed_fd. */
bool socket_send_fd(int socket, const void *data, size_t length, int passed_fd, GError **error);

/* What of the internet one client holds, as text to count it under: of an IPv6 address its /64 ("2001:db8::"), of an
 * IPv4-mapped one the IPv4 address; any other text is itself. Caller frees. */
char *socket_network(const char *address);

/* Connects over TCP to a name or address, trying each of its addresses until the deadline (of g_get_monotonic_time). The
 * descriptor (close-on-exec, blocking, without Nagle's delay) or -1. NOT_FOUND: no such name; UNAVAILABLE: nobody answers. */
int socket_connect_tcp(const char *address, uint16_t port, int64_t deadline_us, GError **error);
