/* Errors of every room: one GError domain whose codes are *kinds*, so that one table decides the HTTP status
 * and the exit code of any failure, wherever it came from.
 *
 * A message is one sentence for a person: the kind of thing and its name, what is wrong, what to do.
 *   image "win11": disk is 40 GiB, pool "sales" allows 32 GiB
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define ORIEL_ERROR (oriel_error_quark())

typedef enum {
    ORIEL_ERROR_INTERNAL,        /* a bug or an unforeseen failure of the system */
    ORIEL_ERROR_INVALID,         /* the caller's input is wrong */
    ORIEL_ERROR_UNAUTHENTICATED, /* who are you? */
    ORIEL_ERROR_FORBIDDEN,       /* you may not */
    ORIEL_ERROR_NOT_FOUND,       /* there is no such thing */
    ORIEL_ERROR_CONFLICT,        /* exists already, or its state forbids it now */
    ORIEL_ERROR_STALE,           /* changed since you read it (If-Match) */
    ORIEL_ERROR_TOO_LARGE,       /* over a limit of base/limits.h */
    ORIEL_ERROR_TOO_MANY,        /* rate limit: wait, then try again */
    ORIEL_ERROR_FULL,            /* no desktop, memory or place left */
    ORIEL_ERROR_NO_SPACE,        /* the disk is full */
    ORIEL_ERROR_TIMEOUT,         /* somebody did not answer in time */
    ORIEL_ERROR_UNAVAILABLE,     /* store, QEMU or a service cannot be reached; may pass */
    ORIEL_ERROR_UNSUPPORTED,     /* this host or QEMU cannot do it */
    ORIEL_ERROR_CORRUPT,         /* a file or message is damaged */
    ORIEL_ERROR_CANCELLED,       /* a person or a shutdown ended it */
    ORIEL_ERROR_KINDS,
} OrielErrorKind;

typedef struct {
    const char *type;  /* stable word, the end of the problem's type URI (RFC 9457): "not-found" */
    const char *title; /* the same for people */
    int http_status;
    int exit_code; /* of `oriel`; sysexits.h where one fits */
} OrielErrorInfo;

GQuark oriel_error_quark(void);

/* Kind of any GError: its own for ORIEL_ERROR, G_IO_ERROR mapped, ORIEL_ERROR_INTERNAL otherwise. NULL: INTERNAL. */
OrielErrorKind oriel_error_kind(const GError *error);

/* The one table. Never NULL. */
const OrielErrorInfo *oriel_error_info(OrielErrorKind kind);

/* Sets *error (if error is not NULL) and returns false, so that callers write `return oriel_fail(error, ...)`. */
bool oriel_fail(GError **error, OrielErrorKind kind, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* The same for TOO_MANY where it is known when it will pass: an HTTP answer says so in Retry-After (RFC 9110 10.2.3). */
bool oriel_fail_wait(GError **error, int64_t wait_seconds, const char *format, ...) G_GNUC_PRINTF(3, 4);
int64_t oriel_error_wait_seconds(const GError *error); /* 0: not known */

/* The same for a failed system call: appends ": " and strerror(errnum); ENOSPC and EDQUOT become NO_SPACE,
 * ENOENT NOT_FOUND, EEXIST CONFLICT, EACCES and EPERM FORBIDDEN, others INTERNAL. */
bool oriel_fail_errno(GError **error, int errnum, const char *format, ...) G_GNUC_PRINTF(3, 4);
