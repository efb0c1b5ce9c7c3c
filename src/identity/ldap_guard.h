/* Ends a connection at a time, whatever libldap waits for: its TLS handshake knows no time limit (2.5 with GnuTLS), nor does a record
 * that comes byte by byte. A thread of its own for each connection. Only for this folder. */
#pragma once

#include <glib.h>
#include <stdint.h>

typedef struct LdapGuard LdapGuard;

/* Times are monotonic milliseconds. fd stays the caller's. */
LdapGuard *ldap_guard_new(int fd, int64_t until_ms);
void ldap_guard_extend(LdapGuard *guard, int64_t until_ms);
void ldap_guard_free(LdapGuard *guard); /* NULL is fine */
