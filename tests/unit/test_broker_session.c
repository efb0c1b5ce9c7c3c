#include "broker/session.h"

#include <glib.h>

/* A row says what it is about; the rest is 0. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

enum { PLAIN, TIMED, IDLE, ENDS, NO_REFRESH, DEDICATED, RENEWED, POOLS };

static const BrokerPool pools[POOLS] = {
    [PLAIN] = {.type = BROKER_FLOATING, .refresh_on_log_off = true},
    [TIMED] = {.type = BROKER_FLOATING, .refresh_on_log_off = true, .log_off_after_ms = 5000},
    [IDLE] = {.type = BROKER_FLOATING, .refresh_on_log_off = true, .lock_after_idle_ms = 1000, .disconnect_after_idle_ms = 5000},
    [ENDS] = {.type = BROKER_DEDICATED, .disconnect_after_idle_ms = 5000, .log_off_after_idle_ms = 4000},
    [NO_REFRESH] = {.type = BROKER_FLOATING},
    [DEDICATED] = {.type = BROKER_DEDICATED, .log_off_after_ms = 5000},
    [RENEWED] = {.type = BROKER_DEDICATED, .refresh_on_log_off = true},
};

static const struct {
    const char *what;
    int pool;
    SessionFacts facts;
    SessionEvent event;
    int64_t now;
    SessionVerdict want;
} cases[] = {
    {"the viewer comes",
     PLAIN,
     {PHASE_CONNECTING, false, 1000, 31000},
     SESSION_VIEWER_CAME,
     2000,
     {PHASE_CONNECTED, NULL, FATE_KEEP, 0}},
    {"a second viewer changes nothing",
     PLAIN,
     {PHASE_CONNECTED, true, 1000, 31000},
     SESSION_VIEWER_CAME,
     2000,
     {PHASE_CONNECTED, NULL, FATE_KEEP, 0}},
    {"the tab is closed",
     PLAIN,
     {PHASE_CONNECTED, true, 1000, 31000},
     SESSION_VIEWERS_GONE,
     2000,
     {PHASE_DISCONNECTED, NULL, FATE_KEEP, 0}},
    {"the tab is closed, a limit runs",
     TIMED,
     {PHASE_CONNECTED, true, 1000, 31000},
     SESSION_VIEWERS_GONE,
     2000,
     {PHASE_DISCONNECTED, NULL, FATE_KEEP, 7000}},
    {"it is opened again",
     TIMED,
     {PHASE_DISCONNECTED, true, 1000, 31000},
     SESSION_VIEWER_CAME,
     2000,
     {PHASE_CONNECTED, NULL, FATE_KEEP, 0}},
    {"gone before it came: nothing",
     PLAIN,
     {PHASE_CONNECTING, false, 1000, 31000},
     SESSION_VIEWERS_GONE,
     2000,
     {PHASE_CONNECTING, NULL, FATE_KEEP, 91000}},
    {"the ticket still lives",
     PLAIN,
     {PHASE_CONNECTING, true, 1000, 31000},
     SESSION_TIME_PASSED,
     30999,
     {PHASE_CONNECTING, NULL, FATE_KEEP, 31000}},
    {"the ticket of a reconnect ran out",
     TIMED,
     {PHASE_CONNECTING, true, 1000, 31000},
     SESSION_TIME_PASSED,
     31000,
     {PHASE_DISCONNECTED, NULL, FATE_KEEP, 36000}},
    {"nobody ever looked: grace",
     PLAIN,
     {PHASE_CONNECTING, false, 1000, 31000},
     SESSION_TIME_PASSED,
     31000,
     {PHASE_CONNECTING, NULL, FATE_KEEP, 91000}},
    {"nobody ever looked: over",
     PLAIN,
     {PHASE_CONNECTING, false, 1000, 31000},
     SESSION_TIME_PASSED,
     91000,
     {PHASE_ENDED, "nobody connected", FATE_REFRESH, 0}},
    {"disconnected, no limit",
     PLAIN,
     {PHASE_DISCONNECTED, true, 1000, 31000},
     SESSION_TIME_PASSED,
     G_MAXINT64 / 2,
     {PHASE_DISCONNECTED, NULL, FATE_KEEP, 0}},
    {"disconnected, not yet",
     TIMED,
     {PHASE_DISCONNECTED, true, 1000, 31000},
     SESSION_TIME_PASSED,
     5999,
     {PHASE_DISCONNECTED, NULL, FATE_KEEP, 6000}},
    {"disconnected for too long",
     TIMED,
     {PHASE_DISCONNECTED, true, 1000, 31000},
     SESSION_TIME_PASSED,
     6000,
     {PHASE_ENDED, "disconnected for too long", FATE_REFRESH, 0}},
    {"the same, dedicated",
     DEDICATED,
     {PHASE_DISCONNECTED, true, 1000, 31000},
     SESSION_TIME_PASSED,
     6000,
     {PHASE_ENDED, "disconnected for too long", FATE_KEEP, 0}},
    {"log off: back to the image",
     PLAIN,
     {PHASE_CONNECTED, true, 1000, 31000},
     SESSION_LOGGED_OFF,
     2000,
     {PHASE_ENDED, "logged off", FATE_REFRESH, 0}},
    {"log off without refresh",
     NO_REFRESH,
     {PHASE_CONNECTED, true, 1000, 31000},
     SESSION_LOGGED_OFF,
     2000,
     {PHASE_ENDED, "logged off", FATE_RELEASE, 0}},
    {"log off, dedicated",
     DEDICATED,
     {PHASE_DISCONNECTED, true, 1000, 31000},
     SESSION_LOGGED_OFF,
     2000,
     {PHASE_ENDED, "logged off", FATE_KEEP, 0}},
    {"log off, dedicated and fresh each time",
     RENEWED,
     {PHASE_CONNECTED, true, 1000, 31000},
     SESSION_LOGGED_OFF,
     2000,
     {PHASE_ENDED, "logged off", FATE_RENEW, 0}},
    {"QEMU died",
     NO_REFRESH,
     {PHASE_CONNECTED, true, 1000, 31000},
     SESSION_MACHINE_DIED,
     2000,
     {PHASE_ENDED, "machine died", FATE_REFRESH, 0}},
    {"QEMU died, dedicated",
     DEDICATED,
     {PHASE_CONNECTED, true, 1000, 31000},
     SESSION_MACHINE_DIED,
     2000,
     {PHASE_ENDED, "machine died", FATE_RESTART, 0}},
    {"the guest shut down, dedicated",
     DEDICATED,
     {PHASE_CONNECTED, true, 1000, 31000},
     SESSION_GUEST_OFF,
     2000,
     {PHASE_ENDED, "shut down by the guest", FATE_KEEP, 0}},
    {"taken away",
     PLAIN,
     {PHASE_CONNECTED, true, 1000, 31000},
     SESSION_DESKTOP_LEFT,
     2000,
     {PHASE_ENDED, "desktop taken away", FATE_KEEP, 0}},
    {"somebody works there: look again",
     IDLE,
     {PHASE_CONNECTED, true, 1000, 31000, 50000},
     SESSION_TIME_PASSED,
     50500,
     {PHASE_CONNECTED, NULL, FATE_KEEP, 51000}},
    {"a minute of silence: locked, and looked at again for the next limit",
     IDLE,
     {PHASE_CONNECTED, true, 1000, 31000, 50000},
     SESSION_TIME_PASSED,
     51000,
     {PHASE_CONNECTED, NULL, FATE_KEEP, 55000, .lock = true}},
    {"locking was tried: not again",
     IDLE,
     {PHASE_CONNECTED, true, 1000, 31000, 50000, false, 51000},
     SESSION_TIME_PASSED,
     52000,
     {PHASE_CONNECTED, NULL, FATE_KEEP, 55000}},
    {"but again when somebody was there meanwhile",
     IDLE,
     {PHASE_CONNECTED, true, 1000, 31000, 52000, false, 51000},
     SESSION_TIME_PASSED,
     53000,
     {PHASE_CONNECTED, NULL, FATE_KEEP, 57000, .lock = true}},
    {"the person has locked it",
     IDLE,
     {PHASE_CONNECTED, true, 1000, 31000, 50000, true},
     SESSION_TIME_PASSED,
     52000,
     {PHASE_CONNECTED, NULL, FATE_KEEP, 55000}},
    {"silent for so long: the picture goes",
     IDLE,
     {PHASE_CONNECTED, true, 1000, 31000, 50000, true},
     SESSION_TIME_PASSED,
     55000,
     {PHASE_DISCONNECTED, NULL, FATE_KEEP, 0}},
    {"no input ever: counts from the connection",
     IDLE,
     {PHASE_CONNECTED, true, 1000, 31000, 0},
     SESSION_TIME_PASSED,
     6000,
     {PHASE_DISCONNECTED, NULL, FATE_KEEP, 0}},
    {"what ends more goes first",
     ENDS,
     {PHASE_CONNECTED, true, 1000, 31000, 0},
     SESSION_TIME_PASSED,
     9000,
     {PHASE_ENDED, "idle for too long", FATE_KEEP, 0}},
    {"whoever comes back starts the clock anew",
     ENDS,
     {PHASE_DISCONNECTED, true, 1000, 31000, 900},
     SESSION_VIEWER_CAME,
     9000,
     {PHASE_CONNECTED, NULL, FATE_KEEP, 13000}},
    {"disconnected: the limits of idle ones do not hold",
     ENDS,
     {PHASE_DISCONNECTED, true, 1000, 31000, 900},
     SESSION_TIME_PASSED,
     90000,
     {PHASE_DISCONNECTED, NULL, FATE_KEEP, 0}},
    {"the end is the end",
     PLAIN,
     {PHASE_ENDED, true, 1000, 31000},
     SESSION_VIEWER_CAME,
     2000,
     {PHASE_ENDED, NULL, FATE_KEEP, 0}},
    {"ended once only",
     PLAIN,
     {PHASE_ENDED, true, 1000, 31000},
     SESSION_MACHINE_DIED,
     2000,
     {PHASE_ENDED, NULL, FATE_KEEP, 0}},
};

static void test_session(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("%s", cases[i].what);
        SessionVerdict got =
            session_after(&pools[cases[i].pool], &cases[i].facts, cases[i].event, cases[i].now);
        g_assert_cmpint(got.phase, ==, cases[i].want.phase);
        g_assert_cmpstr(got.reason, ==, cases[i].want.reason);
        g_assert_cmpint(got.fate, ==, cases[i].want.fate);
        g_assert_cmpint(got.look_again_ms, ==, cases[i].want.look_again_ms);
        g_assert_cmpint(got.lock, ==, cases[i].want.lock);
    }
}

static void test_activity(void)
{
    static const struct {
        SessionFacts facts;
        int64_t now;
        const char *want;
    } rows[] = {
        {{PHASE_CONNECTING, false, 1000, 31000}, 2000, "connecting"},
        {{PHASE_CONNECTED, true, 1000, 31000}, 1000 + SESSION_IDLE_MS - 1, "active"},
        {{PHASE_CONNECTED, true, 1000, 31000}, 1000 + SESSION_IDLE_MS, "idle"},
        {{PHASE_CONNECTED, true, 1000, 31000, 2000}, 1000 + SESSION_IDLE_MS, "active"},
        {{PHASE_CONNECTED, true, 1000, 31000, 2000, true}, 3000, "locked"},
        {{PHASE_DISCONNECTED, true, 1000, 31000, 2000, true}, 3000, "disconnected"},
        {{PHASE_ENDED, true, 1000, 31000, 2000, true}, 3000, "ended"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        g_assert_cmpstr(session_activity(&rows[i].facts, rows[i].now), ==, rows[i].want);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/broker/session", test_session);
    g_test_add_func("/broker/session/activity", test_activity);
    return g_test_run();
}
