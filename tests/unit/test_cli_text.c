/* What the command prints and what it reads from streams: pure parts of cli/. */
#include <string.h>

#include "base/error.h"
#include "cli/client.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "cli/sse.h"
#include "cli/usage.h"

/* Feeds text in pieces of `step` bytes and gives "event=data;" of all that comes. */
static char *events_of(const char *text, size_t step)
{
    g_autoptr(SseParser) parser = sse_parser_new();
    g_autoptr(GString) seen = g_string_new(NULL);
    for (size_t at = 0; at < strlen(text); at += step) {
        g_autoptr(GError) error = NULL;
        sse_parser_feed(parser, text + at, MIN(step, strlen(text) - at), &error);
        g_assert_no_error(error);
        char *event = NULL, *data = NULL;
        while (sse_parser_take(parser, &event, &data)) {
            g_string_append_printf(seen, "%s=%s;", event, data);
            g_free(event);
            g_free(data);
        }
    }
    return g_strdup(seen->str);
}

static void test_sse(void)
{
    static const struct {
        const char *text, *events;
    } rows[] = {
        {"", ""},
        {"data: a\n\n", "message=a;"},
        {"event: job\ndata: {}\n\n", "job={};"},
        {"event:job\ndata:{}\n\n", "job={};"},
        {"event: job\r\ndata: {}\r\n\r\n", "job={};"},
        {"event: job\rdata: {}\r\r", "job={};"},
        {": comment\n\n", ""},
        {": comment\ndata: a\n\n", "message=a;"},
        {"data: a\ndata: b\n\n", "message=a\nb;"},
        {"data\n\n", "message=;"},
        {"event: x\n\ndata: a\n\n", "message=a;"},
        {"id: 5\nretry: 10\ndata: a\n\n", "message=a;"},
        {"data: a\n", ""},
        {"event: one\ndata: 1\n\nevent: two\ndata: 2\n\n", "one=1;two=2;"},
        {"data:  two blanks\n\n", "message= two blanks;"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        for (size_t step = 1; step < 8; step += 2) {
            g_autofree char *events = events_of(rows[i].text, step);
            g_assert_cmpstr(events, ==, rows[i].events);
        }
}

static void test_sse_limit(void)
{
    g_autoptr(SseParser) parser = sse_parser_new();
    g_autoptr(GError) error = NULL;
    g_autofree char *block = g_strnfill(1024 * 1024 + 1, 'x');
    g_assert_false(sse_parser_feed(parser, block, strlen(block), &error));
    g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_TOO_LARGE);
}

static void test_safe(void)
{
    static const struct {
        const char *text, *safe;
    } rows[] = {
        {"plain", "plain"},
        {"\033[2Jred", "?[2Jred"},
        {"two\nlines\tand", "two lines and"},
        {"Käse 日本", "Käse 日本"},
        {"\xc2\x9b"
         "31m",
         "?31m"},
        {"a\xe2\x80\xae"
         "b",
         "a?b"}, /* right-to-left override */
        {"bad \xff byte", "bad \xef\xbf\xbd byte"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *safe = print_safe(rows[i].text);
        g_assert_cmpstr(safe, ==, rows[i].safe);
    }
}

static void test_values(void)
{
    static const struct {
        const char *json;
        Column column;
        const char *text;
    } rows[] = {
        {"{\"a\":\"x\"}", {"", "a", SHOW_TEXT}, "x"},
        {"{\"a\":null}", {"", "a", SHOW_TEXT}, ""},
        {"{}", {"", "a.b", SHOW_TEXT}, ""},
        {"{\"a\":{\"b\":7}}", {"", "a.b", SHOW_NUMBER}, "7"},
        {"{\"a\":[{\"n\":1},{\"n\":2}]}", {"", "a.1.n", SHOW_NUMBER}, "2"},
        {"{\"a\":[]}", {"", "a.0.n", SHOW_SIZE}, ""},
        {"{\"a\":1610612736}", {"", "a", SHOW_SIZE}, "1.5 GiB"},
        {"{\"a\":false}", {"", "a", SHOW_YES}, "no"},
        {"{\"a\":[\"admin\",\"user\"]}", {"", "a", SHOW_LIST}, "admin, user"},
        {"{\"a\":[{\"id\":\"1\",\"name\":\"ada\"}]}", {"", "a", SHOW_LIST}, "ada"},
        {"{\"a\":[1,2,3]}", {"", "a", SHOW_COUNT}, "3"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Json) object = json_loads(rows[i].json, 0, NULL);
        g_autofree char *text = print_value(object, &rows[i].column);
        g_assert_cmpstr(text, ==, rows[i].text);
    }
}

static void test_age(void)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } rows[] = {{-5, "0 s"},      {0, "0 s"},    {59, "59 s"},   {60, "1 min"},
                {3599, "59 min"}, {3600, "1 h"}, {172800, "2 d"}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = print_age(1000, 1000 + rows[i].seconds * 1000);
        g_assert_cmpstr(text, ==, rows[i].text);
    }
}

static void test_progress(void)
{
    g_autofree char *half = progress_text("Build", 50, "packages", 61000, 200);
    g_assert_cmpstr(half, ==, "Build  [############------------]  50 %  1:01  packages");
    g_autofree char *unknown = progress_text("Build", -1, "", 0, 200);
    g_assert_cmpstr(unknown, ==, "Build  0:00");
    g_autofree char *over = progress_text("Build", 250, NULL, 0, 200);
    g_assert_cmpstr(over, ==, "Build  [########################] 100 %  0:00");
    g_autofree char *narrow = progress_text("Build", 50, "packages", 61000, 12);
    g_assert_cmpstr(narrow, ==, "Build  [####");
}

static void test_paths(void)
{
    g_autofree char *plain = client_path("pools", "demo", "connect", NULL);
    g_assert_cmpstr(plain, ==, "pools/demo/connect");
    g_autofree char *odd = client_path("users", "a/b?c#d", NULL);
    g_assert_cmpstr(odd, ==, "users/a%2Fb%3Fc%23d");
    g_autofree char *up = client_path("users", "..", NULL);
    g_assert_cmpstr(up, ==, "users/%2E%2E");
    g_autoptr(GString) query = g_string_new("desktops");
    client_query(query, "pool", NULL);
    client_query(query, "user", "a b");
    client_query(query, "state", "running");
    g_assert_cmpstr(query->str, ==, "desktops?user=a%20b&state=running");
}

static void test_address(void)
{
    static const struct {
        ClientAddress address;
        bool good;
    } rows[] = {
        {{.socket_path = "/run/x.sock"}, true},
        {{.url = "https://desk.example:8443"}, true},
        {{.url = "https://desk.example/prefix/"}, true},
        {{.url = "http://desk.example"}, false},
        {{.url = "desk.example"}, false},
        {{.url = "https://desk.example?x=1"}, false},
        {{.url = "https://d", .fingerprint = "AB:CD"}, false},
        {{.url = "https://d", .fingerprint = "zz"}, false},
        {{.url = "https://d",
          .fingerprint = "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:aa:"
                         "bb:cc:dd:ee:ff"},
         true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Client) client = client_new(&rows[i].address, &error);
        g_assert_cmpint(client != NULL, ==, rows[i].good);
        g_assert_cmpint(error == NULL, ==, rows[i].good);
    }
}

/* Every verb is in every text made from the table. */
static void test_texts(void)
{
    g_autofree char *manual = manual_text();
    g_autofree char *bash = completion_text("bash");
    g_autofree char *fish = completion_text("fish");
    g_assert_null(completion_text("tcsh"));
    for (const VerbGroup *const *group = verb_groups(); *group; group++)
        for (const Verb *verb = (*group)->verbs; verb->run; verb++) {
            g_autofree char *path = verb_path(*group, verb);
            g_autofree char *usage = usage_text(*group, verb);
            g_autofree char *quoted = g_strdup_printf("'%s'", path);
            g_assert_nonnull(strstr(usage, path));
            g_assert_nonnull(strstr(bash, quoted));
            g_assert_nonnull(strstr(fish, (*group)->name));
            g_auto(GStrv) pieces = g_strsplit(path, "-", -1);
            g_autofree char *roff = g_strjoinv("\\-", pieces);
            g_assert_nonnull(strstr(manual, roff));
        }
}

static void test_csv(void)
{
    static const struct {
        const char *json;
        ShowForm form;
        const char *cell;
    } rows[] = {
        {"\"plain\"", SHOW_TEXT, "plain"},
        {"\"a, \\\"b\\\"\"", SHOW_TEXT, "\"a, \"\"b\"\"\""},
        {"\"=1+1\"", SHOW_TEXT, "'=1+1"},
        {"\"@SUM(A1)\"", SHOW_STATE, "'@SUM(A1)"},
        {"\"-2,5\"", SHOW_TEXT, "\"'-2,5\""},
        {"-3", SHOW_NUMBER, "-3"},
        {"1073741824", SHOW_SIZE, "1073741824"},
        {"1700000000123", SHOW_TIME, "2023-11-14T22:13:20Z"},
        {"1700000000123", SHOW_AGE, "2023-11-14T22:13:20Z"},
        {"true", SHOW_YES, "yes"},
        {"[{\"name\": \"a\"}, \"b\"]", SHOW_LIST, "\"a, b\""},
        {"[1, 2]", SHOW_COUNT, "2"},
        {"null", SHOW_TEXT, ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = g_strdup_printf("{\"x\": %s}", rows[i].json);
        g_autoptr(Json) object = json_parse_object(text, strlen(text), "row", NULL);
        g_assert_nonnull(object);
        g_autofree char *cell = print_csv_value(object, &(Column){"X", "x", rows[i].form});
        g_assert_cmpstr(cell, ==, rows[i].cell);
    }
}

int main(int count, char **arguments)
{
    g_test_init(&count, &arguments, NULL);
    g_test_add_func("/cli/sse/events", test_sse);
    g_test_add_func("/cli/sse/limit", test_sse_limit);
    g_test_add_func("/cli/print/safe", test_safe);
    g_test_add_func("/cli/print/values", test_values);
    g_test_add_func("/cli/print/age", test_age);
    g_test_add_func("/cli/progress/text", test_progress);
    g_test_add_func("/cli/client/paths", test_paths);
    g_test_add_func("/cli/client/address", test_address);
    g_test_add_func("/cli/usage/texts", test_texts);
    g_test_add_func("/cli/csv", test_csv);
    return g_test_run();
}
