/* Users and groups. Passwords are in store/login.h's functions, never in StoreUser. */
#pragma once

#include "store/store.h"

typedef struct {
    char *id;
    char *name;         /* unique; rules: identity/identity.h */
    char *display_name; /* never NULL, may be "" */
    char *email;        /* never NULL, may be "" */
    char *roles;        /* words separated by one space, "admin user"; identity/role.h knows them */
    bool enabled;
    bool has_password;     /* read only */
    bool has_totp;         /* read only: a confirmed second factor */
    int64_t last_login_ms; /* read only; 0: never */
    int64_t created_ms;    /* read only, as all of the following */
    int64_t updated_ms;
    int64_t version; /* for ETag and If-Match; each update raises it */
    char *directory_id;   /* where they come from; NULL: Oriel itself */
    char *directory_name; /* NULL likewise */
    char *external_id;    /* who they are there */
    bool may_log_in;      /* enabled, as is the directory they come from */
} StoreUser;

void store_user_free(StoreUser *user); /* NULL is fine */

/* name, display_name (NULL: ""), email (NULL: ""), roles, enabled are read from fields. CONFLICT: the name is
 * taken. */
StoreUser *store_user_create(Store *store, const StoreActor *actor, const StoreUser *fields, GError **error);
/* The same with a password from the first moment on; password_hash NULL: none. */
StoreUser *store_user_create_hashed(Store *store, const StoreActor *actor, const StoreUser *fields,
                                    const char *password_hash, GError **error);

/* By id or name. NOT_FOUND. */
StoreUser *store_user_find(Store *store, const char *name_or_id, GError **error);

/* By name, rising. search: in the name, full name or mail address; NULL: all. */
GPtrArray *store_user_search(Store *store, const char *search, const StorePage *page, char **ret_next, GError **error);
GPtrArray *store_user_list(Store *store, const StorePage *page, char **ret_next, GError **error);

/* Writes name, display_name, email, roles, enabled if user->version is still the row's (else STALE), then
 * sets user's version and updated_ms. CONFLICT: name taken, or no enabled admin would be left. A disabled
 * user's web sessions end; with other roles the user's tickets are void. */
bool store_user_update(Store *store, const StoreActor *actor, StoreUser *user, GError **error);

/* Their web sessions, tokens, links, entitlements go along. expected_version 0: whatever it is, else STALE.
 * CONFLICT: a desktop is assigned to them, a session is not ended, or no enabled admin would be left.
 * NOT_FOUND. */
bool store_user_delete(Store *store, const StoreActor *actor, const char *id, int64_t expected_version,
                       GError **error);

/* Number of users. */
bool store_user_count(Store *store, uint64_t *ret, GError **error);

typedef struct {
    char *id;
    char *name; /* unique */
    char *display_name;
    uint64_t members; /* read only, as all of the following */
    int64_t created_ms;
    int64_t updated_ms;
    int64_t version;
    /* Of a directory's group; all NULL: Oriel's own. These three are also read when one is made. */
    char *directory_id;
    char *external_id;    /* what it is there */
    char *external_name;  /* what it was called there when it was entered */
    char *directory_name; /* read only, as all of the following */
    int64_t missing_ms;   /* since when the directory has not had it any more; 0: it has */
} StoreGroup;

/* The id of the group "everyone", which is always there: every enabled user belongs to it, now and later. It
 * cannot be deleted or renamed, has no rows of members, and is not among store_user_groups. A string literal,
 * also in SQL. */
#define STORE_GROUP_EVERYONE "000000000000000000EVERY0NE"

bool store_group_is_everyone(const char *group_id);

void store_group_free(StoreGroup *group);

StoreGroup *store_group_create(Store *store, const StoreActor *actor, const StoreGroup *fields,
                               GError **error);
StoreGroup *store_group_find(Store *store, const char *name_or_id, GError **error);
GPtrArray *store_group_list(Store *store, const StorePage *page, char **ret_next, GError **error);
/* Writes name and display_name; as store_user_update. CONFLICT: another name for everyone. */
bool store_group_update(Store *store, const StoreActor *actor, StoreGroup *group, GError **error);
/* CONFLICT: it is everyone. */
bool store_group_delete(Store *store, const StoreActor *actor, const char *id, int64_t expected_version,
                        GError **error);

/* Both are idempotent. NOT_FOUND: no such group or user. Of everyone each user is one already (adding does
 * nothing), and nobody can be removed (CONFLICT). */
bool store_group_add_member(Store *store, const StoreActor *actor, const char *group_id, const char *user_id,
                            GError **error);
bool store_group_remove_member(Store *store, const StoreActor *actor, const char *group_id,
                               const char *user_id, GError **error);

/* StoreUser by name (of everyone: all that are enabled); StoreGroup by name. */
GPtrArray *store_group_members(Store *store, const char *group_id, const StorePage *page, char **ret_next,
                               GError **error);
GPtrArray *store_user_groups(Store *store, const char *user_id, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreUser, store_user_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreGroup, store_group_free)
