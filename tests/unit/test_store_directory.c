/* Directories, and the people and groups that come from them: on both databases. */
#include <string.h>

#include "../fixtures/store/backend.h"
#include "base/error.h"
#include "base/id.h"
#include "store/directory.h"
#include "store/event.h"
#include "store/login.h"

static StoreDirectory *make(Store *store, const char *name)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *id = id_new();
    StoreDirectory fields = {
        .id = id, .name = (char *)name, .position = -1, .enabled = true, .settings = (char *)"{\"base\":\"dc=x\"}"};
    StoreDirectory *made = store_directory_create(store, NULL, &fields, &error);
    g_assert_no_error(error);
    return made;
}

static void test_directories(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_autoptr(StoreDirectory) first = make(store, "zebra");
    g_autoptr(StoreDirectory) second = make(store, "ant");
    g_assert_cmpint(first->position, ==, 1);
    g_assert_cmpint(second->position, ==, 2);
    g_assert_null(first->sealed_secret);
    g_autoptr(GPtrArray) all = store_directory_list(store, &error);
    g_assert_cmpuint(all->len, ==, 2);
    g_assert_cmpstr(((StoreDirectory *)all->pdata[0])->name, ==, "zebra");
    g_autoptr(StoreDirectory) late = store_directory_find(store, "zebra", &error);
    store_set(&first->sealed_secret, "sealed");
    first->enabled = false;
    g_assert_true(store_directory_update(store, NULL, first, &error));
    g_assert_false(store_directory_update(store, NULL, late, &error));
    assert_kind(error, ORIEL_ERROR_STALE);
    g_autoptr(StoreDirectory) now = store_directory_find(store, first->id, &error);
    g_assert_cmpstr(now->sealed_secret, ==, "sealed");
    g_assert_false(now->enabled);
    store_set(&now->name, "ant");
    g_assert_false(store_directory_update(store, NULL, now, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    g_assert_true(store_directory_delete(store, NULL, second->id, 0, &error));
    g_assert_null(store_directory_find(store, "ant", &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
}

static StoreUser *person(Store *store, const StoreDirectory *directory, const char *external_id, const char *name, GError **error)
{
    StorePerson fields = {.directory_id = directory->id,
                          .external_id = external_id,
                          .name = name,
                          .display_name = "Somebody",
                          .roles = "user",
                          .allow_create = true};
    return store_person_user(store, NULL, &fields, error);
}

static void test_disabled_ends_logins(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_autoptr(StoreDirectory) corp = make(store, "corp");
    g_autoptr(StoreDirectory) other = make(store, "other");
    g_autoptr(StoreUser) ann = person(store, corp, "1", "ann", &error);
    g_autoptr(StoreUser) bob = person(store, other, "1", "bob", &error);
    g_assert_true(ann->may_log_in && bob->may_log_in);
    StoreWebSessionNew fields = {
        .token_hash = "a", .user_id = ann->id, .csrf = "x", .address = "", .agent = "", .scopes = "", .expires_ms = G_MAXINT64 / 2};
    g_autoptr(StoreWebSession) gone = store_web_session_create(store, NULL, &fields, &error);
    fields.token_hash = "b";
    fields.user_id = bob->id;
    g_autoptr(StoreWebSession) kept = store_web_session_create(store, NULL, &fields, &error);
    g_assert_no_error(error);
    corp->enabled = false;
    g_assert_true(store_directory_update(store, NULL, corp, &error));
    g_assert_null(store_web_session_get(store, "a", &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
    g_autoptr(StoreWebSession) still = store_web_session_get(store, "b", &error);
    g_assert_no_error(error);
    g_assert_nonnull(still);
    g_autoptr(StoreUser) now = store_user_find(store, "ann", &error);
    g_assert_true(now->enabled && !now->may_log_in);
}

static void test_people(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_autoptr(StoreDirectory) corp = make(store, "corp");
    g_autoptr(StoreDirectory) other = make(store, "other");
    g_autoptr(StoreUser) ann = person(store, corp, "id-1", "ann", &error);
    g_assert_no_error(error);
    g_assert_cmpstr(ann->directory_name, ==, "corp");
    g_autoptr(StoreUser) renamed = person(store, corp, "id-1", "anna", &error);
    g_assert_no_error(error);
    g_assert_cmpstr(renamed->id, ==, ann->id);
    g_assert_cmpstr(renamed->name, ==, "anna");
    /* Somebody else with her name: of the same directory, of another one, of Oriel itself. */
    g_assert_null(person(store, corp, "id-2", "anna", &error));
    g_assert_nonnull(strstr(error->message, "before"));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    g_assert_null(person(store, other, "id-1", "anna", &error));
    g_assert_nonnull(strstr(error->message, "\"corp\""));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    StoreUser local = {.name = (char *)"bob", .roles = (char *)"user", .enabled = true};
    g_autoptr(StoreUser) bob = store_user_create(store, NULL, &local, &error);
    g_assert_null(bob->directory_id);
    g_assert_null(person(store, corp, "id-3", "bob", &error));
    g_assert_nonnull(strstr(error->message, "of its own"));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    g_assert_null(person(store, corp, "id-1", "bob", &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    StorePerson stranger = {
        .directory_id = corp->id, .external_id = "id-9", .name = "carl", .roles = "user", .allow_create = false};
    g_assert_null(store_person_user(store, NULL, &stranger, &error));
    assert_kind(error, ORIEL_ERROR_FORBIDDEN);
}

static StoreGroup *group(Store *store, const StoreDirectory *directory, const char *name, const char *external_id)
{
    g_autoptr(GError) error = NULL;
    StoreGroup fields = {.name = (char *)name,
                         .directory_id = directory->id,
                         .external_id = (char *)external_id,
                         .external_name = (char *)"cn=group"};
    StoreGroup *made = store_group_create(store, NULL, &fields, &error);
    g_assert_no_error(error);
    return made;
}

static char *groups_text(Store *store, const StoreUser *user)
{
    g_autoptr(GPtrArray) groups = store_user_groups(store, user->id, NULL);
    g_autoptr(GString) text = g_string_new(NULL);
    for (unsigned i = 0; i < groups->len; i++)
        g_string_append_printf(text, "%s ", ((StoreGroup *)groups->pdata[i])->name);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static void test_groups(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_autoptr(StoreDirectory) corp = make(store, "corp");
    g_autoptr(StoreUser) ann = person(store, corp, "id-1", "ann", &error);
    g_autoptr(StoreGroup) one = group(store, corp, "one", "g-1");
    g_autoptr(StoreGroup) two = group(store, corp, "two", "g-2");
    g_autoptr(StoreGroup) by_hand = group(store, corp, "three", "g-3");
    g_assert_true(store_group_add_member(store, NULL, by_hand->id, ann->id, &error));
    const struct {
        const char *ids[4];
        const char *groups, *lost;
    } cases[] = {{{"g-1", "g-2", "unknown"}, "one three two ", ""},
                 {{"g-2"}, "three two ", "g-1"},
                 {{"g-2"}, "three two ", ""},
                 {{NULL}, "three ", "g-2"}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(GStrv) lost = NULL;
        StorePersonGroups fields = {ann->id, corp->id, cases[i].ids};
        g_assert_true(store_person_groups_set(store, NULL, &fields, &lost, &error));
        g_autofree char *are = groups_text(store, ann), *gone = g_strjoinv(" ", lost);
        g_assert_cmpstr(are, ==, cases[i].groups);
        g_assert_cmpstr(gone, ==, cases[i].lost);
    }
    g_assert_true(store_group_missing_set(store, one->id, true, &error));
    g_autoptr(StoreGroup) missing = store_group_find(store, "one", &error);
    g_assert_cmpint(missing->missing_ms, >, 0);
    g_assert_true(store_group_missing_set(store, one->id, true, &error));
    g_autoptr(StoreGroup) still = store_group_find(store, "one", &error);
    g_assert_cmpint(still->version, ==, missing->version);
    StoreGroup twice = {.name = (char *)"again", .directory_id = corp->id, .external_id = (char *)"g-1"};
    g_assert_null(store_group_create(store, NULL, &twice, &error));
    g_assert_nonnull(strstr(error->message, "\"one\""));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
}

static void test_delete(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 2);
    g_autoptr(StoreDirectory) corp = make(store, "corp");
    g_autoptr(StoreUser) ann = person(store, corp, "id-1", "ann", &error);
    g_autoptr(StoreGroup) one = group(store, corp, "one", "g-1");
    g_autoptr(StoreDirectory) now = store_directory_find(store, "corp", &error);
    g_assert_cmpuint(now->users, ==, 1);
    g_assert_cmpuint(now->groups, ==, 1);
    StoreUser root = {.name = (char *)"root", .roles = (char *)"admin", .enabled = true};
    g_autoptr(StoreUser) admin = store_user_create(store, NULL, &root, &error);
    g_assert_true(store_directory_delete(store, NULL, corp->id, 0, &error));
    g_assert_no_error(error);
    g_assert_null(store_user_find(store, "ann", &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
    g_assert_null(store_group_find(store, "one", &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
}

static void test_open(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_autoptr(StoreDirectory) corp = make(store, "corp");
    g_autoptr(StoreUser) ann = person(store, corp, "id-1", "ann", &error);
    g_autoptr(StoreUser) out = person(store, corp, "id-2", "out", &error);
    g_autoptr(StoreUser) own = world_user(store, "own", "user");
    const StoreUser *in[] = {ann, own};
    for (size_t i = 0; i < G_N_ELEMENTS(in); i++) {
        StoreWebSessionNew fields = {.token_hash = in[i]->name, .user_id = in[i]->id, .csrf = "csrf", .scopes = "all", .expires_ms = INT64_MAX};
        g_autoptr(StoreWebSession) session = store_web_session_create(store, NULL, &fields, &error);
        g_assert_no_error(error);
    }
    g_autoptr(GPtrArray) people = store_directory_people_open(store, 10, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(people->len, ==, 1); /* neither who is out nor Oriel's own */
    g_assert_cmpstr(people->pdata[0], ==, ann->id);
    corp->enabled = false;
    g_assert_true(store_directory_update(store, NULL, corp, &error));
    g_autoptr(GPtrArray) none = store_directory_people_open(store, 10, &error);
    g_assert_cmpuint(none->len, ==, 0);
}

static void test_left(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_autoptr(StoreDirectory) corp = make(store, "corp");
    g_autoptr(StoreUser) ann = person(store, corp, "id-1", "ann", &error);
    g_autoptr(StoreUser) bob = person(store, corp, "id-2", "bob", &error);
    const StoreUser *both[] = {ann, bob};
    for (size_t i = 0; i < G_N_ELEMENTS(both); i++) {
        StoreWebSessionNew fields = {.token_hash = both[i]->name, .user_id = both[i]->id, .csrf = "csrf", .scopes = "all", .expires_ms = INT64_MAX};
        g_autoptr(StoreWebSession) session = store_web_session_create(store, NULL, &fields, &error);
        g_assert_no_error(error);
    }
    g_assert_true(store_directory_password_set(store, ann->id, "hash", &error));
    for (int again = 0; again < 2; again++) { /* the second time there is nothing to end, and no event */
        g_assert_true(store_person_left(store, NULL, ann->id, "gone", &error));
        g_assert_no_error(error);
    }
    g_assert_null(store_web_session_get(store, "ann", &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
    g_autoptr(StoreWebSession) others = store_web_session_get(store, "bob", &error);
    g_assert_no_error(error);
    g_assert_null(store_directory_password_get(store, ann->id, 0, &error));
    g_autoptr(GPtrArray) events = store_event_list(store, &(StoreEventFilter){.action = "user.left-directory"}, NULL, NULL, &error);
    g_assert_cmpuint(events->len, ==, 1);
    g_assert_true(store_person_left(store, NULL, "nobody", "gone", &error));
}

static void test_passwords(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_autoptr(StoreDirectory) corp = make(store, "corp");
    g_autoptr(StoreUser) ann = person(store, corp, "id-1", "ann", &error);
    g_assert_null(store_directory_password_get(store, ann->id, 0, &error));
    g_assert_true(store_directory_password_set(store, ann->id, "old", &error));
    g_assert_true(store_directory_password_set(store, ann->id, "new", &error));
    g_autofree char *hash = store_directory_password_get(store, ann->id, 0, &error);
    g_assert_cmpstr(hash, ==, "new");
    g_assert_null(store_directory_password_get(store, ann->id, INT64_MAX, &error));
    g_assert_true(store_directory_password_forget(store, ann->id, &error));
    g_assert_null(store_directory_password_get(store, ann->id, 0, &error));
    g_assert_no_error(error);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fixture_add("directory/directories", test_directories);
    fixture_add("directory/disabled-ends-logins", test_disabled_ends_logins);
    fixture_add("directory/people", test_people);
    fixture_add("directory/groups", test_groups);
    fixture_add("directory/delete", test_delete);
    fixture_add("directory/passwords", test_passwords);
    fixture_add("directory/open", test_open);
    fixture_add("left", test_left);
    return fixture_run();
}
