/* Settings of an LDAP directory, and those that follow from its type. Pure; any thread. */
#pragma once

#include <stdint.h>

#include "base/json.h"

typedef enum { LDAP_TYPE_OPENLDAP, LDAP_TYPE_ACTIVE_DIRECTORY } LdapType;
typedef enum {
    LDAP_NESTED_NONE,   /* only groups that name the person */
    LDAP_NESTED_SEARCH, /* and groups that name those groups, level by level */
    LDAP_NESTED_CHAIN,  /* the server does it: LDAP_MATCHING_RULE_IN_CHAIN (MS-ADTS 3.1.1.3.4.4.3) */
} LdapNested;
typedef enum { LDAP_DOWN_REFUSE, LDAP_DOWN_CACHED } LdapWhenDown;

typedef struct {
    LdapType type;
    const char **servers;     /* ldap:// (StartTLS) or ldaps://, NULL-ended, asked in this order */
    const char *certificates; /* PEM of the authorities that may vouch for the servers; NULL: those of the system */
    bool allow_plain;         /* no TLS at all, where the address is loopback */
    const char *base;
    const char *users_base;    /* never NULL, as the following */
    const char *groups_base;
    const char *bind_name;     /* a service account, whose password is the directory's secret; or NULL and */
    const char *bind_template; /* "uid={user},ou=people,dc=example": people bind as themselves from the start */
    const char *user_filter;
    const char *login_attribute;
    const char *id_attribute;
    const char *name_attribute;
    const char *mail_attribute;
    const char *group_filter;
    LdapNested nested_groups;
    bool allow_create;
    const char *role; /* of a new user */
    LdapWhenDown when_down;
    int64_t cached_hours;
    int64_t timeout_seconds;
} LdapSettings;

/* Texts are borrowed from the settings. INVALID names the setting. */
bool ldap_settings_read(Json *settings, LdapSettings *ret, GError **error);
void ldap_settings_clear(LdapSettings *settings);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(LdapSettings, ldap_settings_clear)
