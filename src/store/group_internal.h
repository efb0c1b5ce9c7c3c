/* Only for this folder. */
#pragma once

#include "store/transaction.h"

typedef struct {
    const char *action; /* "group.member.add", "group.member.remove" */
    const char *group_id;
    const char *user_id;
} Membership;

/* The event of it. The version of the group rises: its members are part of what a reader of it saw. */
bool membership_record(Transaction *transaction, const Membership *membership, GError **error);
