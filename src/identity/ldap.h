/* One conversation with an LDAP server: found, connected, secured, bound, searched; all of it with time limits, blocking. Not for a
 * loop thread. One thread at a time for each link. Passwords go nowhere but into a bind. Only for this folder. */
#pragma once

#include <ldap.h>

#include "identity/directory.h"
#include "identity/ldap_settings.h"

typedef struct {
    const LdapSettings *settings;
    const char *const *servers; /* of the settings, in the order to try */
    const char *secret;         /* password of bind_name; NULL: none */
    GPtrArray *steps;           /* gets each DirectoryStep; NULL: nobody looks */
    int64_t deadline_ms;        /* monotonic; everything has ended by then */
    /* Told of a server that did not answer; NULL: nobody cares. */
    void (*failed)(const char *server, void *data);
    void *data;
} LdapAsk;

typedef struct LdapGuard LdapGuard; /* ldap_guard.h */

typedef struct {
    const LdapAsk *ask;
    LDAP *ld; /* NULL: closed */
    LdapGuard *guard;
    const char *server;
    int64_t step_ms; /* when the step under way began */
} LdapLink;

void ldap_link_close(LdapLink *link); /* idempotent */

/* Connects to the first server that answers as it should, with TLS; nobody is bound. UNAVAILABLE: none does; says why the last one
 * does not. */
bool ldap_link_open(LdapLink *link, const LdapAsk *ask, GError **error);

typedef enum {
    LDAP_BIND_GOOD,
    LDAP_BIND_WRONG, /* name or password */
    LDAP_BIND_FAILED, /* something else: *error */
} LdapBind;

/* Simple bind. An empty password is WRONG without asking: servers take it for no name at all (RFC 4513 5.1.2). *ret_why (g_free;
 * NULL: not wanted) for people. */
LdapBind ldap_link_bind(LdapLink *link, const char *name, const char *password, char **ret_why, GError **error);
/* As the service account. UNAVAILABLE: it was not let in. */
bool ldap_link_bind_service(LdapLink *link, GError **error);

/* Both, with the step "bind". Without a service account: open, nobody is bound. */
bool ldap_link_open_bound(LdapLink *link, const LdapAsk *ask, GError **error);

typedef struct {
    const char *base;
    int scope; /* LDAP_SCOPE_ */
    const char *filter;
    const char *const *attributes;
    size_t most; /* TOO_LARGE if there are more entries */
} LdapSearch;

typedef bool (*LdapEach)(LdapLink *link, LDAPMessage *entry, void *data, GError **error);

/* In pages (RFC 2696), referrals passed over. `each` false ends it. A base that is not there has no entries. */
bool ldap_link_search(LdapLink *link, const LdapSearch *search, LdapEach each, void *data, GError **error);

/* The first value; NULL: none. Callers free. */
char *ldap_entry_text(LdapLink *link, LDAPMessage *entry, const char *attribute);
char *ldap_entry_id(LdapLink *link, LDAPMessage *entry, const char *attribute); /* as ldap_id_text */
char *ldap_entry_name(LdapLink *link, LDAPMessage *entry);                      /* its DN */

/* ---- for steps ---- */

void ldap_step_begin(LdapLink *link);
void ldap_step_end(LdapLink *link, const char *step, bool ok, const char *format, ...) G_GNUC_PRINTF(4, 5);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(LdapLink, ldap_link_close)
