/* The first messages of RFB (RFC 6143 7.1), spoken as a client with a machine's VNC server, and as a server with our own
 * viewer: so the machine's password never leaves this process. The peer is not trusted. Any thread; blocks until deadline_us
 * (of g_get_monotonic_time). */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Until the server has let us in; next comes ClientInit. password NULL: none is known. FORBIDDEN: it wants a password that is not
 * known, or another one. UNSUPPORTED: none of its kinds of security is ours (none, VNC password). UNAVAILABLE: it speaks no RFB,
 * refuses (with its reason), or says nothing until the deadline. */
bool rfb_log_on(int fd, const char *password, int64_t deadline_us, GError **error);

/* Lets our viewer in, without a password: its ticket was checked. UNAVAILABLE: it is gone or speaks no RFB. */
bool rfb_let_in(int fd, int64_t deadline_us, GError **error);

/* What a VNC server wants to see of a password (RFC 6143 7.2.2): DES of its challenge, with the bits of each key byte in
 * reverse; only the first 8 bytes of the password count. */
void rfb_answer(const char *password, const uint8_t challenge[16], uint8_t ret_answer[16]);

/* Bytes of whoever speaks RFB there. UNAVAILABLE: they close, or say nothing until the deadline; what is said must be so short that it
 * fits any send buffer. */
bool rfb_hear(int fd, void *bytes, size_t length, int64_t deadline_us, GError **error);
bool rfb_say(int fd, const void *bytes, size_t length, GError **error);
