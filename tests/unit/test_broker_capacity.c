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

static void test_copies(void)
{
    g_autoptr(GError) error = NULL;
    AdmissionDisk disk = {.free = 10 * GIB, .total = 20 * GIB}; /* of which 1 GiB stays free */
    g_assert_true(admission_copy(&disk, 9 * GIB, "sales-7", NULL));
    g_assert_false(admission_copy(&disk, 9 * GIB + 1, "sales-7", NULL));
    disk.promised = 4 * GIB;
    g_assert_true(admission_copy(&disk, 5 * GIB, "sales-7", NULL));
    g_assert_false(admission_copy(&disk, 5 * GIB + 1, "sales-7", &error));
    g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_NO_SPACE);
    g_assert_nonnull(strstr(error->message, "10 GiB are free, of which 1 GiB must stay free and 4 GiB are for copies under way;"));
    disk.promised = 12 * GIB; /* somebody else filled the disk meanwhile */
    g_assert_false(admission_copy(&disk, 1, "sales-7", NULL));
}

static void test_host_name(void)
{
    static const char *const cases[][2] = {
        {"sales-7", "sales-7"},
        {"Sales Team-7", "sales-team-7"},
        {"--x--", "x"},
        {"a__b", "a-b"},
        {"日本", "desktop"},
        {"", "desktop"},
        {"a23456789-a23456789-a23456789-a23456789-a23456789-a23456789-ab-xyz",
         "a23456789-a23456789-a23456789-a23456789-a23456789-a23456789-ab"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *name = name_host(cases[i][0]);
        g_assert_cmpstr(name, ==, cases[i][1]);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/broker/admission/room", test_room);
    g_test_add_func("/broker/admission/reserve", test_reserve);
    g_test_add_func("/broker/admission/estimate", test_estimate);
    g_test_add_func("/broker/admission/sentences", test_sentences);
    g_test_add_func("/broker/admission/copies", test_copies);
    g_test_add_func("/broker/name/host", test_host_name);
    return g_test_run();
}
