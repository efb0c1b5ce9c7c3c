/* How the guest's programs report a failure: one sentence in a fixed buffer (no GLib, no allocation). */
#pragma once

#include <stdbool.h>

typedef struct {
    char text[256]; /* "" while nothing failed */
} Failure;

/* Writes the sentence and returns false: `return failure_set(failure, "..."`). */
bool failure_set(Failure *failure, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same with ": " and strerror(errnum) at the end. */
bool failure_set_errno(Failure *failure, int errnum, const char *format, ...) __attribute__((format(printf, 3, 4)));
