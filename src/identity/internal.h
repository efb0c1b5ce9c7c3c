/* Only for this folder. */
#pragma once

#include "identity/identity.h"
#include "identity/provider.h"

struct Identity {
    Store *store;
    char *dummy_hash; /* of no password: what an unknown user's is verified against */
    GMutex lock;      /* of the rest; never held while hashing */
    GCond freed;
    unsigned hashing;
    unsigned waiting;
    Providers *providers;
    GHashTable *used;  /* log-ins at providers that were finished: state → until when it is kept; with count_lock */
    GHashTable *silent; /* LDAP servers that did not answer, to the monotonic time until which they are asked last; under lock */
    unsigned asking;    /* directories now; under lock */
    GHashTable *looked; /* people of directories → monotonic time at which the directory was asked for them; under lock */
    GThreadPool *rechecks; /* of user ids; NULL: ending; under lock */
    GHashTable *refused;   /* user id → the new name that they cannot have, as the trail says; under lock */
    GMutex count_lock; /* one attempt at a time is judged and counted; held for some questions to the store */
};

/* argon2id under the bound. TOO_MANY: too many wait. */
char *hash_new(Identity *identity, const char *password, GError **error);
/* *ret: whether it matches; hash NULL never does, in the same time. */
bool hash_verify(Identity *identity, const char *hash, const char *password, bool *ret, GError **error);

/* Whether this name from this address may try now, counting the attempt of the name. TOO_MANY. */
bool attempt_begin(Identity *identity, const char *name, const char *address, GError **error);
/* Counts the failure of the address; or forgets the name's. */
bool attempt_failed(Identity *identity, const char *address, GError **error);
bool attempt_succeeded(Identity *identity, const char *name, GError **error);

typedef struct {
    const ClientInfo *client;
    Scopes scopes;
    const char *means;    /* as StoreWebSessionNew has it; NULL: the password */
    const char *means_id; /* NULL: none */
    int64_t proved_ms;    /* as StoreWebSessionNew has it */
} LoginMeans;

/* A new web session of this user, with its cookie. */
Login *login_open(Identity *identity, const StoreUser *user, const LoginMeans *means, GError **error);

/* After the password was right: asks for a code, or opens a web session (second.c). */
Login *login_finish(Identity *identity, const StoreUser *user, const ClientInfo *client, GError **error);
/* The same for whoever came by other means. */
Login *login_finish_by(Identity *identity, const StoreUser *user, const LoginMeans *means, GError **error);

void caller_kiosk_set(Caller *caller, const char *pool_id, const char *pool_name);
Caller *caller_of(const StoreUser *user, CallerMeans means, GError **error);
