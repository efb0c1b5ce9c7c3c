/* What Oriel asks an LDAP directory: is this that person, in which groups are they, is there such a group. Blocking, with time
 * limits; not for a loop thread. Only for this folder. */
#pragma once

#include "identity/directory.h"
#include "identity/ldap.h"

typedef enum {
    LDAP_PERSON_UNKNOWN,  /* there is nobody of that name */
    LDAP_PERSON_WRONG,    /* there is, and that is not the password */
    LDAP_PERSON_DISABLED, /* the password is right or was not asked for, but the account is switched off */
    LDAP_PERSON_GOOD,
    LDAP_PERSON_FAILED, /* *error: UNAVAILABLE, no server could say; others: its data are none that we can use */
} LdapVerdict;

typedef struct {
    const char *user;
    const char *id;       /* external id: who has it is looked for, whatever their name is now; NULL: by name */
    const char *password; /* NULL: find only; needs a service account */
    bool groups;          /* whether their groups are wanted */
} LdapQuestion;

/* Someone who is unknown costs the same questions as someone with a wrong password. *ret on GOOD only. */
LdapVerdict ldap_person_ask(const LdapAsk *ask, const LdapQuestion *question, DirectoryPerson *ret, GError **error);

typedef struct {
    char *external_id;
    char *name; /* its DN */
} LdapGroup;

void ldap_group_clear(LdapGroup *group);

/* By DN or by its cn (sAMAccountName). NOT_FOUND, CONFLICT (several): a sentence. Needs a service account. */
bool ldap_group_find(const LdapAsk *ask, const char *text, LdapGroup *ret, GError **error);
/* *ret_missing gets those of the external ids that no group has any more (borrowed texts). */
bool ldap_groups_missing(const LdapAsk *ask, char **external_ids, GPtrArray *ret_missing, GError **error);

/* ---- filters, for tests too ---- */

/* "(&(objectClass=person)(uid=anna))"; callers free. */
char *ldap_user_filter(const LdapSettings *settings, const char *user);
/* Who has that external id, whatever their name. */
char *ldap_id_user_filter(const LdapSettings *settings, const char *id);
/* Groups that name one of these members (DNs, NULL-ended), or a posixGroup that names the user; user NULL: none. */
char *ldap_member_filter(const LdapSettings *settings, const char *const *members, const char *user);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(LdapGroup, ldap_group_clear)
