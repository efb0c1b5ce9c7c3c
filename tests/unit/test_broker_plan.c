#include <string.h>

#include "base/error.h"
#include "broker/plan.h"

/* A row says what it is about; the rest is 0. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

static Json *json_of(const char *text)
{
    g_autofree char *strict = g_strdelimit(g_strdup(text), "'", '"');
    Json *value = json_loads(strict, 0, NULL);
    g_assert_nonnull(value);
    return value;
}

static int64_t utc(const char *text)
{
    g_autoptr(GTimeZone) zone = g_time_zone_new_utc();
    g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(text, zone);
    g_assert_nonnull(time);
    return g_date_time_to_unix(time) * 1000;
}

#define OFFICE                                                                                               \
    "{'time_zone': 'Europe/Berlin', 'windows': [{'days': ['mon', 'tue', 'wed', 'thu', 'fri'], 'from': '08:00'," \
    " 'to': '18:00'}], 'holidays': ['2026-12-25']}"
#define NIGHT "{'time_zone': 'Europe/Berlin', 'windows': [{'days': ['fri'], 'from': '22:00', 'to': '06:00'}]}"
#define EARLY "{'time_zone': 'Europe/Berlin', 'windows': [{'from': '02:30', 'to': '03:30'}]}"

static const struct {
    const char *what, *schedule, *time;
    bool inside;
} times[] = {
    {"a minute before eight in winter", OFFICE, "2026-11-23T06:59:59Z", false},
    {"eight in winter", OFFICE, "2026-11-23T07:00:00Z", true},
    {"the last minute", OFFICE, "2026-11-23T16:59:59Z", true},
    {"six in the evening", OFFICE, "2026-11-23T17:00:00Z", false},
    {"eight in summer is an hour earlier in the world", OFFICE, "2026-07-01T06:00:00Z", true},
    {"a minute before", OFFICE, "2026-07-01T05:59:00Z", false},
    {"saturday", OFFICE, "2026-11-28T10:00:00Z", false},
    {"christmas is a friday", OFFICE, "2026-12-25T10:00:00Z", false},
    {"the friday before is not christmas", OFFICE, "2026-12-18T10:00:00Z", true},
    {"the monday after the clocks went forward", OFFICE, "2026-03-30T06:00:00Z", true},
    {"the friday before they did", OFFICE, "2026-03-27T06:00:00Z", false},
    {"friday at ten in the evening", NIGHT, "2026-11-27T21:00:00Z", true},
    {"midnight", NIGHT, "2026-11-27T23:00:00Z", true},
    {"saturday before six", NIGHT, "2026-11-28T04:59:00Z", true},
    {"saturday at six", NIGHT, "2026-11-28T05:00:00Z", false},
    {"friday before six belongs to thursday", NIGHT, "2026-11-27T04:00:00Z", false},
    {"half past two does not exist: it begins when the clock jumps to three", EARLY, "2026-03-29T01:00:00Z", true},
    {"the minute before the jump", EARLY, "2026-03-29T00:59:00Z", false},
    {"and ends at half past three", EARLY, "2026-03-29T01:30:00Z", false},
    {"half past two comes twice: once in summer time", EARLY, "2026-10-25T00:30:00Z", true},
    {"two again, in winter time: before half past", EARLY, "2026-10-25T01:15:00Z", false},
    {"half past two once more", EARLY, "2026-10-25T01:30:00Z", true},
    {"no windows: never", "{}", "2026-11-23T10:00:00Z", false},
    {"a window without words: always", "{'windows': [{}]}", "2026-11-22T23:59:59Z", true},
    {"to 24:00", "{'windows': [{'from': '23:00', 'to': '24:00'}]}", "2026-11-22T23:59:59Z", true},
    {"and no further", "{'windows': [{'days': ['sun'], 'from': '23:00', 'to': '24:00'}]}", "2026-11-23T00:00:00Z", false},
    {"to 00:00 is the same", "{'windows': [{'days': ['sun'], 'from': '23:00', 'to': '00:00'}]}", "2026-11-22T23:30:00Z", true},
    {"from eight to eight: a whole day", "{'windows': [{'days': ['sun'], 'from': '08:00', 'to': '08:00'}]}",
     "2026-11-23T07:59:00Z", true},
    {"a holiday's night window does not begin",
     "{'windows': [{'from': '22:00', 'to': '06:00'}], 'holidays': ['2026-12-24']}", "2026-12-25T03:00:00Z", false},
    {"that of the night before still ends", "{'windows': [{'from': '22:00', 'to': '06:00'}], 'holidays': ['2026-12-25']}",
     "2026-12-25T03:00:00Z", true},
};

static void test_schedule(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(times); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Json) json = json_of(times[i].schedule);
        g_autoptr(Schedule) schedule = schedule_read(json, "peak", &error);
        g_assert_no_error(error);
        g_test_message("%s", times[i].what);
        g_assert_cmpint(schedule_contains(schedule, utc(times[i].time)), ==, times[i].inside);
    }
}

static const struct {
    PlanKind kind;
    const char *settings, *sentence; /* NULL: it is good */
} settings[] = {
    {PLAN_POWER, "{}", NULL},
    {PLAN_POWER, "{'on_disconnect': {'action': 'suspend', 'after_minutes': 10}, 'peak': {}, 'off_peak_spares': 0}", NULL},
    {PLAN_POWER, "{'off_peak_spares': 1}", "when is it peak"},
    {PLAN_POWER, "{'on_disconnect': {'action': 'explode'}}", "none, suspend, shut-down, power-off"},
    {PLAN_POWER, "{'on_disconnect': {'after_minutes': -1}}", "whole number from 0"},
    {PLAN_POWER, "{'on_disconnect': {'after_minutes': 1.5}}", "whole number"},
    {PLAN_POWER, "{'on_disconnect': 5}", "must be an object"},
    {PLAN_POWER, "{'on_idle': {'action': 'suspend', 'after_minutes': 30}}", NULL},
    {PLAN_POWER, "{'on_idle': {'action': 'lock'}}", "none, suspend, shut-down, power-off"},
    {PLAN_POWER, "{'on_boredom': {}}", "\"on_boredom\" is unknown"},
    {PLAN_POWER, "{'peak': {'time_zone': 'Mars/Olympus'}}", "time zone"},
    {PLAN_POWER, "{'peak': {'time_zone': '../../etc/passwd'}}", "time zone"},
    {PLAN_POWER, "{'peak': {'windows': [{'from': '8:00'}]}}", "time such as"},
    {PLAN_POWER, "{'peak': {'windows': [{'from': '24:00'}]}}", "at most 23:59"},
    {PLAN_POWER, "{'peak': {'windows': [{'to': '24:01'}]}}", "at most 24:00"},
    {PLAN_POWER, "{'peak': {'windows': [{'days': ['monday']}]}}", "a day must be"},
    {PLAN_POWER, "{'peak': {'windows': [{'days': []}]}}", "at least one day"},
    {PLAN_POWER, "{'peak': {'holidays': ['2026-02-30']}}", "a holiday must be a date"},
    {PLAN_POWER, "{'peak': {'windows': 3}}", "must be a list"},
    {PLAN_RELEASE, "{'log_off_after_minutes': 60, 'at_log_off': 'keep'}", NULL},
    {PLAN_RELEASE, "{'log_off_after_minutes': null}", NULL},
    {PLAN_RELEASE, "{'log_off_after_minutes': 0}", "from 1"},
    {PLAN_RELEASE, "{'lock_after_idle_minutes': 5, 'disconnect_after_idle_minutes': 30, 'log_off_after_idle_minutes': null}", NULL},
    {PLAN_RELEASE, "{'lock_after_idle_minutes': 0}", "from 1"},
    {PLAN_RELEASE, "{'disconnect_after_idle_minutes': 'soon'}", "whole number"},
    {PLAN_RELEASE, "{'at_log_off': 'burn'}", "as-pool, keep, refresh, delete"},
    {PLAN_DISPLAY, "{'clipboard': 'none'}", NULL},
    {PLAN_DISPLAY, "{'clipboard': 'to_desktop', 'largest': {'width': 1920, 'height': 1080}, 'follow_window': false,"
                   " 'view_only': true, 'clients': ['browser', 'rdp']}", NULL},
    {PLAN_DISPLAY, "{'clipboard': 'in', 'largest': null}", "both, none, to_desktop, from_desktop"},
    {PLAN_DISPLAY, "{'largest': null}", NULL},
    {PLAN_DISPLAY, "{'largest': {'width': 1920}}", "needs \"width\" and \"height\""},
    {PLAN_DISPLAY, "{'largest': {'width': 319, 'height': 1080}}", "from 320 to 16384"},
    {PLAN_DISPLAY, "{'largest': {'width': 1920, 'height': 16385}}", "from 320 to 16384"},
    {PLAN_DISPLAY, "{'largest': 1920}", "must be an object"},
    {PLAN_DISPLAY, "{'largest': {'depth': 3}}", "\"depth\" is unknown"},
    {PLAN_DISPLAY, "{'view_only': 1}", "true or false"},
    {PLAN_DISPLAY, "{'sound': 'off'}", "true or false"},
    {PLAN_DISPLAY, "{'bandwidth_kbit_s': 63}", "from 64 to 65000"},
    {PLAN_DISPLAY, "{'bandwidth_kbit_s': 65001}", "from 64 to 65000"},
    {PLAN_DISPLAY, "{'bandwidth_kbit_s': '1M'}", "whole number"},
    {PLAN_DISPLAY, "{'clients': []}", "at least one of"},
    {PLAN_DISPLAY, "{'clients': 'vv'}", "at least one of"},
    {PLAN_DISPLAY, "{'clients': ['vv', 'vv']}", "each once"},
    {PLAN_DISPLAY, "{'clients': ['telnet']}", "browser, vv, rdp"},
    {PLAN_DISPLAY, "{'drives': 'none'}", "true or false"},
    {PLAN_DISPLAY, "{'cameras': true}", "\"cameras\" is unknown"},
};

static void test_settings(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(settings); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Json) json = json_of(settings[i].settings);
        g_autoptr(Plan) plan = plan_read(settings[i].kind, json, &error);
        g_test_message("%s", settings[i].settings);
        if (!settings[i].sentence) {
            g_assert_no_error(error);
            g_assert_nonnull(plan);
            continue;
        }
        g_assert_null(plan);
        g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_INVALID);
        g_assert_nonnull(strstr(error->message, settings[i].sentence));
    }
}

static const struct {
    const char *settings;
    DisplayPlan want;
} displays[] = {
    {"{}", {0}},
    {"{'clipboard': 'both'}", {0}},
    {"{'clipboard': 'none'}", {.no_clipboard_in = true, .no_clipboard_out = true}},
    {"{'clipboard': 'to_desktop'}", {.no_clipboard_out = true}},
    {"{'clipboard': 'from_desktop'}", {.no_clipboard_in = true}},
    {"{'files': 'none'}", {.no_files_in = true, .no_files_out = true}},
    {"{'files': 'to_desktop', 'clipboard': 'none'}", {.no_files_out = true, .no_clipboard_in = true, .no_clipboard_out = true}},
    {"{'files': 'from_desktop'}", {.no_files_in = true}},
    {"{'largest': {'width': 1920, 'height': 1080}, 'follow_window': true}", {.width = 1920, .height = 1080}},
    {"{'follow_window': false, 'view_only': true}", {.no_size = true, .view_only = true}},
    {"{'sound': false}", {.no_sound = true}},
    {"{'sound': true}", {0}},
    {"{'drives': false}", {.no_drives = true}},
    {"{'usb': false, 'printers': false}", {.no_usb = true, .no_printers = true}},
    {"{'bandwidth_kbit_s': 2000}", {.kbit_s = 2000}},
    {"{'bandwidth_kbit_s': null}", {0}},
    {"{'clients': ['vv', 'rdp']}", {.withheld = 1u << DISPLAY_CLIENT_BROWSER}},
};

static void test_files_refusal(void)
{
    const DisplayPlan open = {0}, in = {.no_files_out = true}, out = {.no_files_in = true}, look = {.view_only = true};
    g_assert_null(display_plan_files_refusal(&open, true));
    g_assert_null(display_plan_files_refusal(&open, false));
    g_assert_null(display_plan_files_refusal(&in, true));
    g_assert_nonnull(display_plan_files_refusal(&in, false));
    g_assert_nonnull(display_plan_files_refusal(&out, true));
    g_assert_null(display_plan_files_refusal(&out, false));
    g_assert_nonnull(display_plan_files_refusal(&look, true));
    g_assert_null(display_plan_files_refusal(&look, false));
}

static void test_display(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(displays); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Json) json = json_of(displays[i].settings);
        g_autoptr(Plan) plan = plan_read(PLAN_DISPLAY, json, &error);
        const DisplayPlan *want = &displays[i].want;
        g_test_message("%s", displays[i].settings);
        g_assert_no_error(error);
        g_assert_cmpint(plan->display.no_clipboard_in, ==, want->no_clipboard_in);
        g_assert_cmpint(plan->display.no_clipboard_out, ==, want->no_clipboard_out);
        g_assert_cmpint(plan->display.no_files_in, ==, want->no_files_in);
        g_assert_cmpint(plan->display.no_files_out, ==, want->no_files_out);
        g_assert_cmpint(plan->display.view_only, ==, want->view_only);
        g_assert_cmpint(plan->display.no_size, ==, want->no_size);
        g_assert_cmpint(plan->display.width, ==, want->width);
        g_assert_cmpint(plan->display.height, ==, want->height);
        g_assert_cmpint(plan->display.no_drives, ==, want->no_drives);
        g_assert_cmpint(plan->display.no_usb, ==, want->no_usb);
        g_assert_cmpint(plan->display.no_printers, ==, want->no_printers);
        g_assert_cmpint(plan->display.no_sound, ==, want->no_sound);
        g_assert_cmpint(plan->display.kbit_s, ==, want->kbit_s);
        for (DisplayClient client = 0; client < DISPLAY_CLIENTS; client++)
            g_assert_cmpint(display_plan_offers(&plan->display, client), ==, !(want->withheld & (1u << client)));
    }
    g_assert_true(display_plan_offers(NULL, DISPLAY_CLIENT_RDP));
}

static const PowerPlan power = {
    .on_disconnect = {POWER_SUSPEND, 1000}, .on_log_off = {POWER_SHUT_DOWN, 5000}, .on_idle = {POWER_OFF, 3000}};

static const struct {
    const char *what;
    PowerFacts facts;
    int64_t now;
    PowerVerdict want;
} powers[] = {
    {"connecting", {true, true, true, false, 1000}, 90000, {POWER_NONE, 0}},
    {"somebody works there", {true, true, true, false, 1000, true}, 3999, {POWER_NONE, 4000}},
    {"connected, and nobody does anything", {true, true, true, false, 1000, true}, 4000, {POWER_OFF, 0}},
    {"just disconnected", {true, true, true, true, 1000}, 1999, {POWER_NONE, 2000}},
    {"disconnected for so long", {true, true, true, true, 1000}, 2000, {POWER_SUSPEND, 0}},
    {"just logged off", {true, true, false, false, 1000}, 5999, {POWER_NONE, 6000}},
    {"logged off for so long", {true, true, false, false, 1000}, 6000, {POWER_SHUT_DOWN, 0}},
    {"sleeps already", {true, false, true, true, 1000}, 9000, {POWER_NONE, 0}},
    {"nobody's: the spares decide", {false, true, false, false, 1000}, 9000, {POWER_NONE, 0}},
};

static void test_power(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(powers); i++) {
        g_test_message("%s", powers[i].what);
        PowerVerdict verdict = power_after(&power, &powers[i].facts, powers[i].now);
        g_assert_cmpint(verdict.action, ==, powers[i].want.action);
        g_assert_cmpint(verdict.look_again_ms, ==, powers[i].want.look_again_ms);
    }
    g_assert_cmpint(power_after(NULL, &powers[2].facts, 2000).action, ==, POWER_NONE);
}

static void test_spares(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) json = json_of("{'peak': " OFFICE ", 'peak_spares': 5, 'off_peak_spares': 0}");
    g_autoptr(Plan) plan = plan_read(PLAN_POWER, json, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(power_spares(&plan->power, 2, utc("2026-11-23T10:00:00Z")), ==, 5);
    g_assert_cmpuint(power_spares(&plan->power, 2, utc("2026-11-23T22:00:00Z")), ==, 0);
    g_assert_cmpuint(power_spares(NULL, 2, utc("2026-11-23T22:00:00Z")), ==, 2);
    plan->power.has_off_peak_spares = false;
    g_assert_cmpuint(power_spares(&plan->power, 2, utc("2026-11-23T22:00:00Z")), ==, 2);
}

static void test_release(void)
{
    const ReleasePlan plan = {.log_off_after_ms = 7000, .release_after_ms = 9000, .at_log_off = THEN_DELETE};
    const BrokerPool floating = {.type = BROKER_FLOATING, .refresh_on_log_off = true}, own = {.type = BROKER_DEDICATED};
    BrokerPool changed = release_pool(floating, &plan);
    g_assert_true(changed.delete_on_log_off);
    g_assert_cmpint(changed.log_off_after_ms, ==, 7000);
    changed = release_pool(floating, &(ReleasePlan){.lock_after_idle_ms = 1, .disconnect_after_idle_ms = 2, .log_off_after_idle_ms = 3});
    g_assert_cmpint(changed.lock_after_idle_ms, ==, 1);
    g_assert_cmpint(changed.disconnect_after_idle_ms, ==, 2);
    g_assert_cmpint(changed.log_off_after_idle_ms, ==, 3);
    g_assert_true(release_pool(floating, &(ReleasePlan){0}).refresh_on_log_off);
    g_assert_false(release_pool(floating, &(ReleasePlan){.at_log_off = THEN_KEEP}).refresh_on_log_off);
    g_assert_true(release_pool(own, &(ReleasePlan){.at_log_off = THEN_REFRESH}).refresh_on_log_off);
    g_assert_true(release_pool(floating, NULL).refresh_on_log_off);

    ReleaseVerdict verdict = release_after(&plan, &own, 1000, 9999);
    g_assert_false(verdict.due);
    g_assert_cmpint(verdict.look_again_ms, ==, 10000);
    verdict = release_after(&plan, &own, 1000, 10000);
    g_assert_true(verdict.due && verdict.refresh && !verdict.remove);
    g_assert_false(release_after(&plan, &floating, 1000, 10000).due);
    g_assert_false(release_after(NULL, &own, 1000, 10000).due);
    ReleasePlan keep = {.release_after_ms = 1, .at_release = THEN_KEEP}, gone = {.release_after_ms = 1, .at_release = THEN_DELETE};
    g_assert_false(release_after(&keep, &own, 0, 10).refresh);
    g_assert_true(release_after(&gone, &own, 0, 10).remove);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/broker/plan/schedule", test_schedule);
    g_test_add_func("/broker/plan/files-refusal", test_files_refusal);
    g_test_add_func("/broker/plan/settings", test_settings);
    g_test_add_func("/broker/plan/display", test_display);
    g_test_add_func("/broker/plan/power", test_power);
    g_test_add_func("/broker/plan/spares", test_spares);
    g_test_add_func("/broker/plan/release", test_release);
    return g_test_run();
}
