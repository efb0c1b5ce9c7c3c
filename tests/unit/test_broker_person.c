/* People in guests: names of accounts, and where they are. */
#include <glib.h>

#include "broker/locale.h"
#include "broker/name.h"

static void test_accounts(void)
{
    static const char *const cases[][2] = {
        {"anna", "anna"},
        {"Anna.Smith", "anna_smith"},
        {"J\303\266rg.Wei\303\237@example.org", "jorg_weiss"},
        {"4711", "u4711"},
        {"-x", "u-x"},
        {"_svc", "u_svc"},
        {"a;rm -rf /", "a_rm_-rf__"},
        {"root\nroot", "root_root"},
        {"\346\227\245\346\234\254", "user-20007"},
        {"@example.org", "user-20007"},
        {"", "user-20007"},
        {"...", "user-20007"},
        {"\xff\xfe", "user-20007"},
        {"abcdefghijklmnopqrstuvwxyz0123456789", "abcdefghijklmnopqrstuvwxyz01234"},
        {"1bcdefghijklmnopqrstuvwxyz0123456789", "u1bcdefghijklmnopqrstuvwxyz0123"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *account = name_account(cases[i][0], 20007);
        g_assert_cmpstr(account, ==, cases[i][1]);
    }
}

static void test_locales(void)
{
    static const struct {
        const char *languages, *locale, *keyboard;
    } cases[] = {
        {"de-DE,de;q=0.9,en;q=0.8", "de_DE.UTF-8", "de"},
        {"de-AT", "de_AT.UTF-8", "at"},
        {"de-CH,fr", "de_CH.UTF-8", "ch"},
        {"en", "en_US.UTF-8", "us"},
        {"en-GB;q=0.9", "en_GB.UTF-8", "gb"},
        {"es", "es_ES.UTF-8", "es"},
        {"es-MX", "es_MX.UTF-8", "latam"},
        {"fr", "fr_FR.UTF-8", "fr"},
        {"ja", "ja_JP.UTF-8", "jp"},
        {"zh-Hant", "zh_TW.UTF-8", "us"},
        {"zh-Hans-CN", "zh_CN.UTF-8", "us"},
        {" * , nl ", "nl_NL.UTF-8", "us"},
        {"x-klingon,pl", "pl_PL.UTF-8", "pl"},
        {"tlh", NULL, NULL},
        {"../../etc", NULL, NULL},
        {"", NULL, NULL},
        {NULL, NULL, NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *locale = locale_of_languages(cases[i].languages);
        g_assert_cmpstr(locale, ==, cases[i].locale);
        g_assert_cmpstr(keyboard_of_locale(locale), ==, cases[i].keyboard);
    }
}

static void test_words(void)
{
    g_assert_true(time_zone_is_valid("America/Argentina/Ushuaia"));
    g_assert_true(time_zone_is_valid("Etc/GMT+5"));
    g_assert_false(time_zone_is_valid("../etc/shadow"));
    g_assert_false(time_zone_is_valid("/etc/localtime"));
    g_assert_false(time_zone_is_valid("Europe/../../x"));
    g_assert_false(time_zone_is_valid(""));
    g_assert_true(keyboard_is_valid("de,fr"));
    g_assert_false(keyboard_is_valid("de;reboot"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/broker/person/accounts", test_accounts);
    g_test_add_func("/broker/person/locales", test_locales);
    g_test_add_func("/broker/person/words", test_words);
    return g_test_run();
}
