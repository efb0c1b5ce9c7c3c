/* A person out of an OpenID provider's claims. Pure; any thread. */
#pragma once

#include "identity/directory.h"
#include "identity/oidc_settings.h"

/* The claim of that name; "realm_access.roles" also goes into objects. NULL: there is none. Borrowed. */
Json *oidc_claim(Json *claims, const char *name);

/* INVALID: a claim that is needed is missing. A groups claim that is missing means: in no group. */
bool oidc_person_read(Json *claims, const OidcSettings *settings, DirectoryPerson *ret, GError **error);
