/* JSON Web Keys and the signatures that they check (RFC 7517, 7518, 8037), by OpenSSL. Pure; any thread. For jwt.c. */
#pragma once

#include "base/json.h"

typedef enum { JWK_RS256, JWK_PS256, JWK_ES256, JWK_EDDSA } JwkAlgorithm;

bool jwk_algorithm_parse(const char *word, JwkAlgorithm *ret);

/* Whether the key is of the kind that the algorithm needs, and may sign by it. */
bool jwk_fits(Json *key, JwkAlgorithm algorithm);

typedef struct {
    JwkAlgorithm algorithm;
    const char *text; /* what was signed */
    GBytes *bytes;    /* the signature as RFC 7518 writes it */
} JwkSignature;

/* False also where the key is none: RSA under 2048 or over 8192 bits, a point that is not on the curve. */
bool jwk_verify(Json *key, const JwkSignature *signature);

/* RFC 4648 5, without padding, canonical. NULL: it is none. */
GBytes *base64url_decode(const char *text);
