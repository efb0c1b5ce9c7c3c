/* The guest agent's parts that judge what comes from outside: host lines, logind's files, environments, device events. */
#include <glib.h>
#include <glib/gstdio.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest/agent_account.h"
#include "guest/agent_activity.h"
#include "guest/agent_ask.h"
#include "guest/agent_child.h"
#include "guest/agent_identity.h"
#include "guest/agent_lock.h"
#include "guest/agent_words.h"
#include "guest/agent_log_on.h"
#include "guest/agent_message.h"
#include "guest/agent_port.h"
#include "guest/agent_session.h"
#include "guest/agent_settle.h"
#include "guest/agent_show.h"
#include "guest/file.h"
#include "guest/uevent.h"

#define ENTROPY "AAECAwQFBgcICQoLDA0ODw=="
#define ID32 "0123456789abcdef0123456789abcdef"

static bool parse(const char *line, AgentRequest *request)
{
    return agent_request_parse(line, strlen(line), request);
}

static void test_requests(void)
{
    AgentRequest request;
    g_assert_true(parse("{\"type\":\"ping\",\"id\":\"a\\\"b\"}", &request));
    g_assert_cmpint(request.type, ==, REQUEST_PING);
    g_assert_cmpstr(request.id, ==, "\"a\\\"b\"");
    g_assert_true(parse("{\"type\":\"log-off\",\"id\":-12}", &request));
    g_assert_cmpstr(request.id, ==, "-12");
    g_assert_true(parse("{\"type\":\"shut-down\",\"id\":[1]}", &request));
    g_assert_cmpstr(request.id, ==, "null");
    g_assert_true(parse("{\"type\":\"resize\",\"id\":1,\"width\":1280,\"height\":800}", &request));
    g_assert_cmpuint(request.width, ==, 1280);
    g_assert_cmpstr(request.failure.text, ==, "");
    g_assert_true(parse("{\"type\":\"message\",\"id\":1,\"title\":\"Help desk\",\"text\":\"-f /etc/shadow; $(id)\\n<b>&\"}", &request));
    g_assert_cmpint(request.type, ==, REQUEST_SHOW);
    g_assert_cmpstr(request.failure.text, ==, "");
    g_assert_cmpstr(request.text, ==, "-f /etc/shadow; $(id)\n<b>&");
    char escaped[64];
    g_assert_true(agent_show_escape("<b>&", escaped, sizeof escaped));
    g_assert_cmpstr(escaped, ==, "&lt;b&gt;&amp;");
    g_assert_false(agent_show_escape("<<<<", escaped, 16));
    g_assert_true(parse("{\"type\":\"ask\",\"id\":1,\"question\":\"01AB\",\"text\":\"May I?\",\"allow\":\"Yes\",\"refuse\":\"No\",\"limit_ms\":30000}", &request));
    g_assert_cmpstr(request.failure.text, ==, "");
    g_assert_cmpstr(request.question, ==, "01AB");
    g_assert_cmpstr(request.refuse, ==, "No");
    g_assert_cmpint(request.ask_ms, ==, 30000);
    g_assert_true(parse("{\"type\":\"lock\",\"id\":1}", &request));
    g_assert_cmpint(request.type, ==, REQUEST_LOCK);
    g_assert_true(parse("{\"type\":\"unlock\",\"id\":1}", &request));
    g_assert_cmpint(request.type, ==, REQUEST_UNLOCK);
    g_assert_true(parse("{\"type\":\"identity\",\"id\":1,\"time_ms\":1700000000123,\"entropy\":\"" ENTROPY
                        "\",\"machine_id\":\"" ID32 "\",\"hostname\":\"desk-1\",\"locale\":\"de_DE.UTF-8\",\"keyboard\":"
                        "\"de,fr\",\"time_zone\":\"Europe/Berlin\"}",
                        &request));
    g_assert_cmpstr(request.failure.text, ==, "");
    g_assert_cmpint(request.time_ms, ==, 1700000000123);
    g_assert_cmpuint(request.entropy_length, ==, 16);
    g_assert_cmpint(request.entropy[15], ==, 15);
    g_assert_cmpstr(request.machine_id, ==, ID32);
    g_assert_cmpstr(request.time_zone, ==, "Europe/Berlin");
}

static void test_ignored(void)
{
    static const char *const LINES[] = {"",     "x",         "[]",           "{}",  "{\"type\":1}", "{\"type\":\"reboot\"}",
                                        "null", "{\"type\"", "{\"type\":\"ping\",\"id\":\"a\\u0000b\"}", "{\"type\":\"ping\",\"type\":\"ping\"}", "\xff\xfe"};
    AgentRequest request;
    for (size_t i = 0; i < G_N_ELEMENTS(LINES); i++)
        g_assert_false(parse(LINES[i], &request));
    g_assert_false(agent_request_parse("{\"type\":\"ping\"}\0x", 17, &request));
}

static void test_refused(void)
{
#define IDENTITY(fields) "{\"type\":\"identity\",\"id\":1," fields "}"
#define GOOD_HEAD "\"time_ms\":1,\"entropy\":\"" ENTROPY "\",\"machine_id\":\"" ID32 "\""
    static const char *const LINES[] = {
        "{\"type\":\"message\",\"id\":1}",
        "{\"type\":\"message\",\"id\":1,\"text\":\"\"}",
        "{\"type\":\"message\",\"id\":1,\"text\":\"\\u001b[2J\"}",
        "{\"type\":\"message\",\"id\":1,\"text\":\"\\u009b2J\"}",
        "{\"type\":\"message\",\"id\":1,\"title\":\"a\\nb\",\"text\":\"x\"}",
        "{\"type\":\"ask\",\"id\":1,\"text\":\"x\",\"allow\":\"Yes\",\"refuse\":\"No\",\"limit_ms\":1}",
        "{\"type\":\"ask\",\"id\":1,\"question\":\"-x\",\"text\":\"x\",\"allow\":\"Yes\",\"refuse\":\"No\",\"limit_ms\":1}",
        "{\"type\":\"ask\",\"id\":1,\"question\":\"1\",\"text\":\"x\",\"allow\":\"Yes\",\"limit_ms\":1}",
        "{\"type\":\"ask\",\"id\":1,\"question\":\"1\",\"text\":\"x\",\"allow\":\"Yes\",\"refuse\":\"No\\n\",\"limit_ms\":1}",
        "{\"type\":\"ask\",\"id\":1,\"question\":\"1\",\"text\":\"x\",\"allow\":\"Yes\",\"refuse\":\"No\",\"limit_ms\":120001}",
        "{\"type\":\"ask-end\",\"id\":1}",
        "{\"type\":\"resize\",\"id\":1}",
        "{\"type\":\"resize\",\"id\":1,\"width\":63,\"height\":800}",
        "{\"type\":\"resize\",\"id\":1,\"width\":1280,\"height\":99999}",
        "{\"type\":\"resize\",\"id\":1,\"width\":\"1280\",\"height\":800}",
        IDENTITY("\"time_ms\":-1"),
        IDENTITY("\"time_ms\":1,\"entropy\":\"AAEC\""),
        IDENTITY("\"time_ms\":1,\"entropy\":\"not base64!\""),
        IDENTITY("\"time_ms\":1,\"entropy\":\"" ENTROPY "\",\"machine_id\":\"XYZ\""),
        IDENTITY("\"time_ms\":1,\"entropy\":\"" ENTROPY "\",\"machine_id\":\"0123456789ABCDEF0123456789ABCDEF\""),
        IDENTITY(GOOD_HEAD),
        IDENTITY(GOOD_HEAD ",\"hostname\":\"-x\""),
        IDENTITY(GOOD_HEAD ",\"hostname\":\"a b\""),
        IDENTITY(GOOD_HEAD ",\"hostname\":\"a\\nb\""),
        IDENTITY(GOOD_HEAD ",\"hostname\":\"x\",\"time_zone\":\"../etc/shadow\""),
        IDENTITY(GOOD_HEAD ",\"hostname\":\"x\",\"time_zone\":\"/etc\""),
        IDENTITY(GOOD_HEAD ",\"hostname\":\"x\",\"keyboard\":\"de;rm\""),
        IDENTITY(GOOD_HEAD ",\"hostname\":\"x\",\"keyboard\":\"-display\""),
        IDENTITY(GOOD_HEAD ",\"hostname\":\"x\",\"locale\":\"de\\nX=1\""),
    };
    AgentRequest request;
    for (size_t i = 0; i < G_N_ELEMENTS(LINES); i++) {
        g_assert_true(parse(LINES[i], &request));
        if (!request.failure.text[0])
            g_error("accepted: %s", LINES[i]);
    }
}

/* What notify-send would say, and how it would end. */
static AgentAnswer answer_to(const char *script, bool take_back)
{
    const char *const argv[] = {"sh", "-c", script, NULL};
    AgentChild child = {.argv = argv};
    AgentQuestion question = {.id = "1"};
    Failure failure = {""};
    question.output = agent_child_open(&child, &question.pid, &failure);
    g_assert_cmpint(question.output, >=, 0);
    agent_ask_end(&question, "2"); /* another's */
    g_assert_false(question.taken_back);
    if (take_back)
        agent_ask_end(&question, "1");
    AgentAnswer answer;
    struct pollfd waiting = {question.output, POLLIN, 0};
    while ((answer = agent_ask_hear(&question)) == ANSWER_NONE)
        poll(&waiting, 1, -1);
    g_assert_cmpint(question.pid, ==, 0);
    return answer;
}

static void test_asking(void)
{
    g_assert_cmpint(answer_to("echo allow", false), ==, ANSWER_ALLOW);
    g_assert_cmpint(answer_to("echo refuse", false), ==, ANSWER_REFUSE);
    g_assert_cmpint(answer_to("true", false), ==, ANSWER_REFUSE); /* closed */
    g_assert_cmpint(answer_to("printf 'allow\\n%1000s' x", false), ==, ANSWER_REFUSE);
    g_assert_cmpint(answer_to("echo allow; exit 1", false), ==, ANSWER_LOST); /* nothing shows notifications */
    g_assert_cmpint(answer_to("exec sleep 60", true), ==, ANSWER_LOST);
    g_assert_cmpint(answer_to("trap 'echo allow; exit 0' INT; echo; while :; do :; done", true), ==, ANSWER_LOST);
}

static void test_base64(void)
{
    static const struct {
        const char *text, *bytes;
        int length;
    } ROWS[] = {{"", "", 0},         {"TQ==", "M", 1},  {"TWE=", "Ma", 2}, {"TWFu", "Man", 3}, {"TWFuTQ==", "ManM", 4},
                {"TQ=", NULL, -1},   {"T===", NULL, -1}, {"TQ=a", NULL, -1}, {"TQ==TQ==", NULL, -1}, {"TW u", NULL, -1},
                {"TWFuTWFuTWFu", NULL, -1}};
    for (size_t i = 0; i < G_N_ELEMENTS(ROWS); i++) {
        unsigned char bytes[8];
        g_assert_cmpint(agent_base64_decode(ROWS[i].text, bytes, sizeof bytes), ==, ROWS[i].length);
        if (ROWS[i].length > 0)
            g_assert_cmpmem(bytes, ROWS[i].length, ROWS[i].bytes, ROWS[i].length);
    }
}

/* linux/input-event-codes.h: EV_SYN 0, EV_KEY 1, EV_REL 2, EV_ABS 3, EV_LED 17. */
static void test_activity(void)
{
    g_assert_true(agent_activity_counts(1, 1) && agent_activity_counts(1, 0) && agent_activity_counts(2, -3) && agent_activity_counts(3, 9));
    g_assert_false(agent_activity_counts(1, 2) || agent_activity_counts(0, 0) || agent_activity_counts(17, 1));
    AgentActivity none = {.epoll = -1};
    g_assert_cmpint(agent_activity_idle_ms(&none), ==, -1);
    char *idle = agent_activity_text(1500, false, false), *locked = agent_activity_text(-1, true, false), *held = agent_activity_text(-1, true, true);
    g_assert_cmpstr(idle, ==, "{\"type\":\"activity\",\"locked\":false,\"idle_ms\":1500}\n");
    g_assert_cmpstr(locked, ==, "{\"type\":\"activity\",\"locked\":true}\n");
    free(idle);
    g_assert_cmpstr(held, ==, "{\"type\":\"activity\",\"locked\":true,\"held\":true}\n");
    free(locked);
    free(held);
}

/* What a program writes comes back cut, and one that writes nothing leaves nothing of before. */
static void test_output(void)
{
    static const char *const echo[] = {"echo", "yes", NULL}, *const quiet[] = {"true", NULL};
    char output[4] = "old";
    Failure failure = {""};
    AgentChild child = {.argv = echo, .timeout_ms = 10000, .output = output, .output_size = sizeof output};
    g_assert_true(agent_child_run(&child, &failure));
    g_assert_cmpstr(output, ==, "yes");
    child.argv = quiet;
    g_assert_true(agent_child_run(&child, &failure));
    g_assert_cmpstr(output, ==, "");
}

/* Against a real bus: it hangs up on who speaks nonsense, and answers "Hello" and "AddMatch" of who does not. */
static void test_bus(void)
{
    g_autofree char *folder = g_dir_make_tmp("oriel-bus-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "bus", NULL);
    g_autofree char *address = g_strconcat("--address=unix:path=", path, NULL);
    const char *argv[] = {"dbus-daemon", "--session", "--nofork", "--nopidfile", address, NULL};
    GPid pid = 0;
    g_autoptr(GString) said = g_string_new(NULL);
    if (!g_spawn_async(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid, NULL)) {
        g_test_skip("dbus-daemon is not installed");
        g_rmdir(folder);
        return;
    }
    int watch = -1;
    for (int tries = 0; tries < 1000 && (watch = agent_lock_watch(path)) < 0; tries++)
        g_usleep(10 * 1000);
    g_assert_cmpint(watch, >=, 0);
    while (!memmem(said->str, said->len, "NameAcquired", strlen("NameAcquired")) || said->len < 300) { /* both answers are longer */
        char block[1024];
        ssize_t got = read(watch, block, sizeof block);
        g_assert_cmpint(got, >, 0);
        g_string_append_len(said, block, got);
    }
    g_assert_null(memmem(said->str, said->len, "DBus.Error", strlen("DBus.Error")));
    bool asked = true;
    g_assert_true(agent_lock_drain(watch, &asked));
    g_assert_false(asked);
    kill(pid, SIGTERM);
    waitpid(pid, NULL, 0);
    g_assert_false(agent_lock_drain(watch, &asked)); /* it has gone */
    close(watch);
    g_unlink(path);
    g_rmdir(folder);
}

/* logind's signal, cut in two anywhere, among others. */
static void test_lock_signal(void)
{
    static const char head[] = {'l', 4, 1, 1, 0, 0, 0, 0, 9, 0, 0, 0, 99, 0, 0, 0}, lock[] = {3, 1, 's', 0, 4, 0, 0, 0, 'L', 'o', 'c', 'k', 0},
                      unlock[] = {3, 1, 's', 0, 6, 0, 0, 0, 'U', 'n', 'l', 'o', 'c', 'k', 0};
    for (size_t cut = 0; cut <= sizeof lock; cut++) {
        int ends[2];
        bool asked = true;
        g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), ==, 0); /* each piece is one read */
        g_assert_true(write(ends[0], head, sizeof head) > 0 && write(ends[0], unlock, sizeof unlock) > 0);
        g_assert_true(agent_lock_drain(ends[1], &asked));
        g_assert_false(asked);
        g_assert_true(write(ends[0], head, sizeof head) > 0);
        g_assert_true(cut == 0 || write(ends[0], lock, cut) > 0);
        g_assert_true(cut == sizeof lock || write(ends[0], lock + cut, sizeof lock - cut) > 0);
        g_assert_true(agent_lock_drain(ends[1], &asked));
        g_assert_true(asked);
        close(ends[0]);
        close(ends[1]);
    }
    char path[128];
    agent_lock_path("c1", path, sizeof path);
    g_assert_cmpstr(path, ==, "/org/freedesktop/login1/session/c1");
    agent_lock_path("12", path, sizeof path);
    g_assert_cmpstr(path, ==, "/org/freedesktop/login1/session/_312");
}

/* Languages that the image can show; others, and nonsense, are English. */
static void test_words(void)
{
    g_autofree char *root = g_dir_make_tmp("oriel-words-XXXXXX", NULL);
    static const struct {
        const char *locale, *language;
    } rows[] = {{"de_DE.UTF-8", "de"}, {"fr_CH.UTF-8", "fr"}, {"es", "es"}, {"en_GB.UTF-8", "en"}, {"ja_JP.UTF-8", "en"}, {"zh_CN.UTF-8", "en"},
                {"pl_PL.UTF-8", "en"}, {"C.UTF-8", "en"}, {"", "en"}, {"deutsch", "en"}, {"d", "en"}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        g_assert_cmpstr(agent_words_language_of(root, rows[i].locale), ==, rows[i].language);
    g_autofree char *folder = g_build_filename(root, "usr/share/fonts/truetype/droid", NULL);
    g_autofree char *font = g_build_filename(folder, "DroidSansFallbackFull.ttf", NULL);
    g_mkdir_with_parents(folder, 0755);
    g_assert_true(g_file_set_contents(font, "", 0, NULL));
    g_assert_cmpstr(agent_words_language_of(root, "ja_JP.UTF-8"), ==, "ja");
    g_assert_cmpstr(agent_words_language_of(root, "zh_TW"), ==, "zh");
    for (int which = 0; which < WORDS_COUNT; which++)
        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
            const char *text = agent_words(agent_words_language_of(root, rows[i].locale), (AgentWords)which);
            g_assert_true(text && *text && g_utf8_validate(text, -1, NULL));
        }
    static const struct {
        const char *language, *text, *said;
    } says[] = {
        {"en", "Hela of the help desk sees this screen.", "Hela of the help desk sees this screen."},
        {"de", "Hela of the help desk sees this screen.", "Hela vom Helpdesk sieht Ihren Bildschirm."},
        {"fr", "Al %s of the help desk asks to look at your screen and work in it.", "Al %s, de l’assistance, demande à voir votre écran et à y travailler."},
        {"es", "An administrator of the help desk sees this screen and works in it.",
         "Un administrador, del servicio de ayuda, ve su pantalla y trabaja en ella."},
        {"de", "Your own files are not here, and what you save now will be lost: the disk is full", "Ihre eigenen Dateien sind nicht hier, und was Sie jetzt speichern, geht verloren: the disk is full"},
        {"ja", "Help desk", "ヘルプデスク"},
        {"zh", "Allow", "允许"},
        {"de", "Lunch is ready", "Lunch is ready"},
        {"de", " of the help desk sees this screen", " of the help desk sees this screen"},
        {"de", "", ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(says); i++) {
        AgentSaid said;
        g_assert_cmpstr(agent_words_say(says[i].language, says[i].text, &said), ==, says[i].said);
    }
    AgentSaid said;
    g_autofree char *name = g_strnfill(3 * AGENT_TEXT_LONGEST, 'x'), *long_one = g_strconcat(name, " of the help desk sees this screen.", NULL);
    g_assert_true(agent_words_say("de", long_one, &said) == long_one);
    const char *argv[] = {"rm", "-rf", root, NULL};
    g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
}

static void test_answers(void)
{
    AgentStep steps[] = {{"clock", 5}, {"thaw", 7}};
    char *hello = agent_hello_text("1", "b"), *ready = agent_ready_text(true, 0), *pong = agent_pong_text("\"x\""),
         *session = agent_session_text(false, "a\"\n"), *done = agent_done_text("7", NULL, steps, 2),
         *failed = agent_done_text("null", "why", NULL, 0), *answer = agent_answer_text(0, "01AB", true), *theirs = agent_answer_text(2, "01AB", false),
         *seats = agent_ready_text(false, 26), *seat = agent_seat_text(3, true, "ann");
    g_assert_cmpstr(hello, ==, "{\"type\":\"hello\",\"version\":\"1\",\"boot_id\":\"b\"}\n");
    g_assert_cmpstr(ready, ==, "{\"type\":\"ready\",\"settled\":true,\"log_on\":true,\"tunnel\":true}\n");
    g_assert_cmpstr(pong, ==, "{\"type\":\"pong\",\"id\":\"x\"}\n");
    g_assert_cmpstr(session, ==, "{\"type\":\"session\",\"state\":\"logged-off\",\"user\":\"a\\\"\\n\"}\n");
    g_assert_cmpstr(done, ==,
                    "{\"type\":\"done\",\"id\":7,\"steps\":[{\"name\":\"clock\",\"us\":5},{\"name\":\"thaw\",\"us\":7}]}\n");
    g_assert_cmpstr(failed, ==, "{\"type\":\"done\",\"id\":null,\"error\":\"why\"}\n");
    g_assert_cmpstr(seats, ==, "{\"type\":\"ready\",\"settled\":false,\"log_on\":true,\"tunnel\":true,\"seats\":26}\n");
    g_assert_cmpstr(seat, ==, "{\"type\":\"session\",\"state\":\"logged-on\",\"user\":\"ann\",\"seat\":3}\n");
    g_assert_cmpstr(answer, ==, "{\"type\":\"answer\",\"question\":\"01AB\",\"allow\":true}\n");
    g_assert_cmpstr(theirs, ==, "{\"type\":\"answer\",\"question\":\"01AB\",\"allow\":false,\"seat\":2}\n");
    free(answer), free(theirs), free(seats), free(seat), free(hello), free(ready), free(pong), free(session), free(done), free(failed);
}

static void collect(void *data, const char *line, size_t length)
{
    g_ptr_array_add(data, g_strndup(line, length));
}

static void test_lines(void)
{
    g_autofree AgentPort *port = g_new0(AgentPort, 1);
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
    port->fd = -1;
    agent_port_feed(port, "a\n\nb", 4, collect, lines);
    agent_port_feed(port, "c\n", 2, collect, lines);
    g_assert_cmpuint(lines->len, ==, 2);
    g_assert_cmpstr(lines->pdata[1], ==, "bc");
    g_autofree char *large = g_strnfill(3 * PORT_LINE_LARGEST, 'x');
    agent_port_feed(port, large, 3 * PORT_LINE_LARGEST, collect, lines);
    agent_port_feed(port, "\nd\n", 3, collect, lines);
    g_assert_cmpuint(lines->len, ==, 3);
    g_assert_cmpstr(lines->pdata[2], ==, "d"); /* what was too long is gone, what came after it is whole */
}

static void test_settle(void)
{
    Settle settle = {0};
    char text[128];
    unsigned long busy = 1000, idle = 1000;
    int samples = 0;
    for (int i = 0; i < 20; i++) { /* quiet, but the session is not there yet */
        g_snprintf(text, sizeof text, "cpu  %lu 0 0 %lu 0 0 0 0 0 0\n", busy, idle += 50);
        g_assert_cmpint(agent_settle_sample(&settle, text, false), ==, SETTLE_WAIT);
    }
    for (int i = 0; i < 20; i++) { /* there, and still loading */
        g_snprintf(text, sizeof text, "cpu  %lu 0 0 %lu %d 0 0 0 0 0\n", busy += 5, idle += 25, i * 20);
        g_assert_cmpint(agent_settle_sample(&settle, text, true), ==, SETTLE_WAIT);
    }
    SettleAnswer answer = SETTLE_WAIT;
    while (answer == SETTLE_WAIT && samples++ < 100) {
        g_snprintf(text, sizeof text, "cpu  %lu 0 0 %lu 380 0 0 0 0 0\n", ++busy, idle += 49);
        answer = agent_settle_sample(&settle, text, true);
    }
    g_assert_cmpint(answer, ==, SETTLE_SETTLED);
    g_assert_cmpint(samples, ==, SETTLE_QUIET_SAMPLES);
    settle.elapsed_ms = SETTLE_LONGEST_MS;
    g_assert_cmpint(agent_settle_sample(&settle, "nonsense", true), ==, SETTLE_GAVE_UP);
}

static void test_sessions(void)
{
    AgentSession session;
    g_assert_true(agent_session_parse("c1", "UID=1000\nUSER=ann\nSTATE=active\nCLASS=user\nTYPE=x11\n", &session));
    g_assert_true(session.graphical);
    g_assert_cmpuint(session.uid, ==, 1000);
    g_assert_cmpstr(session.user, ==, "ann");
    g_assert_true(agent_session_parse("2", "CLASS=user\nUID=0\nUSER=root\nTYPE=tty", &session));
    g_assert_false(session.graphical);
    g_assert_false(agent_session_parse("2", "UID=1\nUSER=x\nCLASS=greeter\n", &session));
    g_assert_false(agent_session_parse("2", "UID=1\nUSER=x\nCLASS=user\nSTATE=closing\n", &session));
    g_assert_false(agent_session_parse("2", "UID=x\nUSER=x\nCLASS=user\n", &session));
    g_assert_false(agent_session_parse("2", "UID=1\nCLASS=user\n", &session));
    g_assert_false(agent_session_parse("../2", "UID=1\nUSER=x\nCLASS=user\n", &session));
    g_assert_false(agent_session_parse("2", "", &session));
}

static void test_numbers(void)
{
    unsigned long value;
    g_assert_true(guest_number("4294967294", 4294967294, &value));
    g_assert_cmpuint(value, ==, 4294967294);
    g_assert_false(guest_number("4294967295", 4294967294, &value));
    g_assert_false(guest_number("99999999999999999999999", 4294967294, &value));
    g_assert_false(guest_number("", 10, &value));
    g_assert_false(guest_number("-1", 10, &value));
    g_assert_false(guest_number("1x", 10, &value));
    g_assert_false(guest_number("9", 5, &value));
}

static void test_environment(void)
{
    SessionEnvironment environment;
    static const char BLOCK[] = "LD_PRELOAD=/evil\0DISPLAY=:0\0XAUTHORITY=/x\0PATH=/evil\0DBUS_SESSION_BUS_ADDRESS=u";
    g_assert_true(agent_session_environment_take(BLOCK, sizeof BLOCK - 1, &environment)); /* no NUL at the end */
    g_assert_cmpstr(environment.entries[0], ==, "DISPLAY=:0");
    g_assert_cmpstr(environment.entries[2], ==, "DBUS_SESSION_BUS_ADDRESS=u");
    g_assert_cmpstr(environment.entries[3], ==, "PATH=/usr/local/bin:/usr/bin:/bin");
    g_assert_null(environment.entries[4]);
    g_assert_false(agent_session_environment_take("HOME=/x\0DISPLAY=", 16, &environment));
    g_assert_cmpstr(environment.entries[0], ==, "DISPLAY=:0"); /* such as a VNC server's, which was told its display otherwise */
    g_assert_cmpstr(environment.entries[2], ==, "DBUS_SESSION_BUS_ADDRESS=u");
    g_autoptr(GString) many = g_string_new(NULL);
    for (int i = 0; i < 100; i++) {
        g_string_append(many, "DISPLAY=");
        for (int k = 0; k < 100; k++)
            g_string_append_c(many, 'y');
        g_string_append_c(many, '\0');
    }
    g_assert_true(agent_session_environment_take(many->str, many->len, &environment)); /* bounded, and ended with NULL */
}

static void test_uevents(void)
{
    Uevent event;
    static const char DRM[] = "change@/devices/pci/drm/card0\0ACTION=change\0SUBSYSTEM=drm\0HOTPLUG=1\0DEVNAME=dri/card0";
    g_assert_true(uevent_parse(DRM, sizeof DRM, &event));
    g_assert_true(event.hotplug);
    g_assert_cmpstr(event.subsystem, ==, "drm");
    g_assert_false(uevent_parse("x", 1, &event));
    g_assert_false(uevent_parse("", 0, &event));
    g_assert_false(uevent_parse("add@/x\0ACTION=add", 18, &event));
}

static void expect_file(const char *root, const char *path, const char *text)
{
    g_autofree char *full = g_build_filename(root, path, NULL);
    g_autofree char *found = NULL;
    g_assert_true(g_file_get_contents(full, &found, NULL, NULL));
    g_assert_cmpstr(found, ==, text);
}

static void put_file(const char *root, const char *path, const char *text)
{
    g_autofree char *full = g_build_filename(root, path, NULL);
    g_autofree char *folder = g_path_get_dirname(full);
    g_mkdir_with_parents(folder, 0755);
    g_assert_true(g_file_set_contents(full, text, -1, NULL));
}

static void test_identity_files(void)
{
    Failure failure = {""};
    g_autofree char *root = g_dir_make_tmp("oriel-agent-XXXXXX", NULL);
    put_file(root, "etc/machine-id", "old\n");
    put_file(root, "etc/hosts", "127.0.0.1\tlocalhost\n127.0.1.1\told\n10.0.0.1 server\n");
    put_file(root, "etc/default/keyboard", "");
    put_file(root, "usr/share/zoneinfo/Europe/Berlin", "tz");
    put_file(root, "var/lib/dbus/machine-id", "old\n");
    g_assert_true(agent_identity_write_machine_id(root, ID32, &failure));
    expect_file(root, "etc/machine-id", ID32 "\n");
    expect_file(root, "var/lib/dbus/machine-id", ID32 "\n");
    g_assert_true(agent_identity_write_hostname(root, "desk-7", &failure));
    expect_file(root, "etc/hostname", "desk-7\n");
    expect_file(root, "etc/hosts", "127.0.1.1\tdesk-7\n127.0.0.1\tlocalhost\n10.0.0.1 server\n");
    AgentRequest request = {.locale = "de_DE.UTF-8", .keyboard = "de", .time_zone = "Europe/Berlin"};
    g_assert_true(agent_identity_write_place(root, &request, &failure));
    expect_file(root, "etc/default/locale", "LANG=de_DE.UTF-8\n");
    expect_file(root, "etc/localtime", "tz");
    strcpy(request.time_zone, "Mars/Base");
    g_assert_false(agent_identity_write_place(root, &request, &failure));
    g_assert_nonnull(strstr(failure.text, "Mars/Base"));
    g_autofree char *gone = g_build_filename(root, "gone", NULL);
    g_assert_false(agent_identity_write_hostname(gone, "x", &failure));
    const char *const argv[] = {"rm", "-rf", root, NULL};
    AgentChild removal = {.argv = argv, .timeout_ms = 10000};
    g_assert_true(agent_child_run(&removal, &failure));
}

#define PERSON(fields) "{\"type\":\"log-on\",\"id\":1," fields "}"
#define PERSON_HEAD "\"session\":\"01J\",\"user\":\"anna\",\"uid\":20001"

static void test_log_on_requests(void)
{
    static const char *const BAD[] = {
        PERSON("\"session\":\"01J\",\"user\":\"Anna\",\"uid\":20001,\"home\":\"none\""),
        PERSON("\"session\":\"01J\",\"user\":\"a:0:0\",\"uid\":20001,\"home\":\"none\""),
        PERSON("\"session\":\"01J\",\"user\":\"a/../b\",\"uid\":20001,\"home\":\"none\""),
        PERSON("\"session\":\"01J\",\"user\":\"abcdefghijklmnopqrstuvwxyz0123456\",\"uid\":20001,\"home\":\"none\""),
        PERSON("\"session\":\"01J\",\"user\":\"anna\",\"uid\":0,\"home\":\"none\""),
        PERSON("\"session\":\"01J\",\"user\":\"anna\",\"uid\":60000,\"home\":\"none\""),
        PERSON("\"session\":\"../x\",\"user\":\"anna\",\"uid\":20001,\"home\":\"none\""),
        PERSON("\"user\":\"anna\",\"uid\":20001,\"home\":\"none\""),
        PERSON(PERSON_HEAD ",\"home\":\"maybe\""),
        PERSON(PERSON_HEAD),
        PERSON(PERSON_HEAD ",\"home\":\"none\",\"time_zone\":\"../x\""),
    };
    AgentRequest request;
    for (size_t i = 0; i < G_N_ELEMENTS(BAD); i++) {
        g_test_message("%s", BAD[i]);
        g_assert_true(parse(BAD[i], &request));
        g_assert_cmpstr(request.failure.text, !=, "");
    }
    g_assert_true(parse(PERSON(PERSON_HEAD ",\"home\":\"new\",\"display_name\":\"A: B,\\nC\",\"warning\":\"x\\u001b[2J\""), &request));
    g_assert_cmpstr(request.failure.text, ==, "");
    g_assert_cmpstr(request.account, ==, "anna");
    g_assert_cmpuint(request.uid, ==, 20001);
    g_assert_cmpstr(request.display_name, ==, "A  B  C");
    g_assert_cmpstr(request.warning.text, ==, "x [2J");
    g_assert_true(request.has_home && request.home_is_new);
    AgentLogOn result = {.account = "anna", .warnings = {{"a \"b\""}}, .warnings_count = 1};
    g_autofree char *text = agent_log_on_text("7", &result);
    g_assert_cmpstr(text, ==, "{\"type\":\"done\",\"id\":7,\"user\":\"anna\",\"home\":false,\"warnings\":[\"a \\\"b\\\"\"],\"steps\":[]}\n");
}

#define PASSWD "root:x:0:0:root:/root:/bin/bash\nuser:x:1000:1000::/home/user:/bin/bash\n"
#define GROUP "root:x:0:\naudio:x:29:user\nuser:x:1000:\n"

static void assert_file(const char *root, const char *name, const char *expected)
{
    g_autofree char *path = g_strconcat(root, "/etc/", name, NULL), *text = NULL;
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, expected);
}

/* Whoever was added goes again, whatever came before stays; written twice is written once. */
static void test_accounts(void)
{
    g_autofree char *root = g_dir_make_tmp("oriel-agent-XXXXXX", NULL);
    g_autofree char *etc = g_strconcat(root, "/etc", NULL), *passwd = g_strconcat(etc, "/passwd", NULL),
                    *group = g_strconcat(etc, "/group", NULL), *shadow = g_strconcat(etc, "/shadow", NULL);
    g_assert_cmpint(g_mkdir(etc, 0755), ==, 0);
    g_assert_true(g_file_set_contents(passwd, PASSWD, -1, NULL));
    g_assert_true(g_file_set_contents(group, GROUP, -1, NULL));
    g_assert_true(g_file_set_contents(shadow, "root:*:1::::::\nuser:*:1::::::\n", -1, NULL));
    g_assert_cmpint(chmod(shadow, 0600), ==, 0);
    Failure failure = {""};
    AgentAccount base, anna = {"anna", 20001, 20001, "Anna Smith", "/home/anna"};
    g_assert_false(agent_account_find(root, "nobody", &base));
    g_assert_false(agent_account_find(root, "root", &base));
    g_assert_true(agent_account_find(root, "user", &base));
    g_assert_cmpuint(base.uid, ==, 1000);
    g_assert_cmpstr(base.home, ==, "/home/user");
    for (int i = 0; i < 2; i++)
        g_assert_true(agent_account_write(root, &base, &anna, &failure));
    assert_file(root, "passwd", "anna:x:20001:20001:Anna Smith:/home/anna:/bin/bash\n" PASSWD);
    assert_file(root, "group", "anna:x:20001:\nroot:x:0:\naudio:x:29:user,anna\nuser:x:1000:\n");
    assert_file(root, "shadow", "anna:*:19700:0:99999:7:::\nroot:*:1::::::\nuser:*:1::::::\n");
    struct stat info;
    g_assert_cmpint(stat(shadow, &info), ==, 0);
    g_assert_cmpuint(info.st_mode & 0777, ==, 0600);

    AgentAccount two[] = {anna, {"eve", 20002, 20002, "Eve", "/home/eve"}}; /* who share a machine */
    for (int i = 0; i < 2; i++)
        g_assert_true(agent_accounts_write(root, &base, two, 2, &failure));
    assert_file(root, "passwd", "anna:x:20001:20001:Anna Smith:/home/anna:/bin/bash\neve:x:20002:20002:Eve:/home/eve:/bin/bash\n" PASSWD);
    assert_file(root, "group", "anna:x:20001:\neve:x:20002:\nroot:x:0:\naudio:x:29:user,anna,eve\nuser:x:1000:\n");
    g_assert_true(agent_accounts_write(root, &base, two + 1, 1, &failure)); /* one leaves */
    assert_file(root, "shadow", "eve:*:19700:0:99999:7:::\nroot:*:1::::::\nuser:*:1::::::\n");

    AgentAccount bob = {"bob", 1000, 1000, "", "/home/user"}; /* a second name of the image's user */
    g_assert_true(agent_account_write(root, &base, &bob, &failure));
    assert_file(root, "passwd", "bob:x:1000:1000::/home/user:/bin/bash\n" PASSWD);
    AgentRequest request = {.account = "bob"};
    char name[AGENT_ACCOUNT_LONGEST + 1];
    agent_account_choose(root, &base, &request, name, sizeof name);
    g_assert_cmpstr(name, ==, "bob");
    memcpy(request.account, "audio", 6); /* a group of the image */
    agent_account_choose(root, &base, &request, name, sizeof name);
    g_assert_cmpstr(name, ==, "u-audio");
    g_assert_true(agent_account_write(root, &base, NULL, &failure));
    assert_file(root, "passwd", PASSWD);
    assert_file(root, "group", GROUP);
    const char *const argv[] = {"rm", "-rf", root, NULL};
    AgentChild removal = {.argv = argv, .timeout_ms = 10000};
    g_assert_true(agent_child_run(&removal, &failure));
}

static void test_locales(void)
{
    g_autofree char *root = g_dir_make_tmp("oriel-agent-XXXXXX", NULL);
    g_autofree char *folder = g_strconcat(root, "/usr/lib/locale/fr_FR.utf8", NULL),
                    *archive = g_strconcat(root, "/usr/lib/locale/locale-archive", NULL);
    g_assert_true(agent_locale_exists(root, "C.UTF-8"));
    g_assert_false(agent_locale_exists(root, "de_DE.UTF-8"));
    g_assert_cmpint(g_mkdir_with_parents(folder, 0755), ==, 0);
    g_autofree char *text = g_malloc0(200000);
    memcpy(text + 65530, "de_DE.utf8", 10); /* across the edge of a block */
    g_assert_true(g_file_set_contents(archive, text, 200000, NULL));
    g_assert_true(agent_locale_exists(root, "de_DE.UTF-8"));
    g_assert_true(agent_locale_exists(root, "fr_FR.UTF-8"));
    g_assert_false(agent_locale_exists(root, "de_DE"));
    g_assert_false(agent_locale_exists(root, "ja_JP.UTF-8"));
    Failure failure;
    const char *const argv[] = {"rm", "-rf", root, NULL};
    AgentChild removal = {.argv = argv, .timeout_ms = 10000};
    g_assert_true(agent_child_run(&removal, &failure));
}

static void test_children(void)
{
    Failure failure = {""};
    const char *const slow[] = {"sleep", "1000", NULL}, *const missing[] = {"oriel-no-such-program", NULL},
                      *const bad[] = {"false", NULL};
    AgentChild child = {.argv = slow, .timeout_ms = 50};
    g_assert_false(agent_child_run(&child, &failure));
    g_assert_nonnull(strstr(failure.text, "was ended"));
    child = (AgentChild){.argv = missing, .timeout_ms = 10000};
    g_assert_false(agent_child_run(&child, &failure));
    g_assert_nonnull(strstr(failure.text, "not installed"));
    child.argv = bad;
    g_assert_false(agent_child_run(&child, &failure));
    g_assert_nonnull(strstr(failure.text, "status 1"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/agent/requests", test_requests);
    g_test_add_func("/agent/ignored", test_ignored);
    g_test_add_func("/agent/refused", test_refused);
    g_test_add_func("/agent/asking", test_asking);
    g_test_add_func("/agent/base64", test_base64);
    g_test_add_func("/agent/activity", test_activity);
    g_test_add_func("/agent/output", test_output);
    g_test_add_func("/agent/bus", test_bus);
    g_test_add_func("/agent/lock-signal", test_lock_signal);
    g_test_add_func("/agent/words", test_words);
    g_test_add_func("/agent/answers", test_answers);
    g_test_add_func("/agent/lines", test_lines);
    g_test_add_func("/agent/settle", test_settle);
    g_test_add_func("/agent/sessions", test_sessions);
    g_test_add_func("/agent/numbers", test_numbers);
    g_test_add_func("/agent/environment", test_environment);
    g_test_add_func("/agent/uevents", test_uevents);
    g_test_add_func("/agent/identity-files", test_identity_files);
    g_test_add_func("/agent/log-on-requests", test_log_on_requests);
    g_test_add_func("/agent/accounts", test_accounts);
    g_test_add_func("/agent/locales", test_locales);
    g_test_add_func("/agent/children", test_children);
    return g_test_run();
}
