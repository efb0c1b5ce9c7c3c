/* The click: from "this user, that pool" to running processors, straight-line on the caller's thread. */
#include "host/policy.h"
#include "host/private.h"
#include "host/viewers.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/secret.h"
#include "broker/assign.h"
#include "broker/entitle.h"
#include "store/event.h"
#include "store/user.h"

static const int64_t busy_limit_ms =
    90 * 1000; /* somebody else is at work on this very desktop: starting, or shutting down */
static const int64_t unlock_limit_ms = 5 * 1000; /* a guest that was asleep says by then what it holds */
static const unsigned most_rounds = 64; /* others click too: each round that is lost, somebody else has won */
static const unsigned most_steps = 16;
static const unsigned most_near = 128; /* ready desktops to choose from: many who click at once each prefer another one */

void host_connection_clear(HostConnection *connection)
{
    g_free(connection->desktop_id);
    g_free(connection->session_id);
    secret_free(connection->ticket);
    g_free(connection->job_id);
    *connection = (HostConnection){0};
}

typedef struct {
    Host *host;
    const HostConnectRequest *request;
    StoreUser *user;
    StorePool *pool;
    HostConnection *ret;
    int64_t began_us; /* monotonic */
    Device device;
    HostPolicyAnswer decided; /* by policies */
} Click;

static void click_clear(Click *click)
{
    g_clear_pointer(&click->user, store_user_free);
    g_clear_pointer(&click->pool, store_pool_free);
    host_policy_answer_clear(&click->decided);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Click, click_clear)

/* ---- until it runs ---- */

typedef enum {
    UP,
    PENDING, /* *ret_job_id */
    LOST,    /* it died or changed hands meanwhile: decide anew */
    BROKEN,  /* error */
} Rise;

/* The job that ends when a booting desktop is usable. */
static Rise wait_for_boot(Click *click, const StoreDesktop *row, GError **error)
{
    click->ret->job_id = start_job(click->host, row, click->request->actor, error);
    return click->ret->job_id ? PENDING : BROKEN;
}

/* An administrator's console is there to watch the boot. */
static Rise rise_boot(Click *click, Work *work, bool *again, GError **error)
{
    if (click->user)
        return wait_for_boot(click, work->row, error);
    *again = work_do(work, STEP_BOOT, error);
    return *again ? LOST : BROKEN;
}

static Rise rise_running(Click *click, const Work *work, GError **error)
{
    if (work->row->observed != STORE_OBSERVED_RUNNING)
        return LOST;
    return click->user && start_is_booting(work->slot) ? wait_for_boot(click, work->row, error) : UP;
}

/* One step towards running; UP and the others end the way, LOST with *again set goes on. */
static Rise rise_step(Click *click, Work *work, bool *again, GError **error)
{
    DesktopStep step = work_next(work);
    switch (step) {
    case STEP_NONE:
        return rise_running(click, work, error);
    case STEP_MAKE:
        click->ret->job_id = make_job(work->host, work->row, click->request->actor, error);
        return click->ret->job_id ? PENDING : BROKEN;
    case STEP_WAIT:
        if ((click->ret->job_id = start_job_pending(work->host, work->row->id)))
            return PENDING;
        if (!pool_template_await(work->host, work->pool, &click->ret->job_id, error))
            return BROKEN;
        *again = !click->ret->job_id;
        return *again ? LOST : PENDING;
    case STEP_BOOT:
        return rise_boot(click, work, again, error);
    case STEP_DIED:
        return work_do(work, step, error) ? LOST : BROKEN;
    case STEP_FORK:
    case STEP_RESUME:
    case STEP_END:
    case STEP_DISCARD:
    case STEP_MARK_RUNNING:
        *again = work_do(work, step, error);
        return *again ? LOST : BROKEN;
    case STEP_SHUT_DOWN:
    case STEP_SUSPEND:
    case STEP_POWER_OFF:
    case STEP_FORGET:
    case STEP_MARK_STOPPED:
    case STEP_MARK_ABSENT:
    default:
        return LOST; /* nobody wants it to run any more */
    }
}

/* While this click waited for the slot, its desktop may have died, and been refreshed and released. */
static bool changed_hands(const Click *click, const StoreDesktop *claimed, const StoreDesktop *row)
{
    if (row->seats)
        return row->generation != claimed->generation; /* whose the seat is, the display asks again */
    bool theirs = click->pool && click->pool->type != STORE_POOL_FLOATING ? row->user_id != NULL
                                                                        : !click->user || g_strcmp0(row->user_id, click->user->id) == 0;
    return row->generation != claimed->generation || (click->user && !theirs);
}

static Rise rise_busy(Click *click, const StoreDesktop *claimed, Work *work, GError **error)
{
    Slot *slot = work->slot;
    for (unsigned steps = 0; steps < most_steps; steps++) {
        bool again = false;
        if (!work_load(work, slot->host, slot, error))
            return BROKEN;
        if (changed_hands(click, claimed, work->row))
            return LOST;
        Rise rise = rise_step(click, work, &again, error);
        if (!again)
            return rise;
    }
    return LOST;
}

static bool is_up(Slot *slot, const StoreDesktop *row)
{
    if (row->observed != STORE_OBSERVED_RUNNING || row->generation != row->observed_generation)
        return false;
    Machine *machine = slot_machine(slot);
    slot_release_machine(slot->host, machine);
    return machine != NULL;
}

/* What was seen of it last decides: nobody waits for a machine that is silent without being told so. */
static Rise rise_external(Click *click, const StoreDesktop *row, GError **error)
{
    if (row->observed == STORE_OBSERVED_RUNNING)
        return UP;
    click->ret->job_id = external_wake(click->host, row, click->request->actor, error);
    return click->ret->job_id ? PENDING : BROKEN;
}

static Rise rise(Click *click, const StoreDesktop *row, GError **error)
{
    if (row->protocol)
        return rise_external(click, row, error);
    if (click->user && (click->ret->job_id = start_job_pending(click->host, row->id)))
        return PENDING;
    g_autoptr(Slot) slot = slot_of(click->host, row->id);
    if (is_up(slot, row) && !(click->user && start_is_booting(slot)))
        return UP;
    if ((click->ret->job_id = start_job_pending(click->host, row->id)))
        return PENDING;
    bool up = false;
    g_autoptr(GError) busy = NULL;
    if (!slot_acquire_unless_up(slot, row->generation, busy_limit_ms, &up, &busy)) {
        if ((click->ret->job_id = start_job_pending(click->host, row->id)))
            return PENDING;
        g_propagate_error(error, g_steal_pointer(&busy));
        return BROKEN;
    }
    g_auto(Work) work = {.host = click->host, .slot = slot};
    if (up) /* by a worker, which now goes on beside the picture */
        return click->user && start_is_booting(slot) ? wait_for_boot(click, row, error) : UP;
    Rise end = rise_busy(click, row, &work, error);
    slot_release(slot);
    return end;
}

/* A seat's is its machine. */
static Rise rise_of(Click *click, const StoreDesktop *row, GError **error)
{
    if (!row->seat_of)
        return rise(click, row, error);
    g_autoptr(StoreDesktop) machine = store_desktop_find(click->host->store, row->seat_of, error);
    if (machine && machine->observed == STORE_OBSERVED_RUNNING && machine->error) {
        oriel_fail(error, ORIEL_ERROR_UNSUPPORTED, "desktop \"%s\": %s", machine->name, machine->error);
        return BROKEN;
    }
    return machine ? rise(click, machine, error) : BROKEN;
}

/* ---- tickets ---- */

static void promise_ticket(Click *click)
{
    secret_free(click->ret->ticket);
    click->ret->ticket = secret_token_new();
    click->ret->expires_ms = clock_utc_ms() + client_ticket_ms(click->request->client);
}

static void take_ticket_back(Click *click)
{
    g_clear_pointer(&click->ret->ticket, secret_free);
    g_clear_pointer(&click->ret->session_id, g_free);
    click->ret->expires_ms = 0;
}

static void remember_ticket(Click *click, const char *desktop_id)
{
    g_autoptr(Slot) slot = slot_of(click->host, desktop_id);
    g_mutex_lock(&click->host->lock);
    slot->ticket_until_ms = MAX(slot->ticket_until_ms, click->ret->expires_ms);
    g_mutex_unlock(&click->host->lock);
}

/* ---- which desktop ---- */

/* Asked only where it matters: nothing new starts in a pool or on a host that is being emptied. */
static bool is_in_session(Click *click, bool *ret, GError **error)
{
    StoreSessionFilter filter = {.user_id = click->user->id, .pool_id = click->pool->id};
    *ret = false;
    if (!click->pool->draining && host_service(click->host) == STORE_HOST_OPEN)
        return true;
    g_autoptr(GPtrArray) sessions = store_session_list(click->host->store, &filter, NULL, NULL, error);
    *ret = sessions && sessions->len > 0;
    return sessions != NULL;
}

/* Takes refusal. Always false. */
static bool refuse(Click *click, GError *refusal, GError **error)
{
    StoreEventNew event = {
        .action = "desktop.connect",
        .object_kind = "pool",
        .object_id = click->pool->id,
        .object_name = click->pool->name,
        .result = oriel_error_info(oriel_error_kind(refusal))->type,
    };
    store_event_add(click->host->store, click->request->actor, &event, NULL);
    g_propagate_error(error, refusal);
    return false;
}

static bool check_policy(Click *click, GError **error)
{
    GError *refusal = NULL;
    if (!click->decided.denied)
        return true;
    oriel_fail(&refusal, ORIEL_ERROR_FORBIDDEN, "%s", click->decided.denied);
    return refuse(click, refusal, error);
}

static bool check_entitled(Click *click, bool has_desktop, GError **error)
{
    const HostConnectRequest *request = click->request;
    bool entitled = false, in_session = false;
    if (!is_in_session(click, &in_session, error) || !store_user_entitled(click->host->store, click->user->id, click->pool->id, &entitled, error))
        return false;
    BrokerPool pool = values_pool(click->pool);
    bool is_own = !request->actor || g_strcmp0(request->actor->user_id, click->user->id) == 0;
    EntitleQuestion question = {
        .user_enabled = click->user->enabled,
        .user_entitled = entitled,
        .has_desktop = has_desktop,
        .in_session = in_session,
        .for_user = is_own ? NULL : click->user->name,
        .as_admin = request->as_admin,
    };
    g_autoptr(GError) refusal = NULL;
    if (entitle_use(&pool, &question, &refusal))
        return check_policy(click, error) && service_check(click->host, in_session, error);
    return refuse(click, g_steal_pointer(&refusal), error);
}

/* The one of this click's user among desktops that may have several users, and whether a session goes on in one that is in
 * maintenance. */
static bool mark_own(const Click *click, BrokerDesktop *desktops, size_t count, GError **error)
{
    Store *store = click->host->store;
    g_autoptr(StoreDesktop) own = NULL;
    g_autoptr(GError) problem = NULL;
    if (click->pool->type != STORE_POOL_FLOATING &&
        !(own = store_desktop_of_user(store, click->pool->id, click->user->id, &problem)) &&
        oriel_error_kind(problem) != ORIEL_ERROR_NOT_FOUND) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (own && strcmp(own->id, desktops[i].id) == 0)
            desktops[i].user_id = click->user->id;
        bool theirs = g_strcmp0(desktops[i].user_id, click->user->id) == 0;
        bool asked = theirs && (desktops[i].maintenance || click->pool->sessions_a_user > 1);
        g_autoptr(StoreSession) session = asked ? store_session_of_desktop(store, desktops[i].id, NULL) : NULL;
        desktops[i].in_session = desktops[i].in_session || session;
        if (session)
            desktops[i].used_ms = MAX(session->changed_ms, session->input_ms);
    }
    return true;
}

/* As many as rows; caller frees. */
static BrokerDesktop *values_of(const GPtrArray *rows, Host *host)
{
    BrokerDesktop *desktops = g_new0(BrokerDesktop, MAX(rows->len, 1));
    for (size_t i = 0; i < rows->len; i++) {
        const StoreDesktop *row = rows->pdata[i];
        desktops[i] = values_desktop(row);
        desktops[i].outdated = !row->user_id && row->observed_generation > 0 &&
                               !pool_template_fits(host, row->pool_id, NULL, row->image_version_id);
        desktops[i].in_session = !row->user_id && slot_is_reserved(host, row->id);
        if (!row->user_id && row->observed == STORE_OBSERVED_RUNNING) {
            g_autoptr(Slot) slot = slot_of(host, row->seat_of ? row->seat_of : row->id);
            desktops[i].booting = start_is_booting(slot);
        }
    }
    return desktops;
}

/* Of the machine that was just made; whoever clicks meanwhile takes the others. */
static Rise first_seat(Click *click, const StoreDesktop *machine, char **ret_desktop_id, GError **error)
{
    g_autoptr(GPtrArray) seats = store_desktop_seats(click->host->store, machine->id, error);
    if (!seats)
        return BROKEN;
    if (seats->len == 0)
        return LOST;
    *ret_desktop_id = g_strdup(((StoreDesktop *)seats->pdata[0])->id);
    slot_reserve(click->host, *ret_desktop_id, true);
    return UP;
}

/* A new row for the pool. LOST: others have taken the last places meanwhile, but perhaps left one of theirs
 * free. */
static Rise make_desktop(Click *click, char **ret_desktop_id, GError **error)
{
    g_autofree char *version_id = pool_version_get(click->host, click->pool->id);
    if (!version_id)
        return LOST;
    StoreDesktopNew fields = {
        .pool_id = click->pool->id,
        .host_id = click->host->id,
        .image_version_id = version_id,
        .desired = STORE_DESIRED_RUNNING,
    };
    g_autoptr(GError) problem = NULL;
    g_autoptr(StoreDesktop) made =
        store_desktop_create(click->host->store, click->request->actor, &fields, &problem);
    if (made && made->seats)
        return first_seat(click, made, ret_desktop_id, error);
    if (made) {
        slot_reserve(click->host, made->id, true);
        *ret_desktop_id = g_strdup(made->id);
        return UP;
    }
    if (oriel_error_kind(problem) == ORIEL_ERROR_FULL)
        return LOST;
    g_propagate_error(error, g_steal_pointer(&problem));
    return BROKEN;
}

/* What a fork needs, asked before anything is claimed: otherwise the user would hold a desktop that cannot
 * start. */
static Rise can_fork(Click *click, GError **error)
{
    Host *host = click->host;
    if (!pool_template_is_ready(host, click->pool->id)) {
        if (!pool_template_await(host, click->pool, &click->ret->job_id, error))
            return BROKEN;
        if (click->ret->job_id)
            return PENDING;
    }
    g_autofree char *what = g_strdup_printf("pool \"%s\": one more desktop", click->pool->name);
    return capacity_admit(host, capacity_of_new(host, click->pool), what, error) ? UP : BROKEN;
}

/* A click for another desktop that has got it and lost its way there goes on with that one. */
static const char *own_of(const Click *click)
{
    return click->request->another ? click->ret->desktop_id : click->request->own_id;
}

static AssignWish wish_of(const Click *click)
{
    const char *own_id = own_of(click);
    return (AssignWish){.user_id = click->user->id, .desktop_id = own_id, .another = click->request->another && !own_id};
}

/* Caller frees *ret_desktop_id. false: error. */
static bool assign_from(Click *click, GPtrArray *owned, AssignKind *ret_kind, char **ret_desktop_id, GError **error)
{
    g_autoptr(GPtrArray) rows = owned;
    if (!rows)
        return false;
    g_autofree BrokerDesktop *desktops = values_of(rows, click->host);
    if (!mark_own(click, desktops, rows->len, error))
        return false;
    BrokerPool pool = values_pool(click->pool);
    const AssignWish wish = wish_of(click);
    Assignment assignment = assign_desktop(&pool, desktops, rows->len, &wish);
    *ret_kind = assignment.kind;
    *ret_desktop_id = g_strdup(assignment.desktop_id);
    return true;
}

/* Where the user has one, or one stands ready, the rest of the pool does not matter: a large one is not read for it. Which seat is
 * best only all of them say. */
static bool assign(Click *click, AssignKind *ret_kind, char **ret_desktop_id, GError **error)
{
    Store *store = click->host->store;
    StoreDesktopFilter all = {.pool_id = click->pool->id};
    if (!click->pool->seats && !assign_from(click, store_desktop_list_near(store, click->pool->id, click->user->id, most_near, error), ret_kind,
                     ret_desktop_id, error))
        return false;
    if (!click->pool->seats && (*ret_kind == ASSIGN_EXISTING || *ret_kind == ASSIGN_SPARE || *ret_kind == ASSIGN_HELD || *ret_kind == ASSIGN_LIMIT ||
                                *ret_kind == ASSIGN_NOT_THEIRS))
        return true;
    g_clear_pointer(ret_desktop_id, g_free);
    return assign_from(click, store_desktop_list(store, &all, NULL, NULL, error), ret_kind, ret_desktop_id, error);
}

static Rise choose(Click *click, char **ret_desktop_id, GError **error)
{
    AssignKind kind = ASSIGN_NONE;
    if (!assign(click, &kind, ret_desktop_id, error))
        return BROKEN;
    if (kind == ASSIGN_NOT_THEIRS && click->request->another) {
        g_clear_pointer(&click->ret->desktop_id, g_free); /* somebody took it back: one more is due again */
        return LOST;
    }
    BrokerPool pool = values_pool(click->pool);
    if (!check_entitled(click, kind == ASSIGN_EXISTING, error))
        return BROKEN;
    switch (kind) {
    case ASSIGN_EXISTING:
    case ASSIGN_SPARE:
        return UP;
    case ASSIGN_START:
    case ASSIGN_CREATE: {
        if (click->pool->type == STORE_POOL_MANUAL)
            return UP; /* a seat: its machine is looked for, or woken */
        if (!store_quota_check(click->host->store, click->user->id, click->pool->id, error))
            return BROKEN; /* before anything is made for nobody */
        Rise ready = can_fork(click, error);
        if (kind == ASSIGN_START)
            return ready;
        return ready == UP ? make_desktop(click, ret_desktop_id, error) : ready;
    }
    case ASSIGN_FULL:
    case ASSIGN_NONE:
    case ASSIGN_HELD:
    case ASSIGN_LIMIT:
    case ASSIGN_NOT_THEIRS:
    default: {
        g_autofree char *refusal = assign_refusal(&pool, kind);
        oriel_fail(error, kind == ASSIGN_NOT_THEIRS ? ORIEL_ERROR_NOT_FOUND : ORIEL_ERROR_FULL, "%s", refusal);
        return BROKEN;
    }
    }
}

/* ---- the way of a user ---- */

/* The desktop did not start: a floating one goes back, so that the next click gets another; a user's own
 * stays the user's. */
static void give_back(Click *click, const StoreSession *session, const char *why)
{
    StoreAfter after = {.release = click->pool->type == STORE_POOL_FLOATING};
    g_autoptr(GError) error = NULL;
    if (!store_session_end(click->host->store, NULL, session->id, "did not start", after, &error))
        log_warning("session %s: did not start (%s) and cannot be ended: %s", session->id, why,
                    error->message);
}

static bool claim(Click *click, const char *desktop_id, StoreConnected *ret, GError **error)
{
    const HostConnectRequest *request = click->request;
    promise_ticket(click);
    g_autofree char *hash = client_ticket_hash(request->client, click->ret->ticket);
    StoreClaim what = {.pool_id = click->pool->id,
                       .user_id = click->user->id,
                       .desktop_id = desktop_id,
                       .another = request->another && !own_of(click),
                       .returns = own_of(click) != NULL};
    StoreChoice choice = {
        .device = (char *)device_word(click->device),
        .policy_id = click->decided.policy_id,
        .policy_name = click->decided.policy_name,
    };
    memcpy(choice.plan_ids, click->decided.plan_ids, sizeof choice.plan_ids);
    StoreSessionOpen open = {
        .choice = &choice,
        .client = request->actor ? request->actor->address : NULL,
        .ticket_hash = hash,
        .ticket_expires_ms = click->ret->expires_ms,
        .proved_ms = request->proved_ms,
    };
    return store_connect(click->host->store, request->actor, &what, &open, ret, error);
}

/* Before anything is claimed. Of our own machines a browser's click needs no look: it suits them all. */
static bool check_client(const Click *click, const char *desktop_id, GError **error)
{
    const StorePool *pool = click->pool;
    if (!host_client_offered(click->host, pool, click->decided.plan_ids[STORE_PLAN_DISPLAY], click->request->client))
        return oriel_fail(error, ORIEL_ERROR_FORBIDDEN, "pool \"%s\": is not opened with this kind of client (\"%s\"), by its display plan",
                          pool->name, client_word(click->request->client));
    if (click->request->client == DISPLAY_CLIENT_BROWSER && click->pool->type != STORE_POOL_MANUAL)
        return true;
    g_autoptr(StoreDesktop) row = store_desktop_find(click->host->store, desktop_id, error);
    return row && client_check(click->host, click->request->client, row, error);
}

/* Beside the picture: the guest is told who comes, and from where. */
static void expect_log_on(Click *click, const StoreConnected *connected)
{
    g_autoptr(GError) error = NULL;
    if (connected->desktop->protocol)
        return;
    if (!store_log_on_expect(click->host->store, connected->session->id, &click->request->place, &error))
        log_warning("session %s: the guest will not know where its person is: %s", connected->session->id,
                    error->message);
    g_autoptr(Slot) slot = slot_of(click->host, connected->desktop->id);
    log_on_wanted(slot);
}

/* They have just logged in: the claim would have failed otherwise. A guest that is not awake yet stays locked, and the page asks again. */
static void unlock(Click *click, const StoreSession *session)
{
    Host *host = click->host;
    g_autoptr(GError) error = NULL;
    g_autoptr(Slot) slot = slot_of(host, session->desktop_id);
    int64_t deadline = g_get_monotonic_time() + unlock_limit_ms * 1000;
    g_mutex_lock(&host->lock);
    while (!slot->held && g_cond_wait_until(&host->changed, &host->lock, deadline))
        ;
    g_mutex_unlock(&host->lock);
    if (!host_session_unlock(host, session->id, click->request->proved_ms, click->request->actor, &error))
        log_warning("session %s: its person is back, but it stays locked: %s", session->id, error->message);
}

static Rise one_round(Click *click, GError **error)
{
    g_autofree char *desktop_id = NULL;
    Rise chosen = choose(click, &desktop_id, error);
    int64_t chosen_us = clock_monotonic_us();
    if (chosen != UP)
        return chosen;
    if (!check_client(click, desktop_id, error)) {
        slot_reserve(click->host, desktop_id, false);
        return BROKEN;
    }
    g_auto(StoreConnected) connected = {0};
    bool claimed = claim(click, desktop_id, &connected, error);
    slot_reserve(click->host, desktop_id, false);
    if (!claimed) {
        take_ticket_back(click);
        return BROKEN;
    }
    g_free(click->ret->desktop_id);
    click->ret->desktop_id = g_strdup(connected.desktop->id);
    click->ret->session_id = g_strdup(connected.session->id);
    remember_ticket(click, connected.desktop->id);
    g_autoptr(Slot) slot = slot_of(click->host, connected.desktop->id);
    steps_begin(slot, connected.session->id, click->began_us);
    steps_next(slot, "choice", chosen_us);
    steps_next(slot, "claim", clock_monotonic_us());
    GError *problem = NULL;
    seat_register(click->host, connected.desktop);
    Rise end = rise_of(click, connected.desktop, &problem);
    steps_next(slot, "machine", clock_monotonic_us());
    if (end == UP || end == PENDING)
        expect_log_on(click, &connected);
    if (end == UP && connected.session->locked_ms)
        unlock(click, connected.session);
    if (end != UP)
        take_ticket_back(click);
    if (problem) {
        give_back(click, connected.session, problem->message);
        g_propagate_error(error, problem);
    }
    return end;
}

/* Somebody else was quicker: true means that a new round may end otherwise. */
static bool was_lost(Rise end, const GError *problem)
{
    OrielErrorKind kind = oriel_error_kind(problem);
    return end == LOST ||
           (end == BROKEN && problem && (kind == ORIEL_ERROR_CONFLICT || kind == ORIEL_ERROR_STALE));
}

/* Who may come in from here, and with which plans. */
static bool decide(Click *click, GError **error)
{
    const HostConnectRequest *request = click->request;
    g_autoptr(HostPerson) person = host_person(click->host, click->user->id, error);
    if (!person)
        return false;
    click->device = request->is_kiosk ? DEVICE_KIOSK : device_of(request->agent);
    HostPolicyQuestion question = {
        .pool_id = click->pool->id,
        .address = request->actor ? request->actor->address : NULL,
        .device = click->device,
    };
    host_person_decide(person, &question, &click->decided);
    return true;
}

static bool load(Click *click, GError **error)
{
    click_clear(click);
    click->pool = store_pool_get(click->host->store, click->request->pool_id, error);
    click->user = click->pool ? store_user_find(click->host->store, click->request->user_id, error) : NULL;
    return click->user && decide(click, error);
}

static bool connect_user(Click *click, GError **error)
{
    for (unsigned round = 0; round < most_rounds; round++) {
        g_autoptr(GError) problem = NULL;
        if (!load(click, error))
            return false;
        Rise end = one_round(click, &problem);
        if (end == UP || end == PENDING)
            return true;
        bool refused = click->pool->maintenance || click->pool->draining || !click->pool->enabled || click->pool->deleting;
        if (!was_lost(end, problem) || (refused && problem)) {
            g_propagate_error(error, g_steal_pointer(&problem));
            return false;
        }
    }
    return oriel_fail(error, ORIEL_ERROR_TOO_MANY,
                      "pool \"%s\": too many people connect at once; try again in a moment",
                      click->pool->name);
}

/* ---- an administrator's console ---- */

static bool connect_console(Click *click, GError **error)
{
    Host *host = click->host;
    const HostConnectRequest *request = click->request;
    if (!request->as_admin)
        return oriel_fail(error, ORIEL_ERROR_FORBIDDEN, "the console of a desktop is for operators");
    g_autoptr(StoreDesktop) row = store_desktop_find(host->store, request->desktop_id, error);
    if (!row || !seat_forbid(row, "look at", error) || !client_check(host, request->client, row, error))
        return false;
    if (row->desired != STORE_DESIRED_RUNNING)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "desktop \"%s\": does not run; start it first",
                          row->name);
    if (request->take_over) {
        ViewerChoice owner = {.desktop_id = row->id, .modes = VIEWERS(VIEWER_OWN)};
        g_autofree char *who = g_strdup(request->actor && request->actor->name ? request->actor->name : "");
        viewers_end(host->viewers, &owner, DISPLAY_CLOSED_BY, who);
    } else if (!console_may_begin(host, row->id, error)) {
        return false;
    }
    click->ret->desktop_id = g_strdup(row->id);
    Rise end = rise(click, row, error);
    if (end == LOST)
        oriel_fail(error, ORIEL_ERROR_CONFLICT, "desktop \"%s\": changed meanwhile; try again", row->name);
    if (end != UP)
        return end == PENDING;
    promise_ticket(click);
    g_autofree char *hash = client_ticket_hash(request->client, click->ret->ticket);
    StoreTicketNew ticket = {
        .hash = hash,
        .desktop_id = row->id,
        .user_id = request->actor ? request->actor->user_id : NULL,
        .client = request->actor ? request->actor->address : NULL,
        .expires_ms = click->ret->expires_ms,
        .mode = STORE_DISPLAY_CONSOLE,
    };
    return store_ticket_create(host->store, request->actor, &ticket, error);
}

bool host_shadow_connect(Host *host, const HostShadowRequest *request, HostConnection *ret, GError **error)
{
    g_auto(HostConnection) connection = {0};
    const HostConnectRequest browser = {.actor = request->actor, .client = DISPLAY_CLIENT_BROWSER};
    Click click = {.host = host, .request = &browser, .ret = &connection};
    promise_ticket(&click);
    g_autofree char *hash = secret_token_hash(connection.ticket);
    StoreTicketNew ticket = {
        .hash = hash,
        .session_id = request->session_id,
        .desktop_id = request->desktop_id,
        .user_id = request->actor ? request->actor->user_id : NULL,
        .client = request->actor ? request->actor->address : NULL,
        .expires_ms = connection.expires_ms,
        .mode = request->control ? STORE_DISPLAY_CONTROL : STORE_DISPLAY_VIEW,
    };
    if (!store_ticket_create(host->store, request->actor, &ticket, error))
        return false;
    connection.desktop_id = g_strdup(request->desktop_id);
    connection.session_id = g_strdup(request->session_id);
    *ret = connection;
    connection = (HostConnection){0};
    return true;
}

bool host_connect(Host *host, const HostConnectRequest *request, HostConnection *ret, GError **error)
{
    int64_t began = clock_monotonic_us();
    g_auto(HostConnection) connection = {0};
    g_auto(Click) click = {.host = host, .request = request, .ret = &connection, .began_us = began};
    if (!(request->desktop_id ? connect_console(&click, error) : connect_user(&click, error)))
        return false;
    if (connection.ticket && request->client == DISPLAY_CLIENT_VV)
        viewers_expect(host->viewers, LIMIT_TICKET_FILE_MS / 1000);
    log_debug("connect: %s after %" G_GINT64_FORMAT " us", connection.job_id ? "pending" : "running",
              clock_monotonic_us() - began);
    *ret = connection;
    connection = (HostConnection){0};
    return true;
}
