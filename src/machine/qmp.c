#include "machine/qmp.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/socket.h"
#include "machine/qmp_message.h"

#define QMP_READ_BLOCK 65536
#define QMP_WATCH_EVENTS 256 /* of one name that nobody fetched: more is nonsense */

struct Qmp {
    gatomicrefcount references;
    Loop *loop;
    char *name;
    QmpListener listener;
    void *owner;

    int fd;
    LoopSource *source;   /* set by qmp_new, ended by qmp_close */
    GByteArray *received; /* machine thread */
    size_t scanned;       /* of received, without a line's end; machine thread */
    bool greeted;         /* machine thread */

    GMutex sending; /* held while a command goes out, so that descriptors stay with their commands; before
                       lock */
    GMutex lock;    /* all below */
    GCond changed;
    bool closed;
    uint64_t last_id;
    GHashTable *calls; /* id -> QmpCall (its caller's), or -> NULL where nobody waits any more */
    GPtrArray *watches;
    GError *failure; /* why the connection ended */
    QmpCall *handshake;
};

struct QmpCall {
    Qmp *qmp;
    uint64_t id;
    char *command;
    bool answered; /* under qmp->lock, as are the two below */
    Json *value;
    GError *error;
    LoopTask then; /* nobody waits: this is to be run, and the call freed */
    void *then_data;
};

struct QmpWatch {
    Qmp *qmp;
    char *event;
    GQueue queue; /* of Json; under qmp->lock */
};

static void call_free(QmpCall *call)
{
    json_decref(call->value);
    g_clear_error(&call->error);
    qmp_unref(call->qmp);
    g_free(call->command);
    g_free(call);
}

/* The tasks of answered calls that nobody waits for. Without the lock. */
static void run_then(QmpCall *call)
{
    if (!call || !call->then)
        return;
    loop_run(call->qmp->loop, 0, call->then, call->then_data);
    call_free(call);
}

/* All calls under way fail; the first failure is the one that later calls hear of. */
static void qmp_fail(Qmp *qmp, const GError *failure)
{
    g_autoptr(GPtrArray) lonely = g_ptr_array_new();
    g_mutex_lock(&qmp->lock);
    bool first = !qmp->failure;
    if (first) {
        qmp->failure = g_error_copy(failure);
        GHashTableIter each;
        void *value;
        g_hash_table_iter_init(&each, qmp->calls);
        while (g_hash_table_iter_next(&each, NULL, &value)) {
            QmpCall *call = value;
            if (call) {
                call->answered = true;
                call->error = g_error_copy(failure);
            }
            if (call && call->then)
                g_ptr_array_add(lonely, call);
        }
        g_hash_table_remove_all(qmp->calls);
        g_cond_broadcast(&qmp->changed);
    }
    g_mutex_unlock(&qmp->lock);
    if (first)
        shutdown(qmp->fd, SHUT_RDWR);
    for (guint i = 0; i < lonely->len; i++)
        run_then(lonely->pdata[i]);
}

static OrielErrorKind kind_of_class(const char *class)
{
    if (g_str_equal(class, "CommandNotFound"))
        return ORIEL_ERROR_UNSUPPORTED;
    if (g_str_equal(class, "DeviceNotFound"))
        return ORIEL_ERROR_NOT_FOUND;
    return ORIEL_ERROR_CONFLICT;
}

static bool qmp_take_answer(Qmp *qmp, QmpMessage *message, GError **error)
{
    void *value = NULL;
    g_mutex_lock(&qmp->lock);
    bool known = g_hash_table_lookup_extended(qmp->calls, &message->id, NULL, &value);
    QmpCall *call = value;
    g_hash_table_remove(qmp->calls, &message->id);
    if (call) {
        call->answered = true;
        if (message->kind == QMP_ERROR)
            oriel_fail(&call->error, kind_of_class(message->name), "%s: QEMU refused \"%s\": %s", qmp->name,
                       call->command, message->description);
        else
            call->value = g_steal_pointer(&message->value);
        g_cond_broadcast(&qmp->changed);
    }
    QmpCall *lonely = call && call->then ? call : NULL; /* any other one may be gone without the lock */
    g_mutex_unlock(&qmp->lock);
    run_then(lonely);
    if (!known)
        return oriel_fail(error, ORIEL_ERROR_CORRUPT, "QEMU answered a command that was never sent");
    return true;
}

static bool qmp_take_event(Qmp *qmp, const QmpMessage *message, GError **error)
{
    bool flooded = false;
    g_mutex_lock(&qmp->lock);
    for (guint i = 0; i < qmp->watches->len; i++) {
        QmpWatch *watch = qmp->watches->pdata[i];
        if (!g_str_equal(watch->event, message->name))
            continue;
        flooded = flooded || watch->queue.length >= QMP_WATCH_EVENTS;
        if (!flooded)
            g_queue_push_tail(&watch->queue, json_deep_copy(message->value)); /* shared by no two threads */
        g_cond_broadcast(&qmp->changed);
    }
    g_mutex_unlock(&qmp->lock);
    if (flooded)
        return oriel_fail(error, ORIEL_ERROR_CORRUPT, "QEMU sends endless %s events", message->name);
    if (qmp->listener.event)
        qmp->listener.event(message->name, message->value, qmp->owner);
    return true;
}

static bool qmp_take_line(Qmp *qmp, const char *line, size_t length, GError **error)
{
    g_auto(QmpMessage) message = {0};
    if (!qmp_message_parse(line, length, &message, error))
        return false;
    if ((message.kind == QMP_GREETING) == qmp->greeted)
        return oriel_fail(error, ORIEL_ERROR_CORRUPT, "the greeting of QMP came not first, or twice");
    if (message.kind == QMP_GREETING) {
        qmp->greeted = true;
        return true;
    }
    if (message.kind == QMP_EVENT)
        return qmp_take_event(qmp, &message, error);
    return qmp_take_answer(qmp, &message, error);
}

static bool qmp_take_lines(Qmp *qmp, GError **error)
{
    const char *text = (const char *)qmp->received->data;
    size_t start = 0;
    for (;;) {
        const char *from = text + MAX(start, qmp->scanned);
        const char *end = memchr(from, '\n', (size_t)(text + qmp->received->len - from));
        if (!end)
            break;
        size_t length = (size_t)(end - (text + start));
        if (!qmp_take_line(qmp, text + start, length, error))
            return false;
        start += length + 1;
    }
    if (start > 0)
        g_byte_array_remove_range(qmp->received, 0, (guint)start);
    qmp->scanned = qmp->received->len;
    if (qmp->received->len > LIMIT_QMP_LINE)
        return oriel_fail(error, ORIEL_ERROR_CORRUPT, "QEMU sent a line of over %d bytes", LIMIT_QMP_LINE);
    return true;
}

/* One block at a time, so that no machine keeps the thread from the others. */
static bool qmp_receive(Qmp *qmp, bool *ret_more, GError **error)
{
    guint before = qmp->received->len;
    g_byte_array_set_size(qmp->received, before + QMP_READ_BLOCK);
    ssize_t got = recv(qmp->fd, qmp->received->data + before, QMP_READ_BLOCK, MSG_DONTWAIT);
    int saved = errno;
    g_byte_array_set_size(qmp->received, before + (got > 0 ? (guint)got : 0));
    *ret_more = got > 0;
    if (got > 0)
        return qmp_take_lines(qmp, error);
    if (got < 0 && (saved == EAGAIN || saved == EINTR))
        return true;
    return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "QEMU closed its QMP connection");
}

static void qmp_readable(uint32_t events, void *data)
{
    Qmp *qmp = data;
    g_autoptr(GError) error = NULL;
    bool more;
    if (qmp_receive(qmp, &more, &error))
        return;
    g_prefix_error(&error, "%s: ", qmp->name);
    loop_set_events(qmp->source, 0);
    qmp_fail(qmp, error);
    if (qmp->listener.closed)
        qmp->listener.closed(qmp->owner);
}

void qmp_drain(Qmp *qmp)
{
    bool more = true;
    while (more && qmp_receive(qmp, &more, NULL))
        continue;
}

Qmp *qmp_new(Loop *loop, int fd, const char *name, const QmpListener *listener, void *owner)
{
    Qmp *qmp = g_new0(Qmp, 1);
    g_atomic_ref_count_init(&qmp->references);
    qmp->loop = loop;
    qmp->name = g_strdup(name);
    qmp->listener = listener ? *listener : (QmpListener){0};
    qmp->owner = owner;
    qmp->fd = fd;
    qmp->received = g_byte_array_new();
    g_mutex_init(&qmp->sending);
    g_mutex_init(&qmp->lock);
    g_cond_init(&qmp->changed);
    qmp->calls = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    qmp->watches = g_ptr_array_new();
    const struct timeval send_limit = {.tv_sec = QMP_LIMIT_MS / 1000};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &send_limit, sizeof send_limit);
    qmp->handshake = qmp_send(qmp, "qmp_capabilities", NULL, -1);
    /* Muted until the pointer is in its place: qmp_readable uses it. */
    qmp->source = loop_add(loop, fd, 0, qmp_readable, qmp);
    loop_set_events(qmp->source, EPOLLIN);
    return qmp;
}

bool qmp_handshake(Qmp *qmp, int64_t limit_ms, GError **error)
{
    g_mutex_lock(&qmp->lock);
    QmpCall *call = g_steal_pointer(&qmp->handshake);
    g_mutex_unlock(&qmp->lock);
    return !call || qmp_finish(call, limit_ms, NULL, error);
}

Qmp *qmp_ref(Qmp *qmp)
{
    g_atomic_ref_count_inc(&qmp->references);
    return qmp;
}

void qmp_close(Qmp *qmp)
{
    g_mutex_lock(&qmp->lock);
    LoopSource *source = qmp->closed ? NULL : qmp->source;
    QmpCall *handshake = g_steal_pointer(&qmp->handshake);
    qmp->closed = true;
    g_mutex_unlock(&qmp->lock);
    loop_remove(source);
    g_autoptr(GError) closed = NULL;
    oriel_fail(&closed, ORIEL_ERROR_UNAVAILABLE, "%s: its QMP connection was closed", qmp->name);
    qmp_fail(qmp, closed);
    if (handshake)
        qmp_forget(handshake);
}

/* The handshake's call holds a reference too, so an unused Qmp is ended by qmp_close, not by its count alone.
 */
void qmp_unref(Qmp *qmp)
{
    if (!qmp || !g_atomic_ref_count_dec(&qmp->references))
        return;
    if (!qmp->closed)
        loop_remove(qmp->source);
    close(qmp->fd);
    g_free(qmp->name);
    g_byte_array_unref(qmp->received);
    g_hash_table_unref(qmp->calls);
    g_ptr_array_unref(qmp->watches);
    g_clear_error(&qmp->failure);
    g_mutex_clear(&qmp->sending);
    g_mutex_clear(&qmp->lock);
    g_cond_clear(&qmp->changed);
    g_free(qmp);
}

/* QEMU reads its monitor byte by byte and in order; a full socket means that it hangs. */
static bool send_all(Qmp *qmp, const char *text, size_t length, int pass_fd, GError **error)
{
    int64_t deadline = clock_monotonic_ms() + QMP_LIMIT_MS;
    while (length > 0) {
        ssize_t sent;
        if (pass_fd >= 0)
            sent = socket_send_fd(qmp->fd, text, 1, pass_fd, error) ? 1 : -1;
        else
            sent = send(qmp->fd, text, length, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && pass_fd >= 0)
            return false;
        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "QEMU closed its QMP connection");
        if (sent < 0) {
            struct pollfd wait = {.fd = qmp->fd, .events = POLLOUT};
            int64_t left_ms = deadline - clock_monotonic_ms();
            if (left_ms <= 0 || poll(&wait, 1, (int)left_ms) == 0)
                return oriel_fail(error, ORIEL_ERROR_TIMEOUT, "QEMU does not read its QMP connection");
            continue;
        }
        pass_fd = -1;
        text += sent;
        length -= (size_t)sent;
    }
    return true;
}

static char *command_line(const QmpCall *call, Json *arguments)
{
    g_autoptr(Json) line = json_object();
    json_object_set_new(line, "execute", json_string(call->command));
    if (arguments)
        json_object_set_new(line, "arguments", arguments);
    json_object_set_new(line, "id", json_integer((json_int_t)call->id));
    g_autofree char *text = json_text(line);
    return g_strconcat(text, "\n", NULL);
}

/* Registers the call; false if the connection has ended, which then is its answer. */
static bool call_register(Qmp *qmp, QmpCall *call)
{
    g_mutex_lock(&qmp->lock);
    call->id = ++qmp->last_id;
    bool alive = !qmp->failure;
    if (alive) {
        g_hash_table_insert(qmp->calls, g_memdup2(&call->id, sizeof call->id), call);
    } else {
        call->answered = true;
        oriel_fail(&call->error, ORIEL_ERROR_UNAVAILABLE, "%s: cannot send \"%s\": %s", qmp->name,
                   call->command, qmp->failure->message);
    }
    g_mutex_unlock(&qmp->lock);
    return alive;
}

QmpCall *qmp_send(Qmp *qmp, const char *command, Json *arguments, int pass_fd)
{
    QmpCall *call = g_new0(QmpCall, 1);
    call->qmp = qmp_ref(qmp);
    call->command = g_strdup(command);
    g_mutex_lock(&qmp->sending);
    bool registered = call_register(qmp, call);
    g_autofree char *line = command_line(call, arguments);
    g_autoptr(GError) error = NULL;
    if (registered && !send_all(qmp, line, strlen(line), pass_fd, &error)) {
        g_prefix_error(&error, "%s: cannot send \"%s\": ", qmp->name, command);
        qmp_fail(qmp, error);
    }
    g_mutex_unlock(&qmp->sending);
    return call;
}

/* Waits for *done to become true. Under qmp->lock. */
static bool wait_for(Qmp *qmp, const bool *done, int64_t limit_ms)
{
    int64_t deadline = g_get_monotonic_time() + limit_ms * 1000;
    while (!*done) {
        if (!g_cond_wait_until(&qmp->changed, &qmp->lock, deadline))
            return *done;
    }
    return true;
}

bool qmp_finish(QmpCall *call, int64_t limit_ms, Json **ret_value, GError **error)
{
    Qmp *qmp = call->qmp;
    g_mutex_lock(&qmp->lock);
    bool answered = wait_for(qmp, &call->answered, limit_ms > 0 ? limit_ms : QMP_LIMIT_MS);
    bool succeeded = answered && !call->error;
    if (!answered)
        oriel_fail(error, ORIEL_ERROR_TIMEOUT,
                   "%s: QEMU did not answer \"%s\" within %" G_GINT64_FORMAT " ms", qmp->name, call->command,
                   limit_ms > 0 ? limit_ms : QMP_LIMIT_MS);
    else if (call->error)
        g_propagate_error(error, g_steal_pointer(&call->error));
    else if (ret_value)
        *ret_value = g_steal_pointer(&call->value);
    g_mutex_unlock(&qmp->lock);
    qmp_forget(call);
    return succeeded;
}

void qmp_then(QmpCall *call, LoopTask task, void *data)
{
    Qmp *qmp = call->qmp;
    g_mutex_lock(&qmp->lock);
    call->then = task;
    call->then_data = data;
    bool answered = call->answered;
    g_mutex_unlock(&qmp->lock);
    if (answered)
        run_then(call);
}

void qmp_forget(QmpCall *call)
{
    Qmp *qmp = call->qmp;
    g_mutex_lock(&qmp->lock);
    if (!call->answered && g_hash_table_contains(qmp->calls, &call->id))
        g_hash_table_insert(qmp->calls, g_memdup2(&call->id, sizeof call->id), NULL);
    g_mutex_unlock(&qmp->lock);
    call_free(call);
}

bool qmp_run(Qmp *qmp, const char *command, Json *arguments, int64_t limit_ms, Json **ret_value,
             GError **error)
{
    return qmp_finish(qmp_send(qmp, command, arguments, -1), limit_ms, ret_value, error);
}

QmpWatch *qmp_watch(Qmp *qmp, const char *event)
{
    QmpWatch *watch = g_new0(QmpWatch, 1);
    watch->qmp = qmp_ref(qmp);
    watch->event = g_strdup(event);
    g_queue_init(&watch->queue);
    g_mutex_lock(&qmp->lock);
    g_ptr_array_add(qmp->watches, watch);
    g_mutex_unlock(&qmp->lock);
    return watch;
}

Json *qmp_watch_next(QmpWatch *watch, int64_t limit_ms, GError **error)
{
    Qmp *qmp = watch->qmp;
    int64_t deadline = g_get_monotonic_time() + limit_ms * 1000;
    bool in_time = true;
    g_mutex_lock(&qmp->lock);
    while (watch->queue.length == 0 && !qmp->failure && in_time)
        in_time = g_cond_wait_until(&qmp->changed, &qmp->lock, deadline);
    Json *data = g_queue_pop_head(&watch->queue);
    if (!data && qmp->failure)
        oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "%s", qmp->failure->message);
    else if (!data)
        oriel_fail(error, ORIEL_ERROR_TIMEOUT, "%s: no %s event within %" G_GINT64_FORMAT " ms", qmp->name,
                   watch->event, limit_ms);
    g_mutex_unlock(&qmp->lock);
    return data;
}

void qmp_watch_free(QmpWatch *watch)
{
    if (!watch)
        return;
    g_mutex_lock(&watch->qmp->lock);
    g_ptr_array_remove(watch->qmp->watches, watch);
    g_mutex_unlock(&watch->qmp->lock);
    g_queue_clear_full(&watch->queue, (GDestroyNotify)json_decref);
    qmp_unref(watch->qmp);
    g_free(watch->event);
    g_free(watch);
}
