#include "identity/oidc_settings.h"

#include <string.h>

#include "base/error.h"
#include "identity/fetch.h"
#include "identity/settings.h"

enum { SCOPES_MOST = 16, ACR_MOST = 16 };

void oidc_settings_clear(OidcSettings *settings)
{
    g_clear_pointer(&settings->scopes, g_free);
    g_clear_pointer(&settings->second_factor_acr, g_free);
}

/* RFC 6749 3.3: %x21 / %x23-5B / %x5D-7E. */
static bool is_scope(const char *text)
{
    for (const char *at = text; *at; at++)
        if (*at <= ' ' || *at == '"' || *at == '\\' || *at > '~')
            return false;
    return true;
}

static bool check(const OidcSettings *settings, GError **error)
{
    if (!settings->issuer || !settings->client_id)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "settings: \"issuer\" and \"client_id\" are needed");
    if (!fetch_url_allowed(settings->issuer) || strchr(settings->issuer, '?'))
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "settings: \"issuer\" must be an https:// address without \"?\" and \"#\" (http:// only of this host "
                          "itself)");
    for (size_t i = 0; settings->scopes && settings->scopes[i]; i++)
        if (!is_scope(settings->scopes[i]))
            return oriel_fail(error, ORIEL_ERROR_INVALID, "settings: \"scopes\" must be words without spaces");
    for (size_t i = 0; settings->second_factor_acr && settings->second_factor_acr[i]; i++)
        if (!is_scope(settings->second_factor_acr[i]))
            return oriel_fail(error, ORIEL_ERROR_INVALID, "settings: \"second_factor_acr\" must be words without spaces");
    if (settings->second_factor_acr && settings->totp_set)
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "settings: \"second_factor_acr\" is of no use with \"totp\": true, Oriel asks whatever the provider says; false, "
                          "it never asks");
    return true;
}

bool oidc_settings_read(Json *settings, OidcSettings *ret, GError **error)
{
    static const char *const keys[] = {"issuer", "client_id", "scopes", "groups_claim", "name_claim", "display_name_claim",
                                       "certificates", "allow_create", "totp", "second_factor_acr", "role", NULL};
    *ret = (OidcSettings){
        .name_claim = "preferred_username", .display_name_claim = "name", .allow_create = true, .role = "user"};
    Json *totp = json_object_get(settings, "totp");
    ret->totp_set = totp && !json_is_null(totp);
    return settings_only(settings, keys, error) && settings_text(settings, "issuer", &ret->issuer, error) &&
           settings_text(settings, "client_id", &ret->client_id, error) &&
           settings_list(settings, "scopes", SCOPES_MOST, &ret->scopes, error) &&
           settings_text(settings, "groups_claim", &ret->groups_claim, error) &&
           settings_text(settings, "name_claim", &ret->name_claim, error) &&
           settings_text(settings, "display_name_claim", &ret->display_name_claim, error) &&
           settings_certificates(settings, "certificates", &ret->certificates, error) &&
           settings_flag(settings, "allow_create", &ret->allow_create, error) &&
           settings_flag(settings, "totp", &ret->totp, error) &&
           settings_list(settings, "second_factor_acr", ACR_MOST, &ret->second_factor_acr, error) && settings_role(settings, "role", &ret->role, error) &&
           check(ret, error);
}
