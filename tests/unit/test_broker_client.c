#include <glib.h>

#include "broker/client.h"

static const struct {
    const char *protocol;
    bool serves_rdp;
    bool suits[DISPLAY_CLIENTS];
} rows[] = {
    {NULL, true, {[DISPLAY_CLIENT_BROWSER] = true, [DISPLAY_CLIENT_VV] = true, [DISPLAY_CLIENT_RDP] = true}},
    {NULL, false, {[DISPLAY_CLIENT_BROWSER] = true, [DISPLAY_CLIENT_VV] = true, [DISPLAY_CLIENT_RDP] = false}},
    {"vnc", true, {[DISPLAY_CLIENT_BROWSER] = true, [DISPLAY_CLIENT_VV] = true, [DISPLAY_CLIENT_RDP] = false}},
    {"rdp", false, {[DISPLAY_CLIENT_BROWSER] = false, [DISPLAY_CLIENT_VV] = false, [DISPLAY_CLIENT_RDP] = true}},
};

static void test_suits(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        for (unsigned kind = 0; kind < DISPLAY_CLIENTS; kind++)
            g_assert_cmpint(client_suits((DisplayClient)kind, rows[i].protocol, rows[i].serves_rdp), ==, rows[i].suits[kind]);
}

static void test_words(void)
{
    DisplayClient kind = DISPLAY_CLIENT_BROWSER;
    for (unsigned i = 0; i < DISPLAY_CLIENTS; i++) {
        g_assert_true(client_parse(client_word((DisplayClient)i), &kind));
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
