#include "identity/oidc_settings.h"

#include "base/error.h"
#include "identity/settings.h"

enum { SCOPES_MOST = 16 };

void oidc_settings_clear(OidcSettings *settings)
{
    g_clear_pointer(&settings->scopes, g_free);
}

static bool check(const OidcSettings *settings, GError **error)
{
    if (!settings->issuer || !settings->client_id)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "settings: \"issuer\" and \"client_id\" are needed");
    if (!g_str_has_prefix(settings->issuer, "https://") || settings->issuer[8] == '\0')
        return oriel_fail(error, ORIEL_ERROR_INVALID, "settings: \"issuer\" must be an https:// address");
    return true;
}

bool oidc_settings_read(Json *settings, OidcSettings *ret, GError **error)
{
    static const char *const keys[] = {"issuer", "client_id", "scopes", "groups_claim", "name_claim", "allow_create", "role", NULL};
    *ret = (OidcSettings){.name_claim = "preferred_username", .allow_create = true, .role = "user"};
    return settings_only(settings, keys, error) && settings_text(settings, "issuer", &ret->issuer, error) &&
           settings_text(settings, "client_id", &ret->client_id, error) &&
           settings_list(settings, "scopes", SCOPES_MOST, &ret->scopes, error) &&
           settings_text(settings, "groups_claim", &ret->groups_claim, error) &&
           settings_text(settings, "name_claim", &ret->name_claim, error) &&
           settings_flag(settings, "allow_create", &ret->allow_create, error) &&
           settings_role(settings, "role", &ret->role, error) && check(ret, error);
}
