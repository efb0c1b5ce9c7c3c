/* Directories: where people and groups come from besides Oriel itself (LDAP, Active Directory, OpenID providers). identity/ reads
 * their settings and asks them; here is what is known of them, and the people who came from them. */
#pragma once

#include "store/store.h"
#include "store/user.h"

typedef enum { STORE_DIRECTORY_LDAP, STORE_DIRECTORY_OIDC, STORE_DIRECTORY_KINDS } StoreDirectoryKind;

const char *store_directory_kind_word(StoreDirectoryKind kind); /* "ldap", "oidc" */
bool store_directory_kind_parse(const char *word, StoreDirectoryKind *ret);

typedef struct {
    char *id;
    char *name;         /* unique */
    char *display_name; /* may be "" */
    StoreDirectoryKind kind;
    int64_t position; /* they are asked in rising order; the same: by name */
    bool enabled;
    char *settings;      /* a JSON object, checked by the caller; without secrets */
    char *sealed_secret; /* by the caller; NULL: none */
    uint64_t users;      /* read only, as all of the following */
    uint64_t groups;
    int64_t created_ms;
    int64_t updated_ms;
    int64_t version;
} StoreDirectory;

void store_directory_free(StoreDirectory *directory);

/* Takes the id from fields (id_new: the secret is sealed for it). A position below 0: behind all others. CONFLICT: name taken.
 * FULL: LIMIT_DIRECTORIES. */
StoreDirectory *store_directory_create(Store *store, const StoreActor *actor, const StoreDirectory *fields, GError **error);
StoreDirectory *store_directory_find(Store *store, const char *name_or_id, GError **error);
/* All, in the order they are asked. */
GPtrArray *store_directory_list(Store *store, GError **error);
/* Everything but the kind. As store_user_update. Of the secret the event says only that it changed. Disabling it ends the
 * web sessions of its users, and nobody of them may log in (StoreUser). */
bool store_directory_update(Store *store, const StoreActor *actor, StoreDirectory *directory, GError **error);
/* Its users and groups go along. CONFLICT: one of them has a desktop or a session, or no enabled administrator would be left;
 * names one. */
bool store_directory_delete(Store *store, const StoreActor *actor, const char *id, int64_t expected_version, GError **error);

/* ---- people who came from one (directory_person.c) ---- */

typedef struct {
    const char *directory_id;
    const char *external_id;  /* what stays when the name changes */
    const char *name;         /* as in Oriel: name_check has passed it */
    const char *display_name; /* NULL: "" */
    const char *email;        /* NULL: "" */
    const char *roles;        /* of a new user */
    bool allow_create;
} StorePerson;

/* The user with that external id, whose name, display name and email become these; or a new one. CONFLICT: another user has the
 * name: says whose it is. FORBIDDEN: there is none and none may be made. */
StoreUser *store_person_user(Store *store, const StoreActor *actor, const StorePerson *person, GError **error);

/* Groups of the directory that Oriel knows, by name. */
GPtrArray *store_directory_groups(Store *store, const char *directory_id, GError **error);

/* Makes the memberships that the directory gave be exactly those of its groups with these external ids; others are not touched,
 * and unknown ids are passed over. *ret_lost (NULL: not wanted): external ids of groups that the user was in until now
 * (g_strfreev). One transaction; an event for each change. */
typedef struct {
    const char *user_id;
    const char *directory_id;
    const char *const *external_ids; /* NULL-ended */
} StorePersonGroups;
bool store_person_groups_set(Store *store, const StoreActor *actor, const StorePersonGroups *groups, char ***ret_lost,
                             GError **error);

/* The directory has the group no more (or has it again). Nothing happens where that was known. */
bool store_group_missing_set(Store *store, const char *group_id, bool missing, GError **error);

/* ---- passwords that were good, for when the directory does not answer ---- */

/* NULL with no error: none, or last verified before since_ms. */
char *store_directory_password_get(Store *store, const char *user_id, int64_t since_ms, GError **error);
bool store_directory_password_set(Store *store, const char *user_id, const char *hash, GError **error);
/* The directory does not have this person any more, or has switched them off (`why`: a word): their logins and tokens end, and a password
 * that was kept for when the directory is silent. Leaves an event where there was any of it. */
bool store_person_left(Store *store, const StoreActor *actor, const char *user_id, const char *why, GError **error);

/* Ids of people of LDAP directories who are logged in or at a display, at most `most`, in their order. */
GPtrArray *store_directory_people_open(Store *store, uint64_t most, GError **error);

/* Idempotent. */
bool store_directory_password_forget(Store *store, const char *user_id, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreDirectory, store_directory_free)
