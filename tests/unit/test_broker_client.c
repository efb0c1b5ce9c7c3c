#include <glib.h>

#include "broker/client.h"

static const struct {
    const char *protocol;
    bool suits[CLIENT_KINDS];
} rows[] = {
    {NULL, {[CLIENT_BROWSER] = true, [CLIENT_VV] = true, [CLIENT_RDP] = false}},
    {"vnc", {[CLIENT_BROWSER] = true, [CLIENT_VV] = true, [CLIENT_RDP] = false}},
    {"rdp", {[CLIENT_BROWSER] = false, [CLIENT_VV] = false, [CLIENT_RDP] = true}},
};

static void test_suits(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        for (unsigned kind = 0; kind < CLIENT_KINDS; kind++)
            g_assert_cmpint(client_suits((ClientKind)kind, rows[i].protocol), ==, rows[i].suits[kind]);
}

static void test_words(void)
{
    ClientKind kind = CLIENT_BROWSER;
    for (unsigned i = 0; i < CLIENT_KINDS; i++) {
        g_assert_true(client_parse(client_word((ClientKind)i), &kind));
        g_assert_cmpuint(kind, ==, i);
    }
    g_assert_false(client_parse("spice", &kind));
    g_assert_false(client_parse("", &kind));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/client/suits", test_suits);
    g_test_add_func("/client/words", test_words);
    return g_test_run();
}
