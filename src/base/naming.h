/* Patterns that name the desktops of a pool: "{pool}-{n}", "pc-{n:3}". Pure; any thread. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define NAMING_DEFAULT "{pool}-{n}"

/* INVALID unless the pattern has {n} or {n:WIDTH} (1 to 6 digits, padded with zeros) exactly once, otherwise only {pool} and
 * letters, digits and hyphens, and names fit as host names (RFC 1123 2.1: at most 63, no hyphen at either end) up to the
 * number `most` with this pool. */
bool naming_check(const char *pattern, const char *pool, uint64_t most, GError **error);

/* The name with this number, of a pattern that was checked. Caller frees. */
char *naming_make(const char *pattern, const char *pool, int64_t number);

/* Of a home (user disk), which is a file's name too: 1 to LIMIT_NAME of a-z, 0-9 and -, no - at either end. */
bool home_name_is_valid(const char *name);
