/* Passwords, web sessions, API tokens, one-time links, failed logins: what identity/ keeps. Only hashes of
 * secrets come here. */
#pragma once

#include "store/store.h"

/* ---- passwords ---- */

/* The argon2id string, or NULL with no error set where the user has none; NULL with error: NOT_FOUND and
 * others. */
char *store_password_get(Store *store, const char *user_id, GError **error);
typedef struct {
    const char *user_id;
    const char *hash;
    const char *keep_session_id; /* web session that may live on; NULL: none */
    bool keep_tokens;            /* API tokens live on: the user has changed the password, nobody reset it */
} StorePasswordNew;

/* Also ends the user's web sessions and API tokens but those to keep, and uses up their links. */
bool store_password_set(Store *store, const StoreActor *actor, const StorePasswordNew *fields, GError **error);

/* ---- web sessions ---- */

typedef struct {
    char *id;
    char *user_id;
    char *user_name;
    char *csrf;
    char *address;
    char *agent;    /* User-Agent, cut; "" if none */
    char *scopes;   /* words; identity/role.h knows them */
    char *means;    /* "password", "provider" or "kiosk" */
    char *means_id; /* of the provider or kiosk; "" */
    char *means_name; /* what people see of it; "" */
    char *pool_id;    /* of a kiosk: the one that it opens; NULL */
    char *pool_name;  /* NULL */
    int64_t created_ms;
    int64_t seen_ms;
    int64_t expires_ms; /* the latest end; the idle limit is identity's */
    int64_t proved_ms;  /* when they showed who they are; 0: never */
} StoreWebSession;

void store_web_session_free(StoreWebSession *session);

typedef struct {
    const char *token_hash;
    const char *user_id;
    const char *csrf;
    const char *address;
    const char *agent;
    const char *scopes;
    const char *means;    /* NULL: "password" */
    const char *means_id; /* NULL: none */
    int64_t expires_ms;
    int64_t proved_ms; /* 0: now; negative: they have not */
} StoreWebSessionNew;

/* Writes the event of the log-in and the user's last_login_ms. */
StoreWebSession *store_web_session_create(Store *store, const StoreActor *actor,
                                          const StoreWebSessionNew *fields, GError **error);
/* NOT_FOUND. */
StoreWebSession *store_web_session_get(Store *store, const char *token_hash, GError **error);
/* By id. NOT_FOUND. */
StoreWebSession *store_web_session_find(Store *store, const char *id, GError **error);

typedef struct {
    const char *user_id;   /* NULL: of everybody */
    int64_t now_ms;        /* those that have not ended by then */
    int64_t seen_after_ms; /* and were used since */
    StorePage page;
} StoreWebSessionFilter;

/* Oldest first. */
GPtrArray *store_web_session_list(Store *store, const StoreWebSessionFilter *filter, char **ret_next, GError **error);
bool store_web_session_touch(Store *store, const char *id, int64_t seen_ms, GError **error);
/* Idempotent. */
bool store_web_session_delete(Store *store, const StoreActor *actor, const char *id, GError **error);

typedef struct {
    const char *id;      /* this one; NULL: all of the user */
    const char *user_id; /* whose; needed where id is NULL */
    const char *but;     /* not this one; NULL: none is spared */
} StoreWebSessionEnd;

/* Ends them for the person: an event each. *ret_count: how many there were. Open displays end by the change. */
bool store_web_session_end(Store *store, const StoreActor *actor, const StoreWebSessionEnd *end, uint64_t *ret_count,
                           GError **error);
/* Those whose end or whose idle limit (seen before seen_before_ms) has passed. */
bool store_web_session_expire(Store *store, int64_t now_ms, int64_t seen_before_ms, GError **error);

/* ---- API tokens ---- */

typedef struct {
    char *id;
    char *user_id;
    char *name;
    char *scopes; /* words; identity/role.h knows them */
    int64_t created_ms;
    int64_t used_ms;    /* 0: never; to the minute */
    int64_t expires_ms; /* 0: never */
} StoreToken;

void store_token_free(StoreToken *token);

typedef struct {
    const char *hash;
    const char *user_id;
    const char *name; /* unique for the user: CONFLICT */
    const char *scopes;
    int64_t expires_ms;
} StoreTokenNew;

StoreToken *store_token_create(Store *store, const StoreActor *actor, const StoreTokenNew *fields,
                               GError **error);
/* By id. NOT_FOUND. */
StoreToken *store_token_get(Store *store, const char *id, GError **error);
/* By hash; NOT_FOUND also where it has expired. */
StoreToken *store_token_by_hash(Store *store, const char *hash, int64_t now_ms, GError **error);
bool store_token_touch(Store *store, const char *id, int64_t used_ms, GError **error);
GPtrArray *store_token_list(Store *store, const char *user_id, const StorePage *page, char **ret_next,
                            GError **error);
bool store_token_delete(Store *store, const StoreActor *actor, const char *id, GError **error);

/* ---- one-time links ---- */

typedef struct {
    const char *hash;
    const char *user_id;
    int64_t expires_ms;
} StoreLinkNew;

/* Older links of that user end. */
bool store_link_create(Store *store, const StoreActor *actor, const StoreLinkNew *fields, GError **error);
/* The user the link is for, without using it up. NOT_FOUND: unknown, expired, used. Caller frees. */
char *store_link_user(Store *store, const char *hash, int64_t now_ms, GError **error);

typedef struct {
    const char *link_hash;
    const char *password_hash;
    int64_t now_ms;
} StoreLinkUse;

/* Uses the link up and sets the password, in one transaction; of many callers exactly one succeeds. Returns
 * the user's id. NOT_FOUND as above. The event's actor is the user, from the actor's address. */
char *store_link_use(Store *store, const StoreActor *actor, const StoreLinkUse *use, GError **error);

/* ---- failed logins ---- */

/* Failures are counted under a key such as "name:anna" or "address:192.0.2.7". They are in the store so that
 * a restart does not forget them. A count older than forget_before_ms starts anew. */
typedef struct {
    int64_t failures; /* 0: none */
    int64_t last_ms;
} StoreFailures;

bool store_failures_get(Store *store, const char *key, StoreFailures *ret, GError **error);
bool store_failures_add(Store *store, const char *key, int64_t now_ms, int64_t forget_before_ms,
                        StoreFailures *ret, GError **error);
bool store_failures_clear(Store *store, const char *key, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreWebSession, store_web_session_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreToken, store_token_free)
