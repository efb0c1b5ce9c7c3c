#include "broker/step.h"

#include <glib.h>

/* Takes away what there is: process first, then files, then the row. */
static DesktopStep step_away(const StepQuestion *question, DesktopStep at_end)
{
    if (question->alive)
        return STEP_END;
    return question->has_disk ? STEP_DISCARD : at_end;
}

/* Of a floating desktop that is nobody's, neither memory nor disk is kept once it does not run. */
static bool is_a_spare(const StepQuestion *question)
{
    return question->floating && !question->assigned;
}

/* A disk that is not current has never been anybody's (a fork that was cut off) or is to be thrown away (a
 * refresh): nothing is lost with it, so it always makes way, and nobody needs to know which of the two it
 * was. */
static DesktopStep step_to_running(const StepQuestion *question)
{
    bool waits = !question->template_ready || question->making;
    DesktopStep fork = waits ? STEP_WAIT : question->boots ? STEP_MAKE : STEP_FORK;
    if (!question->current)
        return question->making && !question->alive ? STEP_WAIT : step_away(question, fork);
    if (question->alive)
        return question->observed == BROKER_RUNNING ? STEP_NONE : STEP_MARK_RUNNING;
    if (question->observed == BROKER_RUNNING)
        return STEP_DIED;
    if ((question->observed == BROKER_STOPPING || question->suspended) && is_a_spare(question))
        return step_away(question, STEP_MARK_ABSENT); /* wanted again while it was being stopped */
    if (question->suspended)
        return STEP_RESUME;
    return question->has_disk ? STEP_BOOT : fork;
}

static DesktopStep step_to_stopped(const StepQuestion *question)
{
    bool worthless = !question->current || is_a_spare(question);
    if (worthless)
        return step_away(question, question->observed == BROKER_ABSENT && question->current
                                       ? STEP_NONE
                                       : STEP_MARK_ABSENT);
    if (question->alive)
        return question->desired == BROKER_WANT_SUSPENDED ? STEP_SUSPEND
               : question->desired == BROKER_WANT_OFF     ? STEP_POWER_OFF
                                                          : STEP_SHUT_DOWN;
    if (!question->has_disk)
        return question->observed == BROKER_ABSENT ? STEP_NONE : STEP_MARK_ABSENT;
    return question->observed == BROKER_STOPPED ? STEP_NONE : STEP_MARK_STOPPED;
}

DesktopStep step_next(const StepQuestion *question)
{
    if (question->seat)
        return STEP_NONE;
    if (question->external)
        return question->desired == BROKER_WANT_DELETED ? STEP_FORGET : STEP_NONE;
    switch (question->desired) {
    case BROKER_WANT_DELETED:
        return step_away(question, STEP_FORGET);
    case BROKER_WANT_RUNNING:
        return step_to_running(question);
    case BROKER_WANT_STOPPED:
    case BROKER_WANT_SUSPENDED:
    case BROKER_WANT_OFF:
        return step_to_stopped(question);
    default:
        return STEP_NONE;
    }
}

const char *step_name(DesktopStep step)
{
    static const char *const names[] = {
        [STEP_NONE] = "none",
        [STEP_WAIT] = "wait for the template",
        [STEP_FORK] = "fork",
        [STEP_MAKE] = "make its disk and boot",
        [STEP_RESUME] = "resume",
        [STEP_BOOT] = "boot",
        [STEP_SHUT_DOWN] = "shut down",
        [STEP_SUSPEND] = "suspend",
        [STEP_POWER_OFF] = "power off",
        [STEP_END] = "end",
        [STEP_DISCARD] = "discard",
        [STEP_FORGET] = "forget",
        [STEP_MARK_RUNNING] = "mark running",
        [STEP_MARK_STOPPED] = "mark stopped",
        [STEP_MARK_ABSENT] = "mark absent",
        [STEP_DIED] = "died",
    };
    return (size_t)step < G_N_ELEMENTS(names) ? names[step] : "none";
}

int64_t step_backoff_ms(unsigned failures)
{
    if (failures == 0)
        return 0;
    int64_t wait = (int64_t)1000 << MIN(failures - 1, 9u);
    return MIN(wait, (int64_t)5 * 60 * 1000);
}
