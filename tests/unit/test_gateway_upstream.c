/* The way to orield, past whoever sits on the names of clients. */
#include <glib/gstdio.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/file.h"
#include "base/socket.h"
#include "gateway/upstream.h"

static void test_name_is_taken(void)
{
    static const char client[] = "[2001:db8::1]:51234";
    g_autofree char *folder = g_dir_make_tmp("oriel-upstream-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "gateway.sock", NULL);
    g_autoptr(GError) error = NULL;
    autofd int listener = socket_listen(path, 0600, &error);
    g_assert_no_error(error);
    for (int round = 0; round < 2; round++) { /* the second finds the name of the first */
        int fd = upstream_connect(path, client); /* stays open to the end of the test */
        g_assert_cmpint(fd, >=, 0);
        autofd int accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        struct sockaddr_un peer = {0};
        socklen_t length = sizeof peer;
        g_assert_cmpint(getpeername(accepted, (struct sockaddr *)&peer, &length), ==, 0);
        g_autofree char *name =
            g_strndup(peer.sun_path + 1, length - offsetof(struct sockaddr_un, sun_path) - 1);
        g_assert_true(g_str_has_prefix(name, "oriel/[2001:db8::1]:"));
        g_assert_cmpint(g_str_has_suffix(name, ":51234"), ==, round == 0);
    }
    g_unlink(path);
    g_rmdir(folder);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gateway/upstream/name-is-taken", test_name_is_taken);
    return g_test_run();
}
