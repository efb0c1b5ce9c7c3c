/* Events to a syslog server: RFC 5424 in datagrams (RFC 5426, unix sockets) or octet-counted over a stream (RFC 6587). */
#include <errno.h>
#include <gio/gio.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"
#include "forward/sender.h"

enum { PORT_USUAL = 514, WAIT_SECONDS = 10 };

typedef struct {
    Sender base;
    char *path; /* of a unix socket; or: */
    char *host;
    char *port;
    bool stream;
    int socket;    /* -1: not connected */
    int64_t doubt; /* what the receiver surely has while the last batch may be under way; -1: nothing is */
} Syslog;

static bool set_limits(int fd)
{
    struct timeval limit = {.tv_sec = WAIT_SECONDS}; /* of connect too (socket(7)) */
    return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0;
}

/* /dev/log is a datagram socket; some daemons make a stream of theirs. */
static int connect_unix(Syslog *syslog)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    g_strlcpy(address.sun_path, syslog->path, sizeof address.sun_path);
    static const int types[] = {SOCK_DGRAM, SOCK_STREAM};
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        autofd int fd = socket(AF_UNIX, types[i] | SOCK_CLOEXEC, 0);
        syslog->stream = types[i] == SOCK_STREAM;
        if (fd >= 0 && set_limits(fd) && connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
            return fd_steal(&fd);
        if (errno != EPROTOTYPE)
            break;
    }
    return -1;
}

static int connect_network(const Syslog *syslog, GError **error)
{
    struct addrinfo hints = {.ai_socktype = syslog->stream ? SOCK_STREAM : SOCK_DGRAM}, *found = NULL;
    int code = getaddrinfo(syslog->host, syslog->port, &hints, &found);
    if (code != 0) {
        oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "its name is not resolved: %s", gai_strerror(code));
        return -1;
    }
    int connected = -1, problem = ECONNREFUSED;
    for (const struct addrinfo *one = found; one && connected < 0; one = one->ai_next) {
        autofd int fd = socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC, 0);
        if (fd >= 0 && set_limits(fd) && connect(fd, one->ai_addr, one->ai_addrlen) == 0)
            connected = fd_steal(&fd);
        else
            problem = errno == EINPROGRESS ? ETIMEDOUT : errno;
    }
    freeaddrinfo(found);
    if (connected < 0)
        oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "%s", g_strerror(problem));
    return connected;
}

static bool open_socket(Syslog *syslog, GError **error)
{
    if (syslog->socket >= 0)
        return true;
    syslog->socket = syslog->path ? connect_unix(syslog) : connect_network(syslog, error);
    if (syslog->socket < 0 && syslog->path)
        return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "%s: %s", syslog->path, g_strerror(errno));
    return syslog->socket >= 0;
}

static bool send_text(const Syslog *syslog, const char *text, size_t length, GError **error)
{
    size_t sent = 0;
    while (sent < length) {
        ssize_t done = send(syslog->socket, text + sent, length - sent, MSG_NOSIGNAL);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "%s",
                              errno == EAGAIN ? "it takes nothing any more" : g_strerror(errno));
        sent += (size_t)done;
    }
    return true;
}

static bool syslog_send(Sender *sender, const GPtrArray *events, GError **error)
{
    Syslog *syslog = (Syslog *)sender;
    if (!open_socket(syslog, error))
        return false;
    if (syslog->stream)
        syslog->doubt = ((const StoreEvent *)events->pdata[0])->sequence - 1;
    for (guint i = 0; i < events->len; i++) {
        g_autofree char *text =
            event_syslog_text(events->pdata[i], g_get_host_name(),
                              syslog->stream ? LIMIT_SYSLOG_STREAM : LIMIT_SYSLOG_DATAGRAM);
        g_autofree char *framed = syslog->stream ? g_strdup_printf("%zu %s", strlen(text), text) : NULL;
        const char *bytes = framed ? framed : text;
        if (!send_text(syslog, bytes, strlen(bytes), error)) {
            fd_clear(&syslog->socket);
            return false;
        }
    }
    return true;
}

/* A receiver says nothing; what can be read is its end. */
static bool is_lost(const Syslog *syslog)
{
    char byte;
    ssize_t got = recv(syslog->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

static int64_t syslog_resume(Sender *sender, int64_t sequence)
{
    Syslog *syslog = (Syslog *)sender;
    if (syslog->socket >= 0 && syslog->stream && is_lost(syslog))
        fd_clear(&syslog->socket);
    if (syslog->socket >= 0 || syslog->doubt < 0)
        return sequence;
    int64_t from = MIN(sequence, syslog->doubt);
    syslog->doubt = -1;
    return from;
}

static void syslog_free(Sender *sender)
{
    Syslog *syslog = (Syslog *)sender;
    fd_clear(&syslog->socket);
    g_free(syslog->path);
    g_free(syslog->host);
    g_free(syslog->port);
    g_free(syslog);
}

static bool network_read(Syslog *syslog, const char *text)
{
    g_autoptr(GSocketConnectable) address = g_network_address_parse(text, PORT_USUAL, NULL);
    if (!address)
        return false;
    syslog->host = g_strdup(g_network_address_get_hostname(G_NETWORK_ADDRESS(address)));
    syslog->port = g_strdup_printf("%u", g_network_address_get_port(G_NETWORK_ADDRESS(address)));
    return *syslog->host != '\0';
}

Sender *syslog_sender_new(const Config *config, GError **error)
{
    const char *text = config->event_syslog;
    if (!text || !*text)
        return NULL;
    Syslog *syslog = g_new0(Syslog, 1);
    syslog->base = (Sender){"syslog", syslog_send, syslog_resume, syslog_free};
    syslog->socket = -1;
    syslog->doubt = -1;
    bool good = false;
    if (g_str_has_prefix(text, "unix:/") && strlen(text + 5) < sizeof((struct sockaddr_un){0}).sun_path) {
        syslog->path = g_strdup(text + 5);
        good = true;
    } else if (g_str_has_prefix(text, "udp:") || g_str_has_prefix(text, "tcp:")) {
        syslog->stream = text[0] == 't';
        good = network_read(syslog, text + 4);
    }
    if (good)
        return &syslog->base;
    syslog_free(&syslog->base);
    oriel_fail(error, ORIEL_ERROR_INVALID,
               "configuration: event_syslog: \"%s\" must be unix:/dev/log, udp:HOST:PORT or tcp:HOST:PORT", text);
    return NULL;
}
