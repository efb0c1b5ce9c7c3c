#include "base/secret.h"

#include <sodium.h>
#include <string.h>

#include "base/error.h"

bool secret_init(GError **error)
{
    if (sodium_init() < 0)
        return oriel_fail(error, ORIEL_ERROR_INTERNAL, "libsodium cannot start: no source of random numbers");
    return true;
}

void secret_random(void *bytes, size_t length)
{
    randombytes_buf(bytes, length);
}

char *secret_token_new(void)
{
    uint8_t bytes[32];
    randombytes_buf(bytes, sizeof bytes);
    size_t size = sodium_base64_ENCODED_LEN(sizeof bytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    char *token = g_malloc(size);
    sodium_bin2base64(token, size, bytes, sizeof bytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(bytes, sizeof bytes);
    return token;
}

char *secret_token_hash(const char *token)
{
    uint8_t hash[32];
    crypto_generichash(hash, sizeof hash, (const uint8_t *)token, strlen(token), NULL, 0);
    char *hex = g_malloc(2 * sizeof hash + 1);
    return sodium_bin2hex(hex, 2 * sizeof hash + 1, hash, sizeof hash);
}

bool secret_equal(const char *a, const char *b)
{
    if (!a || !b || strlen(a) != strlen(b))
        return false;
    return sodium_memcmp(a, b, strlen(a)) == 0;
}

void secret_free(char *secret)
{
    if (secret)
        sodium_memzero(secret, strlen(secret));
    g_free(secret);
}

char *secret_password_hash(const char *password, GError **error)
{
    char hash[crypto_pwhash_STRBYTES];
    if (crypto_pwhash_str(hash, password, strlen(password), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                          crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0) {
        oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "password: not enough memory to hash it (64 MiB); try again");
        return NULL;
    }
    return g_strdup(hash);
}

bool secret_password_verify(const char *hash, const char *password)
{
    return hash && password && crypto_pwhash_str_verify(hash, password, strlen(password)) == 0;
}
