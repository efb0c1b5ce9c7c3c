/* The way from the gateway to orield: a unix socket whose own name tells the client's address, and which may
 * hand over a display (docs/architecture.md, contract 1). */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Connects to the socket at path (at most 107 bytes, absolute or from the current folder), having bound our
 * end to the abstract name "oriel/CLIENT" (where somebody has taken it, the same address with a number as its port that no
 * port has). Non-blocking. -1 with errno: orield is not running, or has no
 * place. */
int upstream_connect(const char *path, const char *client);

/* recv that may bring a descriptor along: *ret_fd is -1 or the display's, which the caller then owns; the
 * last byte read is the mark 0x00 in that case. Returns what recvmsg returned. */
ssize_t upstream_receive(int fd, uint8_t *bytes, size_t size, int *ret_fd);

/* After a descriptor came: whether orield has read all that the client has sent. Bytes that it has not read
 * were sent before the client had the 101 (or before the descriptor followed it), and would be lost. */
bool upstream_all_read(int fd);
