#include "gateway/upstream.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/file.h"

#define BIND_TRIES 8
#define PORT_NOBODYS 0x80000000u /* ports end at 65535 */

/* unix(7): an abstract name begins with a zero byte and is as long as the address says. */
static bool bind_text(int fd, const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int length = g_snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "%s", name);
    return bind(fd, (struct sockaddr *)&address,
                (socklen_t)(G_STRUCT_OFFSET(struct sockaddr_un, sun_path) + 1 + (size_t)length)) == 0;
}

/* Abstract names belong to whoever comes first: any local user could take a client's. What counts is the address, so another
 * port, above those that exist, does as well. */
static bool bind_name(int fd, const char *client)
{
    g_autofree char *name = g_strdup_printf("oriel/%s", client);
    bool bound = bind_text(fd, name);
    const char *mark = strchr(client, ';') ? strchr(client, ';') : ""; /* of a certificate */
    const char *colon = strrchr(client, ':');
    for (int tries = 0; !bound && errno == EADDRINUSE && colon && tries < BIND_TRIES; tries++) {
        g_autofree char *other = g_strdup_printf("oriel/%.*s:%u%s", (int)(colon - client), client,
                                                 g_random_int() | PORT_NOBODYS, mark);
        bound = bind_text(fd, other);
    }
    return bound;
}

int upstream_connect(const char *path, const char *client)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    autofd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || !bind_name(fd, client) || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        return -1;
    return fd_steal(&fd);
}

ssize_t upstream_receive(int fd, uint8_t *bytes, size_t size, int *ret_fd)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec part = {.iov_base = bytes, .iov_len = size};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    *ret_fd = -1;
    ssize_t got = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got <= 0)
        return got;
    /* Room for one descriptor: of several the kernel drops the others. */
    const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
        memcpy(ret_fd, CMSG_DATA(header), sizeof *ret_fd);
    return got;
}

bool upstream_all_read(int fd)
{
    char byte;
    ssize_t got;
    do
        got = recv(fd, &byte, 1, MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    if (got == 0)
        return true;
    /* A unix socket that closes with unread bytes gives its peer ECONNRESET. */
    if (got > 0 || errno != EAGAIN)
        return false;
    int unread = 0; /* not yet closed: bytes of ours that it has not taken */
    return ioctl(fd, SIOCOUTQ, &unread) == 0 && unread == 0;
}
