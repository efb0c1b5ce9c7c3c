/* Displays: tickets, thumbnails, the size of the screen. */
#include "host/private.h"
#include "host/viewers.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/tunnel_wire.h"
#include "base/words_wire.h"
#include "store/help.h"

static const int64_t thumbnail_age_ms = 1000;
static const int64_t busy_limit_ms = 3000;
static const int64_t resize_limit_ms = 10 * 1000;
static const size_t screenshot_limit = 64 * 1024 * 1024;
static const unsigned largest_screen = 16384;

void host_display_clear(HostDisplay *display)
{
    fd_clear(&display->fd);
    g_free(display->desktop_id);
    g_free(display->session_id);
    g_free(display->user_id);
    *display = (HostDisplay){.fd = -1};
}

static Machine *machine_of(Host *host, const char *desktop_id, GError **error)
{
    g_autoptr(Slot) slot = slot_find(host, desktop_id);
    Machine *machine = slot ? slot_machine(slot) : NULL;
    if (!machine)
        oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "desktop: does not run now; connect again");
    return machine;
}

/* Whether what the ticket was for is still so: the machine may have passed to somebody else while we connected to it. */
static bool is_theirs(Host *host, const StoreTicket *ticket, int64_t generation, GError **error)
{
    g_autoptr(StoreDesktop) row = store_desktop_find(host->store, ticket->desktop_id, error);
    if (!row)
        return false;
    g_autoptr(StoreSession) session = NULL;
    if (ticket->session_id && !(session = store_session_get(host->store, ticket->session_id, error)))
        return false;
    return (row->generation == generation && (!session || session->state != STORE_SESSION_ENDED)) ||
           oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "desktop \"%s\": changed meanwhile; connect again", row->name);
}

static int connect_external(Host *host, const StoreTicket *ticket, const StoreDesktop *row, DisplayClient client, GError **error)
{
    g_autoptr(Slot) slot = slot_of(host, row->id);
    autofd int fd = external_display(slot, row, client, error);
    return fd >= 0 && is_theirs(host, ticket, row->generation, error) ? fd_steal(&fd) : -1;
}

/* To what serves RDP in the guest; the ticket is all that is asked for. */
static int connect_rdp(Host *host, const StoreTicket *ticket, const StoreDesktop *row, GError **error)
{
    g_autoptr(Slot) slot = slot_of(host, row->id);
    autofd int fd = tunnel_connect(slot, TUNNEL_RDP, error);
    if (fd < 0 || !is_theirs(host, ticket, row->generation, error))
        return -1;
    return relay_start(slot, fd_steal(&fd), false, error);
}

static int connect_seat(Host *host, const StoreTicket *ticket, const StoreDesktop *row, DisplayClient client, GError **error)
{
    g_autoptr(Slot) slot = slot_of(host, row->id);
    seat_register(host, row);
    autofd int fd = seat_display(slot, ticket, client, error);
    return fd >= 0 && is_theirs(host, ticket, row->generation, error) ? fd_steal(&fd) : -1;
}

bool display_wait_begin(Slot *slot, GError **error)
{
    Host *host = slot->host;
    g_mutex_lock(&host->lock);
    bool may = slot->displays_waiting < LIMIT_DISPLAYS_WAITING_DESKTOP && host->displays_waiting < LIMIT_DISPLAYS_WAITING;
    slot->displays_waiting += may;
    host->displays_waiting += may;
    g_mutex_unlock(&host->lock);
    return may || oriel_fail(error, ORIEL_ERROR_UNAVAILABLE,
                             "desktop: others wait for it, or for as many guests as may be waited for; connect again in a moment");
}

void display_wait_end(Slot *slot)
{
    g_mutex_lock(&slot->host->lock);
    slot->displays_waiting--;
    slot->host->displays_waiting--;
    g_mutex_unlock(&slot->host->lock);
}

/* Where a guest has to do something first. It may never do it: whoever waits for it must leave room for others' pictures. */
static int connect_guest(Host *host, const StoreTicket *ticket, const StoreDesktop *row, DisplayClient client, GError **error)
{
    g_autoptr(Slot) slot = slot_of(host, row->id);
    if (!display_wait_begin(slot, error))
        return -1;
    int fd = row->seat_of ? connect_seat(host, ticket, row, client, error) : connect_rdp(host, ticket, row, error);
    display_wait_end(slot);
    return fd;
}

static int connect_as(Host *host, const StoreTicket *ticket, DisplayClient client, GError **error)
{
    g_autoptr(StoreDesktop) row = store_desktop_find(host->store, ticket->desktop_id, error);
    if (!row || !client_check(host, client, row, error))
        return -1;
    if (row->protocol)
        return connect_external(host, ticket, row, client, error);
    if (row->seat_of || client == DISPLAY_CLIENT_RDP)
        return connect_guest(host, ticket, row, client, error);
    Machine *machine = machine_of(host, row->id, error);
    if (!machine)
        return -1;
    autofd int fd = host->driver->display(machine, error);
    slot_release_machine(host, machine);
    return fd >= 0 && client_let_in(client, fd, error) && is_theirs(host, ticket, row->generation, error) ? fd_steal(&fd) : -1;
}

/* As many as the machine itself counts: a display whose gateway was killed is nobody's. */
static unsigned machine_viewers(Host *host, const char *desktop_id)
{
    g_autoptr(Slot) slot = slot_of(host, desktop_id);
    g_mutex_lock(&host->lock);
    unsigned viewers = slot->viewers;
    g_mutex_unlock(&host->lock);
    return viewers;
}

bool console_may_begin(Host *host, const char *desktop_id, GError **error)
{
    return viewers_count(host->viewers, desktop_id, VIEWERS(VIEWER_OWN)) == 0 || machine_viewers(host, desktop_id) == 0 ||
           oriel_fail(error, ORIEL_ERROR_CONFLICT,
                      "desktop: its user works there now; wait, or take the desktop over, which ends that view");
}

/* Also in the guest itself: whoever works there with another client has no page that could show it. */
static bool tell_watched(Host *host, const StoreTicket *ticket, GError **error)
{
    g_autoptr(StoreShadow) shadow = store_shadow_opened(host->store, ticket, error);
    if (!shadow)
        return false;
    g_autoptr(Slot) slot = slot_of(host, ticket->desktop_id);
    const char *name = *shadow->by_name ? shadow->by_name : SAY_SOMEBODY;
    slot_tell_notice(slot, shadow->mode == STORE_DISPLAY_CONTROL ? g_strdup_printf(SAY_WORKS, name) : g_strdup_printf(SAY_SEES, name));
    return true;
}

/* Whoever else is to go, goes before the newcomer is there. */
static bool make_room(Host *host, const StoreTicket *ticket, const DisplayPacket *newcomer, const char *client, GError **error)
{
    ViewerChoice choice = {.desktop_id = ticket->desktop_id, .but = newcomer->id};
    g_autofree char *place = viewer_place(client, ticket->agent);
    switch (ticket->mode) {
    case STORE_DISPLAY_OWN:
        choice.modes = VIEWERS(VIEWER_OWN) | VIEWERS(VIEWER_CONSOLE);
        viewers_end(host->viewers, &choice, DISPLAY_CLOSED_ELSEWHERE, place);
        return true;
    case STORE_DISPLAY_CONSOLE:
        return console_may_begin(host, ticket->desktop_id, error);
    case STORE_DISPLAY_VIEW:
    case STORE_DISPLAY_CONTROL:
    default:
        if (!viewers_reachable(host->viewers))
            return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE,
                              "the gateway cannot be told what this display may do: try again in a moment");
        return tell_watched(host, ticket, error);
    }
}

/* All that may refuse is asked before anybody is connected: in a guest a newcomer ends the RDP of whoever was there before. What has changed
 * meanwhile is seen by the second look. */
bool host_display_open(Host *host, const HostDisplayRequest *request, HostDisplay *ret, GError **error)
{
    const char *client = request->address;
    g_autofree char *hash = client_ticket_hash(request->client, request->ticket);
    g_autoptr(StoreTicket) redeemed = store_ticket_redeem(host->store, hash, clock_utc_ms(), error);
    bool allowed = redeemed && choice_check_ticket(host, redeemed, request, error);
    autofd int fd = allowed ? connect_as(host, redeemed, request->client, error) : -1;
    DisplayPacket handover;
    if (fd < 0 || !viewers_add(host->viewers, redeemed, client, &handover, error))
        return false;
    if (!client_bind_rules(request->client, &handover.rules, error) || !make_room(host, redeemed, &handover, client, error)) {
        viewers_forget(host->viewers, handover.id);
        return false;
    }
    if (redeemed->mode == STORE_DISPLAY_OWN) {
        g_autoptr(Slot) slot = slot_of(host, redeemed->desktop_id);
        steps_opened(slot);
    }
    log_debug("desktop %s: display opened from %s", redeemed->desktop_id, client ? client : "here");
    *ret = (HostDisplay){
        .fd = fd_steal(&fd),
        .desktop_id = g_strdup(redeemed->desktop_id),
        .session_id = g_strdup(redeemed->session_id),
        .user_id = g_strdup(redeemed->user_id),
        .handover = handover,
    };
    return true;
}

static GBytes *machine_picture(Slot *slot, GError **error)
{
    Machine *machine = machine_of(slot->host, slot->id, error);
    GBytes *png = machine ? slot->host->driver->screenshot(machine, screenshot_limit, error) : NULL;
    slot_release_machine(slot->host, machine);
    return png;
}

/* With the slot: the last picture if it is young enough, else a new one. */
static GBytes *screenshot(Slot *slot, GError **error)
{
    int64_t now = clock_monotonic_ms();
    if (slot->thumbnail && now - slot->thumbnail_ms < thumbnail_age_ms)
        return g_bytes_ref(slot->thumbnail);
    GBytes *png = seat_is(slot) ? seat_picture(slot, error) : machine_picture(slot, error);
    if (!png)
        return NULL;
    g_clear_pointer(&slot->thumbnail, g_bytes_unref);
    g_clear_pointer(&slot->scaled, g_bytes_unref);
    slot->thumbnail = g_bytes_ref(png);
    slot->thumbnail_ms = clock_monotonic_ms();
    return png;
}

/* With the slot: many who ask for the same cost one. */
static GBytes *scaled(Slot *slot, unsigned width, GError **error)
{
    g_autoptr(GBytes) png = screenshot(slot, error);
    if (!png || width == 0)
        return g_steal_pointer(&png);
    if (slot->scaled && slot->scaled_width == width)
        return g_bytes_ref(slot->scaled);
    GBytes *smaller = thumbnail_scale(png, width, error);
    if (!smaller)
        return NULL;
    g_clear_pointer(&slot->scaled, g_bytes_unref);
    slot->scaled = g_bytes_ref(smaller);
    slot->scaled_width = width;
    return smaller;
}

GBytes *host_desktop_thumbnail(Host *host, const char *desktop_id, unsigned width, GError **error)
{
    g_autoptr(Slot) slot = slot_find(host, desktop_id);
    if (!slot) {
        oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "desktop: does not run now");
        return NULL;
    }
    if (!slot_acquire(slot, busy_limit_ms, error))
        return NULL;
    GBytes *png = scaled(slot, width, error);
    slot_release(slot);
    return png;
}

bool host_desktop_resize(Host *host, const char *desktop_id, unsigned width, unsigned height, GError **error)
{
    if (width < 1 || height < 1 || width > largest_screen || height > largest_screen)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "screen of %u × %u: width and height are 1 to %u",
                          width, height, largest_screen);
    g_autoptr(Slot) slot = slot_of(host, desktop_id);
    if (!slot_acquire(slot, busy_limit_ms, error))
        return false;
    Machine *machine = slot->agent_ready ? machine_of(host, desktop_id, error) : NULL;
    bool done = machine ? host->driver->resize(machine, width, height, resize_limit_ms, error)
                        : oriel_fail(error, ORIEL_ERROR_UNAVAILABLE,
                                     "desktop: has no agent that could resize its screen");
    slot_release_machine(host, machine);
    slot_release(slot);
    return done;
}
