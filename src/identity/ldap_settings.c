#include "identity/ldap_settings.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "identity/settings.h"

enum { SERVERS_MOST = 8, HOURS_MOST = 30 * 24, TIMEOUT_MOST = 30 };

static const char *const types[] = {"openldap", "active-directory", NULL};
static const char *const nested[] = {"none", "search", "chain", NULL};
static const char *const when_down[] = {"refuse", "cached", NULL};

static const char *const keys[] = {
    "type",          "servers",         "certificates", "allow_plain",    "base",           "users_base",   "groups_base",
    "bind_name",     "bind_template",   "user_filter",  "login_attribute", "id_attribute",  "name_attribute", "mail_attribute",
    "group_filter",  "nested_groups",   "allow_create", "role",           "when_down",      "cached_hours", "timeout_seconds",
    NULL};

void ldap_settings_clear(LdapSettings *settings)
{
    g_clear_pointer(&settings->servers, g_free);
}

static LdapSettings defaults_of(LdapType type)
{
    LdapSettings settings = {.type = type,
                             .user_filter = "(objectClass=inetOrgPerson)",
                             .login_attribute = "uid",
                             .id_attribute = "entryUUID",
                             .name_attribute = "cn",
                             .mail_attribute = "mail",
                             .group_filter = "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup))",
                             .nested_groups = LDAP_NESTED_SEARCH,
                             .allow_create = true,
                             .role = "user",
                             .when_down = LDAP_DOWN_REFUSE,
                             .cached_hours = 24,
                             .timeout_seconds = 5};
    if (type == LDAP_TYPE_ACTIVE_DIRECTORY) {
        settings.user_filter = "(&(objectClass=user)(!(objectClass=computer)))";
        settings.login_attribute = "sAMAccountName";
        settings.id_attribute = "objectGUID";
        settings.name_attribute = "displayName";
        settings.group_filter = "(objectClass=group)";
        settings.nested_groups = LDAP_NESTED_CHAIN;
    }
    return settings;
}

/* ---- checks of single settings ---- */

static bool check_server(const char *server, GError **error)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]_";
    const char *rest = g_str_has_prefix(server, "ldaps://") ? server + strlen("ldaps://")
                       : g_str_has_prefix(server, "ldap://") ? server + strlen("ldap://")
                                                             : NULL;
    if (rest && *rest && *rest != ':' && strspn(rest, allowed) == strlen(rest))
        return true;
    return oriel_fail(error, ORIEL_ERROR_INVALID,
                      "settings: server \"%s\" must be ldaps://HOST or ldap://HOST (then StartTLS), with :PORT where it is not the "
                      "usual one",
                      server);
}

/* Only its form: whether the server knows its attributes shows the test. */
static bool check_filter(const char *key, const char *filter, GError **error)
{
    int depth = 0;
    size_t length = strlen(filter);
    bool good = filter[0] == '(' && filter[length - 1] == ')';
    for (size_t i = 0; good && i < length; i++) {
        depth += filter[i] == '(' ? 1 : filter[i] == ')' ? -1 : 0;
        good = depth > 0 || i == length - 1;
    }
    return (good && depth == 0) ||
           oriel_fail(error, ORIEL_ERROR_INVALID, "settings: \"%s\" must be one filter in brackets, as \"(objectClass=person)\"",
                      key);
}

/* RFC 4512 1.4: a descr, or a numeric OID. */
static bool check_attribute(const char *key, const char *name, GError **error)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
    return (g_ascii_isalnum(name[0]) && strspn(name, allowed) == strlen(name)) ||
           oriel_fail(error, ORIEL_ERROR_INVALID, "settings: \"%s\" must be the name of an attribute", key);
}

static bool check_bind(const LdapSettings *settings, GError **error)
{
    if (!settings->bind_name == !settings->bind_template)
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "settings: either \"bind_name\" (a service account) or \"bind_template\" (people bind as themselves) is "
                          "needed");
    return !settings->bind_template || strstr(settings->bind_template, "{user}") ||
           oriel_fail(error, ORIEL_ERROR_INVALID, "settings: \"bind_template\" must have {user} in it");
}

static bool check(const LdapSettings *settings, GError **error)
{
    if (!settings->servers || !settings->base)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "settings: \"servers\" and \"base\" are needed");
    for (size_t i = 0; settings->servers[i]; i++)
        if (!check_server(settings->servers[i], error))
            return false;
    return check_bind(settings, error) &&
           check_filter("user_filter", settings->user_filter, error) &&
           check_filter("group_filter", settings->group_filter, error) &&
           check_attribute("login_attribute", settings->login_attribute, error) &&
           check_attribute("id_attribute", settings->id_attribute, error) &&
           check_attribute("name_attribute", settings->name_attribute, error) &&
           check_attribute("mail_attribute", settings->mail_attribute, error);
}

/* ---- reading ---- */

static bool take_texts(Json *settings, LdapSettings *ret, GError **error)
{
    const struct {
        const char *key;
        const char **value;
    } texts[] = {{"base", &ret->base},
                 {"users_base", &ret->users_base},
                 {"groups_base", &ret->groups_base},
                 {"bind_name", &ret->bind_name},
                 {"bind_template", &ret->bind_template},
                 {"user_filter", &ret->user_filter},
                 {"login_attribute", &ret->login_attribute},
                 {"id_attribute", &ret->id_attribute},
                 {"name_attribute", &ret->name_attribute},
                 {"mail_attribute", &ret->mail_attribute},
                 {"group_filter", &ret->group_filter}};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        if (!settings_text(settings, texts[i].key, texts[i].value, error))
            return false;
    if (!ret->users_base)
        ret->users_base = ret->base;
    if (!ret->groups_base)
        ret->groups_base = ret->base;
    return true;
}

bool ldap_settings_read(Json *settings, LdapSettings *ret, GError **error)
{
    const SettingsNumber hours = {"cached_hours", 1, HOURS_MOST}, timeout = {"timeout_seconds", 1, TIMEOUT_MOST};
    int type = LDAP_TYPE_OPENLDAP, nesting = 0, down = LDAP_DOWN_REFUSE;
    *ret = (LdapSettings){0};
    if (!settings_only(settings, keys, error) || !settings_word(settings, "type", types, &type, error))
        return false;
    *ret = defaults_of((LdapType)type);
    nesting = (int)ret->nested_groups;
    bool done = settings_list(settings, "servers", SERVERS_MOST, &ret->servers, error) &&
                settings_certificates(settings, "certificates", &ret->certificates, error) && take_texts(settings, ret, error) &&
                settings_flag(settings, "allow_plain", &ret->allow_plain, error) &&
                settings_flag(settings, "allow_create", &ret->allow_create, error) &&
                settings_word(settings, "nested_groups", nested, &nesting, error) &&
                settings_role(settings, "role", &ret->role, error) &&
                settings_word(settings, "when_down", when_down, &down, error) &&
                settings_number(settings, &hours, &ret->cached_hours, error) &&
                settings_number(settings, &timeout, &ret->timeout_seconds, error) && check(ret, error);
    ret->nested_groups = (LdapNested)nesting;
    ret->when_down = (LdapWhenDown)down;
    return done;
}
