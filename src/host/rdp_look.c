#include "host/rdp_look.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/error.h"

enum { CONFIRM_LEAST = 11 }; /* TPKT and X.224 without negotiation: servers of before 2003 */

static bool take(int fd, uint8_t *bytes, size_t length, int64_t deadline_us, GError **error)
{
    for (size_t have = 0; have < length;) {
        int64_t left_ms = (deadline_us - g_get_monotonic_time() + 999) / 1000;
        struct pollfd one = {.fd = fd, .events = POLLIN};
        int ready = left_ms > 0 ? poll(&one, 1, (int)MIN(left_ms, G_MAXINT)) : 0;
        if (ready == 0)
            return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "says nothing");
        ssize_t count = ready > 0 ? recv(fd, bytes + have, length - have, MSG_DONTWAIT) : -1;
        if (count == 0)
            return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "closes the connection");
        if (count < 0 && errno != EAGAIN && errno != EINTR)
            return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "closes the connection (%s)", g_strerror(errno));
        have += count > 0 ? (size_t)count : 0;
    }
    return true;
}

bool rdp_look(int fd, int64_t deadline_us, GError **error)
{
    /* X.224 Connection Request with a negotiation request for TLS or CredSSP. */
    static const uint8_t request[] = {3, 0, 0, 19, 14, 0xe0, 0, 0, 0, 0, 0, 1, 0, 8, 0, 3, 0, 0, 0};
    uint8_t answer[CONFIRM_LEAST] = {0};
    if (send(fd, request, sizeof request, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)sizeof request)
        return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "closes the connection (%s)", g_strerror(errno));
    if (!take(fd, answer, sizeof answer, deadline_us, error))
        return false;
    bool confirms = answer[0] == 3 && answer[2] == 0 && answer[3] >= CONFIRM_LEAST && (answer[5] & 0xf0) == 0xd0;
    return confirms || oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "speaks something else than RDP");
}
