/* Whether people of LDAP directories are still there, asked while they use Oriel. Any thread. Only for this folder, and tests. */
#pragma once

#include "identity/identity.h"

/* Used just now: looked up in the background, where that was not done for LIMIT_RECHECK_MS (monotonic, of this process). Never blocks. */
void recheck_note(Identity *identity, const StoreUser *user);

/* The directory has just vouched for them. */
void recheck_seen(Identity *identity, const char *user_id);

/* looked_ms NULL: never. */
bool recheck_due(const int64_t *looked_ms, int64_t now_ms);

void recheck_open(Identity *identity);
void recheck_close(Identity *identity); /* waits for a question that is under way */
