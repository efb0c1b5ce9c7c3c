/* How much people may have, and how much they use. What the figures mean is broker/quota.h's. */
#pragma once

#include "store/store.h"

enum { STORE_QUOTA_KINDS = 4 }; /* desktops, running, memory, disk */

/* -1: nothing is said, -2: no limit. */
typedef struct {
    bool is_group;
    char *subject_id; /* of the user or group */
    char *subject_name; /* read only */
    int64_t most[STORE_QUOTA_KINDS];
} StoreQuota;

void store_quota_free(StoreQuota *quota);

GPtrArray *store_quota_list(Store *store, GError **error); /* groups first, by name */
/* Makes or replaces. NOT_FOUND: no such user or group. */
bool store_quota_set(Store *store, const StoreActor *actor, const StoreQuota *quota, GError **error);
bool store_quota_remove(Store *store, const StoreActor *actor, const StoreQuota *whose, GError **error); /* idempotent */

/* All that is said about one user, and what they use. */
typedef struct {
    char *user_name;
    GPtrArray *said; /* of StoreQuota */
    int64_t used[STORE_QUOTA_KINDS];
    int64_t more[STORE_QUOTA_KINDS]; /* what they are about to get */
} StoreQuotaFacts;

void store_quota_facts_clear(StoreQuotaFacts *facts);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StoreQuotaFacts, store_quota_facts_clear)

bool store_quota_facts(Store *store, const char *user_id, StoreQuotaFacts *ret, GError **error);

/* Decides within the transaction that gives or starts a desktop, with the user locked: two at once cannot go over it together.
 * Pure and quick; it must not call the store. Set once, before other threads use the store. Without one nothing is refused. */
typedef bool (*StoreQuotaJudge)(const StoreQuotaFacts *facts, GError **error);
void store_set_quota_judge(Store *store, StoreQuotaJudge judge);

/* What the judge says to one more desktop of this pool, running. Nothing is held: the claim asks again. */
bool store_quota_check(Store *store, const char *user_id, const char *pool_id, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreQuota, store_quota_free)
