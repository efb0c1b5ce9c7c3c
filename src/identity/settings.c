#include "identity/settings.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"

static bool fail(const char *key, const char *what, GError **error)
{
    return oriel_fail(error, ORIEL_ERROR_INVALID, "settings: \"%s\" must be %s", key, what);
}

static Json *given(Json *settings, const char *key)
{
    Json *value = json_object_get(settings, key);
    return json_is_null(value) ? NULL : value;
}

bool settings_only(Json *settings, const char *const *keys, GError **error)
{
    const char *key = NULL;
    Json *value = NULL;
    if (!json_is_object(settings))
        return oriel_fail(error, ORIEL_ERROR_INVALID, "settings: must be an object");
    json_object_foreach (settings, key, value) {
        if (g_strv_contains(keys, key))
            continue;
        g_autofree char *allowed = g_strjoinv(", ", (char **)keys);
        return oriel_fail(error, ORIEL_ERROR_INVALID, "settings: \"%s\" is unknown; allowed are %s", key, allowed);
    }
    return true;
}

bool settings_flag(Json *settings, const char *key, bool *ret, GError **error)
{
    Json *value = given(settings, key);
    if (!value)
        return true;
    if (!json_is_boolean(value))
        return fail(key, "true or false", error);
    *ret = json_is_true(value);
    return true;
}

static bool is_line(const Json *value)
{
    const char *text = json_string_value(value);
    size_t length = json_string_length(value);
    if (!text || length == 0 || length > LIMIT_DIRECTORY_TEXT || strlen(text) != length)
        return false;
    for (size_t i = 0; i < length; i++)
        if (g_ascii_iscntrl(text[i]))
            return false;
    return true;
}

bool settings_text(Json *settings, const char *key, const char **ret, GError **error)
{
    Json *value = given(settings, key);
    if (!value)
        return true;
    if (!is_line(value))
        return fail(key, "one line of text", error);
    *ret = json_string_value(value);
    return true;
}

bool settings_number(Json *settings, const SettingsNumber *number, int64_t *ret, GError **error)
{
    Json *value = given(settings, number->key);
    if (!value)
        return true;
    if (!json_is_integer(value) || json_integer_value(value) < number->lowest || json_integer_value(value) > number->highest)
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "settings: \"%s\" must be a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, number->key,
                          number->lowest, number->highest);
    *ret = json_integer_value(value);
    return true;
}

bool settings_word(Json *settings, const char *key, const char *const *words, int *ret, GError **error)
{
    Json *value = given(settings, key);
    if (!value)
        return true;
    for (int i = 0; words[i]; i++) {
        if (g_strcmp0(words[i], json_string_value(value)) == 0) {
            *ret = i;
            return true;
        }
    }
    g_autofree char *allowed = g_strjoinv(", ", (char **)words);
    g_autofree char *what = g_strconcat("one of ", allowed, NULL);
    return fail(key, what, error);
}

bool settings_role(Json *settings, const char *key, const char **ret, GError **error)
{
    static const char *const words[] = {"admin", "operator", "helpdesk", "auditor", "user", NULL};
    int index = -1;
    if (!settings_word(settings, key, words, &index, error))
        return false;
    if (index >= 0)
        *ret = words[index];
    return true;
}

bool settings_list(Json *settings, const char *key, size_t most, const char ***ret, GError **error)
{
    Json *value = given(settings, key);
    if (!value)
        return true;
    size_t count = json_array_size(value);
    g_autofree const char **texts = g_new0(const char *, count + 1);
    bool good = json_is_array(value) && count > 0 && count <= most;
    for (size_t i = 0; good && i < count; i++) {
        good = is_line(json_array_get(value, i));
        texts[i] = json_string_value(json_array_get(value, i));
    }
    if (!good) {
        g_autofree char *what = g_strdup_printf("a list of 1 to %zu texts", most);
        return fail(key, what, error);
    }
    g_free(*ret);
    *ret = g_steal_pointer(&texts);
    return true;
}

static size_t certificates_count(const char *text)
{
    BIO *bio = BIO_new_mem_buf(text, -1);
    size_t count = 0;
    X509 *certificate = NULL;
    while (bio && (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
        X509_free(certificate);
        count++;
    }
    ERR_clear_error();
    BIO_free(bio);
    return count;
}

bool settings_certificates(Json *settings, const char *key, const char **ret, GError **error)
{
    Json *value = given(settings, key);
    const char *text = json_string_value(value);
    if (!value)
        return true;
    if (!text || certificates_count(text) == 0)
        return fail(key, "certificates as PEM text (-----BEGIN CERTIFICATE-----)", error);
    *ret = text;
    return true;
}
