#include "base/error.h"

#include <errno.h>
#include <gio/gio.h>

static const OrielErrorInfo infos[ORIEL_ERROR_KINDS] = {
    [ORIEL_ERROR_INTERNAL] = {"internal", "Internal error", 500, 70},
    [ORIEL_ERROR_INVALID] = {"invalid", "Invalid input", 422, 65},
    [ORIEL_ERROR_UNAUTHENTICATED] = {"unauthenticated", "Log in first", 401, 77},
    [ORIEL_ERROR_FORBIDDEN] = {"forbidden", "Not allowed", 403, 77},
    [ORIEL_ERROR_NOT_FOUND] = {"not-found", "Not found", 404, 66},
    [ORIEL_ERROR_CONFLICT] = {"conflict", "Conflict", 409, 73},
    [ORIEL_ERROR_STALE] = {"stale", "Changed meanwhile", 412, 75},
    [ORIEL_ERROR_TOO_LARGE] = {"too-large", "Too large", 413, 65},
    [ORIEL_ERROR_TOO_MANY] = {"too-many", "Too many requests", 429, 75},
    [ORIEL_ERROR_FULL] = {"full", "No capacity left", 503, 75},
    [ORIEL_ERROR_NO_SPACE] = {"no-space", "Disk full", 507, 74},
    [ORIEL_ERROR_TIMEOUT] = {"timeout", "No answer in time", 504, 75},
    [ORIEL_ERROR_UNAVAILABLE] = {"unavailable", "Not reachable now", 503, 69},
    [ORIEL_ERROR_UNSUPPORTED] = {"unsupported", "Not supported here", 501, 71},
    [ORIEL_ERROR_CORRUPT] = {"corrupt", "Damaged data", 500, 65},
    [ORIEL_ERROR_CANCELLED] = {"cancelled", "Cancelled", 409, 75},
};

typedef struct {
    int64_t wait_seconds;
} OrielErrorPrivate;

static void oriel_error_private_init(OrielErrorPrivate *private)
{
    private->wait_seconds = 0;
}

static void oriel_error_private_copy(const OrielErrorPrivate *source, OrielErrorPrivate *copy)
{
    *copy = *source;
}

static void oriel_error_private_clear(OrielErrorPrivate *private)
{
}

G_DEFINE_EXTENDED_ERROR(OrielError, oriel_error)

static OrielErrorKind kind_of_errno(int errnum)
{
    switch (errnum) {
    case ENOSPC:
    case EDQUOT:
        return ORIEL_ERROR_NO_SPACE;
    case ENOENT:
        return ORIEL_ERROR_NOT_FOUND;
    case EEXIST:
        return ORIEL_ERROR_CONFLICT;
    case EACCES:
    case EPERM:
        return ORIEL_ERROR_FORBIDDEN;
    case ETIMEDOUT:
        return ORIEL_ERROR_TIMEOUT;
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
        return ORIEL_ERROR_UNAVAILABLE;
    default:
        return ORIEL_ERROR_INTERNAL;
    }
}

static OrielErrorKind kind_of_io(int code)
{
    if (code == G_IO_ERROR_NOT_FOUND)
        return ORIEL_ERROR_NOT_FOUND;
    if (code == G_IO_ERROR_NO_SPACE)
        return ORIEL_ERROR_NO_SPACE;
    if (code == G_IO_ERROR_TIMED_OUT)
        return ORIEL_ERROR_TIMEOUT;
    if (code == G_IO_ERROR_CANCELLED)
        return ORIEL_ERROR_CANCELLED;
    return ORIEL_ERROR_INTERNAL;
}

OrielErrorKind oriel_error_kind(const GError *error)
{
    if (error && error->domain == ORIEL_ERROR && error->code >= 0 && error->code < ORIEL_ERROR_KINDS)
        return (OrielErrorKind)error->code;
    if (error && error->domain == G_IO_ERROR)
        return kind_of_io(error->code);
    return ORIEL_ERROR_INTERNAL;
}

const OrielErrorInfo *oriel_error_info(OrielErrorKind kind)
{
    return &infos[kind < ORIEL_ERROR_KINDS ? kind : ORIEL_ERROR_INTERNAL];
}

bool oriel_fail(GError **error, OrielErrorKind kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (error && !*error)
        *error = g_error_new_valist(ORIEL_ERROR, (int)kind, format, args);
    va_end(args);
    return false;
}

bool oriel_fail_wait(GError **error, int64_t wait_seconds, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (error && !*error) {
        *error = g_error_new_valist(ORIEL_ERROR, ORIEL_ERROR_TOO_MANY, format, args);
        oriel_error_get_private(*error)->wait_seconds = wait_seconds;
    }
    va_end(args);
    return false;
}

int64_t oriel_error_wait_seconds(const GError *error)
{
    return error && error->domain == ORIEL_ERROR ? oriel_error_get_private(error)->wait_seconds : 0;
}

bool oriel_fail_errno(GError **error, int errnum, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *what = g_strdup_vprintf(format, args);
    va_end(args);
    return oriel_fail(error, kind_of_errno(errnum), "%s: %s", what, g_strerror(errnum));
}
