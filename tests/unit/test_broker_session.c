#include "broker/session.h"

#include <glib.h>

enum { PLAIN, TIMED, NO_REFRESH, DEDICATED, RENEWED, POOLS };

static const BrokerPool pools[POOLS] = {
    [PLAIN] = {.type = BROKER_FLOATING, .refresh_on_log_off = true},
    [TIMED] = {.type = BROKER_FLOATING, .refresh_on_log_off = true, .log_off_after_ms = 5000},
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
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/broker/session", test_session);
    return g_test_run();
}
