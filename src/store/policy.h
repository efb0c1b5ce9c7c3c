/* Policies in their order, and what was decided by them (broker/policy.h says what they mean). */
#pragma once

#include "store/plan.h"

typedef enum {
    STORE_POLICY_USER,  /* conditions ... */
    STORE_POLICY_GROUP,
    STORE_POLICY_POOL,
    STORE_POLICY_SHOWS, /* what it decides: pools that are shown, all others are hidden */
    STORE_POLICY_KINDS,
} StorePolicyKind;

typedef struct {
    StorePolicyKind kind;
    char *id;
    char *name; /* as it is now; of what has been deleted, as it was */
    bool gone;  /* read only */
} StorePolicyMember;

typedef struct {
    char *id;
    char *name; /* unique */
    char *description;
    bool enabled;
    char *settings;     /* a JSON object, checked by the caller */
    char *deny;         /* NULL: lets in */
    GPtrArray *members; /* StorePolicyMember; by kind, then name */
    char *plan_ids[STORE_PLAN_KINDS];
    char *plan_names[STORE_PLAN_KINDS]; /* read only */
    int64_t position;                   /* read only; rises, with gaps */
    int64_t created_ms;
    int64_t updated_ms;
    int64_t version;
} StorePolicy;

/* With no members. */
StorePolicy *store_policy_new(void);
void store_policy_free(StorePolicy *policy);
void store_policy_add(StorePolicy *policy, StorePolicyKind kind, const char *id, const char *name);
void store_policy_remove(StorePolicy *policy, StorePolicyKind kind); /* all of that kind */

/* At the end. CONFLICT: name taken. FULL: LIMIT_POLICIES. */
StorePolicy *store_policy_create(Store *store, const StoreActor *actor, const StorePolicy *fields, GError **error);
StorePolicy *store_policy_find(Store *store, const char *name_or_id, GError **error);
/* By position. One statement: never half of a change. */
GPtrArray *store_policy_list(Store *store, const StorePage *page, char **ret_next, GError **error);
/* Everything but the position. As store_user_update. */
bool store_policy_update(Store *store, const StoreActor *actor, StorePolicy *policy, GError **error);
bool store_policy_delete(Store *store, const StoreActor *actor, const char *id, int64_t expected_version, GError **error);
/* ids: of all policies, each once, NULL-ended. CONFLICT: they are not all that there are. */
bool store_policy_order(Store *store, const StoreActor *actor, const char *const *ids, GError **error);

/* ---- what was decided ---- */

typedef struct {
    char *desktop_id;
    char *session_id;
    char *user_id;
    char *device;
    char *policy_id; /* NULL: none decided */
    char *policy_name;
    char *plan_ids[STORE_PLAN_KINDS]; /* NULL: the pool's */
} StoreChoice;

void store_choice_free(StoreChoice *choice);

typedef struct {
    const char *host_id; /* NULL: any; the same for the next */
    const char *desktop_id;
} StoreChoiceFilter;

/* One for each desktop whose last session was of one of those whose it is now. */
GPtrArray *store_choice_list(Store *store, const StoreChoiceFilter *filter, GError **error);
/* Decided anew for the session that is open. Nothing where another one is. */
bool store_choice_set(Store *store, const StoreChoice *choice, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(StorePolicy, store_policy_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreChoice, store_choice_free)
