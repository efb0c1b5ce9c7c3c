/* The person whose click claimed a desktop becomes who works in its guest: told to the agent beside the picture, with the user
 * disk if the pool has one. Whatever fails, there is a session, and its warnings say what is missing. */
#include "host/private.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "broker/name.h"
#include "store/user.h"

static const int64_t log_on_limit_ms = 300 * 1000; /* the repair of a file system after a crash takes its time */
static const int64_t slice_ms = 5000; /* said again, it is answered as before: so that the end of orield need not wait */
static const int64_t busy_limit_ms = 90 * 1000;

void log_on_wanted(Slot *slot)
{
    g_mutex_lock(&slot->host->lock);
    slot->log_on_due = true;
    g_mutex_unlock(&slot->host->lock);
    unsigned seat = 0;
    Machine *machine = seat_guest(slot, &seat); /* none: its agent's word brings a worker */
    if (machine && slot->host->driver->logs_on(machine))
        slot_queue(slot);
    slot_release_machine(slot->host, machine);
}

/* Only a guest that is somebody already, and whose agent knows how. */
static bool take_order(Slot *slot, const Machine *machine)
{
    g_mutex_lock(&slot->host->lock);
    const Slot *at = seat_machine_locked(slot);
    bool due = slot->log_on_due && !slot->logging_on && at && at->agent_ready && at->guest == GUEST_NOTHING &&
               slot->host->driver->logs_on(machine);
    if (due)
        slot->log_on_due = false;
    slot->logging_on = slot->logging_on || due;
    g_mutex_unlock(&slot->host->lock);
    return due;
}

static char *join(char *owned, const char *more)
{
    if (!owned || !more)
        return owned ? owned : g_strdup(more);
    char *both = g_strjoin("\n", owned, more, NULL);
    g_free(owned);
    return both;
}

typedef struct {
    StoreSession *session;
    StoreUser *user;
    StoreLogOn *known; /* NULL: nothing */
    unsigned uid;
    char *account;
} Person;

static void person_clear(Person *person)
{
    store_session_free(person->session);
    store_user_free(person->user);
    store_log_on_free(person->known);
    g_free(person->account);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Person, person_clear)

/* false: nobody is in session here, or *error. */
static bool load(const Work *work, Person *person, GError **error)
{
    Store *store = work->host->store;
    g_autoptr(GError) problem = NULL;
    person->session = store_session_of_desktop(store, work->row->id, &problem);
    if (!person->session && oriel_error_kind(problem) == ORIEL_ERROR_NOT_FOUND)
        return false;
    if (!person->session) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return false;
    }
    if (!person->session->user_id || !(person->user = store_user_find(store, person->session->user_id, error)) ||
        !store_guest_uid(store, person->user->id, &person->uid, error) ||
        !store_log_on_get(store, person->session->id, &person->known, error))
        return false;
    person->account = name_account(person->user->name, person->uid);
    return true;
}

static const char *known_or_null(const char *text)
{
    return text && *text ? text : NULL;
}

static bool tell(Machine *machine, const Work *work, const Person *person, AgentLogOn *what, AgentLoggedOn *ret,
                 GError **error)
{
    what->seat = (unsigned)work->row->seat;
    what->session = person->session->id;
    what->account = person->account;
    what->uid = person->uid;
    what->display_name = *person->user->display_name ? person->user->display_name : person->user->name;
    if (person->known) {
        what->locale = known_or_null(person->known->locale);
        what->keyboard = known_or_null(person->known->keyboard);
        what->time_zone = known_or_null(person->known->time_zone);
    }
    int64_t end = clock_monotonic_ms() + log_on_limit_ms;
    for (;;) {
        g_autoptr(GError) problem = NULL;
        if (work->host->driver->log_on(machine, what, slice_ms, ret, &problem))
            return true;
        g_mutex_lock(&work->host->lock);
        bool goes_on = !work->host->ending && oriel_error_kind(problem) == ORIEL_ERROR_TIMEOUT && clock_monotonic_ms() < end;
        g_mutex_unlock(&work->host->lock);
        if (goes_on)
            continue;
        g_propagate_error(error, g_steal_pointer(&problem));
        return false;
    }
}

static void note_done(const Work *work, const Person *person, const AgentLoggedOn *logged_on, char *warnings)
{
    g_autoptr(GError) error = NULL;
    StoreLogOn done = {.account = logged_on->account, .has_home = logged_on->has_home, .warnings = warnings};
    log_debug("desktop %s: log on of %s: %s", work->row->name, person->user->name,
              logged_on->steps ? logged_on->steps : "");
    if (warnings)
        log_info("desktop %s: log on of %s: %s", work->row->name, person->user->name, warnings);
    if (!store_log_on_done(work->host->store, person->session->id, &done, &error))
        log_warning("desktop %s: the log on of %s is not noted: %s", work->row->name, person->user->name,
                    error->message);
}

static bool is_ending(Host *host)
{
    g_mutex_lock(&host->lock);
    bool ending = host->ending;
    g_mutex_unlock(&host->lock);
    return ending;
}

/* A disk that did not become the home can be used elsewhere, or looked at. */
static void settle(Work *work, const StoreHome *home, bool mounted)
{
    g_autoptr(GError) error = NULL;
    if (mounted) {
        home_mounted(work, home);
    } else if (slot_acquire(work->slot, busy_limit_ms, &error)) {
        home_put_away(work, false);
        slot_release(work->slot);
    } else {
        log_warning("desktop %s: the home that it could not use stays with it until its person logs off: %s", work->row->name, error->message);
    }
}

static void log_on(Work *work, Machine *machine, const Person *person)
{
    g_auto(AgentLoggedOn) logged_on = {0};
    g_autofree char *warning = NULL, *warnings = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(StoreHome) home = home_attach(work, machine, person->user->id, &warning);
    AgentLogOn what = {.has_home = home != NULL,
                       .home_is_new = home && home->state == STORE_HOME_NEW,
                       .warning = warning};
    bool told = tell(machine, work, person, &what, &logged_on, &error);
    if (!told)
        log_warning("desktop %s: %s", work->row->name, error->message);
    if (!told && is_ending(work->host))
        return; /* the next orield asks again */
    if (told && work->row->seat_of)
        seat_tell_seated(work->slot, person->session->id);
    if (home && told)
        settle(work, home, logged_on.has_home);
    warnings = told ? g_strdup(logged_on.warnings) : join(g_strdup(warning), "The desktop was not told who you are.");
    note_done(work, person, &logged_on, warnings);
}

void log_on_run(gpointer item, gpointer data)
{
    g_autoptr(Slot) slot = item;
    Host *host = data;
    g_auto(Work) work = {0};
    g_auto(Person) person = {0};
    g_autoptr(GError) error = NULL;
    unsigned seat = 0;
    Machine *machine = seat_guest(slot, &seat);
    if (machine && !is_ending(host) && work_load(&work, host, slot, &error) && load(&work, &person, &error))
        log_on(&work, machine, &person);
    else if (error)
        log_warning("desktop %s: nobody could be logged on: %s", slot->id, error->message);
    slot_release_machine(host, machine);
    g_mutex_lock(&host->lock);
    slot->logging_on = false;
    g_mutex_unlock(&host->lock);
    slot_queue(slot);
}

bool log_on_is_running(Slot *slot)
{
    g_mutex_lock(&slot->host->lock);
    bool running = slot->logging_on;
    g_mutex_unlock(&slot->host->lock);
    return running;
}

void log_on_start(Work *work)
{
    unsigned seat = 0;
    Machine *machine = seat_guest(work->slot, &seat);
    if (machine && take_order(work->slot, machine))
        g_thread_pool_push(work->host->log_ons, slot_ref(work->slot), NULL);
    slot_release_machine(work->host, machine);
}
