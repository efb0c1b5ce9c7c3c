/* ID tokens, good and forged (tests/fixtures/oidc/tokens.json), and the person that claims speak of. */
#include <glib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/secret.h"
#include "identity/fetch.h"
#include "identity/jwt.h"
#include "identity/oidc.h"
#include "identity/oidc_claims.h"

static Json *fixture(void)
{
    g_autoptr(GError) error = NULL;
    Json *all = json_read_file(ORIEL_TOKENS, 1024 * 1024, &error);
    g_assert_no_error(error);
    return all;
}

/* NULL: good. */
static char *refusal_of(Json *all, const char *token, bool *ret_unknown)
{
    g_autoptr(GError) error = NULL;
    IdTokenRules rules = {json_string_value(json_object_get(all, "issuer")), "oriel", "the nonce",
                          json_integer_value(json_object_get(all, "now")) * 1000};
    g_autoptr(Json) claims = jwt_verify(token, json_object_get(all, "keys"), ret_unknown, &error);
    if (claims && id_token_check(claims, &rules, &error)) {
        g_assert_no_error(error);
        g_assert_cmpstr(json_string_value(json_object_get(claims, "sub")), ==, "person 1");
        return NULL;
    }
    g_assert_nonnull(error);
    return g_strdup(error->message);
}

static void test_tokens(void)
{
    g_autoptr(Json) all = fixture();
    size_t i, good = 0;
    Json *row;
    json_array_foreach (json_object_get(all, "tokens"), i, row) {
        const char *name = json_string_value(json_object_get(row, "name"));
        const char *why = json_string_value(json_object_get(row, "why"));
        bool unknown = false;
        g_autofree char *refusal = refusal_of(all, json_string_value(json_object_get(row, "token")), &unknown);
        g_test_message("%s: %s", name, refusal ? refusal : "good");
        good += !refusal;
        if (*why && (!refusal || !strstr(refusal, why)))
            g_error("%s: \"%s\" instead of \"%s\"", name, refusal ? refusal : "good", why);
        if (!*why && refusal)
            g_error("%s: %s", name, refusal);
        g_assert_cmpint(unknown, ==, strcmp(why, "does not publish") == 0);
    }
    g_assert_cmpuint(good, ==, 8);
}

/* Each letter of a good token counts. */
static void test_every_letter(void)
{
    g_autoptr(Json) all = fixture();
    g_autofree char *token = g_strdup(json_string_value(json_object_get(json_array_get(json_object_get(all, "tokens"), 3), "token")));
    bool unknown = false;
    g_assert_null(refusal_of(all, token, &unknown));
    for (size_t i = 0; token[i]; i++) {
        char was = token[i];
        token[i] = was == 'A' ? 'B' : 'A';
        g_autofree char *refusal = refusal_of(all, token, &unknown);
        g_assert_nonnull(refusal);
        token[i] = was;
    }
}

static void test_keys_that_are_none(void)
{
    static const char *const texts[] = {"{}", "{\"keys\": 3}", "{\"keys\": []}", "{\"keys\": {\"a\": 1}}", "{\"keys\": [[], 1, \"x\", {}]}"};
    g_autoptr(Json) all = fixture();
    const char *token = json_string_value(json_object_get(json_array_get(json_object_get(all, "tokens"), 0), "token"));
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Json) keys = json_loads(texts[i], 0, NULL);
        bool unknown = false;
        g_assert_null(jwt_verify(token, keys, &unknown, &error));
        g_assert_true(unknown);
        g_assert_cmpint(oriel_error_kind(error), ==, ORIEL_ERROR_UNAUTHENTICATED);
    }
}

static void test_urls(void)
{
    static const struct {
        const char *url;
        bool allowed;
    } rows[] = {
        {"https://login.example", true},
        {"https://login.example:8443/realms/desk", true},
        {"http://127.0.0.1:8080/x", true},
        {"http://localhost", true},
        {"http://[::1]:80/", true},
        {"http://login.example", false},
        {"http://127.0.0.1.example/", false},
        {"http://localhost@login.example/", false},
        {"https://user@login.example/", false},
        {"https://login.example/#x", false},
        {"https:///x", false},
        {"https://login.example/\r\nx", false},
        {"https://login.example/ x", false},
        {"file:///etc/passwd", false},
        {"ftp://127.0.0.1/", false},
        {"login.example", false},
        {"", false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        g_assert_true(fetch_url_allowed(rows[i].url) == rows[i].allowed);
}

static void test_claims(void)
{
    g_autoptr(Json) claims = json_pack("{s:s, s:s, s:s, s:[s, s, i, s], s:{s:{s:[s]}}, s:s, s:[]}", "sub", "1", "preferred_username",
                                       "Anna", "name", "Anna A", "groups", "staff", "", 3, "vip", "realm", "access", "roles", "boss",
                                       "a.b", "dotted", "none");
    OidcSettings settings = {.name_claim = "preferred_username", .display_name_claim = "name"};
    static const struct {
        const char *claim;
        const char *groups; /* NULL: not known */
    } rows[] = {{NULL, NULL},           {"groups", "staff vip"}, {"realm.access.roles", "boss"}, {"a.b", "dotted"}, {"none", ""},
                {"absent", ""},         {"realm", ""},           {"groups.x", ""},               {"..", ""},        {"name", "Anna A"}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_auto(DirectoryPerson) person = {0};
        settings.groups_claim = rows[i].claim;
        g_assert_true(oidc_person_read(claims, &settings, &person, &error));
        g_autofree char *groups = person.groups ? g_strjoinv(" ", person.groups) : NULL;
        g_assert_cmpstr(groups, ==, rows[i].groups);
        g_assert_cmpstr(person.name, ==, "Anna");
        g_assert_cmpstr(person.display_name, ==, "Anna A");
        g_assert_null(person.email);
    }
    g_autoptr(GError) error = NULL;
    g_auto(DirectoryPerson) person = {0};
    settings.name_claim = "upn";
    g_assert_false(oidc_person_read(claims, &settings, &person, &error));
    g_assert_cmpint(oriel_error_kind(error), ==, ORIEL_ERROR_INVALID);
    g_assert_nonnull(strstr(error->message, "\"upn\""));
}

static void test_second_factor(void)
{
    const char *gold[] = {"gold", NULL};
    OidcSettings plain = {0}, levels = {.second_factor_acr = gold};
    static const struct {
        const char *claims;
        bool plain, levels;
    } rows[] = {
        {"{}", false, false},
        {"{\"amr\": [\"pwd\"]}", false, false},
        {"{\"amr\": [\"otp\"]}", false, false},
        {"{\"amr\": [\"mfa\"]}", true, true},
        {"{\"amr\": [\"pwd\", \"mfa\"]}", true, true},
        {"{\"amr\": [\"pwd\", \"otp\"]}", true, true},
        {"{\"amr\": [\"pin\", \"hwk\"]}", true, true},
        {"{\"amr\": [\"pwd\", \"pin\"]}", false, false},
        {"{\"amr\": [\"otp\", \"hwk\"]}", false, false},
        {"{\"amr\": [\"MFA\", 3, null]}", false, false},
        {"{\"amr\": \"mfa\"}", false, false},
        {"{\"acr\": \"gold\"}", false, true},
        {"{\"acr\": \"silver\"}", false, false},
        {"{\"acr\": [\"gold\"]}", false, false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Json) claims = json_parse_object(rows[i].claims, strlen(rows[i].claims), "claims", &error);
        g_assert_no_error(error);
        g_assert_cmpint(oidc_second_factor(claims, &plain), ==, rows[i].plain);
        g_assert_cmpint(oidc_second_factor(claims, &levels), ==, rows[i].levels);
    }
}

/* Whoever finishes log-ins from one address without end takes no room from the others, and each counts once. */
static void test_used(void)
{
    g_autoptr(GHashTable) used = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    int64_t until = clock_utc_ms() + 60000;
    for (int i = 0; i < LIMIT_PROVIDER_LOGINS_ADDRESS; i++) {
        g_autofree char *state = g_strdup_printf("state %d", i);
        g_assert_true(oidc_used_add(used, state, "192.0.2.7", until, NULL));
    }
    g_autoptr(GError) full = NULL, again = NULL;
    g_assert_false(oidc_used_add(used, "one more", "192.0.2.7", until, &full));
    g_assert_cmpint(oriel_error_kind(full), ==, ORIEL_ERROR_TOO_MANY);
    g_assert_true(oidc_used_add(used, "another's", "192.0.2.8", until, NULL));
    g_assert_false(oidc_used_add(used, "another's", "192.0.2.8", until, NULL));
    g_assert_false(oidc_used_add(used, "state 0", "192.0.2.8", until, &again));
    g_assert_cmpint(oriel_error_kind(again), ==, ORIEL_ERROR_UNAUTHENTICATED);
    g_assert_true(oidc_used_add(used, "old", "192.0.2.9", clock_utc_ms() - 1, NULL)); /* forgotten at the next */
    g_assert_true(oidc_used_add(used, "old", "192.0.2.9", until, NULL));
}

/* A provider that let the person in because it knew them already has not asked who sits there now. */
static void test_proved(void)
{
    const int64_t now_ms = 1700000000500;
    static const struct {
        const char *claims;
        int64_t proved_ms;
    } rows[] = {
        {"{'auth_time': 1699999000}", 1699999000999}, {"{'auth_time': 1700000000}", 1700000000500}, {"{'auth_time': 1700009999}", 1700000000500},
        {"{'auth_time': 1e300}", 1700000000500},      {"{'auth_time': -5}", -1},                    {"{'auth_time': 'now'}", -1},
        {"{'auth_time': null}", -1},                  {"{}", -1}, /* also of one that was told to ask: was it, when the request got there? */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = g_strdelimit(g_strdup(rows[i].claims), "'", '"');
        g_autoptr(Json) claims = json_parse_object(text, strlen(text), "claims", NULL);
        g_assert_cmpint(oidc_proved_ms(claims, now_ms), ==, rows[i].proved_ms);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_true(secret_init(NULL));
    g_test_add_func("/oidc/tokens", test_tokens);
    g_test_add_func("/oidc/every-letter", test_every_letter);
    g_test_add_func("/oidc/keys-that-are-none", test_keys_that_are_none);
    g_test_add_func("/oidc/urls", test_urls);
    g_test_add_func("/oidc/claims", test_claims);
    g_test_add_func("/oidc/second-factor", test_second_factor);
    g_test_add_func("/oidc/used", test_used);
    g_test_add_func("/oidc/proved", test_proved);
    return g_test_run();
}
