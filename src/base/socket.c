#include "base/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
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
