/* One picture of a VNC server's screen (RFC 6143 7.3 to 7.7). The peer is not trusted. Any thread; blocks until deadline_us (of
 * g_get_monotonic_time). */
#pragma once

#include <glib.h>
#include <stdint.h>

/* The whole screen as a PNG, of a server that has let us in (rfb_log_on) and from which nothing else is wanted afterwards. TOO_LARGE:
 * more than LIMIT_PICTURE_PIXELS. UNAVAILABLE: it closes, says what cannot be, or has not painted all of it by the deadline. */
GBytes *rfb_picture(int fd, int64_t deadline_us, GError **error);
