/* Rules and roles, and log-ins, links, tokens on both databases. */
#include <string.h>

#include "../fixtures/store/backend.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/secret.h"
#include "identity/browser.h"
#include "identity/identity.h"
#include "identity/kiosk.h"
#include "identity/recheck.h"
#include "identity/totp.h"
#include "store/event.h"

#define GOOD "correct horse battery"

static const ClientInfo client = {.address = "192.0.2.7", .agent = "test"};

static void test_names(void)
{
    static const struct {
        const char *name;
        bool good;
    } rows[] = {
        {"a", true},
        {"anna", true},
        {"anna.b-c_d@example.org", true},
        {"0", true},
        {"", false},
        {NULL, false},
        {"Anna", false},
        {"-a", false},
        {".a", false},
        {"a b", false},
        {"a/b", false},
        {"a\nb", false},
        {"\u00e4", false},
        {"01arz3ndektsv4rrffq69g5fav", false},
        {"81arz3ndektsv4rrffq69g5fav", true},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", true},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_cmpint(name_check(rows[i].name, "user", &error), ==, rows[i].good);
        g_assert_true(rows[i].good == (error == NULL));
    }
}

static void test_recheck_share(void)
{
    static const size_t rows[][2] = {{0, 20}, {1, 20}, {200, 20}, {201, 21}, {1000, 100}, {100001, 10001}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        g_assert_cmpuint(recheck_share(rows[i][0]), ==, rows[i][1]);
}

static void test_password_rules(void)
{
    static const struct {
        const char *password;
        bool good;
    } rows[] = {
        {GOOD, true},
        {"123456789", false},
        {"1234567890", false},
        {"aaaaaaaaaaaa", false},
        {"Password1234", false},
        {"administrator-x", false},
        {"\u00e4\u00f6\u00fc\u00df\u00e4\u00f6\u00fc\u00df\u00e4\u00f6", true},
        {"\u00e4\u00f6\u00fc\u00df\u00e4\u00f6\u00fc\u00df\u00e4", false},
        {"bad\xff utf-8 here", false},
        {"          ", false},
        {"it is a password", true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_cmpint(password_check(rows[i].password, "Administrator-X", &error), ==, rows[i].good);
    }
    g_autofree char *longest = g_strnfill(LIMIT_PASSWORD, 'a');
    longest[0] = 'b';
    g_assert_true(password_check(longest, NULL, NULL));
    g_autofree char *longer = g_strconcat(longest, "a", NULL);
    g_assert_false(password_check(longer, NULL, NULL));
}

#define ANY_SCOPE "read portal account desktops sessions pools images users jobs audit hosts enrol"

/* The whole table, written down a second time. */
static void test_permissions(void)
{
    static const struct {
        const char *word;
        const char *roles;
        const char *scopes; /* that let a call that writes through, beside "all" */
    } rows[] = {
        {"me", "admin operator helpdesk auditor user", ANY_SCOPE},
        {"totp", "admin operator helpdesk auditor user", "account enrol"},
        {"self", "admin operator helpdesk auditor user", "account"},
        {"session.own", "admin operator helpdesk auditor user", "portal sessions"},
        {"desktop.own", "admin operator helpdesk auditor user", "portal desktops"},
        {"portal", "admin operator helpdesk user", "portal"},
        {"connect.others", "admin operator", "desktops"},
        {"session.read", "admin operator helpdesk", "sessions"},
        {"session.write", "admin operator helpdesk", "sessions"},
        {"desktop.read", "admin operator helpdesk", "desktops"},
        {"desktop.power", "admin operator helpdesk", "desktops"},
        {"desktop.assign", "admin operator", "desktops"},
        {"desktop.delete", "admin", "desktops"},
        {"pool.read", "admin operator", "pools"},
        {"pool.write", "admin", "pools"},
        {"image.read", "admin operator", "images"},
        {"image.write", "admin", "images"},
        {"user.read", "admin", "users"},
        {"user.write", "admin", "users"},
        {"job.read", "admin operator", "jobs"},
        {"job.cancel", "admin operator", "jobs"},
        {"event.read", "admin auditor", "audit"},
        {"status.read", "admin operator", "hosts"},
        {"host.write", "admin", "hosts"},
        {"stream.all", "admin operator", ANY_SCOPE},
    };
    g_assert_cmpuint(G_N_ELEMENTS(rows), ==, PERMISSIONS);
    for (unsigned permission = 0; permission < PERMISSIONS; permission++) {
        Roles allowed = 0;
        for (Role role = ROLE_USER; role <= ROLE_ADMIN; role <<= 1)
            if (identity_allows(role, permission))
                allowed |= role;
        g_autofree char *words = roles_format(allowed);
        g_assert_cmpstr(permission_word(permission), ==, rows[permission].word);
        g_assert_cmpstr(words, ==, rows[permission].roles);
        g_assert_false(identity_allows(0, permission));
        Scopes enough = 0;
        for (Scope scope = SCOPE_READ; scope <= SCOPE_ENROL; scope <<= 1)
            if (scopes_allow(scope, permission, false))
                enough |= scope;
        g_autofree char *scopes = scopes_format(enough);
        g_assert_cmpstr(scopes, ==, rows[permission].scopes);
        g_assert_true(scopes_allow(SCOPES_ALL, permission, false));
        g_assert_true(scopes_allow(SCOPE_READ, permission, true));
        g_assert_false(scopes_allow(0, permission, true));
    }
    Roles roles = 99;
    g_autoptr(GError) error = NULL;
    g_assert_true(roles_parse("user  admin", &roles, &error));
    g_assert_cmpuint(roles, ==, ROLE_ADMIN | ROLE_USER);
    g_assert_true(roles_parse("", &roles, &error));
    g_assert_cmpuint(roles, ==, 0);
    g_assert_false(roles_parse("root", &roles, &error));
    assert_kind(error, ORIEL_ERROR_INVALID);
}

static void test_scopes(void)
{
    Scopes scopes = 0;
    g_autoptr(GError) error = NULL;
    g_assert_true(scopes_parse("desktops  read", &scopes, &error));
    g_assert_cmpuint(scopes, ==, SCOPE_READ | SCOPE_DESKTOPS);
    g_autofree char *text = scopes_format(scopes);
    g_assert_cmpstr(text, ==, "read desktops");
    g_assert_true(scopes_parse("all", &scopes, &error));
    g_assert_cmpuint(scopes, ==, SCOPES_ALL);
    g_autofree char *all = scopes_format(scopes);
    g_assert_cmpstr(all, ==, "all");
    g_assert_false(scopes_parse("read everything", &scopes, &error));
    g_assert_nonnull(strstr(error->message, "everything"));
    assert_kind(error, ORIEL_ERROR_INVALID);
}

/* RFC 6238, appendix B: of its eight digits the last six. */
static void test_totp_vectors(void)
{
    static const struct {
        int64_t seconds;
        const char *code;
    } rows[] = {{59, "287082"},         {1111111109, "081804"}, {1111111111, "050471"},
                {1234567890, "005924"}, {2000000000, "279037"}, {20000000000, "353130"}};
    static const char secret[] = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        int64_t step = rows[i].seconds / 30, now_ms = rows[i].seconds * 1000;
        g_autofree char *code = totp_code(secret, step);
        g_assert_cmpstr(code, ==, rows[i].code);
        g_assert_cmpint(totp_match(secret, rows[i].code, now_ms), ==, step);
        g_assert_cmpint(totp_match(secret, rows[i].code, now_ms + 30000), ==, step);
        g_assert_cmpint(totp_match(secret, rows[i].code, now_ms - 30000), ==, step);
        g_assert_cmpint(totp_match(secret, rows[i].code, now_ms + 60000), ==, 0);
        if (now_ms >= 60000)
            g_assert_cmpint(totp_match(secret, rows[i].code, now_ms - 60000), ==, 0);
    }
    g_assert_cmpint(totp_match(secret, "287 082", 59000), ==, 1);
    g_assert_cmpint(totp_match(secret, "", 59000), ==, 0);
    g_assert_cmpint(totp_match(secret, "28708", 59000), ==, 0);
    g_assert_cmpint(totp_match(secret, "2870820", 59000), ==, 0);
    g_assert_null(totp_code("not base32!", 1));
    g_autofree char *one = totp_secret_new(), *two = totp_secret_new();
    g_assert_cmpuint(strlen(one), ==, 32);
    g_assert_cmpstr(one, !=, two);
}

static void test_totp_required(void)
{
    const char *const office[] = {"192.0.2.0/24", NULL};
    const struct {
        TotpRules rules;
        Roles roles;
        bool enrolled;
        const char *address;
        TotpNeed need;
    } rows[] = {
        {{0, NULL}, ROLE_USER, false, "198.51.100.1", TOTP_NO},
        {{0, NULL}, ROLE_USER, true, "198.51.100.1", TOTP_ASK},
        {{ROLE_ADMIN, NULL}, ROLE_USER, false, "198.51.100.1", TOTP_NO},
        {{ROLE_ADMIN, NULL}, ROLE_USER | ROLE_ADMIN, false, "198.51.100.1", TOTP_ENROL},
        {{ROLE_ADMIN, NULL}, ROLE_ADMIN, true, "198.51.100.1", TOTP_ASK},
        {{ROLE_ADMIN, office}, ROLE_ADMIN, false, "192.0.2.5", TOTP_NO},
        {{ROLE_ADMIN, office}, ROLE_ADMIN, true, "192.0.2.5", TOTP_NO},
        {{ROLE_ADMIN, office}, ROLE_ADMIN, true, "::ffff:192.0.2.5", TOTP_NO},
        {{ROLE_ADMIN, office}, ROLE_ADMIN, true, "198.51.100.1", TOTP_ASK},
        {{ROLE_ADMIN, office}, ROLE_ADMIN, true, NULL, TOTP_ASK},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        g_assert_cmpint(totp_required(&rows[i].rules, rows[i].roles, rows[i].enrolled, rows[i].address), ==, rows[i].need);
}

static void test_browser_names(void)
{
    static const char *const rows[][2] = {
        {"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox 128 on Linux"},
        {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 "
         "Edg/126.0.0.0",
         "Edge 126 on Windows"},
        {"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
         "Chrome 126 on Linux"},
        {"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
         "Safari 17 on macOS"},
        {"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/126.0 Mobile",
         "Chrome 126 on iPhone"},
        {"Mozilla/5.0 (Linux; Android 14; SM-S921B) AppleWebKit/537.36 SamsungBrowser/25.0 Chrome/121.0 Mobile Safari/537.36",
         "Samsung Internet 25 on Android"},
        {"Firefox/", "Firefox"},
        {"Firefox/12345678901234567890", "Firefox"},
        {"Mozilla/5.0", ""},
        {"python-requests/2.31", "python-requests"},
        {"<script>", ""},
        {"", ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *name = browser_name(rows[i][0]);
        g_assert_cmpstr(name, ==, rows[i][1]);
    }
}

static void test_kiosk_fits(void)
{
    static const struct {
        const char *networks, *certificates, *address, *certificate;
        bool fits;
    } rows[] = {
        {"", "", "192.0.2.7", "aa", false},
        {"192.0.2.0/24", "", "192.0.2.7", NULL, true},
        {"10.0.0.0/8 192.0.2.0/24", "", "192.0.2.7", NULL, true},
        {"192.0.2.0/24", "", "::ffff:192.0.2.7", NULL, true},
        {"192.0.2.0/24", "", "192.0.3.7", NULL, false},
        {"192.0.2.0/24", "", NULL, NULL, false},
        {"192.0.2.0/24", "", "unknown", NULL, false},
        {"", "aa bb", "192.0.2.7", "bb", true},
        {"", "aa bb", "192.0.2.7", NULL, false},
        {"", "aa bb", "192.0.2.7", "cc", false},
        {"", "aa bb", "192.0.2.7", "", false},
        {"192.0.2.0/24", "aa", "192.0.2.7", "aa", true},
        {"192.0.2.0/24", "aa", "192.0.2.7", "bb", false},
        {"192.0.2.0/24", "aa", "192.0.3.7", "aa", false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        StoreKiosk kiosk = {.networks = (char *)rows[i].networks, .certificates = (char *)rows[i].certificates};
        g_assert_true(kiosk_fits(&kiosk, &(KioskDevice){rows[i].address, rows[i].certificate}) == rows[i].fits);
    }
}

/* So many logins of each of two addresses; the first of each unused or not, showing something or not. */
static GPtrArray *kiosk_logins(unsigned here, unsigned there, int64_t seen_ms, bool shows)
{
    GPtrArray *logins = g_ptr_array_new_with_free_func((GDestroyNotify)store_kiosk_login_free);
    for (unsigned i = 0; i < here + there; i++) {
        StoreKioskLogin *login = g_new0(StoreKioskLogin, 1);
        bool first = i == 0 || i == here;
        *login = (StoreKioskLogin){.id = g_strdup(i < here ? "here" : "there"),
                                   .address = g_strdup(i < here ? "192.0.2.7" : "192.0.2.8"),
                                   .seen_ms = first ? seen_ms : 0,
                                   .shows = !first || shows};
        g_ptr_array_add(logins, login);
    }
    return logins;
}

static void test_kiosk_room(void)
{
    const int64_t now = 1000 * LIMIT_KIOSK_UNUSED_MS, old = now - LIMIT_KIOSK_UNUSED_MS - 1;
    static const char site[] = "192.0.2.7", hall[] = "192.0.2.0/24";
    const struct {
        const char *networks;
        unsigned here, there;
        int64_t seen_ms;
        bool shows;
        KioskRoom room;
        const char *unused;
    } rows[] = {
        {hall, 0, 0, now, false, KIOSK_ROOM, NULL},
        {hall, 499, 0, now, false, KIOSK_ROOM, NULL},      /* a site behind one address */
        {hall, 500, 0, now, false, KIOSK_FULL_HERE, NULL}, /* the other half is for others */
        {hall, 99, 800, now, false, KIOSK_ROOM, NULL},
        {hall, 100, 399, now, false, KIOSK_ROOM, NULL},
        {hall, 100, 400, now, false, KIOSK_FULL_HERE, NULL},
        {hall, 99, 901, now, false, KIOSK_FULL, NULL},
        {site, 999, 0, now, false, KIOSK_ROOM, NULL}, /* there are no others */
        {site, 1000, 0, now, false, KIOSK_FULL, NULL},
        {"192.0.2.7 192.0.2.8", 500, 0, now, false, KIOSK_FULL_HERE, NULL},
        {"", 500, 0, now, false, KIOSK_FULL_HERE, NULL},
        {hall, 500, 1, old, false, KIOSK_FULL_HERE, "here"},
        {hall, 500, 1, old, true, KIOSK_FULL_HERE, NULL},
        {hall, 1, 999, old, false, KIOSK_FULL, "here"},
        {hall, 0, 1000, old, false, KIOSK_FULL, "there"},
        {hall, 1, 1, old, false, KIOSK_ROOM, NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const char *unused = NULL;
        StoreKiosk kiosk = {.networks = (char *)rows[i].networks, .certificates = (char *)""};
        g_autoptr(GPtrArray) logins = kiosk_logins(rows[i].here, rows[i].there, rows[i].seen_ms, rows[i].shows);
        g_assert_cmpint(kiosk_room(&kiosk, logins, "192.0.2.7", now, &unused), ==, rows[i].room);
        g_assert_cmpstr(unused, ==, rows[i].unused);
    }
}

static Identity *identity_of(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Identity *identity = identity_new(fixture->store, &error);
    g_assert_no_error(error);
    return identity;
}

static StoreUser *user_with_password(Fixture *fixture, Identity *identity, const char *name)
{
    g_autoptr(GError) error = NULL;
    StoreUser *user = world_user(fixture->store, name, "user");
    g_assert_true(
        identity_set_password(identity, NULL, &(PasswordChange){user->id, NULL, GOOD, NULL}, &error));
    return user;
}

static void test_login(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Identity) identity = identity_of(fixture);
    g_autoptr(StoreUser) anna = user_with_password(fixture, identity, "anna");
    g_autoptr(StoreUser) bob = world_user(fixture->store, "bob", "user");
    g_autoptr(Login) login = identity_login(identity, " Anna ", GOOD, &client, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(login->caller->user_id, ==, anna->id);
    g_assert_cmpuint(login->caller->roles, ==, ROLE_USER);
    g_autoptr(Caller) caller = identity_by_cookie(identity, login->cookie, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(caller->name, ==, "anna");
    g_assert_true(identity_csrf_matches(caller, login->caller->csrf));
    g_assert_false(identity_csrf_matches(caller, "x"));
    g_assert_false(identity_csrf_matches(caller, NULL));
    g_assert_null(identity_by_cookie(identity, "x", &error));
    assert_kind(error, ORIEL_ERROR_UNAUTHENTICATED);
    /* The store holds no cookie, only its hash. */
    g_assert_null(store_web_session_get(fixture->store, login->cookie, &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);

    /* The same sentence for a wrong password, an unknown user, one without password. */
    static const char *const names[] = {"anna", "eve", "bob"};
    g_autofree char *sentence = NULL;
    for (int i = 0; i < 3; i++) {
        g_assert_null(identity_login(identity, names[i], "wrong password", &client, &error));
        g_assert_cmpstr(error->message, ==, sentence ? sentence : error->message);
        store_set(&sentence, error->message);
        assert_kind(error, ORIEL_ERROR_UNAUTHENTICATED);
    }
    g_assert_true(identity_logout(identity, caller, client.address, &error));
    g_assert_true(identity_logout(identity, caller, client.address, &error));
    g_assert_null(identity_by_cookie(identity, login->cookie, &error));
    assert_kind(error, ORIEL_ERROR_UNAUTHENTICATED);
    g_autoptr(GPtrArray) events =
        store_event_list(fixture->store, &(StoreEventFilter){.action = "login"}, NULL, NULL, &error);
    g_assert_cmpuint(events->len, ==, 4);
}

static void test_disabled_and_expired(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Identity) identity = identity_of(fixture);
    g_autoptr(StoreUser) root = world_user(fixture->store, "root", "admin");
    g_autoptr(StoreUser) made = user_with_password(fixture, identity, "anna");
    g_autoptr(Login) login = identity_login(identity, "anna", GOOD, &client, &error);
    g_autoptr(Login) other = identity_login(identity, "anna", GOOD, &client, &error);
    g_assert_no_error(error);
    g_autofree char *token = NULL;
    const TokenNew script = {.name = "script", .scopes = SCOPES_ALL};
    g_autoptr(StoreToken) row = identity_token_new(identity, login->caller, &script, &token, &error);
    g_assert_no_error(error);
    g_assert_null(identity_token_new(identity, login->caller, &script, &token, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    g_assert_null(identity_token_new(identity, login->caller, &(TokenNew){.name = "old", .scopes = SCOPES_ALL, .expires_ms = 1}, &token, &error));
    assert_kind(error, ORIEL_ERROR_INVALID);
    g_autoptr(Caller) by_token = identity_by_token(identity, token, &error);
    g_assert_no_error(error);
    g_assert_cmpint(by_token->means, ==, CALLER_TOKEN);
    g_assert_true(identity_csrf_matches(by_token, NULL));

    /* Unused for too long. */
    g_autoptr(Caller) idle = identity_by_cookie(identity, other->cookie, &error);
    g_assert_true(store_web_session_expire(fixture->store, clock_utc_ms(), clock_utc_ms() + 1000, &error));
    g_assert_null(identity_by_cookie(identity, other->cookie, &error));
    assert_kind(error, ORIEL_ERROR_UNAUTHENTICATED);

    g_autoptr(Login) third = identity_login(identity, "anna", GOOD, &client, &error);
    g_autoptr(StoreUser) anna = store_user_find(fixture->store, "anna", &error);
    g_assert_cmpint(anna->last_login_ms, >, 0);
    anna->enabled = false;
    g_assert_true(store_user_update(fixture->store, NULL, anna, &error));
    g_assert_null(identity_by_cookie(identity, third->cookie, &error));
    assert_kind(error, ORIEL_ERROR_UNAUTHENTICATED);
    g_assert_null(identity_by_token(identity, token, &error));
    assert_kind(error, ORIEL_ERROR_UNAUTHENTICATED);
    g_assert_null(identity_login(identity, "anna", GOOD, &client, &error));
    assert_kind(error, ORIEL_ERROR_UNAUTHENTICATED);
    g_assert_true(identity_expire(identity, &error));
}

static void test_logins_end(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *next = NULL;
    g_autoptr(Identity) identity = identity_of(fixture);
    g_autoptr(StoreUser) anna = user_with_password(fixture, identity, "anna");
    g_autoptr(StoreUser) bob = user_with_password(fixture, identity, "bob");
    g_autoptr(Login) one = identity_login(identity, "anna", GOOD, &client, &error);
    g_autoptr(Login) two = identity_login(identity, "anna", GOOD, &client, &error);
    g_autoptr(Login) other = identity_login(identity, "bob", GOOD, &client, &error);
    g_assert_no_error(error);
    StoreWebSessionFilter filter = {.user_id = anna->id, .now_ms = clock_utc_ms()};
    g_autoptr(GPtrArray) mine = store_web_session_list(fixture->store, &filter, NULL, &error);
    g_assert_cmpuint(mine->len, ==, 2);
    g_assert_cmpstr(((StoreWebSession *)mine->pdata[0])->user_name, ==, "anna");
    filter = (StoreWebSessionFilter){.now_ms = clock_utc_ms(), .page.limit = 2};
    g_autoptr(GPtrArray) page = store_web_session_list(fixture->store, &filter, &next, &error);
    g_assert_cmpuint(page->len, ==, 2);
    filter.page.after = next;
    g_autoptr(GPtrArray) rest = store_web_session_list(fixture->store, &filter, NULL, &error);
    g_assert_cmpuint(rest->len, ==, 1);
    filter = (StoreWebSessionFilter){.now_ms = clock_utc_ms(), .seen_after_ms = clock_utc_ms() + 1000};
    g_autoptr(GPtrArray) idle = store_web_session_list(fixture->store, &filter, NULL, &error);
    g_assert_cmpuint(idle->len, ==, 0);

    uint64_t count = 0;
    StoreWebSessionEnd end = {.user_id = anna->id, .but = one->caller->session_id};
    g_assert_true(store_web_session_end(fixture->store, NULL, &end, &count, &error));
    g_assert_cmpuint(count, ==, 1);
    g_assert_null(identity_by_cookie(identity, two->cookie, &error));
    assert_kind(error, ORIEL_ERROR_UNAUTHENTICATED);
    end = (StoreWebSessionEnd){.id = one->caller->session_id};
    g_assert_true(store_web_session_end(fixture->store, NULL, &end, &count, &error));
    g_assert_cmpuint(count, ==, 1);
    g_assert_true(store_web_session_end(fixture->store, NULL, &end, &count, &error));
    g_assert_cmpuint(count, ==, 0);
    g_autoptr(Caller) caller = identity_by_cookie(identity, other->cookie, &error);
    g_assert_no_error(error);
    g_autoptr(GPtrArray) events =
        store_event_list(fixture->store, &(StoreEventFilter){.action = "login.revoke"}, NULL, NULL, &error);
    g_assert_cmpuint(events->len, ==, 2);
}

/* After some failures even the right password waits; another name and a restart change nothing about that. */
static void test_back_off(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Identity) identity = identity_of(fixture);
    g_autoptr(StoreUser) anna = user_with_password(fixture, identity, "anna");
    g_autoptr(StoreUser) bob = user_with_password(fixture, identity, "bob");
    StoreFailures failures;
    for (int i = 0; i < 6; i++)
        g_assert_true(store_failures_add(fixture->store, "name:anna", clock_utc_ms(), 0, &failures, &error));
    g_assert_cmpint(failures.failures, ==, 6);
    g_assert_null(identity_login(identity, "anna", GOOD, &client, &error));
    assert_kind(error, ORIEL_ERROR_TOO_MANY);
    g_autoptr(Login) other = identity_login(identity, "bob", GOOD, &client, &error);
    g_assert_no_error(error);

    identity_free(g_steal_pointer(&identity));
    fixture_reopen(fixture);
    identity = identity_of(fixture);
    g_assert_null(identity_login(identity, "ANNA", GOOD, &client, &error));
    assert_kind(error, ORIEL_ERROR_TOO_MANY);
    /* Long ago: forgotten. */
    g_assert_true(store_failures_clear(fixture->store, "name:anna", &error));
    for (int i = 0; i < 6; i++)
        g_assert_true(
            store_failures_add(fixture->store, "name:anna", clock_utc_ms() - 60000, 0, &failures, &error));
    g_autoptr(Login) login = identity_login(identity, "anna", GOOD, &client, &error);
    g_assert_no_error(error);
    g_assert_true(store_failures_get(fixture->store, "name:anna", &failures, &error));
    g_assert_cmpint(failures.failures, ==, 0);
    /* An address that tried many names. */
    for (int i = 0; i < 30; i++)
        g_assert_true(
            store_failures_add(fixture->store, "address:192.0.2.66", clock_utc_ms(), 0, &failures, &error));
    g_assert_null(identity_login(identity, "bob", GOOD, &(ClientInfo){.address = "192.0.2.66"}, &error));
    assert_kind(error, ORIEL_ERROR_TOO_MANY);
}

typedef struct {
    Identity *identity;
    gint refused;
    gint blocked;
} Guess;

static gpointer guess(gpointer data)
{
    Guess *all = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(Login) login = identity_login(all->identity, "anna", "wrong password", &client, &error);
    g_assert_null(login);
    g_atomic_int_inc(oriel_error_kind(error) == ORIEL_ERROR_TOO_MANY ? &all->blocked : &all->refused);
    return NULL;
}

/* Guessing many at once gains nothing: the attempt is counted before the password is looked at. */
static void test_parallel_guesses(Fixture *fixture)
{
    g_autoptr(Identity) identity = identity_of(fixture);
    g_autoptr(StoreUser) anna = user_with_password(fixture, identity, "anna");
    Guess all = {.identity = identity};
    /* So many failures before that the wait is 30 s, long over: the first one may try. */
    StoreFailures failures;
    for (int i = 0; i < 10; i++)
        g_assert_true(
            store_failures_add(fixture->store, "name:anna", clock_utc_ms() - 60000, 0, &failures, NULL));
    GThread *threads[12];
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("guess", guess, &all);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    g_assert_cmpint(all.refused + all.blocked, ==, 12);
    g_assert_cmpint(all.refused, ==, 1);
}

static void test_first_admin(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Identity) identity = identity_of(fixture);
    g_autofree char *first = NULL;
    g_autofree char *second = NULL;
    g_autofree char *third = NULL;
    g_assert_true(identity_first_admin(identity, &first, &error));
    g_assert_nonnull(first);
    g_assert_true(identity_first_admin(identity, &second, &error));
    g_assert_nonnull(second);
    /* The older link has ended. */
    g_assert_null(identity_link_use(identity, first, GOOD, &client, &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
    g_assert_null(identity_link_use(identity, second, "short", &client, &error));
    assert_kind(error, ORIEL_ERROR_INVALID);
    g_autoptr(Login) login = identity_link_use(identity, second, GOOD, &client, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(login->caller->roles, ==, ROLE_ADMIN);
    g_assert_null(identity_link_use(identity, second, GOOD, &client, &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
    g_assert_true(identity_first_admin(identity, &third, &error));
    g_assert_null(third);
    g_autoptr(Login) again = identity_login(identity, "admin", GOOD, &client, &error);
    g_assert_no_error(error);
}

/* A refusal leaves no user; a user is never there without the password. */
static void test_new_user(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Identity) identity = identity_of(fixture);
    StoreUser fields = {.name = "anna", .roles = "user", .enabled = true};
    g_assert_null(identity_user_new(identity, NULL, &fields, "short", &error));
    assert_kind(error, ORIEL_ERROR_INVALID);
    g_assert_null(store_user_find(fixture->store, "anna", &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
    g_autoptr(StoreUser) anna = identity_user_new(identity, NULL, &fields, GOOD, &error);
    g_assert_no_error(error);
    g_assert_true(anna->has_password);
    g_autoptr(Login) login = identity_login(identity, "anna", GOOD, &client, &error);
    g_assert_no_error(error);
    g_assert_null(identity_user_new(identity, NULL, &fields, "another good one", &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    fields.name = "bob";
    g_autoptr(StoreUser) bob = identity_user_new(identity, NULL, &fields, NULL, &error);
    g_assert_false(bob->has_password);
    fields.name = "Bob";
    g_assert_null(identity_user_new(identity, NULL, &fields, GOOD, &error));
    assert_kind(error, ORIEL_ERROR_INVALID);
}

static void test_passwords(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Identity) identity = identity_of(fixture);
    g_autoptr(StoreUser) anna = user_with_password(fixture, identity, "anna");
    g_autoptr(Login) here = identity_login(identity, "anna", GOOD, &client, &error);
    g_autoptr(Login) there = identity_login(identity, "anna", GOOD, &client, &error);
    g_autofree char *link = identity_link_new(identity, NULL, anna->id, NULL, &error);
    StoreActor actor = {.user_id = anna->id, .address = client.address};
    PasswordChange change = {anna->id, "wrong password", "another good one", here->caller->session_id};
    g_assert_false(identity_set_password(identity, &actor, &change, &error));
    assert_kind(error, ORIEL_ERROR_FORBIDDEN);
    change.current = GOOD;
    g_assert_true(identity_set_password(identity, &actor, &change, &error));
    g_autoptr(Caller) kept = identity_by_cookie(identity, here->cookie, &error);
    g_assert_no_error(error);
    g_assert_null(identity_by_cookie(identity, there->cookie, &error));
    assert_kind(error, ORIEL_ERROR_UNAUTHENTICATED);
    g_assert_null(identity_link_use(identity, link, GOOD, &client, &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
    g_autofree char *hash = store_password_get(fixture->store, anna->id, &error);
    g_assert_true(g_str_has_prefix(hash, "$argon2id$"));
    /* No secret is in the audit trail. */
    g_autoptr(GPtrArray) events = store_event_list(fixture->store, NULL, NULL, NULL, &error);
    for (guint i = 0; i < events->len; i++) {
        const StoreEvent *event = events->pdata[i];
        g_assert_null(strstr(event->detail, GOOD));
        g_assert_null(strstr(event->object_name, GOOD));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/identity/names", test_names);
    g_test_add_func("/identity/recheck-share", test_recheck_share);
    g_test_add_func("/identity/password-rules", test_password_rules);
    g_test_add_func("/identity/permissions", test_permissions);
    g_test_add_func("/identity/scopes", test_scopes);
    g_test_add_func("/identity/totp-vectors", test_totp_vectors);
    g_test_add_func("/identity/totp-required", test_totp_required);
    g_test_add_func("/identity/browser-names", test_browser_names);
    g_test_add_func("/identity/kiosk-fits", test_kiosk_fits);
    g_test_add_func("/identity/kiosk-room", test_kiosk_room);
    fixture_add("login", test_login);
    fixture_add("logins-end", test_logins_end);
    fixture_add("disabled-and-expired", test_disabled_and_expired);
    fixture_add("back-off", test_back_off);
    fixture_add("parallel-guesses", test_parallel_guesses);
    fixture_add("first-admin", test_first_admin);
    fixture_add("new-user", test_new_user);
    fixture_add("passwords", test_passwords);
    return fixture_run();
}
