#include "host/file_link.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"

#define LIST_ENTRY 17 /* bytes before a name */

static const time_t answer_limit_s = 30;           /* for any byte to go, or to come */
static const int64_t exchange_limit_ms = 30 * 1000; /* after which the next one is the last */

G_STATIC_ASSERT(FILES_BLOCK == LIMIT_REQUEST_BODY);

static void file_free(void *data)
{
    HostFile *file = data;
    g_free(file->name);
    g_free(file);
}

void host_files_clear(HostFiles *files)
{
    g_clear_pointer(&files->files, g_ptr_array_unref);
}

bool file_name_is_plain(const char *name, size_t length)
{
    if (length == 0 || length > FILES_NAME || memchr(name, '/', length) || !g_utf8_validate(name, (gssize)length, NULL))
        return false;
    for (const char *at = name; at < name + length; at = g_utf8_next_char(at))
        if (g_unichar_iscntrl(g_utf8_get_char(at)))
            return false;
    return !(length == 1 && name[0] == '.') && !(length == 2 && name[0] == '.' && name[1] == '.');
}

/* ---- what it answers ---- */

static OrielErrorKind kind_of(FilesResult result)
{
    switch (result) {
    case FILES_NAME_BAD:
    case FILES_NOT_PLAIN:
        return ORIEL_ERROR_INVALID;
    case FILES_NONE:
        return ORIEL_ERROR_NOT_FOUND;
    case FILES_DENIED:
        return ORIEL_ERROR_FORBIDDEN;
    case FILES_FULL:
        return ORIEL_ERROR_NO_SPACE;
    case FILES_MANY:
        return ORIEL_ERROR_FULL;
    case FILES_BAD:
    case FILES_CHANGED:
        return ORIEL_ERROR_CONFLICT;
    case FILES_UNFIT:
        return ORIEL_ERROR_UNSUPPORTED;
    case FILES_OK:
    case FILES_BROKEN:
    case FILES_RESULTS:
    default:
        return ORIEL_ERROR_UNAVAILABLE;
    }
}

static const char *sentence_of(FilesResult result)
{
    static const char *const sentences[FILES_RESULTS] = {
        [FILES_BAD] = "this transfer is not at that point; begin it again",
        [FILES_NAME_BAD] = "this name cannot be used there; choose another one",
        [FILES_NONE] = "there is no such file",
        [FILES_NOT_PLAIN] = "is no ordinary file, but a folder or a link, say",
        [FILES_DENIED] = "the account on the desktop may not do that",
        [FILES_FULL] = "there is not enough room on the desktop's disk; delete something there",
        [FILES_MANY] = "too many transfers are under way there, or too many files have that name",
        [FILES_CHANGED] = "has become shorter while it was read; try again",
        [FILES_UNFIT] = "the file system of the desktop's home cannot do that",
    };
    const char *sentence = result < FILES_RESULTS ? sentences[result] : NULL;
    return sentence ? sentence : "the desktop could not do it";
}

static bool fail_ended(FileLink *link, GError **error)
{
    link->ended = true;
    return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE,
                      "the desktop does not move files now: nobody is logged on there yet, it is being suspended, or its image is of an older Oriel");
}

/* ---- one question ---- */

static bool send_all(FileLink *link, const void *bytes, size_t length, int64_t until_ms)
{
    for (size_t done = 0; done < length;) {
        if (done && clock_monotonic_ms() > until_ms)
            return false;
        ssize_t sent = send(link->fd, (const char *)bytes + done, length - done, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        done += (size_t)sent;
    }
    return true;
}

static bool receive_all(FileLink *link, void *to, size_t length, int64_t until_ms)
{
    for (size_t done = 0; done < length;) {
        if (done && clock_monotonic_ms() > until_ms)
            return false;
        ssize_t got = recv(link->fd, (char *)to + done, length - done, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

/* Bytes behind the answer: at most so many. */
typedef struct {
    const void *bytes;
    size_t most; /* of the answer */
    uint64_t value;
    GByteArray *behind; /* the caller's */
} Exchange;

/* name: of messages; NULL: the file that is under way. */
static bool ask(FileLink *link, const FilesRequest *request, Exchange *exchange, const char *name, GError **error)
{
    const struct timeval limit = {.tv_sec = answer_limit_s};
    uint8_t head[FILES_REQUEST_HEAD], reply[FILES_ANSWER_HEAD];
    const int64_t until_ms = clock_monotonic_ms() + (link->limit_ms ? link->limit_ms : exchange_limit_ms);
    files_request_put(head, request);
    setsockopt(link->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(link->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (link->ended || !send_all(link, head, sizeof head, until_ms) || !send_all(link, exchange->bytes, request->length, until_ms) ||
        !receive_all(link, reply, sizeof reply, until_ms))
        return fail_ended(link, error);
    FilesAnswer answer = files_answer_take(reply);
    if (answer.length > exchange->most || answer.result >= FILES_RESULTS || (answer.result && answer.length)) {
        link->ended = true;
        return oriel_fail(error, ORIEL_ERROR_CORRUPT, "the desktop answered nonsense about files");
    }
    exchange->value = answer.value;
    exchange->behind = g_byte_array_sized_new(answer.length);
    g_byte_array_set_size(exchange->behind, answer.length);
    if (!receive_all(link, exchange->behind->data, answer.length, until_ms))
        return fail_ended(link, error);
    return answer.result == FILES_OK || oriel_fail(error, kind_of(answer.result), "file%s%s%s: %s", name ? " \"" : "", name ? name : "",
                                                   name ? "\"" : "", sentence_of(answer.result));
}

static void exchange_clear(Exchange *exchange)
{
    if (exchange->behind)
        g_byte_array_unref(exchange->behind);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Exchange, exchange_clear)

static bool corrupt(FileLink *link, GError **error)
{
    link->ended = true;
    return oriel_fail(error, ORIEL_ERROR_CORRUPT, "the desktop answered nonsense about files");
}

/* ---- the questions ---- */

bool file_list_parse(const uint8_t *bytes, size_t length, HostFiles *ret, GError **error)
{
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(file_free);
    size_t at = 4;
    while (at < length && length - at > LIST_ENTRY && bytes[at + 16] <= length - at - LIST_ENTRY && files->len < FILES_LISTED) {
        const char *name = (const char *)bytes + at + LIST_ENTRY;
        size_t name_length = bytes[at + 16];
        uint64_t size = files_take(bytes + at, 8), modified_ms = files_take(bytes + at + 8, 8);
        if (!file_name_is_plain(name, name_length) || size > INT64_MAX || modified_ms > LIMIT_TIME_MS)
            break;
        HostFile *file = g_new0(HostFile, 1);
        *file = (HostFile){g_strndup(name, name_length), size, (int64_t)modified_ms};
        g_ptr_array_add(files, file);
        at += LIST_ENTRY + name_length;
    }
    if (length < 4 || at != length)
        return oriel_fail(error, ORIEL_ERROR_CORRUPT, "the desktop answered nonsense about files");
    ret->left_out = files_take(bytes, 4);
    ret->files = g_steal_pointer(&files);
    return true;
}

bool file_link_list(FileLink *link, HostFiles *ret, GError **error)
{
    g_auto(Exchange) exchange = {.most = FILES_BLOCK};
    if (!ask(link, &(FilesRequest){.act = FILES_LIST}, &exchange, link->folder, error))
        return false;
    ret->free_bytes = MIN(exchange.value, (uint64_t)INT64_MAX);
    if (file_list_parse(exchange.behind->data, exchange.behind->len, ret, error))
        return true;
    link->ended = true;
    return false;
}

static bool take_number(FileLink *link, const Exchange *exchange, uint32_t *ret, GError **error)
{
    if (exchange->value >= FILES_OPEN)
        return corrupt(link, error);
    *ret = (uint32_t)exchange->value;
    return true;
}

bool file_link_put(FileLink *link, const char *name, uint64_t size, uint32_t *ret_number, GError **error)
{
    g_auto(Exchange) exchange = {.bytes = name};
    const FilesRequest request = {.act = FILES_PUT, .size = size, .length = (uint32_t)strlen(name)};
    return ask(link, &request, &exchange, name, error) && take_number(link, &exchange, ret_number, error);
}

bool file_link_write(FileLink *link, const FilesRequest *where, const void *bytes, uint64_t *ret_done, GError **error)
{
    g_auto(Exchange) exchange = {.bytes = bytes};
    FilesRequest request = *where;
    request.act = FILES_WRITE;
    if (!ask(link, &request, &exchange, NULL, error))
        return false;
    *ret_done = exchange.value;
    return true;
}

char *file_link_finish(FileLink *link, uint32_t number, GError **error)
{
    g_auto(Exchange) exchange = {.most = FILES_NAME};
    if (!ask(link, &(FilesRequest){.act = FILES_FINISH, .transfer = number}, &exchange, NULL, error))
        return NULL;
    if (file_name_is_plain((const char *)exchange.behind->data, exchange.behind->len))
        return g_strndup((const char *)exchange.behind->data, exchange.behind->len);
    corrupt(link, error);
    return NULL;
}

bool file_link_get(FileLink *link, const char *name, uint32_t *ret_number, uint64_t *ret_size, GError **error)
{
    g_auto(Exchange) exchange = {.bytes = name, .most = 8};
    const FilesRequest request = {.act = FILES_GET, .length = (uint32_t)strlen(name)};
    if (!ask(link, &request, &exchange, name, error) || !take_number(link, &exchange, ret_number, error))
        return false;
    *ret_size = exchange.behind->len == 8 ? files_take(exchange.behind->data, 8) : UINT64_MAX;
    return *ret_size <= INT64_MAX || corrupt(link, error);
}

GBytes *file_link_read(FileLink *link, uint32_t number, uint64_t offset, uint32_t most, GError **error)
{
    g_auto(Exchange) exchange = {.most = most};
    const FilesRequest request = {.act = FILES_READ, .transfer = number, .offset = offset, .size = most};
    if (!ask(link, &request, &exchange, NULL, error))
        return NULL;
    return g_byte_array_free_to_bytes(g_steal_pointer(&exchange.behind));
}

bool file_link_drop(FileLink *link, uint32_t number, GError **error)
{
    g_auto(Exchange) exchange = {0};
    return ask(link, &(FilesRequest){.act = FILES_DROP, .transfer = number}, &exchange, NULL, error);
}
