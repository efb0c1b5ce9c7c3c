/* What the host checks say, and who has a port. The probes of QEMU themselves are machine/'s. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "host/check.h"
#include "host/check_port.h"

static int listen_somewhere(uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(bind(fd, (struct sockaddr *)&address, length), ==, 0);
    g_assert_cmpint(listen(fd, 1), ==, 0);
    g_assert_cmpint(getsockname(fd, (struct sockaddr *)&address, &length), ==, 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static void test_port(void)
{
    uint16_t port = 0;
    int reason = 0, pid = 0;
    autofd int fd = listen_somewhere(&port);
    g_assert_false(port_can_listen("127.0.0.1", port, &reason));
    g_assert_cmpint(reason, ==, EADDRINUSE);
    g_autofree char *owner = port_owner(port, &pid);
    g_assert_cmpint(pid, ==, getpid());
    g_assert_nonnull(owner);
    fd_clear(&fd);
    g_assert_true(port_can_listen("127.0.0.1", port, &reason));
    g_assert_true(port_can_listen("::", port, &reason));
    g_assert_null(port_owner(port, &pid));
    g_assert_cmpint(pid, ==, 0);
}

static void test_bad_address(void)
{
    int reason = 0;
    g_assert_false(port_can_listen("desk.example", 8443, &reason));
    g_assert_cmpint(reason, ==, EINVAL);
    g_assert_false(port_can_listen("192.0.2.1", 8443, &reason)); /* TEST-NET: no address of this host */
    g_assert_cmpint(reason, ==, EADDRNOTAVAIL);
}

static const Check *check_named(GPtrArray *checks, const char *name)
{
    for (unsigned i = 0; i < checks->len; i++)
        if (strcmp(((const Check *)checks->pdata[i])->name, name) == 0)
            return checks->pdata[i];
    g_error("there is no check named %s", name);
}

static void test_all(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = g_dir_make_tmp("oriel-check-XXXXXX", &error);
    g_assert_no_error(error);
    g_setenv("ORIEL_STATE", folder, TRUE);
    uint16_t port = 0;
    autofd int taken = listen_somewhere(&port);
    g_autofree char *port_text = g_strdup_printf("%u", port);
    g_setenv("ORIEL_PORT", port_text, TRUE);
    g_setenv("ORIEL_LISTEN", "127.0.0.1", TRUE);
    g_autoptr(Config) config = config_load(NULL, &error);
    g_assert_no_error(error);
    /* The probe really runs guests: not in a unit test. Without QEMU in PATH that check fails, the others
     * stand. */
    g_setenv("PATH", "/nonexistent", TRUE);
    g_autoptr(GPtrArray) checks = host_check(config);
    g_assert_cmpint(check_named(checks, "qemu")->state, ==, CHECK_FAILED);
    g_assert_cmpint(check_named(checks, "images")->state, ==, CHECK_WARNING);
    const Check *port_check = check_named(checks, "port");
    g_assert_cmpint(port_check->state, ==, CHECK_FAILED);
    g_assert_nonnull(strstr(port_check->sentence, port_text));
    g_assert_nonnull(strstr(port_check->sentence, "ORIEL_PORT"));
    g_assert_cmpint(host_check_worst(checks), ==, CHECK_FAILED);
    for (unsigned i = 0; i < checks->len; i++)
        g_assert_true(g_str_has_suffix(((const Check *)checks->pdata[i])->sentence, "."));
    g_autoptr(Json) json = host_check_json(checks);
    g_assert_cmpuint(json_array_size(json_object_get(json, "checks")), ==, checks->len);
    g_autofree char *text = host_check_text(checks);
    g_assert_nonnull(strstr(text, "failed   port"));
    folder_remove(folder, NULL);
}

int main(int count, char **arguments)
{
    g_test_init(&count, &arguments, NULL);
    g_test_add_func("/host/check/port", test_port);
    g_test_add_func("/host/check/bad-address", test_bad_address);
    g_test_add_func("/host/check/all", test_all);
    return g_test_run();
}
