/* Settings of an OpenID provider. Pure; any thread. */
#pragma once

#include "base/json.h"

typedef struct {
    const char *issuer;       /* "https://login.example/realms/desk"; http:// only of this host itself */
    const char *client_id;
    const char **scopes;      /* NULL-ended, or NULL: openid profile email */
    const char *groups_claim; /* NULL: none is read */
    const char *name_claim;   /* "preferred_username" */
    const char *display_name_claim; /* "name" */
    const char *certificates;       /* PEM of the only authorities to trust; NULL: the system's */
    bool allow_create;
    bool totp_set;    /* whether the next is said at all; else Oriel's rules hold unless the provider says that it asked for one */
    bool totp;        /* Oriel asks for its second factor, by its rules, whatever the provider says; false: it never does */
    const char **second_factor_acr; /* NULL-ended, or NULL: values of "acr" by which the provider says that it asked for a second factor */
    const char *role; /* of a new user */
} OidcSettings;

/* Texts are borrowed from the settings. INVALID names the setting. */
bool oidc_settings_read(Json *settings, OidcSettings *ret, GError **error);
void oidc_settings_clear(OidcSettings *settings);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(OidcSettings, oidc_settings_clear)
