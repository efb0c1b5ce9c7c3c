/* Who looks at this host's desktops. The store has the rows; here is what a gateway has confirmed, and the line to it. What a restart
 * forgets is asked again: a gateway that connects says which displays it has. */
#include "host/viewers.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "broker/viewer.h"
#include "host/viewer_line.h"
#include "identity/role.h"
#include "store/help.h"

/* A display that no gateway confirms for so long is gone, and its gateway with it. */
static const int64_t confirm_limit_ms = 30 * 1000;
static const int64_t check_every_ms = 30 * 1000; /* rights that end by themselves, such as log-ins */
static const int64_t farewell_limit_ms = 500; /* so long a gateway has to say why, before the display itself is cut */
static const char not_allowed[] = "You may not see this desktop any more.";

typedef struct {
    char id[ID_LENGTH + 1];
    char *desktop_id;
    char *session_id; /* NULL: console */
    ViewerMode mode;
    DisplayRules rules;    /* as the gateway was told them last, or is to be */
    bool owed;             /* they changed while it had no line: it is told when it has */
    ViewerLine *line;      /* NULL: not confirmed since */
    int64_t since_ms;      /* monotonic: opened, or its gateway went */
    DisplayPacket farewell; /* code 0: none; waits for its line */
} Viewer;

struct Viewers {
    Host *host;
    ViewerLines *lines;
    GMutex lock;       /* a leaf as host->lock, and never taken with it; lines are spoken to under it, which does not wait */
    GCond left;        /* one has ended */
    GHashTable *known; /* id → Viewer */
    int64_t started_ms, checked_ms; /* monotonic; the latter the loop's own */
    int dirty;         /* atomic: rights may have changed */
    int rules_dirty;   /* atomic: plans may have changed */
};

static void viewer_free(void *data)
{
    Viewer *viewer = data;
    g_free(viewer->desktop_id);
    g_free(viewer->session_id);
    g_free(viewer);
}

static ViewerMode mode_of(StoreDisplayMode mode)
{
    static const ViewerMode same[] = {
        [STORE_DISPLAY_OWN] = VIEWER_OWN,
        [STORE_DISPLAY_CONSOLE] = VIEWER_CONSOLE,
        [STORE_DISPLAY_VIEW] = VIEWER_VIEW,
        [STORE_DISPLAY_CONTROL] = VIEWER_CONTROL,
    };
    return (size_t)mode < G_N_ELEMENTS(same) ? same[mode] : VIEWER_VIEW;
}

/* What the gateway is to hold now. */
static bool rules_of(Viewers *viewers, ViewerMode mode, const char *session_id, DisplayRules *ret, GError **error)
{
    DisplayPlan plan;
    if (!host_session_display(viewers->host, session_id, &plan, error))
        return false;
    *ret = viewer_rules(mode, &plan, viewer_lines_connected(viewers->lines));
    return true;
}

/* With the lock. */
static Viewer *add_locked(Viewers *viewers, const char *id, const char *desktop_id, const char *session_id, ViewerMode mode)
{
    Viewer *viewer = g_new0(Viewer, 1);
    g_strlcpy(viewer->id, id, sizeof viewer->id);
    viewer->desktop_id = g_strdup(desktop_id);
    viewer->session_id = g_strdup(session_id);
    viewer->mode = mode;
    viewer->since_ms = clock_monotonic_ms();
    g_hash_table_replace(viewers->known, viewer->id, viewer);
    return viewer;
}

/* ---- saying ---- */

/* With the lock. */
static void close_locked(Viewer *viewer, uint16_t code, const char *reason)
{
    DisplayPacket packet = {.kind = DISPLAY_CLOSE, .code = code};
    g_strlcpy(packet.id, viewer->id, sizeof packet.id);
    display_packet_set_reason(&packet, reason);
    viewer->farewell = packet;
    if (viewer->line)
        viewer_line_say(viewer->line, &packet);
}

static void rules_say(ViewerLine *line, const char *id, const DisplayRules *rules)
{
    DisplayPacket packet = {.kind = DISPLAY_RULES, .rules = *rules};
    g_strlcpy(packet.id, id, sizeof packet.id);
    viewer_line_say(line, &packet);
}

static void end_unknown(ViewerLine *line, const char *id)
{
    DisplayPacket packet = {.kind = DISPLAY_CLOSE, .code = DISPLAY_CLOSED_REVOKED};
    g_strlcpy(packet.id, id, sizeof packet.id);
    display_packet_set_reason(&packet, not_allowed);
    viewer_line_say(line, &packet);
}

/* ---- hearing; on the thread of the lines ---- */

/* Whether somebody still works there is decided anew: the machine counts all who look. */
static void tell_slot(Host *host, const char *desktop_id)
{
    g_autoptr(Slot) slot = slot_find(host, desktop_id);
    if (slot)
        slot_tell_viewers_again(slot);
}

/* One that this process does not know: orield was restarted meanwhile. A store that does not answer proves nothing. */
static void meet(Viewers *viewers, ViewerLine *line, const char *id)
{
    g_autoptr(GError) error = NULL;
    StoreDisplayFilter filter = {.id = id, .host_id = viewers->host->id};
    g_autoptr(GPtrArray) rows = store_display_list(viewers->host->store, &filter, &error);
    if (!rows) {
        log_warning("display %s: whose it is cannot be found out now: %s", id, error->message);
        return;
    }
    if (rows->len == 0) {
        end_unknown(line, id);
        return;
    }
    const StoreDisplay *row = rows->pdata[0];
    DisplayRules rules = {0};
    bool known = rules_of(viewers, mode_of(row->mode), row->session_id, &rules, &error);
    g_mutex_lock(&viewers->lock);
    Viewer *viewer = add_locked(viewers, id, row->desktop_id, row->session_id, mode_of(row->mode));
    viewer->line = line;
    viewer->rules = rules;
    if (known)
        rules_say(line, id, &rules);
    g_mutex_unlock(&viewers->lock);
    if (!known) { /* the gateway goes on with those that it has */
        log_warning("display %s: its plan cannot be read now: %s", id, error->message);
        g_atomic_int_set(&viewers->rules_dirty, 1);
    }
    g_atomic_int_set(&viewers->dirty, 1);
    host_wake(viewers->host);
    tell_slot(viewers->host, row->desktop_id);
}

static void heard_alive(Viewers *viewers, ViewerLine *line, const char *id)
{
    g_mutex_lock(&viewers->lock);
    Viewer *viewer = g_hash_table_lookup(viewers->known, id);
    if (viewer) {
        viewer->line = line;
        if (viewer->owed)
            rules_say(line, id, &viewer->rules);
        viewer->owed = false;
        if (viewer->farewell.code)
            viewer_line_say(line, &viewer->farewell);
    }
    g_mutex_unlock(&viewers->lock);
    if (!viewer)
        meet(viewers, line, id);
}

static void remove_row(Viewers *viewers, const char *id)
{
    g_autoptr(GError) error = NULL;
    if (!store_display_remove(viewers->host->store, id, &error))
        log_warning("display %s: has ended, but its row stays: %s", id, error->message);
}

static void heard_ended(Viewers *viewers, const char *id)
{
    g_mutex_lock(&viewers->lock);
    Viewer *viewer = g_hash_table_lookup(viewers->known, id);
    g_autofree char *desktop_id = viewer ? g_strdup(viewer->desktop_id) : NULL;
    g_hash_table_remove(viewers->known, id);
    g_cond_broadcast(&viewers->left);
    g_mutex_unlock(&viewers->lock);
    remove_row(viewers, id);
    if (desktop_id)
        tell_slot(viewers->host, desktop_id);
}

static void heard_input(Viewers *viewers, const char *id)
{
    g_mutex_lock(&viewers->lock);
    Viewer *viewer = g_hash_table_lookup(viewers->known, id);
    g_autofree char *desktop_id = viewer && viewer->mode == VIEWER_OWN ? g_strdup(viewer->desktop_id) : NULL;
    g_mutex_unlock(&viewers->lock);
    g_autoptr(Slot) slot = desktop_id ? slot_find(viewers->host, desktop_id) : NULL;
    if (slot)
        slot_tell_input(slot, clock_utc_ms());
}

static void on_heard(ViewerLine *line, const DisplayPacket *packet, void *data)
{
    Viewers *viewers = data;
    if (packet->kind == DISPLAY_ALIVE)
        heard_alive(viewers, line, packet->id);
    else if (packet->kind == DISPLAY_INPUT)
        heard_input(viewers, packet->id);
    else if (packet->kind == DISPLAY_ENDED)
        heard_ended(viewers, packet->id);
}

static void on_gone(ViewerLine *line, void *data)
{
    Viewers *viewers = data;
    GHashTableIter each;
    gpointer value = NULL;
    g_mutex_lock(&viewers->lock);
    g_hash_table_iter_init(&each, viewers->known);
    while (g_hash_table_iter_next(&each, NULL, &value)) {
        Viewer *viewer = value;
        if (viewer->line != line)
            continue;
        viewer->line = NULL;
        viewer->since_ms = clock_monotonic_ms();
    }
    g_mutex_unlock(&viewers->lock);
}

/* ---- life ---- */

Viewers *viewers_open(Host *host, GError **error)
{
    Viewers *viewers = g_new0(Viewers, 1);
    viewers->host = host;
    g_mutex_init(&viewers->lock);
    g_cond_init(&viewers->left);
    viewers->known = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, viewer_free);
    viewers->started_ms = clock_monotonic_ms();
    viewers->dirty = 1;
    if (!host->config->runtime)
        return viewers;
    ViewerEars ears = {on_heard, on_gone, viewers};
    g_autofree char *path = g_build_filename(host->config->runtime, DISPLAY_SOCKET, NULL);
    if (folder_make(host->config->runtime, 0750, error))
        viewers->lines = viewer_lines_open(path, &ears, error);
    if (viewers->lines)
        return viewers;
    viewers_close(viewers);
    return NULL;
}

void viewers_close(Viewers *viewers)
{
    if (!viewers)
        return;
    viewer_lines_close(viewers->lines);
    g_hash_table_unref(viewers->known);
    g_mutex_clear(&viewers->lock);
    g_cond_clear(&viewers->left);
    g_free(viewers);
}

/* ---- what the rest of the room asks ---- */

void viewers_expect(Viewers *viewers, unsigned seconds)
{
    viewer_lines_expect(viewers->lines, seconds);
}

bool viewers_reachable(Viewers *viewers)
{
    return viewer_lines_connected(viewers->lines);
}

bool viewers_add(Viewers *viewers, const StoreTicket *ticket, const char *client, DisplayPacket *ret, GError **error)
{
    g_autofree char *id = id_new();
    StoreDisplayNew fields = {
        .id = id,
        .host_id = viewers->host->id,
        .desktop_id = ticket->desktop_id,
        .session_id = ticket->session_id,
        .user_id = ticket->user_id,
        .login_id = ticket->login_id,
        .client = client,
        .mode = ticket->mode,
    };
    ViewerMode mode = mode_of(ticket->mode);
    *ret = (DisplayPacket){.kind = DISPLAY_HANDOVER};
    if (!rules_of(viewers, mode, ticket->session_id, &ret->rules, error) ||
        !store_display_add(viewers->host->store, &fields, error))
        return false;
    g_strlcpy(ret->id, id, sizeof ret->id);
    g_mutex_lock(&viewers->lock);
    add_locked(viewers, id, ticket->desktop_id, ticket->session_id, mode)->rules = ret->rules;
    g_mutex_unlock(&viewers->lock);
    return true;
}

static bool is_chosen(const Viewer *viewer, const ViewerChoice *choice)
{
    return (choice->modes & (1u << viewer->mode)) && strcmp(viewer->desktop_id, choice->desktop_id) == 0 &&
           g_strcmp0(viewer->id, choice->but) != 0 && (!choice->id || strcmp(viewer->id, choice->id) == 0);
}

void viewers_end(Viewers *viewers, const ViewerChoice *choice, uint16_t code, const char *reason)
{
    GHashTableIter each;
    gpointer value = NULL;
    g_mutex_lock(&viewers->lock);
    g_hash_table_iter_init(&each, viewers->known);
    while (g_hash_table_iter_next(&each, NULL, &value))
        if (is_chosen(value, choice))
            close_locked(value, code, reason);
    g_mutex_unlock(&viewers->lock);
}

/* With the lock: whether any of them has a gateway, which will say when it is gone. */
static bool any_locked(Viewers *viewers, const ViewerChoice *choice)
{
    GHashTableIter each;
    gpointer value = NULL;
    g_hash_table_iter_init(&each, viewers->known);
    while (g_hash_table_iter_next(&each, NULL, &value))
        if (is_chosen(value, choice) && ((const Viewer *)value)->line)
            return true;
    return false;
}

void viewers_await_end(Viewers *viewers, const ViewerChoice *choice)
{
    int64_t deadline = g_get_monotonic_time() + farewell_limit_ms * 1000;
    g_mutex_lock(&viewers->lock);
    while (any_locked(viewers, choice) && g_cond_wait_until(&viewers->left, &viewers->lock, deadline))
        ;
    g_mutex_unlock(&viewers->lock);
}

unsigned viewers_count(Viewers *viewers, const char *desktop_id, unsigned modes)
{
    GHashTableIter each;
    gpointer value = NULL;
    unsigned count = 0;
    g_mutex_lock(&viewers->lock);
    g_hash_table_iter_init(&each, viewers->known);
    while (g_hash_table_iter_next(&each, NULL, &value)) {
        const Viewer *viewer = value;
        count += (modes & (1u << viewer->mode)) && !viewer->farewell.code && strcmp(viewer->desktop_id, desktop_id) == 0;
    }
    g_mutex_unlock(&viewers->lock);
    return count;
}

void viewers_rights_changed(Viewers *viewers)
{
    g_atomic_int_set(&viewers->dirty, 1);
}

void viewers_rules_changed(Viewers *viewers)
{
    g_atomic_int_set(&viewers->rules_dirty, 1);
    viewers_rights_changed(viewers);
}

/* ---- the loop's pass ---- */

static const char *refusal_of(const StoreDisplay *row)
{
    Roles roles = 0;
    if (!roles_parse(row->user_roles, &roles, NULL))
        roles = 0;
    ViewerFacts facts = {
        .mode = mode_of(row->mode),
        .is_local = !row->user_id,
        .enabled = row->user_enabled,
        .may_console = identity_allows(roles, PERMISSION_CONNECT_FOR_OTHERS),
        .may_shadow = identity_allows(roles, PERMISSION_SESSION_WRITE),
        .login_stands = row->login_stands,
        .session_stands = row->session_stands,
        .shadow_stands = row->shadow_stands,
    };
    return viewer_refusal(&facts);
}

/* With the lock: by its row. */
static void check_locked(Viewers *viewers, const StoreDisplay *row, GPtrArray *stale)
{
    Viewer *viewer = g_hash_table_lookup(viewers->known, row->id);
    int64_t now = clock_monotonic_ms();
    const char *refusal = refusal_of(row);
    int64_t since = viewer ? viewer->since_ms : viewers->started_ms;
    if (viewer && refusal && !viewer->farewell.code)
        close_locked(viewer, DISPLAY_CLOSED_REVOKED, refusal);
    if ((!viewer || !viewer->line) && now - since > confirm_limit_ms)
        g_ptr_array_add(stale, g_strdup(row->id));
}

/* rows: as they were at asked_ms. */
static void check_all(Viewers *viewers, const GPtrArray *rows, int64_t asked_ms)
{
    g_autoptr(GHashTable) there = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GPtrArray) stale = g_ptr_array_new_with_free_func(g_free);
    GHashTableIter each;
    gpointer value = NULL;
    g_mutex_lock(&viewers->lock);
    for (size_t i = 0; i < rows->len; i++) {
        const StoreDisplay *row = rows->pdata[i];
        g_hash_table_add(there, row->id);
        check_locked(viewers, row, stale);
    }
    g_hash_table_iter_init(&each, viewers->known);
    while (g_hash_table_iter_next(&each, NULL, &value)) {
        Viewer *viewer = value; /* without a row: its user, session or desktop has been deleted */
        if (!g_hash_table_contains(there, viewer->id) && !viewer->farewell.code && viewer->since_ms < asked_ms)
            close_locked(viewer, DISPLAY_CLOSED_REVOKED, not_allowed);
    }
    g_mutex_unlock(&viewers->lock);
    for (size_t i = 0; i < stale->len; i++)
        heard_ended(viewers, stale->pdata[i]);
}

/* The person's page shows what their plan allows. */
static void tell_page(Viewers *viewers, const char *session_id)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(StoreSession) session = store_session_get(viewers->host->store, session_id, &error);
    if (!session || !store_session_tell(viewers->host->store, session, &error))
        log_warning("session %s: its page is not told of its plan: %s", session_id, error->message);
}

/* Tells the gateway where the rules are not those that it has. */
static bool renew_rules(Viewers *viewers, const StoreDisplay *row, GError **error)
{
    DisplayRules rules = {0};
    if (!rules_of(viewers, mode_of(row->mode), row->session_id, &rules, error))
        return false;
    g_mutex_lock(&viewers->lock);
    Viewer *viewer = g_hash_table_lookup(viewers->known, row->id);
    bool differs = viewer && !viewer_rules_equal(&viewer->rules, &rules);
    if (differs) {
        viewer->rules = rules;
        viewer->owed = !viewer->line;
        if (viewer->line)
            rules_say(viewer->line, row->id, &rules);
    }
    g_mutex_unlock(&viewers->lock);
    if (differs) /* a clipboard that is allowed now is plugged in */
        tell_slot(viewers->host, row->desktop_id);
    if (differs && row->session_id)
        tell_page(viewers, row->session_id);
    return true;
}

/* A session that has just ended has no rules: its displays end. One that is not confirmed yet is asked for again. */
static void renew_all(Viewers *viewers, const GPtrArray *rows)
{
    for (size_t i = 0; i < rows->len; i++) {
        g_autoptr(GError) error = NULL;
        const StoreDisplay *row = rows->pdata[i];
        if (renew_rules(viewers, row, &error) || oriel_error_kind(error) == ORIEL_ERROR_NOT_FOUND)
            continue;
        log_warning("display %s: its plan cannot be read now: %s", row->id, error->message);
        g_atomic_int_set(&viewers->rules_dirty, 1);
    }
}

/* A question that nobody answered, a look that is over: the person's page learns of it here. */
static void sweep_shadows(Viewers *viewers)
{
    g_autoptr(GError) error = NULL;
    if (!store_shadow_sweep(viewers->host->store, &error))
        log_warning("who looks on in sessions cannot be tidied up now: %s", error->message);
}

void viewers_pass(Viewers *viewers)
{
    sweep_shadows(viewers);
    int64_t now = clock_monotonic_ms();
    bool dirty = g_atomic_int_exchange(&viewers->dirty, 0);
    bool rules_dirty = g_atomic_int_exchange(&viewers->rules_dirty, 0);
    if (!dirty && !rules_dirty && now - viewers->checked_ms < check_every_ms)
        return;
    g_autoptr(GError) error = NULL;
    StoreDisplayFilter filter = {.host_id = viewers->host->id};
    g_autoptr(GPtrArray) rows = store_display_list(viewers->host->store, &filter, &error);
    if (!rows) {
        log_warning("who may still look at desktops cannot be found out now: %s", error->message);
        g_atomic_int_set(&viewers->dirty, 1);
        if (rules_dirty)
            g_atomic_int_set(&viewers->rules_dirty, 1);
        return;
    }
    viewers->checked_ms = now;
    check_all(viewers, rows, now);
    if (rules_dirty)
        renew_all(viewers, rows);
}

void viewers_forget(Viewers *viewers, const char *id)
{
    heard_ended(viewers, id);
}
