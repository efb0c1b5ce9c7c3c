/* Directories: the settings of each kind, and what becomes of a person whom one of them has vouched for. Any thread. */
#pragma once

#include "base/json.h"
#include "identity/identity.h"
#include "store/directory.h"

/* What settings of this kind may be: INVALID names the setting. *ret_text (g_free) is what the store shall keep. */
bool directory_settings_check(StoreDirectoryKind kind, Json *settings, char **ret_text, GError **error);

/* A secret is sealed for one directory. Callers free: g_free, secret_free. open: NULL with no error where there is none. */
char *directory_secret_seal(const char *directory_id, const char *secret);
char *directory_secret_open(const StoreDirectory *directory, GError **error);

/* ---- a person whom a directory has vouched for ---- */

typedef struct {
    char *external_id;  /* what stays when the name changes: entryUUID, objectGUID, "sub" */
    char *name;         /* as the directory has it; becomes small letters here */
    char *display_name; /* NULL or cut to LIMIT_TEXT */
    char *email;        /* the same */
    char **groups;      /* external ids of the groups they are in, NULL-ended; NULL: not known, so that they stay as they were */
} DirectoryPerson;

void directory_person_clear(DirectoryPerson *person);

typedef struct {
    bool allow_create;
    const char *role; /* of a new user */
} DirectoryRules;

/* The user of that person, made or brought up to date, with the groups that Oriel knows. INVALID: the name is none that Oriel can
 * have. CONFLICT, FORBIDDEN: as store_person_user. */
StoreUser *directory_person_user(Identity *identity, const StoreDirectory *directory, const DirectoryPerson *person,
                                 const DirectoryRules *rules, GError **error);

/* ---- what an administrator asks ---- */

/* What was tried: "resolve", "connect", "tls", "bind", "base", "find", "bind-user", "groups", "entered". */
typedef struct {
    const char *step;
    bool ok;
    char *detail; /* a sentence; no secrets */
    int64_t milliseconds;
} DirectoryStep;

void directory_step_free(DirectoryStep *step);

/* Walks the way of a log-in and says how each step went: servers in the order of the settings until one answers, then the user
 * (NULL: none), then their password (NULL: not tried). Notes groups that are not there any more. DirectoryStep in order. Blocks for
 * seconds. CONFLICT: it is no LDAP directory. TOO_MANY. */
GPtrArray *identity_directory_test(Identity *identity, const StoreDirectory *directory, const char *user, const char *password,
                                   GError **error);

typedef struct {
    char *external_id;
    char *name; /* DN; of a provider the claim's value */
} DirectoryGroup;

void directory_group_clear(DirectoryGroup *group);

/* The group of that name or DN. NOT_FOUND, CONFLICT: a sentence for people; UNAVAILABLE: no server answers. Of a provider every
 * text will do: nobody can ask one. */
bool identity_directory_group(Identity *identity, const StoreDirectory *directory, const char *text, DirectoryGroup *ret,
                              GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(DirectoryStep, directory_step_free)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DirectoryGroup, directory_group_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DirectoryPerson, directory_person_clear)
