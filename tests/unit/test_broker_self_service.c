/* What people may do with their own desktop. */
#include <glib.h>

#include "base/error.h"
#include "broker/self_service.h"

static void test_words(void)
{
    static const struct {
        const char *text;
        unsigned acts;
        const char *back; /* NULL: refused */
    } rows[] = {
        {NULL, 0, ""},
        {"", 0, ""},
        {"restart", SELF_RESTART, "restart"},
        {"refresh restart", SELF_RESTART | SELF_REFRESH, "restart refresh"},
        {SELF_SERVICE_DEFAULT, SELF_RESTART | SELF_RESET, "restart reset"},
        {"reset reset", SELF_RESET, "reset"},
        {"reset,refresh", 0, NULL},
        {"Reset", 0, NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        unsigned acts = 0;
        g_autoptr(GError) error = NULL;
        g_assert_cmpint(self_service_parse(rows[i].text, &acts, &error), ==, rows[i].back != NULL);
        g_assert_cmpuint(acts, ==, rows[i].acts);
        g_autofree char *back = self_service_format(acts);
        if (rows[i].back)
            g_assert_cmpstr(back, ==, rows[i].back);
        else
            g_assert_cmpint(oriel_error_kind(error), ==, ORIEL_ERROR_INVALID);
    }
}

#define MAY .pool = "sales", .allowed = SELF_RESTART | SELF_RESET, .entitled = true, .has_desktop = true

static void test_check(void)
{
    static const struct {
        SelfQuestion question;
        int kind; /* -1: allowed */
    } rows[] = {
        {{MAY, .act = SELF_RESTART}, -1},
        {{MAY, .act = SELF_RESET}, -1},
        {{MAY, .act = SELF_REFRESH}, ORIEL_ERROR_FORBIDDEN},
        {{MAY, .act = SELF_RESET, .external = true}, ORIEL_ERROR_UNSUPPORTED},
        {{MAY, .act = SELF_RESET, .maintenance = true}, ORIEL_ERROR_CONFLICT},
        {{MAY, .act = SELF_RESET, .in_use = true}, ORIEL_ERROR_CONFLICT},
        {{.pool = "sales", .allowed = 7, .act = SELF_RESET, .entitled = true}, ORIEL_ERROR_NOT_FOUND},
        {{.pool = "sales", .allowed = 7, .act = SELF_RESET, .has_desktop = true}, ORIEL_ERROR_FORBIDDEN},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_cmpint(self_service_check(&rows[i].question, &error), ==, rows[i].kind == -1);
        if (error)
            g_assert_cmpint((int)oriel_error_kind(error), ==, rows[i].kind);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/broker/self-service/words", test_words);
    g_test_add_func("/broker/self-service/check", test_check);
    return g_test_run();
}
