/* Gives a fork its own identity, in the order that instant-clone.md demands. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "guest/agent_message.h"

#define IDENTITY_STEPS 6

typedef struct {
    AgentStep steps[IDENTITY_STEPS];
    size_t count;
    Failure failure; /* of the first step that failed; the later ones are done all the same */
} IdentityResult;

/* clock, entropy, machine-id, hostname, ssh-key, thaw. Users are thawed whatever failed: a desktop that hangs for ever is
 * worse than one whose host name is wrong. */
void agent_identity_apply(const AgentRequest *request, IdentityResult *result);

/* The steps that only write files, below `root` ("" in the guest, a folder in tests). */
bool agent_identity_write_machine_id(const char *root, const char *machine_id, Failure *failure);
bool agent_identity_write_hostname(const char *root, const char *hostname, Failure *failure);
bool agent_identity_write_place(const char *root, const AgentRequest *request, Failure *failure);
