/* Roles, permissions, and the one table between them. Pure; any thread. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* A set of roles: bits or-ed together. */
typedef enum {
    ROLE_USER = 1 << 0,     /* uses desktops */
    ROLE_AUDITOR = 1 << 1,  /* reads the audit trail and nothing else */
    ROLE_HELPDESK = 1 << 2, /* sees and ends sessions, starts and stops desktops */
    ROLE_OPERATOR = 1 << 3, /* runs the house: sees all, assigns, consoles, jobs */
    ROLE_ADMIN = 1 << 4,    /* everything */
} Role;
typedef unsigned Roles;

typedef enum {
    PERMISSION_ME,                 /* who am I, log out, own event stream */
    PERMISSION_TOTP,               /* own second factor */
    PERMISSION_SELF,               /* own password, tokens, web sessions */
    PERMISSION_SESSION_OWN,        /* own sessions */
    PERMISSION_DESKTOP_OWN,        /* own desktops' pictures */
    PERMISSION_PORTAL,             /* tiles, connect to entitled pools, own sessions */
    PERMISSION_CONNECT_FOR_OTHERS, /* connect in another user's name, console of any desktop */
    PERMISSION_SESSION_READ,       /* everybody's sessions */
    PERMISSION_SESSION_WRITE,      /* disconnect, log off anybody */
    PERMISSION_DESKTOP_READ,       /* everybody's desktops, thumbnails */
    PERMISSION_DESKTOP_POWER,      /* start, stop, reset, refresh */
    PERMISSION_DESKTOP_ASSIGN,     /* assign, release */
    PERMISSION_DESKTOP_DELETE,
    PERMISSION_POOL_READ, /* pools and entitlements */
    PERMISSION_POOL_WRITE,
    PERMISSION_IMAGE_READ, /* images and recipes */
    PERMISSION_IMAGE_WRITE,
    PERMISSION_USER_READ, /* users and groups */
    PERMISSION_USER_WRITE,
    PERMISSION_JOB_READ,
    PERMISSION_JOB_CANCEL,
    PERMISSION_EVENT_READ,
    PERMISSION_STATUS_READ,
    PERMISSION_HOST_WRITE, /* drain a host, put it into maintenance */
    PERMISSION_STREAM_ALL, /* changes of everything, not only one's own */
    PERMISSIONS,
} Permission;

/* What an API token, or the login of a browser, is made for: bits or-ed together. It takes away from what the
 * roles of its user allow, and never adds. */
typedef enum {
    SCOPE_READ = 1 << 0,    /* whatever only reads */
    SCOPE_PORTAL = 1 << 1,  /* what a person does in the portal: own desktops and sessions */
    SCOPE_ACCOUNT = 1 << 2, /* own password, second factor, tokens, web sessions */
    SCOPE_DESKTOPS = 1 << 3,
    SCOPE_SESSIONS = 1 << 4,
    SCOPE_POOLS = 1 << 5,
    SCOPE_IMAGES = 1 << 6,
    SCOPE_USERS = 1 << 7,
    SCOPE_JOBS = 1 << 8,
    SCOPE_AUDIT = 1 << 9,
    SCOPE_HOSTS = 1 << 10,
    SCOPE_KIOSK = 1 << 12, /* of a kiosk's login: its pool and nothing else; never a token's */
    SCOPE_ENROL = 1 << 11, /* of a login that must set up its second factor before anything else; never a token's */
} Scope;
typedef unsigned Scopes;
#define SCOPES_ALL (~0u)
#define SCOPES_OF_TOKENS                                                                                     \
    "all, read, portal, account, desktops, sessions, pools, images, users, jobs, audit and hosts"

/* Whether any of these roles has the permission. The one table. */
bool identity_allows(Roles roles, Permission permission);

/* Whether any of these scopes covers a call that needs the permission. The same table. */
bool scopes_allow(Scopes scopes, Permission permission, bool reads);

/* "read desktops" to bits, words separated by spaces. INVALID names the unknown word and what is allowed. */
bool scopes_parse(const char *text, Scopes *ret, GError **error);
/* Bits to words in the table's order, "all" for SCOPES_ALL. Caller frees. */
char *scopes_format(Scopes scopes);

/* "pool.write". Never NULL. */
const char *permission_word(Permission permission);

/* "admin user" to bits; words in any order, separated by spaces. INVALID names the unknown word and what is
 * allowed. */
bool roles_parse(const char *text, Roles *ret, GError **error);
/* Bits to words in the order admin operator helpdesk auditor user. Caller frees. */
char *roles_format(Roles roles);
/* The word of a single role, "admin"; NULL: no such role. */
const char *role_word(Role role);
