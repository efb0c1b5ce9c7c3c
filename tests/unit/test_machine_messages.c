#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "machine/agent_link.h"
#include "machine/agent_message.h"
#include "machine/checksum.h"
#include "machine/loop.h"
#include "machine/qmp_message.h"

static void test_qmp(void)
{
    static const struct {
        const char *line;
        bool good;
        QmpMessageKind kind;
        uint64_t id;
        const char *name;
    } rows[] = {
        {"{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2, \"major\": 7}, \"package\": "
         "\"Debian\"}, "
         "\"capabilities\": [\"oob\"]}}",
         true, QMP_GREETING, 0, NULL},
        {"{\"return\": {}, \"id\": 1}", true, QMP_RETURN, 1, NULL},
        {"{\"return\": [], \"id\": 18446744073709551615}", false, 0, 0, NULL},
        {"{\"return\": {}, \"id\": \"1\"}", false, 0, 0, NULL},
        {"{\"return\": {}}", false, 0, 0, NULL},
        {"{\"id\": 7, \"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}}", true, QMP_ERROR, 7,
         "GenericError"},
        {"{\"error\": {\"class\": \"GenericError\", \"desc\": \"JSON parse error\"}}", true, QMP_ERROR, 0,
         "GenericError"},
        {"{\"error\": {\"class\": 3, \"desc\": \"no\"}}", false, 0, 0, NULL},
        {"{\"error\": \"no\"}", false, 0, 0, NULL},
        {"{\"timestamp\": {\"seconds\": 1, \"microseconds\": 2}, \"event\": \"STOP\"}", true, QMP_EVENT, 0,
         "STOP"},
        {"{\"event\": \"SHUTDOWN\", \"data\": {\"guest\": true, \"reason\": \"guest-reset\"}}", true,
         QMP_EVENT, 0, "SHUTDOWN"},
        {"{\"event\": \"STOP\", \"data\": 3}", false, 0, 0, NULL},
        {"{\"event\": 5}", false, 0, 0, NULL},
        {"{\"QMP\": 5}", false, 0, 0, NULL},
        {"{}", false, 0, 0, NULL},
        {"[]", false, 0, 0, NULL},
        {"", false, 0, 0, NULL},
        {"{\"return\": {}, \"id\": 1", false, 0, 0, NULL},
        {"\xff\xfe", false, 0, 0, NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_auto(QmpMessage) message = {0};
        bool good = qmp_message_parse(rows[i].line, strlen(rows[i].line), &message, &error);
        g_test_message("row %zu", i);
        g_assert_cmpint(good, ==, rows[i].good);
        if (!good) {
            g_assert_cmpint(oriel_error_kind(error), ==, ORIEL_ERROR_CORRUPT);
            continue;
        }
        g_assert_cmpint(message.kind, ==, rows[i].kind);
        g_assert_cmpuint(message.id, ==, rows[i].id);
        g_assert_cmpstr(message.name, ==, rows[i].name);
    }
}

static void test_agent(void)
{
    static const struct {
        const char *line;
        bool good;
        AgentMessageKind kind;
        bool flag;
        const char *first;
    } rows[] = {
        {"{\"type\":\"hello\",\"version\":\"0.1\",\"boot_id\":\"b\"}", true, AGENT_HELLO, false, "0.1"},
        {"{\"type\":\"hello\",\"version\":\"0.1\"}", false, 0, false, NULL},
        {"{\"type\":\"hello\",\"version\":\"a\\nb\",\"boot_id\":\"b\"}", false, 0, false, NULL},
        {"{\"type\":\"ready\"}", true, AGENT_READY, false, NULL},
        {"{\"type\":\"ready\",\"settled\":true}", true, AGENT_READY, true, NULL},
        {"{\"type\":\"ready\",\"settled\":\"yes\"}", true, AGENT_READY, false, NULL},
        {"{\"type\":\"session\",\"state\":\"logged-on\",\"user\":\"Jörg\"}", true, AGENT_SESSION, true,
         "Jörg"},
        {"{\"type\":\"session\",\"state\":\"logged-off\",\"user\":\"a\"}", true, AGENT_SESSION, false, "a"},
        {"{\"type\":\"session\",\"state\":\"elsewhere\",\"user\":\"a\"}", false, 0, false, NULL},
        {"{\"type\":\"session\",\"state\":\"logged-on\"}", false, 0, false, NULL},
        {"{\"type\":\"done\",\"id\":3}", true, AGENT_DONE, false, NULL},
        {"{\"type\":\"done\",\"id\":3,\"error\":\"no disk\"}", true, AGENT_DONE, false, "no disk"},
        {"{\"type\":\"done\",\"id\":3,\"error\":{}}", true, AGENT_DONE, false,
         "the agent failed without a readable reason"},
        {"{\"type\":\"done\",\"id\":-3}", true, AGENT_DONE, false, NULL},
        {"{\"type\":\"pong\",\"id\":9}", true, AGENT_PONG, false, NULL},
        {"{\"type\":\"activity\",\"idle_ms\":1500,\"locked\":true}", true, AGENT_ACTIVITY, true, NULL},
        {"{\"type\":\"activity\",\"locked\":true,\"held\":true}", true, AGENT_ACTIVITY, true, NULL},
        {"{\"type\":\"answer\",\"question\":\"01ARZ3NDEKTSV4RRFFQ69G5FAV\",\"allow\":true}", true, AGENT_ANSWERED, true, "01ARZ3NDEKTSV4RRFFQ69G5FAV"},
        {"{\"type\":\"answer\",\"question\":\"01ARZ3NDEKTSV4RRFFQ69G5FAV\",\"allow\":1}", false, 0, false, NULL},
        {"{\"type\":\"answer\",\"question\":\"01ARZ3NDEKTSV4RRFFQ69G5FAV\",\"allow\":true,\"seat\":26}", true, AGENT_ANSWERED, true, "01ARZ3NDEKTSV4RRFFQ69G5FAV"},
        {"{\"type\":\"answer\",\"question\":\"01ARZ3NDEKTSV4RRFFQ69G5FAV\",\"allow\":true,\"seat\":27}", false, 0, false, NULL},
        {"{\"type\":\"answer\",\"question\":\"../shadow\",\"allow\":true}", false, 0, false, NULL},
        {"{\"type\":\"answer\",\"allow\":true}", false, 0, false, NULL},
        {"{\"type\":\"activity\",\"locked\":false}", true, AGENT_ACTIVITY, false, NULL},
        {"{\"type\":\"activity\",\"idle_ms\":-1,\"locked\":false}", false, 0, false, NULL},
        {"{\"type\":\"activity\",\"idle_ms\":1e9,\"locked\":false}", false, 0, false, NULL},
        {"{\"type\":\"activity\",\"idle_ms\":9223372036854775807,\"locked\":false}", false, 0, false, NULL},
        {"{\"type\":\"activity\",\"idle_ms\":5}", false, 0, false, NULL},
        {"{\"type\":\"application\",\"state\":\"runs\",\"lines\":[\"x\"]}", true, AGENT_APPLICATION, true, NULL},
        {"{\"type\":\"application\",\"state\":\"ended\",\"lines\":[\"a\",5,\"b\\u001bc\",\"d\"]}", true, AGENT_APPLICATION, false, "a\nd"},
        {"{\"type\":\"application\",\"state\":\"ended\"}", true, AGENT_APPLICATION, false, "it did not say why"},
        {"{\"type\":\"application\",\"state\":\"sleeps\"}", false, 0, false, NULL},
        {"{\"type\":\"of a later agent\"}", true, AGENT_UNKNOWN, false, NULL},
        {"{\"type\":5}", false, 0, false, NULL},
        {"{}", false, 0, false, NULL},
        {"hello", false, 0, false, NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_auto(AgentMessage) message = {0};
        g_test_message("%s", rows[i].line);
        g_assert_cmpint(agent_message_parse(rows[i].line, strlen(rows[i].line), &message), ==, rows[i].good);
        if (!rows[i].good)
            continue;
        g_assert_cmpint(message.kind, ==, rows[i].kind);
        g_assert_cmpint(message.flag, ==, rows[i].flag);
        g_assert_cmpstr(message.first, ==, rows[i].first);
    }
}

static void test_agent_long_user(void)
{
    g_autofree char *user = g_strnfill(AGENT_TEXT_LIMIT + 1, 'u');
    g_autofree char *line =
        g_strdup_printf("{\"type\":\"session\",\"state\":\"logged-on\",\"user\":\"%s\"}", user);
    g_auto(AgentMessage) message = {0};
    g_assert_false(agent_message_parse(line, strlen(line), &message));
}

static void collect(const char *line, size_t length, void *data)
{
    g_ptr_array_add(data, g_strndup(line, length));
}

/* The same text, cut anywhere, gives the same lines. */
static void test_agent_lines(void)
{
    static const char text[] = "one\n\ntwo\nthree\nfo";
    for (size_t cut = 0; cut < sizeof text; cut++) {
        g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
        g_autofree AgentLines *state = g_new0(AgentLines, 1);
        agent_lines_feed(state, text, cut, collect, lines);
        agent_lines_feed(state, text + cut, sizeof text - 1 - cut, collect, lines);
        agent_lines_feed(state, "ur\n", 3, collect, lines);
        g_assert_cmpuint(lines->len, ==, 4);
        g_assert_cmpstr(lines->pdata[0], ==, "one");
        g_assert_cmpstr(lines->pdata[3], ==, "four");
    }
}

static void test_agent_line_too_long(void)
{
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
    g_autofree AgentLines *state = g_new0(AgentLines, 1);
    g_autofree char *longest = g_strnfill(LIMIT_AGENT_LINE, 'x');
    agent_lines_feed(state, longest, LIMIT_AGENT_LINE, collect, lines);
    agent_lines_feed(state, "\n", 1, collect, lines);
    g_assert_cmpuint(lines->len, ==, 1);
    agent_lines_feed(state, longest, LIMIT_AGENT_LINE, collect, lines);
    agent_lines_feed(state, "x still the same\nnext\n", 22, collect, lines);
    g_assert_cmpuint(lines->len, ==, 2);
    g_assert_cmpstr(lines->pdata[1], ==, "next");
}

static gpointer flood(gpointer data)
{
    g_autofree char *lies = g_strnfill(64 * 1024, '\n');
    for (int i = 0; i < 40; i++) /* 2.5 MiB */
        g_assert_true(fd_write_all(GPOINTER_TO_INT(data), lies, 64 * 1024, NULL));
    static const char ready[] = "{\"type\":\"ready\",\"settled\":true}\n";
    g_assert_true(fd_write_all(GPOINTER_TO_INT(data), ready, strlen(ready), NULL));
    return NULL;
}

static void count_floods(const AgentMessage *message, void *owner)
{
    if (message->kind == AGENT_FLOODS)
        ++*(unsigned *)owner;
}

/* One MiB is taken in a second, then the guest waits for the rest of it; after all that it is still heard. Less time than
 * this means that nobody slowed it down; a busy host only makes it longer. */
static void test_agent_flood_is_slowed(void)
{
    g_autoptr(GError) error = NULL;
    int ends[2];
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
    Loop *loop = loop_new(&error);
    g_assert_no_error(error);
    int64_t begun_ms = clock_monotonic_ms();
    unsigned floods = 0;
    AgentLink *link = agent_link_new(loop, ends[0], "flooded", count_floods, &floods);
    GThread *guest = g_thread_new("flood", flood, GINT_TO_POINTER(ends[1]));
    g_assert_true(agent_link_wait_ready(link, true, 60 * 1000, &error));
    g_assert_cmpint(clock_monotonic_ms() - begun_ms, >=, 1900);
    g_thread_join(guest);
    agent_link_close(link);
    g_assert_cmpuint(floods, ==, 1); /* told once, however long it goes on */
    agent_link_unref(link);
    loop_free(loop);
    close(ends[1]);
}

/* RFC 3720 B.4. */
static void test_checksum(void)
{
    uint8_t bytes[32] = {0};
    g_assert_cmphex(checksum_crc32c(0, bytes, 32), ==, 0x8a9136aa);
    memset(bytes, 0xff, 32);
    g_assert_cmphex(checksum_crc32c(0, bytes, 32), ==, 0x62a8ab43);
    for (int i = 0; i < 32; i++)
        bytes[i] = (uint8_t)i;
    g_assert_cmphex(checksum_crc32c(0, bytes, 32), ==, 0x46dd794e);
    g_assert_cmphex(checksum_crc32c(checksum_crc32c(0, bytes, 13), bytes + 13, 19), ==, 0x46dd794e);
}

/* What a guest says of a log on is read by people and kept: bounded, and nothing but text. */
static void test_log_on(void)
{
    g_auto(AgentMessage) message = {0};
    static const char good[] = "{\"type\":\"done\",\"id\":3,\"user\":\"anna\",\"home\":true,\"warnings\":[\"a\",7,\"b\\nc\",\"\",\"d\",\"fifth\"]}",
                      bad[] = "{\"type\":\"done\",\"id\":3,\"user\":\"../root\",\"home\":1,\"warnings\":{\"a\":\"b\"}}",
                      ready[] = "{\"type\":\"ready\",\"settled\":false,\"log_on\":true}";
    g_assert_true(agent_message_parse(good, strlen(good), &message));
    g_assert_cmpstr(message.account, ==, "anna");
    g_assert_true(message.flag);
    g_assert_cmpstr(message.warnings, ==, "a");
    agent_message_clear(&message);
    g_assert_true(agent_message_parse(bad, strlen(bad), &message));
    g_assert_null(message.account);
    g_assert_false(message.flag);
    g_assert_null(message.warnings);
    agent_message_clear(&message);
    g_assert_true(agent_message_parse(ready, strlen(ready), &message));
    g_assert_true(message.logs_on);
    g_assert_false(message.flag);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/machine/qmp-message", test_qmp);
    g_test_add_func("/machine/agent-message", test_agent);
    g_test_add_func("/machine/agent-message/long-user", test_agent_long_user);
    g_test_add_func("/machine/agent-lines", test_agent_lines);
    g_test_add_func("/machine/agent-lines/too-long", test_agent_line_too_long);
    g_test_add_func("/machine/agent-flood-is-slowed", test_agent_flood_is_slowed);
    g_test_add_func("/machine/checksum", test_checksum);
    g_test_add_func("/machine/messages/log-on", test_log_on);
    return g_test_run();
}
