/* api/stream.c: who hears of what, and what becomes of the slow. */
#include <string.h>

#include "api/stream.h"
#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/secret.h"
#include "store/pool.h"
#include "store/user.h"

typedef struct {
    char *folder;
    Store *store;
    Identity *identity;
    Hub *hub;
    unsigned parked;
    unsigned woken;
} House;

static void house_open(House *house, const void *unused)
{
    g_autoptr(GError) error = NULL;
    g_assert_true(secret_init(NULL));
    house->folder = g_dir_make_tmp("oriel-stream-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(house->folder, "oriel.db", NULL);
    house->store = store_open("sqlite", path, &error);
    g_assert_no_error(error);
    house->identity = identity_new(house->store, &error);
    g_assert_no_error(error);
    house->hub = hub_new(house->store, house->identity);
}

static void house_close(House *house, const void *unused)
{
    hub_free(house->hub);
    identity_free(house->identity);
    store_close(house->store);
    folder_remove(house->folder, NULL);
    g_free(house->folder);
}

static void on_wake(void *data)
{
    ((House *)data)->woken++;
}

static void on_park(void *data)
{
    ((House *)data)->parked++;
}

static StreamClient *join(House *house, const char *user_id, Roles roles)
{
    Caller caller = {.means = CALLER_LOCAL, .user_id = (char *)user_id, .roles = roles, .scopes = SCOPES_ALL};
    HubMember member = {.caller = &caller};
    g_autoptr(GError) error = NULL;
    StreamClient *client = hub_join(house->hub, &member, &error);
    g_assert_no_error(error);
    StreamWaker waker = {on_wake, on_park, house};
    stream_set_waker(client, &waker);
    return client;
}

/* All that waits. Caller frees. */
static char *take(StreamClient *client, size_t piece)
{
    g_autoptr(GString) text = g_string_new(NULL);
    char buffer[4096];
    bool end = false;
    size_t got;
    while ((got = stream_read(client, buffer, MIN(piece, sizeof(buffer)), &end)) > 0)
        g_string_append_len(text, buffer, (gssize)got);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static StoreGroup *group_make(House *house, const char *name)
{
    StoreGroup fields = {.name = (char *)name, .display_name = (char *)""};
    g_autoptr(GError) error = NULL;
    StoreGroup *group = store_group_create(house->store, NULL, &fields, &error);
    g_assert_no_error(error);
    return group;
}

static void test_begins_with_resync_and_parks(House *house, const void *unused)
{
    StreamClient *client = join(house, "u", ROLE_USER);
    g_autofree char *text = take(client, 4096);
    g_assert_cmpstr(text, ==, "retry: 2000\n\nevent: resync\ndata: {}\n\n");
    g_assert_cmpuint(house->parked, ==, 1);
    g_assert_cmpuint(house->woken, ==, 0);
    hub_leave(client);
}

static void test_who_hears(House *house, const void *unused)
{
    StreamClient *admin = join(house, "a", ROLE_ADMIN), *user = join(house, "u", ROLE_USER),
                 *local = join(house, NULL, ROLE_ADMIN);
    g_free(take(admin, 4096));
    g_free(take(user, 4096));
    g_free(take(local, 4096));
    g_autoptr(StoreGroup) group = group_make(house, "staff");
    g_autofree char *of_admin = take(admin, 4096), *of_user = take(user, 4096), *of_local = take(local, 4096);
    g_assert_nonnull(strstr(of_admin, "\"kind\":\"group\""));
    g_assert_nonnull(strstr(of_admin, group->id));
    g_assert_nonnull(strstr(of_local, group->id));
    g_assert_null(strstr(of_user, group->id));
    g_assert_cmpstr(of_user, ==,
                    "event: change\ndata: {\"kind\":\"portal\",\"id\":\"\",\"op\":\"update\"}\n\n");
    g_assert_cmpuint(house->woken, ==, 3);
    hub_leave(admin);
    hub_leave(user);
    hub_leave(local);
}

static void test_small_pieces_are_whole(House *house, const void *unused)
{
    StreamClient *whole = join(house, "a", ROLE_ADMIN), *pieces = join(house, "a", ROLE_ADMIN);
    g_autoptr(StoreGroup) group = group_make(house, "staff");
    g_autofree char *one = take(whole, 4096), *many = take(pieces, 3);
    g_assert_cmpstr(one, ==, many);
    hub_leave(whole);
    hub_leave(pieces);
}

/* What is half sent stays whole; the rest gives way to one resync; and the queue never grows over its limit.
 */
static void test_overflow(House *house, const void *unused)
{
    StreamClient *client = join(house, "a", ROLE_ADMIN);
    char begun[5];
    bool end = false;
    g_assert_cmpuint(stream_read(client, begun, sizeof(begun), &end), ==, sizeof(begun));
    g_autoptr(StoreGroup) group = group_make(house, "staff");
    for (unsigned i = 0; i < LIMIT_STREAM_QUEUE * 2; i++) {
        g_autofree char *name = g_strdup_printf("number %u", i);
        store_set(&group->display_name, name);
        g_assert_true(store_group_update(house->store, NULL, group, NULL));
    }
    g_autofree char *text = take(client, 4096);
    g_assert_true(g_str_has_prefix(text, ": 2000\n\nevent: resync\ndata: {}\n\n"));
    unsigned events = 0;
    for (const char *at = text; (at = strstr(at, "event: ")); at++)
        events++;
    g_assert_cmpuint(events, <=, LIMIT_STREAM_QUEUE);
    hub_leave(client);
}

static void assert_refused(House *house, const char *user_id)
{
    Caller caller = {.means = CALLER_LOCAL, .user_id = (char *)user_id, .roles = ROLE_USER, .scopes = SCOPES_ALL};
    HubMember member = {.caller = &caller};
    g_autoptr(GError) error = NULL;
    g_assert_null(hub_join(house->hub, &member, &error));
    g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_TOO_MANY);
}

static void test_limit(House *house, const void *unused)
{
    g_autoptr(GPtrArray) clients = g_ptr_array_new_with_free_func((GDestroyNotify)hub_leave);
    for (unsigned i = 0; i < LIMIT_EVENT_STREAMS; i++) {
        g_autofree char *user = g_strdup_printf("u%u", i / LIMIT_EVENT_STREAMS_USER);
        g_ptr_array_add(clients, join(house, user, ROLE_USER));
        if (i == LIMIT_EVENT_STREAMS_USER - 1)
            assert_refused(house, user); /* has as many as one may have; others have room */
    }
    assert_refused(house, NULL);
    g_ptr_array_set_size(clients, LIMIT_EVENT_STREAMS - 1);
    g_ptr_array_add(clients, join(house, "another", ROLE_USER));
}

static void test_stop(House *house, const void *unused)
{
    StreamClient *client = join(house, "u", ROLE_USER);
    g_free(take(client, 4096));
    hub_stop(house->hub);
    char buffer[16];
    bool end = false;
    g_assert_cmpuint(house->woken, ==, 1);
    g_assert_cmpuint(stream_read(client, buffer, sizeof(buffer), &end), ==, 0);
    g_assert_true(end);
    hub_leave(client);
    Caller caller = {.means = CALLER_LOCAL, .roles = ROLE_ADMIN, .scopes = SCOPES_ALL};
    HubMember member = {.caller = &caller};
    g_autoptr(GError) error = NULL;
    g_assert_null(hub_join(house->hub, &member, &error));
    g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_UNAVAILABLE);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/api/stream/begins", House, NULL, house_open, test_begins_with_resync_and_parks, house_close);
    g_test_add("/api/stream/who-hears", House, NULL, house_open, test_who_hears, house_close);
    g_test_add("/api/stream/pieces", House, NULL, house_open, test_small_pieces_are_whole, house_close);
    g_test_add("/api/stream/overflow", House, NULL, house_open, test_overflow, house_close);
    g_test_add("/api/stream/limit", House, NULL, house_open, test_limit, house_close);
    g_test_add("/api/stream/stop", House, NULL, house_open, test_stop, house_close);
    return g_test_run();
}
