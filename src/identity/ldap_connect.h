/* From a server's name to a TLS connection that is known to be its. Only for this folder. */
#pragma once

#include "identity/ldap.h"

/* Of link->server; sets link->ld. UNAVAILABLE says what failed. */
bool ldap_connect_to(LdapLink *link, GError **error);
