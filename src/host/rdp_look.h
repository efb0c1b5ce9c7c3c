/* Whether an RDP server answers: the first message of RDP and its answer (MS-RDPBCGR 2.2.1.1, 2.2.1.2). Nobody is logged on.
 * The peer is not trusted. Any thread; blocks until deadline_us (of g_get_monotonic_time). */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* UNAVAILABLE: it says nothing, closes, or speaks something else. */
bool rdp_look(int fd, int64_t deadline_us, GError **error);
