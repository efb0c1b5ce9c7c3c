#include "host/check_port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/file.h"
#include "base/number.h"

static bool try_listen(int family, const struct sockaddr *address, socklen_t length, int *ret_errno)
{
    autofd int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1, off = 0;
    if (fd < 0) {
        *ret_errno = errno;
        return false;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, address, length) == 0 && listen(fd, 1) == 0)
        return true;
    *ret_errno = errno;
    return false;
}

bool port_can_listen(const char *address, uint16_t port, int *ret_errno)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
    *ret_errno = 0;
    if (inet_pton(AF_INET, address, &four.sin_addr) == 1)
        return try_listen(AF_INET, (struct sockaddr *)&four, sizeof four, ret_errno);
    if (inet_pton(AF_INET6, address, &six.sin6_addr) != 1) {
        *ret_errno = EINVAL;
        return false;
    }
    if (try_listen(AF_INET6, (struct sockaddr *)&six, sizeof six, ret_errno))
        return true;
    /* A host without IPv6: "::" is then all of IPv4. */
    return *ret_errno == EAFNOSUPPORT &&
           try_listen(AF_INET, (struct sockaddr *)&four, sizeof four, ret_errno);
}

/* The inode of a socket that listens on this port, 0 if there is none. proc(5): state 0A is TCP_LISTEN. */
static uint64_t listening_inode(const char *table, uint16_t port)
{
    g_autofree char *text = file_read(table, 16 * 1024 * 1024, NULL, NULL);
    g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", -1);
    for (size_t i = 1; lines[0] && lines[i]; i++) {
        unsigned local_port = 0, state = 0;
        unsigned long inode = 0;
        if (sscanf(lines[i], " %*u: %*[0-9A-Fa-f]:%x %*s %x %*s %*s %*s %*s %*s %lu", &local_port, &state,
                   &inode) == 3 &&
            local_port == port && state == 0x0a)
            return inode;
    }
    return 0;
}

static bool process_has(const char *pid, const char *link)
{
    g_autofree char *folder = g_build_filename("/proc", pid, "fd", NULL);
    g_autoptr(GDir) descriptors = g_dir_open(folder, 0, NULL);
    const char *name;
    while (descriptors && (name = g_dir_read_name(descriptors))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_autofree char *target = g_file_read_link(path, NULL);
        if (g_strcmp0(target, link) == 0)
            return true;
    }
    return false;
}

static char *process_name(const char *pid)
{
    g_autofree char *path = g_build_filename("/proc", pid, "comm", NULL);
    char *name = file_read(path, 64, NULL, NULL);
    return name ? g_strchomp(name) : g_strdup("a program");
}

char *port_owner(uint16_t port, int *ret_pid)
{
    *ret_pid = 0;
    uint64_t inode = listening_inode("/proc/net/tcp", port);
    if (!inode)
        inode = listening_inode("/proc/net/tcp6", port);
    if (!inode)
        return NULL;
    g_autofree char *link = g_strdup_printf("socket:[%" G_GUINT64_FORMAT "]", inode);
    g_autoptr(GDir) processes = g_dir_open("/proc", 0, NULL);
    const char *pid;
    while (processes && (pid = g_dir_read_name(processes))) {
        uint64_t number = 0;
        if (!number_parse(pid, 1, INT32_MAX, "pid", &number, NULL) || !process_has(pid, link))
            continue;
        *ret_pid = (int)number;
        return process_name(pid);
    }
    return NULL;
}
