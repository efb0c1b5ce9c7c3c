/* What host and guest say to each other of seats. */
#pragma once

#include "guest/agent_port.h"
#include "guest/agent_seat.h"

/* Who sits where, to a host that comes anew. */
void agent_seats_say(const AgentSeats *seats, AgentPort *port);

/* What there is news of (agent_seats_news). */
void agent_seats_tell(AgentSeats *seats, AgentPort *port);

/* False: it is not about a seat. */
bool agent_seats_handle(AgentSeats *seats, AgentPort *port, const AgentRequest *request);
