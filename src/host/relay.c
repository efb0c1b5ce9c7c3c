/* Displays that do not go straight to QEMU. Those of machines that were there before: between the machine's VNC server and our viewer, because the machine's password is
 * not for the viewer, and because nobody else tells when the last viewer has gone. And RDP of our own, through a tunnel into the guest, where nobody else
 * tells either. One thread each. */
#include "host/private.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "host/rfb_logon.h"

enum { BUFFER = 64 * 1024 };

static const int64_t let_in_limit_us = 30 * G_USEC_PER_SEC;

struct Relay {
    Slot *slot;
    int machine; /* both: closed under host->lock, by its own thread, when it is out of the table */
    int viewer;
    bool rfb; /* the viewer is let in first */
};

/* One direction. */
typedef struct {
    int from;
    int to;
    size_t begin;
    size_t end;
    uint8_t bytes[BUFFER];
} Flow;

unsigned relay_count_locked(const Host *host, const Slot *slot)
{
    unsigned count = 0;
    for (guint i = 0; i < host->relays->len; i++)
        count += ((const Relay *)host->relays->pdata[i])->slot == slot;
    return count;
}

static void tell(Slot *slot)
{
    g_mutex_lock(&slot->host->lock);
    slot->viewers = slot->machine_viewers + relay_count_locked(slot->host, slot); /* counted and told at once: of two that end together the last says none */
    slot->events |= SLOT_VIEWERS;
    g_mutex_unlock(&slot->host->lock);
    slot_queue(slot);
}

/* false: one of the two has closed. */
static bool flow_move(Flow *flow, bool readable, bool writable)
{
    if (flow->begin == flow->end && readable) {
        ssize_t count = recv(flow->from, flow->bytes, sizeof flow->bytes, MSG_DONTWAIT);
        if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR))
            return false;
        flow->begin = 0;
        flow->end = count > 0 ? (size_t)count : 0;
        writable = true; /* most often there is room at once */
    }
    if (flow->begin == flow->end || !writable)
        return true;
    ssize_t count = send(flow->to, flow->bytes + flow->begin, flow->end - flow->begin, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0)
        return errno == EAGAIN || errno == EINTR;
    flow->begin += (size_t)count;
    return true;
}

/* Only what a flow waits for: a reader that is full does not wake us. */
static short wants(const Flow *in, const Flow *out)
{
    return (short)((in->begin == in->end ? POLLIN : 0) | (out->begin < out->end ? POLLOUT : 0));
}

void relay_pump(int machine, int viewer)
{
    g_autofree Flow *down = g_new0(Flow, 1), *up = g_new0(Flow, 1);
    *down = (Flow){.from = machine, .to = viewer};
    *up = (Flow){.from = viewer, .to = machine};
    bool hung_up = false; /* the machine: poll(2) would tell it again and again while its last bytes wait for the viewer */
    for (;;) {
        struct pollfd both[] = {{.fd = hung_up ? -1 : machine, .events = wants(down, up)},
                                {.fd = viewer, .events = wants(up, down)}};
        if (poll(both, G_N_ELEMENTS(both), hung_up && down->begin == down->end ? 0 : -1) < 0) {
            if (errno == EINTR)
                continue;
            return;
        }
        const short ended = POLLERR | POLLNVAL | POLLHUP;
        hung_up = hung_up || (both[0].revents & POLLHUP);
        if (!flow_move(down, hung_up || (both[0].revents & (POLLIN | ended)), both[1].revents & POLLOUT) ||
            !flow_move(up, both[1].revents & (POLLIN | ended), both[0].revents & POLLOUT))
            return;
        if ((both[0].revents | both[1].revents) & (POLLERR | POLLNVAL))
            return;
        if ((both[1].revents & POLLHUP) && up->begin < up->end)
            return; /* for a viewer that has gone no machine is waited for: it might never read */
    }
}

static void *relay_main(void *data)
{
    Relay *relay = data;
    Host *host = relay->slot->host;
    g_autoptr(GError) error = NULL;
    if (!relay->rfb || rfb_let_in(relay->viewer, g_get_monotonic_time() + let_in_limit_us, &error))
        relay_pump(relay->machine, relay->viewer);
    else
        log_debug("desktop %s: a viewer %s", relay->slot->id, error->message);
    g_mutex_lock(&host->lock);
    g_ptr_array_remove_fast(host->relays, relay);
    fd_clear(&relay->machine);
    fd_clear(&relay->viewer);
    g_mutex_unlock(&host->lock);
    tell(relay->slot);
    slot_unref(relay->slot);
    g_free(relay);
    g_mutex_lock(&host->lock);
    host->relay_threads--; /* last: from now on the host may be freed */
    g_cond_broadcast(&host->changed);
    g_mutex_unlock(&host->lock);
    return NULL;
}

int relay_start(Slot *slot, int machine, bool rfb, GError **error)
{
    Host *host = slot->host;
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        oriel_fail_errno(error, errno, "socketpair");
        close(machine);
        return -1;
    }
    Relay *relay = g_new0(Relay, 1);
    *relay = (Relay){.slot = slot_ref(slot), .machine = machine, .viewer = pair[0], .rfb = rfb};
    g_mutex_lock(&host->lock);
    g_ptr_array_add(host->relays, relay);
    host->relay_threads++;
    g_mutex_unlock(&host->lock);
    tell(slot);
    g_thread_unref(g_thread_new("relay", relay_main, relay));
    return pair[1];
}

void relay_end(Host *host, const Slot *slot)
{
    g_mutex_lock(&host->lock);
    for (guint i = 0; i < host->relays->len; i++) {
        const Relay *relay = host->relays->pdata[i];
        if (slot && relay->slot != slot)
            continue;
        shutdown(relay->machine, SHUT_RDWR);
        shutdown(relay->viewer, SHUT_RDWR);
    }
    g_mutex_unlock(&host->lock);
}

bool relay_is_open(Slot *slot)
{
    g_mutex_lock(&slot->host->lock);
    bool open = relay_count_locked(slot->host, slot) > 0;
    g_mutex_unlock(&slot->host->lock);
    return open;
}

void relay_close_all(Host *host)
{
    relay_end(host, NULL);
    g_mutex_lock(&host->lock);
    while (host->relay_threads)
        g_cond_wait(&host->changed, &host->lock);
    g_mutex_unlock(&host->lock);
}
