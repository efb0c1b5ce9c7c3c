/* The boot of an image: what people read, and when it is given up. */
#include <string.h>

#include "base/limits.h"
#include "host/boot.h"

static const int64_t minute = 60 * 1000;

static void expect_step(const Boot *boot, int64_t now_ms, const char *words)
{
    g_autofree char *step = boot_step(boot, now_ms);
    g_assert_cmpstr(step, ==, words);
}

static bool is_overdue(const Boot *boot, int64_t now_ms, const char *word)
{
    g_autofree char *why = boot_overdue(boot, now_ms);
    if (why)
        g_assert_nonnull(strstr(why, word));
    return why != NULL;
}

static void test_words(void)
{
    Boot boot;
    boot_begin(&boot, 1000);
    expect_step(&boot, 1000, "booting the image");
    expect_step(&boot, 1000 + 59999, "booting the image");
    expect_step(&boot, 1000 + 3 * minute, "booting the image (3 min)");
    boot_see(&boot, 1, true, 1000 + 3 * minute);
    expect_step(&boot, 1000 + 4 * minute, "the agent is there; waiting for the desktop (4 min)");
    g_assert_cmpint(boot_percent(&boot, 1000), ==, 5);
    g_assert_cmpint(boot_percent(&boot, 1000 + 100 * minute), <, 85);
    g_assert_cmpint(boot_percent(&boot, 1000 + 2 * minute), >, boot_percent(&boot, 1000 + minute));
}

static void test_quiet(void)
{
    Boot boot;
    boot_begin(&boot, 5);
    boot_see(&boot, 10, false, 6);
    g_assert_false(is_overdue(&boot, 6 + LIMIT_BOOT_QUIET_MS - 1, ""));
    g_assert_true(is_overdue(&boot, 6 + LIMIT_BOOT_QUIET_MS, "nothing has moved"));
    boot_see(&boot, 10, false, 100); /* the same again is no sign */
    g_assert_true(is_overdue(&boot, 6 + LIMIT_BOOT_QUIET_MS, "agent did not report,"));
    boot_see(&boot, 11, false, 200); /* console or disk */
    g_assert_false(is_overdue(&boot, 6 + LIMIT_BOOT_QUIET_MS, ""));
    boot_see(&boot, 11, true, 300); /* the agent */
    g_assert_false(is_overdue(&boot, 200 + LIMIT_BOOT_QUIET_MS, ""));
    g_assert_true(is_overdue(&boot, 300 + LIMIT_BOOT_QUIET_MS, "usable desktop"));
}

/* A guest that writes something now and then does not keep a job forever. */
static void test_cap(void)
{
    Boot boot;
    boot_begin(&boot, 0);
    int64_t now = 0;
    for (uint64_t activity = 1; now < LIMIT_BOOT_MS - minute; activity++) {
        now += minute;
        boot_see(&boot, activity, true, now);
        g_assert_false(is_overdue(&boot, now, ""));
    }
    boot_see(&boot, 0, true, LIMIT_BOOT_MS);
    g_assert_true(is_overdue(&boot, LIMIT_BOOT_MS, "within 60 minutes"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/host/boot/words", test_words);
    g_test_add_func("/host/boot/quiet", test_quiet);
    g_test_add_func("/host/boot/cap", test_cap);
    return g_test_run();
}
