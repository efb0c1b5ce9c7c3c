/* Settings of the whole house. */
#include "api/resource.h"
#include "identity/second.h"

static Json *texts_json(char **texts)
{
    Json *array = json_array();
    for (size_t i = 0; texts[i]; i++)
        json_array_append_new(array, json_string(texts[i]));
    return array;
}

static void login_answer(Call *call, const LoginRules *rules)
{
    reply_json(call->reply, 200, json_pack("{s:o, s:o}", "totp_roles", roles_json(rules->totp_roles), "trusted_networks",
                                           texts_json(rules->trusted)));
}

bool settings_login_get(Call *call, GError **error)
{
    g_auto(LoginRules) rules = {0};
    if (!identity_login_rules(call->service->identity, &rules, error))
        return false;
    login_answer(call, &rules);
    return true;
}

static bool networks_read(Json *array, char ***ret, GError **error)
{
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *text = json_string_value(json_array_get(array, i));
        if (!text || !*text)
            break;
        g_ptr_array_add(texts, g_strdup(text));
    }
    if (!json_is_array(array) || texts->len != json_array_size(array))
        return oriel_fail(error, ORIEL_ERROR_INVALID, "request body: \"trusted_networks\" must be a list of networks");
    g_ptr_array_add(texts, NULL);
    g_strfreev(*ret);
    *ret = (char **)g_ptr_array_free(g_steal_pointer(&texts), FALSE);
    return true;
}

bool settings_login_patch(Call *call, GError **error)
{
    static const char *const keys[] = {"totp_roles", "trusted_networks", NULL};
    g_auto(LoginRules) rules = {0};
    Json *roles = json_object_get(call->body, "totp_roles"), *networks = json_object_get(call->body, "trusted_networks");
    if (!json_only(call->body, keys, error) || !identity_login_rules(call->service->identity, &rules, error) ||
        (roles && !roles_read_list(roles, "totp_roles", &rules.totp_roles, error)) ||
        (networks && !networks_read(networks, &rules.trusted, error)) ||
        !identity_login_rules_set(call->service->identity, &call->actor, &rules, error))
        return false;
    login_answer(call, &rules);
    return true;
}
