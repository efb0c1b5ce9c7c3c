/* What stands between a viewer and a display that does not go straight to QEMU: neither end can hold the other, or a processor. */
#include "host/private.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"

#define MORE (4 * 1024 * 1024) /* than the sockets and the relay hold */

typedef struct {
    int machine, guest; /* the relay's, and whoever is behind it */
    int viewer, client;
    GThread *thread;
} Ends;

static void *run(void *data)
{
    const Ends *ends = data;
    relay_pump(ends->machine, ends->viewer);
    shutdown(ends->machine, SHUT_RDWR);
    shutdown(ends->viewer, SHUT_RDWR);
    return NULL;
}

static void ends_open(Ends *ends)
{
    int one[2], other[2];
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, one), ==, 0);
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, other), ==, 0);
    *ends = (Ends){.machine = one[0], .guest = one[1], .viewer = other[0], .client = other[1]};
    ends->thread = g_thread_new("relay", run, ends);
}

static void ends_close(Ends *ends)
{
    g_thread_join(ends->thread);
    fd_clear(&ends->machine);
    fd_clear(&ends->guest);
    fd_clear(&ends->viewer);
    fd_clear(&ends->client);
}

static size_t fill(int fd)
{
    static const char block[4096] = "";
    size_t sent = 0;
    int idle = 0;
    while (idle < 100 && sent < MORE) { /* until the relay has taken what it can, too */
        ssize_t count = send(fd, block, sizeof block, MSG_DONTWAIT | MSG_NOSIGNAL);
        idle = count > 0 ? 0 : idle + 1;
        sent += count > 0 ? (size_t)count : 0;
        if (count < 0)
            g_usleep(1000);
    }
    return sent;
}

/* Its viewer goes, and the relay with it. */
static void test_guest_that_never_reads(void)
{
    Ends ends;
    ends_open(&ends);
    g_assert_cmpuint(fill(ends.client), <, MORE);
    fd_clear(&ends.client);
    ends_close(&ends); /* hangs where it does not */
}

static void test_last_bytes(void)
{
    Ends ends;
    ends_open(&ends);
    size_t sent = fill(ends.guest), got = 0;
    fd_clear(&ends.guest);
    char block[4096];
    for (ssize_t count; (count = read(ends.client, block, sizeof block)) > 0;)
        got += (size_t)count;
    g_assert_cmpuint(got, ==, sent);
    ends_close(&ends);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/host/relay/a guest that never reads", test_guest_that_never_reads);
    g_test_add_func("/host/relay/last bytes", test_last_bytes);
    return g_test_run();
}
