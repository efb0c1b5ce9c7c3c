#include "identity/ldap_text.h"

#include <string.h>

#include "base/number.h"

enum { GUID_BYTES = 16, CONTROL_DISABLED = 2 };

static bool is_plain(unsigned char c)
{
    return g_ascii_isalnum((char)c) || (c && strchr(" .,;:=_-@/+'<>#%$!?", c));
}

char *ldap_filter_escape_bytes(const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    GString *text = g_string_sized_new(length);
    for (size_t i = 0; i < length; i++)
        if (is_plain(at[i]))
            g_string_append_c(text, (char)at[i]);
        else
            g_string_append_printf(text, "\\%02x", at[i]);
    return g_string_free(text, FALSE);
}

char *ldap_filter_escape(const char *value)
{
    return ldap_filter_escape_bytes(value, strlen(value));
}

static void append_dn_value(GString *text, const char *value)
{
    size_t length = strlen(value);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)value[i];
        bool at_end = i == 0 || i == length - 1;
        if (g_ascii_isalnum((char)c) || c >= 0x80 || strchr("._-@'", c) || (c == ' ' && !at_end))
            g_string_append_c(text, (char)c);
        else
            g_string_append_printf(text, "\\%02x", c);
    }
}

char *ldap_template_fill(const char *bind_template, const char *user)
{
    GString *text = g_string_new(NULL);
    bool is_dn = strchr(bind_template, '=') != NULL;
    const char *at = bind_template;
    for (const char *place; (place = strstr(at, "{user}")); at = place + strlen("{user}")) {
        g_string_append_len(text, at, place - at);
        if (is_dn)
            append_dn_value(text, user);
        else
            g_string_append(text, user);
    }
    g_string_append(text, at);
    return g_string_free(text, FALSE);
}

/* ---- ids ---- */

/* Where the bytes of a GUID stand in its text. */
static const int guid_order[GUID_BYTES] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

static char *guid_text(const unsigned char *bytes)
{
    GString *text = g_string_new(NULL);
    for (int i = 0; i < GUID_BYTES; i++)
        g_string_append_printf(text, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", bytes[guid_order[i]]);
    return g_string_free(text, FALSE);
}

static bool is_guid(const char *attribute)
{
    return g_ascii_strcasecmp(attribute, "objectGUID") == 0;
}

static bool is_text(const char *bytes, size_t length)
{
    if (length == 0 || bytes[0] == '#' || !g_utf8_validate(bytes, (gssize)length, NULL))
        return false;
    for (size_t i = 0; i < length; i++)
        if (g_ascii_iscntrl(bytes[i]))
            return false;
    return true;
}

char *ldap_id_text(const char *attribute, const void *bytes, size_t length)
{
    if (is_guid(attribute) && length == GUID_BYTES)
        return guid_text(bytes);
    if (is_text(bytes, length))
        return g_strndup(bytes, length);
    GString *text = g_string_new("#");
    for (size_t i = 0; i < length; i++)
        g_string_append_printf(text, "%02x", ((const unsigned char *)bytes)[i]);
    return g_string_free(text, FALSE);
}

/* Pairs of hex digits, dashes between them passed over; false: it is no such text, or too long for `most`. */
static bool hex_bytes(const char *text, unsigned char *bytes, size_t most, size_t *ret)
{
    *ret = 0;
    while (*text) {
        if (*text == '-') {
            text++;
            continue;
        }
        if (*ret == most || !g_ascii_isxdigit(text[0]) || !g_ascii_isxdigit(text[1]))
            return false;
        bytes[(*ret)++] = (unsigned char)(g_ascii_xdigit_value(text[0]) << 4 | g_ascii_xdigit_value(text[1]));
        text += 2;
    }
    return true;
}

char *ldap_id_filter(const char *attribute, const char *text)
{
    unsigned char read[GUID_BYTES], bytes[GUID_BYTES];
    size_t length = 0;
    if (is_guid(attribute) && hex_bytes(text, read, sizeof read, &length) && length == GUID_BYTES) {
        for (int i = 0; i < GUID_BYTES; i++)
            bytes[guid_order[i]] = read[i];
        return ldap_filter_escape_bytes(bytes, sizeof bytes);
    }
    if (text[0] == '#') {
        g_autofree unsigned char *all = g_malloc(strlen(text));
        if (hex_bytes(text + 1, all, strlen(text), &length))
            return ldap_filter_escape_bytes(all, length);
    }
    return ldap_filter_escape(text);
}

/* ---- accounts ---- */

bool ldap_control_is_disabled(const char *value)
{
    uint64_t flags = 0;
    return value && number_parse(value, 0, UINT32_MAX, "userAccountControl", &flags, NULL) && (flags & CONTROL_DISABLED);
}

bool ldap_locked_for_good(const char *value)
{
    return value && strcmp(value, "000001010000Z") == 0;
}

const char *ldap_ad_reason(const char *diagnostic)
{
    static const struct {
        const char *code, *reason;
    } reasons[] = {
        {"525", "there is no such user"},          {"52e", "the name or the password is wrong"},
        {"530", "not allowed at this hour"},       {"531", "not allowed from this computer"},
        {"532", "the password has expired"},       {"533", "the account is disabled"},
        {"701", "the account has expired"},        {"773", "the password must be changed first"},
        {"775", "the account is locked"},
    };
    const char *data = diagnostic ? strstr(diagnostic, "data ") : NULL;
    for (size_t i = 0; data && i < G_N_ELEMENTS(reasons); i++)
        if (strncmp(data + strlen("data "), reasons[i].code, 3) == 0 && !g_ascii_isxdigit(data[strlen("data ") + 3]))
            return reasons[i].reason;
    return NULL;
}
