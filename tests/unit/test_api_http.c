/* api/: what comes from a client before any handler sees it. */
#include <string.h>
#include <sys/stat.h>

#include "api/denials.h"
#include "api/door.h"
#include "api/files.h"
#include "api/request.h"
#include "api/router.h"
#include "api/websocket.h"
#include "base/error.h"
#include "base/file.h"
#include "base/secret.h"

/* ---- request ---- */

static void test_request_target(void)
{
    static const struct {
        const char *target;
        const char *path; /* NULL: refused */
    } cases[] = {
        {"/", "/"},
        {"/api/v1/pools/demo", "/api/v1/pools/demo"},
        {"/api/v1/users/anna%40example.org", "/api/v1/users/anna@example.org"},
        {"/a%2fb", "/a/b"},
        {"/a%20b?x=1", "/a b"},
        {"*", NULL},
        {"", NULL},
        {"http://host/", NULL},
        {"/a%00b", NULL},
        {"/a%zz", NULL},
        {"/a%", NULL},
        {"/%ff%fe", NULL},
        {"/../etc/passwd", NULL},
        {"/a/../b", NULL},
        {"/a/..", NULL},
        {"/a/.", NULL},
        {"/./a", NULL},
        {"/%2e%2e/etc/passwd", NULL},
        {"/a/%2e%2e%2fb", NULL},
        {"/..a/b..", "/..a/b.."},
        {"/a%0ab", NULL},
        {"/?x=%00", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Request) request = request_new("GET", cases[i].target, &error);
        g_test_message("%s", cases[i].target);
        if (cases[i].path) {
            g_assert_no_error(error);
            g_assert_cmpstr(request->path, ==, cases[i].path);
        } else {
            g_assert_null(request);
            g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_INVALID);
        }
    }
}

static void test_request_query(void)
{
    g_autoptr(Request) request = request_new("GET", "/x?pool=a+b&user=%C3%A4&flag&pool=second&&=e", NULL);
    g_assert_cmpstr(request_query(request, "pool"), ==, "a b");
    g_assert_cmpstr(request_query(request, "user"), ==, "ä");
    g_assert_cmpstr(request_query(request, "flag"), ==, "");
    g_assert_null(request_query(request, "nothing"));
}

static void test_request_headers(void)
{
    g_autoptr(Request) request = request_new("GET", "/", NULL);
    request_add_header(request, "Cookie", "a=1; __Host-oriel=TOKEN ; __Host-oriel=second; x__Host-oriel=no");
    request_add_header(request, "CONNECTION", "keep-alive , Upgrade");
    request_add_header(request, "connection", "close");
    g_autoptr(SecretString) cookie = request_cookie(request, "__Host-oriel");
    g_assert_cmpstr(cookie, ==, "TOKEN");
    g_assert_null(request_cookie(request, "b"));
    g_assert_true(request_header_has(request, "connection", "upgrade"));
    g_assert_false(request_header_has(request, "connection", "close"));
    g_assert_false(request_header_has(request, "connection", "grade"));
}

/* ---- router ---- */

static void test_router_find(void)
{
    char *parameters[CALL_PARAMETERS];
    g_autofree char *allow = NULL;
    const Route *route = router_find("PUT", "/api/v1/pools/demo/entitlements/users/anna", parameters, &allow);
    g_assert_nonnull(route);
    g_assert_cmpstr(route->pattern, ==, "pools/{pool}/entitlements/users/{user}");
    g_assert_cmpstr(parameters[0], ==, "demo");
    g_assert_cmpstr(parameters[1], ==, "anna");
    g_assert_null(parameters[2]);
    g_free(parameters[0]);
    g_free(parameters[1]);
    route = router_find("HEAD", "/api/v1/me", parameters, &allow);
    g_assert_nonnull(route);
    g_assert_cmpstr(route->pattern, ==, "me");
}

static void test_router_misses(void)
{
    static const struct {
        const char *method;
        const char *path;
        const char *allow; /* NULL: no such path */
    } cases[] = {
        {"GET", "/api/v1/nothing", NULL},
        {"GET", "/api/v1/", NULL},
        {"GET", "/api/v1/pools/", NULL},
        {"GET", "/api/v1/pools/demo/", NULL},
        {"GET", "/api/v1/pools//entitlements", NULL},
        {"GET", "/api/v2/pools", NULL},
        {"GET", "/pools", NULL},
        {"GET", "/api/v1/poolss", NULL},
        {"GET", "/api/v1/pool", NULL},
        {"PUT", "/api/v1/pools", "GET, HEAD, POST"},
        {"POST", "/api/v1/pools/demo", "GET, HEAD, PATCH, DELETE"},
        {"get", "/api/v1/pools", "GET, HEAD, POST"},
        {"OPTIONS", "/api/v1/login", "POST"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        char *parameters[CALL_PARAMETERS];
        g_autofree char *allow = NULL;
        g_test_message("%s %s", cases[i].method, cases[i].path);
        g_assert_null(router_find(cases[i].method, cases[i].path, parameters, &allow));
        g_assert_cmpstr(allow, ==, cases[i].allow);
        for (size_t j = 0; j < CALL_PARAMETERS; j++)
            g_assert_null(parameters[j]);
    }
}

/* Each row is reached by its own pattern: no row hides another. */
static void test_router_every_row(void)
{
    for (const Route *row = routes; row->method; row++) {
        char *parameters[CALL_PARAMETERS];
        g_autofree char *allow = NULL, *path = g_strconcat("/api/v1/", row->pattern, NULL);
        g_assert_true(router_find(row->method, path, parameters, &allow) == row);
        for (size_t i = 0; i < CALL_PARAMETERS; i++)
            g_free(parameters[i]);
        g_assert_nonnull(row->handler);
        g_assert_cmpint(row->permission, <, PERMISSIONS);
    }
}

/* ---- WebSocket ---- */

static Request *handshake_request(const char *const *changes)
{
    static const char *const usual[] = {
        "host",
        "desk.example.org:8443",
        "upgrade",
        "websocket",
        "connection",
        "keep-alive, Upgrade",
        "sec-websocket-version",
        "13",
        "sec-websocket-key",
        "dGhlIHNhbXBsZSBub25jZQ==",
        "origin",
        "https://desk.example.org:8443",
        "sec-websocket-protocol",
        "chat, binary",
        NULL,
    };
    Request *request = request_new("GET", "/api/v1/display/x", NULL);
    for (size_t i = 0; changes[i]; i += 2)
        if (*changes[i + 1])
            request_add_header(request, changes[i], changes[i + 1]);
    for (size_t i = 0; usual[i]; i += 2) {
        bool changed = false;
        for (size_t j = 0; changes[j]; j += 2)
            changed |= strcmp(changes[j], usual[i]) == 0;
        if (!changed)
            request_add_header(request, usual[i], usual[i + 1]);
    }
    return request;
}

static void test_websocket_good(void)
{
    static const char *const none[] = {NULL};
    g_autoptr(Request) request = handshake_request(none);
    g_auto(WebSocketHandshake) handshake = {0};
    g_autoptr(GError) error = NULL;
    int status = 0;
    g_assert_true(websocket_check(request, NULL, &handshake, &status, &error));
    g_assert_no_error(error);
    g_assert_cmpstr(handshake.accept, ==, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="); /* RFC 6455, 1.3 */
    g_assert_true(handshake.binary);
}

static void test_websocket_cases(void)
{
    static const struct {
        const char *name;
        const char *value; /* "": absent */
        int status;        /* 0: good */
    } cases[] = {
        {"upgrade", "", 426},
        {"upgrade", "h2c", 426},
        {"connection", "keep-alive", 426},
        {"sec-websocket-version", "8", 426},
        {"sec-websocket-version", "", 426},
        {"sec-websocket-key", "", 400},
        {"sec-websocket-key", "short", 400},
        {"sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ!!", 400},
        {"origin", "https://evil.example.org", 403},
        {"origin", "https://desk.example.org", 403},
        {"origin", "null", 403},
        {"origin", "https://desk.example.org:8443.evil.org", 403},
        {"origin", "", 0},
        {"origin", "https://DESK.example.org:8443", 0},
        {"origin", "https://public.example.org", 0},
        {"host", "", 403},
        {"host", "public.example.org", 403},
        {"sec-websocket-protocol", "", 0},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const char *const change[] = {cases[i].name, cases[i].value, NULL};
        g_autoptr(Request) request = handshake_request(change);
        g_auto(WebSocketHandshake) handshake = {0};
        g_autoptr(GError) error = NULL;
        int status = 0;
        g_test_message("%s: %s", cases[i].name, cases[i].value);
        bool good = websocket_check(request, "https://public.example.org/desks", &handshake, &status, &error);
        g_assert_true(good == (cases[i].status == 0));
        if (!good)
            g_assert_cmpint(status, ==, cases[i].status);
    }
}

static void test_websocket_behind_proxy(void)
{
    static const char *const changes[] = {"host", "127.0.0.1:8443", "x-forwarded-host",
                                          "desk.example.org:8443", NULL};
    g_autoptr(Request) request = handshake_request(changes);
    g_auto(WebSocketHandshake) handshake = {0};
    int status = 0;
    g_assert_true(websocket_check(request, NULL, &handshake, &status, NULL));
}

/* ---- the gateway's names ---- */

static void test_door_certificate(void)
{
    static const char mark[] = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
    static const char hex[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    g_autofree char *name = g_strconcat("oriel/[2001:db8::1]:51234;", mark, NULL);
    g_autofree char *longer = g_strconcat(name, "A", NULL);
    g_autofree char *found = door_certificate(name, strlen(name)), *address = door_address(name, strlen(name));
    g_assert_cmpstr(found, ==, hex);
    g_assert_cmpstr(address, ==, "2001:db8::1");
    const char *const none[] = {"oriel/192.0.2.7:1", "oriel/192.0.2.7:1;", "oriel/192.0.2.7:1;short", longer,
                                "oriel/192.0.2.7:1;47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSu*U"};
    for (size_t i = 0; i < G_N_ELEMENTS(none); i++)
        g_assert_null(door_certificate(none[i], strlen(none[i])));
    g_assert_null(door_certificate(name, strlen(name) - 1));
}

static void test_door_address(void)
{
    static const struct {
        const char *name;
        const char *address;
    } cases[] = {
        {"oriel/192.0.2.7:51234", "192.0.2.7"},
        {"oriel/[2001:db8::1]:51234", "2001:db8::1"},
        {"oriel/2001:db8::1:51234", "2001:db8::1"},
        {"oriel/host:1", NULL},
        {"oriel/192.0.2.7", NULL},
        {"oriel/[2001:db8::1]x:1", NULL},
        {"oriel/[2001:db8::1:1", NULL},
        {"other/192.0.2.7:1", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *address = door_address(cases[i].name, strlen(cases[i].name));
        g_assert_cmpstr(address, ==, cases[i].address);
    }
    g_assert_null(door_address("oriel/192.0.2.7\0:1", 18));
}

/* ---- refusals that are written down ---- */

static void test_denials(void)
{
    Denials *denials = denials_new();
    uint64_t left_out = 99;
    g_assert_true(denial_is_told(denials, "anna", 5000, &left_out));
    g_assert_cmpuint(left_out, ==, 0);
    for (int64_t now_ms = 5000; now_ms < 6000; now_ms += 10)
        g_assert_false(denial_is_told(denials, "anna", now_ms, &left_out));
    g_assert_true(denial_is_told(denials, "bob", 5500, &left_out));
    g_assert_cmpuint(left_out, ==, 0);
    g_assert_true(denial_is_told(denials, "anna", 6000, &left_out));
    g_assert_cmpuint(left_out, ==, 100);
    g_assert_true(denial_is_told(denials, "anna", 9000, &left_out));
    g_assert_cmpuint(left_out, ==, 0);
    denials_free(denials);
}

/* ---- files ---- */

typedef struct {
    char *top;
    Files *files;
} Web;

static void web_write(const Web *web, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(web->top, name, NULL);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void web_open(Web *web, const void *unused)
{
    web->top = g_dir_make_tmp("oriel-web-XXXXXX", NULL);
    g_autofree char *folder = g_build_filename(web->top, "web", NULL),
                    *assets = g_build_filename(folder, "assets", NULL);
    g_autofree char *leak = g_build_filename(folder, "leak.txt", NULL),
                    *out = g_build_filename(folder, "out", NULL);
    g_assert_true(folder_make(assets, 0700, NULL));
    web_write(web, "secret.txt", "secret");
    web_write(web, "web/index.html", "<!doctype html>");
    web_write(web, "web/.hidden", "no");
    web_write(web, "web/assets/app-K3XQ7A2B.js", "code");
    web_write(web, "web/assets/app-K3XQ7A2B.js.gz", "packed");
    g_assert_cmpint(symlink("../secret.txt", leak), ==, 0);
    g_assert_cmpint(symlink("..", out), ==, 0);
    web->files = files_new(folder);
}

static void web_close(Web *web, const void *unused)
{
    files_free(web->files);
    folder_remove(web->top, NULL);
    g_free(web->top);
}

static void test_files_good(Web *web, const void *unused)
{
    g_autoptr(Request) request = request_new("GET", "/", NULL);
    g_autoptr(Reply) reply = reply_new();
    g_assert_true(files_reply(web->files, request, reply, NULL));
    g_assert_cmpint(reply->status, ==, 200);
    g_assert_cmpint((int)reply->file_bytes, ==, 15);
    g_assert_cmpstr(reply->content_type, ==, "text/html; charset=utf-8");
    g_assert_cmpstr(reply_header_get(reply, "Cache-Control"), ==, "no-cache");

    g_autoptr(Request) again = request_new("GET", "/", NULL);
    request_add_header(again, "If-None-Match", reply_header_get(reply, "ETag"));
    g_autoptr(Reply) same = reply_new();
    g_assert_true(files_reply(web->files, again, same, NULL));
    g_assert_cmpint(same->status, ==, 304);
    g_assert_cmpint(same->file, ==, -1);
}

static void test_files_packed(Web *web, const void *unused)
{
    g_autoptr(Request) request = request_new("GET", "/assets/app-K3XQ7A2B.js", NULL);
    g_autoptr(Reply) plain = reply_new();
    g_assert_true(files_reply(web->files, request, plain, NULL));
    g_assert_null(reply_header_get(plain, "Content-Encoding"));
    g_assert_cmpint((int)plain->file_bytes, ==, 4);
    request_add_header(request, "Accept-Encoding", "br, gzip");
    g_autoptr(Reply) packed = reply_new();
    g_assert_true(files_reply(web->files, request, packed, NULL));
    g_assert_cmpstr(reply_header_get(packed, "Content-Encoding"), ==, "gzip");
    g_assert_cmpstr(packed->content_type, ==, "text/javascript; charset=utf-8");
    g_assert_cmpstr(reply_header_get(packed, "Cache-Control"), ==, "public, max-age=31536000, immutable");
    g_assert_cmpstr(reply_header_get(packed, "ETag"), !=, reply_header_get(plain, "ETag"));
}

static void test_files_absent(Web *web, const void *unused)
{
    static const char *const paths[] = {"/nothing.js", "/.hidden", "/leak.txt",    "/out/secret.txt",
                                        "/assets",     "/assets/", "//index.html", "/assets//app-K3XQ7A2B.js",
                                        "/index.html/"};
    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autoptr(Request) request = request_new("GET", paths[i], NULL);
        g_autoptr(Reply) reply = reply_new();
        g_autoptr(GError) error = NULL;
        g_test_message("%s", paths[i]);
        g_assert_false(files_reply(web->files, request, reply, &error));
        g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_NOT_FOUND);
    }
}

static void test_files_hashed(void)
{
    g_assert_true(files_is_hashed("app-K3XQ7A2B.js"));
    g_assert_true(files_is_hashed("assets/font-face-ABCDEFG2.woff2"));
    g_assert_false(files_is_hashed("app.js"));
    g_assert_false(files_is_hashed("app-k3xq7a2b.js"));
    g_assert_false(files_is_hashed("app-K3XQ7A2.js"));
    g_assert_false(files_is_hashed("app-K3XQ7A2B"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/api/request/target", test_request_target);
    g_test_add_func("/api/request/query", test_request_query);
    g_test_add_func("/api/request/headers", test_request_headers);
    g_test_add_func("/api/router/find", test_router_find);
    g_test_add_func("/api/router/misses", test_router_misses);
    g_test_add_func("/api/router/every-row", test_router_every_row);
    g_test_add_func("/api/websocket/good", test_websocket_good);
    g_test_add_func("/api/websocket/cases", test_websocket_cases);
    g_test_add_func("/api/websocket/behind-proxy", test_websocket_behind_proxy);
    g_test_add_func("/api/door/address", test_door_address);
    g_test_add_func("/api/door/certificate", test_door_certificate);
    g_test_add_func("/api/denials", test_denials);
    g_test_add("/api/files/good", Web, NULL, web_open, test_files_good, web_close);
    g_test_add("/api/files/packed", Web, NULL, web_open, test_files_packed, web_close);
    g_test_add("/api/files/absent", Web, NULL, web_open, test_files_absent, web_close);
    g_test_add_func("/api/files/hashed", test_files_hashed);
    return g_test_run();
}
