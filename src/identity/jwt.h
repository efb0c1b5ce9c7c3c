/* JSON Web Tokens as OpenID providers sign them (RFC 7515, 7517, 7518, 8037; OpenID Connect Core 3.1.3.7). Pure; any thread.
 *
 * Only signatures that a public key checks count: RS256, PS256, ES256 and EdDSA (Ed25519). "none" and the HS algorithms are refused
 * by their absence, whatever key is there. The check itself is OpenSSL's. (libjose 11 of Debian 12 knows no EdDSA, and chooses by
 * the token's header among algorithms that must not be chosen here.) */
#pragma once

#include "base/json.h"

/* The claims of a compact token, if a key of `keys` (a JWK set) signed it. Caller owns.
 * UNAUTHENTICATED: the signature is wrong, no key fits, or the algorithm is none of those; *ret_unknown_key: it names a key that is
 * not among them, so that it may be worth to fetch them anew. CORRUPT: it is no token. */
Json *jwt_verify(const char *token, Json *keys, bool *ret_unknown_key, GError **error);

typedef struct {
    const char *issuer;
    const char *client_id;
    const char *nonce;
    int64_t now_ms;
} IdTokenRules;

/* Whether the claims are for us, now, and for this log-in. UNAUTHENTICATED says what is not so. Clocks may be apart by two
 * minutes. */
bool id_token_check(Json *claims, const IdTokenRules *rules, GError **error);
