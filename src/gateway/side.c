#include "gateway/side.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/file.h"

static bool watch(Side *side, int operation, bool writing)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET | (writing ? EPOLLOUT : 0u),
                                .data.ptr = side};
    return epoll_ctl(side->epoll, operation, side->fd, &event) == 0;
}

bool side_open(Side *side, int epoll, int fd)
{
    side->fd = fd;
    side->epoll = epoll;
    if (!watch(side, EPOLL_CTL_ADD, side->kind == WATCH_CLIENT)) {
        side->fd = -1;
        return false;
    }
    side->readable = side->writable = true; /* until the socket says otherwise */
    side->hung_up = false;
    return true;
}

void side_event(Side *side, uint32_t events)
{
    const uint32_t ends = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
    side->hung_up |= (events & ends) != 0;
    side->readable |= (events & (EPOLLIN | ends)) != 0;
    side->writable |= (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0;
}

void side_close(Side *side)
{
    /* Closing does not end the watch while another process holds the same socket, as orield may hold a
     * display's: events would come for a side that has been freed (epoll(7), questions and answers, 6). */
    if (side->fd >= 0)
        epoll_ctl(side->epoll, EPOLL_CTL_DEL, side->fd, NULL);
    fd_clear(&side->fd);
    side->readable = side->writable = false;
    g_clear_pointer(&side->waiting, g_free);
    side->waiting_from = side->waiting_to = 0;
}

size_t side_waiting(const Side *side)
{
    return side->waiting_to - side->waiting_from;
}

/* Sends of bytes what the socket takes now. -1: the peer is gone. */
static ssize_t send_some(Side *side, const uint8_t *bytes, size_t length)
{
    size_t sent = 0;
    while (side->writable && sent < length) {
        ssize_t done = send(side->fd, bytes + sent, length - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (done >= 0)
            sent += (size_t)done;
        else if (errno == EAGAIN)
            side->writable = false;
        else if (errno != EINTR)
            return -1;
    }
    return (ssize_t)sent;
}

static bool keep(Side *side, const uint8_t *bytes, size_t length, size_t largest)
{
    size_t held = side_waiting(side);
    if (held + length > largest)
        return false;
    uint8_t *all = g_try_malloc(held + length);
    if (!all)
        return false;
    if (held)
        memcpy(all, side->waiting + side->waiting_from, held);
    memcpy(all + held, bytes, length);
    g_free(side->waiting);
    side->waiting = all;
    side->waiting_from = 0;
    side->waiting_to = (uint32_t)(held + length);
    /* A change gives an edge if the socket has become writable meanwhile. */
    return held > 0 || side->kind == WATCH_CLIENT || watch(side, EPOLL_CTL_MOD, true);
}

bool side_send(Side *side, const void *bytes, size_t length, size_t largest)
{
    size_t sent = 0;
    if (!side->waiting) {
        ssize_t done = send_some(side, bytes, length);
        if (done < 0)
            return false;
        sent = (size_t)done;
    }
    return sent == length || keep(side, (const uint8_t *)bytes + sent, length - sent, largest);
}

bool side_flush(Side *side, bool *ret_moved)
{
    *ret_moved = false;
    if (!side->waiting)
        return true;
    ssize_t done = send_some(side, side->waiting + side->waiting_from, side_waiting(side));
    if (done < 0)
        return false;
    *ret_moved = done > 0;
    side->waiting_from += (uint32_t)done;
    if (side->waiting_from == side->waiting_to) {
        g_clear_pointer(&side->waiting, g_free);
        side->waiting_from = side->waiting_to = 0;
        return side->kind == WATCH_CLIENT || watch(side, EPOLL_CTL_MOD, false);
    }
    return true;
}
