#include "base/secret.h"

#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

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

/* ---- sealed ---- */

enum { NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES };

static uint8_t key[crypto_aead_xchacha20poly1305_ietf_KEYBYTES]; /* written once, by secret_key_load */

static bool key_make(const char *path, GError **error)
{
    uint8_t bytes[sizeof key];
    char hex[2 * sizeof bytes + 2];
    randombytes_buf(bytes, sizeof bytes);
    sodium_bin2hex(hex, sizeof hex, bytes, sizeof bytes);
    hex[2 * sizeof bytes] = '\n';
    bool done = file_write_atomic(path, hex, 2 * sizeof bytes + 1, 0600, error);
    sodium_memzero(hex, sizeof hex);
    sodium_memzero(bytes, sizeof bytes);
    return done;
}

bool secret_key_load(const char *path, GError **error)
{
    if (access(path, F_OK) != 0 && !key_make(path, error))
        return false;
    size_t length = 0, bytes = 0;
    g_autoptr(SecretString) text = file_read(path, 1024, &length, error);
    if (!text)
        return false;
    g_strstrip(text);
    return (sodium_hex2bin(key, sizeof key, text, strlen(text), NULL, &bytes, NULL) == 0 && bytes == sizeof key &&
            strlen(text) == 2 * sizeof key) ||
           oriel_fail(error, ORIEL_ERROR_INVALID, "secret key \"%s\": must be %zu hexadecimal digits", path, 2 * sizeof key);
}

char *secret_key_mark(void)
{
    uint8_t hash[16];
    static const char text[] = "oriel key mark";
    crypto_generichash(hash, sizeof hash, (const uint8_t *)text, strlen(text), key, sizeof key);
    char *hex = g_malloc(2 * sizeof hash + 1);
    return sodium_bin2hex(hex, 2 * sizeof hash + 1, hash, sizeof hash);
}

char *secret_seal(const char *purpose, const char *text)
{
    size_t length = strlen(text), total = NONCE + length + TAG;
    g_autofree uint8_t *bytes = g_malloc(total);
    randombytes_buf(bytes, NONCE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(bytes + NONCE, NULL, (const uint8_t *)text, length, (const uint8_t *)purpose,
                                               strlen(purpose), NULL, bytes, key);
    size_t size = sodium_base64_encoded_len(total, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    char *sealed = g_malloc(size);
    return sodium_bin2base64(sealed, size, bytes, total, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

char *secret_open(const char *purpose, const char *sealed, GError **error)
{
    size_t most = strlen(sealed), total = 0;
    g_autofree uint8_t *bytes = g_malloc(most + 1);
    if (sodium_base642bin(bytes, most, sealed, most, NULL, &total, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 &&
        total >= NONCE + TAG) {
        char *text = g_malloc0(total - NONCE - TAG + 1);
        if (crypto_aead_xchacha20poly1305_ietf_decrypt((uint8_t *)text, NULL, NULL, bytes + NONCE, total - NONCE,
                                                       (const uint8_t *)purpose, strlen(purpose), bytes, key) == 0)
            return text;
        g_free(text);
    }
    oriel_fail(error, ORIEL_ERROR_CORRUPT,
               "a sealed secret cannot be opened: it was changed, or sealed with another host's secret key");
    return NULL;
}
