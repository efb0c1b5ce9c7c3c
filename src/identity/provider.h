/* What is known of an OpenID provider: its discovery document and its keys, fetched when needed and remembered for an hour. Any
 * thread; blocks while it fetches. */
#pragma once

#include "identity/oidc_settings.h"
#include "store/directory.h"

typedef struct Providers Providers;

Providers *providers_new(void);
void providers_free(Providers *providers); /* NULL is fine */

/* The addresses of OpenID Connect Discovery 1.0 3, checked: of the issuer itself, and each of them allowed. */
typedef struct {
    char *authorization;
    char *token;
    char *user_info;   /* NULL: it has none */
    char *end_session; /* NULL: it has none */
    bool secret_in_form; /* client_secret_post is the only way that it takes a secret */
} ProviderAddresses;

void provider_addresses_clear(ProviderAddresses *addresses);

/* UNAVAILABLE: it does not answer. CORRUPT: what it says of itself is not usable; says why. */
bool provider_addresses(Providers *providers, const char *directory_id, const OidcSettings *settings, ProviderAddresses *ret,
                        GError **error);
/* The same from memory alone; false: nothing is known of it now. Never blocks for long. */
bool provider_addresses_known(Providers *providers, const char *directory_id, const OidcSettings *settings, ProviderAddresses *ret);

/* The claims of an ID token that it signed. A key that is not known makes its keys be fetched anew, at most once a minute. Caller
 * owns. Errors as jwt_verify and those above. */
Json *provider_verify(Providers *providers, const char *directory_id, const OidcSettings *settings, const char *token,
                      GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ProviderAddresses, provider_addresses_clear)
