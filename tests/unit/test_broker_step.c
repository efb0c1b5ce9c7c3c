#include "broker/step.h"

#include <glib.h>

static const struct {
    const char *what;
    StepQuestion question;
    DesktopStep step;
} cases[] = {
    {"new", {.desired = BROKER_WANT_RUNNING, .template_ready = true}, STEP_FORK},
    {"a machine that was there before, whatever its row says", {.desired = BROKER_WANT_RUNNING, .external = true}, STEP_NONE},
    {"the same, observed", {.desired = BROKER_WANT_RUNNING, .observed = BROKER_RUNNING, .current = true, .external = true}, STEP_NONE},
    {"the same, taken out", {.desired = BROKER_WANT_DELETED, .observed = BROKER_RUNNING, .current = true, .external = true}, STEP_FORGET},
    {"new, no template yet", {.desired = BROKER_WANT_RUNNING}, STEP_WAIT},
    {"a fork that was cut off: its machine",
     {.desired = BROKER_WANT_RUNNING,
      .observed = BROKER_STARTING,
      .alive = true,
      .has_disk = true,
      .template_ready = true},
     STEP_END},
    {"a fork that was cut off: its disk",
     {.desired = BROKER_WANT_RUNNING, .observed = BROKER_STARTING, .has_disk = true, .template_ready = true},
     STEP_DISCARD},
    {"new, and its pool boots", {.desired = BROKER_WANT_RUNNING, .template_ready = true, .boots = true}, STEP_MAKE},
    {"the same, its image not there", {.desired = BROKER_WANT_RUNNING, .boots = true}, STEP_WAIT},
    {"the same, a job is at it",
     {.desired = BROKER_WANT_RUNNING, .template_ready = true, .boots = true, .making = true, .has_disk = true},
     STEP_WAIT},
    {"refreshed while its first boot goes on",
     {.desired = BROKER_WANT_RUNNING, .template_ready = true, .boots = true, .making = true, .alive = true, .has_disk = true},
     STEP_END},
    {"a copy that was cut off",
     {.desired = BROKER_WANT_RUNNING, .template_ready = true, .boots = true, .has_disk = true},
     STEP_DISCARD},
    {"deleted while it is copied",
     {.desired = BROKER_WANT_DELETED, .template_ready = true, .boots = true, .making = true, .has_disk = true},
     STEP_DISCARD},
    {"a whole disk that has not run yet",
     {.desired = BROKER_WANT_RUNNING, .observed = BROKER_STARTING, .current = true, .boots = true, .has_disk = true},
     STEP_BOOT},
    {"runs",
     {.desired = BROKER_WANT_RUNNING, .observed = BROKER_RUNNING, .current = true, .alive = true},
     STEP_NONE},
    {"runs, the row does not know",
     {.desired = BROKER_WANT_RUNNING, .observed = BROKER_STARTING, .current = true, .alive = true},
     STEP_MARK_RUNNING},
    {"failed, and runs all the same",
     {.desired = BROKER_WANT_RUNNING, .observed = BROKER_FAILED, .current = true, .alive = true},
     STEP_MARK_RUNNING},
    {"died",
     {.desired = BROKER_WANT_RUNNING,
      .observed = BROKER_RUNNING,
      .current = true,
      .has_disk = true,
      .template_ready = true},
     STEP_DIED},
    {"stopped with a disk",
     {.desired = BROKER_WANT_RUNNING,
      .observed = BROKER_STOPPED,
      .current = true,
      .has_disk = true,
      .template_ready = true},
     STEP_BOOT},
    {"suspended",
     {.desired = BROKER_WANT_RUNNING,
      .observed = BROKER_STOPPED,
      .current = true,
      .has_disk = true,
      .suspended = true,
      .template_ready = true},
     STEP_RESUME},
    {"a boot needs no template",
     {.desired = BROKER_WANT_RUNNING, .observed = BROKER_FAILED, .current = true, .has_disk = true},
     STEP_BOOT},
    {"its folder is lost",
     {.desired = BROKER_WANT_RUNNING, .observed = BROKER_STOPPED, .current = true, .template_ready = true},
     STEP_FORK},
    {"refresh: end",
     {.desired = BROKER_WANT_RUNNING,
      .observed = BROKER_RUNNING,
      .alive = true,
      .has_disk = true,
      .assigned = true},
     STEP_END},
    {"refresh: discard",
     {.desired = BROKER_WANT_RUNNING, .observed = BROKER_RUNNING, .has_disk = true, .assigned = true},
     STEP_DISCARD},
    {"refresh: fork",
     {.desired = BROKER_WANT_RUNNING, .observed = BROKER_RUNNING, .assigned = true, .template_ready = true},
     STEP_FORK},
    {"a seat has no machine of its own",
     {.desired = BROKER_WANT_RUNNING, .observed = BROKER_RUNNING, .seat = true, .floating = true, .template_ready = true},
     STEP_NONE},
    {"nor when it goes",
     {.desired = BROKER_WANT_DELETED, .observed = BROKER_STOPPED, .seat = true},
     STEP_NONE},
    {"a shared machine with people is no spare",
     {.desired = BROKER_WANT_SUSPENDED, .observed = BROKER_RUNNING, .current = true, .alive = true, .has_disk = true, .floating = true,
      .assigned = true},
     STEP_SUSPEND},
    {"stop a user's",
     {.desired = BROKER_WANT_STOPPED,
      .observed = BROKER_RUNNING,
      .current = true,
      .alive = true,
      .has_disk = true,
      .assigned = true},
     STEP_SHUT_DOWN},
    {"stopped",
     {.desired = BROKER_WANT_STOPPED,
      .observed = BROKER_STOPPING,
      .current = true,
      .has_disk = true,
      .assigned = true},
     STEP_MARK_STOPPED},
    {"stays stopped",
     {.desired = BROKER_WANT_STOPPED,
      .observed = BROKER_STOPPED,
      .current = true,
      .has_disk = true,
      .assigned = true},
     STEP_NONE},
    {"stop a spare: nobody needs its memory",
     {.desired = BROKER_WANT_STOPPED,
      .observed = BROKER_RUNNING,
      .current = true,
      .alive = true,
      .has_disk = true,
      .floating = true},
     STEP_END},
    {"stop a spare: nor its disk",
     {.desired = BROKER_WANT_STOPPED,
      .observed = BROKER_RUNNING,
      .current = true,
      .has_disk = true,
      .floating = true},
     STEP_DISCARD},
    {"stop a spare: done",
     {.desired = BROKER_WANT_STOPPED, .observed = BROKER_RUNNING, .current = true, .floating = true},
     STEP_MARK_ABSENT},
    {"a spare that was being stopped is wanted again: its disk is worth nothing",
     {.desired = BROKER_WANT_RUNNING,
      .observed = BROKER_STOPPING,
      .current = true,
      .has_disk = true,
      .floating = true,
      .template_ready = true},
     STEP_DISCARD},
    {"a spare that was being stopped is wanted again: it is away",
     {.desired = BROKER_WANT_RUNNING, .observed = BROKER_STOPPING, .current = true, .floating = true},
     STEP_MARK_ABSENT},
    {"a user's that was being stopped is wanted again",
     {.desired = BROKER_WANT_RUNNING,
      .observed = BROKER_STOPPING,
      .current = true,
      .has_disk = true,
      .floating = true,
      .assigned = true},
     STEP_BOOT},
    {"a refresh of a stopped one: done",
     {.desired = BROKER_WANT_STOPPED, .observed = BROKER_STOPPED, .assigned = true},
     STEP_MARK_ABSENT},
    {"absent and stopped",
     {.desired = BROKER_WANT_STOPPED, .observed = BROKER_ABSENT, .current = true},
     STEP_NONE},
    {"stopped, folder lost",
     {.desired = BROKER_WANT_STOPPED, .observed = BROKER_STOPPED, .current = true, .assigned = true},
     STEP_MARK_ABSENT},
    {"delete: machine",
     {.desired = BROKER_WANT_DELETED,
      .observed = BROKER_RUNNING,
      .current = true,
      .alive = true,
      .has_disk = true},
     STEP_END},
    {"delete: files",
     {.desired = BROKER_WANT_DELETED, .observed = BROKER_RUNNING, .has_disk = true},
     STEP_DISCARD},
    {"delete: row", {.desired = BROKER_WANT_DELETED, .observed = BROKER_RUNNING}, STEP_FORGET},
};

static void test_step(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("%s", cases[i].what);
        g_assert_cmpstr(step_name(step_next(&cases[i].question)), ==, step_name(cases[i].step));
    }
}

/* What each step changes, as host/ does it. */
static void do_step(StepQuestion *desktop, DesktopStep step)
{
    switch (step) {
    case STEP_FORK:
    case STEP_MAKE:
        desktop->alive = desktop->has_disk = desktop->current = true;
        desktop->observed = BROKER_RUNNING;
        break;
    case STEP_RESUME:
    case STEP_BOOT:
        desktop->alive = true;
        desktop->suspended = false;
        desktop->observed = BROKER_RUNNING;
        break;
    case STEP_SUSPEND:
        desktop->suspended = true;
        desktop->alive = false;
        break;
    case STEP_SHUT_DOWN:
    case STEP_POWER_OFF:
    case STEP_END:
        desktop->alive = false;
        break;
    case STEP_DISCARD:
        desktop->has_disk = desktop->suspended = false;
        break;
    case STEP_MARK_RUNNING:
        desktop->observed = BROKER_RUNNING;
        break;
    case STEP_MARK_STOPPED:
    case STEP_DIED:
        desktop->observed = BROKER_STOPPED;
        break;
    case STEP_MARK_ABSENT:
        desktop->observed = BROKER_ABSENT;
        desktop->current = true;
        break;
    case STEP_NONE:
    case STEP_WAIT:
    case STEP_FORGET:
    default:
        break;
    }
}

/* From every state that can be thought of, the steps come to an end, and the end is what was desired. */
static void test_always_arrives(void)
{
    for (unsigned bits = 0; bits < 5 * 6 * 128; bits++) {
        unsigned flags = bits / 30;
        StepQuestion desktop = {
            .desired = (BrokerDesired)(bits % 5),
            .observed = (BrokerObserved)(bits / 5 % 6),
            .current = flags & 1,
            .assigned = flags & 2,
            .floating = flags & 4,
            .alive = flags & 8,
            .has_disk = (flags & 16) || (flags & 8),
            .suspended = (flags & 32) && (flags & 16) && !(flags & 8),
            .template_ready = true,
            .boots = flags & 64,
        };
        DesktopStep step = STEP_NONE;
        unsigned steps = 0;
        while ((step = step_next(&desktop)) != STEP_NONE && step != STEP_FORGET) {
            do_step(&desktop, step);
            g_assert_cmpuint(++steps, <, 8);
        }
        if (desktop.desired == BROKER_WANT_RUNNING)
            g_assert_true(desktop.alive && desktop.current && desktop.observed == BROKER_RUNNING);
        else
            g_assert_false(desktop.alive);
        if (desktop.desired == BROKER_WANT_DELETED)
            g_assert_true(step == STEP_FORGET && !desktop.has_disk);
    }
}

static void test_backoff(void)
{
    g_assert_cmpint(step_backoff_ms(0), ==, 0);
    g_assert_cmpint(step_backoff_ms(1), ==, 1000);
    g_assert_cmpint(step_backoff_ms(4), ==, 8000);
    g_assert_cmpint(step_backoff_ms(100), ==, 300000);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/broker/step", test_step);
    g_test_add_func("/broker/step/always-arrives", test_always_arrives);
    g_test_add_func("/broker/step/backoff", test_backoff);
    return g_test_run();
}
