/* Whether people of LDAP directories are still there, and what they are called now, asked while they use Oriel. Any thread. Only for this folder, and tests. */
#pragma once

#include "identity/identity.h"
#include "store/directory.h"

/* Used just now: looked up in the background, where that was not done for LIMIT_RECHECK_MS (monotonic, of this process). Never blocks. */
void recheck_note(Identity *identity, const StoreUser *user);

/* The directory has just vouched for them. */
void recheck_seen(Identity *identity, const char *user_id);

/* Asks their directory now, blocking, for somebody of whom another has the name there: they may have a new one, and get it. */
void recheck_follow(Identity *identity, const StoreDirectory *directory, const StoreUser *user);

/* looked_ms NULL: never. */
bool recheck_due(const int64_t *looked_ms, int64_t now_ms);

/* How many of so many people who are there one round looks up, so that all are within LIMIT_RECHECK_ROUNDS of them. */
size_t recheck_share(size_t people);

void recheck_open(Identity *identity);
void recheck_close(Identity *identity); /* waits for a question that is under way */
