#include "base/error.h"
#include "broker/admission.h"
#include "broker/name.h"

#include <string.h>

#define MIB (UINT64_C(1024) * 1024)
#define GIB (1024 * MIB)

static const struct {
    const char *what;
    AdmissionMemory memory;
    uint64_t each;
    unsigned room;
} rooms[] = {
    {"an empty host of 24 GiB", {.total = 24 * GIB, .available = 20 * GIB}, 64 * MIB, 281},
    {"a limit", {.limit = 1 * GIB, .total = 24 * GIB, .available = 20 * GIB}, 64 * MIB, 16},
    {"a limit, half used",
     {.limit = 1 * GIB, .used = 512 * MIB, .total = 24 * GIB, .available = 20 * GIB},
     64 * MIB,
     8},
    {"a limit above what the host has",
     {.limit = 100 * GIB, .total = 4 * GIB, .available = 1 * GIB},
     64 * MIB,
     8},
    {"over the limit",
     {.limit = 1 * GIB, .used = 2 * GIB, .total = 24 * GIB, .available = 20 * GIB},
     64 * MIB,
     0},
    {"some start now",
     {.limit = 1 * GIB, .starting = 256 * MIB, .total = 24 * GIB, .available = 20 * GIB},
     64 * MIB,
     12},
    {"more start than fit",
     {.limit = 1 * GIB, .starting = 2 * GIB, .total = 24 * GIB, .available = 20 * GIB},
     64 * MIB,
     0},
    {"only the reserve is left", {.total = 4 * GIB, .available = 500 * MIB}, 64 * MIB, 0},
};

static void test_room(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rooms); i++) {
        g_test_message("%s", rooms[i].what);
        g_assert_cmpuint(admission_room(&rooms[i].memory, rooms[i].each), ==, rooms[i].room);
    }
}

static void test_reserve(void)
{
    g_assert_cmpuint(admission_reserve(&(AdmissionMemory){.total = 2 * GIB}), ==, 512 * MIB);
    g_assert_cmpuint(admission_reserve(&(AdmissionMemory){.total = 20 * GIB}), ==, 2 * GIB);
    g_assert_cmpuint(admission_reserve(&(AdmissionMemory){.total = 1024 * GIB}), ==, 8 * GIB);
}

static void test_estimate(void)
{
    g_assert_cmpuint(admission_fork_estimate(0, 0, 1 * GIB), ==, 128 * MIB);
    g_assert_cmpuint(admission_fork_estimate(80 * MIB, 3, 1 * GIB), ==, 100 * MIB);
    g_assert_cmpuint(admission_fork_estimate(10 * MIB, 3, 1 * GIB), ==, 48 * MIB);
    g_assert_cmpuint(admission_fork_estimate(900 * MIB, 3, 1 * GIB), ==, 1 * GIB);
    g_assert_cmpuint(admission_fork_estimate(0, 0, 32 * MIB), ==, 48 * MIB);
}

static void test_sentences(void)
{
    g_autoptr(GError) memory = NULL;
    AdmissionMemory full = {.limit = GIB, .used = GIB - 10 * MIB, .total = 24 * GIB, .available = 20 * GIB};
    g_assert_false(admission_memory(&full, 64 * MIB, "desktop \"sales-7\"", &memory));
    g_assert_error(memory, ORIEL_ERROR, ORIEL_ERROR_FULL);
    g_assert_nonnull(
        strstr(memory->message, "desktop \"sales-7\": needs 64 MiB of memory, this host has 10 MiB"));
    g_assert_true(admission_memory(&full, 10 * MIB, "desktop \"sales-7\"", NULL));
    g_autoptr(GError) disk = NULL;
    g_assert_true(admission_disk(2 * GIB, 10 * GIB, "/var/lib/oriel", NULL));
    g_assert_false(admission_disk(900 * MIB, 10 * GIB, "/var/lib/oriel", &disk));
    g_assert_error(disk, ORIEL_ERROR, ORIEL_ERROR_NO_SPACE);
}

static const struct {
    const char *pattern;
    bool good;
    const char *third;
} patterns[] = {
    {"sales-{n}", true, "sales-3"},
    {"{n:3}", true, "003"},
    {"pc{n:2}x", true, "pc03x"},
    {"sales", false, NULL},
    {"", false, NULL},
    {"{n}-{n}", false, NULL},
    {"sales-{m}", false, NULL},
    {"sales-{n", false, NULL},
    {"sales-{n:9}", false, NULL},
    {"sales_{n}", false, NULL},
    {"-{n}", false, NULL},
    {"{n}-", false, NULL},
    {"sales {n}", false, NULL},
    {"a23456789-a23456789-a23456789-a23456789-a23456789-a23456789-{n}", false, NULL},
    {"a23456789-a23456789-a23456789-a23456789-a23456789-a2345678{n}", true, NULL},
    {"%s%n{n}", false, NULL},
};

static void test_patterns(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(patterns); i++) {
        g_autoptr(GError) error = NULL;
        g_test_message("%s", patterns[i].pattern);
        g_assert_cmpint(name_pattern_check(patterns[i].pattern, &error), ==, patterns[i].good);
        g_autofree char *name = patterns[i].third ? name_render(patterns[i].pattern, 3) : NULL;
        g_assert_cmpstr(name, ==, patterns[i].third);
    }
    g_autoptr(GError) none = NULL;
    g_assert_false(name_pattern_check(NULL, &none));
    g_assert_error(none, ORIEL_ERROR, ORIEL_ERROR_INVALID);
}

static void test_names(void)
{
    const char *taken[] = {"sales-2", "sales-1", "sales-4"};
    g_autofree char *gap = name_next("sales-{n}", taken, 3);
    g_assert_cmpstr(gap, ==, "sales-3");
    g_autofree char *first = name_next("sales-{n}", NULL, 0);
    g_assert_cmpstr(first, ==, "sales-1");
    static const char *const defaults[][2] = {{"Sales", "sales-{n}"},
                                              {"My team's pool!", "my-team-s-pool-{n}"},
                                              {"日本", "desktop-{n}"},
                                              {"--x--", "x-{n}"}};
    for (size_t i = 0; i < G_N_ELEMENTS(defaults); i++) {
        g_autofree char *pattern = name_pattern_default(defaults[i][0]);
        g_assert_cmpstr(pattern, ==, defaults[i][1]);
        g_assert_true(name_pattern_check(pattern, NULL));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/broker/admission/room", test_room);
    g_test_add_func("/broker/admission/reserve", test_reserve);
    g_test_add_func("/broker/admission/estimate", test_estimate);
    g_test_add_func("/broker/admission/sentences", test_sentences);
    g_test_add_func("/broker/name/pattern", test_patterns);
    g_test_add_func("/broker/name/next", test_names);
    return g_test_run();
}
