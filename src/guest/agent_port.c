#include "guest/agent_port.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/agent_wire.h"
#include "guest/file.h"

#define CLASS "/sys/class/virtio-ports"

static bool name_read(const char *entry, char *name, size_t size)
{
    char path[512];
    snprintf(path, sizeof path, CLASS "/%s/name", entry);
    if (guest_file_read(path, name, size) < 0)
        return false;
    name[strcspn(name, "\n")] = '\0';
    return true;
}

void agent_ports_list(AgentPortFound callback, void *data)
{
    DIR *folder = opendir(CLASS);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        char path[512], name[128], device[300];
        struct stat info;
        snprintf(path, sizeof path, CLASS "/%s", entry->d_name);
        snprintf(device, sizeof device, "/dev/%s", entry->d_name);
        if (entry->d_name[0] != '.' && name_read(entry->d_name, name, sizeof name) && stat(path, &info) == 0)
            callback(data, name, device, info.st_ino); /* sysfs does not use a number again */
    }
    if (folder)
        closedir(folder);
}

typedef struct {
    const char *wanted;
    char *path;
    size_t size;
    bool found;
} Search;

static void search_found(void *data, const char *name, const char *device, ino_t instance)
{
    Search *search = data;
    (void)instance;
    if (search->found || strcmp(name, search->wanted) != 0)
        return;
    search->found = true;
    snprintf(search->path, search->size, "%s", device);
}

static bool find_device(const char *wanted, char *path, size_t size)
{
    Search search = {.wanted = wanted, .path = path, .size = size};
    agent_ports_list(search_found, &search);
    return search.found;
}

bool agent_port_exists(const char *name)
{
    char path[300];
    return find_device(name, path, sizeof path);
}

bool agent_port_open(AgentPort *port)
{
    char path[300];
    port->fd = -1;
    if (!find_device(AGENT_PORT_NAME, path, sizeof path))
        return false;
    port->fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    port->connected = port->skipping = false;
    port->in_used = port->out_used = 0;
    return port->fd >= 0;
}

void agent_port_close(AgentPort *port)
{
    guest_fd_clear(&port->fd);
    port->connected = false;
}

static void flush(AgentPort *port)
{
    while (port->out_used > 0) {
        ssize_t done = write(port->fd, port->out, port->out_used);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return;
        port->out_used -= (size_t)done;
        memmove(port->out, port->out + done, port->out_used);
    }
}

bool agent_port_update(AgentPort *port)
{
    struct pollfd now = {port->fd, POLLIN | POLLOUT, 0};
    if (port->fd < 0 || poll(&now, 1, 0) < 0)
        return false;
    bool was = port->connected;
    port->connected = !(now.revents & (POLLHUP | POLLERR | POLLNVAL));
    if (!port->connected) {
        port->in_used = port->out_used = 0; /* half a line of the one who left belongs to nobody */
        port->skipping = false;
        return false;
    }
    flush(port);
    return !was;
}

static void byte_in(AgentPort *port, char byte, AgentPortLine callback, void *data)
{
    if (byte == '\n') {
        if (!port->skipping && port->in_used > 0)
            callback(data, port->in, port->in_used);
        port->in_used = 0;
        port->skipping = false;
    } else if (port->in_used == sizeof port->in)
        port->skipping = true;
    else
        port->in[port->in_used++] = byte;
}

void agent_port_feed(AgentPort *port, const char *bytes, size_t length, AgentPortLine callback, void *data)
{
    for (size_t i = 0; i < length; i++)
        byte_in(port, bytes[i], callback, data);
}

bool agent_port_receive(AgentPort *port, AgentPortLine callback, void *data)
{
    char block[4096];
    while (port->fd >= 0) {
        ssize_t got = read(port->fd, block, sizeof block);
        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0 || (got < 0 && errno == EAGAIN))
            return true; /* 0: the host's side is closed */
        if (got < 0)
            return false;
        agent_port_feed(port, block, (size_t)got, callback, data);
    }
    return false;
}

void agent_port_send(AgentPort *port, char *line)
{
    size_t length = line ? strlen(line) : 0;
    if (length > 0 && port->fd >= 0 && port->connected && length <= sizeof port->out - port->out_used) {
        memcpy(port->out + port->out_used, line, length);
        port->out_used += length;
        flush(port);
    }
    free(line);
}
