/* Kiosks and their logins: on both databases. */
#include <string.h>

#include "../fixtures/store/backend.h"
#include "base/clock.h"
#include "base/error.h"
#include "store/kiosk.h"
#include "store/login.h"

static StoreWebSession *login(Store *store, const StoreKiosk *kiosk, const char *hash)
{
    g_autoptr(GError) error = NULL;
    StoreWebSessionNew fields = {.token_hash = hash,
                                 .user_id = kiosk->user_id,
                                 .csrf = "csrf",
                                 .address = "192.0.2.7",
                                 .scopes = "kiosk",
                                 .means = "kiosk",
                                 .means_id = kiosk->id,
                                 .expires_ms = clock_utc_ms() + 60000};
    StoreWebSession *session = store_web_session_create(store, NULL, &fields, &error);
    g_assert_no_error(error);
    return session;
}

static void test_kiosks(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    Store *store = fixture->store;
    g_auto(World) world = {0};
    world_make(&world, store, 2);
    g_autoptr(StoreUser) door = world_user(store, "door", "user");
    StoreKiosk fields = {.name = (char *)"hall",
                         .networks = (char *)"192.0.2.0/24",
                         .user_id = door->id,
                         .pool_id = world.pool->id,
                         .enabled = true};
    g_autoptr(StoreKiosk) hall = store_kiosk_create(store, NULL, &fields, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(hall->user_name, ==, "door");
    g_assert_cmpstr(hall->pool_name, ==, "pool");
    g_assert_cmpstr(hall->certificates, ==, "");
    g_assert_null(store_kiosk_create(store, NULL, &fields, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    fields.pool_id = (char *)"01ARZ3NDEKTSV4RRFFQ69G5FAV";
    g_assert_null(store_kiosk_create(store, NULL, &fields, &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);

    g_autoptr(StoreWebSession) session = login(store, hall, "a hash");
    g_assert_cmpstr(session->means_name, ==, "hall");
    g_assert_cmpstr(session->pool_id, ==, world.pool->id);
    g_autoptr(StoreKiosk) late = store_kiosk_find(store, "hall", &error);
    g_assert_cmpuint(late->logins, ==, 1);
    g_autoptr(GPtrArray) logins = store_kiosk_logins(store, hall->id, &error);
    g_assert_cmpuint(logins->len, ==, 1);
    const StoreKioskLogin *open = logins->pdata[0];
    g_assert_cmpstr(open->address, ==, "192.0.2.7");
    g_assert_cmpstr(open->id, ==, session->id);
    g_assert_cmpint(open->seen_ms, ==, session->seen_ms);
    g_assert_false(open->shows);
    hall->enabled = false;
    g_assert_true(store_kiosk_update(store, NULL, hall, &error));
    g_assert_null(store_web_session_get(store, "a hash", &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
    g_assert_false(store_kiosk_update(store, NULL, late, &error));
    assert_kind(error, ORIEL_ERROR_STALE);
    g_assert_false(store_kiosk_delete(store, NULL, hall->id, 1, &error));
    assert_kind(error, ORIEL_ERROR_STALE);
    g_autoptr(StoreWebSession) again = login(store, hall, "another");
    g_assert_true(store_kiosk_delete(store, NULL, hall->id, 0, &error));
    g_assert_null(store_web_session_get(store, "another", &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
    g_assert_false(store_kiosk_delete(store, NULL, hall->id, 0, &error));
    assert_kind(error, ORIEL_ERROR_NOT_FOUND);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fixture_add("kiosks", test_kiosks);
    return fixture_run();
}
