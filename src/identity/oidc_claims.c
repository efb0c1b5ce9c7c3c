#include "identity/oidc_claims.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"

Json *oidc_claim(Json *claims, const char *name)
{
    Json *found = json_object_get(claims, name);
    if (found)
        return found;
    g_auto(GStrv) steps = g_strsplit(name, ".", 8);
    found = claims;
    for (size_t i = 0; steps[i]; i++)
        found = json_object_get(found, steps[i]); /* NULL of what is no object */
    return found == claims ? NULL : found;
}

/* A list of texts, or one text; others in it are passed over. */
static char **groups_of(Json *value)
{
    g_autoptr(GPtrArray) groups = g_ptr_array_new_with_free_func(g_free);
    if (json_is_string(value))
        g_ptr_array_add(groups, g_strdup(json_string_value(value)));
    for (size_t i = 0; i < json_array_size(value) && groups->len < LIMIT_PROVIDER_GROUPS; i++) {
        const char *group = json_string_value(json_array_get(value, i));
        if (group && *group && strlen(group) <= LIMIT_TEXT)
            g_ptr_array_add(groups, g_strdup(group));
    }
    g_ptr_array_add(groups, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&groups), FALSE);
}

static bool is_among(Json *list, const char *const *words)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *method = json_string_value(json_array_get(list, i));
        if (method && g_strv_contains(words, method))
            return true;
    }
    return false;
}

bool oidc_second_factor(Json *claims, const OidcSettings *settings)
{
    static const char *const both[] = {"mfa", NULL}, *const known[] = {"pwd", "pin", "kba", NULL},
                            *const had[] = {"otp", "hwk", "swk", "sc", "sms", "tel", "fpt", "face", "iris", "retina", "vbm", NULL};
    Json *methods = json_object_get(claims, "amr");
    const char *context = json_string_value(json_object_get(claims, "acr"));
    return is_among(methods, both) || (is_among(methods, known) && is_among(methods, had)) ||
           (context && settings->second_factor_acr && g_strv_contains(settings->second_factor_acr, context));
}

bool oidc_person_read(Json *claims, const OidcSettings *settings, DirectoryPerson *ret, GError **error)
{
    const char *subject = json_string_value(json_object_get(claims, "sub"));
    const char *name = json_string_value(oidc_claim(claims, settings->name_claim));
    if (!subject || !name || !*name)
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "the provider does not say the claim \"%s\" of this person, by which Oriel names them: see the settings "
                          "\"name_claim\" and \"scopes\"",
                          settings->name_claim);
    *ret = (DirectoryPerson){
        .external_id = g_strdup(subject),
        .name = g_strdup(name),
        .display_name = g_strdup(json_string_value(oidc_claim(claims, settings->display_name_claim))),
        .email = g_strdup(json_string_value(json_object_get(claims, "email"))),
        .groups = settings->groups_claim ? groups_of(oidc_claim(claims, settings->groups_claim)) : NULL,
    };
    return true;
}
