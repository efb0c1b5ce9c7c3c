/* Asking directories. Blocking; not for a loop thread. Only for this folder. */
#pragma once

#include "identity/directory.h"
#include "identity/ldap_person.h"

/* One whose settings were read and whose secret was opened. */
typedef struct {
    Json *json;
    LdapSettings settings;
    char *secret;
    const char **servers; /* of the settings, in the order to try now */
    LdapAsk ask;
} DirectoryReady;

bool directory_ready(Identity *identity, const StoreDirectory *directory, DirectoryReady *ret, GError **error);
void directory_ready_clear(DirectoryReady *ready);

/* Whether the directory still has that person of its own, by whatever name: GOOD, and *ret is how it has them now; UNKNOWN where it
 * does not; DISABLED; FAILED where it does not say (it does not answer, has no service account, or shows it no people at all; *error
 * may be NULL). */
LdapVerdict directory_look(Identity *identity, const StoreDirectory *directory, const StoreUser *user, DirectoryPerson *ret,
                           GError **error);

typedef struct {
    const char *name; /* small letters */
    const char *password;
    const StoreUser *user; /* whom Oriel knows by that name; NULL: nobody */
} DirectoryLogin;

typedef struct {
    StoreUser *user; /* who it is; NULL: refused */
    GError *silence; /* a directory did not answer: what to tell people; NULL: all did */
    char *why;       /* and an administrator */
} DirectoryAnswer;

void directory_answer_clear(DirectoryAnswer *answer);

/* Asks the LDAP directories in their order until one knows the name; for a user who came from one, that one
 * alone. False: UNAVAILABLE (the store), TOO_MANY, or, the password
 * being right, CONFLICT and others of directory_person_user. */
bool directories_login(Identity *identity, const DirectoryLogin *login, DirectoryAnswer *ret, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DirectoryReady, directory_ready_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DirectoryAnswer, directory_answer_clear)
