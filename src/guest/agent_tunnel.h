/* Tunnels (base/tunnel_wire.h): the guest's half. The host plugs a port in for each connection; when its side is open the agent
 * connects to the tunnel's fixed target and copies both ways, until either closes. Each port serves one connection: a closed one is
 * not looked at again, so bytes of two connections never mix. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/tunnel_wire.h"
#include "guest/agent_session.h"

#define TUNNEL_BLOCK 32768 /* bytes that wait in one direction, at most */

typedef struct {
    char *bytes; /* NULL: not open */
    size_t begin, end;
    bool ended; /* nothing more comes in: what waits is still passed on */
} TunnelFlow;

typedef struct {
    int port, target; /* -1: none */
    ino_t instance;   /* of the port that is served or was served last; 0: none yet */
    TunnelFlow in, out; /* port to target, target to port */
} AgentTunnel;

typedef struct {
    int epoll; /* readable: agent_tunnels_serve has something to do */
    const AgentSession *session; /* whose files TUNNEL_FILES is about, when it is opened; NULL: nobody's */
    AgentTunnel each[TUNNEL_STREAMS_MOST]; /* by the stream's number */
} AgentTunnels;

bool agent_tunnels_open(AgentTunnels *tunnels);

/* Ports have come or gone. */
void agent_tunnels_follow(AgentTunnels *tunnels);

/* Moves what can be moved; never waits, and returns to the others of this thread after a bounded time. */
void agent_tunnels_serve(AgentTunnels *tunnels);

/* Closes it, whoever uses it. */
void agent_tunnel_end(AgentTunnels *tunnels, unsigned number);

typedef enum {
    TUNNEL_WAITS, /* for either end */
    TUNNEL_MORE,  /* could go on, but others wait too */
    TUNNEL_ENDED,
} TunnelProgress;

/* One step of the above, for tests: copies between the two descriptors of a tunnel whose flows are open. */
TunnelProgress agent_tunnel_move(AgentTunnel *tunnel);
