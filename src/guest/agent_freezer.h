/* Stops and continues all processes of all users (cgroup v2: user.slice), so that none of them runs with the identity of
 * the machine it was forked from (instant-clone.md, trap 8). */
#pragma once

#include <stdbool.h>

#include "guest/failure.h"

/* Returns when every process has stopped (at most 10 s: then thaws again and fails). */
bool agent_users_freeze(Failure *failure);
bool agent_users_thaw(Failure *failure);
