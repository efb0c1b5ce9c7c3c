/* Plans at work: which of them holds for a pool, a session or a desktop, and what they want done with desktops that are
 * somebody's and that nobody looks at. Plans are read from the store once and again when it says that they changed; their
 * times are looked at by the reconcile thread, so that a restart forgets nothing. */
#include "host/private.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "host/policy.h"
#include "store/plan.h"

/* ---- the book: all plans, read ---- */

static void book_unref(PlanBook *book)
{
    if (!book || !g_atomic_ref_count_dec(&book->count))
        return;
    g_hash_table_unref(book->plans);
    g_ptr_array_unref(book->policies);
    g_ptr_array_unref(book->problems);
    g_free(book);
}

void plan_book_release(PlanBook *book)
{
    book_unref(book);
}

static void read_plan(PlanBook *book, const StorePlan *row)
{
    static const PlanKind kinds[] = {
        [STORE_PLAN_POWER] = PLAN_POWER, [STORE_PLAN_RELEASE] = PLAN_RELEASE, [STORE_PLAN_DISPLAY] = PLAN_DISPLAY};
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) settings = json_parse_object(row->settings, strlen(row->settings), row->name, &error);
    Plan *plan = settings ? plan_read(kinds[row->kind], settings, &error) : NULL;
    if (plan)
        g_hash_table_insert(book->plans, g_strdup(row->id), plan);
    else
        g_ptr_array_add(book->problems, g_strdup_printf("plan \"%s\": cannot be read, so it does nothing: %s; set it anew (oriel plan edit)",
                                                        row->name, error->message));
}

static void note_policies(PlanBook *book)
{
    for (guint i = 0; i < book->policies->len; i++) {
        const Policy *policy = book->policies->pdata[i];
        if (policy->unreadable)
            g_ptr_array_add(book->problems,
                            g_strdup_printf("policy \"%s\": cannot be read, so it matches nobody: %s; set it anew (oriel policy edit)",
                                            policy->name, policy->unreadable));
    }
}

GPtrArray *host_plan_warnings(Host *host)
{
    GPtrArray *warnings = g_ptr_array_new_with_free_func(g_free);
    PlanBook *book = plan_book(host);
    for (guint i = 0; book && i < book->problems->len; i++)
        g_ptr_array_add(warnings, g_strdup(book->problems->pdata[i]));
    plan_book_release(book);
    return warnings;
}

static PlanBook *book_read(Host *host, GError **error)
{
    g_autoptr(GPtrArray) rows = store_plan_list(host->store, NULL, NULL, error);
    GPtrArray *policies = rows ? policy_book_read(host, error) : NULL;
    if (!policies)
        return NULL;
    PlanBook *book = g_new0(PlanBook, 1);
    g_atomic_ref_count_init(&book->count);
    book->policies = policies;
    book->plans = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)plan_free);
    book->problems = g_ptr_array_new_with_free_func(g_free);
    for (size_t i = 0; i < rows->len; i++)
        read_plan(book, rows->pdata[i]);
    note_policies(book);
    for (guint i = 0; i < book->problems->len; i++)
        log_warning("%s", (const char *)book->problems->pdata[i]);
    return book;
}

void plan_book_outdated(Host *host)
{
    g_mutex_lock(&host->lock);
    host->plans_edition++;
    g_mutex_unlock(&host->lock);
}

/* With the lock held. */
static PlanBook *book_hold(Host *host)
{
    if (host->plans)
        g_atomic_ref_count_inc(&host->plans->count);
    return host->plans;
}

PlanBook *plan_book(Host *host)
{
    g_mutex_lock(&host->lock);
    unsigned edition = host->plans_edition;
    bool current = host->plans && host->plans->edition == edition;
    PlanBook *book = book_hold(host);
    g_mutex_unlock(&host->lock);
    if (current)
        return book;
    g_autoptr(GError) error = NULL;
    PlanBook *fresh = book_read(host, &error);
    if (!fresh) { /* the old ones hold until the store answers */
        log_warning("plans cannot be read: %s", error->message);
        return book;
    }
    book_unref(book);
    fresh->edition = edition;
    g_mutex_lock(&host->lock);
    PlanBook *old = host->plans;
    host->plans = fresh;
    book = book_hold(host);
    g_mutex_unlock(&host->lock);
    book_unref(old);
    return book;
}

/* ---- which holds ---- */

static const Plan *find(const PlanBook *book, const char *id)
{
    return book && id ? g_hash_table_lookup(book->plans, id) : NULL;
}

void plan_choice_clear(PlanChoice *choice)
{
    plan_book_release(choice->book);
    *choice = (PlanChoice){0};
}

/* Where a policy names none, or one that is gone: the pool's. */
static const Plan *find_kind(const PlanBook *book, const StorePool *pool, const StoreChoice *decided, StorePlanKind kind)
{
    const Plan *plan = decided ? find(book, decided->plan_ids[kind]) : NULL;
    return plan ? plan : find(book, pool->plan_ids[kind]);
}

PlanChoice plan_choose(Host *host, const StorePool *pool, const StoreChoice *decided)
{
    PlanChoice choice = {.book = plan_book(host)};
    const Plan *power = find_kind(choice.book, pool, decided, STORE_PLAN_POWER);
    const Plan *release = find_kind(choice.book, pool, decided, STORE_PLAN_RELEASE);
    const Plan *display = find_kind(choice.book, pool, decided, STORE_PLAN_DISPLAY);
    choice.power = power ? &power->power : NULL;
    choice.release = release ? &release->release : NULL;
    choice.display = display ? &display->display : NULL;
    return choice;
}

static bool fail_unread(GError **error)
{
    return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "plans cannot be read now; try again in a moment");
}

bool plan_values(Host *host, const StorePool *pool, const StoreDesktop *row, BrokerPool *ret, GError **error)
{
    g_autoptr(StoreChoice) decided = NULL;
    if (!choice_find(host, row->id, &decided, error))
        return false;
    g_auto(PlanChoice) choice = plan_choose(host, pool, decided);
    if (!choice.book)
        return fail_unread(error);
    *ret = release_pool(values_pool(pool), choice.release);
    ret->seats = MAX(ret->seats, row->seat_of ? 1u : 0u);
    return true;
}

unsigned plan_spares(Host *host, const StorePool *pool, unsigned own)
{
    g_auto(PlanChoice) choice = plan_choose(host, pool, NULL);
    return power_spares(choice.power, own, clock_utc_ms());
}

static bool has_plans(Host *host)
{
    PlanBook *book = plan_book(host);
    bool some = !book || g_hash_table_size(book->plans) > 0; /* as choice.c's */
    plan_book_release(book);
    return some;
}

bool host_session_display(Host *host, const char *session_id, DisplayPlan *ret, GError **error)
{
    *ret = (DisplayPlan){0};
    if (!session_id || !has_plans(host))
        return true;
    g_autoptr(StoreSession) session = store_session_get(host->store, session_id, error);
    if (!session || !session->pool_id)
        return session != NULL;
    g_autoptr(StorePool) pool = store_pool_get(host->store, session->pool_id, error);
    if (!pool)
        return false;
    g_autoptr(StoreChoice) decided = NULL;
    if (session->desktop_id && !choice_find(host, session->desktop_id, &decided, error))
        return false;
    g_auto(PlanChoice) choice = plan_choose(host, pool, decided);
    if (!choice.book)
        return fail_unread(error);
    *ret = choice.display ? *choice.display : *ret;
    return true;
}

/* ---- desktops that nobody looks at ---- */

typedef struct {
    Host *host;
    GHashTable *sessions; /* desktop id → StoreSession that has not ended */
    GHashTable *left;     /* desktop id → StoreLeft */
    GHashTable *choices;  /* desktop id → StoreChoice */
    int64_t now_ms;
    int64_t due_ms;
} Pass;

static void look_again(Pass *pass, int64_t when_ms)
{
    if (when_ms && (!pass->due_ms || when_ms < pass->due_ms))
        pass->due_ms = when_ms;
}

/* Since when it has no session; one that somebody has just been given, or started, counts from then. */
static int64_t free_since(const Pass *pass, const StoreDesktop *row)
{
    const StoreLeft *left = g_hash_table_lookup(pass->left, row->id);
    int64_t since = MAX(row->assigned_ms, row->observed_ms);
    return left ? MAX(since, left->ended_ms) : since;
}

static void rest(Host *host, const StoreDesktop *row, PowerAction action)
{
    static const StoreDesired wanted[] = {[POWER_SUSPEND] = STORE_DESIRED_SUSPENDED,
                                          [POWER_SHUT_DOWN] = STORE_DESIRED_STOPPED,
                                          [POWER_OFF] = STORE_DESIRED_OFF};
    g_autoptr(GError) error = NULL;
    bool done = false;
    if (!store_desktop_rest(host->store, row->id, wanted[action], &done, &error))
        log_warning("desktop %s: its power plan cannot be followed: %s", row->name, error->message);
    else if (done)
        log_info("desktop %s: its power plan wants it %s", row->name, store_desired_word(wanted[action]));
}

static PowerFacts power_facts(const StoreDesktop *row, const StoreSession *session, Slot *slot)
{
    SessionFacts state = session ? values_session(session, slot) : (SessionFacts){0};
    bool connected = session && session->state == STORE_SESSION_CONNECTED;
    return (PowerFacts){
        .assigned = row->user_id != NULL,
        .running = row->desired == STORE_DESIRED_RUNNING && row->observed == STORE_OBSERVED_RUNNING,
        .in_session = session != NULL,
        .disconnected = session && session->state == STORE_SESSION_DISCONNECTED,
        .connected = connected,
        .since_ms = connected ? session_idle_since(&state) : state.since_ms,
    };
}

/* Asked again by who is busy with it: somebody may have come back meanwhile. */
bool plan_rest_idle(Work *work, GError **error)
{
    g_autoptr(StoreSession) session = store_session_of_desktop(work->host->store, work->row->id, NULL);
    if (!session || session->state != STORE_SESSION_CONNECTED)
        return true;
    g_autoptr(StoreChoice) decided = NULL;
    if (!choice_find(work->host, work->row->id, &decided, error))
        return false;
    g_auto(PlanChoice) choice = plan_choose(work->host, work->pool, decided);
    PowerFacts facts = power_facts(work->row, session, work->slot);
    PowerVerdict verdict = power_after(choice.power, &facts, clock_utc_ms());
    if (verdict.action == POWER_NONE)
        return true;
    if (!session_disconnect_idle(work, error))
        return false;
    rest(work->host, work->row, verdict.action);
    return true;
}

static void follow_power(Pass *pass, const StoreDesktop *row, const PowerPlan *plan)
{
    const StoreSession *session = g_hash_table_lookup(pass->sessions, row->id);
    g_autoptr(Slot) slot = slot_find(pass->host, row->id);
    PowerFacts facts = power_facts(row, session, slot);
    if (!session)
        facts.since_ms = free_since(pass, row);
    PowerVerdict verdict = power_after(plan, &facts, pass->now_ms);
    if (verdict.action != POWER_NONE && !facts.connected)
        rest(pass->host, row, verdict.action);
    else if (verdict.action != POWER_NONE && slot)
        slot_tell_idle(slot); /* its viewers are put out first: that takes a worker who is busy with it */
    look_again(pass, verdict.look_again_ms);
}

static void give_back(Pass *pass, const StoreDesktop *row, const ReleaseVerdict *verdict)
{
    StoreAfter after = {.release = !verdict->remove, .refresh = verdict->refresh, .remove = verdict->remove};
    if (row->protocol)
        after = (StoreAfter){.release = true};
    g_autoptr(GError) error = NULL;
    if (store_desktop_release_unused(pass->host->store, row->id, after, &error))
        log_info("desktop %s: nobody's again, as its release plan says", row->name);
    else
        log_warning("desktop %s: its release plan cannot be followed: %s", row->name, error->message);
}

static void follow(Pass *pass, const StoreDesktop *row, const StorePool *pool)
{
    g_auto(PlanChoice) choice = plan_choose(pass->host, pool, g_hash_table_lookup(pass->choices, row->id));
    if (choice.release && !g_hash_table_contains(pass->sessions, row->id)) {
        BrokerPool values = values_pool(pool);
        ReleaseVerdict verdict = release_after(choice.release, &values, free_since(pass, row), pass->now_ms);
        if (verdict.due) {
            give_back(pass, row, &verdict);
            return;
        }
        look_again(pass, verdict.look_again_ms);
    }
    if (!row->seat_of) /* others may work on its machine */
        follow_power(pass, row, choice.power);
}

static GHashTable *table_of(const GPtrArray *list, size_t offset)
{
    GHashTable *table = g_hash_table_new(g_str_hash, g_str_equal);
    for (size_t i = 0; i < list->len; i++) {
        const char *id = G_STRUCT_MEMBER(char *, list->pdata[i], offset);
        if (id)
            g_hash_table_insert(table, (char *)id, list->pdata[i]);
    }
    return table;
}

int64_t plan_pass(Host *host, GHashTable *rows, GHashTable *pools)
{
    if (!has_plans(host))
        return 0;
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) sessions = store_session_list(host->store, NULL, NULL, NULL, &error);
    g_autoptr(GPtrArray) left = sessions ? store_session_left(host->store, host->id, &error) : NULL;
    if (!left) {
        log_warning("plans cannot be followed now: %s", error->message);
        return 0;
    }
    g_autoptr(GHashTable) session_of = table_of(sessions, G_STRUCT_OFFSET(StoreSession, desktop_id));
    g_autoptr(GHashTable) left_of = table_of(left, G_STRUCT_OFFSET(StoreLeft, desktop_id));
    g_autoptr(GHashTable) choices = choice_table(host);
    if (!choices)
        return 0;
    Pass pass = {host, session_of, left_of, choices, clock_utc_ms(), 0};
    GHashTableIter each;
    gpointer value = NULL;
    g_hash_table_iter_init(&each, rows);
    while (g_hash_table_iter_next(&each, NULL, &value)) {
        const StoreDesktop *row = value;
        const StorePool *pool = row->user_id ? g_hash_table_lookup(pools, row->pool_id) : NULL;
        if (pool)
            follow(&pass, row, pool);
    }
    return pass.due_ms;
}
