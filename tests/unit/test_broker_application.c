/* The one program of an application pool: its command line, on the way to the kernel's. */
#include <glib.h>
#include <string.h>

#include "base/application_wire.h"
#include "base/error.h"
#include "base/limits.h"
#include "broker/application.h"

static void test_check(void)
{
    g_autofree char *longest = g_strnfill(LIMIT_APPLICATION, 'a');
    g_autofree char *longer = g_strnfill(LIMIT_APPLICATION + 1, 'a');
    g_autoptr(GString) many = g_string_new("a");
    for (int i = 0; i < APPLICATION_WORDS; i++)
        g_string_append(many, " b");
    const struct {
        const char *command;
        bool good;
    } rows[] = {
        {NULL, true},          {"", true},
        {"xterm", true},       {"xterm -e 'top -d 5'", true},
        {"echo $HOME | cat ; `id`", true}, /* words, which nobody expands */
        {longest, true},       {"/opt/größe/start \"\"", true},
        {longer, false},       {many->str, false},
        {"   ", false},        {"# nothing", false},
        {"xterm 'open", false}, {"'' -e x", false},
        {"a\nb", false},       {"a\033[0m", false},
        {"a\xff", false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_test_message("%s", rows[i].command ? rows[i].command : "(null)");
        g_assert_cmpint(application_check(rows[i].command, &error), ==, rows[i].good);
        g_assert_cmpint(error == NULL, ==, rows[i].good);
        if (error)
            g_assert_cmpint((int)oriel_error_kind(error), ==, ORIEL_ERROR_INVALID);
    }
}

static void test_append(void)
{
    g_autofree char *none = application_append("quiet", ""), *nothing = application_append(NULL, NULL);
    g_assert_cmpstr(none, ==, "quiet");
    g_assert_cmpstr(nothing, ==, NULL);
    g_autofree char *one = application_append("quiet", "xterm -e 'a b' \"\""), *alone = application_append("", "x");
    g_assert_true(g_str_has_prefix(one, "quiet " APPLICATION_PARAMETER "="));
    gsize length = 0;
    g_autofree guchar *words = g_base64_decode(strchr(one, '=') + 1, &length);
    g_assert_cmpmem(words, length, "xterm\0-e\0a b\0", 14);
    g_assert_true(g_str_has_prefix(alone, APPLICATION_PARAMETER "="));
}

static void test_fits(void)
{
    g_autoptr(GError) error = NULL;
    g_assert_true(application_fits("", "console", "mini", &error) && application_fits("xterm", "x11", "big", &error));
    g_assert_no_error(error);
    g_assert_false(application_fits("xterm", "console", "mini", &error));
    g_assert_cmpstr(error->message, ==, "image \"mini\": has no graphical session, so it cannot show an application");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/application/check", test_check);
    g_test_add_func("/application/append", test_append);
    g_test_add_func("/application/fits", test_fits);
    return g_test_run();
}
