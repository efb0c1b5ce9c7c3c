/* Policies: which plans hold for whom, and who does not get in. They are tried in their order, and the first that matches decides alone.
 * Without one that does, everything is as the pool says. Pure; any thread. */
#pragma once

#include "base/network.h"
#include "broker/device.h"
#include "broker/plan.h"

/* Lists of ids and words are NULL-ended; a list that is NULL asks for nothing. What has been deleted stays in its list, where nobody is
 * it any more. */
typedef struct {
    char *id;
    char *name;
    bool enabled;
    /* Conditions: all that are there must hold. */
    char **users;      /* ids: one of these ... */
    char **groups;     /* ... or in one of these */
    char **roles;      /* has one of these */
    char **pools;      /* connects to one of these */
    GArray *networks;  /* Network: comes from one of these; NULL: from anywhere */
    unsigned devices;  /* bit 1 << Device; 0: any */
    Schedule *times;   /* NULL: always */
    char *unreadable;    /* why its conditions cannot be read: it matches nobody; NULL: they can */
    /* What it decides. */
    char *deny;                 /* a sentence for whoever is refused; NULL: lets in */
    char **only_pools;          /* ids: others are hidden; NULL: none is */
    char *plan_ids[PLAN_KINDS]; /* NULL: the pool's */
} Policy;

/* Conditions from settings as the API has them (docs/api.yaml, PolicySettings: roles, addresses, devices, times). role_words: the roles that
 * there are, NULL-ended. INVALID names the field and what is allowed. */
bool policy_read(Policy *policy, Json *settings, const char *const *role_words, GError **error);
void policy_free(Policy *policy);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Policy, policy_free)

typedef struct {
    const char *user_id;
    const char *const *groups; /* ids */
    const char *const *roles;
    const char *pool_id;       /* NULL: none in particular: no condition on pools holds */
    const char *address;       /* NULL: not over the network: no condition on addresses holds */
    Device device;
    int64_t time_ms;           /* UTC */
} PolicyQuestion;

typedef enum {
    POLICY_MATCHES,
    POLICY_OFF,
    POLICY_UNREADABLE,
    POLICY_NOT_PERSON,
    POLICY_NOT_ROLE,
    POLICY_NOT_POOL,
    POLICY_NOT_ADDRESS,
    POLICY_NOT_DEVICE,
    POLICY_NOT_TIME,
    POLICY_NOT_REACHED, /* one before it decided */
    POLICY_REASONS,
} PolicyReason;

const char *policy_reason_word(PolicyReason reason); /* "matches", "off", "person", ... */
const char *policy_reason_text(PolicyReason reason); /* a sentence for people */

typedef struct {
    const Policy *policy; /* that decided; NULL: none did */
    const char *denied;   /* a sentence; NULL: may connect */
    bool hidden;          /* denied because the pool is not among those that the policy shows */
} PolicyVerdict;

/* ret_reasons: one for each policy; NULL: not wanted. */
PolicyVerdict policy_decide(const Policy *const *policies, size_t count, const PolicyQuestion *question,
                            PolicyReason *ret_reasons);

/* The moments (int64_t, UTC milliseconds, rising) of the week after question->time_ms at which the answer for this person, address and device
 * may change by the clock, at most LIMIT_POLICY_EDGES; of all pools. Caller frees. */
GArray *policies_edges(const Policy *const *policies, size_t count, const PolicyQuestion *question);

/* Whether any decides by the clock, so that the same question has another answer later. */
bool policies_have_times(const Policy *const *policies, size_t count);
