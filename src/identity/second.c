#include "identity/second.h"

#include <liboath/oath.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/network.h"
#include "base/secret.h"
#include "identity/internal.h"
#include "store/event.h"
#include "store/setting.h"

enum { RECOVERY_CODES = 10, RECOVERY_BYTES = 10, CODE_LONGEST = 64, NETWORKS_MOST = 64 };

#define SETTING "login"

/* ---- the rules ---- */

void login_rules_clear(LoginRules *rules)
{
    g_clear_pointer(&rules->trusted, g_strfreev);
}

static char *rules_text(const LoginRules *rules)
{
    g_autofree char *roles = roles_format(rules->totp_roles);
    g_autofree char *trusted = g_strjoinv(" ", rules->trusted);
    g_autoptr(Json) object = json_pack("{s:s, s:s}", "totp_roles", roles, "trusted_networks", trusted);
    return json_text(object);
}

bool identity_login_rules(Identity *identity, LoginRules *ret, GError **error)
{
    g_autoptr(GError) failure = NULL;
    const char *roles = "", *trusted = "";
    g_autofree char *text = store_setting_get(identity->store, SETTING, &failure);
    if (failure) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return false;
    }
    g_autoptr(Json) object = text ? json_parse_object(text, strlen(text), "setting \"login\"", error) : NULL;
    if (text && (!object || !json_read(object, "setting \"login\"", error, "{s:s, s:s}", "totp_roles", &roles,
                                       "trusted_networks", &trusted)))
        return false;
    if (!roles_parse(roles, &ret->totp_roles, error))
        return false;
    ret->trusted = *trusted ? g_strsplit(trusted, " ", -1) : g_new0(char *, 1);
    return true;
}

bool identity_login_rules_set(Identity *identity, const StoreActor *actor, const LoginRules *rules, GError **error)
{
    if (g_strv_length(rules->trusted) > NETWORKS_MOST)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "trusted_networks: at most %d", NETWORKS_MOST);
    for (size_t i = 0; rules->trusted[i]; i++) {
        Network network;
        if (!network_parse(rules->trusted[i], "trusted_networks", &network, error))
            return false;
    }
    g_auto(LoginRules) old = {0};
    if (!identity_login_rules(identity, &old, error))
        return false;
    g_autofree char *before = rules_text(&old), *after = rules_text(rules);
    return store_setting_set(identity->store, actor, &(StoreSettingChange){SETTING, before, after}, error);
}

/* ---- secrets and codes ---- */

void totp_enrolment_clear(TotpEnrolment *enrolment)
{
    g_clear_pointer(&enrolment->secret, secret_free);
    g_clear_pointer(&enrolment->uri, secret_free);
}

static char *purpose_of(const char *user_id)
{
    return g_strconcat("totp ", user_id, NULL);
}

/* Letters only, as they were made: people type dashes, spaces and small letters. */
static char *recovery_hash(const char *user_id, const char *code)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_string_printf(text, "recovery %s ", user_id);
    for (const char *at = code; *at; at++)
        if (*at != ' ' && *at != '-')
            g_string_append_c(text, g_ascii_toupper(*at));
    return secret_token_hash(text->str);
}

/* "ABCD-EFGH-IJKL-MNOP": 80 random bits, so that a plain hash of them is enough. */
static char *recovery_code_new(void)
{
    char bytes[RECOVERY_BYTES], *text = NULL;
    size_t length = 0;
    secret_random(bytes, sizeof bytes);
    if (oath_base32_encode(bytes, sizeof bytes, &text, &length) != OATH_OK)
        return NULL;
    char *code = g_strdup_printf("%.4s-%.4s-%.4s-%.4s", text, text + 4, text + 8, text + 12);
    free(text);
    return code;
}

/* *ret_hashes likewise NULL-ended. */
static char **recovery_codes_new(const char *user_id, char ***ret_hashes)
{
    char **codes = g_new0(char *, RECOVERY_CODES + 1);
    *ret_hashes = g_new0(char *, RECOVERY_CODES + 1);
    for (size_t i = 0; i < RECOVERY_CODES; i++) {
        codes[i] = recovery_code_new();
        (*ret_hashes)[i] = recovery_hash(user_id, codes[i]);
    }
    return codes;
}

/* A code that was not accepted. That clocks are apart is the usual reason, and only the person can see it. */
static bool fail_wrong(bool used, GError **error)
{
    g_autofree char *now = clock_format_utc(clock_utc_ms());
    if (used)
        return oriel_fail(error, ORIEL_ERROR_FORBIDDEN,
                          "this code was used already: wait for the next one that your device shows");
    return oriel_fail(error, ORIEL_ERROR_FORBIDDEN,
                      "the code is wrong. The server's clock says %.8s UTC: a device whose clock is apart by more than half a "
                      "minute shows other codes",
                      now + strlen("2026-11-23T"));
}

typedef struct {
    const char *user_id;
    const char *user_name;
    const char *code;
    const ClientInfo *client;
} CodeCheck;

/* *ret: whether it is right; a right one is used up by that. *ret_used: it was right once before. */
static bool code_is_right(Identity *identity, const CodeCheck *check, const StoreTotp *totp, bool *ret, bool *ret_used,
                          GError **error)
{
    g_autofree char *purpose = purpose_of(check->user_id);
    g_autoptr(SecretString) secret = secret_open(purpose, totp->secret, error);
    if (!secret)
        return false;
    int64_t step = totp_match(secret, check->code, clock_utc_ms());
    if (step) {
        bool done = store_totp_use(identity->store, check->user_id, step, ret, error);
        *ret_used = !*ret;
        return done;
    }
    g_autofree char *hash = recovery_hash(check->user_id, check->code);
    StoreActor actor = {
        .user_id = check->user_id, .name = check->user_name, .address = check->client->address};
    return store_recovery_code_use(identity->store, &actor, check->user_id, hash, ret, error);
}

/* A wrong code is counted under the person, not the name they typed, and apart from their passwords: whoever has the password
 * must not clear the count by logging in halfway. */
static bool code_check(Identity *identity, const CodeCheck *check, GError **error)
{
    g_autofree char *key = g_strconcat("code:", check->user_id, NULL);
    g_auto(StoreTotp) totp = {0};
    bool right = false, used = false;
    if (strlen(check->code) > CODE_LONGEST)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "code: it has at most %d characters", CODE_LONGEST);
    if (!attempt_begin(identity, key, check->client->address, error) ||
        !store_totp_get(identity->store, check->user_id, &totp, error))
        return false;
    if (!totp.secret || totp.confirmed_ms == 0)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "there is no second factor");
    if (!code_is_right(identity, check, &totp, &right, &used, error))
        return false;
    if (right)
        return attempt_succeeded(identity, key, error);
    StoreActor actor = {
        .user_id = check->user_id, .name = check->user_name, .address = check->client->address};
    StoreEventNew event = {.action = "totp.check",
                           .object_kind = "user",
                           .object_id = check->user_id,
                           .object_name = check->user_name,
                           .result = oriel_error_info(ORIEL_ERROR_FORBIDDEN)->type};
    return attempt_failed(identity, check->client->address, error) &&
           store_event_add(identity->store, &actor, &event, error) && fail_wrong(used, error);
}

/* ---- one's own ---- */

static bool demand_browser(const Caller *caller, GError **error)
{
    return caller->means == CALLER_COOKIE ||
           oriel_fail(error, ORIEL_ERROR_CONFLICT,
                      "a second factor is set up by the person, who is logged in with a browser");
}

bool identity_totp_begin(Identity *identity, const Caller *caller, TotpEnrolment *ret, GError **error)
{
    if (!demand_browser(caller, error))
        return false;
    ret->secret = totp_secret_new();
    ret->uri = totp_uri(ret->secret, caller->name);
    g_autofree char *purpose = purpose_of(caller->user_id);
    g_autofree char *sealed = secret_seal(purpose, ret->secret);
    return store_totp_begin(identity->store, caller->user_id, sealed, error);
}

char **identity_totp_confirm(Identity *identity, const Caller *caller, const char *code, const ClientInfo *client,
                             GError **error)
{
    g_auto(StoreTotp) totp = {0};
    if (!demand_browser(caller, error) || !store_totp_get(identity->store, caller->user_id, &totp, error))
        return NULL;
    if (!totp.secret || totp.confirmed_ms) {
        oriel_fail(error, ORIEL_ERROR_CONFLICT, "no second factor waits to be confirmed: begin again");
        return NULL;
    }
    g_autofree char *purpose = purpose_of(caller->user_id);
    g_autoptr(SecretString) secret = secret_open(purpose, totp.secret, error);
    if (!secret)
        return NULL;
    int64_t step = strlen(code) <= CODE_LONGEST ? totp_match(secret, code, clock_utc_ms()) : 0;
    if (!step) {
        fail_wrong(false, error); /* nothing to guess here: the secret was just shown */
        return NULL;
    }
    g_auto(GStrv) hashes = NULL;
    g_auto(GStrv) codes = recovery_codes_new(caller->user_id, &hashes);
    StoreActor actor = {.user_id = caller->user_id, .name = caller->name, .address = client->address};
    StoreTotpConfirm confirm = {
        caller->user_id, step, (const char *const *)hashes, caller->session_id};
    return store_totp_confirm(identity->store, &actor, &confirm, error) ? g_steal_pointer(&codes) : NULL;
}

bool identity_totp_remove(Identity *identity, const Caller *caller, const char *code, const ClientInfo *client,
                          GError **error)
{
    CodeCheck check = {caller->user_id, caller->name, code, client};
    StoreActor actor = {.user_id = caller->user_id, .name = caller->name, .address = client->address};
    return demand_browser(caller, error) && code_check(identity, &check, error) &&
           store_totp_remove(identity->store, &actor, caller->user_id, "totp.remove", error);
}

char **identity_recovery_codes_new(Identity *identity, const Caller *caller, const char *code, const ClientInfo *client,
                                   GError **error)
{
    CodeCheck check = {caller->user_id, caller->name, code, client};
    if (!demand_browser(caller, error) || !code_check(identity, &check, error))
        return NULL;
    g_auto(GStrv) hashes = NULL;
    g_auto(GStrv) codes = recovery_codes_new(caller->user_id, &hashes);
    StoreActor actor = {.user_id = caller->user_id, .name = caller->name, .address = client->address};
    return store_recovery_codes_replace(identity->store, &actor, caller->user_id, (const char *const *)hashes, error)
               ? g_steal_pointer(&codes)
               : NULL;
}

/* ---- the second step of a log-in ---- */

#define HALF_MS (5 * 60 * 1000LL)
#define HALF_PURPOSE "half login"

/* Of the password with which the first step was done: a new one voids what is half done. */
static char *password_mark(Identity *identity, const char *user_id, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autofree char *hash = store_password_get(identity->store, user_id, &failure);
    if (failure) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
    }
    return secret_token_hash(hash ? hash : "");
}

static char *half_new(Identity *identity, const StoreUser *user, const LoginMeans *means, GError **error)
{
    g_autofree char *mark = password_mark(identity, user->id, error);
    if (!mark)
        return NULL;
    g_autoptr(Json) object = json_pack("{s:s, s:s, s:I, s:s*, s:s*}", "user", user->id, "mark", mark, "until",
                                       (json_int_t)(clock_utc_ms() + HALF_MS), "means", means->means, "means_id", means->means_id);
    g_autofree char *text = json_text(object);
    return secret_seal(HALF_PURPOSE, text);
}

static Json *half_open(const char *half)
{
    g_autofree char *text = secret_open(HALF_PURPOSE, half, NULL);
    return text ? json_parse_object(text, strlen(text), "half login", NULL) : NULL;
}

/* NULL with no error: it is none, or no good any more. The means' texts are the object's. */
static StoreUser *half_user(Identity *identity, Json *object, LoginMeans *ret_means, GError **error)
{
    const char *user_id = NULL, *mark = NULL;
    json_int_t until = 0;
    if (!object ||
        !json_read(object, "half login", NULL, "{s:s, s:s, s:I, s?s, s?s}", "user", &user_id, "mark", &mark, "until", &until,
                   "means", &ret_means->means, "means_id", &ret_means->means_id) ||
        until < clock_utc_ms())
        return NULL;
    g_autoptr(GError) failure = NULL;
    g_autoptr(StoreUser) user = store_user_find(identity->store, user_id, &failure);
    g_autofree char *now = user ? password_mark(identity, user->id, &failure) : NULL;
    if (failure && oriel_error_kind(failure) != ORIEL_ERROR_NOT_FOUND) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
    }
    return now && user->may_log_in && secret_equal(now, mark) ? g_steal_pointer(&user) : NULL;
}

Login *login_finish(Identity *identity, const StoreUser *user, const ClientInfo *client, GError **error)
{
    return login_finish_by(identity, user, &(LoginMeans){client, SCOPES_ALL, NULL, NULL, 0}, error);
}

Login *login_finish_by(Identity *identity, const StoreUser *user, const LoginMeans *by, GError **error)
{
    LoginMeans means = *by;
    Roles roles = 0;
    g_auto(LoginRules) rules = {0};
    g_auto(StoreTotp) totp = {0};
    if (!roles_parse(user->roles, &roles, error) || !identity_login_rules(identity, &rules, error) ||
        !store_totp_get(identity->store, user->id, &totp, error))
        return NULL;
    TotpRules about = {rules.totp_roles, (const char *const *)rules.trusted};
    TotpNeed need = totp_required(&about, roles, totp.secret && totp.confirmed_ms, means.client->address);
    if (need == TOTP_ENROL)
        means.scopes = SCOPE_ENROL;
    if (need != TOTP_ASK)
        return login_open(identity, user, &means, error);
    g_autoptr(Login) login = g_new0(Login, 1);
    login->half = half_new(identity, user, &means, error);
    login->expires_ms = clock_utc_ms() + HALF_MS;
    return login->half ? g_steal_pointer(&login) : NULL;
}

Login *identity_login_code(Identity *identity, const char *half, const char *code, const ClientInfo *client, GError **error)
{
    g_autoptr(GError) failure = NULL;
    LoginMeans means = {client, SCOPES_ALL, NULL, NULL, 0};
    g_autoptr(Json) object = half_open(half);
    g_autoptr(StoreUser) user = half_user(identity, object, &means, &failure);
    if (failure) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
    }
    if (!user) {
        oriel_fail(error, ORIEL_ERROR_UNAUTHENTICATED, "this log-in took too long, or has ended: begin again");
        return NULL;
    }
    CodeCheck check = {user->id, user->name, code, client};
    if (!code_check(identity, &check, error))
        return NULL;
    return login_open(identity, user, &means, error);
}
