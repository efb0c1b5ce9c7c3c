#include "identity/provider.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "identity/fetch.h"
#include "identity/jwt.h"

static const int64_t remember_ms = 60 * 60 * 1000;
static const int64_t again_ms = 60 * 1000;   /* keys are fetched at most so often for tokens of an unknown key */
static const int64_t failure_ms = 3 * 1000;  /* so long a provider that does not answer is not asked again */

typedef struct {
    GMutex lock; /* held while it is asked: whoever comes meanwhile uses what comes of that */
    GMutex guard; /* of `document` alone, for those who must not wait */
    char *issuer;
    Json *document; /* NULL: not known */
    Json *keys;     /* NULL: not known */
    int64_t document_ms, keys_ms; /* monotonic: when fetched */
    int64_t again_ms;             /* monotonic: when keys were last fetched for a token of an unknown key; 0: never */
    int64_t failed_ms;            /* monotonic; 0: the last time went well */
    GError *failure;
} Provider;

struct Providers {
    GMutex lock;
    GHashTable *known; /* id of the directory → Provider; stay until the end */
};

static void provider_free(void *data)
{
    Provider *provider = data;
    g_mutex_clear(&provider->lock);
    g_mutex_clear(&provider->guard);
    g_free(provider->issuer);
    json_decref(provider->document);
    json_decref(provider->keys);
    g_clear_error(&provider->failure);
    g_free(provider);
}

Providers *providers_new(void)
{
    Providers *providers = g_new0(Providers, 1);
    g_mutex_init(&providers->lock);
    providers->known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, provider_free);
    return providers;
}

void providers_free(Providers *providers)
{
    if (!providers)
        return;
    g_hash_table_unref(providers->known);
    g_mutex_clear(&providers->lock);
    g_free(providers);
}

static Provider *provider_of(Providers *providers, const char *directory_id)
{
    g_mutex_lock(&providers->lock);
    Provider *provider = g_hash_table_lookup(providers->known, directory_id);
    if (!provider) {
        provider = g_new0(Provider, 1);
        g_mutex_init(&provider->lock);
        g_mutex_init(&provider->guard);
        g_hash_table_insert(providers->known, g_strdup(directory_id), provider);
    }
    g_mutex_unlock(&providers->lock);
    return provider;
}

void provider_addresses_clear(ProviderAddresses *addresses)
{
    g_clear_pointer(&addresses->authorization, g_free);
    g_clear_pointer(&addresses->token, g_free);
    g_clear_pointer(&addresses->user_info, g_free);
    g_clear_pointer(&addresses->end_session, g_free);
}

/* ---- asking; with provider->lock ---- */

static void document_set(Provider *provider, Json *document)
{
    g_mutex_lock(&provider->guard);
    json_decref(provider->document);
    provider->document = document;
    g_mutex_unlock(&provider->guard);
}

/* Another issuer than before: nothing of the old one counts. */
static void issuer_set(Provider *provider, const char *issuer)
{
    if (g_strcmp0(provider->issuer, issuer) == 0)
        return;
    document_set(provider, NULL);
    g_clear_pointer(&provider->keys, json_decref);
    g_clear_error(&provider->failure);
    provider->failed_ms = provider->again_ms = 0;
    g_mutex_lock(&provider->guard);
    g_free(provider->issuer);
    provider->issuer = g_strdup(issuer);
    g_mutex_unlock(&provider->guard);
}

static Json *ask(Provider *provider, const OidcSettings *settings, const char *url, GError **error)
{
    long status = 0;
    if (provider->failed_ms && clock_monotonic_ms() - provider->failed_ms < failure_ms) {
        if (error)
            *error = g_error_copy(provider->failure);
        return NULL;
    }
    g_clear_error(&provider->failure);
    provider->failed_ms = 0;
    FetchRequest request = {.url = url, .certificates = settings->certificates};
    Json *answer = fetch_json(&request, &status, &provider->failure);
    if (answer && status == 200)
        return answer;
    json_decref(answer);
    if (!provider->failure)
        oriel_fail(&provider->failure, ORIEL_ERROR_UNAVAILABLE, "%s: answers with status %ld", url, status);
    provider->failed_ms = clock_monotonic_ms();
    if (error)
        *error = g_error_copy(provider->failure);
    return NULL;
}

static const char *address_of(Json *document, const char *name)
{
    const char *url = json_string_value(json_object_get(document, name));
    return url && fetch_url_allowed(url) ? url : NULL;
}

static bool document_check(Json *document, const char *issuer, GError **error)
{
    static const char *const needed[] = {"authorization_endpoint", "token_endpoint", "jwks_uri"};
    const char *named = json_string_value(json_object_get(document, "issuer"));
    if (g_strcmp0(named, issuer) != 0)
        return oriel_fail(error, ORIEL_ERROR_CORRUPT,
                          "the provider calls itself \"%s\", not \"%s\": the setting \"issuer\" must be the same to the letter",
                          named ? named : "", issuer);
    for (size_t i = 0; i < G_N_ELEMENTS(needed); i++)
        if (!address_of(document, needed[i]))
            return oriel_fail(error, ORIEL_ERROR_CORRUPT, "the provider \"%s\": its \"%s\" is missing, or no https:// address",
                              issuer, needed[i]);
    return true;
}

static bool document_get(Provider *provider, const OidcSettings *settings, GError **error)
{
    issuer_set(provider, settings->issuer);
    if (provider->document && clock_monotonic_ms() - provider->document_ms < remember_ms)
        return true;
    size_t length = strlen(settings->issuer);
    bool slash = length > 0 && settings->issuer[length - 1] == '/'; /* OpenID Connect Discovery 1.0 4.1 */
    g_autofree char *url = g_strdup_printf("%.*s/.well-known/openid-configuration", (int)(length - slash), settings->issuer);
    g_autoptr(Json) document = ask(provider, settings, url, error);
    if (!document || !document_check(document, settings->issuer, error))
        return false;
    document_set(provider, g_steal_pointer(&document));
    provider->document_ms = clock_monotonic_ms();
    return true;
}

static bool keys_fetch(Provider *provider, const OidcSettings *settings, GError **error)
{
    Json *keys = ask(provider, settings, address_of(provider->document, "jwks_uri"), error);
    if (!keys)
        return false;
    json_decref(provider->keys);
    provider->keys = keys;
    provider->keys_ms = clock_monotonic_ms();
    return true;
}

static Json *verify_locked(Provider *provider, const OidcSettings *settings, const char *token, GError **error)
{
    g_autoptr(GError) failure = NULL;
    bool unknown_key = false;
    if (!document_get(provider, settings, error))
        return NULL;
    if ((!provider->keys || clock_monotonic_ms() - provider->keys_ms >= remember_ms) && !keys_fetch(provider, settings, error))
        return NULL;
    Json *claims = jwt_verify(token, provider->keys, &unknown_key, &failure);
    bool too_soon = provider->again_ms && clock_monotonic_ms() - provider->again_ms < again_ms;
    if (claims || !unknown_key || too_soon) {
        if (failure)
            g_propagate_error(error, g_steal_pointer(&failure));
        return claims;
    }
    provider->again_ms = clock_monotonic_ms(); /* also where it fails: tokens must not make us ask without end */
    return keys_fetch(provider, settings, error) ? jwt_verify(token, provider->keys, &unknown_key, error) : NULL;
}

/* ---- what others call ---- */

Json *provider_verify(Providers *providers, const char *directory_id, const OidcSettings *settings, const char *token,
                      GError **error)
{
    Provider *provider = provider_of(providers, directory_id);
    g_mutex_lock(&provider->lock);
    Json *claims = verify_locked(provider, settings, token, error);
    g_mutex_unlock(&provider->lock);
    return claims;
}

static bool list_has(Json *list, const char *word)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (g_strcmp0(json_string_value(json_array_get(list, i)), word) == 0)
            return true;
    return false;
}

static void addresses_copy(Json *document, ProviderAddresses *ret)
{
    Json *ways = json_object_get(document, "token_endpoint_auth_methods_supported");
    *ret = (ProviderAddresses){
        .authorization = g_strdup(address_of(document, "authorization_endpoint")),
        .token = g_strdup(address_of(document, "token_endpoint")),
        .user_info = g_strdup(address_of(document, "userinfo_endpoint")),
        .end_session = g_strdup(address_of(document, "end_session_endpoint")),
        .secret_in_form = list_has(ways, "client_secret_post") && !list_has(ways, "client_secret_basic"),
    };
}

bool provider_addresses(Providers *providers, const char *directory_id, const OidcSettings *settings, ProviderAddresses *ret,
                        GError **error)
{
    Provider *provider = provider_of(providers, directory_id);
    g_mutex_lock(&provider->lock);
    bool known = document_get(provider, settings, error);
    if (known)
        addresses_copy(provider->document, ret);
    g_mutex_unlock(&provider->lock);
    return known;
}

bool provider_addresses_known(Providers *providers, const char *directory_id, const OidcSettings *settings, ProviderAddresses *ret)
{
    Provider *provider = provider_of(providers, directory_id);
    g_mutex_lock(&provider->guard);
    bool known = provider->document && g_strcmp0(provider->issuer, settings->issuer) == 0;
    if (known)
        addresses_copy(provider->document, ret);
    g_mutex_unlock(&provider->guard);
    return known;
}
