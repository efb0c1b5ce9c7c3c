/* What names and passwords must look like. */
#include <string.h>

#include "base/error.h"
#include "base/id.h"
#include "base/limits.h"
#include "identity/identity.h"

bool name_check(const char *name, const char *what, GError **error)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789._-@";
    size_t length = name ? strlen(name) : 0;
    if (length == 0 || length > LIMIT_NAME)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "%s: its name must have 1 to %d characters", what,
                          LIMIT_NAME);
    if (strspn(name, allowed) != length || !g_ascii_isalnum(name[0]))
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "%s \"%s\": a name begins with a small letter or a digit, and has only small letters, digits and "
                          ". _ - @",
                          what, name);
    /* Names and ids stand in the same places. */
    g_autofree char *upper = g_ascii_strup(name, -1);
    return !id_is_valid(upper) ||
           oriel_fail(error, ORIEL_ERROR_INVALID, "%s: its name must not have the form of an id", what);
}

static bool is_common(const char *password)
{
    static const char *const common[] = {
        "1234567890",    "0123456789",  "0987654321",  "12345678910",  "123456789a",  "1q2w3e4r5t",
        "1qaz2wsx3edc",  "password12",  "password123", "password1234", "passw0rd123", "p@ssw0rd123",
        "administrator", "changeme123", "letmein1234", "qwertyuiop",   "qwertzuiop",  "qwerty12345",
        "welcome123",    "iloveyou123", "hallo12345",  "passwort123",  NULL};
    g_autofree char *lower = g_utf8_strdown(password, -1);
    return g_strv_contains(common, lower);
}

static bool is_one_character(const char *password)
{
    gunichar first = g_utf8_get_char(password);
    for (const char *at = password; *at; at = g_utf8_next_char(at))
        if (g_utf8_get_char(at) != first)
            return false;
    return true;
}

bool password_check(const char *password, const char *user_name, GError **error)
{
    size_t bytes = strlen(password);
    if (bytes > LIMIT_PASSWORD)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "password: it must have at most %d bytes",
                          LIMIT_PASSWORD);
    if (!g_utf8_validate(password, (gssize)bytes, NULL))
        return oriel_fail(error, ORIEL_ERROR_INVALID, "password: it is not valid UTF-8");
    if (g_utf8_strlen(password, -1) < LIMIT_PASSWORD_SHORTEST)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "password: it must have at least %d characters",
                          LIMIT_PASSWORD_SHORTEST);
    if (user_name && g_ascii_strcasecmp(password, user_name) == 0)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "password: it must not be the user's name");
    return (!is_one_character(password) && !is_common(password)) ||
           oriel_fail(error, ORIEL_ERROR_INVALID,
                      "password: it is among the first that anybody would try; take another one");
}
