/* The virtio-serial port: found through sysfs (no udev needed), read and written without blocking, one line at a time.
 * The host side may be closed and opened again at any time; the port itself may appear after the agent has started.
 *
 * Linux reports a closed host side as POLLHUP for as long as it lasts: wait for it edge-triggered (EPOLLET), or the agent
 * would spin on an idle desktop. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define PORT_LINE_LARGEST (64 * 1024) /* LIMIT_AGENT_LINE */
#define PORT_OUT_LARGEST (256 * 1024)

typedef struct {
    int fd;         /* -1: not there */
    bool connected; /* the host's side is open */
    bool skipping;  /* dropping the rest of a line that is too long */
    size_t in_used, out_used;
    char in[PORT_LINE_LARGEST];
    char out[PORT_OUT_LARGEST];
} AgentPort;

typedef void (*AgentPortLine)(void *data, const char *line, size_t length);

/* Opens the port if it is there. False: not (yet). */
bool agent_port_open(AgentPort *port);
void agent_port_close(AgentPort *port);

/* Whether a port of that name is plugged in. */
bool agent_port_exists(const char *name);

/* Calls back for each port that is plugged in and has its name by now. `instance` is another one each time a port is plugged in. */
typedef void (*AgentPortFound)(void *data, const char *name, const char *device, ino_t instance);
void agent_ports_list(AgentPortFound callback, void *data);

/* After an event: looks whether the host's side was opened (true: say hello) or closed, and sends what is waiting. */
bool agent_port_update(AgentPort *port);

/* Reads all there is and calls back once for each line. False: the port is gone. */
bool agent_port_receive(AgentPort *port, AgentPortLine callback, void *data);

/* Queues a line (with its newline) and sends what fits. Dropped while nobody listens or when the queue is full: the host
 * asks again. NULL is ignored. Frees the line. */
void agent_port_send(AgentPort *port, char *line);

/* Splits bytes into lines of port->in; what agent_port_receive does with what it has read. For tests and the fuzzer. */
void agent_port_feed(AgentPort *port, const char *bytes, size_t length, AgentPortLine callback, void *data);
