/* Logging in at an OpenID provider: which there are, the way there, the way back. The browser goes these ways itself, so that what
 * goes wrong leads to the login page, which knows the kind of a failure by its address: sentences there would be anybody's. */
#include <string.h>

#include "api/resource.h"
#include "base/log.h"
#include "base/secret.h"
#include "identity/oidc.h"

#define TO_HERE "here"

static bool is_offered(const StoreDirectory *directory)
{
    return directory->kind == STORE_DIRECTORY_OIDC && directory->enabled;
}

bool login_providers_get(Call *call, GError **error)
{
    bool kiosk = false;
    g_autoptr(GPtrArray) directories = store_directory_list(call->service->store, error);
    if (!directories || !login_is_kiosk(call, &kiosk, error))
        return false;
    Json *items = json_array();
    for (size_t i = 0; i < directories->len; i++) {
        const StoreDirectory *one = directories->pdata[i];
        if (is_offered(one))
            json_array_append_new(items, json_pack("{s:s, s:s}", "name", one->name, "display_name",
                                                   *one->display_name ? one->display_name : one->name));
    }
    reply_json(call->reply, 200, json_pack("{s:o, s:b}", "items", items, "kiosk", kiosk));
    return true;
}

static StoreDirectory *provider_find(Call *call, GError **error)
{
    g_autoptr(StoreDirectory) directory = store_directory_find(call->service->store, call->parameters[0], error);
    if (directory && !is_offered(directory)) {
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "there is no provider \"%s\"", call->parameters[0]);
        return NULL;
    }
    return g_steal_pointer(&directory);
}

static void redirect(Call *call, const char *location)
{
    reply_header(call->reply, "Location", location);
    reply_header(call->reply, "Cache-Control", "no-store");
    reply_header(call->reply, "Referrer-Policy", "no-referrer");
    reply_empty(call->reply);
    call->reply->status = 302;
}

/* up: from this call's address to where the pages are, also behind a proxy's prefix. */
static void redirect_failed(Call *call, const char *up, const GError *failure)
{
    const char *name = call->parameters[0];
    g_autofree char *location =
        g_strdup_printf("%s#/login/%s/%s", up, oriel_error_info(oriel_error_kind(failure))->type, name);
    redirect(call, location);
}

static char *callback_address(const Call *call, const StoreDirectory *directory)
{
    return g_strdup_printf("%s/api/v1/login/provider/%s/callback", call->service->public_url, directory->name);
}

/* The provider sends the browser back to the public address, and only what was begun there is known there. */
static bool is_public(const Call *call)
{
    const char *host = request_header(call->request, "host");
    const char *begin = strstr(call->service->public_url, "://");
    const char *authority = begin ? begin + strlen("://") : call->service->public_url;
    size_t length = strcspn(authority, "/");
    return (host && strlen(host) == length && g_ascii_strncasecmp(host, authority, length) == 0) ||
           request_query(call->request, TO_HERE);
}

bool login_provider_get(Call *call, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_auto(OidcBegin) begin = {0};
    g_autoptr(StoreDirectory) directory = provider_find(call, &failure);
    if (!directory) {
        redirect_failed(call, "../../../../", failure);
        return true;
    }
    bool again = g_strcmp0(request_query(call->request, "again"), "true") == 0;
    if (!is_public(call)) {
        g_autofree char *there = g_strdup_printf("%s/api/v1/login/provider/%s?" TO_HERE "=true%s", call->service->public_url, directory->name,
                                                 again ? "&again=true" : "");
        redirect(call, there);
        return true;
    }
    g_autofree char *callback = callback_address(call, directory);
    if (!oidc_begin(call->service->identity, directory, &(OidcWish){callback, again}, &begin, &failure)) {
        log_warning("provider \"%s\": %s", directory->name, failure->message);
        redirect_failed(call, "../../../../", failure);
        return true;
    }
    cookie_set(call, &(Cookie){OIDC_COOKIE, begin.cookie, OIDC_MS / 1000, "Lax"});
    redirect(call, begin.url);
    return true;
}

bool login_provider_callback_get(Call *call, GError **error)
{
    static const char up[] = "../../../../../";
    g_autoptr(GError) failure = NULL;
    g_autoptr(SecretString) cookie = request_cookie(call->request, OIDC_COOKIE);
    g_autoptr(StoreDirectory) directory = provider_find(call, &failure);
    g_autofree char *callback = directory ? callback_address(call, directory) : NULL;
    OidcAnswer answer = {.cookie = cookie,
                         .state = request_query(call->request, "state"),
                         .code = request_query(call->request, "code"),
                         .error = request_query(call->request, "error"),
                         .issuer = request_query(call->request, "iss"),
                         .redirect_uri = callback,
                         .address = call->request->client};
    ClientInfo client = client_of(call);
    g_autoptr(Login) login =
        directory ? oidc_finish(call->service->identity, directory, &answer, &client, &failure) : NULL;
    cookie_set(call, &(Cookie){OIDC_COOKIE, "", 0, "Lax"});
    if (!login) {
        redirect_failed(call, up, failure);
        return true;
    }
    if (login_cookies(call, login)) {
        redirect(call, up);
        return true;
    }
    g_autofree char *code_page = g_strconcat(up, "#/login/code", NULL);
    redirect(call, code_page);
    return true;
}
