/* The one program of an application pool, as the guest sees it: what the host wrote is what runs, and how it ends is told. */
#include <glib.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker/application.h"
#include "guest/agent_application.h"
#include "guest/agent_message.h"

static char address[64]; /* of this process: many tests run at once */

static void test_from_host_to_guest(void)
{
    AgentApplication read;
    g_autofree char *append = application_append("root=/dev/vda quiet", "xterm -e 'a b' \"\" größe");
    g_autofree char *line = g_strconcat(append, "\n", NULL);
    g_assert_true(agent_application_parse(line, &read));
    g_assert_cmpstr(read.argv[0], ==, "xterm");
    g_assert_cmpstr(read.argv[2], ==, "a b");
    g_assert_cmpstr(read.argv[3], ==, "");
    g_assert_cmpstr(read.argv[4], ==, "größe");
    g_assert_null(read.argv[5]);
    g_autofree char *words = g_strnfill(500, 'w');
    g_autofree char *longest = application_append("quiet", words);
    g_assert_true(agent_application_parse(longest, &read));
    g_assert_cmpstr(read.argv[0], ==, words);
}

static void test_refused(void)
{
    static const char *const lines[] = {"", "quiet", "oriel.application=", "oriel.application=%%%", "x-oriel.application=eAA=",
                                        "oriel.application=AA==" /* a program without a name */};
    AgentApplication read;
    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_assert_false(agent_application_parse(lines[i], &read));
        g_assert_null(read.argv[0]);
    }
    g_autofree guchar *block = g_malloc0(4096);
    memset(block, 'a', 4096);
    g_autofree char *coded = g_base64_encode(block, 4096);
    g_autofree char *line = g_strconcat("oriel.application=", coded, NULL);
    g_assert_false(agent_application_parse(line, &read));
}

/* In a process of its own, as in a session. */
static int run(const char *command)
{
    AgentApplication application;
    g_autofree char *line = application_append("quiet", command);
    g_assert_true(agent_application_parse(line, &application));
    pid_t pid = fork();
    if (pid == 0)
        _exit(agent_application_run(&application, address));
    int status = 0;
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_ends(void)
{
    AgentApplicationNews news;
    int fd = agent_application_listen(address);
    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(run("true"), ==, 0);
    g_assert_true(agent_application_hear(fd, &news));
    g_assert_false(news.runs);
    g_assert_cmpuint(news.lines_count, ==, 1);
    g_assert_cmpstr(news.lines[0], ==, "\"true\" ended with status 0");
    g_assert_false(agent_application_hear(fd, &news));

    /* It runs for a while, and then ends: both are told. */
    g_assert_cmpint(run("sh -c 'sleep 3; printf \"%s\\\\n\" one two three four five six seven; exit 0'"), ==, 0);
    g_assert_true(agent_application_hear(fd, &news) && news.runs);
    g_assert_true(agent_application_hear(fd, &news) && !news.runs);
    g_assert_cmpuint(news.lines_count, ==, APPLICATION_LINES);
    g_assert_cmpstr(news.lines[1], ==, "three");
    g_assert_cmpstr(news.lines[5], ==, "seven");
    close(fd);
}

/* Beside the test, as its session does; until the first news of it. */
static pid_t start(const char *command, int fd, AgentApplicationNews *ret)
{
    AgentApplication application;
    g_autofree char *line = application_append("quiet", command);
    g_assert_true(agent_application_parse(line, &application));
    pid_t pid = fork();
    if (pid == 0)
        _exit(agent_application_run(&application, address));
    while (!agent_application_hear(fd, ret))
        g_usleep(10000);
    return pid;
}

/* What is not there is told with its reason, and rests before its session begins anew: it is not waited for here. */
static void test_missing(void)
{
    AgentApplicationNews news = {0};
    int fd = agent_application_listen(address);
    pid_t pid = start("/nowhere/at-all --x", fd, &news);
    g_assert_cmpint(waitpid(pid, NULL, WNOHANG), ==, 0);
    g_assert_cmpint(kill(pid, SIGTERM), ==, 0); /* a log off ends the rest */
    int status = 0;
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_cmpint(WEXITSTATUS(status), ==, 127);
    g_assert_cmpstr(news.lines[0], ==, "\"/nowhere/at-all\" ended with status 127");
    g_assert_cmpstr(news.lines[1], ==, "/nowhere/at-all: No such file or directory");
    close(fd);
}

/* The session is ended from outside: so is the program. */
static void test_asked_to_end(void)
{
    AgentApplicationNews news = {0};
    int fd = agent_application_listen(address);
    pid_t pid = start("sleep 1000", fd, &news);
    g_assert_true(news.runs);
    g_assert_cmpint(kill(pid, SIGTERM), ==, 0);
    g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
    g_assert_true(agent_application_hear(fd, &news) && !news.runs);
    g_assert_cmpstr(news.lines[0], ==, "\"sleep\" was ended by signal 15");
    close(fd);
}

/* What test_machine_messages.c reads on the host's side. */
static void test_to_host(void)
{
    static const char lines[][APPLICATION_LINE + 1] = {"\"x\" ended with status 1", "cannot open display"};
    char *ended = agent_application_text(false, lines, 2), *runs = agent_application_text(true, NULL, 0);
    g_assert_cmpstr(ended, ==,
                    "{\"type\":\"application\",\"state\":\"ended\",\"lines\":[\"\\\"x\\\" ended with status 1\",\"cannot open display\"]}\n");
    g_assert_cmpstr(runs, ==, "{\"type\":\"application\",\"state\":\"runs\"}\n");
    free(ended);
    free(runs);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_snprintf(address, sizeof address, "oriel/test/%d", (int)getpid());
    g_test_add_func("/agent/application/from-host-to-guest", test_from_host_to_guest);
    g_test_add_func("/agent/application/refused", test_refused);
    g_test_add_func("/agent/application/ends", test_ends);
    g_test_add_func("/agent/application/missing", test_missing);
    g_test_add_func("/agent/application/asked-to-end", test_asked_to_end);
    g_test_add_func("/agent/application/to-host", test_to_host);
    return g_test_run();
}
