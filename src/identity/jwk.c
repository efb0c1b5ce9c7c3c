#include "identity/jwk.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <sodium.h>
#include <string.h>

enum { RSA_BITS_LEAST = 2048, RSA_BITS_MOST = 8192, COORDINATE = 32 /* bytes, of P-256 and Ed25519 */ };

G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_PKEY, EVP_PKEY_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_PKEY_CTX, EVP_PKEY_CTX_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_MD_CTX, EVP_MD_CTX_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OSSL_PARAM_BLD, OSSL_PARAM_BLD_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OSSL_PARAM, OSSL_PARAM_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BIGNUM, BN_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ECDSA_SIG, ECDSA_SIG_free)

static const struct {
    const char *word, *type, *curve; /* alg, kty, crv */
} algorithms[] = {
    [JWK_RS256] = {"RS256", "RSA", NULL},
    [JWK_PS256] = {"PS256", "RSA", NULL},
    [JWK_ES256] = {"ES256", "EC", "P-256"},
    [JWK_EDDSA] = {"EdDSA", "OKP", "Ed25519"},
};

bool jwk_algorithm_parse(const char *word, JwkAlgorithm *ret)
{
    for (size_t i = 0; i < G_N_ELEMENTS(algorithms); i++) {
        if (strcmp(algorithms[i].word, word) != 0)
            continue;
        *ret = (JwkAlgorithm)i;
        return true;
    }
    return false;
}

static const char *text_of(Json *key, const char *name)
{
    return json_string_value(json_object_get(key, name));
}

bool jwk_fits(Json *key, JwkAlgorithm algorithm)
{
    const char *use = text_of(key, "use"), *alg = text_of(key, "alg");
    return g_strcmp0(text_of(key, "kty"), algorithms[algorithm].type) == 0 && (!use || strcmp(use, "sig") == 0) &&
           (!alg || strcmp(alg, algorithms[algorithm].word) == 0) &&
           (!algorithms[algorithm].curve || g_strcmp0(text_of(key, "crv"), algorithms[algorithm].curve) == 0);
}

GBytes *base64url_decode(const char *text)
{
    size_t length = strlen(text), written = 0;
    g_autofree guint8 *bytes = g_malloc(length / 4 * 3 + 3);
    const char *end = NULL;
    if (length == 0 || sodium_base642bin(bytes, length / 4 * 3 + 3, text, length, NULL, &written, &end,
                                         sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        end != text + length)
        return NULL;
    return g_bytes_new_take(g_steal_pointer(&bytes), written);
}

/* ---- keys ---- */

static GBytes *bytes_of(Json *key, const char *name)
{
    const char *text = text_of(key, name);
    return text ? base64url_decode(text) : NULL;
}

static BIGNUM *number_of(Json *key, const char *name)
{
    g_autoptr(GBytes) bytes = bytes_of(key, name);
    gsize length = 0;
    const guint8 *data = bytes ? g_bytes_get_data(bytes, &length) : NULL;
    return data && length <= RSA_BITS_MOST / 8 ? BN_bin2bn(data, (int)length, NULL) : NULL;
}

static EVP_PKEY *key_from(const char *type, OSSL_PARAM_BLD *fields)
{
    g_autoptr(OSSL_PARAM) parameters = OSSL_PARAM_BLD_to_param(fields);
    g_autoptr(EVP_PKEY_CTX) context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;
    if (!parameters || !context || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
        return NULL;
    return key;
}

static EVP_PKEY *rsa_key(Json *jwk)
{
    g_autoptr(BIGNUM) modulus = number_of(jwk, "n");
    g_autoptr(BIGNUM) exponent = number_of(jwk, "e");
    g_autoptr(OSSL_PARAM_BLD) fields = OSSL_PARAM_BLD_new();
    if (!modulus || !exponent || !fields || BN_num_bits(modulus) < RSA_BITS_LEAST || BN_num_bits(exponent) > 64 ||
        !BN_is_odd(exponent) || BN_is_one(exponent) || OSSL_PARAM_BLD_push_BN(fields, OSSL_PKEY_PARAM_RSA_N, modulus) != 1 ||
        OSSL_PARAM_BLD_push_BN(fields, OSSL_PKEY_PARAM_RSA_E, exponent) != 1)
        return NULL;
    return key_from("RSA", fields);
}

static EVP_PKEY *ec_key(Json *jwk)
{
    g_autoptr(GBytes) x = bytes_of(jwk, "x");
    g_autoptr(GBytes) y = bytes_of(jwk, "y");
    g_autoptr(OSSL_PARAM_BLD) fields = OSSL_PARAM_BLD_new();
    guint8 point[1 + 2 * COORDINATE] = {4}; /* SEC 1 2.3.3: uncompressed */
    if (!x || !y || !fields || g_bytes_get_size(x) != COORDINATE || g_bytes_get_size(y) != COORDINATE)
        return NULL;
    memcpy(point + 1, g_bytes_get_data(x, NULL), COORDINATE);
    memcpy(point + 1 + COORDINATE, g_bytes_get_data(y, NULL), COORDINATE);
    if (OSSL_PARAM_BLD_push_utf8_string(fields, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(fields, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point) != 1)
        return NULL;
    return key_from("EC", fields);
}

static EVP_PKEY *ed25519_key(Json *jwk)
{
    g_autoptr(GBytes) x = bytes_of(jwk, "x");
    if (!x || g_bytes_get_size(x) != COORDINATE)
        return NULL;
    return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, g_bytes_get_data(x, NULL), COORDINATE);
}

/* ---- signatures ---- */

/* ECDSA: r and s, each of 32 bytes (RFC 7518 3.4), to the DER that OpenSSL reads. */
static GBytes *der_of(GBytes *raw)
{
    gsize length = 0;
    const guint8 *data = g_bytes_get_data(raw, &length);
    if (length != 2 * COORDINATE)
        return NULL;
    g_autoptr(ECDSA_SIG) signature = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(data, COORDINATE, NULL), *s = BN_bin2bn(data + COORDINATE, COORDINATE, NULL);
    if (!signature || !r || !s || ECDSA_SIG_set0(signature, r, s) != 1) {
        BN_free(r);
        BN_free(s);
        return NULL;
    }
    unsigned char *der = NULL;
    int size = i2d_ECDSA_SIG(signature, &der);
    GBytes *bytes = size > 0 ? g_bytes_new(der, (gsize)size) : NULL;
    OPENSSL_free(der);
    return bytes;
}

static bool padding_set(EVP_PKEY_CTX *context, JwkAlgorithm algorithm)
{
    if (algorithm == JWK_RS256)
        return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
    return algorithm != JWK_PS256 || (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
                                      EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) == 1 &&
                                      EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1);
}

static bool is_signed(EVP_PKEY *key, JwkAlgorithm algorithm, const char *text, GBytes *signature)
{
    g_autoptr(EVP_MD_CTX) context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *settings = NULL;
    const EVP_MD *digest = algorithm == JWK_EDDSA ? NULL : EVP_sha256();
    gsize length = 0;
    const guint8 *data = g_bytes_get_data(signature, &length);
    return context && EVP_DigestVerifyInit(context, &settings, digest, NULL, key) == 1 && padding_set(settings, algorithm) &&
           EVP_DigestVerify(context, data, length, (const guint8 *)text, strlen(text)) == 1;
}

bool jwk_verify(Json *jwk, const JwkSignature *signature)
{
    static EVP_PKEY *(*const makers[])(Json *) = {
        [JWK_RS256] = rsa_key, [JWK_PS256] = rsa_key, [JWK_ES256] = ec_key, [JWK_EDDSA] = ed25519_key};
    g_autoptr(EVP_PKEY) key = makers[signature->algorithm](jwk);
    g_autoptr(GBytes) bytes =
        signature->algorithm == JWK_ES256 ? der_of(signature->bytes) : g_bytes_ref(signature->bytes);
    return key && bytes && is_signed(key, signature->algorithm, signature->text, bytes);
}
