/* Files between browser and desktop: the guest's half serves a folder here, and the host's half asks. */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "guest/agent_files.h"
#include "host/file_link.h"

/* ---- names ---- */

static void test_names(void)
{
    static const struct {
        const char *name;
        bool plain;
    } cases[] = {
        {"report.pdf", true},     {"a", true},          {".hidden", true},       {"...", true},          {"Übergrößen 日本.txt", true},
        {"-rf", true},            {"a b\"c'$(x)", true}, {"", false},             {".", false},           {"..", false},
        {"../passwd", false},     {"/etc/passwd", false}, {"a/b", false},         {"line\nbreak", false}, {"\x1b[31mred", false},
        {"bad\xff", false},       {"\xc0\xaf", false},  {"\xed\xa0\x80", false}, {"\xc2\x9b", false},    {"del\x7f", false},
        {"\xf4\x90\x80\x80", false}, {"cut\xe2\x82", false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("case %zu", i);
        g_assert_cmpint(file_name_is_plain(cases[i].name, strlen(cases[i].name)), ==, cases[i].plain);
        g_assert_cmpint(agent_files_name_is_plain(cases[i].name, strlen(cases[i].name)), ==, cases[i].plain);
    }
    g_autofree char *longest = g_strnfill(FILES_NAME + 1, 'x');
    g_assert_true(agent_files_name_is_plain(longest, FILES_NAME) && file_name_is_plain(longest, FILES_NAME));
    g_assert_false(agent_files_name_is_plain(longest, FILES_NAME + 1) || file_name_is_plain(longest, FILES_NAME + 1));
    g_assert_false(agent_files_name_is_plain("a\0b", 3) || file_name_is_plain("a\0b", 3));
}

static void assert_name(const char *name, unsigned number, const char *wanted)
{
    char made[FILES_NAME + 1];
    agent_files_name(made, sizeof made, name, number);
    g_assert_cmpstr(made, ==, wanted);
    g_assert_true(agent_files_name_is_plain(made, strlen(made)));
}

static void test_second_names(void)
{
    assert_name("report.pdf", 1, "report.pdf");
    assert_name("report.pdf", 2, "report (2).pdf");
    assert_name("report", 3, "report (3)");
    assert_name(".profile", 2, ".profile (2)");
    assert_name("a.tar.gz", 2, "a.tar (2).gz");
    char made[FILES_NAME + 1];
    g_autofree char *stem = g_strnfill(125, 'x');
    g_autofree char *longest = g_strconcat(stem, "ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé", ".odt", NULL);
    g_assert_cmpuint(strlen(longest), <=, FILES_NAME);
    for (unsigned number = 2; number < 1001; number += 7) {
        agent_files_name(made, sizeof made, longest, number);
        g_assert_true(g_str_has_suffix(made, ").odt") && agent_files_name_is_plain(made, strlen(made)));
    }
}

/* ---- a guest ---- */

typedef struct {
    char *home, *folder;
    GThread *guest;
    int theirs;
    FileLink link;
} House;

static void *guest_main(void *data)
{
    const House *house = data;
    agent_files_serve(house->theirs, house->home);
    close(house->theirs);
    return NULL;
}

static void connect_guest(House *house)
{
    int ends[2];
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
    house->theirs = ends[1];
    house->link = (FileLink){.fd = ends[0], .folder = FILES_FOLDER};
    house->guest = g_thread_new("guest", guest_main, house);
}

static void disconnect_guest(House *house)
{
    close(house->link.fd);
    g_thread_join(house->guest);
}

static void set_up(House *house, gconstpointer data)
{
    house->home = g_dir_make_tmp("oriel-files-XXXXXX", NULL);
    house->folder = g_build_filename(house->home, FILES_FOLDER, NULL);
    connect_guest(house);
}

static void tear_down(House *house, gconstpointer data)
{
    GError *error = NULL;
    disconnect_guest(house);
    folder_remove(house->home, &error);
    g_assert_no_error(error);
    g_free(house->home);
    g_free(house->folder);
}

static char *text_of(const House *house, const char *name)
{
    g_autofree char *path = g_build_filename(house->folder, name, NULL);
    char *text = NULL;
    g_file_get_contents(path, &text, NULL, NULL);
    return text;
}

static unsigned count_in(const House *house)
{
    g_autoptr(GDir) folder = g_dir_open(house->folder, 0, NULL);
    unsigned count = 0;
    while (folder && g_dir_read_name(folder))
        count++;
    return count;
}

#define assert_kind(error, wanted)                                                                                                          \
    do {                                                                                                                                    \
        g_assert_cmpstr(oriel_error_info(oriel_error_kind(error))->type, ==, oriel_error_info(wanted)->type);                               \
        g_clear_error(&(error));                                                                                                            \
    } while (0)

static uint32_t put(House *house, const char *name, uint64_t size)
{
    GError *error = NULL;
    uint32_t number = 99;
    file_link_put(&house->link, name, size, &number, &error);
    g_assert_no_error(error);
    return number;
}

static uint64_t piece(House *house, uint32_t number, uint64_t offset, const char *text)
{
    GError *error = NULL;
    uint64_t done = 0;
    const FilesRequest where = {.transfer = number, .offset = offset, .length = (uint32_t)strlen(text)};
    file_link_write(&house->link, &where, text, &done, &error);
    g_assert_no_error(error);
    return done;
}

static char *send_whole(House *house, const char *name, const char *text)
{
    GError *error = NULL;
    uint32_t number = put(house, name, strlen(text));
    if (*text)
        g_assert_cmpuint(piece(house, number, 0, text), ==, strlen(text));
    char *given = file_link_finish(&house->link, number, &error);
    g_assert_no_error(error);
    return given;
}

static void test_put(House *house, gconstpointer data)
{
    GError *error = NULL;
    uint32_t number = put(house, "report.txt", 10);
    g_assert_cmpuint(piece(house, number, 0, "hello"), ==, 5);
    g_assert_cmpuint(count_in(house), ==, 0); /* nothing is to be seen of what is not whole */
    g_assert_null(file_link_finish(&house->link, number, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    g_assert_cmpuint(piece(house, number, 5, "world"), ==, 10);
    g_autofree char *given = file_link_finish(&house->link, number, &error);
    g_assert_cmpstr(given, ==, "report.txt");
    g_autofree char *text = text_of(house, "report.txt");
    g_assert_cmpstr(text, ==, "helloworld");
    g_assert_null(file_link_finish(&house->link, number, &error)); /* it is over */
    assert_kind(error, ORIEL_ERROR_CONFLICT);
}

/* An answer may have been lost: the piece comes again, or one is missing. */
static void test_offsets(House *house, gconstpointer data)
{
    GError *error = NULL;
    uint32_t number = put(house, "a", 6);
    g_assert_cmpuint(piece(house, number, 0, "abc"), ==, 3);
    g_assert_cmpuint(piece(house, number, 0, "abc"), ==, 3);
    g_assert_cmpuint(piece(house, number, 4, "ef"), ==, 3);
    const FilesRequest over = {.transfer = number, .offset = 3, .length = 4};
    uint64_t done = 0;
    g_assert_false(file_link_write(&house->link, &over, "defg", &done, &error)); /* more than was announced */
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    g_assert_cmpuint(piece(house, number, 3, "def"), ==, 6);
    g_assert_cmpuint(piece(house, number, 3, "def"), ==, 6);
    g_autofree char *given = file_link_finish(&house->link, number, &error);
    g_autofree char *text = text_of(house, given);
    g_assert_cmpstr(text, ==, "abcdef");
}

static void test_never_overwrites(House *house, gconstpointer data)
{
    g_autofree char *first = send_whole(house, "a.txt", "first"), *second = send_whole(house, "a.txt", "second"),
                    *third = send_whole(house, "a.txt", "");
    g_assert_cmpstr(first, ==, "a.txt");
    g_assert_cmpstr(second, ==, "a (2).txt");
    g_assert_cmpstr(third, ==, "a (3).txt");
    g_autofree char *text = text_of(house, "a.txt");
    g_assert_cmpstr(text, ==, "first");
    g_autofree char *trap = g_build_filename(house->folder, "b", NULL), *target = g_build_filename(house->home, "target", NULL);
    g_assert_cmpint(symlink(target, trap), ==, 0);
    g_autofree char *beside = send_whole(house, "b", "x");
    g_assert_cmpstr(beside, ==, "b (2)"); /* nor through a link */
    g_assert_false(g_file_test(target, G_FILE_TEST_EXISTS));
}

/* Whatever ends it halfway: a cancel, the end of the stream. */
static void test_nothing_is_left(House *house, gconstpointer data)
{
    GError *error = NULL;
    uint32_t number = put(house, "a", 6);
    piece(house, number, 0, "abc");
    file_link_drop(&house->link, number, &error);
    g_assert_no_error(error);
    number = put(house, "b", 6);
    piece(house, number, 0, "abc");
    disconnect_guest(house);
    g_assert_cmpuint(count_in(house), ==, 0);
    connect_guest(house);
}

static void test_most_at_a_time(House *house, gconstpointer data)
{
    GError *error = NULL;
    uint32_t number = 0;
    for (unsigned i = 0; i < FILES_OPEN; i++)
        put(house, "a", 1);
    g_assert_false(file_link_put(&house->link, "a", 1, &number, &error));
    assert_kind(error, ORIEL_ERROR_FULL);
    g_assert_true(file_link_drop(&house->link, 3, &error));
    g_assert_cmpuint(put(house, "a", 1), ==, 3);
}

static void test_no_room(House *house, gconstpointer data)
{
    GError *error = NULL;
    uint32_t number = 0;
    g_assert_false(file_link_put(&house->link, "a", INT64_MAX, &number, &error));
    assert_kind(error, ORIEL_ERROR_NO_SPACE);
    g_assert_false(file_link_put(&house->link, "a", UINT64_MAX, &number, &error));
    assert_kind(error, ORIEL_ERROR_NO_SPACE);
    g_assert_cmpuint(count_in(house), ==, 0);
    g_autofree char *given = send_whole(house, "a", "fits");
    g_assert_cmpstr(given, ==, "a");
}

/* ---- from the desktop ---- */

static void test_get(House *house, gconstpointer data)
{
    GError *error = NULL;
    uint32_t number = 0;
    uint64_t size = 0;
    g_autofree char *given = send_whole(house, "a.txt", "0123456789");
    g_assert_true(file_link_get(&house->link, "a.txt", &number, &size, &error));
    g_assert_cmpuint(size, ==, 10);
    g_autoptr(GBytes) middle = file_link_read(&house->link, number, 4, 3, &error);
    g_assert_cmpmem(g_bytes_get_data(middle, NULL), g_bytes_get_size(middle), "456", 3);
    g_autoptr(GBytes) end = file_link_read(&house->link, number, 8, 1000, &error);
    g_assert_cmpmem(g_bytes_get_data(end, NULL), g_bytes_get_size(end), "89", 2);
    g_autoptr(GBytes) behind = file_link_read(&house->link, number, 10, 1000, &error);
    g_assert_cmpuint(g_bytes_get_size(behind), ==, 0);
    g_assert_null(file_link_read(&house->link, number, 11, 1000, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
    g_autofree char *path = g_build_filename(house->folder, "a.txt", NULL);
    g_assert_cmpint(truncate(path, 5), ==, 0);
    g_assert_null(file_link_read(&house->link, number, 0, 1000, &error));
    assert_kind(error, ORIEL_ERROR_CONFLICT);
}

static void test_only_plain_files(House *house, gconstpointer data)
{
    static const struct {
        const char *name;
        OrielErrorKind kind;
    } cases[] = {{"link", ORIEL_ERROR_INVALID}, {"pipe", ORIEL_ERROR_INVALID}, {"folder", ORIEL_ERROR_INVALID}, {"none", ORIEL_ERROR_NOT_FOUND}};
    g_autofree char *secret = g_build_filename(house->home, "secret", NULL), *link = g_build_filename(house->folder, "link", NULL),
                    *pipe = g_build_filename(house->folder, "pipe", NULL), *folder = g_build_filename(house->folder, "folder", NULL);
    g_assert_true(g_file_set_contents(secret, "s", -1, NULL));
    g_free(send_whole(house, "plain", "p"));
    g_assert_cmpint(symlink(secret, link), ==, 0);
    g_assert_cmpint(mkfifo(pipe, 0600), ==, 0);
    g_assert_cmpint(g_mkdir(folder, 0700), ==, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        GError *error = NULL;
        uint32_t number = 0;
        uint64_t size = 0;
        g_assert_false(file_link_get(&house->link, cases[i].name, &number, &size, &error));
        assert_kind(error, cases[i].kind);
    }
    GError *error = NULL;
    g_auto(HostFiles) files = {0};
    g_assert_true(file_link_list(&house->link, &files, &error));
    g_assert_cmpuint(files.files->len, ==, 1);
    g_assert_cmpstr(((HostFile *)files.files->pdata[0])->name, ==, "plain");
}

static void test_names_that_are_no_text(House *house, gconstpointer data)
{
    GError *error = NULL;
    g_auto(HostFiles) files = {0};
    g_free(send_whole(house, "plain", "p"));
    g_autofree char *odd = g_build_filename(house->folder, "odd\xff", NULL), *hidden = g_build_filename(house->folder, ".part", NULL);
    g_assert_true(g_file_set_contents(odd, "s", -1, NULL) && g_file_set_contents(hidden, "s", -1, NULL));
    g_assert_true(file_link_list(&house->link, &files, &error));
    g_assert_cmpuint(files.files->len, ==, 1);
    g_assert_cmpuint(files.left_out, ==, 1);
    g_assert_cmpuint(files.free_bytes, >, 0);
}

/* The folder itself may not lead elsewhere. */
static void test_folder_is_a_link(House *house, gconstpointer data)
{
    GError *error = NULL;
    g_auto(HostFiles) files = {0};
    g_assert_cmpint(symlink("/tmp", house->folder), ==, 0);
    g_assert_false(file_link_list(&house->link, &files, &error));
    assert_kind(error, ORIEL_ERROR_INVALID);
    g_assert_cmpint(g_unlink(house->folder), ==, 0);
}

/* ---- guests that lie ---- */

static void assert_nonsense(const void *bytes, size_t length)
{
    GError *error = NULL;
    g_auto(HostFiles) files = {0};
    g_assert_false(file_list_parse(bytes, length, &files, &error));
    assert_kind(error, ORIEL_ERROR_CORRUPT);
}

static void test_lists_that_are_none(void)
{
    uint8_t entry[4 + 17 + 3] = {0};
    g_auto(HostFiles) files = {0};
    entry[4 + 16] = 3;
    memcpy(entry + 21, "abc", 3);
    g_assert_true(file_list_parse(entry, sizeof entry, &files, NULL));
    g_assert_cmpuint(files.files->len, ==, 1);
    for (size_t length = 0; length < sizeof entry; length++)
        if (length != 4)
            assert_nonsense(entry, length);
    memcpy(entry + 21, "../", 3);
    assert_nonsense(entry, sizeof entry);
    memcpy(entry + 21, "abc", 3);
    entry[4 + 7] = 0xff; /* negative */
    assert_nonsense(entry, sizeof entry);
}

static void test_a_guest_that_ends(void)
{
    GError *error = NULL;
    g_auto(HostFiles) files = {0};
    int ends[2];
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
    FileLink link = {.fd = ends[0], .folder = FILES_FOLDER};
    close(ends[1]);
    g_assert_false(file_link_list(&link, &files, &error));
    assert_kind(error, ORIEL_ERROR_UNAVAILABLE);
    g_assert_true(link.ended);
    close(ends[0]);
}

static void *dribble(void *data)
{
    int fd = GPOINTER_TO_INT(data);
    uint8_t head[FILES_ANSWER_HEAD] = {0};
    files_answer_put(head, &(FilesAnswer){.length = FILES_BLOCK});
    ssize_t sent = send(fd, head, sizeof head, MSG_NOSIGNAL);
    while (sent > 0) {
        g_usleep(10000);
        sent = send(fd, "", 1, MSG_NOSIGNAL);
    }
    close(fd);
    return NULL;
}

/* Each byte of its answer comes in time, and the whole would take hours. */
static void test_a_guest_that_takes_its_time(void)
{
    GError *error = NULL;
    g_auto(HostFiles) files = {0};
    int ends[2];
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
    GThread *guest = g_thread_new("guest", dribble, GINT_TO_POINTER(ends[1]));
    FileLink link = {.fd = ends[0], .folder = FILES_FOLDER, .limit_ms = 100};
    g_assert_false(file_link_list(&link, &files, &error));
    assert_kind(error, ORIEL_ERROR_UNAVAILABLE);
    g_assert_true(link.ended);
    close(ends[0]);
    g_thread_join(guest);
}

#define ADD(name, function) g_test_add("/files/" name, House, NULL, set_up, function, tear_down)

int main(int count, char **words)
{
    signal(SIGPIPE, SIG_IGN);
    g_test_init(&count, &words, NULL);
    g_test_add_func("/files/names", test_names);
    g_test_add_func("/files/second-names", test_second_names);
    ADD("put", test_put);
    ADD("offsets", test_offsets);
    ADD("never-overwrites", test_never_overwrites);
    ADD("nothing-is-left", test_nothing_is_left);
    ADD("most-at-a-time", test_most_at_a_time);
    ADD("no-room", test_no_room);
    ADD("get", test_get);
    ADD("only-plain-files", test_only_plain_files);
    ADD("names-that-are-no-text", test_names_that_are_no_text);
    ADD("folder-is-a-link", test_folder_is_a_link);
    g_test_add_func("/files/lists-that-are-none", test_lists_that_are_none);
    g_test_add_func("/files/a-guest-that-ends", test_a_guest_that_ends);
    g_test_add_func("/files/a-guest-that-takes-its-time", test_a_guest_that_takes_its_time);
    return g_test_run();
}
