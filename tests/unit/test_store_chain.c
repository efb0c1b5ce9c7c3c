/* The chain of events: what tampering with real SQL it finds, retention, and what the database itself refuses. On both
 * databases. */
#include <libpq-fe.h>
#include <sqlite3.h>
#include <string.h>

#include "../fixtures/store/backend.h"
#include "base/clock.h"
#include "base/error.h"
#include "store/event.h"
#include "store/event_chain.h"

/* As somebody with a connection of his own; false: the database refuses. */
static bool sql(Fixture *fixture, const char *text)
{
    bool done;
    if (fixture->postgres) {
        PGconn *link = PQconnectdb(fixture->database);
        PGresult *result = PQexec(link, text);
        done = PQresultStatus(result) == PGRES_COMMAND_OK;
        PQclear(result);
        PQfinish(link);
    } else {
        sqlite3 *db = NULL;
        g_assert_cmpint(sqlite3_open(fixture->path, &db), ==, SQLITE_OK);
        sqlite3_busy_timeout(db, 5000);
        done = sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK;
        sqlite3_close(db);
    }
    return done;
}

/* What somebody who knows the schema does first. */
static void disarm(Fixture *fixture)
{
    if (fixture->postgres)
        g_assert_true(sql(fixture, "ALTER TABLE events DISABLE TRIGGER ALL;"
                                   "ALTER TABLE event_head DISABLE TRIGGER ALL"));
    else
        g_assert_true(sql(fixture, "DROP TRIGGER events_unchanged; DROP TRIGGER events_kept;"
                                   "DROP TRIGGER event_head_forward; DROP TRIGGER event_head_kept"));
}

static void add(Fixture *fixture, const char *name)
{
    g_autoptr(GError) error = NULL;
    StoreEventNew fields = {.action = "test", .object_name = name, .detail = "{\"a\":1}"};
    StoreActor actor = {.name = "änne", .address = "192.0.2.7"};
    store_event_add(fixture->store, &actor, &fields, &error);
    g_assert_no_error(error);
}

static void add_some(Fixture *fixture, unsigned count)
{
    for (unsigned i = 1; i <= count; i++) {
        g_autofree char *name = g_strdup_printf("thing-%u", i);
        add(fixture, name);
    }
}

static void verify(Fixture *fixture, StoreEventVerdict *ret)
{
    g_autoptr(GError) error = NULL;
    store_event_verify(fixture->store, ret, &error);
    g_assert_no_error(error);
}

static void expect_whole(Fixture *fixture, uint64_t count)
{
    g_auto(StoreEventVerdict) verdict = {0};
    verify(fixture, &verdict);
    g_assert_cmpstr(verdict.problem, ==, NULL);
    g_assert_cmpuint(verdict.count, ==, count);
}

static void expect_problem(Fixture *fixture, int64_t sequence, const char *begin)
{
    g_auto(StoreEventVerdict) verdict = {0};
    verify(fixture, &verdict);
    g_assert_nonnull(verdict.problem);
    g_assert_cmpint(verdict.problem_sequence, ==, sequence);
    if (!g_str_has_prefix(verdict.problem, begin))
        g_error("\"%s\" does not begin with \"%s\"", verdict.problem, begin);
}

/* ---- whole ---- */

static void test_grows(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    expect_whole(fixture, 0);
    add_some(fixture, 5);
    g_autoptr(StoreUser) user = world_user(fixture->store, "anna", "user"); /* a change and its event */
    g_autoptr(GPtrArray) events = store_event_after(fixture->store, 0, 100, &error);
    g_assert_cmpuint(events->len, ==, 6);
    const char *before = "";
    for (guint i = 0; i < events->len; i++) {
        const StoreEvent *event = events->pdata[i];
        g_assert_cmpint(event->sequence, ==, i + 1);
        g_autofree char *hash = chain_hash(before, event);
        g_assert_cmpstr(hash, ==, event->hash);
        before = event->hash;
    }
    g_auto(StoreEventVerdict) verdict = {0};
    verify(fixture, &verdict);
    g_assert_cmpint(verdict.first_sequence, ==, 1);
    g_assert_cmpint(verdict.last_sequence, ==, 6);
    g_assert_cmpstr(verdict.head_hash, ==, before);
}

/* The form is written down: a receiver elsewhere can compute it. sha256sum of the netstrings gave these. */
static void test_known_hash(void)
{
    StoreEvent event = {.sequence = 1,
                        .id = (char *)"01",
                        .time_ms = 2,
                        .actor_name = (char *)"a",
                        .address = (char *)"",
                        .action = (char *)"login",
                        .object_kind = (char *)"",
                        .object_id = (char *)"",
                        .object_name = (char *)"",
                        .result = (char *)"ok",
                        .detail = (char *)"{}"};
    g_autofree char *hash = chain_hash("", &event);
    g_autofree char *expected = g_compute_checksum_for_string(
        G_CHECKSUM_SHA256, "13:oriel-event-1,0:,1:1,2:01,1:2,-,1:a,0:,5:login,0:,0:,0:,2:ok,2:{},", -1);
    g_assert_cmpstr(hash, ==, expected);
    /* A NULL is not an empty text, and nothing moves from one field to the next. */
    event.actor_id = (char *)"";
    g_autofree char *empty = chain_hash("", &event);
    g_assert_cmpstr(hash, !=, empty);
    event.actor_id = NULL;
    event.actor_name = (char *)"";
    event.address = (char *)"a";
    g_autofree char *moved = chain_hash("", &event);
    g_assert_cmpstr(hash, !=, moved);
}

enum { THREADS = 4, EACH = 25 };

static void *add_many(void *data)
{
    Fixture *fixture = data;
    add_some(fixture, EACH);
    return NULL;
}

static void test_together(Fixture *fixture)
{
    GThread *threads[THREADS];
    g_autoptr(GError) error = NULL;
    Fixture other = *fixture;
    other.store = store_open(fixture->database, fixture->path, &error); /* a second broker */
    g_assert_no_error(error);
    for (int i = 0; i < THREADS; i++)
        threads[i] = g_thread_new("add", add_many, i % 2 ? fixture : &other);
    for (int i = 0; i < THREADS; i++)
        g_thread_join(threads[i]);
    store_close(other.store);
    expect_whole(fixture, THREADS * EACH);
}

/* ---- what the database refuses ---- */

static void test_refused(Fixture *fixture)
{
    add_some(fixture, 3);
    g_assert_false(sql(fixture, "UPDATE events SET actor_name = 'eve' WHERE sequence = 2"));
    g_assert_false(sql(fixture, "DELETE FROM events WHERE sequence = 1"));
    g_assert_false(sql(fixture, "DELETE FROM events"));
    g_assert_false(sql(fixture, "DELETE FROM event_head"));
    g_assert_false(sql(fixture, "UPDATE event_head SET sequence = 2"));
    if (fixture->postgres)
        g_assert_false(sql(fixture, "TRUNCATE events"));
    expect_whole(fixture, 3);
    add(fixture, "later");
    expect_whole(fixture, 4);
}

/* ---- what the chain finds ---- */

static void test_changed(Fixture *fixture)
{
    static const char *const changes[] = {
        "actor_name = 'eve'", "address = '192.0.2.8'", "time_ms = time_ms + 1", "detail = '{}'",
        "result = 'forbidden'", "object_name = ''", "actor_id = ''", "hash = 'ff'"};
    add_some(fixture, (unsigned)G_N_ELEMENTS(changes));
    disarm(fixture);
    for (int i = (int)G_N_ELEMENTS(changes); i > 0; i--) { /* the last first: each then is the earliest */
        g_autofree char *text = g_strdup_printf("UPDATE events SET %s WHERE sequence = %d", changes[i - 1], i);
        g_assert_true(sql(fixture, text));
        expect_problem(fixture, i, "changed: event ");
    }
}

static void test_removed(Fixture *fixture)
{
    add_some(fixture, 6);
    disarm(fixture);
    g_assert_true(sql(fixture, "DELETE FROM events WHERE sequence = 6"));
    expect_problem(fixture, 6, "removed: the newest");
    g_assert_true(sql(fixture, "DELETE FROM events WHERE sequence = 3"));
    expect_problem(fixture, 3, "removed: after event 2 comes 4");
    g_assert_true(sql(fixture, "DELETE FROM events WHERE sequence = 1"));
    expect_problem(fixture, 1, "removed: after event 0 comes 2");
    g_assert_true(sql(fixture, "DELETE FROM events"));
    expect_problem(fixture, 1, "removed: the newest");
}

/* The head is taken along, but not what the hashes say. */
static void test_removed_with_head(Fixture *fixture)
{
    add_some(fixture, 4);
    disarm(fixture);
    g_assert_true(sql(fixture, "DELETE FROM events WHERE sequence = 4; UPDATE event_head SET sequence = 3"));
    expect_problem(fixture, 3, "changed: the newest");
}

/* Removed as retention does, but without its event. */
static void test_anchor_moved(Fixture *fixture)
{
    add_some(fixture, 4);
    g_assert_true(sql(fixture, "UPDATE event_head SET anchor_sequence = 2,"
                               " anchor_hash = (SELECT hash FROM events WHERE sequence = 2);"
                               "DELETE FROM events WHERE sequence <= 2"));
    expect_problem(fixture, 2, "removed: the events up to 2");
}

#define COPY_AS(place)                                                                                       \
    "INSERT INTO events (sequence, id, time_ms, actor_name, address, action, object_kind, object_id,"        \
    " object_name, result, detail, hash) SELECT " place ", 'new', time_ms, 'eve', address, action,"          \
    " object_kind, object_id, object_name, result, detail, hash FROM events WHERE sequence = 3"

static void test_inserted(Fixture *fixture)
{
    add_some(fixture, 3);
    g_assert_true(sql(fixture, COPY_AS("4")));
    expect_problem(fixture, 4, "inserted: event 4");
    g_assert_true(sql(fixture, "UPDATE event_head SET sequence = 4"));
    expect_problem(fixture, 4, "changed: event 4");
}

static void test_inserted_between(Fixture *fixture)
{
    add_some(fixture, 3);
    disarm(fixture);
    g_assert_true(sql(fixture, "UPDATE events SET sequence = 4 WHERE sequence = 3;"
                               "UPDATE event_head SET sequence = 4"));
    g_assert_true(sql(fixture, "INSERT INTO events (sequence, id, time_ms, actor_name, address, action, object_kind,"
                               " object_id, object_name, result, detail, hash) SELECT 3, 'new', time_ms, 'eve',"
                               " address, action, object_kind, object_id, object_name, result, detail, hash"
                               " FROM events WHERE sequence = 4"));
    expect_problem(fixture, 3, "changed: event 3");
}

/* ---- retention ---- */

static void test_expires(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    uint64_t removed = 7;
    add_some(fixture, 4);
    g_assert_true(store_event_expire(fixture->store, 1, &removed, &error));
    g_assert_cmpuint(removed, ==, 0);
    expect_whole(fixture, 4);
    int64_t later = clock_utc_ms() + 60000;
    g_autofree char *younger =
        g_strdup_printf("UPDATE events SET time_ms = %" G_GINT64_FORMAT " WHERE sequence = 4", later);
    g_assert_false(sql(fixture, younger));

    g_assert_true(store_event_expire(fixture->store, later, &removed, &error));
    g_assert_cmpuint(removed, ==, 4);
    g_auto(StoreEventVerdict) verdict = {0};
    verify(fixture, &verdict);
    g_assert_cmpstr(verdict.problem, ==, NULL);
    g_assert_cmpint(verdict.anchor_sequence, ==, 4);
    g_assert_cmpint(verdict.first_sequence, ==, 5);
    g_autoptr(GPtrArray) events = store_event_list(fixture->store, NULL, NULL, NULL, &error);
    g_assert_cmpuint(events->len, ==, 1);
    g_assert_cmpstr(((StoreEvent *)events->pdata[0])->action, ==, "event.expire");

    add_some(fixture, 2);
    g_assert_true(store_event_expire(fixture->store, later, &removed, &error));
    g_assert_cmpuint(removed, ==, 3);
    expect_whole(fixture, 1);
    disarm(fixture);
    g_assert_true(sql(fixture, "UPDATE events SET detail = '{}'"));
    expect_problem(fixture, 8, "changed: event 8");
}

static void test_forwarding_holds(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    uint64_t removed = 0;
    add_some(fixture, 5);
    g_autoptr(StoreEventForward) forward =
        store_event_forward_lease(fixture->store, "syslog", "host-a", 30000, &error);
    g_assert_no_error(error);
    g_assert_cmpint(forward->sequence, ==, 0);
    g_assert_cmpint(forward->waiting, ==, 5);
    g_assert_null(store_event_forward_lease(fixture->store, "syslog", "host-b", 30000, &error));
    g_assert_no_error(error);
    forward->sequence = 2;
    store_set(&forward->error, "it is down");
    g_assert_true(store_event_forward_note(fixture->store, forward, &error));
    g_assert_true(store_event_expire(fixture->store, clock_utc_ms() + 60000, &removed, &error));
    g_assert_cmpuint(removed, ==, 2); /* what is not sent stays */
    expect_whole(fixture, 4);

    /* A lease that ran out is anybody's, and who had it says nothing more. */
    g_autoptr(StoreEventForward) own =
        store_event_forward_lease(fixture->store, "syslog", "host-a", -1, &error);
    g_assert_nonnull(own);
    g_usleep(2000);
    g_autoptr(StoreEventForward) taken =
        store_event_forward_lease(fixture->store, "syslog", "host-b", 30000, &error);
    g_assert_nonnull(taken);
    g_assert_cmpint(taken->sequence, ==, 2);
    g_assert_cmpstr(taken->error, ==, "it is down");
    g_assert_false(store_event_forward_note(fixture->store, own, &error));
    assert_kind(error, ORIEL_ERROR_STALE);
    g_autoptr(GPtrArray) all = store_event_forward_list(fixture->store, &error);
    g_assert_cmpuint(all->len, ==, 1);
    g_assert_cmpint(((StoreEventForward *)all->pdata[0])->waiting, ==, 4);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/known-hash", test_known_hash);
    fixture_add("grows", test_grows);
    fixture_add("together", test_together);
    fixture_add("refused", test_refused);
    fixture_add("changed", test_changed);
    fixture_add("removed", test_removed);
    fixture_add("removed-with-head", test_removed_with_head);
    fixture_add("anchor-moved", test_anchor_moved);
    fixture_add("inserted", test_inserted);
    fixture_add("inserted-between", test_inserted_between);
    fixture_add("expires", test_expires);
    fixture_add("forwarding-holds", test_forwarding_holds);
    return fixture_run();
}
