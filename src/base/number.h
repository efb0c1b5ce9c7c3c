/* Numbers from outside: checked, bounded, never silently cut. Any thread. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Decimal digits only, lowest..highest. `what` names the thing in the error: "ORIEL_PORT". */
bool number_parse(const char *text, uint64_t lowest, uint64_t highest, const char *what, uint64_t *ret, GError **error);

/* A size in bytes: "512MiB", "20GiB", "4096"; units KiB MiB GiB TiB (powers of 1024), a space before is allowed. */
bool number_parse_size(const char *text, const char *what, uint64_t *ret_bytes, GError **error);

/* "20 GiB", "579.3 MiB". Caller frees. */
char *number_format_size(uint64_t bytes);
