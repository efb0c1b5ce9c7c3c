/* Users, groups, images, pools, events, jobs, small things: on both databases. */
#include <string.h>

#include "../fixtures/store/backend.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/id.h"
#include "base/limits.h"
#include "store/connections.h"
#include "store/event.h"
#include "store/host.h"
#include "store/job.h"
#include "store/login.h"

static void test_users(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_autoptr(StoreUser) root = world_user(store, "root", "admin");
    StoreUser fields = {
        .name = "anna", .display_name = "Anna O'Neill \"A\"", .roles = "user", .enabled = true};
    StoreActor actor = {.user_id = root->id, .address = "192.0.2.7"};
    g_autoptr(StoreUser) anna = store_user_create(store, &actor, &fields, &error);
    g_assert_no_error(error);
    g_assert_true(id_is_valid(anna->id));
    g_assert_cmpstr(anna->display_name, ==, "Anna O'Neill \"A\"");
    g_assert_cmpstr(anna->email, ==, "");
    g_assert_cmpint(anna->version, ==, 1);
    g_assert_false(anna->has_password);

    g_assert_null(store_user_create(store, &actor, &fields, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    g_assert_null(store_user_find(store, "nobody", &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);

    g_autoptr(StoreUser) same = store_user_find(store, anna->id, &error);
    g_autoptr(StoreUser) by_name = store_user_find(store, "anna", &error);
    g_assert_cmpstr(same->name, ==, "anna");
    g_assert_cmpstr(by_name->id, ==, anna->id);

    store_set(&anna->display_name, "Anna");
    g_assert_true(store_user_update(store, &actor, anna, &error));
    g_assert_cmpint(anna->version, ==, 2);
    store_set(&same->display_name, "late");
    g_assert_false(store_user_update(store, &actor, same, &error));
    assert_kind(error, ORIEL_ERROR_STALE);
    store_set(&anna->name, "root");
    g_assert_false(store_user_update(store, &actor, anna, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);

    g_assert_false(store_user_delete(store, &actor, anna->id, 1, &error));
    assert_kind(error, ORIEL_ERROR_STALE);
    g_assert_true(store_user_delete(store, &actor, anna->id, 2, &error));
    g_assert_false(store_user_delete(store, &actor, anna->id, 0, &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
    g_assert_false(store_user_update(store, &actor, by_name, &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
}

static void test_last_admin(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_autoptr(StoreUser) root = world_user(store, "root", "user admin");
    g_autoptr(StoreUser) other = world_user(store, "administrator", "user");
    root->enabled = false;
    g_assert_false(store_user_update(store, NULL, root, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    root->enabled = true;
    store_set(&root->roles, "user");
    g_assert_false(store_user_update(store, NULL, root, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    g_assert_false(store_user_delete(store, NULL, root->id, 0, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    store_set(&other->roles, "admin");
    g_assert_true(store_user_update(store, NULL, other, &error));
    g_assert_true(store_user_update(store, NULL, root, &error));
    g_assert_true(store_user_delete(store, NULL, root->id, 0, &error));
    g_assert_false(store_user_delete(store, NULL, other->id, 0, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
}

static void test_pages(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    static const char *const names[] = {"a-b", "a.b", "a", "b", "B", "_x", "a0", "ab"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(StoreUser) user = world_user(store, names[i], "user");
    }
    /* By bytes on both databases, and every name exactly once whatever the page's size. */
    for (unsigned limit = 1; limit <= 9; limit++) {
        g_autoptr(GString) seen = g_string_new(NULL);
        g_autofree char *after = NULL;
        do {
            StorePage page = {limit, after};
            char *next = NULL;
            g_autoptr(GPtrArray) users = store_user_list(store, &page, &next, &error);
            g_assert_no_error(error);
            g_assert_cmpuint(users->len, <=, limit);
            for (guint i = 0; i < users->len; i++)
                g_string_append_printf(seen, "%s ", ((StoreUser *)users->pdata[i])->name);
            g_free(after);
            after = next;
        } while (after);
        g_assert_cmpstr(seen->str, ==, "B _x a a-b a.b a0 ab b ");
    }
    g_autoptr(GPtrArray) all = store_user_list(store, NULL, NULL, &error);
    g_assert_cmpuint(all->len, ==, 8);
    uint64_t count = 0;
    g_assert_true(store_user_count(store, &count, &error));
    g_assert_cmpuint(count, ==, 8);
}

static void test_groups(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_autoptr(StoreUser) anna = world_user(store, "anna", "user");
    g_autoptr(StoreGroup) sales = store_group_create(store, NULL, &(StoreGroup){.name = "sales"}, &error);
    g_assert_no_error(error);
    g_assert_true(store_group_add_member(store, NULL, sales->id, anna->id, &error));
    g_assert_true(store_group_add_member(store, NULL, sales->id, anna->id, &error));
    g_assert_false(store_group_add_member(store, NULL, sales->id, "none", &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
    g_assert_false(store_group_add_member(store, NULL, "none", anna->id, &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
    g_autoptr(StoreGroup) found = store_group_find(store, "sales", &error);
    g_assert_cmpuint(found->members, ==, 1);
    g_autoptr(GPtrArray) members = store_group_members(store, sales->id, NULL, NULL, &error);
    g_assert_cmpuint(members->len, ==, 1);
    g_autoptr(GPtrArray) groups = store_user_groups(store, anna->id, &error);
    g_assert_cmpuint(groups->len, ==, 1);
    g_assert_cmpstr(((StoreGroup *)groups->pdata[0])->name, ==, "sales");
    store_set(&found->display_name, "Sales");
    g_assert_true(store_group_update(store, NULL, found, &error));
    g_assert_true(store_group_remove_member(store, NULL, sales->id, anna->id, &error));
    g_assert_true(store_group_remove_member(store, NULL, sales->id, anna->id, &error));
    g_assert_false(store_group_delete(store, NULL, sales->id, 1, &error));
    assert_kind(error, ORIEL_ERROR_STALE);
    g_assert_true(store_group_delete(store, NULL, sales->id, 0, &error));
    g_assert_null(store_group_find(store, "sales", &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
}

static void test_images(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 3);
    g_autoptr(StoreImage) image = store_image_find(store, "image", &error);
    g_assert_cmpstr(image->newest_id, ==, world.version->id);
    g_assert_cmpint(image->newest_number, ==, 1);
    g_autoptr(StoreImageVersion) second = store_image_version_create(
        store, NULL, &(StoreImageVersion){.image_id = image->id, .recipe = "base two", .job_id = "job"},
        &error);
    g_assert_no_error(error);
    g_assert_cmpint(second->number, ==, 2);
    g_assert_cmpstr(second->image_name, ==, "image");
    g_autoptr(StoreImageVersion) newest = store_image_version_newest(store, image->id, &error);
    g_assert_cmpint(newest->number, ==, 1);
    second->state = STORE_IMAGE_FAILED;
    store_set(&second->error, "no kernel");
    g_assert_true(store_image_version_update(store, NULL, second, &error));
    g_autoptr(GPtrArray) failed = store_image_version_list(store, image->id, STORE_IMAGE_FAILED, &error);
    g_assert_cmpuint(failed->len, ==, 1);
    g_assert_cmpstr(((StoreImageVersion *)failed->pdata[0])->error, ==, "no kernel");
    g_autoptr(GPtrArray) versions = store_image_version_list(store, image->id, -1, &error);
    g_assert_cmpuint(versions->len, ==, 2);
    g_assert_cmpint(((StoreImageVersion *)versions->pdata[0])->number, ==, 2);

    g_assert_false(store_image_delete(store, NULL, image->id, 0, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    g_autoptr(StoreDesktop) desktop = world_desktop(&world, store);
    g_assert_false(store_image_version_delete(store, NULL, world.version->id, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    g_assert_true(store_image_version_delete(store, NULL, second->id, &error));
    g_assert_null(store_image_version_get(store, second->id, &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
    /* A number is never used again. */
    g_autoptr(StoreImageVersion) third =
        store_image_version_create(store, NULL, &(StoreImageVersion){.image_id = image->id}, &error);
    g_assert_cmpint(third->number, ==, 3);
    g_assert_null(store_image_version_create(store, NULL, &(StoreImageVersion){.image_id = "none"}, &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
}

static void version_fail(Store *store, StoreImageVersion *version, const char *reason)
{
    version->state = STORE_IMAGE_FAILED;
    store_set(&version->error, reason);
    g_assert_true(store_image_version_update(store, NULL, version, NULL));
}

static void expect_none_ready(Store *store, const char *image_id, const char *sentence)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(store_image_version_newest(store, image_id, &error));
    g_assert_cmpstr(error->message, ==, sentence);
}

/* A failed version says why; one that is being built may still become ready. */
static void test_none_ready(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 1);
    const char *image_id = world.version->image_id;
    version_fail(store, world.version, "does not boot");
    expect_none_ready(store, image_id,
                      "image \"image\": has no version that is ready; version 1 failed: does not boot");
    g_autoptr(StoreImageVersion) second =
        store_image_version_create(store, NULL, &(StoreImageVersion){.image_id = (char *)image_id}, &error);
    expect_none_ready(store, image_id,
                      "image \"image\": has no version that is ready; version 2 is being built");
    version_fail(store, second, "no kernel");
    expect_none_ready(store, image_id,
                      "image \"image\": has no version that is ready; version 2 failed: no kernel");
    g_autoptr(StoreImage) empty = store_image_create(store, NULL, &(StoreImage){.name = "empty"}, &error);
    expect_none_ready(store, empty->id, "image \"empty\": has no version that is ready; build one first");
    expect_none_ready(store, "none", "image \"none\": there is none");
}

static void test_pools(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 2);
    g_assert_cmpstr(world.pool->image_name, ==, "image");
    StorePool fields = *world.pool;
    g_assert_null(store_pool_create(store, NULL, &fields, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    fields.name = "other";
    fields.size = LIMIT_DESKTOPS_POOL + 1;
    g_assert_null(store_pool_create(store, NULL, &fields, &error));
    assert_kind(error, ORIEL_ERROR_INVALID);
    fields.size = 1;
    fields.image_id = "none";
    g_assert_null(store_pool_create(store, NULL, &fields, &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
    fields.image_id = world.image->id;
    fields.image_version_id = "none";
    g_assert_null(store_pool_create(store, NULL, &fields, &error));
    assert_kind(error, ORIEL_ERROR_INVALID);

    StorePool *pool = world.pool;
    pool->type = STORE_POOL_DEDICATED;
    store_set(&pool->image_version_id, world.version->id);
    pool->memory_bytes = 5ULL << 40;
    g_assert_true(store_pool_update(store, NULL, pool, &error));
    g_autoptr(StoreDesktop) first = world_desktop(&world, store);
    g_autoptr(StoreDesktop) second = world_desktop(&world, store);
    g_assert_cmpstr(first->name, ==, "pool-1");
    g_assert_cmpstr(second->name, ==, "pool-2");
    g_autoptr(StorePool) found = store_pool_find(store, "pool", &error);
    g_assert_cmpint(found->type, ==, STORE_POOL_DEDICATED);
    g_assert_cmpstr(found->image_version_id, ==, world.version->id);
    g_assert_cmpuint(found->memory_bytes, ==, 5ULL << 40);
    g_assert_cmpuint(found->desktops, ==, 2);
    StoreDesktopNew more = {.pool_id = pool->id, .host_id = world.host_id, .image_version_id = world.version->id, .desired = STORE_DESIRED_STOPPED};
    g_assert_null(store_desktop_create(store, NULL, &more, &error));
    assert_kind(error, ORIEL_ERROR_FULL);

    /* A pool goes with its last desktop. */
    g_assert_true(store_pool_delete(store, NULL, pool->id, 0, &error));
    g_assert_true(store_pool_delete(store, NULL, pool->id, 0, &error));
    g_assert_true(store_desktop_remove(store, first->id, &error));
    g_assert_true(store_desktop_remove(store, first->id, &error));
    g_autoptr(StorePool) deleting = store_pool_find(store, pool->id, &error);
    g_assert_true(deleting->deleting);
    g_assert_null(store_desktop_create(store, NULL, &more, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    g_assert_true(store_desktop_remove(store, second->id, &error));
    g_assert_null(store_pool_find(store, pool->id, &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
}

static void test_renamed_pool(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 3);
    g_autoptr(StoreDesktop) first = world_desktop(&world, store);
    g_autoptr(StoreDesktop) second = world_desktop(&world, store);
    store_set(&world.pool->name, "old");
    g_assert_true(store_pool_update(store, NULL, world.pool, &error));
    StorePool fields = *world.pool;
    fields.name = "pool";
    g_autoptr(StorePool) again = store_pool_create(store, NULL, &fields, &error);
    g_assert_no_error(error);
    StoreDesktopNew desktop = {.pool_id = again->id, .host_id = world.host_id, .image_version_id = world.version->id, .desired = STORE_DESIRED_STOPPED};
    g_autoptr(StoreDesktop) third = store_desktop_create(store, NULL, &desktop, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(third->name, ==, "pool-3");
}

static void test_entitlements(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 2);
    g_autoptr(StoreUser) anna = world_user(store, "anna", "user");
    g_autoptr(StoreUser) bob = world_user(store, "bob", "user");
    g_autoptr(StoreGroup) sales = store_group_create(store, NULL, &(StoreGroup){.name = "sales"}, &error);
    g_assert_true(store_group_add_member(store, NULL, sales->id, bob->id, &error));
    StoreEntitle direct = {world.pool->id, false, anna->id};
    StoreEntitle through = {world.pool->id, true, sales->id};
    bool entitled = true;
    g_assert_true(store_user_entitled(store, anna->id, world.pool->id, &entitled, &error));
    g_assert_false(entitled);
    for (int i = 0; i < 2; i++) {
        g_assert_true(store_entitlement_add(store, NULL, &direct, &error));
        g_assert_true(store_entitlement_add(store, NULL, &through, &error));
    }
    const char *const ids[] = {anna->id, bob->id};
    for (int i = 0; i < 2; i++) {
        g_assert_true(store_user_entitled(store, ids[i], world.pool->id, &entitled, &error));
        g_assert_true(entitled);
        g_autoptr(GPtrArray) pools = store_user_pools(store, ids[i], &error);
        g_assert_cmpuint(pools->len, ==, 1);
    }
    g_autoptr(GPtrArray) list = store_entitlement_list(store, world.pool->id, &error);
    g_assert_cmpuint(list->len, ==, 2);
    g_assert_true(((StoreEntitlement *)list->pdata[0])->is_group);
    g_assert_cmpstr(((StoreEntitlement *)list->pdata[1])->subject_name, ==, "anna");
    g_assert_false(
        store_entitlement_add(store, NULL, &(StoreEntitle){world.pool->id, true, anna->id}, &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
    g_assert_true(store_entitlement_remove(store, NULL, &direct, &error));
    g_assert_true(store_entitlement_remove(store, NULL, &direct, &error));
    g_assert_true(store_group_delete(store, NULL, sales->id, 0, &error));
    g_autoptr(GPtrArray) empty = store_entitlement_list(store, world.pool->id, &error);
    g_assert_cmpuint(empty->len, ==, 0);
}

static bool may_use(Store *store, const char *user_id, const StorePool *pool)
{
    bool entitled = false;
    g_assert_true(store_user_entitled(store, user_id, pool->id, &entitled, NULL));
    g_autoptr(GPtrArray) pools = store_user_pools(store, user_id, NULL);
    g_assert_cmpuint(pools->len, ==, entitled ? 1 : 0); /* both questions have one answer */
    return entitled;
}

/* Every enabled user, those that come later too; nobody needs to be made a member. */
static void test_everyone(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 1);
    g_autoptr(StoreUser) root G_GNUC_UNUSED = world_user(store, "root", "admin"); /* one must be left */
    g_autoptr(StoreUser) before = world_user(store, "before", "user");
    g_autoptr(StoreGroup) everyone = store_group_find(store, "everyone", &error);
    g_assert_cmpstr(everyone->id, ==, STORE_GROUP_EVERYONE);
    g_assert_cmpint(everyone->created_ms, >, 0);
    g_assert_false(may_use(store, before->id, world.pool));
    StoreEntitle all = {world.pool->id, true, everyone->id};
    g_assert_true(store_entitlement_add(store, NULL, &all, &error));
    g_autoptr(StoreUser) later = world_user(store, "later", "user");
    g_assert_true(may_use(store, before->id, world.pool));
    g_assert_true(may_use(store, later->id, world.pool));
    g_assert_false(may_use(store, "none", world.pool));
    later->enabled = false;
    g_assert_true(store_user_update(store, NULL, later, &error));
    g_assert_false(may_use(store, later->id, world.pool));
    g_autoptr(GPtrArray) members = store_group_members(store, everyone->id, NULL, NULL, &error);
    g_autoptr(StoreGroup) counted = store_group_find(store, "everyone", &error);
    g_assert_cmpuint(members->len, ==, counted->members);
    for (guint i = 0; i < members->len; i++)
        g_assert_cmpstr(((StoreUser *)members->pdata[i])->name, !=, "later");
    g_assert_true(store_entitlement_remove(store, NULL, &all, &error));
    g_assert_false(may_use(store, before->id, world.pool));
}

static void test_everyone_is_built_in(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_autoptr(StoreUser) anna = world_user(store, "anna", "user");
    g_assert_false(store_group_delete(store, NULL, STORE_GROUP_EVERYONE, 0, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    g_assert_false(store_group_remove_member(store, NULL, STORE_GROUP_EVERYONE, anna->id, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    g_assert_true(store_group_add_member(store, NULL, STORE_GROUP_EVERYONE, anna->id, &error));
    g_autoptr(GPtrArray) own = store_user_groups(store, anna->id, &error);
    g_assert_cmpuint(own->len, ==, 0); /* no row was made */
    g_assert_null(store_group_create(store, NULL, &(StoreGroup){.name = "everyone"}, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    g_autoptr(StoreGroup) everyone = store_group_find(store, "everyone", &error);
    store_set(&everyone->display_name, "All of us");
    g_assert_true(store_group_update(store, NULL, everyone, &error));
    store_set(&everyone->name, "nobody");
    g_assert_false(store_group_update(store, NULL, everyone, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
}

static void test_events(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_autoptr(StoreUser) root = world_user(store, "root", "admin");
    StoreActor actor = {.user_id = root->id, .address = "192.0.2.7"};
    g_autoptr(StoreUser) anna = store_user_create(
        store, &actor, &(StoreUser){.name = "anna", .roles = "user", .enabled = true}, &error);
    StoreEventNew denied = {"login", "user", NULL, "eve", "unauthenticated", "{\"why\":\"password\"}"};
    g_assert_true(
        store_event_add(store, &(StoreActor){.name = "eve", .address = "192.0.2.9"}, &denied, &error));
    /* What failed leaves no event. */
    g_assert_null(store_user_create(store, &actor, &(StoreUser){.name = "anna", .enabled = true}, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);

    g_autoptr(GPtrArray) events = store_event_list(store, NULL, NULL, NULL, &error);
    g_assert_cmpuint(events->len, ==, 3);
    const StoreEvent *last = events->pdata[0];
    g_assert_cmpstr(last->actor_name, ==, "eve");
    g_assert_null(last->actor_id);
    g_assert_cmpstr(last->result, ==, "unauthenticated");
    g_autoptr(GPtrArray) of_anna =
        store_event_list(store, &(StoreEventFilter){.object_id = anna->id}, NULL, NULL, &error);
    g_assert_cmpuint(of_anna->len, ==, 1);
    const StoreEvent *made = of_anna->pdata[0];
    g_assert_cmpstr(made->actor_name, ==, "root");
    g_assert_cmpstr(made->actor_id, ==, root->id);
    g_assert_cmpstr(made->address, ==, "192.0.2.7");
    g_assert_cmpstr(made->action, ==, "user.create");
    g_assert_cmpstr(made->result, ==, "ok");
    g_assert_true(store_event_expire(store, clock_utc_ms() + 1000, NULL, &error));
    g_autoptr(GPtrArray) none = store_event_list(store, NULL, NULL, NULL, &error);
    g_assert_cmpuint(none->len, ==, 1); /* that they are gone */
}

static void expect_detail(Store *store, const char *object_id, const char *detail)
{
    g_autoptr(GPtrArray) events =
        store_event_list(store, &(StoreEventFilter){.object_id = object_id}, NULL, NULL, NULL);
    g_assert_cmpuint(events->len, >, 0);
    g_assert_cmpstr(((StoreEvent *)events->pdata[0])->detail, ==, detail); /* newest first */
}

/* The trail of an update says what changed, from what and to what; what stayed is not in it. */
static void test_update_events(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 3);
    g_autoptr(StorePool) pool = store_pool_find(store, world.pool->id, &error);
    pool->size = 5;
    pool->maintenance = true;
    store_set(&pool->image_version_id, world.version->id);
    g_assert_true(store_pool_update(store, NULL, pool, &error));
    expect_detail(store, pool->id,
                  "{\"version\":[\"newest\",1],\"size\":[3,5],\"maintenance\":[false,true]}");
    g_assert_true(store_pool_update(store, NULL, pool, &error));
    expect_detail(store, pool->id, "{}");

    g_autoptr(StoreUser) root G_GNUC_UNUSED = world_user(store, "root", "admin");
    g_autoptr(StoreUser) anna = world_user(store, "anna", "user");
    g_assert_true(store_password_set(
        store, NULL, &(StorePasswordNew){.user_id = anna->id, .hash = "$argon2id$one"}, &error));
    g_autoptr(StoreUser) now = store_user_find(store, "anna", &error);
    store_set(&now->roles, "helpdesk user");
    now->enabled = false;
    g_assert_true(store_user_update(store, NULL, now, &error));
    expect_detail(store, anna->id, "{\"roles\":[\"user\",\"helpdesk user\"],\"enabled\":[true,false]}");

    g_autoptr(StoreGroup) group = store_group_create(store, NULL, &(StoreGroup){.name = "sales"}, &error);
    store_set(&group->display_name, "Sales");
    g_assert_true(store_group_update(store, NULL, group, &error));
    expect_detail(store, group->id, "{\"display_name\":[\"\",\"Sales\"]}");

    g_autoptr(StoreImage) image = store_image_find(store, "image", &error);
    store_set(&image->description, "For all");
    g_assert_true(store_image_update(store, NULL, image, &error));
    g_assert_no_error(error);
    g_autoptr(GPtrArray) events =
        store_event_list(store, &(StoreEventFilter){.object_id = image->id}, NULL, NULL, NULL);
    g_assert_nonnull(strstr(((StoreEvent *)events->pdata[0])->detail, "\"For all\"]"));

    StoreImageVersion fields = {.image_id = image->id, .recipe = (char *)"r"};
    g_autoptr(StoreImageVersion) version = store_image_version_create(store, NULL, &fields, &error);
    version->state = STORE_IMAGE_FAILED;
    store_set(&version->error, "no mirror");
    g_assert_true(store_image_version_update(store, NULL, version, &error));
    g_autofree char *detail = g_strdup_printf(
        "{\"number\":%" G_GINT64_FORMAT ",\"state\":[\"building\",\"failed\"],\"error\":[null,\"no mirror\"]}",
        version->number);
    expect_detail(store, version->id, detail);
}

static void on_change(const StoreChange *change, void *data)
{
    if (strcmp(change->kind, "*") != 0) /* the listener has connected */
        g_string_append_printf(data, "%s %s %s;", change->kind, change->op,
                               change->user_id ? "of-user" : "-");
}

static void test_changes(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_autoptr(GString) seen = g_string_new(NULL);
    unsigned handle = store_subscribe(store, on_change, seen);
    g_autoptr(StoreUser) anna = world_user(store, "anna", "user");
    g_assert_cmpstr(seen->str, ==, "user create of-user;event create -;");
    g_string_truncate(seen, 0);
    g_assert_null(store_user_create(store, NULL, &(StoreUser){.name = "anna"}, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    g_assert_cmpstr(seen->str, ==, "");
    store_unsubscribe(store, handle);
    g_autoptr(StoreUser) bob = world_user(store, "bob", "user");
    g_assert_cmpstr(seen->str, ==, "");
}

static void test_jobs(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_autoptr(StoreUser) root = world_user(store, "root", "admin");
    StoreActor actor = {.user_id = root->id};
    StoreJob fields = {.kind = "image.build",
                       .object_kind = "image",
                       .object_id = "i",
                       .object_name = "image",
                       .host_id = "h",
                       .instance = "one"};
    g_autoptr(StoreJob) job = store_job_create(store, &actor, &fields, &error);
    g_assert_no_error(error);
    g_assert_cmpint(job->state, ==, STORE_JOB_QUEUED);
    g_assert_cmpstr(job->creator_name, ==, "root");
    g_assert_cmpstr(job->arguments, ==, "{}");
    g_assert_true(store_job_begin(store, job->id, "one", &error));
    g_assert_false(store_job_begin(store, job->id, "one", &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    bool cancel = true;
    g_assert_true(store_job_progress(store, job->id, 40, "unpack", &cancel, &error));
    g_assert_false(cancel);
    g_assert_true(store_job_cancel(store, &actor, job->id, &error));
    g_assert_true(store_job_progress(store, job->id, 50, NULL, &cancel, &error));
    g_assert_true(cancel);
    g_autoptr(StoreJob) running = store_job_get(store, job->id, &error);
    g_assert_cmpint(running->progress, ==, 50);
    g_assert_cmpstr(running->step, ==, "unpack");
    g_autoptr(GPtrArray) mine = store_job_list_left(store, "h", "one", &error);
    g_assert_cmpuint(mine->len, ==, 0);
    g_autoptr(GPtrArray) left = store_job_list_left(store, "h", "two", &error);
    g_assert_cmpuint(left->len, ==, 1);
    g_assert_true(store_job_take(store, job->id, "two", &error));
    g_assert_true(store_job_begin(store, job->id, "two", &error));
    g_assert_true(store_job_finish(store, job->id, STORE_JOB_FAILED, "no space", &error));
    g_assert_true(store_job_finish(store, job->id, STORE_JOB_DONE, NULL, &error));
    g_assert_false(store_job_cancel(store, &actor, job->id, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    g_autoptr(GPtrArray) failed =
        store_job_list(store, &(StoreJobFilter){.state = "failed"}, NULL, NULL, &error);
    g_assert_cmpuint(failed->len, ==, 1);
    g_assert_cmpstr(((StoreJob *)failed->pdata[0])->error, ==, "no space");
    g_assert_true(store_job_expire(store, clock_utc_ms() + 1000, &error));
    g_assert_null(store_job_get(store, job->id, &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
}

/* The log is bounded from the front, whole pieces at a time, and a reader that follows sees each line once.
 */
static void test_job_log(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_autoptr(StoreJob) job = store_job_create(store, NULL, &(StoreJob){.kind = "k"}, &error);
    int64_t position = 0;
    g_autofree char *nothing = store_job_log_read(store, job->id, &position, &error);
    g_assert_cmpstr(nothing, ==, "");
    g_assert_true(store_job_log_append(store, job->id, "first\n", &error));
    g_assert_true(store_job_log_append(store, job->id, "second\n", &error));
    g_autofree char *two = store_job_log_read(store, job->id, &position, &error);
    g_assert_cmpstr(two, ==, "first\nsecond\n");
    g_assert_true(store_job_log_append(store, job->id, "third\n", &error));
    g_autofree char *third = store_job_log_read(store, job->id, &position, &error);
    g_assert_cmpstr(third, ==, "third\n");

    g_autofree char *block = g_strnfill(1000 * 1000, 'x');
    memcpy(block + 999996, "\u00e4\u00f6", 4);
    for (int i = 0; i < 6; i++)
        g_assert_true(store_job_log_append(store, job->id, block, &error));
    size_t total = 0;
    for (position = 0;;) {
        g_autofree char *piece = store_job_log_read(store, job->id, &position, &error);
        g_assert_no_error(error);
        g_assert_true(g_utf8_validate(piece, -1, NULL));
        if (!*piece)
            break;
        total += strlen(piece);
    }
    g_assert_cmpuint(total, <=, LIMIT_JOB_LOG);
    g_assert_cmpuint(total, >, LIMIT_JOB_LOG - 64 * 1024);
    position = 0;
    g_assert_null(store_job_log_read(store, "none", &position, &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
}

static void test_idempotency(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    StoreIdempotency what = {"user", "key", "hash"};
    StoreIdempotency other = {"user", "key", "other hash"};
    g_auto(StoreAnswer) first = {0};
    g_assert_true(store_idempotency_begin(store, &what, &first, &error));
    g_assert_cmpint(first.status, ==, 0);
    g_assert_false(store_idempotency_begin(store, &what, &first, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    g_assert_true(store_idempotency_finish(store, &what, &(StoreAnswer){201, "{}", "ETag: 1"}, &error));
    g_assert_true(store_idempotency_begin(store, &what, &first, &error));
    g_assert_cmpint(first.status, ==, 201);
    g_assert_cmpstr(first.body, ==, "{}");
    g_auto(StoreAnswer) second = {0};
    g_assert_false(store_idempotency_begin(store, &other, &second, &error));
    assert_kind(error, ORIEL_ERROR_INVALID);
    StoreIdempotency failed = {"user", "key 2", "hash"};
    g_assert_true(store_idempotency_begin(store, &failed, &second, &error));
    g_assert_true(store_idempotency_finish(store, &failed, NULL, &error));
    g_assert_true(store_idempotency_begin(store, &failed, &second, &error));
    g_assert_cmpint(second.status, ==, 0);
}

static void test_hosts_and_meta(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    StoreHost host = {.id = "a",
                      .name = "one",
                      .version = "1",
                      .accelerator = "kvm",
                      .memory_bytes = 1ULL << 40,
                      .vcpus = 64};
    g_assert_true(store_host_beat(store, &host, &error));
    g_assert_true(store_host_set_service(store, NULL, "a", STORE_HOST_DRAINING, &error));
    host.vcpus = 65;
    g_assert_true(store_host_beat(store, &host, &error));
    g_autoptr(StoreHost) found = store_host_find(store, "one", &error);
    g_assert_cmpint(found->service, ==, STORE_HOST_DRAINING);
    g_assert_cmpuint(found->vcpus, ==, 65);
    g_assert_cmpuint(found->memory_bytes, ==, 1ULL << 40);
    StoreHost twin = host;
    twin.id = "b";
    g_assert_false(store_host_beat(store, &twin, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);

    g_assert_null(store_meta_get(store, "site", &error));
    g_assert_no_error(error);
    g_autofree char *first = store_meta_default(store, "site", "x", &error);
    g_autofree char *second = store_meta_default(store, "site", "y", &error);
    g_assert_cmpstr(first, ==, "x");
    g_assert_cmpstr(second, ==, "x");
    g_assert_true(store_meta_set(store, "site", "z", &error));
    g_autofree char *third = store_meta_get(store, "site", &error);
    g_assert_cmpstr(third, ==, "z");
    g_assert_true(store_ping(store, &error));
    g_assert_true(g_str_has_prefix(store_backend(store), fixture->postgres ? "PostgreSQL 1" : "SQLite 3"));
}

/* ---- the pool of connections ---- */

typedef struct {
    Connections *connections;
    Purpose purpose;
    int got; /* atomic */
} Waiting;

static void *wait_for_a_connection(void *data)
{
    Waiting *waiting = data;
    g_autoptr(GError) error = NULL;
    Connection *connection = connections_take(waiting->connections, waiting->purpose, &error);
    g_atomic_int_set(&waiting->got, connection ? 1 : -1);
    if (connection)
        connections_give(waiting->connections, connection, waiting->purpose);
    return NULL;
}

/* Who waits for the writer sleeps on when a reader is given back, and does not take the call from who waits for that. */
static void test_connections_wake_the_right_one(Fixture *fixture)
{
    enum { READERS = 8 };
    g_autoptr(GError) error = NULL;
    Connections *connections = connections_new(&sqlite_driver, fixture->path);
    Connection *readers[READERS], *writer = connections_take(connections, PURPOSE_WRITE, &error);
    for (size_t i = 0; i < READERS; i++)
        g_assert_nonnull(readers[i] = connections_take(connections, PURPOSE_READ, &error));
    Waiting write = {connections, PURPOSE_WRITE, 0}, read = {connections, PURPOSE_READ, 0};
    GThread *first = g_thread_new("writes", wait_for_a_connection, &write);
    g_usleep(200 * 1000); /* it waits first */
    GThread *second = g_thread_new("reads", wait_for_a_connection, &read);
    g_usleep(200 * 1000);
    connections_give(connections, readers[0], PURPOSE_READ);
    g_thread_join(second);
    g_assert_cmpint(g_atomic_int_get(&read.got), ==, 1);
    g_assert_cmpint(g_atomic_int_get(&write.got), ==, 0);
    connections_give(connections, writer, PURPOSE_WRITE);
    g_thread_join(first);
    g_assert_cmpint(g_atomic_int_get(&write.got), ==, 1);
    for (size_t i = 1; i < READERS; i++)
        connections_give(connections, readers[i], PURPOSE_READ);
    connections_free(connections);
    g_assert_no_error(error);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fixture_add("users", test_users);
    fixture_add("last-admin", test_last_admin);
    fixture_add("pages", test_pages);
    fixture_add("groups", test_groups);
    fixture_add("images", test_images);
    fixture_add("none-ready", test_none_ready);
    fixture_add("pools", test_pools);
    fixture_add("renamed-pool", test_renamed_pool);
    fixture_add("entitlements", test_entitlements);
    fixture_add("everyone", test_everyone);
    fixture_add("everyone-is-built-in", test_everyone_is_built_in);
    fixture_add("events", test_events);
    fixture_add("update-events", test_update_events);
    fixture_add("changes", test_changes);
    fixture_add("jobs", test_jobs);
    fixture_add("job-log", test_job_log);
    fixture_add("idempotency", test_idempotency);
    fixture_add("hosts-and-meta", test_hosts_and_meta);
    fixture_add_sqlite("connections", test_connections_wake_the_right_one);
    return fixture_run();
}
