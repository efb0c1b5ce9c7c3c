#include "host/viewer_line.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/socket.h"

struct ViewerLine {
    int fd;
    uint8_t held[DISPLAY_PACKET];
    size_t held_length;
};

struct ViewerLines {
    ViewerEars ears;
    char *path;
    int listener;
    int wake;    /* eventfd: one of the next two */
    int ending;  /* atomic */
    int expect_s; /* atomic: say it to all */
    GThread *thread;
    GPtrArray *lines; /* the thread's own */
    int count;        /* of lines; atomic */
};

static void line_free(void *data)
{
    ViewerLine *line = data;
    fd_clear(&line->fd);
    g_free(line);
}

bool viewer_lines_connected(ViewerLines *lines)
{
    return lines && g_atomic_int_get(&lines->count) > 0;
}

void viewer_line_say(ViewerLine *line, const DisplayPacket *packet)
{
    uint8_t bytes[DISPLAY_PACKET];
    display_packet_write(packet, bytes);
    ssize_t sent;
    do
        sent = send(line->fd, bytes, sizeof bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent != (ssize_t)sizeof bytes)
        shutdown(line->fd, SHUT_RDWR); /* the thread sees its end */
}

/* Whether the line goes on. */
static bool line_read(ViewerLines *lines, ViewerLine *line)
{
    for (;;) {
        ssize_t got = recv(line->fd, line->held + line->held_length, sizeof line->held - line->held_length, MSG_DONTWAIT);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 && errno == EAGAIN;
        line->held_length += (size_t)got;
        if (line->held_length < sizeof line->held)
            continue;
        DisplayPacket packet;
        line->held_length = 0;
        if (!display_packet_read(line->held, &packet)) {
            log_warning("a gateway said of displays what orield does not understand: are both of one version?");
            return false;
        }
        lines->ears.heard(line, &packet, lines->ears.data);
    }
}

static void line_end(ViewerLines *lines, ViewerLine *line)
{
    lines->ears.gone(line, lines->ears.data);
    g_atomic_int_add(&lines->count, -1);
    g_ptr_array_remove(lines->lines, line);
}

static void line_accept(ViewerLines *lines)
{
    autofd int fd = accept4(lines->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0 || lines->lines->len >= LIMIT_GATEWAYS)
        return;
    ViewerLine *line = g_new0(ViewerLine, 1);
    line->fd = fd_steal(&fd);
    g_ptr_array_add(lines->lines, line);
    g_atomic_int_inc(&lines->count);
}

static void wake(ViewerLines *lines)
{
    static const uint64_t one = 1;
    (void)!write(lines->wake, &one, sizeof one); /* fails only where it is awake already */
}

/* false: the end. */
static bool woken(ViewerLines *lines)
{
    uint64_t count;
    (void)!read(lines->wake, &count, sizeof count);
    int seconds = g_atomic_int_exchange(&lines->expect_s, 0);
    g_autofree char *nobody = id_new();
    DisplayPacket packet = {.kind = DISPLAY_EXPECT, .code = (uint16_t)seconds};
    g_strlcpy(packet.id, nobody, sizeof packet.id);
    for (unsigned i = 0; seconds && i < lines->lines->len; i++)
        viewer_line_say(lines->lines->pdata[i], &packet);
    return !g_atomic_int_get(&lines->ending);
}

void viewer_lines_expect(ViewerLines *lines, unsigned seconds)
{
    if (!lines)
        return;
    g_atomic_int_set(&lines->expect_s, (int)seconds);
    wake(lines);
}

static void *lines_main(void *data)
{
    ViewerLines *lines = data;
    struct pollfd polls[LIMIT_GATEWAYS + 2];
    for (;;) {
        unsigned count = lines->lines->len;
        polls[0] = (struct pollfd){.fd = lines->wake, .events = POLLIN};
        polls[1] = (struct pollfd){.fd = lines->listener, .events = POLLIN};
        for (unsigned i = 0; i < count; i++)
            polls[i + 2] = (struct pollfd){.fd = ((ViewerLine *)lines->lines->pdata[i])->fd, .events = POLLIN};
        if (poll(polls, count + 2, -1) < 0 && errno != EINTR)
            return NULL;
        if (polls[0].revents && !woken(lines))
            return NULL;
        for (unsigned i = count; i-- > 0;)
            if (polls[i + 2].revents && !line_read(lines, lines->lines->pdata[i]))
                line_end(lines, lines->lines->pdata[i]);
        if (polls[1].revents)
            line_accept(lines);
    }
}

ViewerLines *viewer_lines_open(const char *path, const ViewerEars *ears, GError **error)
{
    ViewerLines *lines = g_new0(ViewerLines, 1);
    lines->ears = *ears;
    lines->wake = eventfd(0, EFD_CLOEXEC);
    lines->lines = g_ptr_array_new_with_free_func(line_free);
    lines->listener = socket_listen(path, 0660, error);
    if (lines->listener < 0) {
        viewer_lines_close(lines);
        return NULL;
    }
    lines->path = g_strdup(path);
    lines->thread = g_thread_new("displays", lines_main, lines);
    return lines;
}

void viewer_lines_close(ViewerLines *lines)
{
    if (!lines)
        return;
    g_atomic_int_set(&lines->ending, 1);
    wake(lines);
    if (lines->thread)
        g_thread_join(lines->thread);
    if (lines->path)
        unlink(lines->path);
    g_ptr_array_unref(lines->lines);
    fd_clear(&lines->listener);
    fd_clear(&lines->wake);
    g_free(lines->path);
    g_free(lines);
}
