#include "identity/totp.h"

#include <liboath/oath.h>
#include <string.h>

#include "base/network.h"
#include "base/secret.h"

enum { SECRET_BYTES = 20, DIGITS = 6 };

char *totp_secret_new(void)
{
    char bytes[SECRET_BYTES], *text = NULL;
    secret_random(bytes, sizeof bytes);
    size_t length = 0;
    if (oath_base32_encode(bytes, sizeof bytes, &text, &length) != OATH_OK)
        return NULL;
    explicit_bzero(bytes, sizeof bytes);
    char *secret = g_strndup(text, length);
    explicit_bzero(text, length);
    free(text);
    return secret;
}

char *totp_uri(const char *secret, const char *user_name)
{
    g_autofree char *name = g_uri_escape_string(user_name, NULL, false);
    return g_strdup_printf("otpauth://totp/Oriel:%s?secret=%s&issuer=Oriel&algorithm=SHA1&digits=6&period=30", name, secret);
}

char *totp_code(const char *secret, int64_t step)
{
    char *bytes = NULL, code[DIGITS + 1];
    size_t length = 0;
    if (oath_base32_decode(secret, strlen(secret), &bytes, &length) != OATH_OK)
        return NULL;
    int result = oath_hotp_generate(bytes, length, (uint64_t)step, DIGITS, false, OATH_HOTP_DYNAMIC_TRUNCATION, code);
    explicit_bzero(bytes, length);
    free(bytes);
    return result == OATH_OK ? g_strdup(code) : NULL;
}

int64_t totp_match(const char *secret, const char *code, int64_t now_ms)
{
    g_autoptr(GString) digits = g_string_new(NULL);
    for (const char *at = code; *at; at++)
        if (*at != ' ')
            g_string_append_c(digits, *at);
    int64_t now = now_ms / TOTP_STEP_MS, found = 0;
    for (int64_t step = now - 1; step <= now + 1; step++) {
        g_autofree char *right = totp_code(secret, step);
        if (right && secret_equal(right, digits->str))
            found = step;
    }
    return found;
}

TotpNeed totp_required(const TotpRules *rules, Roles roles, bool enrolled, const char *address)
{
    if (networks_contain(rules->trusted, address))
        return TOTP_NO;
    if (enrolled)
        return TOTP_ASK;
    return (rules->roles & roles) ? TOTP_ENROL : TOTP_NO;
}
