#include "broker/name.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"

/* Splits at "{n}" or "{n:W}", W = 1…6. false: there is no such place, or two. */
static bool pattern_split(const char *pattern, size_t *ret_before, const char **ret_after, int *ret_width)
{
    const char *open = strchr(pattern, '{');
    if (!open || open[1] != 'n' || strchr(open + 1, '{'))
        return false;
    const char *at = open + 2;
    int width = 0;
    if (at[0] == ':' && at[1] >= '1' && at[1] <= '6') {
        width = at[1] - '0';
        at += 2;
    }
    if (*at != '}')
        return false;
    *ret_before = (size_t)(open - pattern);
    *ret_after = at + 1;
    *ret_width = width;
    return true;
}

static bool is_host_name(const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length > LIMIT_NAME || name[0] == '-' || name[length - 1] == '-')
        return false;
    for (size_t i = 0; i < length; i++)
        if (!g_ascii_isalnum(name[i]) && name[i] != '-')
            return false;
    return true;
}

bool name_pattern_check(const char *pattern, GError **error)
{
    size_t before = 0;
    const char *after = NULL;
    int width = 0;
    bool fits = pattern && pattern_split(pattern, &before, &after, &width);
    g_autofree char *longest = fits ? name_render(pattern, LIMIT_DESKTOPS_POOL) : NULL;
    if (fits && is_host_name(longest))
        return true;
    return oriel_fail(
        error, ORIEL_ERROR_INVALID,
        "name pattern \"%s\": must hold {n} (or {n:3} for 001) once, otherwise letters, digits and hyphens, "
        "at most %d characters, no hyphen at either end",
        pattern ? pattern : "", LIMIT_NAME);
}

char *name_pattern_default(const char *pool_name)
{
    g_autoptr(GString) fit = g_string_new(NULL);
    for (const char *c = pool_name; *c && fit->len < 48; c++) {
        if (g_ascii_isalnum(*c))
            g_string_append_c(fit, g_ascii_tolower(*c));
        else if (fit->len > 0 && fit->str[fit->len - 1] != '-')
            g_string_append_c(fit, '-');
    }
    while (fit->len > 0 && fit->str[fit->len - 1] == '-')
        g_string_truncate(fit, fit->len - 1);
    return g_strdup_printf("%s-{n}", fit->len ? fit->str : "desktop");
}

char *name_render(const char *pattern, unsigned n)
{
    size_t before = 0;
    const char *after = "";
    int width = 0;
    if (!pattern_split(pattern, &before, &after, &width))
        return g_strdup(pattern);
    return g_strdup_printf("%.*s%0*u%s", (int)before, pattern, width, n, after);
}

char *name_next(const char *pattern, const char *const *taken, size_t count)
{
    g_autoptr(GHashTable) set = g_hash_table_new(g_str_hash, g_str_equal);
    for (size_t i = 0; i < count; i++)
        g_hash_table_add(set, (gpointer)taken[i]);
    for (unsigned n = 1;; n++) {
        g_autofree char *name = name_render(pattern, n);
        if (!g_hash_table_contains(set, name))
            return g_steal_pointer(&name);
    }
}
