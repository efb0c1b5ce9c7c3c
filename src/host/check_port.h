/* Who has a TCP port. Any thread. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Whether a program may listen on address ("::": both families) and port now. False: *ret_errno says why not.
 */
bool port_can_listen(const char *address, uint16_t port, int *ret_errno);

/* The name of the program that listens on this port, from /proc: "nginx". NULL: none is seen (another user's
 * processes are not, unless the caller is root). *ret_pid is 0 then. Caller frees. */
char *port_owner(uint16_t port, int *ret_pid);
