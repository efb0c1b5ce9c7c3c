/* Policies at work: what is decided for a person, and why. Policies are read from the store once, and again when it says that they changed.
 * Any thread. */
#pragma once

#include "broker/policy.h"
#include "host/host.h"
#include "store/policy.h"

typedef struct {
    const char *pool_id; /* NULL: none in particular */
    const char *address; /* NULL: not over the network */
    Device device;
    int64_t time_ms;     /* UTC; 0: now */
} HostPolicyQuestion;

typedef struct {
    char *policy_id; /* NULL: none decided */
    char *policy_name;
    char *denied; /* a sentence; NULL: may connect */
    bool hidden;
    char *plan_ids[STORE_PLAN_KINDS]; /* NULL: the pool's */
} HostPolicyAnswer;

void host_policy_answer_clear(HostPolicyAnswer *answer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HostPolicyAnswer, host_policy_answer_clear)

/* A person as policies see them now. Where there are policies: two reads of the store. NOT_FOUND. */
typedef struct HostPerson HostPerson;
HostPerson *host_person(Host *host, const char *user_id, GError **error);
void host_person_free(HostPerson *person);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HostPerson, host_person_free)

void host_person_decide(const HostPerson *person, const HostPolicyQuestion *question, HostPolicyAnswer *ret);

typedef struct {
    char *id;
    char *name;
    PolicyReason reason;
} HostPolicyTried;

/* The same, and HostPolicyTried for every policy, in their order. */
GPtrArray *host_person_explain(const HostPerson *person, const HostPolicyQuestion *question, HostPolicyAnswer *ret);

/* What a policy's row says, for deciding. INVALID. */
Policy *host_policy_compile(const StorePolicy *row, GError **error);

/* A sentence for each policy and plan in the store that cannot be read, and so does nothing. Caller frees. */
GPtrArray *host_plan_warnings(Host *host);

/* CONFLICT where policies as they would be afterwards (of StorePolicy, in their order) shut this author out of a pool, from where the
 * author is, who may use it then: now, or at some time of the coming week. */
bool host_policies_check_author(Host *host, const char *author_id, const HostPolicyQuestion *from, const GPtrArray *after,
                                GError **error);
