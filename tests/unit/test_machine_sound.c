/* What a fork plays is heard by its viewer: a real QEMU, a tiny guest that plays a tone when it is asked. Needs ORIEL_TEST_KERNEL and
 * ORIEL_TEST_INITRD as test_machine_fork.c does. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../fixtures/machine/must.h"

#include "base/error.h"
#include "base/file.h"
#include "base/secret.h"
#include "machine/agent.h"
#include "machine/display.h"
#include "machine/machine_internal.h"
#include "machine/overlay.h"
#include "machine/template.h"

#define MEMORY ((uint64_t)192 << 20)
#define BOOT_LIMIT_MS 300000
#define AGENT_LIMIT_MS 60000

static const char *kernel, *initrd;

static const uint8_t encodings[] = {2, 0, 0, 2, 0, 0, 0, 0, 0xff, 0xff, 0xfe, 0xfd}; /* raw, and sound (-259) */
static const uint8_t format[] = {255, 1, 0, 2, 3, 2, 0, 0, 0xac, 0x44};               /* S16, stereo, 44100 Hz */
static const uint8_t no_format[] = {255, 1, 0, 2, 99, 9, 0xff, 0xff, 0xff, 0xff};
static const uint8_t sound_on[] = {255, 1, 0, 0}, sound_off[] = {255, 1, 0, 1};

static void say(int fd, const void *bytes, size_t length)
{
    must(fd_write_all(fd, bytes, length, &failure));
}

static void hear(int fd, size_t length)
{
    char buffer[256];
    g_assert_cmpint(recv(fd, buffer, length, MSG_WAITALL), ==, (ssize_t)length);
}

static int viewer_open(Machine *machine)
{
    int fd = -1;
    must((fd = display_connect(machine, &failure)) >= 0);
    hear(fd, 12);
    say(fd, "RFB 003.008\n", 12);
    hear(fd, 2);
    say(fd, "\x01", 1);
    hear(fd, 4);
    say(fd, "\x01", 1);
    hear(fd, 24);
    return fd;
}

/* Whether some message of samples (rfbproto, QEMU Audio Server Message: 255, 1, 2, length) has one that is no silence. */
static bool is_loud(const GByteArray *heard)
{
    static const uint8_t mark[] = {255, 1, 0, 2};
    if (!heard->len)
        return false;
    const uint8_t *end = heard->data + heard->len;
    const uint8_t *at = memmem(heard->data, heard->len, mark, sizeof mark);
    while (at && at + 8 < end) {
        const uint8_t *next = memmem(at + 8, (size_t)(end - at - 8), mark, sizeof mark);
        for (const uint8_t *sample = at + 8; sample < (next ? next : end); sample++)
            if (*sample)
                return true;
        at = next;
    }
    return false;
}

static void hear_tone(int fd)
{
    g_autoptr(GByteArray) heard = g_byte_array_new();
    while (!is_loud(heard)) {
        uint8_t block[16 * 1024];
        ssize_t got = recv(fd, block, sizeof block, 0);
        g_assert_cmpint(got, >, 0);
        g_byte_array_append(heard, block, (guint)got);
        g_assert_cmpuint(heard->len, <, 8 * 1024 * 1024);
    }
}

/* Frozen with its sound card, and forked. */
static Machine *fork_of(Hypervisor *hypervisor, const char *state, const char *base, Template **ret_template)
{
    GError *error = NULL;
    g_autofree char *image = g_path_get_dirname(base), *kernels = g_path_get_dirname(kernel);
    const char *const readable[] = {image, kernels, NULL};
    g_autofree char *key = template_key(hypervisor, MEMORY, 1, "test image");
    g_autofree char *folder = g_build_filename(state, "templates", key, NULL), *desktop = g_build_filename(state, "desktops", "loud", NULL);
    g_autofree char *disk = g_build_filename(folder, "disk.qcow2", NULL), *desktops = g_path_get_dirname(desktop);
    must(folder_make(folder, 0700, &failure) && folder_make(desktops, 0700, &failure));
    must(overlay_create(disk, base, true, 0, &failure));
    const MachineSpec spec = {.folder = folder, .memory = MEMORY, .vcpus = 1, .disk = disk, .kernel = kernel, .initrd = initrd,
                              .append = "console=ttyS0 quiet", .readable = readable, .freezable = true};
    g_autoptr(Machine) machine = machine_start(hypervisor, &spec, &error);
    g_assert_no_error(error);
    must(agent_wait_ready(machine, true, BOOT_LIMIT_MS, &failure));
    must(agent_prepare_freeze(machine, AGENT_LIMIT_MS, &failure));
    *ret_template = template_freeze(machine, key, readable, &error);
    g_assert_no_error(error);
    const ForkSpec fork = {.folder = desktop};
    Machine *forked = template_fork(*ret_template, &fork, NULL, &error);
    g_assert_no_error(error);
    return forked;
}

/* No order of messages about sound harms the machine: the worst that happens is that it ends the viewer. */
static void be_rude(Machine *machine)
{
    const uint8_t *const said[] = {sound_off, sound_on, sound_on, sound_off, sound_off, sound_on};
    int fd = viewer_open(machine);
    say(fd, encodings, sizeof encodings);
    for (size_t i = 0; i < G_N_ELEMENTS(said); i++)
        say(fd, said[i], sizeof sound_on);
    say(fd, format, sizeof format);
    say(fd, no_format, sizeof no_format);
    for (char rest[256]; recv(fd, rest, sizeof rest, 0) > 0;)
        ;
    close(fd);
}

static void test_sound(void)
{
    GError *error = NULL;
    g_autofree char *state = g_dir_make_tmp("oriel-sound-XXXXXX", NULL);
    g_autofree char *base = g_build_filename(state, "image", "disk.raw", NULL), *image = g_path_get_dirname(base);
    must(folder_make(image, 0700, &failure));
    g_assert_true(g_file_set_contents(base, "base", -1, NULL));
    g_assert_cmpint(truncate(base, 64 << 20), ==, 0);
    const HypervisorOptions options = {.state_folder = state};
    Hypervisor *hypervisor = hypervisor_open(&options, &error);
    g_assert_no_error(error);
    if (hypervisor->features->sound) {
        Template *template = NULL;
        Machine *machine = fork_of(hypervisor, state, base, &template);
        be_rude(machine);
        int fd = viewer_open(machine);
        say(fd, encodings, sizeof encodings);
        say(fd, format, sizeof format);
        say(fd, sound_on, sizeof sound_on);
        must(agent_link_call(machine->agent, json_pack("{s:s}", "type", "x-tone"), AGENT_LIMIT_MS, NULL, &failure));
        hear_tone(fd);
        close(fd); /* in the middle of it */
        must(agent_ping(machine, AGENT_LIMIT_MS, &failure));
        must(machine_kill(machine, &failure));
        machine_unref(machine);
        template_unref(template);
    } else {
        g_test_skip("this QEMU has no sound card, or its VNC server no sound");
    }
    hypervisor_close(hypervisor);
    must(folder_remove(state, &failure));
}

static void test_skipped(void)
{
    g_test_skip("ORIEL_TEST_KERNEL and ORIEL_TEST_INITRD are not set: run tests/fixtures/machine/make-guest");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    kernel = g_getenv("ORIEL_TEST_KERNEL");
    initrd = g_getenv("ORIEL_TEST_INITRD");
    g_assert_true(secret_init(NULL));
    g_test_add_func("/machine/sound", kernel && initrd ? test_sound : test_skipped);
    return g_test_run();
}
