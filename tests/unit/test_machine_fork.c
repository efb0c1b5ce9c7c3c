/* A whole life with a real QEMU and a tiny guest: boot, freeze, fork, attack, adopt, suspend. Needs
 * ORIEL_TEST_KERNEL and ORIEL_TEST_INITRD (tests/fixtures/machine/make-guest makes them); without them
 * everything here is skipped. */
#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "../fixtures/machine/must.h"

#include "base/error.h"
#include "base/file.h"
#include "base/secret.h"
#include "machine/agent.h"
#include "machine/display.h"
#include "machine/machine_internal.h"
#include "machine/machine_memory.h"
#include "machine/overlay.h"
#include "machine/plug.h"
#include "machine/template_internal.h"
#include "machine/template_ram.h"

#define MEMORY ((uint64_t)192 << 20)
#define BOOT_LIMIT_MS 300000
#define AGENT_LIMIT_MS 60000
#define FORKS 3

typedef struct {
    char *folder; /* STATE of this test */
    char *base;   /* the image's disk */
    const char *kernel, *initrd;
    char *key;
    Hypervisor *hypervisor;
    Template *template;
    const char *readable[3];
} House;

static House house;

static void expect_kind(GError **error, OrielErrorKind kind)
{
    g_assert_nonnull(*error);
    g_test_message("%s", (*error)->message);
    g_assert_cmpint(oriel_error_kind(*error), ==, kind);
    g_clear_error(error);
}

static Hypervisor *open_hypervisor(void)
{
    GError *error = NULL;
    const HypervisorOptions options = {.state_folder = house.folder};
    Hypervisor *hypervisor = hypervisor_open(&options, &error);
    g_assert_no_error(error);
    return hypervisor;
}

static char *folder_in(const char *room, const char *name)
{
    g_autofree char *parent = g_build_filename(house.folder, room, NULL);
    must(folder_make(parent, 0700, &failure));
    return g_build_filename(parent, name, NULL);
}

static char *ask(Machine *machine, const char *type)
{
    char *steps = NULL;
    must(agent_link_call(machine->agent, json_pack("{s:s}", "type", type), AGENT_LIMIT_MS, &steps, &failure));
    return steps ? steps : g_strdup("");
}

/* The value after "name=" in what the guest told; "" if it told none. Caller frees. */
static char *told(const char *steps, const char *name)
{
    g_autofree char *wanted = g_strconcat(name, "=", NULL);
    const char *at = strstr(steps, wanted);
    if (!at)
        return g_strdup("");
    at += strlen(wanted);
    return g_strndup(at, strcspn(at, ", "));
}

static void assert_told(const char *steps, const char *name, const char *value)
{
    g_autofree char *found = told(steps, name);
    g_test_message("%s: %s", name, found);
    g_assert_cmpstr(found, ==, value);
}

static Machine *fork_named(const char *name, ForkTiming *timing)
{
    GError *error = NULL;
    g_autofree char *folder = folder_in("desktops", name);
    const ForkSpec spec = {.folder = folder};
    Machine *machine = template_fork(house.template, &spec, timing, &error);
    g_assert_no_error(error);
    return machine;
}

static char *identify(Machine *machine)
{
    const AgentIdentity identity = {.hostname = "desktop"};
    char *steps = NULL;
    must(agent_identity(machine, &identity, AGENT_LIMIT_MS, &steps, &failure));
    return steps;
}

static void end(Machine *machine)
{
    g_autofree char *folder = g_strdup(machine_folder(machine));
    must(machine_kill(machine, &failure));
    machine_unref(machine);
    must(folder_remove(folder, &failure));
}

/* ---- boot and freeze: everything below forks this template ---- */

static void test_boot_and_freeze(void)
{
    GError *error = NULL;
    house.key = template_key(house.hypervisor, MEMORY, 1, "test image");
    g_autofree char *folder = folder_in("templates", house.key);
    must(folder_make(folder, 0700, &failure));
    g_autofree char *disk = g_build_filename(folder, "disk.qcow2", NULL);
    must(overlay_create(disk, house.base, true, 0, &failure));
    const MachineSpec spec = {.folder = folder,
                              .memory = MEMORY,
                              .vcpus = 1,
                              .disk = disk,
                              .kernel = house.kernel,
                              .initrd = house.initrd,
                              .append = "console=ttyS0 quiet",
                              .readable = house.readable,
                              .freezable = true};
    g_autoptr(Machine) machine = machine_start(house.hypervisor, &spec, &error);
    g_assert_no_error(error);
    must(agent_wait_ready(machine, true, BOOT_LIMIT_MS, &failure));
    must(agent_prepare_freeze(machine, AGENT_LIMIT_MS, &failure));
    if (house.hypervisor->features->vdagent)
        must(plug_clipboard(machine, &failure)); /* it must not hinder the freeze */
    house.template = template_freeze(machine, house.key, house.readable, &error);
    g_assert_no_error(error);
    g_assert_cmpint(machine_state(machine), ==, MACHINE_STATE_ENDED);
}

/* ---- forks differ where they must, and are equal where they must ---- */

static void test_forks_differ(void)
{
    Machine *machines[FORKS];
    g_autoptr(GHashTable) randoms = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GHashTable) macs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (int i = 0; i < FORKS; i++) {
        g_autofree char *name = g_strdup_printf("differ%d", i);
        ForkTiming timing;
        machines[i] = fork_named(name, &timing);
        g_assert_false(timing.from_waiting);
        g_assert_cmpint(machine_state(machines[i]), ==, MACHINE_STATE_RUNNING);
        g_assert_cmpstr(machine_template_key(machines[i]), ==, house.key);
        g_autofree char *steps = identify(machines[i]);
        assert_told(steps, "reseeded", "1"); /* vmgenid reached the guest's kernel */
        assert_told(steps, "ballast", "yes");
        assert_told(steps, "mac", ""); /* no NIC before the identity is done */
        g_autofree char *seconds = told(steps, "time");
        g_assert_cmpint(ABS(g_ascii_strtoll(seconds, NULL, 10) - g_get_real_time() / 1000000), <, 60);
        g_hash_table_add(randoms, told(steps, "random"));
    }
    for (int i = 0; i < FORKS; i++) {
        must(plug_network(machines[i], NULL, &failure));
        must(plug_network(machines[i], NULL, &failure)); /* twice is once */
        g_autofree char *steps = ask(machines[i], "x-look");
        g_hash_table_add(macs, told(steps, "mac"));
    }
    g_assert_cmpuint(g_hash_table_size(randoms), ==, FORKS);
    g_assert_cmpuint(g_hash_table_size(macs), ==, FORKS);
    g_assert_false(g_hash_table_contains(macs, ""));
    for (int i = 0; i < FORKS; i++)
        end(machines[i]);
}

/* What one writes to its disk, another does not see. */
static void test_disks_apart(void)
{
    Machine *one = fork_named("disk1", NULL);
    Machine *other = fork_named("disk2", NULL);
    g_autofree char *before = ask(other, "x-look");
    g_autofree char *mark_before = told(before, "first");
    g_free(ask(one, "x-write"));
    g_autofree char *changed = ask(one, "x-look");
    g_autofree char *mark_changed = told(changed, "first");
    g_autofree char *after = ask(other, "x-look");
    g_assert_cmpstr(mark_before, !=, mark_changed);
    assert_told(after, "first", mark_before);
    end(one);
    end(other);
}

/* ---- trap 1: nothing may change the template's RAM ---- */

static void test_seal(void)
{
    int ram = house.template->ram;
    g_assert_true(template_ram_is_sealed(ram));
    g_assert_cmpint(pwrite(ram, "x", 1, 0), ==, -1);
    g_assert_cmpint(errno, ==, EPERM);
    g_assert_cmpint(ftruncate(ram, 0), ==, -1);
    g_assert_cmpint(errno, ==, EPERM);
    g_assert_cmpint(ftruncate(ram, (off_t)MEMORY * 2), ==, -1);
    g_assert_cmpint(errno, ==, EPERM);
    g_assert_cmpint(fallocate(ram, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1 << 20), ==, -1);
    g_assert_cmpint(errno, ==, EPERM);
    g_assert_true(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ram, 0) == MAP_FAILED);
    g_assert_cmpint(fcntl(ram, F_ADD_SEALS, F_SEAL_WRITE), ==, -1);
}

/* A balloon, smuggled into one fork and blown up with pages that its siblings still use, would punch holes
 * into theirs. */
static void test_balloon_attack(void)
{
    Machine *attacker = fork_named("attacker", NULL);
    Machine *sibling = fork_named("sibling", NULL);
    g_free(ask(attacker, "x-drop"));
    must(qmp_finish(qmp_device_add(attacker->qmp, json_pack("{s:s, s:s, s:s}", "driver", "virtio-balloon-pci",
                                                            "id", "balloon", "bus", MACHINE_PORT_SPARE)),
                    0, NULL, &failure));
    g_autoptr(QmpWatch) watch = qmp_watch(attacker->qmp, "BALLOON_CHANGE");
    must(qmp_run(attacker->qmp, "balloon", json_pack("{s:I}", "value", (json_int_t)96 << 20), 0, NULL,
                 &failure));
    for (int64_t actual = (int64_t)MEMORY; actual > (int64_t)100 << 20;) {
        GError *error = NULL;
        g_autoptr(Json) event = qmp_watch_next(watch, AGENT_LIMIT_MS, &error);
        g_assert_no_error(error);
        actual = json_integer_value(json_object_get(event, "actual"));
    }
    g_autofree char *steps = ask(sibling, "x-look");
    assert_told(steps, "ballast", "yes");
    Machine *later = fork_named("later", NULL);
    g_autofree char *steps_later = ask(later, "x-look");
    assert_told(steps_later, "ballast", "yes");
    end(attacker);
    end(sibling);
    end(later);
}

/* ---- waiting processes ---- */

static void test_waiting(void)
{
    ForkTiming timing;
    template_keep_waiting(house.template, 2, false);
    g_assert_true(template_wait_waiting(house.template, BOOT_LIMIT_MS));
    Machine *machine = fork_named("waited", &timing);
    g_assert_true(timing.from_waiting);
    g_assert_true(g_str_has_suffix(machine_folder(machine), "/desktops/waited"));
    g_autofree char *steps = identify(machine);
    assert_told(steps, "reseeded", "1");
    assert_told(steps, "ballast", "yes");
    g_free(ask(machine, "x-write")); /* its disk is found under the new name */
    int display = -1;
    char version[12];
    must((display = display_connect(machine, &failure)) >= 0);
    g_assert_cmpint(read(display, version, sizeof version), ==, sizeof version);
    g_assert_cmpint(memcmp(version, "RFB ", 4), ==, 0);
    close(display);
    GError *error = NULL;
    g_autoptr(GBytes) picture = display_screenshot(machine, 1 << 24, &error);
    g_assert_no_error(error);
    g_assert_cmpint(memcmp(g_bytes_get_data(picture, NULL), "\x89PNG", 4), ==, 0);
    end(machine);
    /* One that was killed is not handed out, and is made anew. */
    g_assert_true(template_wait_waiting(house.template, BOOT_LIMIT_MS));
    Machine *killed = waiting_take(house.template->waiting, false);
    g_assert_nonnull(killed);
    end(killed);
    g_assert_true(template_wait_waiting(house.template, BOOT_LIMIT_MS));
    template_keep_waiting(house.template, 0, false);
}

/* What a former orield left waiting is gone after waiting_clear. */
static void test_waiting_clear(void)
{
    GError *error = NULL;
    g_autofree char *folder = folder_in("waiting", "left-over");
    const ForkSpec spec = {.folder = folder};
    ForkTiming timing;
    Machine *machine = fork_start(house.template, &spec, true, &timing, &error);
    g_assert_no_error(error);
    g_assert_cmpint(machine_state(machine), ==, MACHINE_STATE_PAUSED);
    must(waiting_clear(house.hypervisor, &failure));
    g_assert_false(g_file_test(folder, G_FILE_TEST_EXISTS));
    must(machine_wait_end(machine, AGENT_LIMIT_MS, &failure));
    machine_unref(machine);
}

/* ---- a new orield takes over ---- */

static void test_adoption(void)
{
    GError *error = NULL;
    Machine *first = fork_named("adopted", NULL);
    g_autofree char *folder = g_strdup(machine_folder(first));
    pid_t pid = machine_pid(first);
    machine_unref(first); /* as far as QEMU can tell, orield has died */
    Machine *second = machine_adopt(house.hypervisor, folder, &error);
    g_assert_no_error(error);
    g_assert_cmpint(machine_pid(second), ==, pid);
    g_assert_cmpint(machine_state(second), ==, MACHINE_STATE_RUNNING);
    g_assert_cmpstr(machine_template_key(second), ==, house.key);
    must(plug_network(second, "52:54:00:12:34:56", &failure));
    g_autofree char *steps = identify(second);
    assert_told(steps, "mac", "52:54:00:12:34:56");
    /* The template's RAM comes out of the running fork: the same memory, not a second copy. */
    struct stat shared, opened;
    g_autoptr(Template) template = template_open(house.hypervisor, house.template->folder, house.key, &error);
    g_assert_no_error(error);
    g_assert_cmpint(fstat(house.template->ram, &shared), ==, 0);
    g_assert_cmpint(fstat(template->ram, &opened), ==, 0);
    g_assert_cmpuint(shared.st_ino, ==, opened.st_ino);
    must(machine_kill(second, &failure));
    machine_unref(second);
    g_assert_null(machine_adopt(house.hypervisor, folder, &error));
    expect_kind(&error, ORIEL_ERROR_NOT_FOUND);
    must(machine_kill_in(folder, &failure));
    must(folder_remove(folder, &failure));
}

/* machine.json may lie: a pid that is somebody else's by now is not touched. */
static void test_pid_of_another(void)
{
    GError *error = NULL;
    g_autofree char *folder = folder_in("desktops", "liar");
    MachineRecord record = {.memory = MEMORY, .vcpus = 1};
    must(folder_make(folder, 0700, &failure));
    must(process_identify(getpid(), &record.identity, &failure));
    must(machine_record_write(folder, &record, &failure));
    must(machine_kill_in(folder, &failure)); /* we live: our working folder is another */
    record.identity.start_time++;
    must(machine_record_write(folder, &record, &failure));
    g_assert_null(machine_adopt(house.hypervisor, folder, &error));
    expect_kind(&error, ORIEL_ERROR_NOT_FOUND);
    must(folder_remove(folder, &failure));
}

typedef struct {
    GMutex lock;
    GCond changed;
    bool ended;
    MachineEnd end;
    unsigned viewers_most, viewers;
} Heard;

static void on_ended(Machine *machine, MachineEnd end, void *data)
{
    Heard *heard = data;
    g_mutex_lock(&heard->lock);
    heard->ended = true;
    heard->end = end;
    g_cond_broadcast(&heard->changed);
    g_mutex_unlock(&heard->lock);
}

static void on_viewers(Machine *machine, unsigned viewers, void *data)
{
    Heard *heard = data;
    g_mutex_lock(&heard->lock);
    heard->viewers = viewers;
    heard->viewers_most = MAX(heard->viewers_most, viewers);
    g_cond_broadcast(&heard->changed);
    g_mutex_unlock(&heard->lock);
}

static MachineEnd wait_ended(Heard *heard)
{
    g_mutex_lock(&heard->lock);
    while (!heard->ended)
        g_cond_wait(&heard->changed, &heard->lock);
    g_mutex_unlock(&heard->lock);
    return heard->end;
}

/* Every way of ending is told, with its reason. */
static void test_ends(void)
{
    static const MachineListener listener = {.ended = on_ended};
    static const struct {
        const char *message;
        MachineEnd end;
    } rows[] = {
        {"shut-down", MACHINE_END_SHUT_DOWN}, {"x-reboot", MACHINE_END_RESET}, {NULL, MACHINE_END_CRASHED}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        Heard heard = {0};
        Machine *machine = fork_named("ends", NULL);
        machine_set_listener(machine, &listener, &heard);
        if (rows[i].message)
            must(agent_link_call(machine->agent, json_pack("{s:s}", "type", rows[i].message), 0, NULL,
                                 &failure));
        else
            g_assert_cmpint(kill(machine_pid(machine), SIGKILL), ==, 0);
        g_assert_cmpint(wait_ended(&heard), ==, rows[i].end);
        GError *error = NULL;
        g_assert_false(agent_ping(machine, AGENT_LIMIT_MS, &error));
        expect_kind(&error, ORIEL_ERROR_UNAVAILABLE);
        end(machine);
    }
}

/* A QEMU that hangs answers nothing, keeps nobody waiting for longer than the limit, and can be killed. */
static void test_hang(void)
{
    GError *error = NULL;
    Machine *machine = fork_named("hangs", NULL);
    g_assert_cmpint(kill(machine_pid(machine), SIGSTOP), ==, 0);
    g_assert_false(qmp_finish(qmp_query_status(machine->qmp), 300, NULL, &error));
    expect_kind(&error, ORIEL_ERROR_TIMEOUT);
    g_assert_false(agent_ping(machine, 300, &error));
    expect_kind(&error, ORIEL_ERROR_TIMEOUT);
    g_assert_false(machine_wait_end(machine, 100, &error));
    expect_kind(&error, ORIEL_ERROR_TIMEOUT);
    end(machine);
}

static guint count_descriptors(void)
{
    g_autoptr(GDir) folder = g_dir_open("/proc/self/fd", 0, NULL);
    guint count = 0;
    while (g_dir_read_name(folder))
        count++;
    return count;
}

/* Forks that succeed and forks that fail leave no descriptor behind. */
static void test_descriptors(void)
{
    end(fork_named("first", NULL));
    guint before = count_descriptors();
    for (int i = 0; i < 3; i++) {
        g_autoptr(GError) error = NULL;
        const ForkSpec spec = {.folder = "/proc/nowhere"};
        end(fork_named("again", NULL));
        g_assert_null(template_fork(house.template, &spec, NULL, &error));
        g_assert_nonnull(error);
    }
    g_assert_cmpuint(count_descriptors(), ==, before);
}

/* A handshake as a viewer that shares, up to ServerInit. */
static int viewer_open(Machine *machine)
{
    char buffer[256];
    int fd = -1;
    must((fd = display_connect(machine, &failure)) >= 0);
    g_assert_cmpint(recv(fd, buffer, 12, MSG_WAITALL), ==, 12);
    must(fd_write_all(fd, "RFB 003.008\n", 12, &failure));
    g_assert_cmpint(recv(fd, buffer, 2, MSG_WAITALL), ==, 2);
    must(fd_write_all(fd, "\x01", 1, &failure));
    g_assert_cmpint(recv(fd, buffer, 4, MSG_WAITALL), ==, 4);
    must(fd_write_all(fd, "\x01", 1, &failure));
    g_assert_cmpint(recv(fd, buffer, 24, MSG_WAITALL), ==, 24);
    return fd;
}

static void wait_viewers(Heard *heard, unsigned viewers)
{
    g_mutex_lock(&heard->lock);
    while (heard->viewers != viewers)
        g_cond_wait(&heard->changed, &heard->lock);
    g_mutex_unlock(&heard->lock);
}

static void test_viewers(void)
{
    static const MachineListener listener = {.viewer_connected = on_viewers, .viewer_gone = on_viewers};
    Heard heard = {0};
    Machine *machine = fork_named("viewed", NULL);
    machine_set_listener(machine, &listener, &heard);
    int first = viewer_open(machine);
    wait_viewers(&heard, 1);
    int second = viewer_open(machine);
    wait_viewers(&heard, 2);
    close(first);
    wait_viewers(&heard, 1);
    must(display_disconnect_all(machine, &failure));
    wait_viewers(&heard, 0);
    g_assert_cmpuint(heard.viewers_most, ==, 2);
    char rest[4096];
    while (recv(second, rest, sizeof rest, 0) > 0)
        continue; /* until QEMU has closed it */
    close(second);
    end(machine);
}

/* Nobody who is let in before `disconnect` sees the next user's desktop: not even who stops just before ClientInit and goes on
 * later (QEMU's exclusive client ends only those who have sent it). Adopted machines too: orield remembers no viewer. */
static void test_half_open_viewers(void)
{
    GError *error = NULL;
    Machine *first = fork_named("half-open", NULL);
    int half[3];
    char rest[256];
    for (size_t i = 0; i < G_N_ELEMENTS(half); i++) {
        must((half[i] = display_connect(first, &failure)) >= 0);
        g_assert_cmpint(recv(half[i], rest, 12, MSG_WAITALL), ==, 12);
        must(fd_write_all(half[i], "RFB 003.008\n", 12, &failure));
        g_assert_cmpint(recv(half[i], rest, 2, MSG_WAITALL), ==, 2);
    }
    int whole = viewer_open(first);
    g_autofree char *folder = g_strdup(machine_folder(first));
    machine_unref(first);
    Machine *machine = machine_adopt(house.hypervisor, folder, &error);
    g_assert_no_error(error);
    must(display_disconnect_all(machine, &failure));
    unsigned viewers = 99;
    must(display_viewers(machine, &viewers, &failure));
    g_assert_cmpuint(viewers, ==, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(half); i++) {
        g_assert_cmpint(recv(half[i], rest, sizeof rest, 0), <=, 0);
        close(half[i]);
    }
    close(whole);
    close(viewer_open(machine)); /* the next user comes in */
    end(machine);
}

static void test_plugging(void)
{
    GError *error = NULL;
    Machine *machine = fork_named("plugged", NULL);
    g_autofree char *user_disk = g_build_filename(house.folder, "outside", "user.qcow2", NULL);
    g_autofree char *outside = g_path_get_dirname(user_disk);
    must(folder_make(outside, 0700, &failure));
    must(overlay_create(user_disk, house.base, true, 0, &failure));
    g_assert_false(plug_user_disk(machine, "/nowhere", false, &error));
    expect_kind(&error, ORIEL_ERROR_NOT_FOUND);
    must(plug_user_disk(machine, user_disk, false, &failure));
    must(plug_clipboard(machine, &failure));
    g_autofree char *steps = ask(machine, "x-look");
    g_assert_nonnull(strstr(steps, "oriel-user"));
    g_assert_nonnull(strstr(steps, MACHINE_VDAGENT_PORT));
    must(unplug_user_disk(machine, &failure));
    must(unplug_clipboard(machine, &failure));
    g_autofree char *without = ask(machine, "x-look");
    g_assert_null(strstr(without, "oriel-user"));
    g_assert_null(strstr(without, MACHINE_VDAGENT_PORT));
    must(plug_user_disk(machine, user_disk, false, &failure));
    must(plug_clipboard(machine, &failure));
    MachineMemory memory;
    must(machine_memory(machine, &memory, &failure));
    g_assert_cmpuint(memory.private_bytes, >, 0);
    g_assert_cmpuint(memory.resident, >=, memory.private_bytes);
    uint64_t activity = 0;
    must(machine_activity(machine, &activity, &failure));
    g_assert_cmpuint(activity, >, 0); /* its console has spoken */
    end(machine);
}

/* A guest that floods its port is slowed down, not obeyed, and works again afterwards. */
static void test_flood(void)
{
    Machine *machine = fork_named("flood", NULL);
    must(agent_link_call(machine->agent, json_pack("{s:s}", "type", "x-flood"), AGENT_LIMIT_MS, NULL,
                         &failure));
    must(agent_ping(machine, AGENT_LIMIT_MS, &failure));
    end(machine);
}

/* A fork goes to sleep on disk and wakes up as itself. */
static void test_suspend(void)
{
    GError *error = NULL;
    Machine *machine = fork_named("slept", NULL);
    g_free(ask(machine, "x-write"));
    g_autofree char *user_disk = g_build_filename(house.folder, "slept-user.qcow2", NULL);
    must(overlay_create(user_disk, house.base, true, 0, &failure));
    must(plug_network(machine, NULL, &failure));
    must(plug_user_disk(machine, user_disk, false, &failure));
    if (house.hypervisor->features->vdagent)
        must(plug_clipboard(machine, &failure));
    g_autofree char *before = ask(machine, "x-look");
    g_autofree char *mac = told(before, "mac");
    g_autofree char *mark = told(before, "first");
    g_autofree char *folder = g_strdup(machine_folder(machine));
    g_autofree char *state = g_build_filename(folder, "suspended", NULL);
    g_autofree char *disk = g_build_filename(folder, "disk.qcow2", NULL);
    must(machine_suspend(machine, state, &failure));
    g_assert_cmpint(machine_state(machine), ==, MACHINE_STATE_ENDED);
    machine_unref(machine);
    const char *readable[] = {house.template->folder, house.readable[0], house.readable[1], NULL};
    const MachineSpec spec = {.folder = folder,
                              .memory = MEMORY,
                              .vcpus = 1,
                              .disk = disk,
                              .readable = readable,
                              .network_mac = "",
                              .user_disk = user_disk};
    machine = machine_resume(house.hypervisor, &spec, state, &error);
    g_assert_no_error(error);
    g_autofree char *steps = ask(machine, "x-look");
    assert_told(steps, "first", mark);
    assert_told(steps, "ballast", "yes");
    assert_told(steps, "mac", mac);
    g_assert_cmpstr(mac, !=, "");
    g_assert_nonnull(strstr(steps, "oriel-user"));
    must(machine_quit(machine, &failure));
    machine_unref(machine);
    /* Cut short, it is no state. */
    g_assert_cmpint(truncate(state, 1 << 20), ==, 0);
    g_assert_null(machine_resume(house.hypervisor, &spec, state, &error));
    expect_kind(&error, ORIEL_ERROR_CORRUPT);
    must(folder_remove(folder, &failure));
}

/* ---- damage to a template is found, with the right kind ---- */

static void flip_byte(const char *path, off_t at)
{
    autofd int fd = open(path, O_RDWR | O_CLOEXEC);
    uint8_t byte;
    g_assert_cmpint(pread(fd, &byte, 1, at), ==, 1);
    byte ^= 0x55;
    g_assert_cmpint(pwrite(fd, &byte, 1, at), ==, 1);
}

static void expect_open_fails(const char *key, OrielErrorKind kind)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(template_open(house.hypervisor, house.template->folder, key, &error));
    expect_kind(&error, kind);
}

static void test_damage(void)
{
    static const struct {
        const char *file;
        off_t at; /* of a byte to change; -1: cut short by one byte */
    } rows[] = {{"state", 5000}, {"state", -1},      {"ram", 1 << 20},
                {"ram", -1},     {"disk.qcow2", -1}, {"template.json", 5}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_build_filename(house.template->folder, rows[i].file, NULL);
        g_autofree char *saved = g_strconcat(path, ".saved", NULL);
        const char *const copy[] = {"cp", "--sparse=always", "--preserve=all", path, saved, NULL};
        struct stat info;
        g_assert_true(
            g_spawn_sync(NULL, (char **)copy, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL));
        g_assert_cmpint(stat(path, &info), ==, 0);
        g_test_message("%s at %ld", rows[i].file, (long)rows[i].at);
        if (rows[i].at >= 0)
            flip_byte(path, rows[i].at);
        else
            g_assert_cmpint(truncate(path, info.st_size - 1), ==, 0);
        expect_open_fails(house.key, ORIEL_ERROR_CORRUPT);
        g_assert_cmpint(g_rename(saved, path), ==, 0);
    }
    expect_open_fails("another key", ORIEL_ERROR_STALE);
    GError *error = NULL;
    g_autoptr(Template) whole = template_open(house.hypervisor, house.template->folder, house.key, &error);
    g_assert_no_error(error);
}

/* A state that QEMU does not take: the error is CORRUPT and nothing is left over. */
static void test_bad_state(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *state = g_build_filename(house.template->folder, "state", NULL);
    g_autofree char *saved = g_strconcat(state, ".saved", NULL);
    g_autofree char *folder = folder_in("desktops", "bad");
    const ForkSpec spec = {.folder = folder};
    g_assert_cmpint(g_rename(state, saved), ==, 0);
    g_assert_true(g_file_set_contents(state, "this is no state", -1, NULL));
    g_assert_null(template_fork(house.template, &spec, NULL, &error));
    expect_kind(&error, ORIEL_ERROR_CORRUPT);
    g_assert_false(g_file_test(folder, G_FILE_TEST_EXISTS));
    g_assert_cmpint(g_rename(saved, state), ==, 0);
}

/* A folder in use is not forked into. */
static void test_folder_in_use(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = folder_in("desktops", "used");
    g_autofree char *file = g_build_filename(folder, "precious", NULL);
    const ForkSpec spec = {.folder = folder};
    must(folder_make(folder, 0700, &failure));
    g_assert_true(g_file_set_contents(file, "x", -1, NULL));
    template_keep_waiting(house.template, 1, false);
    g_assert_true(template_wait_waiting(house.template, BOOT_LIMIT_MS));
    g_assert_null(template_fork(house.template, &spec, NULL, &error));
    expect_kind(&error, ORIEL_ERROR_CONFLICT);
    g_assert_cmpuint(template_waiting(house.template), ==, 1);
    template_keep_waiting(house.template, 0, false);
    g_assert_true(g_file_test(file, G_FILE_TEST_EXISTS));
    must(folder_remove(folder, &failure));
}

static void house_open(void)
{
    house.folder = g_dir_make_tmp("oriel-fork-XXXXXX", NULL);
    house.base = g_build_filename(house.folder, "image", "disk.raw", NULL);
    g_autofree char *image = g_path_get_dirname(house.base);
    must(folder_make(image, 0700, &failure));
    g_assert_true(g_file_set_contents(house.base, "base", -1, NULL));
    g_assert_cmpint(truncate(house.base, 64 << 20), ==, 0);
    house.readable[0] = g_steal_pointer(&image);
    house.readable[1] = g_path_get_dirname(house.kernel);
    house.hypervisor = open_hypervisor();
}

static void house_close(void)
{
    template_unref(house.template);
    hypervisor_close(house.hypervisor);
    must(folder_remove(house.folder, &failure));
    g_free(house.folder);
    g_free(house.base);
    g_free(house.key);
    g_free((char *)house.readable[0]);
    g_free((char *)house.readable[1]);
}

static void test_skipped(void)
{
    g_test_skip("ORIEL_TEST_KERNEL and ORIEL_TEST_INITRD are not set: run tests/fixtures/machine/make-guest");
}

static void add_all(void)
{
    g_test_add_func("/machine/boot-and-freeze", test_boot_and_freeze);
    g_test_add_func("/machine/fork/differ", test_forks_differ);
    g_test_add_func("/machine/fork/disks-apart", test_disks_apart);
    g_test_add_func("/machine/fork/seal", test_seal);
    g_test_add_func("/machine/fork/balloon-attack", test_balloon_attack);
    g_test_add_func("/machine/waiting", test_waiting);
    g_test_add_func("/machine/waiting/clear", test_waiting_clear);
    g_test_add_func("/machine/adoption", test_adoption);
    g_test_add_func("/machine/adoption/pid-of-another", test_pid_of_another);
    g_test_add_func("/machine/ends", test_ends);
    g_test_add_func("/machine/hang", test_hang);
    g_test_add_func("/machine/descriptors", test_descriptors);
    g_test_add_func("/machine/viewers", test_viewers);
    g_test_add_func("/machine/viewers/half-open", test_half_open_viewers);
    g_test_add_func("/machine/plugging", test_plugging);
    g_test_add_func("/machine/agent-flood", test_flood);
    g_test_add_func("/machine/suspend", test_suspend);
    g_test_add_func("/machine/template/damage", test_damage);
    g_test_add_func("/machine/template/bad-state", test_bad_state);
    g_test_add_func("/machine/template/folder-in-use", test_folder_in_use);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    house.kernel = g_getenv("ORIEL_TEST_KERNEL");
    house.initrd = g_getenv("ORIEL_TEST_INITRD");
    if (!house.kernel || !house.initrd) {
        g_test_add_func("/machine/fork", test_skipped);
        return g_test_run();
    }
    g_assert_true(secret_init(NULL));
    house_open();
    add_all();
    int result = g_test_run();
    house_close();
    return result;
}
