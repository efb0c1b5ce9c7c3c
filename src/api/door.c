#include "api/door.h"

#include <errno.h>
#include <gio/gio.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/socket.h"
#include "identity/jwk.h"
#include "identity/kiosk.h"

#define SWEEP_MS 2000 /* how exact the limits of time are */
#define PAUSE_MS 100  /* without descriptors, accept(2) is tried again after this */
#define NAME_PREFIX "oriel/"

typedef struct {
    DoorClient public;
    char *network; /* of its address, under which it is counted; NULL: local */
    int64_t deadline_ms; /* monotonic; 0: none */
    bool is_asking;      /* is told when that is over */
} Entry;

struct Door {
    int local_listener;
    int gateway_listener;
    int wake; /* eventfd: end */
    char *local_path;
    char *gateway_path;
    DoorAdmit admit;
    void *data;
    GThread *thread;
    GMutex lock;         /* the two tables; nothing is called under it */
    GHashTable *clients; /* fd → Entry */
    GHashTable *counts;  /* network → number */
};

static void entry_free(void *data)
{
    Entry *entry = data;
    g_free(entry->public.address);
    g_free(entry->public.certificate);
    g_free(entry->network);
    g_free(entry);
}

char *door_address(const char *name, size_t length)
{
    g_autofree char *text = g_strndup(name, length);
    if (strlen(text) != length || !g_str_has_prefix(text, NAME_PREFIX))
        return NULL;
    text[strcspn(text, ";")] = '\0'; /* a certificate's mark follows */
    char *colon = strrchr(text, ':');
    if (!colon)
        return NULL;
    *colon = '\0';
    char *address = text + strlen(NAME_PREFIX);
    if (*address == '[') {
        address++;
        char *bracket = strchr(address, ']');
        if (!bracket || bracket[1] != '\0')
            return NULL;
        *bracket = '\0';
    }
    return g_hostname_is_ip_address(address) ? g_strdup(address) : NULL;
}

char *door_certificate(const char *name, size_t length)
{
    g_autofree char *text = g_strndup(name, length);
    const char *mark = strchr(text, ';');
    if (!mark || strlen(text) != length || strlen(mark + 1) != CERTIFICATE_MARK_LENGTH)
        return NULL;
    g_autoptr(GBytes) bytes = base64url_decode(mark + 1);
    gsize size = 0;
    const guint8 *data = bytes ? g_bytes_get_data(bytes, &size) : NULL;
    if (size != 32)
        return NULL;
    g_autoptr(GString) hex = g_string_new(NULL);
    for (gsize i = 0; i < size; i++)
        g_string_append_printf(hex, "%02x", data[i]);
    return g_string_free(g_steal_pointer(&hex), FALSE);
}

static void peer_read(int fd, DoorClient *client)
{
    struct sockaddr_un peer = {0};
    socklen_t length = sizeof(peer);
    size_t before = offsetof(struct sockaddr_un, sun_path) + 1; /* of an abstract name: a NUL comes first */
    if (getpeername(fd, (struct sockaddr *)&peer, &length) != 0 || length <= before ||
        length > sizeof(peer) || peer.sun_path[0] != '\0')
        return;
    client->address = door_address(peer.sun_path + 1, length - before);
    client->certificate = door_certificate(peer.sun_path + 1, length - before);
}

/* QEMU runs as our own user, and neither Landlock nor its seccomp filter keeps it from connecting here: whoever
 * broke out of a guest must not be an administrator. It cannot execute another program (-sandbox spawn=deny). */
static bool is_machine(pid_t pid)
{
    g_autofree char *link = g_strdup_printf("/proc/%d/exe", (int)pid);
    g_autofree char *program = pid > 0 ? g_file_read_link(link, NULL) : NULL;
    g_autofree char *name = program ? g_path_get_basename(program) : NULL;
    return pid > 0 && (!name || g_str_has_prefix(name, "qemu-system-")); /* 0: of a namespace above ours */
}

static bool peer_is_administrator(int fd)
{
    struct ucred peer = {0};
    socklen_t length = sizeof(peer);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0 || length != sizeof(peer))
        return false;
    return peer.uid == geteuid() ? !is_machine(peer.pid) : peer.uid == 0;
}

/* ---- the tables ---- */

static unsigned count_locked(Door *door, const char *network)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(door->counts, network));
}

static void remove_locked(Door *door, int fd)
{
    Entry *entry = g_hash_table_lookup(door->clients, GINT_TO_POINTER(fd));
    if (!entry)
        return;
    const char *network = entry->network;
    if (network) {
        unsigned left = count_locked(door, network) - 1;
        if (left)
            g_hash_table_insert(door->counts, g_strdup(network), GUINT_TO_POINTER(left));
        else
            g_hash_table_remove(door->counts, network);
    }
    g_hash_table_remove(door->clients, GINT_TO_POINTER(fd));
}

/* Whether there was room; takes the entry. */
static bool client_add(Door *door, Entry *entry)
{
    const char *network = entry->network;
    g_mutex_lock(&door->lock);
    remove_locked(door, entry->public.fd); /* one whose end was never told: its number is in use again */
    bool room = g_hash_table_size(door->clients) < LIMIT_API_CONNECTIONS &&
                (!network || count_locked(door, network) < LIMIT_API_CONNECTIONS_CLIENT);
    if (room) {
        if (network)
            g_hash_table_insert(door->counts, g_strdup(network),
                                GUINT_TO_POINTER(count_locked(door, network) + 1));
        g_hash_table_insert(door->clients, GINT_TO_POINTER(entry->public.fd), entry);
    }
    g_mutex_unlock(&door->lock);
    if (!room)
        entry_free(entry);
    return room;
}

const DoorClient *door_client(Door *door, int fd)
{
    g_mutex_lock(&door->lock);
    Entry *entry = g_hash_table_lookup(door->clients, GINT_TO_POINTER(fd));
    g_mutex_unlock(&door->lock);
    return entry ? &entry->public : NULL;
}

void door_client_gone(Door *door, int fd)
{
    g_mutex_lock(&door->lock);
    remove_locked(door, fd);
    g_mutex_unlock(&door->lock);
}

void door_client_limit(Door *door, int fd, int64_t limit_ms, bool is_asking)
{
    g_mutex_lock(&door->lock);
    Entry *entry = g_hash_table_lookup(door->clients, GINT_TO_POINTER(fd));
    if (entry) {
        entry->deadline_ms = limit_ms ? clock_monotonic_ms() + limit_ms : 0;
        entry->is_asking = is_asking;
    }
    g_mutex_unlock(&door->lock);
}

static void say(int fd, const char *head, const char *problem)
{
    g_autofree char *answer = g_strdup_printf("HTTP/1.1 %s\r\nContent-Type: application/problem+json\r\n"
                                              "Connection: close\r\nContent-Length: %zu\r\n\r\n%s",
                                              head, strlen(problem), problem);
    (void)!send(fd, answer, strlen(answer), MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* shutdown(2), not close(2): the descriptor is libmicrohttpd's, which sees the end and closes it. */
static void sweep(Door *door)
{
    int64_t now_ms = clock_monotonic_ms();
    GHashTableIter iter;
    void *value;
    g_mutex_lock(&door->lock);
    g_hash_table_iter_init(&iter, door->clients);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Entry *entry = value;
        if (!entry->deadline_ms || entry->deadline_ms > now_ms)
            continue;
        if (entry->is_asking)
            say(entry->public.fd, "408 Request Timeout",
                "{\"type\":\"https://oriel.invalid/problems/timeout\",\"title\":\"Request timeout\",\"status\":408,"
                "\"detail\":\"the request did not arrive whole within 30 seconds: send it again\"}");
        entry->is_asking = false;
        shutdown(entry->public.fd, SHUT_RDWR);
    }
    g_mutex_unlock(&door->lock);
}

/* ---- the thread ---- */

static void refuse(int fd)
{
    static const char problem[] =
        "{\"type\":\"https://oriel.invalid/problems/too-many\",\"title\":\"Too many requests\","
        "\"status\":503,\"detail\":\"too many connections are open: close some\"}";
    say(fd, "503 Service Unavailable\r\nRetry-After: 5", problem);
    close(fd);
}

static void admit(Door *door, int fd, bool from_gateway)
{
    Entry *entry = g_new0(Entry, 1);
    entry->public.fd = fd;
    entry->public.gateway = from_gateway;
    entry->public.local = !from_gateway && peer_is_administrator(fd);
    if (from_gateway)
        peer_read(fd, &entry->public);
    if (from_gateway && !entry->public.address)
        entry->public.address = g_strdup("unknown");
    entry->network = entry->public.address ? socket_network(entry->public.address) : NULL;
    entry->deadline_ms = clock_monotonic_ms() + LIMIT_REQUEST_SECONDS * 1000;
    entry->is_asking = true;
    if (!client_add(door, entry))
        refuse(fd);
    else if (!door->admit(fd, door->data))
        door_client_gone(door, fd);
}

/* False: no descriptors are left. */
static bool accept_all(Door *door, int listener, bool from_gateway)
{
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            admit(door, fd, from_gateway);
            continue;
        }
        if (errno == EINTR || errno == ECONNABORTED)
            continue;
        return errno == EAGAIN;
    }
}

static int wait_limit(Door *door, bool paused)
{
    if (paused)
        return PAUSE_MS;
    g_mutex_lock(&door->lock);
    bool any = g_hash_table_size(door->clients) > 0;
    g_mutex_unlock(&door->lock);
    return any ? SWEEP_MS : -1;
}

static void *door_run(void *data)
{
    Door *door = data;
    bool paused = false;
    int64_t swept_ms = 0;
    for (;;) {
        struct pollfd polls[] = {
            {.fd = door->wake, .events = POLLIN},
            {.fd = paused ? -1 : door->local_listener, .events = POLLIN},
            {.fd = paused ? -1 : door->gateway_listener, .events = POLLIN},
        };
        if (poll(polls, G_N_ELEMENTS(polls), wait_limit(door, paused)) < 0)
            continue; /* EINTR: nothing else can happen to descriptors of our own */
        if (polls[0].revents)
            return NULL;
        bool was_paused = paused;
        paused = (polls[1].revents && !accept_all(door, door->local_listener, false)) ||
                 (polls[2].revents && !accept_all(door, door->gateway_listener, true));
        if (paused && !was_paused)
            log_warning("no descriptors are left for new connections: %s", g_strerror(errno));
        if (clock_monotonic_ms() - swept_ms >= SWEEP_MS) {
            swept_ms = clock_monotonic_ms();
            sweep(door);
        }
    }
}

static bool listen_nonblocking(const char *path, mode_t mode, int *ret, GError **error)
{
    *ret = socket_listen(path, mode, error);
    if (*ret < 0)
        return false;
    if (fcntl(*ret, F_SETFL, O_NONBLOCK) != 0)
        return oriel_fail_errno(error, errno, "socket \"%s\"", path);
    return true;
}

Door *door_open(const Config *config, DoorAdmit admit_function, void *data, GError **error)
{
    Door *door = g_new0(Door, 1);
    door->local_listener = door->gateway_listener = door->wake = -1;
    door->admit = admit_function;
    door->data = data;
    g_mutex_init(&door->lock);
    door->clients = g_hash_table_new_full(NULL, NULL, NULL, entry_free);
    door->counts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    door->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    g_autofree char *local = config_api_socket(config);
    g_autofree char *gateway = g_build_filename(config->runtime, "gateway.sock", NULL);
    bool done = door->wake >= 0 || oriel_fail_errno(error, errno, "eventfd");
    if (done && (done = listen_nonblocking(local, 0600, &door->local_listener, error)))
        door->local_path = g_steal_pointer(&local);
    if (done && (done = listen_nonblocking(gateway, 0660, &door->gateway_listener, error)))
        door->gateway_path = g_steal_pointer(&gateway);
    if (!done) {
        door_free(door);
        return NULL;
    }
    return door;
}

void door_start(Door *door)
{
    door->thread = g_thread_new("door", door_run, door);
}

void door_shut(Door *door)
{
    if (door->thread) {
        uint64_t one = 1;
        (void)!write(door->wake, &one, sizeof(one));
        g_clear_pointer(&door->thread, g_thread_join);
    }
    if (door->local_path)
        unlink(door->local_path);
    if (door->gateway_path)
        unlink(door->gateway_path);
    g_clear_pointer(&door->local_path, g_free);
    g_clear_pointer(&door->gateway_path, g_free);
    fd_clear(&door->local_listener);
    fd_clear(&door->gateway_listener);
}

void door_free(Door *door)
{
    if (!door)
        return;
    door_shut(door);
    fd_clear(&door->wake);
    g_hash_table_unref(door->clients);
    g_hash_table_unref(door->counts);
    g_mutex_clear(&door->lock);
    g_free(door);
}
