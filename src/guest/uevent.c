#include "guest/uevent.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGE_LARGEST 8192 /* the kernel's is at most UEVENT_BUFFER_SIZE (2048) and a header */
#define QUEUE_BYTES (1024 * 1024) /* a network card alone brings dozens, while the agent may be waiting for a tool */

int uevent_open(void)
{
    int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = 1};
    if (fd < 0)
        return -1;
    int queue = QUEUE_BYTES;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &queue, sizeof queue);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

static void take(const char *entry, const char *key, char *value, size_t size)
{
    size_t length = strlen(key);
    if (strncmp(entry, key, length) == 0)
        snprintf(value, size, "%s", entry + length);
}

bool uevent_parse(const char *message, size_t length, Uevent *event)
{
    *event = (Uevent){0};
    if (length == 0 || message[length - 1] != '\0')
        return false;
    for (const char *entry = message; entry < message + length; entry += strlen(entry) + 1) {
        take(entry, "ACTION=", event->action, sizeof event->action);
        take(entry, "SUBSYSTEM=", event->subsystem, sizeof event->subsystem);
        take(entry, "DEVNAME=", event->name, sizeof event->name);
        if (strcmp(entry, "HOTPLUG=1") == 0)
            event->hotplug = true;
    }
    return event->action[0] && event->subsystem[0];
}

bool uevent_next(int fd, Uevent *event)
{
    char message[MESSAGE_LARGEST];
    for (;;) {
        struct sockaddr_nl from = {0};
        struct iovec part = {message, sizeof message};
        struct msghdr header = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part, .msg_iovlen = 1};
        ssize_t got = recvmsg(fd, &header, MSG_DONTWAIT);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == ENOBUFS) {
            *event = (Uevent){.lost = true};
            return true;
        }
        if (got < 0)
            return false;
        if (from.nl_pid == 0 && !(header.msg_flags & MSG_TRUNC) && uevent_parse(message, (size_t)got, event))
            return true;
    }
}
