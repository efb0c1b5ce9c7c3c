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
/* QEMU's default of `-vnc connections=`: so many clients may be before their ClientInit; one more ends the oldest of them
 * (ui/vnc.c, vnc_connect). */
#define HALF_OPEN_MOST 32

static int connect_now(Machine *machine, GError **error)
{
    g_mutex_lock(&machine->lock);
    g_autofree char *path = g_build_filename(machine->folder, MACHINE_FILE_DISPLAY, NULL);
    g_mutex_unlock(&machine->lock);
    return socket_connect(path, error);
}

int display_connect(Machine *machine, GError **error)
{
    g_rw_lock_reader_lock(&machine->door);
    int fd = connect_now(machine, error);
    g_rw_lock_reader_unlock(&machine->door);
    return fd;
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

static bool greeting_read(int fd, GError **error)
{
    const struct timeval limit = {.tv_sec = RFB_LIMIT_S};
    char version[12];
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    return receive_all(fd, version, sizeof version, error);
}

/* The handshake of RFC 6143 7.1-7.3, after the greeting, as a client that does not share: QEMU ends all others at ClientInit
 * that have sent theirs. */
static bool handshake_alone(int fd, GError **error)
{
    char types[256], result[4], server_init[24];
    uint8_t count;
    if (!fd_write_all(fd, "RFB 003.008\n", 12, error) || !receive_all(fd, &count, 1, error) ||
        !receive_all(fd, types, count, error))
        return false;
    if (!memchr(types, 1, count))
        return oriel_fail(error, ORIEL_ERROR_UNSUPPORTED, "the display asks for a password");
    return fd_write_all(fd, "\x01", 1, error) && receive_all(fd, result, sizeof result, error) &&
           fd_write_all(fd, "\x00", 1, error) && receive_all(fd, server_init, sizeof server_init, error);
}

/* Takes all places that QEMU has for clients before their ClientInit: whoever stood there loses theirs, or is past it by now
 * and falls to the exclusive client, which is the last of us. */
static bool crowd_out(Machine *machine, int crowd[HALF_OPEN_MOST], GError **error)
{
    for (size_t i = 0; i < HALF_OPEN_MOST; i++)
        if ((crowd[i] = connect_now(machine, error)) < 0 || !greeting_read(crowd[i], error))
            return false;
    return handshake_alone(crowd[HALF_OPEN_MOST - 1], error);
}

static bool all_out(Machine *machine, GError **error)
{
    int crowd[HALF_OPEN_MOST];
    for (size_t i = 0; i < HALF_OPEN_MOST; i++)
        crowd[i] = -1;
    bool done = crowd_out(machine, crowd, error);
    for (size_t i = 0; i < HALF_OPEN_MOST; i++)
        fd_clear(&crowd[i]);
    return done;
}

/* Until QEMU itself says that nobody is connected; each client that goes is an event. */
static bool wait_nobody(Machine *machine, GError **error)
{
    int64_t deadline = g_get_monotonic_time() + DISCONNECT_LIMIT_MS * 1000;
    for (bool in_time = true;;) {
        g_mutex_lock(&machine->lock);
        unsigned gone = machine->viewers_gone;
        g_mutex_unlock(&machine->lock);
        unsigned left = 0;
        if (!display_viewers(machine, &left, error))
            return false;
        if (left == 0)
            return true;
        if (!in_time)
            return oriel_fail(error, ORIEL_ERROR_TIMEOUT, "the display keeps %u viewers", left);
        g_mutex_lock(&machine->lock);
        while (machine->viewers_gone == gone && machine->state != MACHINE_STATE_ENDED && in_time)
            in_time = g_cond_wait_until(&machine->changed, &machine->lock, deadline);
        g_mutex_unlock(&machine->lock);
    }
}

typedef struct {
    Machine *machine;
    unsigned before;
    bool emptied;
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
    if (quiet->emptied)
        quiet->machine->viewers = quiet->machine->connections = 0;
    g_mutex_unlock(&quiet->machine->lock);
    machine_tell_viewers(quiet->machine, quiet->before);
}

bool display_disconnect_all(Machine *machine, GError **error)
{
    Quiet quiet = {.machine = machine};
    g_rw_lock_writer_lock(&machine->door); /* a newcomer would pass for one who stays */
    loop_run_wait(machine->hypervisor->loop, quiet_begin, &quiet);
    quiet.emptied = all_out(machine, error) && wait_nobody(machine, error);
    loop_run_wait(machine->hypervisor->loop, quiet_end, &quiet);
    g_rw_lock_writer_unlock(&machine->door);
    return quiet.emptied;
}
