/* Patterns that name desktops. */
#include "base/naming.h"

#include "base/error.h"

static const struct {
    const char *pattern;
    const char *pool;
    int64_t number;
    const char *name; /* NULL: refused */
} cases[] = {
    {"{pool}-{n}", "sales", 7, "sales-7"},
    {"{n}", "sales", 7, "7"},
    {"pc-{n:3}", "sales", 7, "pc-007"},
    {"pc-{n:3}", "sales", 1234, "pc-1234"},
    {"{n:2}-{pool}-x", "sales", 1, "01-sales-x"},
    {"{pool}{pool}{n:6}", "s", 1, "ss000001"},
    {"", "sales", 0, NULL},
    {"pc", "sales", 0, NULL},
    {"{pool}", "sales", 0, NULL},
    {"{n}-{n}", "sales", 0, NULL},
    {"{n:0}", "sales", 0, NULL},
    {"{n:7}", "sales", 0, NULL},
    {"{n:12}", "sales", 0, NULL},
    {"{n:3", "sales", 0, NULL},
    {"{N}", "sales", 0, NULL},
    {"{user}-{n}", "sales", 0, NULL},
    {"pc_{n}", "sales", 0, NULL},
    {"pc {n}", "sales", 0, NULL},
    {"pc/{n}", "sales", 0, NULL},
    {"b\xc3\xbcro-{n}", "sales", 0, NULL},
    {"-{n}", "sales", 0, NULL},
    {"{n}-", "sales", 0, NULL},
    {"%s{n}", "sales", 0, NULL},
    /* 63 characters with the number 2000, and 64. */
    {"a23456789012345678901234567890123456789012345678901234567-{n}", "sales", 1,
     "a23456789012345678901234567890123456789012345678901234567-1"},
    {"a2345678901234567890123456789012345678901234567890123456789-{n}", "sales", 1, NULL},
};

static void test_naming(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_test_message("%s", cases[i].pattern);
        bool good = naming_check(cases[i].pattern, cases[i].pool, 2000, &error);
        g_assert_cmpint(good, ==, cases[i].name != NULL);
        if (!good) {
            g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_INVALID);
            continue;
        }
        g_autofree char *name = naming_make(cases[i].pattern, cases[i].pool, cases[i].number);
        g_assert_cmpstr(name, ==, cases[i].name);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/naming", test_naming);
    return g_test_run();
}
