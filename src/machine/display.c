#include "machine/display.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "base/error.h"
#include "base/file.h"
#include "base/id.h"
#include "base/socket.h"
#include "machine/machine_internal.h"

#define RFB_LIMIT_S 5
#define SCREENSHOT_LIMIT_MS 10000
#define DISCONNECT_LIMIT_MS 2000

int display_connect(Machine *machine, GError **error)
{
    g_mutex_lock(&machine->lock);
    g_autofree char *path = g_build_filename(machine->folder, MACHINE_FILE_DISPLAY, NULL);
    g_mutex_unlock(&machine->lock);
    return socket_connect(path, error);
}

bool display_viewers(Machine *machine, unsigned *ret_viewers, GError **error)
{
    g_autoptr(Json) vnc = NULL;
    if (!qmp_finish(qmp_query_vnc(machine->qmp), 0, &vnc, error))
        return false;
    *ret_viewers = (unsigned)json_array_size(json_object_get(vnc, "clients"));
    return true;
}

static GBytes *picture_read(const char *path, size_t limit, GError **error)
{
    autofd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) < 0 || !S_ISREG(info.st_mode)) {
        oriel_fail(error, ORIEL_ERROR_CORRUPT, "picture \"%s\": QEMU did not write it", path);
        return NULL;
    }
    size_t length;
    char *bytes = file_read(path, limit, &length, error);
    return bytes ? g_bytes_new_take(bytes, length) : NULL;
}

GBytes *display_screenshot(Machine *machine, size_t limit, GError **error)
{
    /* A name of its own: two may look at the same machine at once. QEMU's working folder is the machine's. */
    g_autofree char *id = id_new();
    g_autofree char *name = g_strdup_printf("screen-%s.png", id);
    if (!qmp_finish(qmp_screendump_png(machine->qmp, name), SCREENSHOT_LIMIT_MS, NULL, error))
        return NULL;
    g_mutex_lock(&machine->lock);
    g_autofree char *path = g_build_filename(machine->folder, name, NULL);
    g_mutex_unlock(&machine->lock);
    GBytes *picture = picture_read(path, limit, error);
    unlink(path);
    return picture;
}

static bool receive_all(int fd, void *buffer, size_t length, GError **error)
{
    char *to = buffer;
    while (length > 0) {
        ssize_t got = recv(fd, to, length, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return oriel_fail(error, ORIEL_ERROR_TIMEOUT, "the display does not answer");
        if (got == 0)
            return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "the display closed its connection");
        to += got;
        length -= (size_t)got;
    }
    return true;
}

/* The handshake of RFC 6143 7.1-7.3 as a client that does not share: QEMU ends all other clients at
 * ClientInit. */
static bool handshake_alone(int fd, GError **error)
{
    const struct timeval limit = {.tv_sec = RFB_LIMIT_S};
    char version[12], types[256], result[4], server_init[24];
    uint8_t count;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (!receive_all(fd, version, sizeof version, error) || !fd_write_all(fd, "RFB 003.008\n", 12, error) ||
        !receive_all(fd, &count, 1, error) || !receive_all(fd, types, count, error))
        return false;
    if (!memchr(types, 1, count))
        return oriel_fail(error, ORIEL_ERROR_UNSUPPORTED, "the display asks for a password");
    return fd_write_all(fd, "\x01", 1, error) && receive_all(fd, result, sizeof result, error) &&
           fd_write_all(fd, "\x00", 1, error) && receive_all(fd, server_init, sizeof server_init, error);
}

static void wait_no_viewers(Machine *machine)
{
    int64_t deadline = g_get_monotonic_time() + DISCONNECT_LIMIT_MS * 1000;
    bool in_time = true;
    g_mutex_lock(&machine->lock);
    while (machine->viewers > 0 && machine->state != MACHINE_STATE_ENDED && in_time)
        in_time = g_cond_wait_until(&machine->changed, &machine->lock, deadline);
    g_mutex_unlock(&machine->lock);
}

typedef struct {
    Machine *machine;
    unsigned before;
} Quiet;

static void quiet_begin(void *data)
{
    Quiet *quiet = data;
    g_mutex_lock(&quiet->machine->lock);
    quiet->before = quiet->machine->viewers;
    quiet->machine->viewers_quiet = true;
    g_mutex_unlock(&quiet->machine->lock);
}

static void quiet_end(void *data)
{
    Quiet *quiet = data;
    g_mutex_lock(&quiet->machine->lock);
    quiet->machine->viewers_quiet = false;
    g_mutex_unlock(&quiet->machine->lock);
    machine_tell_viewers(quiet->machine, quiet->before);
}

bool display_disconnect_all(Machine *machine, GError **error)
{
    Quiet quiet = {.machine = machine};
    autofd int fd = display_connect(machine, error);
    if (fd < 0)
        return false;
    loop_run_wait(machine->hypervisor->loop, quiet_begin, &quiet);
    bool done = handshake_alone(fd, error);
    fd_clear(&fd);
    if (done)
        wait_no_viewers(machine);
    loop_run_wait(machine->hypervisor->loop, quiet_end, &quiet);
    return done;
}
