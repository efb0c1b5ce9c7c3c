/* Why a log-on is slow: the time of each step from the click to the picture, and of what comes beside it, kept with the session. Noted
 * in memory by whoever does the step, written by who next visits the slot: the click waits for no store. */
#include "host/private.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/log.h"

static const int64_t slow_us = 100 * 1000;

struct LogOn {
    char *session_id;
    int64_t click_us; /* monotonic, as all here */
    int64_t last_us;  /* end of the last step on the way to the picture */
    bool opened;      /* its display: the next click is another log-on */
    bool seen;        /* its picture */
    bool announced;   /* the guest said that the user is logged on */
    Json *steps;
};

void steps_free(LogOn *log_on)
{
    if (!log_on)
        return;
    g_free(log_on->session_id);
    json_decref(log_on->steps);
    g_free(log_on);
}

/* With the lock. */
static void add_locked(Slot *slot, const char *name, int64_t from_us, int64_t to_us)
{
    LogOn *log_on = slot->log_on;
    if (json_array_size(log_on->steps) >= LIMIT_LOG_ON_STEPS)
        return;
    json_array_append_new(log_on->steps, json_pack("{s:s, s:I, s:I}", "name", name, "at_us",
                                                   (json_int_t)MAX(from_us - log_on->click_us, 0), "took_us",
                                                   (json_int_t)MAX(to_us - from_us, 0)));
    if (to_us - from_us >= slow_us || log_on->opened) /* a log-on that is quick so far is written with its picture */
        slot_event_locked(slot, SLOT_STEPS);
}

void steps_begin(Slot *slot, const char *session_id, int64_t click_us)
{
    g_mutex_lock(&slot->host->lock);
    LogOn *before = slot->log_on;
    if (before && !before->opened && g_str_equal(before->session_id, session_id)) {
        add_locked(slot, "boot", before->last_us, click_us); /* this click had to wait for a job */
        before->last_us = click_us;
        g_mutex_unlock(&slot->host->lock);
        return;
    }
    slot->log_on = g_new0(LogOn, 1);
    *slot->log_on = (LogOn){.session_id = g_strdup(session_id), .click_us = click_us, .last_us = click_us, .steps = json_array()};
    g_mutex_unlock(&slot->host->lock);
    steps_free(before);
}

void steps_next(Slot *slot, const char *name, int64_t end_us)
{
    g_mutex_lock(&slot->host->lock);
    LogOn *log_on = slot->log_on;
    if (log_on && !log_on->seen) {
        add_locked(slot, name, log_on->last_us, end_us);
        log_on->last_us = end_us;
    }
    g_mutex_unlock(&slot->host->lock);
}

void steps_opened(Slot *slot)
{
    int64_t now_us = clock_monotonic_us();
    g_mutex_lock(&slot->host->lock);
    LogOn *log_on = slot->log_on;
    if (log_on && !log_on->opened) {
        log_on->opened = true;
        add_locked(slot, "client", log_on->last_us, now_us);
        log_on->last_us = now_us;
    }
    g_mutex_unlock(&slot->host->lock);
}

void steps_seen(Slot *slot)
{
    int64_t now_us = clock_monotonic_us();
    g_mutex_lock(&slot->host->lock);
    LogOn *log_on = slot->log_on;
    if (log_on && log_on->opened && !log_on->seen) {
        add_locked(slot, "picture", log_on->last_us, now_us);
        log_on->seen = true;
    }
    g_mutex_unlock(&slot->host->lock);
}

void steps_beside(Slot *slot, const char *name, int64_t from_us)
{
    int64_t now_us = clock_monotonic_us();
    g_mutex_lock(&slot->host->lock);
    if (slot->log_on)
        add_locked(slot, name, from_us, now_us);
    g_mutex_unlock(&slot->host->lock);
}

/* A session that a template holds ready was logged on long before: then nothing comes, or at once. */
void steps_logged_on(Slot *slot)
{
    int64_t now_us = clock_monotonic_us();
    g_mutex_lock(&slot->host->lock);
    LogOn *log_on = slot->log_on;
    if (log_on && !log_on->announced) {
        add_locked(slot, "user session", log_on->click_us, now_us);
        log_on->announced = true;
    }
    g_mutex_unlock(&slot->host->lock);
}

void steps_write(Work *work)
{
    g_mutex_lock(&work->host->lock);
    LogOn *log_on = work->slot->log_on;
    g_autofree char *session_id = log_on ? g_strdup(log_on->session_id) : NULL;
    g_autofree char *text = log_on ? json_text(log_on->steps) : NULL;
    g_mutex_unlock(&work->host->lock);
    g_autoptr(GError) error = NULL;
    if (text && !store_session_set_steps(work->host->store, session_id, text, &error))
        log_warning("session %s: the steps of its log-on cannot be kept: %s", session_id, error->message);
}
