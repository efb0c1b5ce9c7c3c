/* The person's account in passwd(5), group(5) and shadow(5): text edited in place, no program, no password that could be
 * guessed or stored. What is written can be written again. */
#pragma once

#include <stdbool.h>

#include "guest/agent_message.h"

typedef struct {
    char name[AGENT_ACCOUNT_LONGEST + 1];
    unsigned uid; /* the person's own, or that of the image's user: then it is a second name of that account */
    unsigned gid;
    char full_name[256];
    char home[64];
} AgentAccount;

/* The image's own user: the session that a template is frozen with is theirs. False: there is none of that name. */
bool agent_account_find(const char *root, const char *name, AgentAccount *account);

/* Adds `person`, in the groups that `base` is in, and removes whoever was added before. person NULL: only removes.
 * Below `root` ("" in the guest). The person's line comes first: of two names of one uid the first is shown. */
bool agent_account_write(const char *root, const AgentAccount *base, const AgentAccount *person, Failure *failure);

/* The same for several at once: those who share a machine. None removes all. */
bool agent_accounts_write(const char *root, const AgentAccount *base, const AgentAccount *people, size_t count, Failure *failure);

/* The name that the person gets: theirs, with "u-" before it where the image has an account of that name. */
void agent_account_choose(const char *root, const AgentAccount *base, const AgentRequest *request, char *name,
                          size_t size);
