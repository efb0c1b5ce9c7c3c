#include "machine/tunnel.h"

#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/number.h"
#include "machine/machine_internal.h"

#define DEVICE_PREFIX "tunnel-" /* then stream, port and a mark of its own, with "-" between: id of device and chardev */
#define FIRST_PORT 3            /* on the bus: after console, agent and clipboard */
#define LAST_PORT (FIRST_PORT + TUNNELS_MOST - 1)
#define FD_NAME "tunnel"

/* QEMU's end of the socket that it was given, held in duplicate: QEMU does not close it when the guest closes the port, so we shut
 * it down. */
struct TunnelEnd {
    gatomicrefcount references;
    Loop *loop;
    Qmp *qmp;
    int fd;
    char *id;
    LoopSource *source; /* machine thread, as all below */
    unsigned calm;      /* so often nothing was under way, one after the other */
    bool asking, over;
};

static void end_unref(TunnelEnd *end)
{
    if (!end || !g_atomic_ref_count_dec(&end->references))
        return;
    close(end->fd);
    qmp_unref(end->qmp);
    g_free(end->id);
    g_free(end);
}

static TunnelEnd *end_new(Machine *machine, const char *id, int fd)
{
    TunnelEnd *end = g_new0(TunnelEnd, 1);
    g_atomic_ref_count_init(&end->references);
    end->loop = machine->hypervisor->loop;
    end->qmp = qmp_ref(machine->qmp);
    end->fd = fd;
    end->id = g_strdup(id);
    return end;
}

/* Machine thread. */
static void end_drop(TunnelEnd *end, bool shut)
{
    if (!end)
        return;
    if (shut)
        shutdown(end->fd, SHUT_RDWR); /* what was written to it before is still read */
    end->over = true;
    loop_remove(g_steal_pointer(&end->source));
    end_unref(end);
}

/* ---- the guest has closed its port ---- */

static void end_check(TunnelEnd *end);

static void end_asked(void *data)
{
    TunnelEnd *end = data;
    end->asking = false;
    if (!end->over)
        end_check(end);
    end_unref(end);
}

static void end_moved(uint32_t events, void *data)
{
    end_check(data);
}

/* What the guest sent is in this socket, and perhaps still in QEMU, which waits for room in it. So it is shut down when nothing is
 * in it and QEMU, having had two turns since, has put nothing more there. */
static void end_check(TunnelEnd *end)
{
    enum { TURNS = 2 };
    int waiting = 0;
    bool empty = ioctl(end->fd, SIOCOUTQ, &waiting) < 0 || waiting <= 1; /* Linux counts the last byte when it has told of it */
    if (!empty)
        end->calm = 0;
    if (end->asking)
        return;
    if (empty && end->calm == TURNS) {
        shutdown(end->fd, SHUT_RDWR);
        end->over = true;
        loop_set_events(end->source, 0);
    } else if (empty) {
        end->calm++;
        end->asking = true;
        g_atomic_ref_count_inc(&end->references);
        qmp_then(qmp_query_status(end->qmp), end_asked, end);
    }
}

static void end_watch(TunnelEnd *end)
{
    if (end->source || end->over)
        return;
    end->source = loop_add(end->loop, end->fd, EPOLLOUT | EPOLLET, end_moved, end);
    end_check(end);
}

typedef struct {
    unsigned stream;
    unsigned port; /* on the bus */
} Place;

/* Those that lead somewhere beside the first stream have any port: a first one always finds its own. */
static bool place_of(const char *id, Place *ret)
{
    uint64_t stream, port;
    if (!id || !g_str_has_prefix(id, DEVICE_PREFIX))
        return false;
    g_auto(GStrv) words = g_strsplit(id + strlen(DEVICE_PREFIX), "-", 3);
    if (!words[0] || !number_parse(words[0], 0, TUNNEL_STREAMS_MOST - 1, "tunnel", &stream, NULL))
        return false;
    bool told = words[1] && words[2] && number_parse(words[1], FIRST_PORT, LAST_PORT, "port", &port, NULL);
    *ret = (Place){(unsigned)stream, told ? (unsigned)port : FIRST_PORT + (unsigned)stream % TUNNELS_MOST};
    return true;
}

/* QEMU tells of a port's closing at most a second late (it limits the rate), by then perhaps of one that is no more. */
void tunnel_on_event(Machine *machine, const char *event, const Json *data)
{
    bool deleted = g_str_equal(event, "DEVICE_DELETED");
    const char *id = json_string_value(json_object_get(data, deleted ? "device" : "id"));
    Place place;
    if (!place_of(id, &place))
        return;
    TunnelEnd *end = machine->tunnels[place.stream];
    if (deleted)
        qmp_forget(qmp_chardev_remove(machine->qmp, id));
    else if (json_is_true(json_object_get(data, "open")))
        return;
    else if (end && g_str_equal(end->id, id))
        end_watch(end);
    else /* of an orield before us, which had its socket: what is still on its way is lost */
        qmp_forget(qmp_device_del(machine->qmp, id));
}

void tunnels_end(Machine *machine)
{
    for (size_t i = 0; i < TUNNEL_STREAMS_MOST; i++)
        end_drop(g_steal_pointer(&machine->tunnels[i]), true);
}

static void forget_all(void *data)
{
    Machine *machine = data;
    for (size_t i = 0; i < TUNNEL_STREAMS_MOST; i++)
        end_drop(g_steal_pointer(&machine->tunnels[i]), false);
}

void tunnels_forget(Machine *machine)
{
    loop_run_wait(machine->hypervisor->loop, forget_all, machine);
}

/* ---- plugging; with the door ---- */

typedef struct {
    Machine *machine;
    unsigned stream;
    TunnelEnd *end; /* NULL: there is none any more */
} Change;

static void change_end(void *data)
{
    Change *change = data;
    TunnelEnd **place = &change->machine->tunnels[change->stream];
    end_drop(*place, true);
    *place = change->end;
}

static void set_end(Machine *machine, unsigned stream, TunnelEnd *end)
{
    Change change = {machine, stream, end};
    loop_run_wait(machine->hypervisor->loop, change_end, &change);
}

static bool remove_device(Machine *machine, const char *id, GError **error)
{
    g_autoptr(GError) problem = NULL;
    if (!plug_remove(machine, id, &problem) && oriel_error_kind(problem) != ORIEL_ERROR_NOT_FOUND) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return false;
    }
    qmp_finish(qmp_chardev_remove(machine->qmp, id), 0, NULL, NULL);
    return true;
}

/* Whatever is in the way of this place; NULL: all. */
static bool remove_all(Machine *machine, const Place *way, GError **error)
{
    g_auto(GStrv) plugged = plug_list(machine, error);
    for (char **id = plugged; id && *id; id++) {
        Place place;
        if (!place_of(*id, &place) || (way && place.stream != way->stream && place.port != way->port))
            continue;
        set_end(machine, place.stream, NULL);
        if (!remove_device(machine, *id, error))
            return false;
    }
    return plugged != NULL;
}

static bool add(Machine *machine, Place place, const char *id, int socket, GError **error)
{
    g_autofree char *name = g_strdup_printf(TUNNEL_PORT_PREFIX "%u", place.stream);
    Json *port = json_pack("{s:s, s:s, s:s, s:s, s:s, s:i}", "driver", "virtserialport", "id", id, "chardev", id, "name", name,
                           "bus", "serial-bus.0", "nr", (int)place.port);
    QmpCall *calls[] = {qmp_getfd(machine->qmp, FD_NAME, socket), qmp_chardev_add_socket(machine->qmp, id, FD_NAME),
                        qmp_device_add(machine->qmp, port)};
    bool done = true;
    for (size_t i = 0; i < G_N_ELEMENTS(calls); i++)
        done = qmp_finish(calls[i], 0, NULL, done ? error : NULL) && done;
    return done;
}

static int plug(Machine *machine, Place place, GError **error)
{
    int pair[2];
    if (!remove_all(machine, &place, error))
        return -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
        oriel_fail_errno(error, errno, "socketpair");
        return -1;
    }
    autofd int ours = pair[0];
    g_autofree char *id = g_strdup_printf(DEVICE_PREFIX "%u-%u-%08x", place.stream, place.port, g_random_int());
    set_end(machine, place.stream, end_new(machine, id, pair[1])); /* before the guest can close it */
    if (add(machine, place, id, pair[1], error))
        return fd_steal(&ours);
    set_end(machine, place.stream, NULL);
    qmp_finish(qmp_chardev_remove(machine->qmp, id), 0, NULL, NULL);
    return -1;
}

/* ---- a further one to the same place ---- */

typedef struct {
    Machine *machine;
    bool over[TUNNEL_STREAMS_MOST]; /* the guest has closed it */
} Overs;

static void look_over(void *data)
{
    Overs *overs = data;
    for (size_t i = 0; i < TUNNEL_STREAMS_MOST; i++)
        overs->over[i] = overs->machine->tunnels[i] && overs->machine->tunnels[i]->over;
}

static bool is_disconnected(const Json *chardev)
{
    const char *file = json_string_value(json_object_get(chardev, "filename"));
    return !file || g_str_has_prefix(file, "disconnected");
}

typedef struct {
    bool streams[TUNNEL_STREAMS_MOST];
    bool ports[LAST_PORT + 1];
} InUse;

/* Further ones that have ended on either side make way. */
static bool find_used(Machine *machine, InUse *ret, GError **error)
{
    g_autoptr(Json) list = NULL;
    size_t i;
    Json *each;
    Overs overs = {.machine = machine};
    if (!qmp_finish(qmp_query_chardev(machine->qmp), 0, &list, error))
        return false;
    loop_run_wait(machine->hypervisor->loop, look_over, &overs);
    json_array_foreach (list, i, each) {
        const char *id = json_string_value(json_object_get(each, "label"));
        Place place;
        if (!place_of(id, &place))
            continue;
        if (place.stream >= TUNNELS_MOST && (overs.over[place.stream] || is_disconnected(each))) {
            set_end(machine, place.stream, NULL);
            if (remove_device(machine, id, NULL))
                continue;
        }
        ret->streams[place.stream] = ret->ports[place.port] = true;
    }
    return true;
}

static bool choose_beside(Machine *machine, unsigned number, Place *ret, GError **error)
{
    InUse used = {0};
    if (!find_used(machine, &used, error))
        return false;
    *ret = (Place){.stream = number + TUNNELS_MOST, .port = LAST_PORT};
    while (ret->stream < TUNNEL_STREAMS_MOST && used.streams[ret->stream])
        ret->stream += TUNNELS_MOST;
    while (ret->port >= FIRST_PORT && used.ports[ret->port])
        ret->port--;
    return (ret->stream < TUNNEL_STREAMS_MOST && ret->port >= FIRST_PORT) ||
           oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "as many look on there as there can: try again when one of them has ended");
}

/* ---- opening ---- */

static int open_one(Machine *machine, unsigned number, bool beside, GError **error)
{
    Place place = {number, FIRST_PORT + number};
    int fd = -1;
    g_mutex_lock(&machine->tunnel_door);
    if (machine->tunnels_shut)
        oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "machine \"%s\": is being suspended", machine->folder);
    else if (!beside || choose_beside(machine, number, &place, error))
        fd = plug(machine, place, error);
    g_mutex_unlock(&machine->tunnel_door);
    return fd;
}

static bool can_open(Machine *machine, unsigned number, GError **error)
{
    if (number >= TUNNELS_MOST)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "tunnel %u: their numbers are 0 to %d", number, TUNNELS_MOST - 1);
    return agent_link_tunnels(machine->agent) ||
           oriel_fail(error, ORIEL_ERROR_UNSUPPORTED,
                      "machine \"%s\": its agent serves no tunnels: is its image of an older Oriel? Build a new version of it",
                      machine->folder);
}

int tunnel_open(Machine *machine, unsigned number, GError **error)
{
    return can_open(machine, number, error) ? open_one(machine, number, false, error) : -1;
}

int tunnel_open_beside(Machine *machine, unsigned number, GError **error)
{
    return can_open(machine, number, error) ? open_one(machine, number, true, error) : -1;
}

bool tunnels_shut(Machine *machine, GError **error)
{
    g_mutex_lock(&machine->tunnel_door);
    machine->tunnels_shut = remove_all(machine, NULL, error);
    bool done = machine->tunnels_shut;
    g_mutex_unlock(&machine->tunnel_door);
    return done;
}

void tunnels_allow(Machine *machine)
{
    g_mutex_lock(&machine->tunnel_door);
    machine->tunnels_shut = false;
    g_mutex_unlock(&machine->tunnel_door);
}

/* Open on the host's side, and in the guest. */
static bool is_used(const Json *chardev)
{
    return json_is_true(json_object_get(chardev, "frontend-open")) && !is_disconnected(chardev);
}

bool tunnels_adopt(Machine *machine, GError **error)
{
    g_autoptr(Json) list = NULL;
    size_t i;
    Json *each;
    if (!qmp_finish(qmp_query_chardev(machine->qmp), 0, &list, error))
        return false;
    json_array_foreach (list, i, each) {
        const char *id = json_string_value(json_object_get(each, "label"));
        g_autoptr(GError) stays = NULL;
        Place place;
        if (place_of(id, &place) && !is_used(each) && !remove_device(machine, id, &stays))
            log_warning("machine in %s: an old tunnel stays: %s", machine->folder, stays->message);
    }
    return true;
}
