#include "gateway/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"

/* Bytes that the kernel takes of us before it has sent them. More would only be older when it arrives. */
#define UNSENT_BYTES (128 * 1024)

static struct addrinfo *address_resolve(const char *address, uint16_t port, GError **error)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    g_autofree char *service = g_strdup_printf("%u", port);
    int failed = getaddrinfo(address, service, &hints, &found);
    if (failed)
        oriel_fail(error, ORIEL_ERROR_INVALID,
                   "listen_address \"%s\": not an address (%s); \"::\" listens on all, \"127.0.0.1\" on this "
                   "host only",
                   address, gai_strerror(failed));
    return found;
}

static bool open_fail(const char *address, uint16_t port, GError **error)
{
    switch (errno) {
    case EADDRINUSE:
        return oriel_fail(
            error, ORIEL_ERROR_CONFLICT,
            "port %u is in use by another program: stop that, or choose another port, for example "
            "ORIEL_PORT=%u",
            port, port <= 55535 ? port + 10000u : port - 10000u);
    case EADDRNOTAVAIL:
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "listen_address \"%s\": this host has no such address; \"::\" listens on all",
                          address);
    case EACCES:
        return oriel_fail(
            error, ORIEL_ERROR_FORBIDDEN,
            "port %u: ports below 1024 need root or CAP_NET_BIND_SERVICE; choose another, for example "
            "ORIEL_PORT=8443",
            port);
    default:
        return oriel_fail_errno(error, errno, "cannot listen on \"%s\", port %u", address, port);
    }
}

/* -1 with errno. */
static int open_at(const struct addrinfo *at)
{
    autofd int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1, off = 0;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0)
        return -1;
    if (at->ai_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) < 0)
        return -1;
    if (bind(fd, at->ai_addr, at->ai_addrlen) < 0 || listen(fd, SOMAXCONN) < 0)
        return -1;
    return fd_steal(&fd);
}

int listener_open(const char *address, uint16_t port, GError **error)
{
    struct addrinfo *at = address_resolve(address, port, error);
    if (!at)
        return -1;
    int fd = open_at(at);
    freeaddrinfo(at);
    if (fd < 0 && errno == EAFNOSUPPORT && strcmp(address, "::") == 0)
        return listener_open("0.0.0.0", port, error);
    if (fd < 0)
        open_fail(address, port, error);
    return fd;
}

int listener_accept(int listener, struct sockaddr_storage *ret_peer)
{
    socklen_t length = sizeof *ret_peer;
    int fd = accept4(listener, (struct sockaddr *)ret_peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    int on = 1, unsent = UNSENT_BYTES;
    if (fd >= 0) { /* neither can fail in a way that matters */
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof unsent);
    }
    return fd;
}
