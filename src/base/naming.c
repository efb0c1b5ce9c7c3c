#include "base/naming.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"

#define NAME_LONGEST 63
#define WIDTH_MOST 6

/* Digits wanted by "{n}" (0) or "{n:3}" at `at`; *ret_end is behind it. False: it is neither. */
static bool number_at(const char *at, unsigned *ret_width, const char **ret_end)
{
    *ret_width = 0;
    *ret_end = at + 3;
    if (g_str_has_prefix(at, "{n}"))
        return true;
    bool padded = g_str_has_prefix(at, "{n:") && at[3] >= '1' && at[3] <= '0' + WIDTH_MOST && at[4] == '}';
    *ret_width = padded ? (unsigned)(at[3] - '0') : 0;
    *ret_end = padded ? at + 5 : at;
    return padded;
}

/* *ret_numbers: how often the number stands in it. NULL: something else stands there, from *ret_wrong on. */
static char *render(const char *pattern, const char *pool, int64_t number, unsigned *ret_numbers,
                    const char **ret_wrong)
{
    g_autoptr(GString) name = g_string_new(NULL);
    unsigned width = 0;
    *ret_numbers = 0;
    for (const char *at = pattern, *end = NULL; *at; at = end) {
        if (g_str_has_prefix(at, "{pool}")) {
            g_string_append(name, pool);
            end = at + strlen("{pool}");
        } else if (number_at(at, &width, &end)) {
            g_string_append_printf(name, "%0*" G_GINT64_FORMAT, (int)width, number);
            ++*ret_numbers;
        } else if (g_ascii_isalnum(*at) || *at == '-') {
            g_string_append_c(name, *at);
            end = at + 1;
        } else {
            *ret_wrong = at;
            return NULL;
        }
    }
    return g_string_free(g_steal_pointer(&name), FALSE);
}

bool naming_check(const char *pattern, const char *pool, uint64_t most, GError **error)
{
    unsigned numbers = 0;
    const char *wrong = NULL;
    g_autofree char *longest = render(pattern, pool, (int64_t)MAX(most, 1), &numbers, &wrong);
    if (!longest)
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "naming \"%s\": \"%s\" is not understood; allowed are {pool}, {n}, {n:3}, letters, digits and -",
                          pattern, wrong);
    if (numbers != 1)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "naming \"%s\": the number {n} must stand in it once", pattern);
    size_t length = strlen(longest);
    if (length > NAME_LONGEST)
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "naming \"%s\": \"%s\" has %zu characters; a host's name has at most %d", pattern, longest,
                          length, NAME_LONGEST);
    return (longest[0] != '-' && longest[length - 1] != '-') ||
           oriel_fail(error, ORIEL_ERROR_INVALID, "naming \"%s\": a name neither begins nor ends with -", pattern);
}

char *naming_make(const char *pattern, const char *pool, int64_t number)
{
    unsigned numbers = 0;
    const char *wrong = NULL;
    return render(pattern, pool, number, &numbers, &wrong);
}

bool home_name_is_valid(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && length <= LIMIT_NAME && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == length &&
           name[0] != '-' && name[length - 1] != '-';
}
