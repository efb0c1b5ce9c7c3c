#include "identity/jwt.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "identity/jwk.h"

enum { LEEWAY_SECONDS = 120, SUBJECT_MOST = 255 /* OpenID Connect Core 2 */ };

static bool fail(GError **error, const char *what)
{
    return oriel_fail(error, ORIEL_ERROR_UNAUTHENTICATED, "the provider's ID token %s", what);
}

/* ---- the three parts ---- */

typedef struct {
    char *signed_text; /* header.claims, as it was signed */
    Json *header;
    Json *claims;
    GBytes *signature;
} Parts;

static void parts_clear(Parts *parts)
{
    g_clear_pointer(&parts->signed_text, g_free);
    g_clear_pointer(&parts->header, json_decref);
    g_clear_pointer(&parts->claims, json_decref);
    g_clear_pointer(&parts->signature, g_bytes_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Parts, parts_clear)

static Json *object_of(const char *text, GError **error)
{
    g_autoptr(GBytes) bytes = base64url_decode(text);
    gsize length = 0;
    const char *data = bytes ? g_bytes_get_data(bytes, &length) : NULL;
    if (!data) {
        oriel_fail(error, ORIEL_ERROR_CORRUPT, "the provider's ID token is not base64url");
        return NULL;
    }
    return json_parse_object(data, length, "the provider's ID token", error);
}

static bool parts_read(const char *token, Parts *ret, GError **error)
{
    if (strlen(token) > LIMIT_ID_TOKEN)
        return oriel_fail(error, ORIEL_ERROR_TOO_LARGE, "the provider's ID token has more than %d bytes", LIMIT_ID_TOKEN);
    g_auto(GStrv) texts = g_strsplit(token, ".", 4);
    if (g_strv_length(texts) != 3)
        return oriel_fail(error, ORIEL_ERROR_CORRUPT, "the provider's ID token has not three parts");
    ret->signed_text = g_strconcat(texts[0], ".", texts[1], NULL);
    ret->signature = base64url_decode(texts[2]);
    ret->header = object_of(texts[0], error);
    ret->claims = ret->header ? object_of(texts[1], error) : NULL;
    return ret->claims != NULL;
}

/* ---- the signature ---- */

static bool header_check(Json *header, JwkAlgorithm *ret, GError **error)
{
    const char *word = json_string_value(json_object_get(header, "alg"));
    const char *type = json_string_value(json_object_get(header, "typ"));
    if (!word || !jwk_algorithm_parse(word, ret)) {
        g_autofree char *shown = g_strndup(word ? word : "", 20);
        return oriel_fail(error, ORIEL_ERROR_UNAUTHENTICATED,
                          "the provider's ID token is signed by \"%s\": allowed are RS256, PS256, ES256 and EdDSA",
                          g_str_is_ascii(shown) ? shown : "?");
    }
    if (json_object_get(header, "crit"))
        return fail(error, "demands an extension that Oriel does not know");
    if (json_object_get(header, "typ") && (!type || g_ascii_strcasecmp(type, "JWT") != 0))
        return fail(error, "is a token of another type");
    return true;
}

/* Whether one of the keys that the header allows made it. *ret_tried: how many were of that name and kind. */
static bool any_signed(const Parts *parts, JwkAlgorithm algorithm, Json *keys, size_t *ret_tried)
{
    const char *wanted = json_string_value(json_object_get(parts->header, "kid"));
    JwkSignature signature = {algorithm, parts->signed_text, parts->signature};
    Json *list = json_object_get(keys, "keys");
    *ret_tried = 0;
    for (size_t i = 0; i < MIN(json_array_size(list), (size_t)LIMIT_PROVIDER_KEYS); i++) {
        Json *key = json_array_get(list, i);
        const char *name = json_string_value(json_object_get(key, "kid"));
        if ((wanted && g_strcmp0(wanted, name) != 0) || !jwk_fits(key, algorithm))
            continue;
        (*ret_tried)++;
        if (jwk_verify(key, &signature))
            return true;
    }
    return false;
}

Json *jwt_verify(const char *token, Json *keys, bool *ret_unknown_key, GError **error)
{
    g_auto(Parts) parts = {0};
    JwkAlgorithm algorithm;
    size_t tried = 0;
    *ret_unknown_key = false;
    if (!parts_read(token, &parts, error) || !header_check(parts.header, &algorithm, error))
        return NULL;
    if (!parts.signature) {
        oriel_fail(error, ORIEL_ERROR_CORRUPT, "the provider's ID token has no signature");
        return NULL;
    }
    if (any_signed(&parts, algorithm, keys, &tried))
        return g_steal_pointer(&parts.claims);
    *ret_unknown_key = tried == 0;
    fail(error, tried ? "has a wrong signature" : "is signed by a key that the provider does not publish");
    return NULL;
}

/* ---- the claims ---- */

static const char *text_of(Json *claims, const char *name)
{
    return json_string_value(json_object_get(claims, name));
}

static bool audience_check(Json *claims, const char *client_id, GError **error)
{
    Json *audience = json_object_get(claims, "aud"), *party = json_object_get(claims, "azp");
    bool ours = g_strcmp0(json_string_value(audience), client_id) == 0;
    for (size_t i = 0; i < json_array_size(audience); i++)
        ours = ours || g_strcmp0(json_string_value(json_array_get(audience, i)), client_id) == 0;
    if (!ours)
        return fail(error, "is for another audience");
    if (json_array_size(audience) > 1 && !party)
        return fail(error, "is for several audiences and does not say who asked for it (azp)");
    return !party || g_strcmp0(json_string_value(party), client_id) == 0 || fail(error, "was asked for by another party (azp)");
}

/* A number of seconds; absent: false. */
static bool seconds_of(Json *claims, const char *name, double *ret)
{
    Json *value = json_object_get(claims, name);
    *ret = json_number_value(value);
    return json_is_number(value);
}

static bool times_check(Json *claims, int64_t now_ms, GError **error)
{
    double now = (double)now_ms / 1000, at;
    if (!seconds_of(claims, "exp", &at) || !(now < at + LEEWAY_SECONDS))
        return fail(error, "has expired, or the clocks are apart");
    if (!seconds_of(claims, "iat", &at) || !(at <= now + LEEWAY_SECONDS))
        return fail(error, "was issued in the future, or the clocks are apart");
    if (json_object_get(claims, "nbf") && (!seconds_of(claims, "nbf", &at) || !(at <= now + LEEWAY_SECONDS)))
        return fail(error, "is not good yet, or the clocks are apart");
    return true;
}

bool id_token_check(Json *claims, const IdTokenRules *rules, GError **error)
{
    const char *subject = text_of(claims, "sub");
    if (g_strcmp0(text_of(claims, "iss"), rules->issuer) != 0)
        return fail(error, "is of another issuer");
    if (!audience_check(claims, rules->client_id, error) || !times_check(claims, rules->now_ms, error))
        return false;
    if (g_strcmp0(text_of(claims, "nonce"), rules->nonce) != 0)
        return fail(error, "is of another log-in (nonce)");
    return (subject && *subject && strlen(subject) <= SUBJECT_MOST) || fail(error, "does not say who it is about (sub)");
}
