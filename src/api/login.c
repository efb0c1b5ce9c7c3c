/* Log in and out, one-time links, and who I am. */
#include <string.h>
#include <unistd.h>

#include "api/resource.h"
#include "base/clock.h"
#include "base/secret.h"
#include "identity/oidc.h"

#define HALF_COOKIE "__Host-oriel-half" /* of a provider's log-in that waits for a code */

/* In the order people read them. */
static const Role roles_in_order[] = {ROLE_ADMIN, ROLE_OPERATOR, ROLE_HELPDESK, ROLE_AUDITOR, ROLE_USER};

Json *roles_json(Roles roles)
{
    Json *array = json_array();
    for (size_t i = 0; i < G_N_ELEMENTS(roles_in_order); i++)
        if (roles & roles_in_order[i])
            json_array_append_new(array, json_string(role_word(roles_in_order[i])));
    return array;
}

bool roles_read(Json *array, Roles *ret, GError **error)
{
    if (json_array_size(array) == 0)
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "request body: \"roles\" must be a list of one or more roles");
    return roles_read_list(array, "roles", ret, error);
}

bool roles_read_list(Json *array, const char *key, Roles *ret, GError **error)
{
    g_autoptr(GString) words = g_string_new(NULL);
    if (!json_is_array(array))
        return oriel_fail(error, ORIEL_ERROR_INVALID, "request body: \"%s\" must be a list of roles", key);
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *word = json_string_value(json_array_get(array, i));
        if (!word || !*word || strchr(word, ' '))
            return oriel_fail(error, ORIEL_ERROR_INVALID, "request body: \"%s\" must be a list of words", key);
        g_string_append_printf(words, "%s%s", i ? " " : "", word);
    }
    return roles_parse(words->str, ret, error);
}

Json *me_json(const Caller *caller)
{
    const char *display_name =
        caller->display_name && *caller->display_name ? caller->display_name : caller->name;
    return json_pack("{s:{s:s?, s:s, s:s, s:o}, s:s?, s:o, s:b, s:o, s:o}", "user", "id", caller->user_id, "name", caller->name,
                     "display_name", display_name, "roles", roles_json(caller->roles), "csrf", caller->csrf, "scopes",
                     scopes_json(caller->scopes), "must_enrol", caller->scopes == SCOPE_ENROL, "kiosk_pool",
                     json_ref(caller->kiosk_pool_id, caller->kiosk_pool_name), "directory",
                     json_ref(caller->directory_id, caller->directory_name));
}

void cookie_set(Call *call, const Cookie *fields)
{
    g_autofree char *cookie =
        g_strdup_printf("%s=%s; Path=/; Secure; HttpOnly; SameSite=%s; Max-Age=%" G_GINT64_FORMAT,
                        fields->name, fields->value, fields->same_site, fields->seconds);
    reply_header(call->reply, "Set-Cookie", cookie);
    explicit_bzero(cookie, strlen(cookie));
}

bool login_cookies(Call *call, const Login *login)
{
    int64_t seconds = MAX(1, (login->expires_ms - clock_utc_ms()) / 1000);
    cookie_set(call, login->caller ? &(Cookie){IDENTITY_COOKIE, login->cookie, seconds, "Strict"}
                                   : &(Cookie){HALF_COOKIE, login->half, seconds, "Strict"});
    return login->caller != NULL;
}

static void login_answer(Call *call, const Login *login)
{
    if (login->caller && login_cookies(call, login))
        reply_json(call->reply, 200, me_json(login->caller));
    else
        reply_json(call->reply, 200, json_pack("{s:s, s:s, s:I}", "next", "totp", "login", login->half, "expires_ms",
                                               (json_int_t)login->expires_ms));
}

ClientInfo client_of(const Call *call)
{
    return (ClientInfo){call->request->client, request_header(call->request, "user-agent")};
}

bool login_post(Call *call, GError **error)
{
    const char *name = NULL, *password = NULL;
    if (!json_read(call->body, "request body", error, "{s:s, s:s}", "name", &name, "password", &password))
        return false;
    ClientInfo client = client_of(call);
    g_autoptr(Login) login = identity_login(call->service->identity, name, password, &client, error);
    if (!login)
        return false;
    login_answer(call, login);
    return true;
}

bool login_code_post(Call *call, GError **error)
{
    const char *half = NULL, *code = NULL;
    if (!json_read(call->body, "request body", error, "{s?s, s:s}", "login", &half, "code", &code))
        return false;
    ClientInfo client = client_of(call);
    g_autoptr(SecretString) cookie = half ? NULL : request_cookie(call->request, HALF_COOKIE);
    if (!half && !cookie)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "request body: \"login\" is needed, as the first step gave it");
    g_autoptr(Login) login = identity_login_code(call->service->identity, half ? half : cookie, code, &client, error);
    if (!login)
        return false;
    if (cookie)
        cookie_set(call, &(Cookie){HALF_COOKIE, "", 0, "Strict"});
    login_answer(call, login);
    return true;
}

void setup_link_forget(const Service *service, const char *user_name)
{
    if (strcmp(user_name, "admin") != 0)
        return;
    g_autofree char *path = g_build_filename(service->config->state, API_SETUP_LINK, NULL);
    unlink(path);
}

bool setup_post(Call *call, GError **error)
{
    const char *token = NULL, *password = NULL;
    if (!json_read(call->body, "request body", error, "{s:s, s:s}", "token", &token, "password", &password))
        return false;
    ClientInfo client = client_of(call);
    g_autoptr(Login) login = identity_link_use(call->service->identity, token, password, &client, error);
    if (!login)
        return false;
    if (login->caller)
        setup_link_forget(call->service, login->caller->name);
    login_answer(call, login);
    return true;
}

/* Where the browser ends its login at the provider, too. */
static char *provider_log_out_url(const Call *call)
{
    g_autofree char *back = g_strconcat(call->service->public_url, "/", NULL);
    g_autoptr(StoreWebSession) session = store_web_session_find(call->service->store, call->caller->session_id, NULL);
    return session ? oidc_log_out_url(call->service->identity, session, back) : NULL;
}

bool logout_post(Call *call, GError **error)
{
    g_autofree char *provider = NULL;
    if (call->caller->means == CALLER_COOKIE) {
        provider = provider_log_out_url(call);
        if (!identity_logout(call->service->identity, call->caller, call->request->client, error))
            return false;
        cookie_set(call, &(Cookie){IDENTITY_COOKIE, "", 0, "Strict"});
    }
    if (provider)
        reply_json(call->reply, 200, json_pack("{s:s}", "provider_url", provider));
    else
        reply_empty(call->reply);
    return true;
}

bool me_get(Call *call, GError **error)
{
    reply_json(call->reply, 200, me_json(call->caller));
    return true;
}
