#include "guest/agent_lock.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "guest/agent_child.h"

#define ASK_MS 5000
#define READS_MOST 64

#define DRIVER "org.freedesktop.DBus"
#define SIGNAL_MATCH                                                                                         \
    "type='signal',sender='org.freedesktop.login1',interface='org.freedesktop.login1.Session',member='Lock'"
#define MATCH                                                                                                \
    "type='signal',sender='org.freedesktop.login1',interface='org.freedesktop.DBus.Properties'," \
    "path_namespace='/org/freedesktop/login1/session'"

/* ---- D-Bus messages (specification 0.41, "Message Format"): method calls to the bus itself, little-endian ---- */

typedef struct {
    uint8_t bytes[512];
    size_t used;
} Message;

static void put(Message *message, const void *bytes, size_t length)
{
    if (length > sizeof message->bytes - message->used)
        return; /* the texts below fit */
    memcpy(message->bytes + message->used, bytes, length);
    message->used += length;
}

static void align(Message *message, size_t to)
{
    static const uint8_t zeros[8];
    put(message, zeros, (to - message->used % to) % to);
}

static void put_number(Message *message, uint32_t number)
{
    const uint8_t bytes[] = {(uint8_t)number, (uint8_t)(number >> 8), (uint8_t)(number >> 16), (uint8_t)(number >> 24)};
    align(message, 4);
    put(message, bytes, sizeof bytes);
}

static void put_string(Message *message, const char *text)
{
    put_number(message, (uint32_t)strlen(text));
    put(message, text, strlen(text) + 1);
}

/* A header field: its code, and a variant of type 'o' or 's'. */
static void put_field(Message *message, uint8_t code, char type, const char *text)
{
    const uint8_t head[] = {code, 1, (uint8_t)type, 0};
    align(message, 8);
    put(message, head, sizeof head);
    put_string(message, text);
}

static Message call(uint8_t serial, const char *member, const char *argument)
{
    enum { PATH = 1, INTERFACE = 2, MEMBER = 3, DESTINATION = 6, SIGNATURE = 8, FIELDS_AT = 12 };
    static const uint8_t string_signature[] = {SIGNATURE, 1, 'g', 0, 1, 's', 0};
    const uint8_t head[] = {'l', 1, 0, 1};
    Message message = {.used = 0};
    put(&message, head, sizeof head);
    put_number(&message, argument ? (uint32_t)strlen(argument) + 5 : 0);
    put_number(&message, serial);
    put_number(&message, 0); /* length of the fields: below */
    size_t begin = message.used;
    put_field(&message, PATH, 'o', "/org/freedesktop/DBus");
    put_field(&message, INTERFACE, 's', DRIVER);
    put_field(&message, MEMBER, 's', member);
    put_field(&message, DESTINATION, 's', DRIVER);
    if (argument) {
        align(&message, 8);
        put(&message, string_signature, sizeof string_signature);
    }
    size_t fields = message.used - begin;
    message.bytes[FIELDS_AT] = (uint8_t)fields;
    message.bytes[FIELDS_AT + 1] = (uint8_t)(fields >> 8);
    align(&message, 8);
    if (argument)
        put_string(&message, argument);
    return message;
}

/* ---- the watch ---- */

static bool say(int fd, const void *bytes, size_t length)
{
    return send(fd, bytes, length, MSG_NOSIGNAL) == (ssize_t)length;
}

int agent_lock_watch(const char *bus)
{
    static const char hello[] = "\0AUTH EXTERNAL 30\r\nBEGIN\r\n"; /* 30: "0", root's number, in hex */
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(bus) >= sizeof address.sun_path)
        return -1;
    memcpy(address.sun_path, bus, strlen(bus) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    Message first = call(1, "Hello", NULL), match = call(2, "AddMatch", MATCH), lock = call(3, "AddMatch", SIGNAL_MATCH);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 && say(fd, hello, sizeof hello - 1) &&
        say(fd, first.bytes, first.used) && say(fd, match.bytes, match.used) && say(fd, lock.bytes, lock.used))
        return fd;
    close(fd);
    return -1;
}

/* The header field MEMBER (3) of a signal Lock, as logind's side of the bus writes it; only logind's signals come here. */
static const char LOCK_MEMBER[] = {3, 1, 's', 0, 4, 0, 0, 0, 'L', 'o', 'c', 'k', 0};

bool agent_lock_drain(int watch, bool *ret_asked)
{
    enum { KEPT = sizeof LOCK_MEMBER - 1 }; /* of the last block: the field may be cut in two */
    char room[KEPT + 4096] = {0};
    char *block = room + KEPT;
    *ret_asked = false;
    for (int reads = 0; reads < READS_MOST; reads++) {
        ssize_t bytes = recv(watch, block, sizeof room - KEPT, MSG_DONTWAIT);
        if (bytes == 0 || (bytes < 0 && errno != EAGAIN && errno != EINTR))
            return false;
        if (bytes < 0)
            return true;
        *ret_asked |= memmem(room, KEPT + (size_t)bytes, LOCK_MEMBER, sizeof LOCK_MEMBER) != NULL;
        memmove(room, room + bytes, KEPT);
    }
    return true;
}

void agent_lock_path(const char *id, char *path, size_t size)
{
    int used = snprintf(path, size, "/org/freedesktop/login1/session/");
    for (const char *at = id; *at && used > 0 && (size_t)used < size - 4; at++) {
        bool plain = isalpha((unsigned char)*at) || (at > id && isdigit((unsigned char)*at));
        used += plain ? snprintf(path + used, size - (size_t)used, "%c", *at)
                      : snprintf(path + used, size - (size_t)used, "_%02x", (unsigned)(unsigned char)*at);
    }
}

void agent_lock_tell(const AgentSession *session, bool locked)
{
    char path[128];
    Failure ignored;
    agent_lock_path(session->id, path, sizeof path);
    const char *const argv[] = {"busctl", "call", "org.freedesktop.login1", path, "org.freedesktop.login1.Session", "SetLockedHint", "b",
                                locked ? "true" : "false", NULL};
    AgentChild hint = {.argv = argv};
    if (session->present)
        agent_child_start(&hint, &ignored);
}

/* ---- asking ---- */

bool agent_lock_read(const AgentSession *session, bool *ret_locked, Failure *failure)
{
    const char *const argv[] = {"loginctl", "show-session", session->id, "-p", "LockedHint", "--value", NULL};
    char answer[16];
    AgentChild ask = {.argv = argv, .timeout_ms = ASK_MS, .output = answer, .output_size = sizeof answer};
    if (!session->present)
        return failure_set(failure, "nobody is logged on");
    if (!agent_child_run(&ask, failure))
        return false;
    *ret_locked = strcmp(answer, "yes\n") == 0;
    return true;
}

bool agent_lock_ask(const AgentSession *session, Failure *failure)
{
    const char *const argv[] = {"loginctl", "lock-session", session->id, NULL};
    AgentChild lock = {.argv = argv, .timeout_ms = ASK_MS};
    return session->present ? agent_child_run(&lock, failure) : failure_set(failure, "nobody is logged on");
}
