#include "base/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

/* Fills the address; a long path goes through a descriptor of its folder, which *ret_folder keeps open meanwhile. */
static bool address_fill(const char *path, struct sockaddr_un *address, int *ret_folder, GError **error)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) < sizeof address->sun_path) {
        memcpy(address->sun_path, path, strlen(path) + 1);
        return true;
    }
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *name = g_path_get_basename(path);
    *ret_folder = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*ret_folder < 0)
        return oriel_fail_errno(error, errno, "socket \"%s\"", path);
    int length = snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%s", *ret_folder, name);
    if (length < 0 || (size_t)length >= sizeof address->sun_path)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "socket \"%s\": its name is too long", path);
    return true;
}

int socket_connect(const char *path, GError **error)
{
    struct sockaddr_un address;
    autofd int folder = -1;
    if (!address_fill(path, &address, &folder, error))
        return -1;
    autofd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        oriel_fail_errno(error, errno, "socket \"%s\": cannot connect", path);
        return -1;
    }
    return fd_steal(&fd);
}

int socket_listen(const char *path, mode_t mode, GError **error)
{
    autofd int other = socket_connect(path, NULL);
    if (other >= 0) {
        oriel_fail(error, ORIEL_ERROR_CONFLICT, "socket \"%s\": another process listens there already", path);
        return -1;
    }
    struct sockaddr_un address;
    autofd int folder = -1;
    if (!address_fill(path, &address, &folder, error))
        return -1;
    unlink(path);
    autofd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || chmod(path, mode) < 0 ||
        listen(fd, SOMAXCONN) < 0) {
        oriel_fail_errno(error, errno, "socket \"%s\": cannot listen", path);
        return -1;
    }
    return fd_steal(&fd);
}

bool socket_send_fd(int socket, const void *data, size_t length, int passed_fd, GError **error)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    struct iovec part = {.iov_base = (void *)data, .iov_len = length};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &passed_fd, sizeof passed_fd);
    ssize_t sent;
    do
        sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent < 0)
        return oriel_fail_errno(error, errno, "cannot pass a descriptor");
    if ((size_t)sent < length)
        return fd_write_all(socket, (const char *)data + sent, length - (size_t)sent, error);
    return true;
}

char *socket_network(const char *address)
{
    struct in6_addr network;
    char text[INET6_ADDRSTRLEN];
    if (inet_pton(AF_INET6, address, &network) != 1)
        return g_strdup(address);
    if (IN6_IS_ADDR_V4MAPPED(&network))
        return g_strdup(inet_ntop(AF_INET, network.s6_addr + 12, text, sizeof text));
    memset(network.s6_addr + 8, 0, 8);
    return g_strdup(inet_ntop(AF_INET6, &network, text, sizeof text));
}

/* errno of a connection that was begun; 0: it is there. */
static int await_connection(int fd, int64_t deadline_us)
{
    for (;;) {
        int64_t left_ms = (deadline_us - g_get_monotonic_time() + 999) / 1000;
        struct pollfd one = {.fd = fd, .events = POLLOUT};
        int ready = left_ms > 0 ? poll(&one, 1, (int)MIN(left_ms, G_MAXINT)) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return ready == 0 ? ETIMEDOUT : errno;
        int problem = 0;
        socklen_t length = sizeof problem;
        return getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &length) == 0 ? problem : errno;
    }
}

static int connect_one(const struct addrinfo *one, int64_t deadline_us, int *ret_problem)
{
    int on = 1;
    autofd int fd = socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || (connect(fd, one->ai_addr, one->ai_addrlen) != 0 && errno != EINPROGRESS)) {
        *ret_problem = errno;
        return -1;
    }
    *ret_problem = await_connection(fd, deadline_us);
    if (*ret_problem || fcntl(fd, F_SETFL, 0) != 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd_steal(&fd);
}

int socket_connect_tcp(const char *address, uint16_t port, int64_t deadline_us, GError **error)
{
    g_autofree char *service = g_strdup_printf("%u", port);
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found = NULL;
    int unknown = getaddrinfo(address, service, &hints, &found);
    if (unknown) {
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "\"%s\": %s", address, gai_strerror(unknown));
        return -1;
    }
    int fd = -1, problem = 0;
    for (const struct addrinfo *one = found; one && fd < 0; one = one->ai_next)
        fd = connect_one(one, deadline_us, &problem);
    freeaddrinfo(found);
    if (fd < 0)
        oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "%s port %u: %s", address, port, g_strerror(problem));
    return fd;
}
