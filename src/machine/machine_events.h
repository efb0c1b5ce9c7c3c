/* Callbacks of a Machine's connections and process, on the machine thread. For files of this room only. */
#pragma once

#include "machine/machine_internal.h"

void machine_on_event(const char *name, Json *data, void *owner); /* QmpListener */
void machine_on_agent(const AgentMessage *message, void *owner);  /* AgentLinkFunction */
void machine_on_death(uint32_t events, void *owner);              /* LoopFunction of the pidfd */
