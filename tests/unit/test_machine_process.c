/* Starting, knowing again and confining processes; the accelerator's probe; the key of templates. */
#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "machine/accelerator.h"
#include "machine/machine_arguments.h"
#include "machine/process.h"
#include "machine/sandbox.h"
#include "machine/template.h"
#include "machine/hypervisor_internal.h"

#define LIMIT_MS 30000

typedef struct {
    char *folder;
    int output;
    bool recorded;
    bool refuse;
} Fixture;

static void set_up(Fixture *fixture, const void *data)
{
    fixture->folder = g_dir_make_tmp("oriel-process-XXXXXX", NULL);
    fixture->output = memfd_create("output", MFD_CLOEXEC);
}

static void tear_down(Fixture *fixture, const void *data)
{
    g_assert_true(folder_remove(fixture->folder, NULL));
    g_free(fixture->folder);
    fd_clear(&fixture->output);
}

static bool record(const ProcessIdentity *identity, void *data, GError **error)
{
    Fixture *fixture = data;
    fixture->recorded = true;
    if (fixture->refuse)
        return oriel_fail(error, ORIEL_ERROR_NO_SPACE, "cannot write it down");
    return true;
}

/* Runs a shell command line in the fixture's folder. */
static int start(Fixture *fixture, const char *script, int ruleset, ProcessIdentity *identity, GError **error)
{
    const char *const arguments[] = {"/bin/sh", "-c", script, NULL};
    const int fds[] = {fixture->output};
    const ProcessSpec spec = {.arguments = arguments,
                              .folder = fixture->folder,
                              .fds = fds,
                              .fd_count = 1,
                              .output = fixture->output,
                              .ruleset = ruleset,
                              .record = record,
                              .data = fixture};
    return process_start(&spec, identity, error);
}

static int run(Fixture *fixture, const char *script, int ruleset)
{
    g_autoptr(GError) error = NULL;
    ProcessIdentity identity;
    int status = -1;
    autofd int pidfd = start(fixture, script, ruleset, &identity, &error);
    g_assert_no_error(error);
    g_assert_true(process_wait(pidfd, LIMIT_MS, &status));
    return status;
}

static void test_start(Fixture *fixture, const void *data)
{
    char text[64] = {0};
    int status = run(fixture, "echo to-three >&3; echo to-out; exit 7", -1);
    g_assert_true(fixture->recorded);
    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, 7);
    g_assert_cmpint(pread(fixture->output, text, sizeof text, 0), >, 0);
    g_assert_cmpstr(text, ==, "to-three\nto-out\n");
}

/* No descriptor of ours but those meant for it is open in the child, and nothing of our environment. */
static void test_inherits_nothing(Fixture *fixture, const void *data)
{
    char text[256] = {0};
    autofd int leak =
        open("/etc/passwd", O_RDONLY); /* not close-on-exec, as a careless library might have it */
    g_setenv("ORIEL_SECRET", "secret", TRUE);
    run(fixture, "ls /proc/self/fd | tr '\\n' ' '; echo \"[$ORIEL_SECRET]\"", -1);
    g_assert_cmpint(pread(fixture->output, text, sizeof text - 1, 0), >, 0);
    g_assert_cmpstr(text, ==, "0 1 2 3 4 []\n"); /* 4: ls reads the folder */
}

static void test_not_recorded(Fixture *fixture, const void *data)
{
    g_autoptr(GError) error = NULL;
    ProcessIdentity identity;
    g_autofree char *mark = g_build_filename(fixture->folder, "ran", NULL);
    fixture->refuse = true;
    g_assert_cmpint(start(fixture, "touch ran", -1, &identity, &error), ==, -1);
    g_assert_cmpint(oriel_error_kind(error), ==, ORIEL_ERROR_NO_SPACE);
    g_assert_false(g_file_test(mark, G_FILE_TEST_EXISTS));
}

static void test_no_program(Fixture *fixture, const void *data)
{
    g_autoptr(GError) error = NULL;
    ProcessIdentity identity;
    const char *const arguments[] = {"/nowhere/qemu", NULL};
    const ProcessSpec spec = {
        .arguments = arguments, .folder = fixture->folder, .output = fixture->output, .ruleset = -1};
    g_assert_cmpint(process_start(&spec, &identity, &error), ==, -1);
    g_assert_cmpint(oriel_error_kind(error), ==, ORIEL_ERROR_NOT_FOUND);
}

static void expect_gone(const ProcessIdentity *identity, const char *folder)
{
    g_autoptr(GError) error = NULL;
    g_assert_cmpint(process_open(identity, folder, &error), ==, -1);
    g_assert_cmpint(oriel_error_kind(error), ==, ORIEL_ERROR_NOT_FOUND);
}

/* Known again only with the same start time, boot and folder. */
static void test_known_again(Fixture *fixture, const void *data)
{
    g_autoptr(GError) error = NULL;
    ProcessIdentity identity;
    autofd int pidfd = start(fixture, "kill -STOP $$", -1, &identity, &error);
    g_assert_no_error(error);
    autofd int again = process_open(&identity, fixture->folder, &error);
    g_assert_no_error(error);
    expect_gone(&identity, "/tmp");
    ProcessIdentity other = identity;
    other.start_time++;
    expect_gone(&other, fixture->folder);
    other = identity;
    other.boot_id[0] ^= 1;
    expect_gone(&other, fixture->folder);
    g_assert_false(process_wait(again, 1, NULL));
    g_assert_true(process_signal(again, SIGKILL, &error));
    g_assert_true(process_wait(again, LIMIT_MS, NULL));
    expect_gone(&identity, fixture->folder);
    g_assert_true(process_signal(again, SIGKILL, &error)); /* it has ended: fine */
}

/* Inside the sandbox: its own folder, what is named, the system's programs; nothing else, and no new folders
 * or links. */
static void test_sandbox(Fixture *fixture, const void *data)
{
    static const struct {
        const char *script;
        bool allowed;
    } rows[] = {
        {"echo x > file && cat file && rm file", true},
        {"cat \"$(pwd)-readable/file\"", true},
        {"cat /etc/ld.so.cache > /dev/null", true},
        {"cat /etc/resolv.conf > /dev/null", true},
        {"getent hosts localhost > /dev/null", true},
        {"cat /etc/passwd > /dev/null", false},
        {"cat /etc/shadow > /dev/null", false},
        {"ls /etc > /dev/null", false},
        {"echo x > \"$(pwd)-readable/file\"", false},
        {"cat \"$(pwd)-other/file\"", false},
        {"ls \"$(pwd)-other\"", false},
        {"echo x > /tmp/oriel-escaped", false},
        {"ln -s /etc/shadow link", false},
        {"mkdir folder", false},
        {"mknod pipe p", false},
        {"cat /root/.profile", false},
    };
    g_autoptr(GError) error = NULL;
    g_autofree char *allowed = g_strconcat(fixture->folder, "-readable", NULL);
    g_autofree char *other = g_strconcat(fixture->folder, "-other", NULL);
    const char *const folders[] = {allowed, other};
    for (size_t i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *file = g_build_filename(folders[i], "file", NULL);
        g_assert_true(folder_make(folders[i], 0700, &error));
        g_assert_true(g_file_set_contents(file, "text\n", -1, NULL));
    }
    if (sandbox_abi() > 0) {
        const char *const readable[] = {allowed, "/nowhere", NULL};
        const SandboxSpec spec = {.folder = fixture->folder, .program = "/bin/sh", .readable = readable};
        autofd int ruleset = sandbox_open(&spec, &error);
        g_assert_no_error(error);
        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
            int status = run(fixture, rows[i].script, ruleset);
            g_test_message("%s", rows[i].script);
            g_assert_cmpint(WIFEXITED(status) && WEXITSTATUS(status) == 0, ==, rows[i].allowed);
        }
    } else {
        g_test_skip("this kernel has no Landlock");
    }
    g_assert_true(folder_remove(allowed, NULL));
    g_assert_true(folder_remove(other, NULL));
}

static char *qemu_path(void)
{
    char *path = g_find_program_in_path("qemu-system-x86_64");
    if (!path)
        g_test_skip("qemu-system-x86_64 is not installed");
    return path;
}

/* The small guest reaches long mode, and the answer is remembered until its key changes. */
static void test_accelerator(Fixture *fixture, const void *data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *qemu = qemu_path();
    int64_t ms = -1;
    if (!qemu)
        return;
    g_assert_true(accelerator_run_guest(qemu, ACCELERATOR_TCG, 4 * LIMIT_MS, &ms, &error));
    g_assert_no_error(error);
    g_assert_cmpint(ms, >=, 0);
    g_autoptr(Accelerator) probed = accelerator_probe(fixture->folder, qemu, ACCELERATOR_FORCE_NONE, &error);
    g_assert_no_error(error);
    g_test_message("%s", probed->explanation);
    g_assert_false(probed->remembered);
    g_autoptr(Accelerator) remembered =
        accelerator_probe(fixture->folder, qemu, ACCELERATOR_FORCE_NONE, &error);
    g_assert_true(remembered->remembered);
    g_assert_cmpint(remembered->kind, ==, probed->kind);
    g_assert_cmpstr(remembered->explanation, ==, probed->explanation);
    g_autofree char *file = g_build_filename(fixture->folder, "accelerator.json", NULL);
    g_assert_true(g_file_set_contents(file, "{\"key\": \"old\", \"accelerator\": \"kvm\"}", -1, NULL));
    g_autoptr(Accelerator) anew = accelerator_probe(fixture->folder, qemu, ACCELERATOR_FORCE_NONE, &error);
    g_assert_false(anew->remembered);
    g_assert_cmpint(anew->kind, ==, probed->kind);
    g_autoptr(Accelerator) forced = accelerator_probe(fixture->folder, qemu, ACCELERATOR_FORCE_TCG, &error);
    g_assert_cmpint(forced->kind, ==, ACCELERATOR_TCG);
}

/* A guest that does not finish in time, and a QEMU that refuses, are told apart. */
static void test_accelerator_fails(Fixture *fixture, const void *data)
{
    static const struct {
        const char *script;
        OrielErrorKind kind;
    } rows[] = {{"#!/bin/sh\nexec cat /dev/zero > /dev/null\n", ORIEL_ERROR_TIMEOUT},
                {"#!/bin/sh\necho 'no such thing' >&2\nexit 1\n", ORIEL_ERROR_UNSUPPORTED}};
    g_autofree char *fake = g_build_filename(fixture->folder, "qemu", NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        int64_t ms;
        g_assert_true(
            g_file_set_contents_full(fake, rows[i].script, -1, G_FILE_SET_CONTENTS_NONE, 0700, NULL));
        g_assert_false(accelerator_run_guest(fake, ACCELERATOR_KVM, 300, &ms, &error));
        g_test_message("%s", error->message);
        g_assert_cmpint(oriel_error_kind(error), ==, rows[i].kind);
    }
}

/* What was late because the host is busy is asked again, for the answer is remembered. */
static void test_accelerator_busy(Fixture *fixture, const void *data)
{
    g_autoptr(GError) error = NULL;
    if (access("/dev/kvm", R_OK | W_OK) != 0) {
        g_test_skip("no /dev/kvm here that can be opened");
        return;
    }
    g_autofree char *fake = g_build_filename(fixture->folder, "qemu", NULL);
    g_autofree char *script = g_strdup_printf("#!/bin/sh\n"
                                              "case \"$*\" in *'-accel tcg'*) /bin/sleep 1.5; exit 85;; esac\n"
                                              "[ -e %s/second ] && exit 85\n"
                                              ": > %s/second\n"
                                              "exec /bin/sleep 60\n",
                                              fixture->folder, fixture->folder);
    g_assert_true(g_file_set_contents_full(fake, script, -1, G_FILE_SET_CONTENTS_NONE, 0700, NULL));
    g_autoptr(Accelerator) found = accelerator_probe(fixture->folder, fake, ACCELERATOR_FORCE_NONE, &error);
    g_assert_no_error(error);
    g_test_message("%s", found->explanation);
    g_assert_cmpint(found->kind, ==, ACCELERATOR_KVM);
}

/* What makes a state unfit for a fork changes the key; nothing else does. */
static void test_template_key(Fixture *fixture, const void *data)
{
    QemuFeatures features = {
        .path = "/usr/bin/qemu", .version = "7.2", .machine_type = "pc-q35-7.2", .display_dbus = true};
    Accelerator accelerator = {.kind = ACCELERATOR_TCG};
    const Hypervisor hypervisor = {.features = &features, .accelerator = &accelerator};
    g_autoptr(GHashTable) keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    const uint64_t gib = (uint64_t)1 << 30;
    g_hash_table_add(keys, template_key(&hypervisor, gib, 1, "image 1"));
    g_hash_table_add(keys, template_key(&hypervisor, 2 * gib, 1, "image 1"));
    g_hash_table_add(keys, template_key(&hypervisor, gib, 2, "image 1"));
    g_hash_table_add(keys, template_key(&hypervisor, gib, 1, "image 2"));
    features.path = "/opt/qemu";
    g_autofree char *same = template_key(&hypervisor, gib, 1, "image 1");
    g_assert_true(g_hash_table_contains(keys, same));
    g_assert_cmpuint(strlen(same), ==, 32);
    features.version = "10.0";
    g_hash_table_add(keys, template_key(&hypervisor, gib, 1, "image 1"));
    features.machine_type = "pc-q35-10.0";
    g_hash_table_add(keys, template_key(&hypervisor, gib, 1, "image 1"));
    accelerator.kind = ACCELERATOR_KVM;
    g_hash_table_add(keys, template_key(&hypervisor, gib, 1, "image 1"));
    features.sound = true;
    g_hash_table_add(keys, template_key(&hypervisor, gib, 1, "image 1"));
    g_assert_cmpuint(g_hash_table_size(keys), ==, 8);
}

static bool has_argument(GStrv arguments, const char *text)
{
    for (size_t i = 0; arguments[i]; i++)
        if (strstr(arguments[i], text))
            return true;
    return false;
}

static void test_arguments(Fixture *fixture, const void *data)
{
    static const char *const forbidden[] = {"balloon", "free-page-reporting", "virtio-mem",
                                            "vhost",   "virtio-fs",           "-netdev"};
    QemuFeatures features = {
        .path = "/usr/bin/qemu", .version = "7.2", .machine_type = "pc-q35-7.2", .sandbox = true};
    const MachineSpec spec = {.folder = "/s/desktops/a,b",
                              .memory = (uint64_t)1 << 30,
                              .vcpus = 2,
                              .disk = "/s/desktops/a,b/disk.qcow2"};
    MachineLaunch launch = {.spec = &spec, .ram = MACHINE_RAM_FORK, .incoming = true, .paused = true};
    g_auto(GStrv) arguments = machine_arguments(&launch, &features, ACCELERATOR_TCG, NULL);
    g_assert_true(has_argument(arguments, "share=off"));
    g_assert_true(has_argument(arguments, "filename=disk.qcow2"));
    g_assert_true(has_argument(arguments, "guest=a,,b"));
    g_assert_true(has_argument(arguments, "elevateprivileges=deny"));
    g_assert_true(has_argument(arguments, "lossy=on"));
    g_assert_true(has_argument(arguments, "vmgenid,guid=auto"));
    g_assert_false(has_argument(arguments, "audiodev"));
    features.sound = true;
    g_auto(GStrv) loud = machine_arguments(&launch, &features, ACCELERATOR_TCG, NULL);
    g_assert_true(has_argument(loud, "lossy=on,audiodev=sound"));
    g_assert_true(has_argument(loud, "intel-hda"));
    for (size_t i = 0; i < G_N_ELEMENTS(forbidden); i++)
        g_assert_false(has_argument(arguments, forbidden[i]));
    const MachineSpec bad[] = {
        {.folder = "/f", .disk = "/d", .memory = ((uint64_t)1 << 30) + 1, .vcpus = 1},
        {.folder = "/f", .disk = "/d", .memory = (uint64_t)1 << 30, .vcpus = 0},
        {.folder = "/f", .disk = "/d", .memory = (uint64_t)1 << 30, .vcpus = 65},
        {.folder = "f", .disk = "/d", .memory = (uint64_t)1 << 30, .vcpus = 1},
        {.folder = "/f", .disk = "d", .memory = (uint64_t)1 << 30, .vcpus = 1},
        {.folder = "/f", .disk = "/d", .memory = (uint64_t)1 << 30, .vcpus = 1, .initrd = "/i"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        launch.spec = &bad[i];
        g_assert_null(machine_arguments(&launch, &features, ACCELERATOR_TCG, &error));
        g_assert_cmpint(oriel_error_kind(error), ==, ORIEL_ERROR_INVALID);
    }
}

static void add(const char *path, void (*function)(Fixture *, const void *))
{
    g_test_add(path, Fixture, NULL, set_up, function, tear_down);
}

static void test_nice(Fixture *fixture, const void *data)
{
    ProcessIdentity identity;
    autofd int pidfd = start(fixture, "exec sleep 60", -1, &identity, NULL);
    g_assert_cmpint(pidfd, >=, 0);
    g_autofree char *path = g_strdup_printf("/proc/%d/comm", (int)identity.pid);
    g_autofree char *name = NULL;
    while (!name || !g_str_equal(name, "sleep\n")) {
        g_clear_pointer(&name, g_free);
        name = file_read(path, 64, NULL, NULL);
    }
    int before = getpriority(PRIO_PROCESS, 0);
    process_nice_threads(&identity, "CPU ", before + 3);
    g_assert_cmpint(getpriority(PRIO_PROCESS, (id_t)identity.pid), ==, before);
    process_nice_threads(&identity, "sle", before + 3);
    g_assert_cmpint(getpriority(PRIO_PROCESS, (id_t)identity.pid), ==, before + 3);
    g_assert_true(process_signal(pidfd, SIGKILL, NULL));
    g_assert_true(process_wait(pidfd, LIMIT_MS, NULL));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/machine/process/start", test_start);
    add("/machine/process/inherits-nothing", test_inherits_nothing);
    add("/machine/process/not-recorded", test_not_recorded);
    add("/machine/process/no-program", test_no_program);
    add("/machine/process/known-again", test_known_again);
    add("/machine/process/nice", test_nice);
    add("/machine/sandbox", test_sandbox);
    add("/machine/accelerator", test_accelerator);
    add("/machine/accelerator/fails", test_accelerator_fails);
    add("/machine/accelerator/busy", test_accelerator_busy);
    add("/machine/template-key", test_template_key);
    add("/machine/arguments", test_arguments);
    return g_test_run();
}
