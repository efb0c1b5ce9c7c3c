/* Whether somebody may look on is asked in the guest too: who sits at another client than the page has nothing else to answer in. */
#include "host/private.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/words_wire.h"
#include "store/help.h"

static const unsigned most_questions = 8; /* of one desktop that wait for a worker */

typedef struct {
    char *id;
    char *text; /* NULL: take it back */
} Question;

static void question_free(void *data)
{
    Question *question = data;
    g_free(question->id);
    g_free(question->text);
    g_free(question);
}

void host_session_ask(Host *host, const StoreSession *session, const char *shadow_id, const char *text)
{
    g_autoptr(Slot) slot = session->desktop_id ? slot_find(host, session->desktop_id) : NULL;
    if (!slot)
        return;
    Question *question = g_new0(Question, 1);
    *question = (Question){g_strdup(shadow_id), g_strdup(text)};
    g_mutex_lock(&host->lock);
    if (!slot->questions)
        slot->questions = g_ptr_array_new_with_free_func(question_free);
    if (slot->questions->len == most_questions)
        g_ptr_array_remove_index(slot->questions, 0);
    g_ptr_array_add(slot->questions, question);
    slot_event_locked(slot, SLOT_QUESTION);
    g_mutex_unlock(&host->lock);
}

void slot_tell_answer(Slot *slot, const char *question, bool allow)
{
    g_mutex_lock(&slot->host->lock);
    store_set(&slot->answered, question);
    slot->answer_allows = allow;
    slot_event_locked(slot, SLOT_QUESTION);
    g_mutex_unlock(&slot->host->lock);
}

/* An answer to nothing that is asked here, or too late, is none. */
static void take_answer(Work *work, const char *question, bool allow)
{
    g_autoptr(GError) error = NULL;
    if (store_shadow_answer(work->host->store, work->row->id, question, allow, &error))
        return;
    if (oriel_error_kind(error) == ORIEL_ERROR_NOT_FOUND || oriel_error_kind(error) == ORIEL_ERROR_CONFLICT)
        log_info("desktop %s: what its guest answers is dropped: %s", work->row->name, error->message);
    else
        log_warning("desktop %s: what its guest answers cannot be written: %s", work->row->name, error->message);
}

static bool ask(const Work *work, Machine *machine, unsigned seat, const Question *question, GError **error)
{
    AgentQuestion words = {.seat = seat,
                           .id = question->id,
                           .title = SAY_HELP_DESK,
                           .text = question->text,
                           .allow = SAY_ALLOW,
                           .refuse = SAY_REFUSE,
                           .limit_ms = LIMIT_SHADOW_ASK_MS};
    return question->text ? work->host->driver->ask(machine, &words, error) : work->host->driver->ask_end(machine, seat, question->id, error);
}

void question_handle(Work *work)
{
    Slot *slot = work->slot;
    g_mutex_lock(&work->host->lock);
    g_autoptr(GPtrArray) questions = g_steal_pointer(&slot->questions);
    g_autofree char *answered = g_steal_pointer(&slot->answered);
    bool allow = slot->answer_allows;
    g_mutex_unlock(&work->host->lock);
    if (answered)
        take_answer(work, answered, allow);
    unsigned seat = 0;
    Machine *machine = questions ? seat_guest(slot, &seat) : NULL;
    for (unsigned i = 0; machine && i < questions->len; i++) {
        g_autoptr(GError) error = NULL;
        if (!ask(work, machine, seat, questions->pdata[i], &error))
            log_warning("desktop %s: its guest is not asked: %s", work->row->name, error->message);
    }
    slot_release_machine(work->host, machine);
}
