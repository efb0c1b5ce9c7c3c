/* Room on the disk, as copies of images' disks take it. */
#include "host/private.h"

#include <sys/statvfs.h>

#include "base/error.h"
#include "broker/admission.h"

static void test_copies_share_no_room(void)
{
    Config config = {.state = (char *)g_get_tmp_dir()};
    Host host = {.config = &config};
    g_mutex_init(&host.lock);
    struct statvfs info;
    g_assert_cmpint(statvfs(config.state, &info), ==, 0);
    uint64_t free_bytes = (uint64_t)info.f_bavail * info.f_frsize;
    uint64_t floor = admission_disk_floor((uint64_t)info.f_blocks * info.f_frsize);
    g_assert_cmpuint(free_bytes, >, floor);
    uint64_t most = (free_bytes - floor) / 10 * 6; /* one fits, two do not */
    g_autoptr(GError) error = NULL;
    {
        g_auto(CopyRoom) first = {0}, second = {0}, third = {0};
        g_assert_true(capacity_copy_begin(&host, most, "first", &first, &error));
        g_assert_no_error(error);
        g_assert_false(capacity_copy_begin(&host, most, "second", &second, &error));
        g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_NO_SPACE);
        g_assert_cmpuint(host.copying, ==, most);
        capacity_copy_wrote(&first, 1, 1); /* what is written is missing from the free by itself */
        g_assert_cmpuint(host.copying, ==, 0);
        g_assert_true(capacity_copy_begin(&host, most, "third", &third, NULL));
        capacity_copy_wrote(&third, 1, 4);
        capacity_copy_wrote(&third, 1, 8); /* it never takes back */
        g_assert_cmpuint(host.copying, ==, most - (uint64_t)((double)most / 4));
    }
    g_assert_cmpuint(host.copying, ==, 0);
    g_mutex_clear(&host.lock);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/host/capacity/copies", test_copies_share_no_room);
    return g_test_run();
}
