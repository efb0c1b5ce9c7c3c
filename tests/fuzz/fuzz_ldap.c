/* What comes from people and directories into LDAP's texts: typed names, ids, flags, diagnostics, settings. */
#include <string.h>

#include "base/json.h"
#include "identity/ldap_settings.h"
#include "identity/ldap_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autofree char *filter = ldap_filter_escape(text);
    g_assert_null(strpbrk(filter, "*()"));
    g_autofree char *name = ldap_template_fill("uid={user},dc=x", text);
    g_assert_true(g_str_has_prefix(name, "uid=") && g_str_has_suffix(name, ",dc=x"));
    g_autofree char *guid = ldap_id_text("objectGUID", data, size);
    g_autofree char *back = ldap_id_filter("objectGUID", guid);
    g_autofree char *id = ldap_id_text("entryUUID", data, size);
    g_autofree char *id_back = ldap_id_filter("entryUUID", id);
    g_autofree char *as_bytes = ldap_filter_escape_bytes(data, size);
    if (size == 16 || id[0] == '#') /* what was read is what is looked for */
        g_assert_cmpstr(size == 16 ? back : id_back, ==, as_bytes);
    ldap_control_is_disabled(text);
    ldap_locked_for_good(text);
    ldap_ad_reason(text);
    g_autoptr(Json) settings = json_parse_object((const char *)data, size, "settings", NULL);
    g_auto(LdapSettings) read = {0};
    if (settings)
        ldap_settings_read(settings, &read, NULL);
    return 0;
}
