/* The tunnels of simulated machines: whatever they serve says back what it hears. */
#include "host/simulated_internal.h"

#include <sys/socket.h>

#include "base/file.h"
#include "base/tunnel_wire.h"

static void *echo(void *data)
{
    autofd int fd = GPOINTER_TO_INT(data);
    char bytes[4096];
    ssize_t got;
    while ((got = recv(fd, bytes, sizeof bytes, 0)) > 0 && send(fd, bytes, (size_t)got, MSG_NOSIGNAL) == got)
        ;
    return NULL;
}

int simulated_tunnel(Machine *machine, unsigned number, GError **error)
{
    int ends[2];
    if (!simulated_called("tunnel", error))
        return -1;
    if (number >= TUNNELS_MOST || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
        oriel_fail(error, ORIEL_ERROR_INTERNAL, "simulated machine: no tunnel %u", number);
        return -1;
    }
    g_thread_unref(g_thread_new("tunnel", echo, GINT_TO_POINTER(ends[1])));
    return ends[0];
}
