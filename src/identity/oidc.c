#include "identity/oidc.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/socket.h"
#include "identity/fetch.h"
#include "identity/internal.h"
#include "identity/jwt.h"
#include "identity/oidc_claims.h"
#include "identity/oidc_settings.h"
#include "identity/provider.h"
#include "store/event.h"

#define PURPOSE "log-in at a provider"

void oidc_begin_clear(OidcBegin *begin)
{
    g_clear_pointer(&begin->url, g_free);
    g_clear_pointer(&begin->cookie, secret_free);
}

/* Of a directory's row. The Json owns the texts of the settings. */
static Json *settings_of(const StoreDirectory *directory, OidcSettings *ret, GError **error)
{
    g_autoptr(Json) object = json_parse_object(directory->settings, strlen(directory->settings), "settings", error);
    return object && oidc_settings_read(object, ret, error) ? g_steal_pointer(&object) : NULL;
}

static void query_add(GString *url, const char *name, const char *value)
{
    bool form = url->len == 0;
    if (!form)
        g_string_append_c(url, strchr(url->str, '?') || !strstr(url->str, "://") ? '&' : '?');
    g_string_append_printf(url, "%s=", name);
    g_string_append_uri_escaped(url, value, NULL, false);
}

/* ---- the beginning ---- */

/* RFC 7636 4.2: base64url of the verifier's SHA-256, without padding. */
static char *challenge_of(const char *verifier)
{
    guint8 digest[32];
    gsize length = sizeof digest;
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    g_checksum_update(checksum, (const guchar *)verifier, -1);
    g_checksum_get_digest(checksum, digest, &length);
    char *text = g_base64_encode(digest, length);
    g_strdelimit(text, "+", '-');
    g_strdelimit(text, "/", '_');
    text[strcspn(text, "=")] = '\0';
    return text;
}

static char *scopes_text(const OidcSettings *settings)
{
    if (!settings->scopes)
        return g_strdup("openid profile email");
    g_autofree char *words = g_strjoinv(" ", (char **)settings->scopes);
    return g_strv_contains(settings->scopes, "openid") ? g_steal_pointer(&words) : g_strconcat("openid ", words, NULL);
}

bool oidc_begin(Identity *identity, const StoreDirectory *directory, const OidcWish *wish, OidcBegin *ret, GError **error)
{
    g_auto(OidcSettings) settings = {0};
    g_auto(ProviderAddresses) addresses = {0};
    g_autoptr(Json) owner = settings_of(directory, &settings, error);
    if (!owner || !provider_addresses(identity->providers, directory->id, &settings, &addresses, error))
        return false;
    g_autoptr(SecretString) state = secret_token_new();
    g_autoptr(SecretString) nonce = secret_token_new();
    g_autoptr(SecretString) verifier = secret_token_new();
    g_autofree char *challenge = challenge_of(verifier), *scopes = scopes_text(&settings);
    g_autoptr(GString) url = g_string_new(addresses.authorization);
    const char *fields[][2] = {
        {"response_type", "code"}, {"client_id", settings.client_id}, {"redirect_uri", wish->redirect_uri}, {"scope", scopes},
        {"state", state},          {"nonce", nonce},                  {"code_challenge", challenge},  {"code_challenge_method", "S256"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
        query_add(url, fields[i][0], fields[i][1]);
    g_autofree char *wished = settings.second_factor_acr ? g_strjoinv(" ", (char **)settings.second_factor_acr) : NULL;
    if (wished)
        query_add(url, "acr_values", wished); /* OpenID Connect Core 3.1.2.1: voluntary, so that what comes back counts */
    if (wish->again) {
        query_add(url, "prompt", "login");
        query_add(url, "max_age", "0");
    }
    g_autoptr(Json) memory = json_pack("{s:s, s:s, s:s, s:s, s:I, s:b}", "directory", directory->id, "state", state, "nonce", nonce, "verifier",
                                       verifier, "until", (json_int_t)(clock_utc_ms() + OIDC_MS), "again", wish->again);
    g_autoptr(SecretString) text = json_text(memory);
    ret->url = g_string_free(g_steal_pointer(&url), FALSE);
    ret->cookie = secret_seal(PURPOSE, text);
    return true;
}

/* ---- the end ---- */

typedef struct {
    Json *owner;
    const char *nonce;
    const char *verifier;
    int again; /* of json_read */
} Memory;

int64_t oidc_proved_ms(const Json *claims, int64_t now_ms)
{
    const Json *claim = json_object_get(claims, "auth_time");
    int64_t seconds = json_is_integer(claim) ? json_integer_value(claim) : json_is_real(claim) ? (int64_t)CLAMP(json_real_value(claim), 0, 1e12) : 0;
    return seconds > 0 && seconds < now_ms / 1000 ? seconds * 1000 + 999 : seconds > 0 ? now_ms : -1;
}

static bool fail_stale(GError **error)
{
    return oriel_fail(error, ORIEL_ERROR_UNAUTHENTICATED, "this log-in took too long, or has ended: begin again");
}

bool oidc_used_add(GHashTable *used, const char *state, const char *network, int64_t until, GError **error)
{
    GHashTableIter each;
    gpointer value = NULL;
    unsigned same = 0;
    g_hash_table_iter_init(&each, used);
    while (g_hash_table_iter_next(&each, NULL, &value)) {
        const OidcUsed *one = value;
        if (one->until < clock_utc_ms())
            g_hash_table_iter_remove(&each);
        else
            same += strcmp(one->network, network) == 0;
    }
    if (g_hash_table_contains(used, state))
        return fail_stale(error);
    if (same >= LIMIT_PROVIDER_LOGINS_ADDRESS || g_hash_table_size(used) >= LIMIT_PROVIDER_LOGINS)
        return oriel_fail(error, ORIEL_ERROR_TOO_MANY, "too many log-ins were finished from %s in the last minutes: wait, then begin again",
                          same >= LIMIT_PROVIDER_LOGINS_ADDRESS ? network : "everywhere");
    OidcUsed *one = g_malloc0(sizeof *one + strlen(network) + 1);
    one->until = until;
    memcpy(one->network, network, strlen(network) + 1);
    g_hash_table_insert(used, g_strdup(state), one);
    return true;
}

/* Whether it is finished for the first time. It is forgotten when it would be too old anyway. */
static bool use_up(Identity *identity, const char *state, const char *address, int64_t until, GError **error)
{
    g_autofree char *network = socket_network(address ? address : "");
    g_mutex_lock(&identity->count_lock);
    bool first = oidc_used_add(identity->used, state, network, until, error);
    g_mutex_unlock(&identity->count_lock);
    return first;
}

static bool memory_read(Identity *identity, const StoreDirectory *directory, const OidcAnswer *answer, Memory *ret, GError **error)
{
    const char *directory_id = NULL, *state = NULL;
    json_int_t until = 0;
    g_autoptr(SecretString) text = answer->cookie ? secret_open(PURPOSE, answer->cookie, NULL) : NULL;
    g_autoptr(Json) memory = text ? json_parse_object(text, strlen(text), "log-in", NULL) : NULL;
    if (!memory || !json_read(memory, "log-in", NULL, "{s:s, s:s, s:s, s:s, s:I, s:b}", "directory", &directory_id, "state", &state,
                              "nonce", &ret->nonce, "verifier", &ret->verifier, "until", &until, "again", &ret->again))
        return fail_stale(error);
    if (until < clock_utc_ms() || strcmp(directory_id, directory->id) != 0 || !secret_equal(state, answer->state))
        return fail_stale(error);
    if (!use_up(identity, state, answer->address, until, error))
        return false;
    ret->owner = g_steal_pointer(&memory);
    return true;
}

static bool refusal_check(const OidcAnswer *answer, const OidcSettings *settings, GError **error)
{
    if (answer->issuer && strcmp(answer->issuer, settings->issuer) != 0)
        return oriel_fail(error, ORIEL_ERROR_UNAUTHENTICATED, "the answer is of another issuer than the one that was asked");
    if (g_strcmp0(answer->error, "temporarily_unavailable") == 0 || g_strcmp0(answer->error, "server_error") == 0)
        return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "the provider says \"%s\"", answer->error);
    if (answer->error) {
        g_autofree char *word = g_strndup(answer->error, 40);
        return oriel_fail(error, ORIEL_ERROR_FORBIDDEN, "the provider says \"%s\"", g_str_is_ascii(word) ? word : "?");
    }
    return answer->code || oriel_fail(error, ORIEL_ERROR_INVALID, "the provider's answer has no code");
}

static char *escaped(const char *text)
{
    return g_uri_escape_string(text, NULL, false);
}

/* RFC 6749 2.3.1: name and secret are percent-encoded before they become HTTP's. */
static char *basic_of(const OidcSettings *settings, const char *secret)
{
    g_autofree char *name = escaped(settings->client_id);
    g_autoptr(SecretString) word = escaped(secret);
    return g_strconcat(name, ":", word, NULL);
}

typedef struct {
    const StoreDirectory *directory;
    const OidcSettings *settings;
    const ProviderAddresses *addresses;
    const OidcAnswer *answer;
    const Memory *memory;
    bool second; /* the provider says that it asked for a second factor */
    int64_t proved_ms;
} Exchange;

/* The token endpoint's answer: a code for tokens. */
static Json *tokens_get(const Exchange *exchange, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(SecretString) secret = directory_secret_open(exchange->directory, &failure);
    if (failure) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
    }
    g_autoptr(GString) form = g_string_new(NULL);
    bool in_form = !secret || exchange->addresses->secret_in_form;
    query_add(form, "grant_type", "authorization_code");
    query_add(form, "code", exchange->answer->code);
    query_add(form, "redirect_uri", exchange->answer->redirect_uri);
    query_add(form, "code_verifier", exchange->memory->verifier);
    if (in_form)
        query_add(form, "client_id", exchange->settings->client_id);
    if (in_form && secret)
        query_add(form, "client_secret", secret);
    g_autoptr(SecretString) basic = in_form ? NULL : basic_of(exchange->settings, secret);
    FetchRequest request = {.url = exchange->addresses->token,
                            .certificates = exchange->settings->certificates,
                            .form = form->str,
                            .basic = basic};
    long status = 0;
    g_autoptr(Json) answer = fetch_json(&request, &status, error);
    explicit_bzero(form->str, form->len);
    if (!answer || status == 200)
        return g_steal_pointer(&answer);
    const char *why = json_string_value(json_object_get(answer, "error"));
    oriel_fail(error, ORIEL_ERROR_UNAUTHENTICATED, "the provider gives no token: \"%s\" (status %ld)%s", why ? why : "", status,
               g_strcmp0(why, "invalid_client") == 0 ? "; check client_id and secret of the directory" : "");
    return NULL;
}

/* Many providers say names and groups only there. What the ID token says comes first. */
static bool user_info_add(const Exchange *exchange, Json *claims, const char *access_token, GError **error)
{
    const OidcSettings *settings = exchange->settings;
    bool whole = oidc_claim(claims, settings->name_claim) && oidc_claim(claims, settings->display_name_claim) &&
                 (!settings->groups_claim || oidc_claim(claims, settings->groups_claim));
    if (whole || !access_token || !exchange->addresses->user_info)
        return true;
    FetchRequest request = {
        .url = exchange->addresses->user_info, .certificates = settings->certificates, .bearer = access_token};
    long status = 0;
    g_autoptr(Json) info = fetch_json(&request, &status, error);
    if (!info)
        return false;
    const char *subject = json_string_value(json_object_get(info, "sub"));
    if (status != 200)
        return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "%s: answers with status %ld", request.url, status);
    if (g_strcmp0(subject, json_string_value(json_object_get(claims, "sub"))) != 0)
        return oriel_fail(error, ORIEL_ERROR_UNAUTHENTICATED, "the provider's userinfo is about another person");
    return json_object_update_missing(claims, info) == 0;
}

static bool person_get(Identity *identity, Exchange *exchange, DirectoryPerson *ret, GError **error)
{
    g_autoptr(Json) tokens = tokens_get(exchange, error);
    const char *token = json_string_value(json_object_get(tokens, "id_token"));
    const char *access = json_string_value(json_object_get(tokens, "access_token"));
    if (!tokens)
        return false;
    if (!token)
        return oriel_fail(error, ORIEL_ERROR_UNAUTHENTICATED, "the provider gives no ID token: see the setting \"scopes\"");
    g_autoptr(Json) claims =
        provider_verify(identity->providers, exchange->directory->id, exchange->settings, token, error);
    IdTokenRules rules = {exchange->settings->issuer, exchange->settings->client_id, exchange->memory->nonce, clock_utc_ms()};
    if (!claims || !id_token_check(claims, &rules, error))
        return false;
    exchange->second = oidc_second_factor(claims, exchange->settings); /* before what nobody signed is added */
    exchange->proved_ms = oidc_proved_ms(claims, rules.now_ms);
    if (exchange->memory->again && exchange->proved_ms < 0)
        log_warning("provider \"%s\": was asked when it asked the person (max_age) and does not say (auth_time of its ID token), so this log-in unlocks no session",
                    exchange->directory->name);
    return user_info_add(exchange, claims, access, error) &&
           oidc_person_read(claims, exchange->settings, ret, error);
}

/* Whether Oriel's own rules of the second factor hold at this log-in. */
static bool is_asked(const OidcSettings *settings, bool second)
{
    return settings->totp_set ? settings->totp : !second;
}

static Login *person_login(Identity *identity, const Exchange *exchange, const DirectoryPerson *person, const ClientInfo *client,
                           GError **error)
{
    DirectoryRules rules = {exchange->settings->allow_create, exchange->settings->role};
    g_autoptr(StoreUser) user = directory_person_user(identity, exchange->directory, person, &rules, error);
    if (!user)
        return NULL;
    if (!user->may_log_in) {
        oriel_fail(error, ORIEL_ERROR_FORBIDDEN, "user \"%s\": is disabled; ask an administrator", user->name);
        return NULL;
    }
    LoginMeans means = {client, SCOPES_ALL, "provider", exchange->directory->id, exchange->proved_ms};
    return is_asked(exchange->settings, exchange->second) ? login_finish_by(identity, user, &means, error)
                                                          : login_open(identity, user, &means, error);
}

/* Whoever has begun a log-in and fails leaves a trace; what came without one is anybody's. */
static void failure_note(Identity *identity, const StoreDirectory *directory, const ClientInfo *client, const GError *why)
{
    g_autofree char *reason = g_utf8_make_valid(why->message, -1);
    g_autoptr(Json) detail = json_pack("{s:s, s:s}", "provider", directory->name, "why", reason);
    g_autofree char *text = json_text(detail);
    StoreActor actor = {.name = "unknown", .address = client->address};
    StoreEventNew event = {.action = "login", .result = oriel_error_info(oriel_error_kind(why))->type, .detail = text};
    store_event_add(identity->store, &actor, &event, NULL);
}

Login *oidc_finish(Identity *identity, const StoreDirectory *directory, const OidcAnswer *answer, const ClientInfo *client,
                   GError **error)
{
    g_auto(OidcSettings) settings = {0};
    g_auto(ProviderAddresses) addresses = {0};
    g_auto(DirectoryPerson) person = {0};
    g_autoptr(GError) failure = NULL;
    Memory memory = {0};
    g_autoptr(Json) owner = settings_of(directory, &settings, error);
    if (!owner || !memory_read(identity, directory, answer, &memory, error))
        return NULL;
    g_autoptr(Json) memory_owner = memory.owner;
    Exchange exchange = {directory, &settings, &addresses, answer, &memory, false, -1};
    Login *login = NULL;
    if (refusal_check(answer, &settings, &failure) &&
        provider_addresses(identity->providers, directory->id, &settings, &addresses, &failure) &&
        person_get(identity, &exchange, &person, &failure))
        login = person_login(identity, &exchange, &person, client, &failure);
    if (login)
        return login;
    failure_note(identity, directory, client, failure);
    g_propagate_error(error, g_steal_pointer(&failure));
    return NULL;
}

/* ---- log out ---- */

char *oidc_log_out_url(Identity *identity, const StoreWebSession *session, const char *back_to)
{
    g_auto(OidcSettings) settings = {0};
    g_auto(ProviderAddresses) addresses = {0};
    if (strcmp(session->means, "provider") != 0)
        return NULL;
    g_autoptr(StoreDirectory) directory = store_directory_find(identity->store, session->means_id, NULL);
    g_autoptr(Json) owner = directory ? settings_of(directory, &settings, NULL) : NULL;
    if (!owner || !provider_addresses_known(identity->providers, directory->id, &settings, &addresses) || !addresses.end_session)
        return NULL;
    g_autoptr(GString) url = g_string_new(addresses.end_session);
    query_add(url, "client_id", settings.client_id);
    query_add(url, "post_logout_redirect_uri", back_to);
    return g_string_free(g_steal_pointer(&url), FALSE);
}
