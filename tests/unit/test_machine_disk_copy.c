/* Copies of disks: data and holes, progress, an end in the middle. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "machine/disk_copy.h"

typedef struct {
    char *folder;
    char *from;
    char *to;
} Fixture;

static const off_t mib = 1024 * 1024;

static void set_up(Fixture *fixture, gconstpointer data)
{
    fixture->folder = g_dir_make_tmp("oriel-copy-XXXXXX", NULL);
    fixture->from = g_build_filename(fixture->folder, "from", NULL);
    fixture->to = g_build_filename(fixture->folder, "to", NULL);
    autofd int fd = open(fixture->from, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
    g_assert_cmpint(ftruncate(fd, 100 * mib), ==, 0);
    g_assert_cmpint(pwrite(fd, "head", 4, 0), ==, 4);
    g_assert_cmpint(pwrite(fd, "middle", 6, 50 * mib), ==, 6);
    g_assert_cmpint(pwrite(fd, "end", 3, 100 * mib - 3), ==, 3);
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
    folder_remove(fixture->folder, NULL);
    g_free(fixture->folder);
    g_free(fixture->from);
    g_free(fixture->to);
}

static void test_whole(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    struct stat info;
    char text[6];
    g_assert_true(disk_copy(fixture->from, fixture->to, NULL, NULL, &error));
    g_assert_no_error(error);
    g_assert_cmpint(stat(fixture->to, &info), ==, 0);
    g_assert_cmpint(info.st_size, ==, 100 * mib);
    g_assert_cmpint(info.st_mode & 0777, ==, 0600);
    g_assert_cmpint(info.st_blocks * 512, <, 10 * mib); /* holes are holes */
    autofd int fd = open(fixture->to, O_RDONLY | O_CLOEXEC);
    g_assert_cmpint(pread(fd, text, 6, 50 * mib), ==, 6);
    g_assert_cmpmem(text, 6, "middle", 6);
    g_assert_cmpint(pread(fd, text, 3, 100 * mib - 3), ==, 3);
    g_assert_cmpmem(text, 3, "end", 3);
    g_assert_false(disk_copy(fixture->from, fixture->to, NULL, NULL, &error));
    g_assert_cmpint(oriel_error_kind(error), ==, ORIEL_ERROR_CONFLICT);
}

static bool give_up(void *data, uint64_t done, uint64_t total, GError **error)
{
    int *calls = data;
    g_assert_cmpuint(done, <=, total);
    return ++*calls < 2 || oriel_fail(error, ORIEL_ERROR_CANCELLED, "enough");
}

static void test_cancelled(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    int calls = 0;
    bool whole = disk_copy(fixture->from, fixture->to, give_up, &calls, &error);
    if (whole)
        return; /* a file system that shares blocks is done before anybody is asked */
    g_assert_cmpint(oriel_error_kind(error), ==, ORIEL_ERROR_CANCELLED);
    g_assert_cmpint(access(fixture->to, F_OK), ==, -1);
}

static void test_nothing_there(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_assert_false(disk_copy("/nonexistent/disk", fixture->to, NULL, NULL, &error));
    g_assert_nonnull(error);
    g_assert_cmpint(access(fixture->to, F_OK), ==, -1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/machine/disk-copy/whole", Fixture, NULL, set_up, test_whole, tear_down);
    g_test_add("/machine/disk-copy/cancelled", Fixture, NULL, set_up, test_cancelled, tear_down);
    g_test_add("/machine/disk-copy/nothing-there", Fixture, NULL, set_up, test_nothing_there, tear_down);
    return g_test_run();
}
