#include "broker/name.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "base/person_wire.h"

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

char *name_account(const char *user_name, unsigned uid)
{
    g_autofree char *local = g_strndup(user_name, strcspn(user_name, "@"));
    g_autofree char *ascii = g_utf8_validate(local, -1, NULL) ? g_str_to_ascii(local, "C") : g_strdup("");
    g_autoptr(GString) fit = g_string_new(NULL);
    bool has_letter = false;
    for (const char *c = ascii; *c && fit->len < AGENT_ACCOUNT_LONGEST; c++) {
        bool keeps = g_ascii_isalnum(*c) || *c == '-' || *c == '_';
        if (fit->len == 0 && !g_ascii_isalpha(*c) && keeps)
            g_string_append_c(fit, 'u');
        if (fit->len > 0 || keeps)
            g_string_append_c(fit, keeps ? g_ascii_tolower(*c) : '_');
        has_letter = has_letter || g_ascii_isalnum(*c);
    }
    g_string_truncate(fit, MIN(fit->len, AGENT_ACCOUNT_LONGEST));
    return has_letter ? g_strdup(fit->str) : g_strdup_printf("user-%u", uid);
}
