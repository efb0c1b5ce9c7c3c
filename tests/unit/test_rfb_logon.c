#include "host/rfb_logon.h"

#include <png.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"
#include "host/rfb_picture.h"
#include "host/wake_packet.h"

#define FINE "\0\0\0\0"
#define CHALLENGE "0123456789abcdef"
#define NEVER ((OrielErrorKind)-1)

/* What a server says, all at once: it need not be waited for. */
static const struct {
    const char *what;
    const char *says;
    size_t length;
    const char *password;
    OrielErrorKind kind;
    const char *in_error;
} servers[] = {
#define SAYS(text) text, sizeof(text) - 1
    {"3.8, none", SAYS("RFB 003.008\n\1\1" FINE), NULL, NEVER, NULL},
    {"3.8, both, no password known", SAYS("RFB 003.008\n\2\2\1" FINE), NULL, NEVER, NULL},
    {"3.8, password", SAYS("RFB 003.008\n\1\2" CHALLENGE FINE), "secret", NEVER, NULL},
    {"3.8, password, none known", SAYS("RFB 003.008\n\1\2" CHALLENGE FINE), NULL, ORIEL_ERROR_FORBIDDEN, "wants a VNC password"},
    {"3.8, another password", SAYS("RFB 003.008\n\1\2" CHALLENGE "\0\0\0\1"), "secret", ORIEL_ERROR_FORBIDDEN, "does not accept"},
    {"3.8, VeNCrypt alone", SAYS("RFB 003.008\n\1\x13"), "secret", ORIEL_ERROR_UNSUPPORTED, "VncAuth"},
    {"3.8, refuses", SAYS("RFB 003.008\n\0\0\0\0\4busy"), NULL, ORIEL_ERROR_UNAVAILABLE, "refuses: busy"},
    {"3.8, refuses at endless length", SAYS("RFB 003.008\n\0\x7f\xff\xff\xff"), NULL, ORIEL_ERROR_UNAVAILABLE, "without a reason"},
    {"3.889 of macOS", SAYS("RFB 003.889\n\1\2" CHALLENGE FINE), "secret", NEVER, NULL},
    {"4.1", SAYS("RFB 004.001\n\1\1" FINE), NULL, NEVER, NULL},
    {"3.7, none: says no more", SAYS("RFB 003.007\n\1\1"), NULL, NEVER, NULL},
    {"3.3, none", SAYS("RFB 003.003\n\0\0\0\1"), NULL, NEVER, NULL},
    {"3.3, password", SAYS("RFB 003.003\n\0\0\0\2" CHALLENGE FINE), "secret", NEVER, NULL},
    {"3.3, refuses", SAYS("RFB 003.003\n\0\0\0\0\0\0\0\2no"), NULL, ORIEL_ERROR_UNAVAILABLE, "refuses: no"},
    {"SSH", SAYS("SSH-2.0-OpenSSH_9.2\r\n"), NULL, ORIEL_ERROR_UNAVAILABLE, "does not speak VNC"},
    {"ends early", SAYS("RFB 003.0"), NULL, ORIEL_ERROR_UNAVAILABLE, "closes"},
    {"ends in the challenge", SAYS("RFB 003.008\n\1\2" "0123"), "secret", ORIEL_ERROR_UNAVAILABLE, "closes"},
#undef SAYS
};

static int64_t soon(void)
{
    return g_get_monotonic_time() + 20 * G_USEC_PER_SEC;
}

static void test_servers(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(servers); i++) {
        int pair[2];
        g_autoptr(GError) error = NULL;
        g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
        autofd int ours = pair[0], theirs = pair[1];
        g_assert_true(fd_write_all(theirs, servers[i].says, servers[i].length, NULL));
        shutdown(theirs, SHUT_WR);
        bool in = rfb_log_on(ours, servers[i].password, soon(), &error);
        g_test_message("%s: %s", servers[i].what, error ? error->message : "in");
        g_assert_cmpint(in, ==, servers[i].kind == NEVER);
        if (in)
            continue;
        g_assert_cmpint(oriel_error_kind(error), ==, servers[i].kind);
        g_assert_nonnull(strstr(error->message, servers[i].in_error));
    }
}

/* Values of an independent DES (openssl enc -des-ecb, with the bits of "password"'s bytes reversed). */
static void test_answer(void)
{
    static const uint8_t challenge[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    static const uint8_t expected[16] = {0xb8, 0x66, 0x92, 0x41, 0x25, 0xc8, 0xee, 0xbb, 0x9d, 0xeb, 0xc1, 0xdb, 0x61, 0xc5, 0x38, 0xe2};
    uint8_t answer[16];
    rfb_answer("password", challenge, answer);
    g_assert_cmpmem(answer, sizeof answer, expected, sizeof expected);
    rfb_answer("password, and what nobody looks at", challenge, answer);
    g_assert_cmpmem(answer, sizeof answer, expected, sizeof expected);
}

static void test_viewers(void)
{
    static const struct {
        const char *says;
        bool in;
    } cases[] = {{"RFB 003.008\n\1", true}, {"RFB 003.003\n\1", false}, {"RFB 003.008\n\2", false}, {"GET / HTTP/1", false}, {"RFB", false}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        int pair[2];
        g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
        autofd int ours = pair[0], theirs = pair[1];
        g_assert_true(fd_write_all(theirs, cases[i].says, strlen(cases[i].says), NULL));
        shutdown(theirs, SHUT_WR);
        g_assert_cmpint(rfb_let_in(ours, soon(), NULL), ==, cases[i].in);
    }
}

/* What a server says after it has let us in: ServerInit of two pixels beside each other, then an update. */
#define INIT "\0\2\0\1\40\30\0\1\0\377\0\377\0\377\20\10\0\0\0\0\0\0\0\4seat"
#define UPDATE "\0\0\0\1"
#define BOTH "\0\0\0\0\0\2\0\1\0\0\0\0\1\2\3\0\4\5\6\0"

static const struct {
    const char *what;
    const char *says;
    size_t length;
    OrielErrorKind kind;
} screens[] = {
#define SAYS(text) text, sizeof(text) - 1
    {"whole", SAYS(INIT UPDATE BOTH), NEVER},
    {"in two parts, between other words",
     SAYS(INIT "\2" "\3\0\0\0\0\0\0\2hi" UPDATE "\0\0\0\0\0\1\0\1\0\0\0\0\1\2\3\0"
          "\1\0\0\0\0\1\0\1\2\3\4\5" UPDATE "\0\1\0\0\0\1\0\1\0\0\0\0\4\5\6\0"), NEVER},
    {"half", SAYS(INIT UPDATE "\0\0\0\0\0\1\0\1\0\0\0\0\1\2\3\0"), ORIEL_ERROR_UNAVAILABLE},
    {"cut within a row", SAYS(INIT UPDATE "\0\0\0\0\0\2\0\1\0\0\0\0\1\2"), ORIEL_ERROR_UNAVAILABLE},
    {"beyond the right edge", SAYS(INIT UPDATE "\0\1\0\0\0\2\0\1\0\0\0\0\1\2\3\0\4\5\6\0"), ORIEL_ERROR_UNAVAILABLE},
    {"below", SAYS(INIT UPDATE "\0\0\0\1\0\2\0\1\0\0\0\0\1\2\3\0\4\5\6\0"), ORIEL_ERROR_UNAVAILABLE},
    {"another encoding", SAYS(INIT UPDATE "\0\0\0\0\0\2\0\1\0\0\0\5"), ORIEL_ERROR_UNAVAILABLE},
    {"another message", SAYS(INIT "\226"), ORIEL_ERROR_UNAVAILABLE},
    {"endless clipboard", SAYS(INIT "\3\0\0\0\377\377\377\377"), ORIEL_ERROR_UNAVAILABLE},
    {"endless name", SAYS("\0\2\0\1\40\30\0\1\0\377\0\377\0\377\20\10\0\0\0\0\377\377\377\377"), ORIEL_ERROR_UNAVAILABLE},
    {"no pixel", SAYS("\0\0\0\1\40\30\0\1\0\377\0\377\0\377\20\10\0\0\0\0\0\0\0\0"), ORIEL_ERROR_UNAVAILABLE},
    {"too many pixels", SAYS("\377\377\377\377\40\30\0\1\0\377\0\377\0\377\20\10\0\0\0\0\0\0\0\0"), ORIEL_ERROR_TOO_LARGE},
#undef SAYS
};

static void assert_picture(GBytes *png)
{
    static const uint8_t expected[] = {1, 2, 3, 4, 5, 6};
    uint8_t pixels[sizeof expected];
    png_image image = {.version = PNG_IMAGE_VERSION};
    size_t length = 0;
    const void *bytes = g_bytes_get_data(png, &length);
    g_assert_true(png_image_begin_read_from_memory(&image, bytes, length));
    g_assert_cmpuint(image.width, ==, 2);
    g_assert_cmpuint(image.height, ==, 1);
    image.format = PNG_FORMAT_RGB;
    g_assert_true(png_image_finish_read(&image, NULL, pixels, 0, NULL));
    g_assert_cmpmem(pixels, sizeof pixels, expected, sizeof expected);
}

static void test_pictures(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(screens); i++) {
        int pair[2];
        g_autoptr(GError) error = NULL;
        g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
        autofd int ours = pair[0], theirs = pair[1];
        g_assert_true(fd_write_all(theirs, screens[i].says, screens[i].length, NULL));
        shutdown(theirs, SHUT_WR);
        g_autoptr(GBytes) png = rfb_picture(ours, soon(), &error);
        g_test_message("%s: %s", screens[i].what, error ? error->message : "painted");
        g_assert_cmpint(png != NULL, ==, screens[i].kind == NEVER);
        if (png)
            assert_picture(png);
        else
            g_assert_cmpint(oriel_error_kind(error), ==, screens[i].kind);
    }
}

static void test_wake(void)
{
    uint8_t mac[6], packet[WAKE_PACKET_BYTES];
    static const char *const wrong[] = {"", "52:54:00:12:34", "52:54:00:12:34:5g", "52:54:00:12:34:567", "525400123456aaaaa",
                                        "01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff"};
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
        g_assert_false(wake_mac_parse(wrong[i], mac, NULL));
    g_assert_true(wake_mac_parse("52-54-00-aB-34-56", mac, NULL));
    g_assert_cmpmem(mac, 6, "\x52\x54\0\xab\x34\x56", 6);
    wake_packet(mac, packet);
    g_assert_cmpmem(packet, 12, "\xff\xff\xff\xff\xff\xff\x52\x54\0\xab\x34\x56", 12);
    g_assert_cmpmem(packet + sizeof packet - 6, 6, mac, 6);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rfb/servers", test_servers);
    g_test_add_func("/rfb/answer", test_answer);
    g_test_add_func("/rfb/viewers", test_viewers);
    g_test_add_func("/rfb/pictures", test_pictures);
    g_test_add_func("/wake", test_wake);
    return g_test_run();
}
