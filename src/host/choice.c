/* What policies decided for sessions: kept in the store, decided anew when something changes while a session is open. */
#include "host/policy.h"
#include "host/private.h"
#include "host/viewers.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"

static const int64_t minute_ms = 60 * 1000; /* windows of time begin and end with a minute */

/* Also where they cannot be read: whoever asks further hears so. */
static bool has_policies(Host *host)
{
    PlanBook *book = plan_book(host);
    bool some = !book || book->policies->len > 0;
    plan_book_release(book);
    return some;
}

bool choice_find(Host *host, const char *desktop_id, StoreChoice **ret, GError **error)
{
    StoreChoiceFilter filter = {.desktop_id = desktop_id};
    *ret = NULL;
    if (!has_policies(host))
        return true;
    g_autoptr(GPtrArray) list = store_choice_list(host->store, &filter, error);
    if (list && list->len > 0)
        *ret = g_ptr_array_steal_index(list, 0);
    return list != NULL;
}

static GHashTable *table_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)store_choice_free);
}

GHashTable *choice_table(Host *host)
{
    g_autoptr(GHashTable) table = table_new();
    g_autoptr(GError) error = NULL;
    StoreChoiceFilter filter = {.host_id = host->id};
    if (!has_policies(host))
        return g_steal_pointer(&table);
    g_autoptr(GPtrArray) list = store_choice_list(host->store, &filter, &error);
    if (!list) {
        log_warning("what policies decided cannot be read now: %s", error->message);
        return NULL;
    }
    while (list->len > 0) {
        StoreChoice *choice = g_ptr_array_steal_index_fast(list, list->len - 1);
        g_hash_table_insert(table, choice->desktop_id, choice);
    }
    return g_steal_pointer(&table);
}

static Device device_in(const StoreChoice *choice)
{
    Device device = DEVICE_DESKTOP;
    if (choice)
        device_parse(choice->device, &device);
    return device;
}

static bool is_same(const StoreChoice *old, const StoreSession *session, const HostPolicyAnswer *answer)
{
    bool same = old && strcmp(old->session_id, session->id) == 0 && g_strcmp0(old->policy_id, answer->policy_id) == 0;
    for (int kind = 0; same && kind < STORE_PLAN_KINDS; kind++)
        same = g_strcmp0(old->plan_ids[kind], answer->plan_ids[kind]) == 0;
    return same || (!old && !answer->policy_id);
}

static bool keep(Host *host, const StoreChoice *old, const StoreSession *session, const HostPolicyAnswer *answer, GError **error)
{
    StoreChoice choice = {
        .desktop_id = session->desktop_id,
        .session_id = session->id,
        .user_id = session->user_id,
        .device = (char *)device_word(device_in(old)),
        .policy_id = answer->policy_id,
        .policy_name = answer->policy_name,
    };
    memcpy(choice.plan_ids, answer->plan_ids, sizeof choice.plan_ids);
    return store_choice_set(host->store, &choice, error);
}

/* From now on the session is where its display is opened, which may be elsewhere than where the ticket was asked for. */
static bool move(Host *host, const StoreTicket *ticket, const char *client, GError **error)
{
    bool elsewhere = client && g_strcmp0(client, ticket->client) != 0;
    return !elsewhere || store_session_set_client(host->store, ticket->session_id, client, error);
}

/* Without policies the pool's plan holds. */
static bool check_plain(Host *host, const StoreTicket *ticket, const HostDisplayRequest *request, GError **error)
{
    if (request->client == DISPLAY_CLIENT_BROWSER)
        return true;
    g_autoptr(StoreSession) session = store_session_get(host->store, ticket->session_id, error);
    return session && client_check_plan(host, request->client, session, NULL, error);
}

bool choice_check_ticket(Host *host, const StoreTicket *ticket, const HostDisplayRequest *request, GError **error)
{
    const char *client = request->address;
    if (ticket->mode != STORE_DISPLAY_OWN || !ticket->session_id)
        return true;
    if (!has_policies(host))
        return check_plain(host, ticket, request, error) && move(host, ticket, client, error);
    g_autoptr(StoreSession) session = store_session_get(host->store, ticket->session_id, error);
    g_autoptr(HostPerson) person = session && session->user_id ? host_person(host, session->user_id, error) : NULL;
    if (!person)
        return session && !session->user_id;
    g_autoptr(StoreChoice) choice = NULL;
    if (!choice_find(host, ticket->desktop_id, &choice, error))
        return false;
    g_auto(HostPolicyAnswer) answer = {0};
    HostPolicyQuestion question = {.pool_id = session->pool_id, .address = client, .device = device_in(choice)};
    host_person_decide(person, &question, &answer);
    if (answer.denied)
        return oriel_fail(error, ORIEL_ERROR_FORBIDDEN, "%s", answer.denied);
    return client_check_plan(host, request->client, session, answer.plan_ids[STORE_PLAN_DISPLAY], error) &&
           move(host, ticket, client, error) &&
           (is_same(choice, session, &answer) || keep(host, choice, session, &answer, error));
}

/* ---- sessions that are open ---- */

typedef struct {
    Host *host;
    GHashTable *choices; /* desktop id → StoreChoice */
    GHashTable *people;  /* user id → HostPerson */
    bool changed;
    bool failed;
} Pass;

static HostPerson *person_in(Pass *pass, const char *user_id, GError **error)
{
    HostPerson *person = g_hash_table_lookup(pass->people, user_id);
    if (!person && (person = host_person(pass->host, user_id, error)))
        g_hash_table_insert(pass->people, g_strdup(user_id), person);
    return person;
}

static void put_out(Host *host, const StoreSession *session, const char *sentence)
{
    ViewerChoice owner = {.desktop_id = session->desktop_id, .modes = VIEWERS(VIEWER_OWN)};
    if (viewers_count(host->viewers, session->desktop_id, owner.modes) > 0)
        viewers_end(host->viewers, &owner, DISPLAY_CLOSED_REVOKED, sentence);
}

static bool decide_anew(Pass *pass, const StoreSession *session, GError **error)
{
    HostPerson *person = person_in(pass, session->user_id, error);
    if (!person)
        return false;
    const StoreChoice *old = g_hash_table_lookup(pass->choices, session->desktop_id);
    g_auto(HostPolicyAnswer) answer = {0};
    HostPolicyQuestion question = {
        .pool_id = session->pool_id,
        .address = *session->client ? session->client : NULL,
        .device = device_in(old),
    };
    host_person_decide(person, &question, &answer);
    if (answer.denied)
        put_out(pass->host, session, answer.denied);
    if (is_same(old, session, &answer))
        return true;
    pass->changed = true;
    return keep(pass->host, old, session, &answer, error);
}

/* Without policies only what earlier ones decided is to be forgotten, and nobody asks for that. */
static bool is_due(Host *host)
{
    bool dirty = g_atomic_int_exchange(&host->policies_dirty, 0);
    int64_t minute = clock_utc_ms() / minute_ms;
    PlanBook *book = plan_book(host);
    bool some = book && book->policies->len > 0;
    bool by_clock = some && policies_have_times((const Policy *const *)book->policies->pdata, book->policies->len) &&
                    minute != host->policies_minute;
    plan_book_release(book);
    host->policies_minute = minute;
    return (dirty && some) || by_clock;
}

void choice_pass(Host *host, GHashTable *rows)
{
    if (!is_due(host))
        return;
    g_autoptr(GError) problem = NULL;
    g_autoptr(GPtrArray) sessions = store_session_list(host->store, NULL, NULL, NULL, &problem);
    g_autoptr(GHashTable) choices = choice_table(host);
    g_autoptr(GHashTable) people =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)host_person_free);
    Pass pass = {host, choices, people, false, !sessions || !choices};
    for (guint i = 0; sessions && choices && i < sessions->len; i++) {
        const StoreSession *session = sessions->pdata[i];
        g_autoptr(GError) error = NULL;
        if (!session->user_id || !session->desktop_id || !g_hash_table_contains(rows, session->desktop_id) ||
            decide_anew(&pass, session, &error))
            continue;
        log_warning("session %s: policies cannot be decided anew now: %s", session->id, error->message);
        pass.failed = true;
    }
    if (pass.failed)
        g_atomic_int_set(&host->policies_dirty, 1);
    if (pass.changed)
        viewers_rules_changed(host->viewers);
}
