/* Tunnels into a real guest with the real oriel-agent. Needs ORIEL_TEST_KERNEL and ORIEL_TEST_INITRD
 * (tests/fixtures/machine/make-guest makes them); without them everything here is skipped. ORIEL_TEST_AGENT: another agent than this
 * build's, which is static and cannot be built with a sanitizer. */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../fixtures/machine/must.h"

#include "base/error.h"
#include "base/file.h"
#include "base/secret.h"
#include "machine/agent.h"
#include "machine/machine.h"
#include "machine/overlay.h"
#include "machine/plug.h"
#include "machine/tunnel.h"

#define MEMORY ((uint64_t)192 << 20)
#define MEBIBYTE ((size_t)1 << 20)
#define AGENT_LIMIT_MS 120000
#define MANY (4 * MEBIBYTE)

static struct {
    char *folder, *machine_folder, *disk;
    const char *kernel, *initrd, *agent, *readable[2];
    Hypervisor *hypervisor;
    Machine *machine;
} house;

static MachineSpec spec_of(void)
{
    return (MachineSpec){.folder = house.machine_folder,
                         .memory = MEMORY,
                         .vcpus = 1,
                         .disk = house.disk,
                         .disk_is_raw = true,
                         .kernel = house.kernel,
                         .initrd = house.initrd,
                         .append = "console=ttyS0 quiet real-agent",
                         .readable = house.readable};
}

/* The tiny guest lacks most of what an identity is: the agent says so, and is ready all the same. */
static void wait_agent(void)
{
    const AgentIdentity identity = {.hostname = "desktop"};
    g_autoptr(GError) lacks = NULL;
    if (!agent_identity(house.machine, &identity, AGENT_LIMIT_MS, NULL, &lacks))
        g_test_message("%s", lacks->message);
    must(agent_wait_ready(house.machine, false, AGENT_LIMIT_MS, &failure));
    g_assert_true(agent_tunnels(house.machine));
}

static int open_tunnel(unsigned number, const char *words)
{
    GError *error = NULL;
    int fd = tunnel_open(house.machine, number, &error);
    g_assert_no_error(error);
    g_assert_cmpint(fd, >=, 0);
    must(fd_write_all(fd, words, strlen(words), &failure));
    return fd;
}

static void assert_ended(int fd)
{
    char byte;
    g_assert_cmpint(recv(fd, &byte, 1, 0), ==, 0);
}

static void assert_echoes(int fd, const char *words)
{
    char back[64];
    must(fd_write_all(fd, words, strlen(words), &failure));
    g_assert_cmpint(recv(fd, back, strlen(words), MSG_WAITALL), ==, (ssize_t)strlen(words));
    g_assert_cmpmem(back, strlen(words), words, strlen(words));
}

static size_t read_to_end(int fd)
{
    char bytes[65536];
    ssize_t got;
    size_t all = 0;
    while ((got = recv(fd, bytes, sizeof bytes, 0)) > 0)
        all += (size_t)got;
    g_assert_cmpint(got, ==, 0);
    return all;
}

typedef struct {
    int fd;
    const char *bytes;
} Sender;

static void *send_many(void *data)
{
    const Sender *sender = data;
    must(fd_write_all(sender->fd, sender->bytes, MANY, &failure));
    return NULL;
}

/* Megabytes both ways at once come back as they went; then the host closes first. */
static void test_echo(void)
{
    g_autofree char *sent = g_malloc(MANY), *back = g_malloc(MANY);
    for (size_t i = 0; i < MANY; i++)
        sent[i] = (char)(i * 31 + i / 4099);
    autofd int fd = open_tunnel(TUNNEL_RDP, "echo\n");
    GThread *thread = g_thread_new("sender", send_many, &(Sender){fd, sent});
    for (size_t have = 0; have < MANY;) {
        ssize_t got = recv(fd, back + have, MANY - have, 0);
        g_assert_cmpint(got, >, 0);
        have += (size_t)got;
    }
    g_thread_join(thread);
    g_assert_cmpint(memcmp(sent, back, MANY), ==, 0);
    fd_clear(&fd);
    autofd int again = open_tunnel(TUNNEL_RDP, "echo\n");
    assert_echoes(again, "the next one");
}

/* The target closes first: all that it sent comes, and then the end, also where nobody reads until long after. */
static void test_target_closes(void)
{
    autofd int fd = open_tunnel(TUNNEL_RDP, "talk 3000000\n");
    g_assert_cmpuint(read_to_end(fd), ==, 3000000);
    autofd int late = open_tunnel(TUNNEL_RDP, "talk 1500000\n");
    g_usleep(4 * G_USEC_PER_SEC);
    g_assert_cmpuint(read_to_end(late), ==, 1500000);
    autofd int short_one = open_tunnel(TUNNEL_RDP, "talk 1\n");
    g_assert_cmpuint(read_to_end(short_one), ==, 1);
}

static void test_nobody_listens(void)
{
    autofd int fd = open_tunnel(5, "hello");
    assert_ended(fd);
    g_autoptr(GError) error = NULL;
    g_assert_cmpint(tunnel_open(house.machine, TUNNELS_MOST, &error), ==, -1);
    g_assert_cmpint(oriel_error_kind(error), ==, ORIEL_ERROR_INVALID);
}

static void test_later_one_replaces(void)
{
    autofd int first = open_tunnel(TUNNEL_RDP, "echo\n");
    assert_echoes(first, "first");
    autofd int second = open_tunnel(TUNNEL_RDP, "echo\n");
    assert_ended(first);
    assert_echoes(second, "second");
    autofd int other = open_tunnel(7, "");
    assert_ended(other);
    assert_echoes(second, "is left alone");
}

/* A further one leads to the same place and ends nobody; those that have ended make way for others; there are three at most. */
static void test_beside(void)
{
    GError *error = NULL;
    autofd int first = open_tunnel(TUNNEL_RDP, "echo\n");
    assert_echoes(first, "first");
    int further[TUNNEL_STREAMS_MOST / TUNNELS_MOST - 1];
    for (size_t i = 0; i < G_N_ELEMENTS(further); i++) {
        further[i] = tunnel_open_beside(house.machine, TUNNEL_RDP, &error);
        g_assert_no_error(error);
        must(fd_write_all(further[i], "echo\n", 5, &failure));
        assert_echoes(further[i], "beside");
    }
    g_assert_cmpint(tunnel_open_beside(house.machine, TUNNEL_RDP, &error), ==, -1);
    g_assert_error(error, oriel_error_quark(), ORIEL_ERROR_UNAVAILABLE);
    g_clear_error(&error);
    for (size_t i = 0; i < G_N_ELEMENTS(further); i++) {
        assert_echoes(further[i], "still");
        fd_clear(&further[i]);
    }
    assert_echoes(first, "first again");
    autofd int talk = tunnel_open_beside(house.machine, TUNNEL_RDP, &error);
    g_assert_no_error(error);
    must(fd_write_all(talk, "talk 5000\n", 10, &failure));
    g_assert_cmpuint(read_to_end(talk), ==, 5000);
    autofd int last = open_tunnel(TUNNELS_MOST - 1, ""); /* its port may be that of one beside */
    assert_ended(last);
    assert_echoes(first, "and on");
}

static void fill(int fd)
{
    static const char block[65536];
    for (int quiet = 0; quiet < 20;) {
        ssize_t sent = send(fd, block, sizeof block, MSG_DONTWAIT | MSG_NOSIGNAL);
        quiet = sent > 0 ? 0 : quiet + 1;
        if (sent <= 0)
            g_usleep(50000);
    }
}

/* Who sends without end, or never reads, keeps neither the agent nor the next one. */
static void test_flood_and_deaf(void)
{
    autofd int flood = open_tunnel(TUNNEL_RDP, "flood\n");
    char byte;
    g_assert_cmpint(recv(flood, &byte, 1, 0), ==, 1);
    must(agent_ping(house.machine, AGENT_LIMIT_MS, &failure));
    autofd int deaf = open_tunnel(TUNNEL_RDP, "deaf\n");
    fill(deaf);
    must(agent_ping(house.machine, AGENT_LIMIT_MS, &failure));
    fd_clear(&deaf);
    autofd int fd = open_tunnel(TUNNEL_RDP, "echo\n");
    assert_echoes(fd, "and on");
}

/* Without us it goes on; whoever takes the machine over ends what is over, and opens anew. */
static void test_adoption(void)
{
    GError *error = NULL;
    autofd int fd = open_tunnel(TUNNEL_RDP, "echo\n");
    assert_echoes(fd, "before");
    machine_unref(house.machine);
    assert_echoes(fd, "meanwhile");
    house.machine = machine_adopt(house.hypervisor, house.machine_folder, &error);
    g_assert_no_error(error);
    wait_agent();
    assert_echoes(fd, "after");
    autofd int second = open_tunnel(TUNNEL_RDP, "take 5000\n");
    assert_ended(fd);
    char said[6];
    g_assert_cmpint(recv(second, said, sizeof said, MSG_WAITALL), ==, sizeof said); /* the guest has opened it */
    machine_unref(house.machine);
    house.machine = machine_adopt(house.hypervisor, house.machine_folder, &error);
    g_assert_no_error(error);
    wait_agent();
    g_autofree char *zeros = g_malloc0(5000);
    must(fd_write_all(second, zeros, 5000, &failure));
    read_to_end(second); /* it ends, though nobody here has opened it */
    autofd int third = open_tunnel(TUNNEL_RDP, "talk 1000\n");
    g_assert_cmpint(recv(third, said, 1, 0), ==, 1);
    machine_unref(house.machine);
    g_usleep(2 * G_USEC_PER_SEC); /* the guest closes while there is no orield */
    house.machine = machine_adopt(house.hypervisor, house.machine_folder, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(read_to_end(third), ==, 999);
    wait_agent();
}

/* A tunnel is no part of what sleeps: its end is seen, and what wakes up has none. */
static void test_suspend(void)
{
    GError *error = NULL;
    autofd int fd = open_tunnel(TUNNEL_RDP, "echo\n");
    autofd int other = open_tunnel(TUNNELS_MOST - 1, "");
    assert_echoes(fd, "awake");
    g_autofree char *state = g_build_filename(house.machine_folder, "suspended", NULL);
    must(machine_suspend(house.machine, state, &failure));
    assert_ended(fd);
    assert_ended(other);
    machine_unref(house.machine);
    const MachineSpec spec = spec_of();
    house.machine = machine_resume(house.hypervisor, &spec, state, &error);
    g_assert_no_error(error);
    wait_agent();
    autofd int again = open_tunnel(TUNNEL_RDP, "echo\n");
    assert_echoes(again, "awake again");
    must(machine_kill(house.machine, &failure));
    assert_ended(again);
}

static void disk_make(void)
{
    g_autofree char *agent = NULL;
    size_t length;
    g_assert_true(g_file_get_contents(house.agent, &agent, &length, NULL));
    size_t whole = MEBIBYTE + (length + MEBIBYTE - 1) / MEBIBYTE * MEBIBYTE;
    g_autofree char *bytes = g_malloc0(whole);
    memcpy(bytes + MEBIBYTE, agent, length);
    g_assert_true(g_file_set_contents(house.disk, bytes, (gssize)whole, NULL));
}

static void test_boot(void)
{
    GError *error = NULL;
    house.folder = g_dir_make_tmp("oriel-tunnel-XXXXXX", NULL);
    house.machine_folder = g_build_filename(house.folder, "machine", NULL);
    house.disk = g_build_filename(house.machine_folder, "disk.raw", NULL);
    must(folder_make(house.machine_folder, 0700, &failure));
    disk_make();
    house.readable[0] = g_path_get_dirname(house.kernel);
    const HypervisorOptions options = {.state_folder = house.folder};
    house.hypervisor = hypervisor_open(&options, &error);
    g_assert_no_error(error);
    const MachineSpec spec = spec_of();
    house.machine = machine_start(house.hypervisor, &spec, &error);
    g_assert_no_error(error);
    wait_agent();
}

static void house_close(void)
{
    machine_unref(house.machine);
    hypervisor_close(house.hypervisor);
    must(folder_remove(house.folder, &failure));
    g_free(house.folder);
    g_free(house.machine_folder);
    g_free(house.disk);
    g_free((char *)house.readable[0]);
}

static void test_skipped(void)
{
    g_test_skip("ORIEL_TEST_KERNEL and ORIEL_TEST_INITRD are not set: run tests/fixtures/machine/make-guest");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    house.kernel = g_getenv("ORIEL_TEST_KERNEL");
    house.initrd = g_getenv("ORIEL_TEST_INITRD");
    house.agent = g_getenv("ORIEL_TEST_AGENT") ? g_getenv("ORIEL_TEST_AGENT") : ORIEL_AGENT;
    if (!house.kernel || !house.initrd) {
        g_test_add_func("/tunnel", test_skipped);
        return g_test_run();
    }
    g_assert_true(secret_init(NULL));
    signal(SIGPIPE, SIG_IGN);
    g_test_add_func("/tunnel/boot", test_boot);
    g_test_add_func("/tunnel/echo", test_echo);
    g_test_add_func("/tunnel/target-closes", test_target_closes);
    g_test_add_func("/tunnel/nobody-listens", test_nobody_listens);
    g_test_add_func("/tunnel/later-one-replaces", test_later_one_replaces);
    g_test_add_func("/tunnel/beside", test_beside);
    g_test_add_func("/tunnel/flood-and-deaf", test_flood_and_deaf);
    g_test_add_func("/tunnel/adoption", test_adoption);
    g_test_add_func("/tunnel/suspend", test_suspend);
    int result = g_test_run();
    house_close();
    return result;
}
