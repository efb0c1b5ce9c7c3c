#include "broker/name.h"

#include <glib.h>

#define HOST_NAME_LONGEST 63

char *name_host(const char *desktop_name)
{
    g_autoptr(GString) fit = g_string_new(NULL);
    for (const char *c = desktop_name; *c && fit->len < HOST_NAME_LONGEST; c++) {
        if (g_ascii_isalnum(*c))
            g_string_append_c(fit, g_ascii_tolower(*c));
        else if (fit->len > 0 && fit->str[fit->len - 1] != '-')
            g_string_append_c(fit, '-');
    }
    while (fit->len > 0 && fit->str[fit->len - 1] == '-')
        g_string_truncate(fit, fit->len - 1);
    return g_strdup(fit->len ? fit->str : "desktop");
}
