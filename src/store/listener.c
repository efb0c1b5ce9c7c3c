#include "store/listener.h"

#include <libpq-fe.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/eventfd.h>

#include "base/file.h"

enum { BACK_OFF_FIRST_MS = 100, BACK_OFF_MOST_MS = 5000 };

struct Listener {
    char *uri;
    ListenerFunction function;
    void *data;
    GThread *thread;
    int stop_fd; /* readable: end */
};

/* Waits for the socket (-1: none) or the time limit; false: the listener is to end. */
static bool wait_for(Listener *listener, int socket, int timeout_ms)
{
    struct pollfd fds[] = {{.fd = listener->stop_fd, .events = POLLIN}, {.fd = socket, .events = POLLIN}};
    poll(fds, G_N_ELEMENTS(fds), timeout_ms);
    return (fds[0].revents & POLLIN) == 0;
}

static PGconn *open_link(const char *uri)
{
    static const char *const names[] = {"dbname",
                                        "connect_timeout",
                                        "client_encoding",
                                        "application_name",
                                        "keepalives_idle",
                                        "keepalives_interval",
                                        NULL};
    const char *const values[] = {uri, "5", "UTF8", "oriel listener", "10", "5", NULL};
    PGconn *link = PQconnectdbParams(names, values, 1);
    if (PQstatus(link) == CONNECTION_OK) {
        PGresult *result = PQexec(link, "LISTEN oriel");
        bool good = PQresultStatus(result) == PGRES_COMMAND_OK;
        PQclear(result);
        if (good)
            return link;
    }
    PQfinish(link);
    return NULL;
}

/* False: the listener is to end; true: the connection broke. */
static bool listen_on(Listener *listener, PGconn *link)
{
    for (;;) {
        PGnotify *notify;
        while ((notify = PQnotifies(link))) {
            listener->function(notify->extra, listener->data);
            PQfreemem(notify);
        }
        if (!wait_for(listener, PQsocket(link), -1))
            return false;
        if (!PQconsumeInput(link))
            return true;
    }
}

static gpointer run(gpointer data)
{
    Listener *listener = data;
    int back_off_ms = 0;
    while (wait_for(listener, -1, back_off_ms)) {
        PGconn *link = open_link(listener->uri);
        if (!link) {
            back_off_ms = CLAMP(back_off_ms * 2, BACK_OFF_FIRST_MS, BACK_OFF_MOST_MS);
            continue;
        }
        listener->function(NULL, listener->data);
        back_off_ms = BACK_OFF_FIRST_MS;
        bool broke = listen_on(listener, link);
        PQfinish(link);
        if (!broke)
            break;
    }
    return NULL;
}

Listener *listener_new(const char *uri, ListenerFunction function, void *data)
{
    Listener *listener = g_new0(Listener, 1);
    listener->uri = g_strdup(uri);
    listener->function = function;
    listener->data = data;
    listener->stop_fd = eventfd(0, EFD_CLOEXEC);
    listener->thread = g_thread_new("store-listener", run, listener);
    return listener;
}

void listener_free(Listener *listener)
{
    if (!listener)
        return;
    uint64_t one = 1;
    fd_write_all(listener->stop_fd, &one, sizeof one, NULL);
    g_thread_join(listener->thread);
    fd_clear(&listener->stop_fd);
    g_free(listener->uri);
    g_free(listener);
}
