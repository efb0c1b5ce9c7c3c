/* Who gets which desktop, sessions, tickets; alone and many at once; on both databases. */
#include <string.h>

#include "../fixtures/store/backend.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "store/event.h"

static void observe(Store *store, const StoreDesktop *desktop, StoreObserved observed, bool forked)
{
    g_autoptr(GError) error = NULL;
    StoreObservation seen = {
        .id = desktop->id, .generation = desktop->generation, .observed = observed, .forked = forked};
    g_assert_true(store_desktop_observe(store, &seen, &error));
    g_assert_no_error(error);
}

static StoreDesktop *fresh(Store *store, const char *id)
{
    g_autoptr(GError) error = NULL;
    StoreDesktop *desktop = store_desktop_find(store, id, &error);
    g_assert_no_error(error);
    return desktop;
}

static void test_claim(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 3);
    g_autoptr(StoreUser) anna = world_user(store, "anna", "user");
    g_autoptr(StoreUser) bob = world_user(store, "bob", "user");
    StoreClaim of_anna = {.pool_id = world.pool->id, .user_id = anna->id};
    g_assert_null(store_desktop_claim(store, NULL, &of_anna, &error));
    assert_kind(error, ORIEL_ERROR_FULL);
    g_autoptr(StoreDesktop) first = world_desktop(&world, store);
    g_autoptr(StoreDesktop) second = world_desktop(&world, store);
    g_autoptr(StoreDesktop) third = world_desktop(&world, store);
    observe(store, first, STORE_OBSERVED_FAILED, true);
    observe(store, second, STORE_OBSERVED_STOPPED, true);
    observe(store, third, STORE_OBSERVED_RUNNING, true);
    g_assert_true(store_desktop_set_agent(store, third->id, 1, STORE_AGENT_READY, &error));

    /* The readiest one; then the user's own, however often. */
    for (int i = 0; i < 3; i++) {
        g_autoptr(StoreDesktop) mine = store_desktop_claim(store, NULL, &of_anna, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(mine->id, ==, third->id);
        g_assert_cmpstr(mine->user_id, ==, anna->id);
        g_assert_cmpstr(mine->user_name, ==, "anna");
        g_assert_cmpint(mine->desired, ==, STORE_DESIRED_RUNNING);
    }
    /* What failed is not given away, and what is taken neither. */
    StoreClaim of_bob = {.pool_id = world.pool->id, .user_id = bob->id, .desktop_id = third->id};
    g_assert_null(store_desktop_claim(store, NULL, &of_bob, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    of_bob.desktop_id = NULL;
    g_autoptr(StoreDesktop) his = store_desktop_claim(store, NULL, &of_bob, &error);
    g_assert_cmpstr(his->id, ==, second->id);
    g_autoptr(StoreUser) carl = world_user(store, "carl", "user");
    StoreClaim of_carl = {.pool_id = world.pool->id, .user_id = carl->id};
    g_assert_null(store_desktop_claim(store, NULL, &of_carl, &error));
    assert_kind(error, ORIEL_ERROR_FULL);
    /* Until it is refreshed. */
    g_assert_true(store_desktop_refresh(store, NULL, first->id, &error));
    g_autoptr(StoreDesktop) refreshed = store_desktop_claim(store, NULL, &of_carl, &error);
    g_assert_cmpstr(refreshed->id, ==, first->id);
    g_assert_cmpint(refreshed->generation, ==, 2);
    g_assert_cmpint(refreshed->observed_generation, ==, 1);

    g_assert_null(store_desktop_claim(store, NULL, &(StoreClaim){.pool_id = world.pool->id, .user_id = "none"}, &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
    g_assert_null(store_desktop_claim(store, NULL, &(StoreClaim){.pool_id = "none", .user_id = anna->id}, &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
    world.pool->maintenance = true;
    g_assert_true(store_pool_update(store, NULL, world.pool, &error));
    g_assert_null(store_desktop_claim(store, NULL, &of_anna, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
}

/* A pool that allows a person several: never more, and each can be returned to. */
static void test_several_a_user(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 9);
    world.pool->sessions_a_user = 3;
    g_assert_true(store_pool_update(store, NULL, world.pool, &error));
    g_autoptr(StoreUser) anna = world_user(store, "anna", "user");
    g_autoptr(StoreUser) bob = world_user(store, "bob", "user");
    StoreClaim another = {.pool_id = world.pool->id, .user_id = anna->id, .another = true};
    StoreClaim any = {.pool_id = world.pool->id, .user_id = anna->id};
    StoreDesktop *hers[3];
    for (int i = 0; i < 5; i++)
        store_desktop_free(world_desktop(&world, store));
    for (int i = 0; i < 3; i++) {
        hers[i] = store_desktop_claim(store, NULL, &another, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(hers[i]->user_id, ==, anna->id);
        g_autoptr(StoreDesktop) last = store_desktop_claim(store, NULL, &any, &error);
        g_assert_cmpstr(last->id, ==, hers[i]->id);
        g_usleep(2000); /* times are milliseconds */
    }
    g_assert_null(store_desktop_claim(store, NULL, &another, &error));
    g_assert_cmpstr(error->message, ==,
                    "pool \"pool\": you have 3 of its desktops, as many as it allows one person; log off from one of them first");
    assert_kind(error, ORIEL_ERROR_FULL);

    /* Back to a certain one, which is the one used last from then on; not to somebody else's. */
    StoreClaim back = {.pool_id = world.pool->id, .user_id = anna->id, .desktop_id = hers[0]->id, .returns = true};
    g_auto(StoreConnected) connected = {0};
    g_assert_true(store_connect(store, NULL, &back, &(StoreSessionOpen){0}, &connected, &error));
    g_assert_cmpstr(connected.desktop->id, ==, hers[0]->id);
    g_autoptr(StoreDesktop) last = store_desktop_of_user(store, world.pool->id, anna->id, &error);
    g_assert_cmpstr(last->id, ==, hers[0]->id);
    g_autoptr(GPtrArray) all = store_desktops_of_user(store, world.pool->id, anna->id, &error);
    g_assert_cmpuint(all->len, ==, 3);
    g_assert_cmpstr(((StoreDesktop *)all->pdata[1])->id, ==, hers[2]->id);
    back.user_id = bob->id;
    g_assert_null(store_desktop_claim(store, NULL, &back, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);

    /* One goes back: its number is free again; an operator gives no more than the pool allows either. */
    g_assert_true(store_desktop_release(store, NULL, hers[1]->id, (StoreAfter){.release = true}, &error));
    g_assert_true(store_desktop_assign(store, NULL, hers[1]->id, anna->id, &error));
    g_autoptr(StoreDesktop) free_one = store_desktop_claim(store, NULL, &(StoreClaim){.pool_id = world.pool->id, .user_id = bob->id}, &error);
    g_assert_true(store_desktop_release(store, NULL, free_one->id, (StoreAfter){.release = true}, &error));
    g_assert_false(store_desktop_assign(store, NULL, free_one->id, anna->id, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);

    /* Fewer are allowed from now on: what she has stays. */
    g_autoptr(StorePool) pool = store_pool_find(store, world.pool->id, &error);
    pool->sessions_a_user = 1;
    g_assert_true(store_pool_update(store, NULL, pool, &error));
    back.user_id = anna->id;
    g_autoptr(StoreDesktop) still = store_desktop_claim(store, NULL, &back, &error);
    g_assert_cmpstr(still->id, ==, hers[0]->id);
    pool->sessions_a_user = 17;
    g_assert_false(store_pool_update(store, NULL, pool, &error));
    assert_kind(error, ORIEL_ERROR_INVALID);
    for (int i = 0; i < 3; i++)
        store_desktop_free(hers[i]);
}

static void test_assign_and_release(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 3);
    g_autoptr(StoreUser) anna = world_user(store, "anna", "user");
    g_autoptr(StoreUser) bob = world_user(store, "bob", "user");
    g_autoptr(StoreDesktop) first = world_desktop(&world, store);
    g_autoptr(StoreDesktop) second = world_desktop(&world, store);
    g_assert_true(store_desktop_assign(store, NULL, first->id, anna->id, &error));
    g_assert_true(store_desktop_assign(store, NULL, first->id, anna->id, &error));
    g_assert_false(store_desktop_assign(store, NULL, first->id, bob->id, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    g_assert_false(store_desktop_assign(store, NULL, second->id, anna->id, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    g_assert_false(store_desktop_assign(store, NULL, second->id, "none", &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
    g_assert_false(store_user_delete(store, NULL, anna->id, 0, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    g_autoptr(StoreDesktop) hers = store_desktop_of_user(store, world.pool->id, anna->id, &error);
    g_assert_cmpstr(hers->id, ==, first->id);
    g_assert_cmpint(hers->assigned_ms, >, 0);
    StoreAfter both = {.release = true, .refresh = true};
    g_assert_true(store_desktop_release(store, NULL, first->id, both, &error));
    g_autoptr(StoreDesktop) free_again = fresh(store, first->id);
    g_assert_null(free_again->user_id);
    g_assert_cmpint(free_again->generation, ==, 2);
    g_assert_true(store_desktop_release(store, NULL, first->id, (StoreAfter){.release = true}, &error));
    /* One that goes away is nobody's, and stays so. */
    g_assert_true(store_desktop_assign(store, NULL, second->id, anna->id, &error));
    g_assert_true(store_desktop_set_desired(store, NULL, second->id, STORE_DESIRED_DELETED, &error));
    g_assert_false(store_desktop_set_desired(store, NULL, second->id, STORE_DESIRED_RUNNING, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    g_assert_false(store_desktop_assign(store, NULL, second->id, bob->id, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    g_assert_false(store_desktop_refresh(store, NULL, second->id, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    g_assert_false(store_desktop_remove(store, first->id, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    g_assert_true(store_desktop_remove(store, second->id, &error));
    g_assert_true(store_user_delete(store, NULL, anna->id, 0, &error));
}

static void test_observe(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 3);
    g_autoptr(StoreDesktop) desktop = world_desktop(&world, store);
    StoreObservation seen = {.id = desktop->id,
                             .generation = 1,
                             .observed = STORE_OBSERVED_RUNNING,
                             .mac = "52:54:00:00:00:01",
                             .machine_id = "0123456789abcdef0123456789abcdef",
                             .forked = true};
    g_assert_true(store_desktop_observe(store, &seen, &error));
    g_autoptr(StoreDesktop) running = fresh(store, desktop->id);
    g_assert_cmpint(running->observed_generation, ==, 1);
    g_assert_cmpstr(running->mac, ==, "52:54:00:00:00:01");
    g_assert_true(store_desktop_observe(store, &seen, &error));
    g_autoptr(StoreDesktop) same = fresh(store, desktop->id);
    g_assert_cmpint(same->version, ==, running->version);
    g_assert_true(store_desktop_set_agent(store, desktop->id, 1, STORE_AGENT_READY, &error));

    /* A refresh while the host still speaks of the old one. */
    g_assert_true(store_desktop_refresh(store, NULL, desktop->id, &error));
    seen = (StoreObservation){.id = desktop->id, .generation = 1, .observed = STORE_OBSERVED_STOPPED};
    g_assert_true(store_desktop_observe(store, &seen, &error));
    g_autoptr(StoreDesktop) stopped = fresh(store, desktop->id);
    g_assert_cmpint(stopped->agent, ==, STORE_AGENT_NONE);
    g_assert_cmpint(stopped->observed_generation, ==, 1);
    g_assert_cmpstr(stopped->mac, ==, "52:54:00:00:00:01");
    seen = (StoreObservation){
        .id = desktop->id, .generation = 2, .observed = STORE_OBSERVED_RUNNING, .forked = true};
    g_assert_true(store_desktop_observe(store, &seen, &error));
    seen.generation = 1;
    g_assert_false(store_desktop_observe(store, &seen, &error));
    assert_kind(error, ORIEL_ERROR_STALE);
    seen.generation = 3;
    g_assert_false(store_desktop_observe(store, &seen, &error));
    assert_kind(error, ORIEL_ERROR_STALE);
    g_assert_false(store_desktop_set_agent(store, desktop->id, 1, STORE_AGENT_READY, &error));
    assert_kind(error, ORIEL_ERROR_STALE);
    seen = (StoreObservation){
        .id = desktop->id, .generation = 2, .observed = STORE_OBSERVED_FAILED, .error = "QEMU ended"};
    g_assert_true(store_desktop_observe(store, &seen, &error));
    g_assert_true(store_desktop_observe(store, &seen, &error));
    g_autoptr(GPtrArray) failures =
        store_event_list(store, &(StoreEventFilter){.action = "desktop.failed"}, NULL, NULL, &error);
    g_assert_cmpuint(failures->len, ==, 1);
    g_autoptr(GPtrArray) list = store_desktop_list_host(store, world.host_id, &error);
    g_assert_cmpuint(list->len, ==, 1);
    g_assert_cmpstr(((StoreDesktop *)list->pdata[0])->error, ==, "QEMU ended");
    StoreDesktopFilter filter = {.observed = "failed", .pool_id = world.pool->id};
    g_autoptr(GPtrArray) failed = store_desktop_list(store, &filter, NULL, NULL, &error);
    g_assert_cmpuint(failed->len, ==, 1);
    filter.user_id = "none";
    g_autoptr(GPtrArray) none = store_desktop_list(store, &filter, NULL, NULL, &error);
    g_assert_cmpuint(none->len, ==, 0);
    seen.id = "none";
    g_assert_false(store_desktop_observe(store, &seen, &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
}

static void test_sessions(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 3);
    g_autoptr(StoreUser) anna = world_user(store, "anna", "user");
    g_autoptr(StoreUser) bob = world_user(store, "bob", "user");
    g_autoptr(StoreDesktop) desktop = world_desktop(&world, store);
    StoreClaim claim = {.pool_id = world.pool->id, .user_id = anna->id};
    StoreSessionOpen open = {.client = "192.0.2.7"};
    StoreActor actor = {.user_id = anna->id, .address = "192.0.2.7"};
    g_auto(StoreConnected) connected = {0};
    g_assert_true(store_connect(store, &actor, &claim, &open, &connected, &error));
    g_assert_cmpstr(connected.desktop->id, ==, desktop->id);
    const char *id = connected.session->id;
    g_assert_cmpint(connected.session->state, ==, STORE_SESSION_CONNECTING);
    g_assert_true(store_session_set_state(store, &actor, id, STORE_SESSION_CONNECTED, NULL, &error));
    g_assert_true(store_session_set_state(store, &actor, id, STORE_SESSION_DISCONNECTED, NULL, &error));

    /* From another browser: the same session. */
    open = (StoreSessionOpen){.desktop_id = desktop->id, .user_id = anna->id, .client = "192.0.2.8"};
    g_autoptr(StoreSession) again = store_session_open(store, &actor, &open, &error);
    g_assert_cmpstr(again->id, ==, id);
    g_assert_cmpint(again->state, ==, STORE_SESSION_CONNECTING);
    g_assert_cmpstr(again->client, ==, "192.0.2.8");
    open.user_id = bob->id;
    g_assert_null(store_session_open(store, &actor, &open, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    g_autoptr(StoreSession) of_desktop = store_session_of_desktop(store, desktop->id, &error);
    g_assert_cmpstr(of_desktop->id, ==, id);
    g_autoptr(GPtrArray) mine =
        store_session_list(store, &(StoreSessionFilter){.user_id = anna->id}, NULL, NULL, &error);
    g_assert_cmpuint(mine->len, ==, 1);

    /* The end of a session on a floating desktop: released and refreshed in the same step. */
    StoreAfter after = {.release = true, .refresh = true};
    g_assert_true(store_session_end(store, &actor, id, "logged off", after, &error));
    g_assert_true(store_session_end(store, &actor, id, "again", after, &error));
    g_autoptr(StoreDesktop) left = fresh(store, desktop->id);
    g_assert_null(left->user_id);
    g_assert_cmpint(left->generation, ==, 2);
    g_autoptr(StoreSession) ended = store_session_get(store, id, &error);
    g_assert_cmpint(ended->state, ==, STORE_SESSION_ENDED);
    g_assert_cmpstr(ended->end_reason, ==, "logged off");
    g_assert_cmpint(ended->ended_ms, >, 0);
    g_assert_false(store_session_set_state(store, &actor, id, STORE_SESSION_CONNECTED, NULL, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    g_assert_null(store_session_of_desktop(store, desktop->id, &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
    g_autoptr(GPtrArray) open_ones = store_session_list(store, NULL, NULL, NULL, &error);
    g_assert_cmpuint(open_ones->len, ==, 0);

    /* History outlives desktop, pool and user. */
    g_assert_true(store_desktop_set_desired(store, NULL, desktop->id, STORE_DESIRED_DELETED, &error));
    g_assert_true(store_desktop_remove(store, desktop->id, &error));
    g_assert_true(store_pool_delete(store, NULL, world.pool->id, 0, &error));
    g_assert_true(store_user_delete(store, NULL, anna->id, 0, &error));
    g_autoptr(StoreSession) history = store_session_get(store, id, &error);
    g_assert_null(history->user_id);
    g_assert_null(history->desktop_id);
    g_assert_cmpstr(history->user_name, ==, "anna");
    g_assert_cmpstr(history->desktop_name, ==, "pool-1");
}

/* Whatever takes a desktop away ends its session. */
static void test_sessions_end_with_desktop(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 3);
    g_autoptr(StoreUser) anna = world_user(store, "anna", "user");
    static const char *const reasons[] = {"refreshed", "released", "deleted"};
    for (int i = 0; i < 3; i++) {
        g_autoptr(StoreDesktop) desktop = world_desktop(&world, store);
        StoreClaim claim = {.pool_id = world.pool->id, .user_id = anna->id};
        g_auto(StoreConnected) connected = {0};
        g_assert_true(store_connect(store, NULL, &claim, &(StoreSessionOpen){0}, &connected, &error));
        const char *id = connected.desktop->id;
        if (i == 0)
            g_assert_true(store_desktop_refresh(store, NULL, id, &error));
        else if (i == 1)
            g_assert_true(store_desktop_release(store, NULL, id, (StoreAfter){.release = true, .refresh = true}, &error));
        else
            g_assert_true(store_pool_delete(store, NULL, world.pool->id, 0, &error));
        g_autoptr(StoreSession) ended = store_session_get(store, connected.session->id, &error);
        g_assert_cmpint(ended->state, ==, STORE_SESSION_ENDED);
        g_assert_cmpstr(ended->end_reason, ==, reasons[i]);
        g_autoptr(StoreDesktop) kept = fresh(store, id);
        g_assert_true((kept->user_id != NULL) == (i == 0));
    }
}

typedef struct {
    Store *store;
    Fixture *fixture;
    char *hash;
    gint redeemed;
} Redeem;

static gpointer redeem(gpointer data)
{
    Redeem *all = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(StoreTicket) ticket = store_ticket_redeem(all->store, all->hash, clock_utc_ms(), &error);
    if (ticket)
        g_atomic_int_inc(&all->redeemed);
    else
        g_assert_error(error, oriel_error_quark(), ORIEL_ERROR_NOT_FOUND);
    return NULL;
}

static void test_tickets(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 3);
    g_autoptr(StoreUser) anna = world_user(store, "anna", "user");
    g_autoptr(StoreDesktop) desktop = world_desktop(&world, store);
    g_autofree char *token = secret_token_new();
    StoreEntitle entitled = {.pool_id = world.pool->id, .subject_id = anna->id};
    g_assert_true(store_entitlement_add(store, NULL, &entitled, &error));
    Redeem all = {.store = store, .hash = secret_token_hash(token)};
    StoreClaim claim = {.pool_id = world.pool->id, .user_id = anna->id};
    int64_t now_ms = clock_utc_ms();
    StoreSessionOpen open = {.ticket_hash = all.hash, .ticket_expires_ms = now_ms + 30000};
    g_auto(StoreConnected) connected = {0};
    g_assert_true(store_connect(store, NULL, &claim, &open, &connected, &error));
    GThread *threads[16];
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("redeem", redeem, &all);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    g_assert_cmpint(all.redeemed, ==, 1);
    g_free(all.hash);

    StoreTicketNew fields = {
        .session_id = connected.session->id, .desktop_id = desktop->id, .expires_ms = now_ms + 30000};
    fields.hash = "late";
    g_assert_true(store_ticket_create(store, NULL, &fields, &error));
    g_assert_null(store_ticket_redeem(store, "late", now_ms + 30000, &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
    fields.hash = "good";
    g_assert_true(store_ticket_create(store, NULL, &fields, &error));
    g_autoptr(StoreTicket) good = store_ticket_redeem(store, "good", now_ms, &error);
    g_assert_cmpstr(good->session_id, ==, connected.session->id);
    g_assert_cmpstr(good->desktop_id, ==, desktop->id);
    /* A console needs no session. */
    StoreTicketNew console = {
        .hash = "console", .desktop_id = desktop->id, .client = "::1", .expires_ms = now_ms + 30000};
    g_assert_true(store_ticket_create(store, NULL, &console, &error));
    g_autoptr(StoreTicket) shown = store_ticket_redeem(store, "console", now_ms, &error);
    g_assert_null(shown->session_id);
    g_assert_cmpstr(shown->client, ==, "::1");
    /* Nor does it open once its user may not have the desktop any more, or the login that got it has ended. */
    fields.hash = "late entitlement";
    g_assert_true(store_ticket_create(store, NULL, &fields, &error));
    g_assert_true(store_entitlement_remove(store, NULL, &entitled, &error));
    g_assert_null(store_ticket_redeem(store, fields.hash, now_ms, &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
    g_assert_true(store_entitlement_add(store, NULL, &entitled, &error));
    fields.hash = "of no login";
    g_assert_true(store_ticket_create(store, &(StoreActor){.user_id = anna->id, .login_id = "gone"}, &fields, &error));
    g_assert_null(store_ticket_redeem(store, fields.hash, now_ms, &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
    /* After the session has ended its tickets are worth nothing, also for the next user of the desktop. */
    fields.hash = "ended";
    g_assert_true(store_ticket_create(store, NULL, &fields, &error));
    g_assert_true(store_session_end(store, NULL, connected.session->id, "logged off",
                                    (StoreAfter){.release = true}, &error));
    g_assert_null(store_ticket_redeem(store, "ended", now_ms, &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
    g_assert_null(store_ticket_redeem(store, "unknown", now_ms, &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
}

/* ---- many at once ---- */

enum { CLAIMERS = 50, USERS = 25, DESKTOPS = 20 };

typedef struct {
    Store *store;
    const char *pool_id;
    const char *user_id;
    bool another;
    char *desktop_id; /* NULL: none was free */
} Claimer;

static gpointer claim_one(gpointer data)
{
    Claimer *claimer = data;
    g_autoptr(GError) error = NULL;
    StoreClaim claim = {.pool_id = claimer->pool_id, .user_id = claimer->user_id, .another = claimer->another};
    g_auto(StoreConnected) connected = {0};
    if (store_connect(claimer->store, NULL, &claim, &(StoreSessionOpen){.client = "::1"}, &connected, &error))
        claimer->desktop_id = g_strdup(connected.desktop->id);
    else
        g_assert_error(error, oriel_error_quark(), ORIEL_ERROR_FULL);
    return NULL;
}

/* No desktop has two users and no user two desktops, as the database says, not as the callers were told. */
static void check_assignments(Store *store, const char *pool_id, guint expected)
{
    g_autoptr(GPtrArray) desktops =
        store_desktop_list(store, &(StoreDesktopFilter){.pool_id = pool_id}, NULL, NULL, NULL);
    g_autoptr(GHashTable) users = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < desktops->len; i++) {
        const StoreDesktop *desktop = desktops->pdata[i];
        if (desktop->user_id)
            g_assert_true(g_hash_table_add(users, desktop->user_id));
    }
    g_assert_cmpuint(g_hash_table_size(users), ==, expected);
    g_autoptr(GPtrArray) sessions = store_session_list(store, NULL, NULL, NULL, NULL);
    g_assert_cmpuint(sessions->len, ==, expected);
}

/* Fifty clicks of twenty-five people on twenty desktops. Two stores stand for two hosts. */
static void test_fifty_claims(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_autoptr(Store) other = store_open(fixture->database, fixture->path, &error);
    g_assert_no_error(error);
    g_auto(World) world = {0};
    world_make(&world, store, DESKTOPS);
    for (int i = 0; i < DESKTOPS; i++)
        store_desktop_free(world_desktop(&world, store));
    StoreUser *users[USERS];
    for (int i = 0; i < USERS; i++) {
        g_autofree char *name = g_strdup_printf("user-%d", i);
        users[i] = world_user(store, name, "user");
    }
    Claimer claimers[CLAIMERS] = {0};
    GThread *threads[CLAIMERS];
    for (int i = 0; i < CLAIMERS; i++) {
        claimers[i] = (Claimer){.store = i % 2 ? store : other, .pool_id = world.pool->id, .user_id = users[i % USERS]->id};
        threads[i] = g_thread_new("claim", claim_one, &claimers[i]);
    }
    for (int i = 0; i < CLAIMERS; i++)
        g_thread_join(threads[i]);
    check_assignments(store, world.pool->id, DESKTOPS);
    /* Both clicks of one person that succeeded were told the same desktop. */
    for (int i = 0; i < USERS; i++) {
        const Claimer *one = &claimers[i], *two = &claimers[i + USERS];
        if (one->desktop_id && two->desktop_id)
            g_assert_cmpstr(one->desktop_id, ==, two->desktop_id);
    }
    for (int i = 0; i < CLAIMERS; i++)
        g_free(claimers[i].desktop_id);
    for (int i = 0; i < USERS; i++)
        store_user_free(users[i]);
}

/* One person clicks fifty times at once. */
/* Twenty-five clicks for another one at once, of two brokers: as many desktops as are allowed, each once. */
static void test_one_greedy_user(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_autoptr(Store) other = store_open(fixture->database, fixture->path, &error);
    g_assert_no_error(error);
    g_auto(World) world = {0};
    world_make(&world, store, CLAIMERS);
    world.pool->sessions_a_user = 4;
    g_assert_true(store_pool_update(store, NULL, world.pool, &error));
    for (int i = 0; i < USERS; i++)
        store_desktop_free(world_desktop(&world, store));
    g_autoptr(StoreUser) anna = world_user(store, "anna", "user");
    GThread *threads[CLAIMERS];
    Claimer claimers[CLAIMERS] = {0};
    g_autoptr(GHashTable) got = g_hash_table_new(g_str_hash, g_str_equal);
    for (int i = 0; i < CLAIMERS; i++) {
        claimers[i] = (Claimer){.store = i % 2 ? store : other, .pool_id = world.pool->id, .user_id = anna->id, .another = true};
        threads[i] = g_thread_new("claim", claim_one, &claimers[i]);
    }
    for (int i = 0; i < CLAIMERS; i++)
        g_thread_join(threads[i]);
    for (int i = 0; i < CLAIMERS; i++)
        if (claimers[i].desktop_id)
            g_assert_true(g_hash_table_add(got, claimers[i].desktop_id));
    g_assert_cmpuint(g_hash_table_size(got), ==, 4);
    for (int i = 0; i < CLAIMERS; i++)
        g_free(claimers[i].desktop_id);
}

static void test_one_impatient_user(Fixture *fixture)
{
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, DESKTOPS);
    for (int i = 0; i < DESKTOPS; i++)
        store_desktop_free(world_desktop(&world, store));
    g_autoptr(StoreUser) anna = world_user(store, "anna", "user");
    Claimer claimers[CLAIMERS] = {0};
    GThread *threads[CLAIMERS];
    for (int i = 0; i < CLAIMERS; i++) {
        claimers[i] = (Claimer){.store = store, .pool_id = world.pool->id, .user_id = anna->id};
        threads[i] = g_thread_new("claim", claim_one, &claimers[i]);
    }
    for (int i = 0; i < CLAIMERS; i++)
        g_thread_join(threads[i]);
    for (int i = 0; i < CLAIMERS; i++) {
        g_assert_cmpstr(claimers[i].desktop_id, ==, claimers[0].desktop_id);
        if (i > 0)
            g_free(claimers[i].desktop_id);
    }
    g_free(claimers[0].desktop_id);
    check_assignments(store, world.pool->id, 1);
}

typedef struct {
    Store *store;
    World *world;
    const char *user_id;
    int seed;
} Churner;

/* Everything that may happen to desktops, in each thread in another order; each answer is one that may be
 * given. */
static gpointer churn(gpointer data)
{
    Churner *churner = data;
    g_autoptr(GRand) random = g_rand_new_with_seed((guint32)churner->seed);
    for (int i = 0; i < 40; i++) {
        g_autoptr(GError) error = NULL;
        StoreClaim claim = {.pool_id = churner->world->pool->id, .user_id = churner->user_id};
        g_auto(StoreConnected) connected = {0};
        if (store_connect(churner->store, NULL, &claim, &(StoreSessionOpen){0}, &connected, &error)) {
            StoreAfter after = {.release = true, .refresh = g_rand_boolean(random)};
            const char *session = connected.session->id, *desktop = connected.desktop->id;
            switch (g_rand_int_range(random, 0, 4)) {
            case 0:
                store_desktop_release(churner->store, NULL, desktop, after, &error);
                break;
            case 1:
                store_session_set_state(churner->store, NULL, session, STORE_SESSION_CONNECTED, "::1",
                                        &error);
                break;
            case 2:
                store_desktop_refresh(churner->store, NULL, desktop, &error);
                break;
            default:
                store_session_end(churner->store, NULL, session, "logged off", after, &error);
                break;
            }
        }
        OrielErrorKind kind = error ? oriel_error_kind(error) : ORIEL_ERROR_FULL;
        g_assert_true(kind == ORIEL_ERROR_FULL || kind == ORIEL_ERROR_CONFLICT);
    }
    return NULL;
}

static void test_churn(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 6);
    for (int i = 0; i < 6; i++)
        store_desktop_free(world_desktop(&world, store));
    GThread *threads[12];
    Churner churners[12];
    StoreUser *users[6];
    for (int i = 0; i < 6; i++) {
        g_autofree char *name = g_strdup_printf("user-%d", i);
        users[i] = world_user(store, name, "user");
    }
    for (int i = 0; i < 12; i++) {
        churners[i] = (Churner){store, &world, users[i % 6]->id, i};
        threads[i] = g_thread_new("churn", churn, &churners[i]);
    }
    for (int i = 0; i < 12; i++)
        g_thread_join(threads[i]);
    /* Every open session is on a desktop of its user, one at most each. */
    g_autoptr(GPtrArray) sessions = store_session_list(store, NULL, NULL, NULL, &error);
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < sessions->len; i++) {
        const StoreSession *session = sessions->pdata[i];
        g_assert_true(g_hash_table_add(seen, session->desktop_id));
        g_autoptr(StoreDesktop) desktop = fresh(store, session->desktop_id);
        g_assert_cmpstr(desktop->user_id, ==, session->user_id);
    }
    for (int i = 0; i < 6; i++)
        store_user_free(users[i]);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fixture_add("claim", test_claim);
    fixture_add("several-a-user", test_several_a_user);
    fixture_add("one-greedy-user", test_one_greedy_user);
    fixture_add("assign-and-release", test_assign_and_release);
    fixture_add("observe", test_observe);
    fixture_add("sessions", test_sessions);
    fixture_add("sessions-end-with-desktop", test_sessions_end_with_desktop);
    fixture_add("tickets", test_tickets);
    fixture_add("fifty-claims", test_fifty_claims);
    fixture_add("one-impatient-user", test_one_impatient_user);
    fixture_add("churn", test_churn);
    return fixture_run();
}
