#include "machine/accelerator.h"

#include <errno.h>
#include <string.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "machine/process.h"

#define FIRMWARE_SIZE 65536
#define GUEST_OFFSET 0xf000
#define RESET_OFFSET 0xfff0
#define EXIT_SUCCESS_CODE ((0x2a << 1) | 1) /* isa-debug-exit makes this of the 0x2a that the guest writes   \
                                             */
#define QEMU_MESSAGE_LIMIT 400

extern const uint8_t accelerator_guest[], accelerator_guest_end[]; /* accelerator_guest.S */

const char *accelerator_name(AcceleratorKind kind)
{
    return kind == ACCELERATOR_KVM ? "kvm" : "tcg";
}

void accelerator_free(Accelerator *accelerator)
{
    if (!accelerator)
        return;
    g_free(accelerator->explanation);
    g_free(accelerator);
}

/* The firmware: the guest, and at the reset vector a jump to it. */
static int firmware_open(GError **error)
{
    static const uint8_t jump[] = {0xe9, (GUEST_OFFSET - RESET_OFFSET - 3) & 0xff,
                                   ((GUEST_OFFSET - RESET_OFFSET - 3) >> 8) & 0xff};
    g_autofree uint8_t *image = g_malloc0(FIRMWARE_SIZE);
    memcpy(image + GUEST_OFFSET, accelerator_guest, (size_t)(accelerator_guest_end - accelerator_guest));
    memcpy(image + RESET_OFFSET, jump, sizeof jump);
    autofd int fd = memfd_create("oriel-accelerator-guest", MFD_CLOEXEC);
    if (fd < 0)
        oriel_fail_errno(error, errno, "cannot make the accelerator's test guest");
    if (fd < 0 || !fd_write_all(fd, image, FIRMWARE_SIZE, error))
        return -1;
    return fd_steal(&fd);
}

/* QEMU's first line, for the explanation. Caller frees. */
static char *output_text(int output)
{
    char text[QEMU_MESSAGE_LIMIT + 1] = {0};
    if (pread(output, text, QEMU_MESSAGE_LIMIT, 0) <= 0)
        return g_strdup("it says nothing");
    text[strcspn(text, "\r\n")] = '\0';
    return g_utf8_make_valid(text, -1);
}

static bool guest_judge(int pidfd, int output, int64_t limit_ms, GError **error)
{
    int status = 0;
    if (!process_wait(pidfd, limit_ms, &status)) {
        process_signal(pidfd, SIGKILL, NULL);
        process_wait(pidfd, limit_ms, NULL);
        return oriel_fail(error, ORIEL_ERROR_TIMEOUT, "a small 64-bit guest did not finish within %.1f s",
                          (double)limit_ms / 1000);
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS_CODE)
        return true;
    g_autofree char *text = output_text(output);
    return oriel_fail(error, ORIEL_ERROR_UNSUPPORTED, "QEMU gave up: %s", text);
}

bool accelerator_run_guest(const char *qemu, AcceleratorKind kind, int64_t limit_ms, int64_t *ret_ms,
                           GError **error)
{
    autofd int firmware = firmware_open(error);
    if (firmware < 0)
        return false;
    autofd int output = memfd_create("oriel-accelerator-output", MFD_CLOEXEC);
    if (output < 0)
        return oriel_fail_errno(error, errno, "cannot run the accelerator's test guest");
    const char *const arguments[] = {qemu,
                                     "-nodefaults",
                                     "-no-user-config",
                                     "-no-reboot",
                                     "-display",
                                     "none",
                                     "-machine",
                                     "q35",
                                     "-m",
                                     "64",
                                     "-accel",
                                     accelerator_name(kind),
                                     "-cpu",
                                     kind == ACCELERATOR_KVM ? "host" : "max",
                                     "-bios",
                                     "/proc/self/fd/" G_STRINGIFY(PROCESS_FIRST_FD),
                                     "-device",
                                     "isa-debug-exit,iobase=0xf4,iosize=0x4",
                                     NULL};
    const ProcessSpec spec = {.arguments = arguments,
                              .folder = "/",
                              .fds = &firmware,
                              .fd_count = 1,
                              .output = output,
                              .ruleset = -1};
    ProcessIdentity identity;
    int64_t start_ms = clock_monotonic_ms();
    autofd int pidfd = process_start(&spec, &identity, error);
    if (pidfd < 0 || !guest_judge(pidfd, output, limit_ms, error))
        return false;
    *ret_ms = clock_monotonic_ms() - start_ms;
    return true;
}

/* What the answer depends on. NULL on failure; caller frees. */
static char *answer_key(const char *qemu, bool kvm_opens)
{
    struct utsname system;
    struct stat info = {0};
    uname(&system);
    stat(qemu, &info);
    g_autofree char *cpuinfo = file_read("/proc/cpuinfo", LIMIT_MANIFEST, NULL, NULL);
    const char *model = cpuinfo ? strstr(cpuinfo, "model name") : NULL;
    int model_length = model ? (int)strcspn(model, "\n") : 0;
    g_autofree char *whole = g_strdup_printf("%s %s|%.*s|%s %" G_GINT64_FORMAT " %" G_GINT64_FORMAT "|%d",
                                             system.release, system.version, model_length, model ? model : "",
                                             qemu, (int64_t)info.st_size, (int64_t)info.st_mtime, kvm_opens);
    return g_compute_checksum_for_string(G_CHECKSUM_SHA256, whole, -1);
}

static Accelerator *answer_recall(const char *path, const char *key)
{
    g_autoptr(Json) object = json_read_file(path, LIMIT_MANIFEST, NULL);
    const char *found_key = json_string_value(json_object_get(object, "key"));
    const char *kind = json_string_value(json_object_get(object, "accelerator"));
    const char *explanation = json_string_value(json_object_get(object, "explanation"));
    if (g_strcmp0(found_key, key) != 0 || !kind || !explanation)
        return NULL;
    Accelerator *accelerator = g_new0(Accelerator, 1);
    accelerator->kind = g_str_equal(kind, "kvm") ? ACCELERATOR_KVM : ACCELERATOR_TCG;
    accelerator->explanation = g_strdup(explanation);
    accelerator->guest_ms = json_integer_value(json_object_get(object, "guest_ms"));
    accelerator->remembered = true;
    return accelerator;
}

static bool answer_remember(const char *path, const char *key, const Accelerator *accelerator, GError **error)
{
    g_autoptr(Json) object =
        json_pack("{s:s, s:s, s:s, s:I}", "key", key, "accelerator", accelerator_name(accelerator->kind),
                  "explanation", accelerator->explanation, "guest_ms", (json_int_t)accelerator->guest_ms);
    return json_write_file(path, object, error);
}

/* Runs the guest under KVM; NULL on success, else why not. *ret_late: it was not done in time. */
static char *kvm_try(const char *qemu, int kvm_errno, int64_t limit_ms, int64_t *ret_ms, bool *ret_late)
{
    g_autoptr(GError) error = NULL;
    *ret_late = false;
    if (kvm_errno == ENOENT)
        return g_strdup("this machine has no /dev/kvm");
    if (kvm_errno != 0)
        return g_strdup_printf("/dev/kvm cannot be opened (%s): is the user in the group kvm?",
                               g_strerror(kvm_errno));
    if (accelerator_run_guest(qemu, ACCELERATOR_KVM, limit_ms, ret_ms, &error))
        return NULL;
    *ret_late = oriel_error_kind(error) == ORIEL_ERROR_TIMEOUT;
    return g_strdup_printf("/dev/kvm opens, but %s", error->message);
}

static Accelerator *kvm_found(Accelerator *found)
{
    found->kind = ACCELERATOR_KVM;
    found->explanation = g_strdup_printf("KVM: a small 64-bit guest ran in %" G_GINT64_FORMAT " ms", found->guest_ms);
    return found;
}

static Accelerator *accelerator_find(const char *qemu, int kvm_errno, GError **error)
{
    g_autoptr(Accelerator) found = g_new0(Accelerator, 1);
    bool late = false;
    g_autofree char *why_not = kvm_try(qemu, kvm_errno, ACCELERATOR_LIMIT_MS, &found->guest_ms, &late);
    if (!why_not)
        return kvm_found(g_steal_pointer(&found));
    if (!accelerator_run_guest(qemu, ACCELERATOR_TCG, 4 * ACCELERATOR_LIMIT_MS, &found->guest_ms, error)) {
        g_prefix_error(error, "no machine can run here: %s; under software emulation: ", why_not);
        return NULL;
    }
    /* Late there too: the host is busy, and says nothing about KVM by that. The answer is remembered, so it is asked again. */
    int64_t emulated_ms = found->guest_ms;
    if (late && emulated_ms > ACCELERATOR_BUSY_MS) {
        g_free(why_not);
        why_not = kvm_try(qemu, kvm_errno, 4 * ACCELERATOR_LIMIT_MS, &found->guest_ms, &late);
        if (!why_not)
            return kvm_found(g_steal_pointer(&found));
        found->guest_ms = emulated_ms;
    }
    found->kind = ACCELERATOR_TCG;
    found->explanation =
        g_strdup_printf("software emulation (TCG), several times slower than KVM: %s", why_not);
    return g_steal_pointer(&found);
}

static Accelerator *accelerator_auto(const char *state_folder, const char *qemu, GError **error)
{
    autofd int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    int kvm_errno = kvm < 0 ? errno : 0;
    g_autofree char *path = g_build_filename(state_folder, "accelerator.json", NULL);
    g_autofree char *key = answer_key(qemu, kvm >= 0);
    Accelerator *remembered = answer_recall(path, key);
    if (remembered)
        return remembered;
    g_autoptr(Accelerator) found = accelerator_find(qemu, kvm_errno, error);
    if (!found || !answer_remember(path, key, found, error))
        return NULL;
    return g_steal_pointer(&found);
}

Accelerator *accelerator_probe(const char *state_folder, const char *qemu, AcceleratorForce force,
                               GError **error)
{
    if (force == ACCELERATOR_FORCE_TCG) {
        Accelerator *forced = g_new0(Accelerator, 1);
        forced->explanation = g_strdup("software emulation (TCG), as configured");
        return forced;
    }
    g_autoptr(Accelerator) found = accelerator_auto(state_folder, qemu, error);
    if (found && force == ACCELERATOR_FORCE_KVM && found->kind != ACCELERATOR_KVM) {
        oriel_fail(error, ORIEL_ERROR_UNSUPPORTED, "KVM is configured but does not work: %s",
                   found->explanation);
        return NULL;
    }
    return g_steal_pointer(&found);
}
