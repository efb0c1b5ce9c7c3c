/* Keys of everything in the store: ULIDs (github.com/ulid/spec), 26 characters of Crockford base32, sorted by time. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#define ID_LENGTH 26

/* A new ULID, greater than all that this process made before (so rows made one after the other stay in that order).
 * Caller frees. Any thread. */
char *id_new(void);

/* Whether text has the form of a ULID. NULL is not one. */
bool id_is_valid(const char *text);
