#include "guest/agent_tunnel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "guest/agent_files.h"
#include "guest/agent_port.h"
#include "guest/agent_seat.h"
#include "guest/file.h"

#define ROUNDS 16 /* blocks each way before the agent's other work has its turn */

bool agent_tunnels_open(AgentTunnels *tunnels)
{
    *tunnels = (AgentTunnels){.epoll = epoll_create1(EPOLL_CLOEXEC)};
    for (size_t i = 0; i < TUNNEL_STREAMS_MOST; i++)
        tunnels->each[i].port = tunnels->each[i].target = -1;
    return tunnels->epoll >= 0;
}

static void tunnel_close(AgentTunnel *tunnel)
{
    guest_fd_clear(&tunnel->target);
    guest_fd_clear(&tunnel->port); /* the host sees it closed */
    free(tunnel->in.bytes);
    free(tunnel->out.bytes);
    tunnel->in = tunnel->out = (TunnelFlow){0};
}

/* Edges: a port whose host side is closed would otherwise wake us up for ever. Again for one that is watched already: what is ready
 * now is told once more. */
static void watch(const AgentTunnels *tunnels, size_t number, int fd)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.u64 = number};
    if (epoll_ctl(tunnels->epoll, EPOLL_CTL_ADD, fd, &event) < 0 && errno == EEXIST)
        epoll_ctl(tunnels->epoll, EPOLL_CTL_MOD, fd, &event);
}

/* ---- the target ---- */

static int connect_rdp(void)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(TUNNEL_RDP_PORT), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS)
        guest_fd_clear(&fd);
    return fd;
}

/* Whose seat it is could lead us elsewhere: the link ends in a folder of theirs. Who listens there must be its owner. */
static bool is_theirs(int fd, unsigned number)
{
    struct ucred peer;
    socklen_t length = sizeof peer;
    struct stat folder;
    char path[64];
    snprintf(path, sizeof path, SEAT_FOLDER "/%u", number);
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && lstat(path, &folder) == 0 && S_ISDIR(folder.st_mode) &&
           folder.st_uid == peer.uid;
}

static int connect_seat(unsigned number)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, TUNNEL_SEAT_PATH, number);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && (connect(fd, (struct sockaddr *)&address, sizeof address) < 0 || !is_theirs(fd, number)))
        guest_fd_clear(&fd);
    return fd;
}

static bool connect_target(const AgentTunnels *tunnels, AgentTunnel *tunnel, unsigned stream)
{
    unsigned number = stream % TUNNELS_MOST;
    if (stream == TUNNEL_FILES)
        tunnel->target = tunnels->session ? agent_files_start(tunnels->session) : -1;
    else
        tunnel->target = number == TUNNEL_RDP ? connect_rdp() : connect_seat(number);
    tunnel->in.bytes = malloc(TUNNEL_BLOCK);
    tunnel->out.bytes = malloc(TUNNEL_BLOCK);
    return tunnel->target >= 0 && tunnel->in.bytes && tunnel->out.bytes;
}

/* ---- bytes ---- */

static bool is_passing(int number)
{
    return number == EAGAIN || number == EINTR;
}

/* Fills an empty block. False: nothing came. */
static bool take(TunnelFlow *flow, int from)
{
    if (flow->begin < flow->end || flow->ended)
        return false;
    ssize_t got = read(from, flow->bytes, TUNNEL_BLOCK);
    flow->begin = 0;
    flow->end = got > 0 ? (size_t)got : 0;
    flow->ended = got == 0 || (got < 0 && !is_passing(errno));
    return got > 0;
}

/* False: nothing went; *ret_broken where nothing ever will. */
static bool give(TunnelFlow *flow, int to, bool *ret_broken)
{
    if (flow->begin == flow->end)
        return false;
    ssize_t done = write(to, flow->bytes + flow->begin, flow->end - flow->begin);
    *ret_broken = *ret_broken || (done < 0 && !is_passing(errno));
    if (done <= 0)
        return false;
    flow->begin += (size_t)done;
    return true;
}

static bool is_over(const TunnelFlow *flow)
{
    return flow->ended && flow->begin == flow->end;
}

TunnelProgress agent_tunnel_move(AgentTunnel *tunnel)
{
    bool moved = true, broken = false;
    for (int round = 0; round < ROUNDS && moved; round++) {
        moved = take(&tunnel->in, tunnel->port);
        moved = give(&tunnel->in, tunnel->target, &broken) || moved;
        moved = take(&tunnel->out, tunnel->target) || moved;
        moved = give(&tunnel->out, tunnel->port, &broken) || moved;
        if (broken || is_over(&tunnel->in) || is_over(&tunnel->out))
            return TUNNEL_ENDED;
    }
    return moved ? TUNNEL_MORE : TUNNEL_WAITS;
}

/* ---- ports ---- */

/* Whether the host's side is open. */
static bool is_open(int port)
{
    struct pollfd now = {port, POLLIN | POLLOUT, 0};
    return poll(&now, 1, 0) >= 0 && !(now.revents & (POLLHUP | POLLERR | POLLNVAL));
}

/* Also where it has nothing for us and no room: then nothing could be done either. */
static bool is_connecting(int target)
{
    struct pollfd now = {target, POLLIN | POLLOUT, 0};
    return poll(&now, 1, 0) == 0;
}

static void serve(AgentTunnels *tunnels, unsigned number)
{
    AgentTunnel *tunnel = &tunnels->each[number];
    if (tunnel->port < 0)
        return;
    if (tunnel->target < 0) {
        if (!is_open(tunnel->port))
            return; /* an edge will tell */
        if (!connect_target(tunnels, tunnel, number)) {
            tunnel_close(tunnel);
            return;
        }
        watch(tunnels, number, tunnel->target);
    }
    if (is_connecting(tunnel->target))
        return;
    TunnelProgress progress = agent_tunnel_move(tunnel);
    if (progress == TUNNEL_ENDED)
        tunnel_close(tunnel);
    else if (progress == TUNNEL_MORE)
        watch(tunnels, number, tunnel->port);
}

void agent_tunnels_serve(AgentTunnels *tunnels)
{
    struct epoll_event ready[8];
    int count = epoll_wait(tunnels->epoll, ready, 8, 0);
    for (int i = 0; i < count; i++)
        serve(tunnels, (unsigned)ready[i].data.u64);
}

void agent_tunnel_end(AgentTunnels *tunnels, unsigned number)
{
    tunnel_close(&tunnels->each[number]);
}

typedef struct {
    AgentTunnels *tunnels;
    ino_t instances[TUNNEL_STREAMS_MOST]; /* 0: not plugged in */
} Look;

static void look_found(void *data, const char *name, const char *device, ino_t instance)
{
    Look *look = data;
    unsigned long number;
    const size_t prefix = strlen(TUNNEL_PORT_PREFIX);
    if (strncmp(name, TUNNEL_PORT_PREFIX, prefix) != 0 || !guest_number(name + prefix, TUNNEL_STREAMS_MOST - 1, &number))
        return;
    look->instances[number] = instance;
    AgentTunnel *tunnel = &look->tunnels->each[number];
    if (instance == tunnel->instance)
        return;
    tunnel_close(tunnel); /* its port has gone */
    tunnel->port = open(device, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (tunnel->port < 0)
        return; /* its device is not there yet: a further event tells */
    tunnel->instance = instance;
    watch(look->tunnels, number, tunnel->port);
}

void agent_tunnels_follow(AgentTunnels *tunnels)
{
    Look look = {.tunnels = tunnels};
    agent_ports_list(look_found, &look);
    for (size_t i = 0; i < TUNNEL_STREAMS_MOST; i++)
        if (!look.instances[i])
            tunnel_close(&tunnels->each[i]);
}
