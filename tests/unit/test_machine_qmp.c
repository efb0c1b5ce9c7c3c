/* The QMP client against a fake QEMU that does as it is told, also what no QEMU should do. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"
#include "machine/loop.h"
#include "machine/qmp.h"
#include "machine/qmp_commands.h"

#define GREETING                                                                                             \
    "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2, \"major\": 7}, \"package\": \"\"}, "   \
    "\"capabilities\": [\"oob\"]}}\r\n"
#define SHORT_MS 100  /* how long a test waits for what must not come */
#define LONG_MS 20000 /* how long a test waits for what must come */

typedef struct {
    Loop *loop;
    Qmp *qmp;
    int fake; /* the end that the fake QEMU holds */
    GMutex lock;
    GCond changed;
    int events;
    int closings;
} Fixture;

static void on_event(const char *name, Json *data, void *owner)
{
    Fixture *fixture = owner;
    g_mutex_lock(&fixture->lock);
    fixture->events++;
    g_cond_broadcast(&fixture->changed);
    g_mutex_unlock(&fixture->lock);
}

static void on_closed(void *owner)
{
    Fixture *fixture = owner;
    g_mutex_lock(&fixture->lock);
    fixture->closings++;
    g_cond_broadcast(&fixture->changed);
    g_mutex_unlock(&fixture->lock);
}

static void set_up(Fixture *fixture, const void *data)
{
    static const QmpListener listener = {.event = on_event, .closed = on_closed};
    int ends[2];
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
    g_mutex_init(&fixture->lock);
    g_cond_init(&fixture->changed);
    fixture->loop = loop_new(NULL);
    fixture->fake = ends[1];
    fixture->qmp = qmp_new(fixture->loop, ends[0], "machine test", &listener, fixture);
}

static void tear_down(Fixture *fixture, const void *data)
{
    qmp_close(fixture->qmp);
    qmp_unref(fixture->qmp);
    loop_free(fixture->loop);
    fd_clear(&fixture->fake);
    g_mutex_clear(&fixture->lock);
    g_cond_clear(&fixture->changed);
}

static void fake_say(const Fixture *fixture, const char *text)
{
    g_assert_true(fd_write_all(fixture->fake, text, strlen(text), NULL));
}

/* One command as the fake hears it; the descriptor that came along, or -1. Caller frees. */
static char *fake_hear(const Fixture *fixture, int *ret_fd)
{
    g_autoptr(GString) line = g_string_new(NULL);
    *ret_fd = -1;
    for (;;) {
        char byte;
        union {
            char bytes[CMSG_SPACE(sizeof(int))];
            struct cmsghdr align;
        } control;
        struct iovec part = {.iov_base = &byte, .iov_len = 1};
        struct msghdr message = {.msg_iov = &part,
                                 .msg_iovlen = 1,
                                 .msg_control = control.bytes,
                                 .msg_controllen = sizeof control.bytes};
        ssize_t got = recvmsg(fixture->fake, &message, MSG_CMSG_CLOEXEC);
        g_assert_cmpint(got, ==, 1);
        const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        if (header)
            memcpy(ret_fd, CMSG_DATA(header), sizeof *ret_fd);
        if (byte == '\n')
            return g_string_free(g_steal_pointer(&line), FALSE);
        g_string_append_c(line, byte);
    }
}

static void fake_greet(Fixture *fixture)
{
    int fd;
    g_autoptr(GError) error = NULL;
    g_autofree char *command = fake_hear(fixture, &fd);
    g_assert_cmpstr(command, ==, "{\"execute\":\"qmp_capabilities\",\"id\":1}");
    fake_say(fixture, GREETING "{\"return\": {}, \"id\": 1}\r\n");
    g_assert_true(qmp_handshake(fixture->qmp, LONG_MS, &error));
    g_assert_no_error(error);
}

static void expect_kind(GError **error, OrielErrorKind kind)
{
    g_assert_nonnull(*error);
    g_test_message("%s", (*error)->message);
    g_assert_cmpint(oriel_error_kind(*error), ==, kind);
    g_clear_error(error);
}

/* Answers that come in another order, in pieces, between events, find their commands. */
static void test_answers(Fixture *fixture, const void *data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) status = NULL;
    fake_greet(fixture);
    QmpCall *first = qmp_query_status(fixture->qmp);
    QmpCall *second = qmp_cont(fixture->qmp);
    fake_say(fixture, "{\"id\": 3, \"error\": {\"class\": \"GenericError\", \"desc\": \"not "
                      "now\"}}\r\n{\"event\": \"STOP\"");
    fake_say(fixture, "}\r\n{\"return\": {\"running\": tr");
    fake_say(fixture, "ue}, \"id\": 2}\r\n");
    g_assert_true(qmp_finish(first, LONG_MS, &status, &error));
    g_assert_true(json_is_true(json_object_get(status, "running")));
    g_assert_false(qmp_finish(second, LONG_MS, NULL, &error));
    g_assert_nonnull(strstr(error->message, "not now"));
    expect_kind(&error, ORIEL_ERROR_CONFLICT);
    g_mutex_lock(&fixture->lock);
    g_assert_cmpint(fixture->events, ==, 1);
    g_mutex_unlock(&fixture->lock);
}

static void test_descriptor(Fixture *fixture, const void *data)
{
    int ends[2], passed, none;
    fake_greet(fixture);
    g_assert_cmpint(pipe(ends), ==, 0);
    QmpCall *call = qmp_getfd(fixture->qmp, "state", ends[1]);
    g_autofree char *command = fake_hear(fixture, &passed);
    g_assert_cmpstr(command, ==, "{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"state\"},\"id\":2}");
    g_assert_cmpint(passed, >=, 0);
    g_assert_cmpint(write(passed, "x", 1), ==, 1);
    char byte;
    g_assert_cmpint(read(ends[0], &byte, 1), ==, 1);
    QmpCall *other = qmp_cont(fixture->qmp);
    g_autofree char *command_other = fake_hear(fixture, &none);
    g_assert_cmpint(none, ==, -1);
    fake_say(fixture, "{\"return\": {}, \"id\": 2}\r\n{\"return\": {}, \"id\": 3}\r\n");
    g_assert_true(qmp_finish(call, LONG_MS, NULL, NULL));
    g_assert_true(qmp_finish(other, LONG_MS, NULL, NULL));
    close(ends[0]);
    close(ends[1]);
    close(passed);
}

/* An answer that comes after its command's time is over disturbs nothing. */
static void test_late_answer(Fixture *fixture, const void *data)
{
    g_autoptr(GError) error = NULL;
    fake_greet(fixture);
    g_assert_false(qmp_finish(qmp_cont(fixture->qmp), SHORT_MS, NULL, &error));
    expect_kind(&error, ORIEL_ERROR_TIMEOUT);
    QmpCall *next = qmp_stop(fixture->qmp);
    fake_say(fixture, "{\"return\": {}, \"id\": 2}\r\n{\"return\": {}, \"id\": 3}\r\n");
    g_assert_true(qmp_finish(next, LONG_MS, NULL, &error));
    g_assert_no_error(error);
}

static void test_watch(Fixture *fixture, const void *data)
{
    g_autoptr(GError) error = NULL;
    fake_greet(fixture);
    g_autoptr(QmpWatch) watch = qmp_watch(fixture->qmp, "MIGRATION");
    g_assert_null(qmp_watch_next(watch, SHORT_MS, &error));
    expect_kind(&error, ORIEL_ERROR_TIMEOUT);
    fake_say(fixture,
             "{\"event\": \"STOP\"}\r\n{\"event\": \"MIGRATION\", \"data\": {\"status\": \"active\"}}\r\n"
             "{\"event\": \"MIGRATION\", \"data\": {\"status\": \"completed\"}}\r\n");
    g_autoptr(Json) first = qmp_watch_next(watch, LONG_MS, &error);
    g_autoptr(Json) second = qmp_watch_next(watch, LONG_MS, &error);
    g_assert_cmpstr(json_string_value(json_object_get(first, "status")), ==, "active");
    g_assert_cmpstr(json_string_value(json_object_get(second, "status")), ==, "completed");
    fd_clear(&fixture->fake);
    g_assert_null(qmp_watch_next(watch, LONG_MS, &error));
    expect_kind(&error, ORIEL_ERROR_UNAVAILABLE);
}

/* Whatever is no QMP ends the connection: the command under way hears why, later ones fail at once. */
static void test_nonsense(Fixture *fixture, const void *data)
{
    g_autoptr(GError) error = NULL;
    fake_greet(fixture);
    QmpCall *call = qmp_cont(fixture->qmp);
    fake_say(fixture, data);
    g_assert_false(qmp_finish(call, LONG_MS, NULL, &error));
    expect_kind(&error, ORIEL_ERROR_CORRUPT);
    g_assert_false(qmp_finish(qmp_cont(fixture->qmp), LONG_MS, NULL, &error));
    expect_kind(&error, ORIEL_ERROR_UNAVAILABLE);
    g_mutex_lock(&fixture->lock);
    while (fixture->closings == 0)
        g_cond_wait(&fixture->changed, &fixture->lock);
    g_assert_cmpint(fixture->closings, ==, 1);
    g_mutex_unlock(&fixture->lock);
}

static void *write_endlessly(void *data)
{
    const Fixture *fixture = data;
    g_autofree char *block = g_strnfill(65536, 'x');
    size_t written = 0;
    while (send(fixture->fake, block, 65536, MSG_NOSIGNAL) > 0)
        written += 65536;
    return GSIZE_TO_POINTER(written);
}

static void test_endless_line(Fixture *fixture, const void *data)
{
    g_autoptr(GError) error = NULL;
    fake_greet(fixture);
    QmpCall *call = qmp_cont(fixture->qmp);
    GThread *writer = g_thread_new("writer", write_endlessly, fixture);
    g_assert_false(qmp_finish(call, LONG_MS, NULL, &error));
    expect_kind(&error, ORIEL_ERROR_CORRUPT);
    size_t written = GPOINTER_TO_SIZE(g_thread_join(writer));
    g_assert_cmpuint(written, >=, LIMIT_QMP_LINE);
    g_assert_cmpuint(written, <, 2 * (size_t)LIMIT_QMP_LINE);
}

static void test_closing(Fixture *fixture, const void *data)
{
    g_autoptr(GError) error = NULL;
    fake_greet(fixture);
    QmpCall *call = qmp_cont(fixture->qmp);
    fake_say(fixture, "{\"return\": ");
    fd_clear(&fixture->fake);
    g_assert_false(qmp_finish(call, LONG_MS, NULL, &error));
    expect_kind(&error, ORIEL_ERROR_UNAVAILABLE);
}

static void test_no_greeting(Fixture *fixture, const void *data)
{
    g_autoptr(GError) error = NULL;
    g_assert_false(qmp_handshake(fixture->qmp, SHORT_MS, &error));
    expect_kind(&error, ORIEL_ERROR_TIMEOUT);
}

static void test_greeting_nonsense(Fixture *fixture, const void *data)
{
    g_autoptr(GError) error = NULL;
    fake_say(fixture, "SSH-2.0-OpenSSH_9.2\r\n");
    g_assert_false(qmp_handshake(fixture->qmp, LONG_MS, &error));
    expect_kind(&error, ORIEL_ERROR_CORRUPT);
}

static void *run_commands(void *data)
{
    Fixture *fixture = data;
    for (int i = 0; i < 200; i++)
        g_assert_true(qmp_finish(qmp_cont(fixture->qmp), LONG_MS, NULL, NULL));
    return NULL;
}

/* Many workers on one connection: every answer finds its own command. */
static void test_many_workers(Fixture *fixture, const void *data)
{
    GThread *workers[4];
    fake_greet(fixture);
    for (size_t i = 0; i < G_N_ELEMENTS(workers); i++)
        workers[i] = g_thread_new("worker", run_commands, fixture);
    for (size_t i = 0; i < 200 * G_N_ELEMENTS(workers); i++) {
        int fd;
        g_autofree char *command = fake_hear(fixture, &fd);
        const char *id = strstr(command, "\"id\":");
        g_assert_nonnull(id);
        g_autofree char *digits = g_strndup(id + 5, strspn(id + 5, "0123456789"));
        g_autofree char *answer = g_strdup_printf("{\"return\": {}, \"id\": %s}\r\n", digits);
        fake_say(fixture, answer);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(workers); i++)
        g_thread_join(workers[i]);
}

static void add(const char *path, const void *data, void (*function)(Fixture *, const void *))
{
    g_test_add(path, Fixture, data, set_up, function, tear_down);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add("/machine/qmp/answers", NULL, test_answers);
    add("/machine/qmp/descriptor", NULL, test_descriptor);
    add("/machine/qmp/late-answer", NULL, test_late_answer);
    add("/machine/qmp/watch", NULL, test_watch);
    add("/machine/qmp/nonsense/text", "hello\r\n", test_nonsense);
    add("/machine/qmp/nonsense/array", "[]\r\n", test_nonsense);
    add("/machine/qmp/nonsense/unknown-id", "{\"return\": {}, \"id\": 99}\r\n", test_nonsense);
    add("/machine/qmp/nonsense/second-greeting", GREETING, test_nonsense);
    add("/machine/qmp/nonsense/error-without-id",
        "{\"error\": {\"class\": \"GenericError\", \"desc\": \"JSON parse error\"}}\r\n", test_nonsense);
    add("/machine/qmp/endless-line", NULL, test_endless_line);
    add("/machine/qmp/closing", NULL, test_closing);
    add("/machine/qmp/no-greeting", NULL, test_no_greeting);
    add("/machine/qmp/greeting-nonsense", NULL, test_greeting_nonsense);
    add("/machine/qmp/many-workers", NULL, test_many_workers);
    return g_test_run();
}
