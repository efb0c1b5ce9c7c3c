/* A person out of an OpenID provider's claims. Pure; any thread. */
#pragma once

#include "identity/directory.h"
#include "identity/oidc_settings.h"

/* The claim of that name; "realm_access.roles" also goes into objects. NULL: there is none. Borrowed. */
Json *oidc_claim(Json *claims, const char *name);

/* Whether the provider says that it asked for a second factor: by "amr" (RFC 8176) "mfa", or what people know along with what they have
 * or are; or by one of the settings' "acr". claims: of the signed ID token alone. */
bool oidc_second_factor(Json *claims, const OidcSettings *settings);

/* INVALID: a claim that is needed is missing. A groups claim that is missing means: in no group. */
bool oidc_person_read(Json *claims, const OidcSettings *settings, DirectoryPerson *ret, GError **error);
