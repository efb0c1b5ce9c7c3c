/* What a machine's VNC server, or a viewer that was let to one, says in the first messages of RFB, and what a server paints. */
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "base/file.h"
#include "host/rfb_logon.h"
#include "host/rfb_picture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef enum { SERVER, VIEWER, SCREEN } Role;

static void talk(const uint8_t *data, size_t size, Role role)
{
    int pair[2];
    if (size == 0 || size > 4096 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return;
    autofd int ours = pair[0], theirs = pair[1];
    int64_t deadline_us = g_get_monotonic_time() + G_USEC_PER_SEC;
    g_autoptr(GError) error = NULL;
    bool in = false;
    if (!fd_write_all(theirs, data, size, NULL) || shutdown(theirs, SHUT_WR) != 0)
        return;
    g_autoptr(GBytes) png = role == SCREEN ? rfb_picture(ours, deadline_us, &error) : NULL;
    if (role == SCREEN)
        in = png != NULL;
    else
        in = role == SERVER ? rfb_log_on(ours, "password", deadline_us, &error) : rfb_let_in(ours, deadline_us, &error);
    g_assert(in == (error == NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    talk(data, size, SERVER);
    talk(data, size, VIEWER);
    talk(data, size, SCREEN);
    return 0;
}
