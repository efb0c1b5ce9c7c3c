#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/config.h"
#include "base/error.h"
#include "base/file.h"
#include "base/id.h"
#include "base/json.h"
#include "base/network.h"
#include "base/number.h"
#include "base/secret.h"
#include "base/socket.h"

static void test_sizes(void)
{
    static const struct {
        const char *text;
        uint64_t bytes;
        bool good;
    } rows[] = {
        {"0", 0, true},
        {"4096", 4096, true},
        {"512MiB", 512ULL << 20, true},
        {"20 GiB", 20ULL << 30, true},
        {"8388607TiB", 8388607ULL << 40, true},
        {"8388608TiB", 0, false},
        {"", 0, false},
        {"-1", 0, false},
        {"1GB", 0, false},
        {"1  GiB", 0, false},
        {"GiB", 0, false},
        {"99999999999999999999", 0, false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        uint64_t bytes = 7;
        g_assert_cmpint(number_parse_size(rows[i].text, "memory", &bytes, &error), ==, rows[i].good);
        g_assert_cmpuint(bytes, ==, rows[i].good ? rows[i].bytes : 7);
        g_assert_true(rows[i].good == (error == NULL));
    }
}

static void test_size_text(void)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } rows[] = {{0, "0 B"}, {1023, "1023 B"}, {1024, "1 KiB"}, {1536, "1.5 KiB"}, {20ULL << 30, "20 GiB"}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = number_format_size(rows[i].bytes);
        g_assert_cmpstr(text, ==, rows[i].text);
    }
}

static void test_ids(void)
{
    g_autofree char *before = id_new();
    for (int i = 0; i < 100000; i++) {
        char *id = id_new();
        g_assert_cmpstr(id, >, before);
        g_assert_true(id_is_valid(id));
        g_free(before);
        before = id;
    }
    g_autofree char *first = id_new();
    g_autofree char *second = id_new();
    g_assert_true(id_is_valid(first));
    g_assert_cmpstr(first, !=, second);
    g_assert_cmpint(strncmp(first, second, 10), <=, 0);
    g_assert_false(id_is_valid(NULL));
    g_assert_false(id_is_valid("01ARZ3NDEKTSV4RRFFQ69G5FA"));
    g_assert_false(id_is_valid("01ARZ3NDEKTSV4RRFFQ69G5FAU"));
}

static void test_wait_of_an_error(void)
{
    g_autoptr(GError) error = NULL;
    g_assert_false(oriel_fail_wait(&error, 7, "in %d s", 7));
    g_prefix_error(&error, "log-in: ");
    g_assert_cmpint(oriel_error_kind(error), ==, ORIEL_ERROR_TOO_MANY);
    g_assert_cmpstr(error->message, ==, "log-in: in 7 s");
    g_autoptr(GError) copy = g_error_copy(error);
    g_assert_cmpint(oriel_error_wait_seconds(copy), ==, 7);
    g_clear_error(&error);
    oriel_fail(&error, ORIEL_ERROR_TOO_MANY, "some time");
    g_assert_cmpint(oriel_error_wait_seconds(error), ==, 0);
    g_clear_error(&error);
    g_set_error_literal(&error, G_FILE_ERROR, G_FILE_ERROR_NOENT, "another domain");
    g_assert_cmpint(oriel_error_wait_seconds(error), ==, 0);
    g_assert_cmpint(oriel_error_wait_seconds(NULL), ==, 0);
}

static void test_secrets(void)
{
    g_autoptr(SecretString) token = secret_token_new();
    g_assert_cmpuint(strlen(token), ==, 43);
    g_autofree char *hash = secret_token_hash(token);
    g_assert_cmpuint(strlen(hash), ==, 64);
    g_assert_true(secret_equal(token, token));
    g_assert_false(secret_equal(token, hash));
    g_assert_false(secret_equal(NULL, NULL));
    g_autofree char *stored = secret_password_hash("correct horse battery", NULL);
    g_assert_true(g_str_has_prefix(stored, "$argon2id$"));
    g_assert_true(secret_password_verify(stored, "correct horse battery"));
    g_assert_false(secret_password_verify(stored, "correct horse batterz"));
}

static void test_json(void)
{
    g_autoptr(GError) error = NULL;
    const char *text = "{\"name\":\"sales\",\"size\":3}";
    g_autoptr(Json) object = json_parse_object(text, strlen(text), "request body", &error);
    const char *name = NULL;
    int size = 0;
    g_assert_true(json_read(object, "request body", &error, "{s:s, s:i}", "name", &name, "size", &size));
    g_assert_cmpstr(name, ==, "sales");
    g_assert_false(json_read(object, "request body", &error, "{s:s}", "name", &name));
    g_assert_cmpint(oriel_error_kind(error), ==, ORIEL_ERROR_INVALID);
    g_clear_error(&error);
    g_assert_null(json_parse_object("{\"a\":1,\"a\":2}", 13, "request body", &error));
    g_clear_error(&error);
    g_assert_null(json_parse_object("[1]", 3, "request body", &error));
    g_autofree char *again = json_text(object);
    g_assert_cmpstr(again, ==, text);
}

static void test_files(void)
{
    g_autofree char *folder = g_dir_make_tmp("oriel-base-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "a", NULL);
    g_autoptr(GError) error = NULL;
    g_assert_true(file_write_atomic(path, "one", 3, 0640, &error));
    g_assert_true(file_write_atomic(path, "four", 4, 0640, &error));
    struct stat info;
    g_assert_cmpint(stat(path, &info), ==, 0);
    g_assert_cmpuint(info.st_mode & 07777, ==, 0640);
    size_t length = 0;
    g_autofree char *text = file_read(path, 4, &length, &error);
    g_assert_cmpstr(text, ==, "four");
    g_assert_null(file_read(path, 3, &length, &error));
    g_assert_cmpint(oriel_error_kind(error), ==, ORIEL_ERROR_TOO_LARGE);
    g_clear_error(&error);
    g_autofree char *none = g_build_filename(folder, "none", "deeper", NULL);
    g_assert_false(file_write_atomic(none, "x", 1, 0600, &error));
    g_assert_cmpint(oriel_error_kind(error), ==, ORIEL_ERROR_NOT_FOUND);
    g_clear_error(&error);
    g_assert_true(folder_remove(folder, &error));
    g_assert_true(folder_remove(folder, &error));
}

static gpointer let_go(gpointer data)
{
    g_usleep(50000);
    close(GPOINTER_TO_INT(data));
    return NULL;
}

static void test_locks(void)
{
    g_autofree char *folder = g_dir_make_tmp("oriel-base-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "lock", NULL);
    int first = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    autofd int second = open(path, O_RDWR | O_CLOEXEC);
    g_assert_true(file_lock(first, 0));
    g_assert_false(file_lock(second, 30));
    g_assert_cmpint(errno, ==, EWOULDBLOCK);
    GThread *thread = g_thread_new("holder", let_go, GINT_TO_POINTER(first));
    g_assert_true(file_lock(second, 60000));
    g_thread_join(thread);
    g_assert_false(file_lock(-1, 60000));
    g_assert_cmpint(errno, ==, EBADF);
    g_assert_true(folder_remove(folder, NULL));
}

/* The holder is another process: nobody sees its own. */
static void test_held_bytes(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = g_dir_make_tmp("oriel-held-XXXXXX", &error);
    g_autofree char *path = g_build_filename(folder, "lock", NULL);
    g_assert_cmpint(file_byte_holder(path, 8443), ==, 0); /* no such file */
    int ready[2], end[2];
    g_assert_cmpint(pipe(ready) | pipe(end), ==, 0);
    pid_t child = fork();
    if (child == 0) {
        char word;
        close(end[1]);
        int held = file_hold_byte(path, 8443, NULL);
        if (held < 0 || write(ready[1], "", 1) != 1 || read(end[0], &word, 1) != 0)
            _exit(1);
        _exit(0);
    }
    char word;
    close(end[0]);
    g_assert_cmpint(read(ready[0], &word, 1), ==, 1);
    g_assert_cmpint(file_byte_holder(path, 8443), ==, child);
    g_assert_cmpint(file_byte_holder(path, 8442), ==, 0);
    g_assert_cmpint(file_hold_byte(path, 8443, &error), ==, -1);
    g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_CONFLICT);
    autofd int other = file_hold_byte(path, 8442, NULL);
    g_assert_cmpint(other, >=, 0);
    close(end[1]);
    int status = 0;
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_cmpint(status, ==, 0);
    g_assert_cmpint(file_byte_holder(path, 8443), ==, 0);
    close(ready[0]);
    close(ready[1]);
    folder_remove(folder, NULL);
}

static void test_socket_network(void)
{
    static const struct {
        const char *address;
        const char *network;
    } rows[] = {
        {"192.0.2.7", "192.0.2.7"},
        {"::ffff:192.0.2.7", "192.0.2.7"},
        {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"},
        {"2001:DB8:1:2::9", "2001:db8:1:2::"},
        {"2001:db8:1:3::9", "2001:db8:1:3::"},
        {"::1", "::"},
        {"unknown", "unknown"},
        {"", ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *network = socket_network(rows[i].address);
        g_assert_cmpstr(network, ==, rows[i].network);
    }
}

static void test_sockets(void)
{
    g_autofree char *folder = g_dir_make_tmp("oriel-base-XXXXXX", NULL);
    g_autofree char *deep = g_strdup_printf("%s/%0120d", folder, 7);
    g_autoptr(GError) error = NULL;
    g_assert_true(folder_make(deep, 0700, &error));
    g_autofree char *path = g_build_filename(deep, "s.sock", NULL);
    autofd int listener = socket_listen(path, 0600, &error);
    g_assert_no_error(error);
    g_assert_cmpint(socket_listen(path, 0600, &error), ==, -1);
    g_assert_cmpint(oriel_error_kind(error), ==, ORIEL_ERROR_CONFLICT);
    g_clear_error(&error);
    fd_clear(&listener);
    listener = socket_listen(path, 0600, &error); /* a dead socket file is replaced */
    g_assert_no_error(error);
    autofd int client = socket_connect(path, &error);
    g_assert_no_error(error);
    autofd int server = accept(listener, NULL, NULL);
    g_assert_true(socket_send_fd(client, "x", 1, listener, &error));
    char byte = 0;
    g_assert_cmpint(recv(server, &byte, 1, 0), ==, 1);
    g_assert_cmpint(byte, ==, 'x');
    g_assert_true(folder_remove(folder, &error));
}

static void test_sealed_secrets(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = g_dir_make_tmp("oriel-key-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "secret.key", NULL);
    g_assert_true(secret_key_load(path, &error));
    g_autofree char *mark = secret_key_mark();
    g_autofree char *sealed = secret_seal("totp anna", "JBSWY3DP");
    g_autofree char *again = secret_seal("totp anna", "JBSWY3DP");
    g_assert_cmpstr(sealed, !=, again);
    g_autoptr(SecretString) opened = secret_open("totp anna", sealed, &error);
    g_assert_cmpstr(opened, ==, "JBSWY3DP");
    g_assert_null(secret_open("totp bob", sealed, &error));
    g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_CORRUPT);
    sealed[30] = sealed[30] == 'A' ? 'B' : 'A';
    g_assert_null(secret_open("totp anna", sealed, NULL));
    g_assert_null(secret_open("totp anna", "", NULL));
    g_assert_null(secret_open("totp anna", "AAAA", NULL));
    /* The file is read again, not made anew; another one is another key. */
    g_assert_true(secret_key_load(path, NULL));
    g_autoptr(SecretString) later = secret_open("totp anna", again, NULL);
    g_assert_cmpstr(later, ==, "JBSWY3DP");
    unlink(path);
    g_assert_true(secret_key_load(path, NULL));
    g_autofree char *other = secret_key_mark();
    g_assert_cmpstr(other, !=, mark);
    g_assert_null(secret_open("totp anna", again, NULL));
    g_assert_true(g_file_set_contents(path, "short\n", -1, NULL));
    g_clear_error(&error);
    g_assert_false(secret_key_load(path, &error));
    g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_INVALID);
    folder_remove(folder, NULL);
}

static void test_networks(void)
{
    static const struct {
        const char *network, *address;
        int in; /* -1: the network is none */
    } rows[] = {
        {"192.0.2.0/24", "192.0.2.7", 1},       {"192.0.2.0/24", "192.0.3.7", 0},
        {"192.0.2.7", "192.0.2.7", 1},          {"192.0.2.7", "192.0.2.8", 0},
        {"192.0.2.0/24", "::ffff:192.0.2.9", 1}, {"0.0.0.0/0", "198.51.100.1", 1},
        {"0.0.0.0/0", "2001:db8::1", 0},        {"2001:db8::/32", "2001:db8:1::1", 1},
        {"2001:db8::/32", "2001:db9::1", 0},    {"::/0", "192.0.2.1", 1},
        {"192.0.2.0/25", "192.0.2.127", 1},     {"192.0.2.0/25", "192.0.2.128", 0},
        {"192.0.2.0/24", "nonsense", 0},        {"192.0.2.0/24", NULL, 0},
        {"192.0.2.7/24", NULL, -1},             {"192.0.2.0/33", NULL, -1},
        {"192.0.2.0/", NULL, -1},               {"", NULL, -1},
        {"192.0.2", NULL, -1},                  {"fe80::%1/64", NULL, -1},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        Network network;
        bool parsed = network_parse(rows[i].network, "place", &network, NULL);
        g_assert_cmpint(parsed, ==, rows[i].in >= 0);
        if (parsed)
            g_assert_cmpint(network_contains(&network, rows[i].address), ==, rows[i].in);
    }
    const char *const some[] = {"192.0.2.0/24", "2001:db8::/32", NULL};
    g_assert_true(networks_contain(some, "2001:db8::5"));
    g_assert_false(networks_contain(some, "198.51.100.5"));
    g_assert_false(networks_contain(NULL, "198.51.100.5"));
}

static void test_macs(void)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (int i = 0; i < 100000; i++) { /* of 24 random bits hundreds would be there twice */
        char *mac = network_mac_new();
        g_assert_cmpuint(strlen(mac), ==, 17);
        unsigned first = (unsigned)g_ascii_xdigit_value(mac[0]) << 4 | (unsigned)g_ascii_xdigit_value(mac[1]);
        g_assert_cmpuint(first & 3, ==, 2);
        g_assert_true(g_hash_table_add(seen, mac));
    }
}

static void test_config(void)
{
    g_autofree char *folder = g_dir_make_tmp("oriel-base-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "oriel.conf", NULL);
    g_autoptr(GError) error = NULL;
    g_setenv("ORIEL_STATE", folder, TRUE);
    g_unsetenv("ORIEL_PORT");
    const char *good = "[oriel]\nport=9443\nmemory_limit=4GiB\npublic_url=https://desk.example/\ngateway_user=door\n";
    g_assert_true(file_write_atomic(path, good, strlen(good), 0600, &error));
    g_autoptr(Config) config = config_load(NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(config->port, ==, 9443);
    g_assert_cmpuint(config->memory_limit, ==, 4ULL << 30);
    g_assert_cmpstr(config->public_url, ==, "https://desk.example");
    g_assert_cmpstr(config->gateway_user, ==, "door");
    static const char *const bad[] = {"[oriel]\nprot=1\n", "[oriel]\nport=0\n", "port=1\n"};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_true(file_write_atomic(path, bad[i], strlen(bad[i]), 0600, &error));
        g_assert_null(config_load(NULL, &error));
        g_assert_cmpint(oriel_error_kind(error), ==, ORIEL_ERROR_INVALID);
        g_clear_error(&error);
    }
    g_assert_true(folder_remove(folder, &error));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_true(secret_init(NULL));
    g_test_add_func("/base/sizes", test_sizes);
    g_test_add_func("/base/size-text", test_size_text);
    g_test_add_func("/base/ids", test_ids);
    g_test_add_func("/base/secrets", test_secrets);
    g_test_add_func("/base/wait-of-an-error", test_wait_of_an_error);
    g_test_add_func("/base/json", test_json);
    g_test_add_func("/base/files", test_files);
    g_test_add_func("/base/locks", test_locks);
    g_test_add_func("/base/held-bytes", test_held_bytes);
    g_test_add_func("/base/sockets", test_sockets);
    g_test_add_func("/base/socket-network", test_socket_network);
    g_test_add_func("/base/sealed-secrets", test_sealed_secrets);
    g_test_add_func("/base/networks", test_networks);
    g_test_add_func("/base/macs", test_macs);
    g_test_add_func("/base/config", test_config);
    return g_test_run();
}
