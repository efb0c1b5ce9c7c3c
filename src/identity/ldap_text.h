/* Texts of LDAP: what people typed into filters and names, and what attributes hold. Pure; any thread. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* An assertion value of a filter (RFC 4515 3): everything but plain letters, digits and few signs becomes \xx. Callers free. */
char *ldap_filter_escape(const char *value);
char *ldap_filter_escape_bytes(const void *bytes, size_t length);

/* "uid={user},ou=people" with the name in it: as a value of a DN (RFC 4514 2.4) where the template is one, else ("{user}@corp")
 * as it is. Caller frees. */
char *ldap_template_fill(const char *bind_template, const char *user);

/* The text of an id attribute: objectGUID as Windows shows it (MS-DTYP 2.3.4: "4f5c0e1a-…", the first three fields little-endian),
 * other texts as they are, other bytes in hex with "#" before. Caller frees. */
char *ldap_id_text(const char *attribute, const void *bytes, size_t length);
/* And back, as an assertion value of a filter. Caller frees. */
char *ldap_id_filter(const char *attribute, const char *text);

/* userAccountControl (MS-ADTS 2.2.16): whether ACCOUNTDISABLE is set. No number: no. */
bool ldap_control_is_disabled(const char *value);
/* pwdAccountLockedTime (draft-behera-ldap-password-policy 5.3.3): locked until an administrator unlocks it. Other times the server
 * knows about: it refuses to bind. */
bool ldap_locked_for_good(const char *value);

/* What Active Directory adds to "invalid credentials" (LDAP diagnostic message, "… data 533, v3839"): a phrase, "the account is
 * disabled"; NULL: nothing known. Static. */
const char *ldap_ad_reason(const char *diagnostic);
