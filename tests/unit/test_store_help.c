/* The help desk: its limits, its search, and who looks on in whose session; what is known of a session's person. On both databases. */
#include <string.h>

#include "../fixtures/store/backend.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/id.h"
#include "base/limits.h"
#include "store/display.h"
#include "store/event.h"
#include "store/help.h"

static char *names_of(GPtrArray *owned)
{
    g_autoptr(GPtrArray) users = owned;
    g_autoptr(GString) names = g_string_new(NULL);
    g_assert_nonnull(users);
    for (guint i = 0; i < users->len; i++)
        g_string_append_printf(names, "%s ", ((StoreUser *)users->pdata[i])->name);
    return g_string_free(g_steal_pointer(&names), FALSE);
}

static StoreGroup *group_of(Store *store, const char *name, const StoreUser *member)
{
    g_autoptr(GError) error = NULL;
    StoreGroup fields = {.name = (char *)name, .display_name = (char *)""};
    StoreGroup *group = store_group_create(store, NULL, &fields, &error);
    g_assert_no_error(error);
    g_assert_true(!member || store_group_add_member(store, NULL, group->id, member->id, &error));
    g_assert_no_error(error);
    return group;
}

static void assert_helps(Store *store, const StoreUser *helper, const StoreUser *person, bool want)
{
    g_autoptr(GError) error = NULL;
    bool helps = !want;
    g_assert_true(store_helper_helps(store, helper->id, person->id, &helps, &error));
    g_assert_no_error(error);
    g_assert_cmpint(helps, ==, want);
}

static void assert_limited(Store *store, const StoreUser *helper, bool want)
{
    g_autoptr(GError) error = NULL;
    bool limited = !want;
    g_assert_true(store_helper_is_limited(store, helper->id, &limited, &error));
    g_assert_no_error(error);
    g_assert_cmpint(limited, ==, want);
}

static void test_limits(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_autoptr(StoreUser) hanna = world_user(store, "hanna", "helpdesk");
    g_autoptr(StoreUser) ada = world_user(store, "ada", "user");
    g_autoptr(StoreUser) bert = world_user(store, "bert", "user");
    g_autoptr(StoreGroup) sales = group_of(store, "sales", ada);
    g_autoptr(StoreGroup) desk = group_of(store, "desk", hanna);
    assert_limited(store, hanna, false);

    const StoreHelper one = {.user_id = hanna->id, .name = "hanna"}, all = {.group_id = desk->id, .name = "desk"};
    const char *const to_sales[] = {sales->id, NULL}, *const nobody[] = {NULL}, *const everyone[] = {STORE_GROUP_EVERYONE, NULL};
    g_assert_true(store_helper_set(store, NULL, &one, to_sales, &error));
    g_assert_no_error(error);
    assert_limited(store, hanna, true);
    assert_helps(store, hanna, ada, true);
    assert_helps(store, hanna, bert, false);
    g_autofree char *found = names_of(store_people_search(store, "A", hanna->id, 10, &error));
    g_assert_cmpstr(found, ==, "ada ");
    g_autofree char *unlimited = names_of(store_people_search(store, "B", NULL, 10, &error));
    g_assert_cmpstr(unlimited, ==, "bert ");

    g_assert_true(store_group_delete(store, NULL, sales->id, 0, &error)); /* the limit stays, to nobody */
    assert_limited(store, hanna, true);
    assert_helps(store, hanna, ada, false);
    g_assert_true(store_helper_set(store, NULL, &one, NULL, &error));
    assert_limited(store, hanna, false);

    g_assert_true(store_helper_set(store, NULL, &all, nobody, &error)); /* by her group */
    assert_limited(store, hanna, true);
    assert_limited(store, bert, false);
    g_assert_true(store_helper_set(store, NULL, &all, everyone, &error));
    assert_helps(store, hanna, bert, true);
    bool limited = false;
    g_autoptr(GPtrArray) groups = store_helper_groups(store, &all, &limited, &error);
    g_assert_true(limited);
    g_assert_cmpuint(groups->len, ==, 1);
    const char *const absent[] = {"absent", NULL};
    g_assert_false(store_helper_set(store, NULL, &all, absent, &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
}

/* ada's session, connected. */
static StoreSession *session_of(World *world, Store *store, StoreUser *ada)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(StoreDesktop) desktop = world_desktop(world, store);
    g_autoptr(StoreDesktop) hers =
        store_desktop_claim(store, NULL, &(StoreClaim){.pool_id = world->pool->id, .user_id = ada->id, .desktop_id = desktop->id}, &error);
    g_assert_no_error(error);
    StoreSessionOpen open = {.desktop_id = hers->id, .user_id = ada->id};
    StoreSession *session = store_session_open(store, NULL, &open, &error);
    g_assert_no_error(error);
    g_assert_true(store_session_set_state(store, NULL, session->id, STORE_SESSION_CONNECTED, NULL, &error));
    return session;
}

static void assert_state(Store *store, const char *id, StoreShadowState state)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(StoreShadow) shadow = store_shadow_get(store, id, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(store_shadow_state_word(shadow->state), ==, store_shadow_state_word(state));
}

static void test_shadows(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 3);
    g_autoptr(StoreUser) ada = world_user(store, "ada", "user");
    g_autoptr(StoreUser) hanna = world_user(store, "hanna", "helpdesk");
    g_autoptr(StoreSession) session = session_of(&world, store, ada);
    StoreShadow fields = {.session_id = session->id, .by_id = hanna->id, .by_name = (char *)"hanna", .mode = STORE_DISPLAY_VIEW, .asks = true};
    g_autoptr(StoreShadow) shadow = store_shadow_new(store, NULL, &fields, &error);
    g_assert_no_error(error);
    g_assert_null(store_shadow_new(store, NULL, &fields, &error)); /* one at a time */
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    StoreTicket ticket = {.session_id = session->id, .user_id = hanna->id, .mode = STORE_DISPLAY_VIEW};
    g_assert_null(store_shadow_opened(store, &ticket, &error)); /* nobody has allowed it */
    g_clear_error(&error);
    g_assert_true(store_shadow_set(store, NULL, shadow->id, SHADOW_ALLOWED, &error));
    g_assert_false(store_shadow_set(store, NULL, shadow->id, SHADOW_REFUSED, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    ticket.mode = STORE_DISPLAY_CONTROL; /* to look on is no leave to work there */
    g_assert_null(store_shadow_opened(store, &ticket, &error));
    g_clear_error(&error);
    ticket.mode = STORE_DISPLAY_VIEW;
    g_autoptr(StoreShadow) opened = store_shadow_opened(store, &ticket, &error);
    g_assert_no_error(error);
    assert_state(store, shadow->id, SHADOW_OPEN);
    g_assert_true(store_shadow_sweep(store, &error)); /* its display's row may still be on its way */
    assert_state(store, shadow->id, SHADOW_OPEN);
    g_assert_true(store_session_end(store, NULL, session->id, "logged off", (StoreAfter){0}, &error));
    g_assert_true(store_shadow_sweep(store, &error));
    assert_state(store, shadow->id, SHADOW_ENDED);
    g_autoptr(GPtrArray) left = store_shadow_list(store, session->id, &error);
    g_assert_cmpuint(left->len, ==, 0);
}

static void on_change(const StoreChange *change, void *data)
{
    if (strcmp(change->kind, "*") != 0) /* the listener has connected */
        g_string_append_printf(data, "%s %s %s;", change->kind, change->op, change->user_id ? "of-user" : "-");
}

/* The last input never goes back nor into the future, and a lock is told to whoever watches. */
static void test_input(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 3);
    g_autoptr(StoreUser) ada = world_user(store, "ada", "user");
    g_autoptr(StoreSession) session = session_of(&world, store, ada);
    int64_t now_ms = clock_utc_ms();
    StoreSessionInput inputs[] = {{session->desktop_id, now_ms - 1000, false, false}, {session->desktop_id, now_ms - 9000, true, false},
                                  {session->desktop_id, now_ms + 3600 * 1000, true, false}};
    int64_t last = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(inputs); i++) {
        bool open = true;
        g_assert_true(store_session_set_input(store, &inputs[i], 60 * 1000, &open, &error));
        g_assert_false(open);
        g_assert_no_error(error);
        g_autoptr(StoreSession) known = store_session_get(store, session->id, &error);
        g_assert_cmpint(known->input_ms, >=, last);
        g_assert_cmpint(known->input_ms, <=, clock_utc_ms());
        g_assert_cmpint(known->locked, ==, inputs[i].locked);
        last = known->input_ms;
    }
    g_assert_true(store_session_set_steps(store, session->id, "[{\"name\":\"claim\"}]", &error));
    g_autoptr(StoreSession) known = store_session_get(store, session->id, &error);
    g_assert_cmpstr(known->steps, ==, "[{\"name\":\"claim\"}]");
    g_autoptr(GString) seen = g_string_new(NULL);
    unsigned handle = store_subscribe(store, on_change, seen);
    g_assert_true(store_session_tell(store, session, &error));
    store_unsubscribe(store, handle);
    g_assert_cmpstr(seen->str, ==, "session update of-user;");

    const struct {
        StoreSessionFilter filter;
        guint found;
    } rows[] = {
        {{.search = "AD"}, 1}, {{.search = "nobody"}, 0}, {{.search = session->desktop_name}, 1}, {{.search = "%"}, 0},
        {{.until_ms = session->started_ms}, 0}, {{.until_ms = session->started_ms + 1}, 1}, {{.from_ms = now_ms + 1000 * 1000}, 1},
        {{.helper_id = ada->id}, 0},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GPtrArray) list = store_session_list(store, &rows[i].filter, NULL, NULL, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(list->len, ==, rows[i].found);
    }
}

static void test_answers_of_guests(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 3);
    g_autoptr(StoreUser) ada = world_user(store, "ada", "user");
    g_autoptr(StoreUser) hanna = world_user(store, "hanna", "helpdesk");
    g_autoptr(StoreSession) session = session_of(&world, store, ada);
    g_autoptr(StoreDesktop) other = world_desktop(&world, store);
    StoreShadow fields = {.session_id = session->id, .by_id = hanna->id, .by_name = (char *)"hanna", .mode = STORE_DISPLAY_VIEW, .asks = true};
    g_autoptr(StoreShadow) shadow = store_shadow_new(store, NULL, &fields, &error);
    g_assert_no_error(error);
    g_assert_false(store_shadow_answer(store, other->id, shadow->id, true, &error)); /* a guest that lies */
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
    g_assert_false(store_shadow_answer(store, session->desktop_id, "01ARZ3NDEKTSV4RRFFQ69G5FAV", true, &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
    assert_state(store, shadow->id, SHADOW_ASKED);
    /* who works at the desktop beside the person must not consent for them */
    static const StoreDisplayMode others[] = {STORE_DISPLAY_CONTROL, STORE_DISPLAY_CONSOLE};
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        g_autofree char *display = id_new();
        const StoreDisplayNew beside = {.id = display, .host_id = "here", .desktop_id = session->desktop_id, .client = "", .mode = others[i]};
        g_assert_true(store_display_add(store, &beside, &error));
        g_assert_false(store_shadow_answer(store, session->desktop_id, shadow->id, true, &error));
        assert_kind(error, ORIEL_ERROR_CONFLICT);
        assert_state(store, shadow->id, SHADOW_ASKED);
        g_assert_true(store_display_remove(store, display, &error));
    }
    g_assert_true(store_shadow_answer(store, session->desktop_id, shadow->id, false, &error));
    g_assert_no_error(error);
    assert_state(store, shadow->id, SHADOW_REFUSED);
    g_assert_false(store_shadow_answer(store, session->desktop_id, shadow->id, true, &error)); /* who is first decides */
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
    g_autoptr(GPtrArray) events = store_event_list(store, &(StoreEventFilter){.action = "session.shadow-refuse"}, NULL, NULL, &error);
    g_assert_cmpuint(events->len, ==, 1);
    const StoreEvent *event = events->pdata[0];
    g_assert_cmpstr(event->actor_id, ==, ada->id);
    g_assert_cmpstr(event->address, ==, "guest");
}

static unsigned messages_of(Store *store, const StoreUser *person, const char *pool_id, const char *last)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) list = store_message_list(store, person->id, pool_id, &error);
    g_assert_no_error(error);
    if (list->len > 0)
        g_assert_cmpstr(((StoreMessage *)list->pdata[list->len - 1])->text, ==, last);
    return list->len;
}

static void test_messages(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 3);
    g_autoptr(StoreUser) ada = world_user(store, "ada", "user");
    g_autoptr(StoreUser) bert = world_user(store, "bert", "user");
    g_autoptr(StoreSession) session = session_of(&world, store, ada);
    g_autofree char *last = NULL;
    for (int i = 0; i <= LIMIT_MESSAGES_SESSION; i++) { /* one more than are kept */
        g_autofree char *text = g_strdup_printf("number %d", i);
        g_autoptr(StoreMessage) message = store_message_new(store, &(StoreActor){.name = "hanna"}, session->id, text, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(message->by_name, ==, "hanna");
        g_free(last);
        last = g_strdup(message->id);
    }
    g_assert_cmpuint(messages_of(store, ada, NULL, "number 20"), ==, LIMIT_MESSAGES_SESSION);
    g_assert_cmpuint(messages_of(store, ada, world.pool->id, "number 20"), ==, LIMIT_MESSAGES_SESSION);
    g_assert_cmpuint(messages_of(store, ada, "another", ""), ==, 0);
    g_assert_cmpuint(messages_of(store, bert, NULL, ""), ==, 0);
    StoreActor hers = {.user_id = ada->id, .name = "ada"}, his = {.user_id = bert->id, .name = "bert"};
    g_assert_false(store_message_close(store, &his, last, &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
    g_assert_true(store_message_close(store, &hers, last, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(messages_of(store, ada, NULL, "number 19"), ==, LIMIT_MESSAGES_SESSION - 1);
    g_assert_true(store_session_end(store, NULL, session->id, "logged off", (StoreAfter){0}, &error));
    g_assert_cmpuint(messages_of(store, ada, NULL, ""), ==, 0);
    g_assert_null(store_message_new(store, NULL, session->id, "too late", &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
}

static StoreSession *say(Store *store, const StoreSession *session, StoreSessionInput input, bool want_open)
{
    g_autoptr(GError) error = NULL;
    bool open = !want_open;
    input.desktop_id = session->desktop_id;
    g_assert_true(store_session_set_input(store, &input, 60 * 1000, &open, &error));
    g_assert_no_error(error);
    g_assert_cmpint(open, ==, want_open);
    return store_session_get(store, session->id, &error);
}

static unsigned events_of(Store *store, const StoreSession *session, const char *action)
{
    g_autoptr(GError) error = NULL;
    StoreEventFilter filter = {.object_id = session->id};
    g_autoptr(GPtrArray) events = store_event_list(store, &filter, NULL, NULL, &error);
    g_assert_no_error(error);
    unsigned found = 0;
    for (guint i = 0; i < events->len; i++)
        found += strcmp(((StoreEvent *)events->pdata[i])->action, action) == 0;
    return found;
}

/* What a guest holds stays locked whatever that guest says next, until its person has logged in again. */
static void test_lock(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 3);
    g_autoptr(StoreUser) ada = world_user(store, "ada", "user");
    g_autoptr(StoreSession) session = session_of(&world, store, ada);
    g_autofree char *display_id = id_new();
    StoreDisplayNew display = {.id = display_id, .host_id = world.host_id, .desktop_id = session->desktop_id, .session_id = session->id,
                               .user_id = ada->id, .login_id = "old", .mode = STORE_DISPLAY_OWN};
    g_assert_true(store_display_add(store, &display, &error));
    g_autoptr(StoreSession) own = say(store, session, (StoreSessionInput){.locked = true}, false);
    g_assert_true(own->locked && own->locked_ms == 0); /* its own locker's */
    g_autoptr(StoreSession) held = say(store, session, (StoreSessionInput){.locked = true, .held = true}, false);
    g_assert_true(held->locked && held->locked_ms > 0);
    g_autoptr(StoreSession) still = say(store, session, (StoreSessionInput){.locked = false}, true);
    g_assert_true(still->locked);
    g_assert_cmpint(still->locked_ms, ==, held->locked_ms);
    g_assert_true(store_session_lock(store, NULL, session->id, true, &error)); /* it is */
    g_assert_cmpuint(events_of(store, session, "session.lock"), ==, 1);

    StoreActor actor = {.user_id = ada->id, .name = "ada", .login_id = "new"};
    StoreSessionUnlock unlock = {session->id, held->locked_ms};
    g_assert_false(store_session_unlock(store, &actor, &unlock, &error));
    g_assert_cmpint(oriel_error_kind(error), ==, ORIEL_ERROR_FORBIDDEN);
    g_clear_error(&error);
    StoreSessionOpen open = {.desktop_id = session->desktop_id, .user_id = ada->id, .proved_ms = held->locked_ms};
    g_assert_null(store_session_open(store, &actor, &open, &error));
    g_assert_cmpint(oriel_error_kind(error), ==, ORIEL_ERROR_FORBIDDEN);
    g_clear_error(&error);
    open.proved_ms++;
    g_autoptr(StoreSession) opened = store_session_open(store, &actor, &open, &error);
    g_assert_no_error(error);
    g_assert_cmpint(opened->locked_ms, ==, held->locked_ms);
    unlock.proved_ms++;
    g_assert_true(store_session_unlock(store, &actor, &unlock, &error));
    g_assert_true(store_session_unlock(store, &actor, &unlock, &error)); /* nothing to do */
    g_assert_cmpuint(events_of(store, session, "session.unlock"), ==, 1);
    g_autoptr(StoreSession) free = say(store, session, (StoreSessionInput){.locked = false}, false);
    g_assert_true(!free->locked && free->locked_ms == 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fixture_add("limits", test_limits);
    fixture_add("shadows", test_shadows);
    fixture_add("answers of guests", test_answers_of_guests);
    fixture_add("messages", test_messages);
    fixture_add("input", test_input);
    fixture_add("lock", test_lock);
    return fixture_run();
}
