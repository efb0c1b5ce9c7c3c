/* How busy the processors are, of what the kernel says. */
#include "host/private.h"

static void test_processor(void)
{
    static const struct {
        const char *text;
        int percent;
    } looks[] = {
        {"cpu  100 0 100 700 100 0 0 0 0 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n",
         -1}, /* the first look knows nothing */
        {"cpu  150 0 100 750 100 0 0 0 0 0\n", 50},
        {"cpu  150 0 100 750 100 0 0 0 0 0\n", -1}, /* no time has passed */
        {"cpu  150 0 100 800 150 0 0 0 0 0\n", 0},  /* waiting for a disk is idle */
        {"cpu  150 20 120 800 150 20 20 20 0 0\n", 100},
        {"cpu  1 0 0 1 0 0 0 0\n", -1}, /* backwards */
        {"cpu  2 0 0 1 0 0 0 0\n", 100},
        {"cpu  2 0\n", -1},
        {"", -1},
        {"intr 5\n", -1},
        {"cpu  3 0 0 2 0 0 0 0\n", 50}, /* nonsense between is no look */
    };
    ProcessorTicks ticks = {0, 0};
    for (size_t i = 0; i < G_N_ELEMENTS(looks); i++)
        g_assert_cmpint(sample_processor(looks[i].text, &ticks), ==, looks[i].percent);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/host/sample/processor", test_processor);
    return g_test_run();
}
