/* Pools: spares, size, templates, images, room. */
#include <string.h>

#include "../fixtures/host/household.h"
#include "base/file.h"
#include "base/error.h"

typedef struct {
    const char *pool_id;
    unsigned count;
} Running;

static bool exactly_running(Household *household, const void *data)
{
    const Running *want = data;
    StoreDesktopFilter filter = {.pool_id = want->pool_id};
    g_autoptr(GPtrArray) rows = store_desktop_list(household->store, &filter, NULL, NULL, NULL);
    return rows && rows->len == want->count &&
           household_count(household, want->pool_id, STORE_OBSERVED_RUNNING) == want->count;
}

static void until_running(Household *household, const StorePool *pool, unsigned count)
{
    household_until(household, exactly_running, &(Running){pool->id, count}, "so many desktops run");
}

static void edit(Household *household, const StorePool *pool, unsigned size, unsigned spares)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(StorePool) row = store_pool_find(household->store, pool->id, &error);
    row->size = size;
    row->spares = spares;
    g_assert_true(store_pool_update(household->store, NULL, row, &error));
    g_assert_no_error(error);
}

static void test_spares_follow(void)
{
    g_auto(Household) household = {0};
    household_open(&household);
    household_start(&household);
    g_autoptr(StorePool) pool = household_pool(&household, &(PoolWish){.name = "p", .size = 6, .spares = 1});
    until_running(&household, pool, 1);
    edit(&household, pool, 6, 4);
    until_running(&household, pool, 4);
    edit(&household, pool, 5, 5);
    until_running(&household, pool, 5);
}

static void test_each_pool_has_its_own_template(void)
{
    g_auto(Household) household = {0};
    household_open(&household);
    household_start(&household);
    g_autoptr(StorePool) one = household_pool(&household, &(PoolWish){.name = "one", .size = 2, .spares = 1});
    g_autoptr(StorePool) two = household_pool(&household, &(PoolWish){.name = "two", .size = 2, .spares = 1});
    until_running(&household, one, 1);
    until_running(&household, two, 1);
    g_assert_cmpuint(simulated_calls("freeze"), ==, 1);        /* one boot ... */
    g_assert_cmpuint(simulated_calls("template_copy"), ==, 1); /* ... and a copy, that shares nothing */
    g_auto(HostStatus) status = {0};
    g_assert_true(host_status(household.host, &status, NULL));
    g_assert_cmpuint(status.templates_ready, ==, 2);
    g_assert_cmpuint(status.waiting, ==, 4);
    g_assert_cmpuint(status.desktops_running, ==, 2);
    g_assert_cmpstr(status.accelerator, ==, "tcg");
}

/* A user's own desktop keeps what it was made from; what is made from now on is of the new version. */
static void test_new_version(void)
{
    g_auto(Household) household = {0};
    household_open(&household);
    household_start(&household);
    g_autoptr(StorePool) pool = household_pool(
        &household, &(PoolWish){.name = "p", .type = STORE_POOL_DEDICATED, .size = 9, .spares = 0});
    g_autoptr(StoreUser) ann = household_user(&household, "ann", pool);
    g_autoptr(StoreUser) bob = household_user(&household, "bob", pool);
    g_auto(HostConnection) first = {0}, second = {0};
    g_autoptr(GError) error = NULL;
    g_assert_true(household_click(&household, ann, pool, &first, &error));
    g_autoptr(StoreImageVersion) old =
        store_image_version_newest(household.store, household.image_id, &error);
    household_new_version(&household);
    g_autoptr(StoreImageVersion) new =
        store_image_version_newest(household.store, household.image_id, &error);
    g_assert_cmpint(new->number, ==, old->number + 1);
    edit(&household, pool, 9, 1);
    while (simulated_calls("freeze") < 2)
        g_usleep(2000);
    g_assert_true(household_click(&household, bob, pool, &second, &error));
    g_assert_no_error(error);
    g_autoptr(StoreDesktop) hers = household_desktop(&household, first.desktop_id);
    g_assert_cmpstr(hers->image_version_id, ==, old->id);
    g_assert_cmpstr(hers->user_id, ==, ann->id);
}

typedef struct {
    const char *pool_id;
    const char *version_id;
} Version;

static bool spares_are_of(Household *household, const void *data)
{
    const Version *want = data;
    StoreDesktopFilter filter = {.pool_id = want->pool_id};
    g_autoptr(GPtrArray) rows = store_desktop_list(household->store, &filter, NULL, NULL, NULL);
    for (size_t i = 0; rows && i < rows->len; i++)
        if (strcmp(((StoreDesktop *)rows->pdata[i])->image_version_id, want->version_id) != 0)
            return false;
    return rows && rows->len == 2 && household_count(household, want->pool_id, STORE_OBSERVED_RUNNING) == 2;
}

static void test_spares_follow_the_image(void)
{
    g_auto(Household) household = {0};
    household_open(&household);
    household_start(&household);
    g_autoptr(StorePool) pool = household_pool(&household, &(PoolWish){.name = "p", .size = 4, .spares = 2});
    until_running(&household, pool, 2);
    household_new_version(&household);
    g_autoptr(StoreImageVersion) new = store_image_version_newest(household.store, household.image_id, NULL);
    household_until(&household, spares_are_of, &(Version){pool->id, new->id},
                    "the spares are of the new version");
    g_assert_cmpuint(simulated_running(), ==, 2);
}

typedef struct {
    const char *pool_id, *state, *sentence, *waits_for;
} Says;

static bool template_says(Household *household, const void *data)
{
    const Says *want = data;
    g_auto(HostTemplateStatus) status = {0};
    g_assert_true(host_template_status(household->host, want->pool_id, &status, NULL));
    return strcmp(status.state, want->state) == 0 && g_strcmp0(status.error, want->sentence) == 0 &&
           g_strcmp0(status.waits_for, want->waits_for) == 0;
}

/* The pool says what is wrong with its image, and no longer once a new version is there. */
static void test_failed_image(void)
{
    g_auto(Household) household = {0};
    household_open(&household);
    g_autoptr(StoreImageVersion) version =
        store_image_version_newest(household.store, household.image_id, NULL);
    version->state = STORE_IMAGE_FAILED;
    store_set(&version->error, "the disk is cut off");
    g_assert_true(store_image_version_update(household.store, NULL, version, NULL));
    household_start(&household);
    g_autoptr(StorePool) pool = household_pool(&household, &(PoolWish){.name = "p", .size = 1, .spares = 1});
    g_autofree char *sentence =
        g_strdup_printf("image \"%s\": has no version that is ready; version 1 failed: the disk is cut off",
                        pool->image_name);
    household_until(&household, template_says, &(Says){pool->id, "failed", sentence, NULL}, "the pool says why");
    household_new_version(&household);
    household_until(&household, template_says, &(Says){pool->id, "ready", NULL, NULL}, "the new version serves");
}

/* That its image is being built is no failure, be it the newest version or one that the pool is held at. */
static void test_image_is_being_built(void)
{
    g_auto(Household) household = {0};
    household_open(&household);
    g_autoptr(StoreImageVersion) version =
        store_image_version_newest(household.store, household.image_id, NULL);
    version->state = STORE_IMAGE_BUILDING;
    g_assert_true(store_image_version_update(household.store, NULL, version, NULL));
    household_start(&household);
    g_autoptr(StorePool) pool = household_pool(&household, &(PoolWish){.name = "p", .size = 1});
    g_autofree char *newest = g_strdup_printf(
        "image \"%s\": has no version that is ready; version 1 is being built", pool->image_name);
    household_until(&household, template_says, &(Says){pool->id, "waiting for the image", NULL, newest},
                    "the pool waits");
    g_autoptr(StorePool) held = store_pool_find(household.store, pool->id, NULL);
    store_set(&held->image_version_id, version->id);
    g_assert_true(store_pool_update(household.store, NULL, held, NULL));
    g_autofree char *this = g_strdup_printf("image \"%s\": version 1 is being built", pool->image_name);
    household_until(&household, template_says, &(Says){pool->id, "waiting for the image", NULL, this},
                    "the pool waits for its version");
}

/* Not ready within a slice is not yet a failure, whether QEMU tells what the guest does or not. */
static void test_slow_boot(void)
{
    g_auto(Household) household = {0};
    household_open(&household);
    simulated_fail("wait_ready", ORIEL_ERROR_TIMEOUT, 3);
    simulated_fail("activity", ORIEL_ERROR_TIMEOUT, 1);
    household_start(&household);
    g_autoptr(StorePool) pool = household_pool(&household, &(PoolWish){.name = "p", .size = 1, .spares = 1});
    until_running(&household, pool, 1);
    g_assert_cmpuint(simulated_calls("activity"), ==, 3);
    g_assert_cmpuint(simulated_calls("start"), ==, 1);
}

static void test_damaged_template(void)
{
    g_auto(Household) household = {0};
    household_open(&household);
    household_start(&household);
    g_autoptr(StorePool) pool = household_pool(&household, &(PoolWish){.name = "p", .size = 2, .spares = 1});
    until_running(&household, pool, 1);
    household_stop(&household);
    simulated_fail("template_open", ORIEL_ERROR_CORRUPT, 1);
    household_start(&household);
    edit(&household, pool, 2, 2);
    until_running(&household, pool, 2);
    g_assert_cmpuint(simulated_calls("freeze"), ==, 2);
}

/* The disk of a dedicated desktop rests on the damaged template's: that one stays, and the new template goes
 * beside it. */
static void test_damaged_template_with_desktops(void)
{
    g_auto(Household) household = {0};
    household_open(&household);
    household_start(&household);
    g_autoptr(StorePool) pool = household_pool(
        &household, &(PoolWish){.name = "p", .type = STORE_POOL_DEDICATED, .size = 3, .spares = 0});
    g_autoptr(StoreUser) ann = household_user(&household, "ann", pool);
    g_auto(HostConnection) connection = {0};
    g_autoptr(GError) error = NULL;
    g_assert_true(household_click(&household, ann, pool, &connection, &error));
    g_autofree char *folder = household_folder(&household, connection.desktop_id);
    g_autofree char *disk = g_build_filename(folder, "disk.qcow2", NULL);
    g_autofree char *backing = NULL;
    g_assert_true(host_driver_simulated()->backing(disk, &backing, &error));
    household_stop(&household);
    simulated_fail("template_open", ORIEL_ERROR_CORRUPT, 1);
    household_start(&household);
    edit(&household, pool, 3, 1);
    until_running(&household, pool, 2);
    g_assert_cmpuint(simulated_calls("freeze"), ==, 2);
    g_assert_true(g_file_test(backing, G_FILE_TEST_EXISTS));
    g_autofree char *old_folder = g_path_get_dirname(backing);
    g_autofree char *old_ram = g_build_filename(old_folder, "ram", NULL);
    g_assert_false(g_file_test(old_ram, G_FILE_TEST_EXISTS));
    /* When nothing rests on the old one any more, the new one still is the pool's. */
    household_stop(&household);
    g_assert_true(folder_remove(folder, &error) && folder_remove(old_folder, &error));
    household_start(&household);
    edit(&household, pool, 3, 2);
    until_running(&household, pool, 3);
    g_assert_cmpuint(simulated_calls("freeze"), ==, 2);
}

static void test_no_memory(void)
{
    g_auto(Household) household = {0};
    household_open(&household);
    household.config->memory_limit = 1 << 20;
    household_start(&household);
    g_autoptr(StorePool) pool = household_pool(&household, &(PoolWish){.name = "p", .size = 2, .spares = 1});
    g_autoptr(StoreUser) ann = household_user(&household, "ann", pool);
    g_auto(HostConnection) connection = {0};
    g_autoptr(GError) error = NULL;
    g_assert_false(household_click(&household, ann, pool, &connection, &error));
    g_assert_nonnull(strstr(error->message, "memory_limit"));
    g_auto(HostStatus) status = {0};
    g_assert_true(host_status(household.host, &status, NULL));
    g_assert_false(status.accepts_desktops);
    g_assert_nonnull(status.problem);
    g_assert_cmpuint(simulated_running(), ==, 0);
}

static void test_two_hosts_one_folder(void)
{
    g_auto(Household) household = {0};
    household_open(&household);
    household_start(&household);
    g_autoptr(GError) error = NULL;
    HostSetup setup = {
        .config = household.config,
        .store = household.store,
        .jobs = household.jobs,
        .driver = host_driver_simulated(),
    };
    g_assert_null(host_open(&setup, &error));
    g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_CONFLICT);
    g_assert_nonnull(strstr(error->message, "another orield"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/host/pool/spares-follow", test_spares_follow);
    g_test_add_func("/host/pool/own-template", test_each_pool_has_its_own_template);
    g_test_add_func("/host/pool/new-version", test_new_version);
    g_test_add_func("/host/pool/spares-follow-the-image", test_spares_follow_the_image);
    g_test_add_func("/host/pool/failed-image", test_failed_image);
    g_test_add_func("/host/pool/image-is-being-built", test_image_is_being_built);
    g_test_add_func("/host/pool/slow-boot", test_slow_boot);
    g_test_add_func("/host/pool/damaged-template", test_damaged_template);
    g_test_add_func("/host/pool/damaged-template-with-desktops", test_damaged_template_with_desktops);
    g_test_add_func("/host/pool/no-memory", test_no_memory);
    g_test_add_func("/host/pool/two-hosts-one-folder", test_two_hosts_one_folder);
    return g_test_run();
}
