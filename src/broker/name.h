/* Names of a pool's desktops, from its pattern: "sales-{n}" gives sales-1, sales-2 …; "{n:3}" gives 001. They
 * are host names of the guests (RFC 1123 2.1), so: letters, digits, hyphens, at most 63. Pure; any thread. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* INVALID with what is allowed. */
bool name_pattern_check(const char *pattern, GError **error);

/* The pattern that a pool has unless somebody chooses one: its name made fit, with "-{n}". Caller frees. */
char *name_pattern_default(const char *pool_name);

/* The name with number n. The pattern has been checked. Caller frees. */
char *name_render(const char *pattern, unsigned n);

/* The first name, counting from 1, that is not among `taken` (any order). Caller frees. */
char *name_next(const char *pattern, const char *const *taken, size_t count);
