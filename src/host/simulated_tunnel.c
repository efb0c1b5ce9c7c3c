/* The tunnels of simulated machines: whatever they serve says back what it hears. */
#include "host/simulated_internal.h"

#include <sys/socket.h>

#include "base/file.h"
#include "base/tunnel_wire.h"

static GMutex lock;
static GHashTable *ends; /* "machine number" → the guest's end of its latest tunnel; under lock */

static gboolean is_end(void *key, void *value, void *fd)
{
    return value == fd;
}

static void *echo(void *data)
{
    autofd int fd = GPOINTER_TO_INT(data);
    char bytes[4096];
    ssize_t got;
    while ((got = recv(fd, bytes, sizeof bytes, 0)) > 0 && send(fd, bytes, (size_t)got, MSG_NOSIGNAL) == got)
        ;
    g_mutex_lock(&lock);
    g_hash_table_foreach_remove(ends, is_end, GINT_TO_POINTER(fd));
    fd_clear(&fd);
    g_mutex_unlock(&lock);
    return NULL;
}

/* As the real one: whoever had this number before sees an end. */
static void end_earlier(const Machine *machine, unsigned number, int fd)
{
    gpointer earlier = NULL;
    char *key = g_strdup_printf("%p %u", (const void *)machine, number);
    g_mutex_lock(&lock);
    if (!ends)
        ends = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    if (g_hash_table_lookup_extended(ends, key, NULL, &earlier))
        shutdown(GPOINTER_TO_INT(earlier), SHUT_RDWR);
    g_hash_table_replace(ends, key, GINT_TO_POINTER(fd));
    g_mutex_unlock(&lock);
}

int simulated_tunnel(Machine *machine, unsigned number, GError **error)
{
    int ends_of[2];
    if (!simulated_called("tunnel", error))
        return -1;
    if (number >= TUNNELS_MOST || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_of) < 0) {
        oriel_fail(error, ORIEL_ERROR_INTERNAL, "simulated machine: no tunnel %u", number);
        return -1;
    }
    end_earlier(machine, number, ends_of[1]);
    g_thread_unref(g_thread_new("tunnel", echo, GINT_TO_POINTER(ends_of[1])));
    return ends_of[0];
}
