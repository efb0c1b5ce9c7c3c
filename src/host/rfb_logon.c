/* VNC's password is DES, which OpenSSL 3 calls deprecated; nothing else could answer such a server. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "host/rfb_logon.h"

#include <errno.h>
#include <openssl/des.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/secret.h"

enum {
    VERSION_BYTES = 12,
    CHALLENGE_BYTES = 16,
    REASON_MOST = 512,
    SECURITY_FAILED = 0,
    SECURITY_NONE = 1,
    SECURITY_VNC = 2,
};

static const char our_version[] = "RFB 003.008\n";

/* ---- bytes until a deadline ---- */

static bool wait_for(int fd, short events, int64_t deadline_us, GError **error)
{
    for (;;) {
        int64_t left_ms = (deadline_us - g_get_monotonic_time() + 999) / 1000;
        struct pollfd one = {.fd = fd, .events = events};
        int ready = left_ms > 0 ? poll(&one, 1, (int)MIN(left_ms, G_MAXINT)) : 0;
        if (ready > 0)
            return true;
        if (ready == 0)
            return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "says nothing");
        if (errno != EINTR)
            return oriel_fail_errno(error, errno, "poll");
    }
}

bool rfb_hear(int fd, void *bytes, size_t length, int64_t deadline_us, GError **error)
{
    for (size_t have = 0; have < length;) {
        if (!wait_for(fd, POLLIN, deadline_us, error))
            return false;
        ssize_t count = recv(fd, (uint8_t *)bytes + have, length - have, MSG_DONTWAIT);
        if (count > 0)
            have += (size_t)count;
        else if (count == 0)
            return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "closes the connection");
        else if (errno != EAGAIN && errno != EINTR)
            return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "closes the connection (%s)", g_strerror(errno));
    }
    return true;
}

bool rfb_say(int fd, const void *bytes, size_t length, GError **error)
{
    ssize_t count = send(fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
    return count == (ssize_t)length ||
           oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "closes the connection (%s)", g_strerror(errno));
}

static uint32_t number_of(const uint8_t bytes[4])
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* ---- with the machine ---- */

typedef struct {
    int fd;
    int64_t deadline_us;
    unsigned minor; /* of the version 3.x that both speak */
} Talk;

static bool hear(const Talk *talk, void *bytes, size_t length, GError **error)
{
    return rfb_hear(talk->fd, bytes, length, talk->deadline_us, error);
}

/* A server may say 3.889 (macOS) or 4.1: it then speaks 3.8 as well. */
static bool agree(Talk *talk, GError **error)
{
    char theirs[VERSION_BYTES + 1] = {0};
    if (!hear(talk, theirs, VERSION_BYTES, error))
        return false;
    bool digits = g_ascii_isdigit(theirs[8]) && g_ascii_isdigit(theirs[9]) && g_ascii_isdigit(theirs[10]);
    if (strncmp(theirs, "RFB 00", 6) != 0 || theirs[VERSION_BYTES - 1] != '\n' || theirs[7] != '.' || !digits)
        return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "does not speak VNC");
    unsigned minor = (unsigned)((theirs[8] - '0') * 100 + (theirs[9] - '0') * 10 + theirs[10] - '0');
    talk->minor = theirs[6] != '3' || minor >= 8 ? 8 : minor == 7 ? 7 : 3;
    char ours[sizeof our_version];
    memcpy(ours, our_version, sizeof ours);
    ours[10] = (char)('0' + talk->minor);
    return rfb_say(talk->fd, ours, VERSION_BYTES, error);
}

static bool refused(const Talk *talk, GError **error)
{
    uint8_t length[4] = {0};
    char reason[REASON_MOST + 1] = {0};
    bool told = hear(talk, length, sizeof length, NULL) && number_of(length) <= REASON_MOST &&
                hear(talk, reason, number_of(length), NULL) && *reason;
    g_autofree char *printable = told ? g_utf8_make_valid(reason, -1) : NULL;
    return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "refuses: %s", printable ? printable : "without a reason");
}

static bool unknown_security(GError **error)
{
    return oriel_fail(error, ORIEL_ERROR_UNSUPPORTED,
                      "offers no kind of security that Oriel speaks; let its VNC server accept a VNC password (VncAuth)");
}

/* Version 3.3: the server says which. */
static bool be_told(const Talk *talk, uint8_t *ret, GError **error)
{
    uint8_t bytes[4] = {0};
    if (!hear(talk, bytes, sizeof bytes, error))
        return false;
    uint32_t kind = number_of(bytes);
    if (kind == SECURITY_FAILED)
        return refused(talk, error);
    *ret = (uint8_t)kind;
    return kind == SECURITY_NONE || kind == SECURITY_VNC || unknown_security(error);
}

static bool choose(const Talk *talk, bool has_password, uint8_t *ret, GError **error)
{
    uint8_t count = 0, kinds[255] = {0};
    if (!hear(talk, &count, 1, error) || (count && !hear(talk, kinds, count, error)))
        return false;
    if (count == 0)
        return refused(talk, error);
    bool none = memchr(kinds, SECURITY_NONE, count) != NULL, vnc = memchr(kinds, SECURITY_VNC, count) != NULL;
    if (!none && !vnc)
        return unknown_security(error);
    *ret = vnc && (has_password || !none) ? SECURITY_VNC : SECURITY_NONE;
    return rfb_say(talk->fd, ret, 1, error);
}

static uint8_t reverse(uint8_t byte)
{
    uint8_t reversed = 0;
    for (int bit = 0; bit < 8; bit++)
        if (byte & (1 << bit))
            reversed = (uint8_t)(reversed | (0x80 >> bit));
    return reversed;
}

void rfb_answer(const char *password, const uint8_t challenge[16], uint8_t ret_answer[16])
{
    DES_cblock key = {0};
    DES_key_schedule schedule;
    size_t length = MIN(strlen(password), sizeof key);
    for (size_t i = 0; i < length; i++)
        key[i] = reverse((uint8_t)password[i]);
    DES_set_key_unchecked(&key, &schedule);
    for (int half = 0; half < CHALLENGE_BYTES; half += 8) {
        DES_cblock in, out;
        memcpy(in, challenge + half, sizeof in);
        DES_ecb_encrypt(&in, &out, &schedule, DES_ENCRYPT);
        memcpy(ret_answer + half, out, sizeof out);
    }
    explicit_bzero(&key, sizeof key);
    explicit_bzero(&schedule, sizeof schedule);
}

static bool show_password(const Talk *talk, const char *password, GError **error)
{
    uint8_t challenge[CHALLENGE_BYTES] = {0}, answer[CHALLENGE_BYTES] = {0};
    if (!hear(talk, challenge, sizeof challenge, error))
        return false;
    if (!password)
        return oriel_fail(error, ORIEL_ERROR_FORBIDDEN, "wants a VNC password, and none was given to Oriel");
    rfb_answer(password, challenge, answer);
    return rfb_say(talk->fd, answer, sizeof answer, error);
}

static bool hear_result(const Talk *talk, uint8_t kind, GError **error)
{
    uint8_t result[4] = {0};
    if (kind == SECURITY_NONE && talk->minor < 8)
        return true; /* only 3.8 says anything then */
    if (!hear(talk, result, sizeof result, error))
        return false;
    if (number_of(result) == 0)
        return true;
    if (kind == SECURITY_VNC)
        return oriel_fail(error, ORIEL_ERROR_FORBIDDEN, "does not accept the VNC password that Oriel has for it");
    return refused(talk, error);
}

bool rfb_log_on(int fd, const char *password, int64_t deadline_us, GError **error)
{
    Talk talk = {.fd = fd, .deadline_us = deadline_us};
    uint8_t kind = 0;
    return agree(&talk, error) &&
           (talk.minor == 3 ? be_told(&talk, &kind, error) : choose(&talk, password != NULL, &kind, error)) &&
           (kind != SECURITY_VNC || show_password(&talk, password, error)) && hear_result(&talk, kind, error);
}

/* ---- with our viewer ---- */

bool rfb_let_in(int fd, int64_t deadline_us, GError **error)
{
    static const uint8_t kinds[] = {1, SECURITY_NONE}, fine[4] = {0};
    char version[VERSION_BYTES] = {0};
    uint8_t kind = 0;
    if (!rfb_say(fd, our_version, VERSION_BYTES, error) || !rfb_hear(fd, version, VERSION_BYTES, deadline_us, error))
        return false;
    if (memcmp(version, our_version, VERSION_BYTES) != 0)
        return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "speaks another version of RFB than 3.8");
    if (!rfb_say(fd, kinds, sizeof kinds, error) || !rfb_hear(fd, &kind, 1, deadline_us, error))
        return false;
    return kind == SECURITY_NONE ? rfb_say(fd, fine, sizeof fine, error)
                                 : oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "chose a security that was not offered");
}
