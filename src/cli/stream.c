/* Server-sent events of the API, pulled one at a time. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "cli/client.h"
#include "cli/client_private.h"
#include "cli/sse.h"

struct ClientStream {
    Transport *transport;
    CURLM *multi;
    CURL *curl;
    struct curl_slist *headers;
    SseParser *parser;
    GString *refusal; /* the body, where the answer is no stream */
    GError *failure;  /* of the parser */
    bool opened;      /* the server has accepted */
    bool told;        /* STREAM_OPENED was returned */
};

static long stream_status(ClientStream *stream)
{
    long status = 0;
    curl_easy_getinfo(stream->curl, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

static size_t stream_add(char *bytes, size_t size, size_t count, void *context)
{
    ClientStream *stream = context;
    if (stream_status(stream) != 200) {
        if (stream->refusal->len < 64 * 1024)
            g_string_append_len(stream->refusal, bytes, (gssize)(size * count));
        return size * count;
    }
    stream->opened = true;
    return sse_parser_feed(stream->parser, bytes, size * count, &stream->failure) ? size * count : 0;
}

/* The end of the headers: accepted, though no event has come yet. */
static size_t stream_header(char *bytes, size_t size, size_t count, void *context)
{
    ClientStream *stream = context;
    if (size * count <= 2 && stream_status(stream) == 200)
        stream->opened = true;
    return size * count;
}

ClientStream *client_stream(Client *client, const char *path, GError **error)
{
    g_autoptr(ClientStream) stream = g_new0(ClientStream, 1);
    stream->transport = &client->transport;
    stream->parser = sse_parser_new();
    stream->refusal = g_string_new(NULL);
    stream->curl = transport_handle(stream->transport, path, &stream->headers, error);
    if (!stream->curl)
        return NULL;
    stream->headers = curl_slist_append(stream->headers, "Accept: text/event-stream");
    stream->multi = curl_multi_init();
    curl_easy_setopt(stream->curl, CURLOPT_HTTPHEADER, stream->headers);
    curl_easy_setopt(stream->curl, CURLOPT_WRITEFUNCTION, stream_add);
    curl_easy_setopt(stream->curl, CURLOPT_WRITEDATA, stream);
    curl_easy_setopt(stream->curl, CURLOPT_HEADERFUNCTION, stream_header);
    curl_easy_setopt(stream->curl, CURLOPT_HEADERDATA, stream);
    /* A comment comes every 15 seconds: silence for longer is a connection that died without a word. */
    curl_easy_setopt(stream->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(stream->curl, CURLOPT_LOW_SPEED_TIME, 45L);
    if (!stream->multi || curl_multi_add_handle(stream->multi, stream->curl) != CURLM_OK)
        return oriel_fail(error, ORIEL_ERROR_INTERNAL, "libcurl cannot start"), NULL;
    return g_steal_pointer(&stream);
}

void client_stream_free(ClientStream *stream)
{
    if (!stream)
        return;
    if (stream->multi && stream->curl)
        curl_multi_remove_handle(stream->multi, stream->curl);
    if (stream->curl)
        curl_easy_cleanup(stream->curl);
    if (stream->multi)
        curl_multi_cleanup(stream->multi);
    curl_slist_free_all(stream->headers);
    sse_parser_free(stream->parser);
    g_string_free(stream->refusal, TRUE);
    g_clear_error(&stream->failure);
    g_free(stream);
}

void stream_event_clear(StreamEvent *event)
{
    g_clear_pointer(&event->event, g_free);
    g_clear_pointer(&event->data, json_decref);
}

/* An event whose data is no JSON is none of ours: skipped. */
static bool event_take(ClientStream *stream, StreamEvent *ret)
{
    char *name = NULL, *data = NULL;
    while (sse_parser_take(stream->parser, &name, &data)) {
        ret->event = name;
        ret->data = json_loads(data, 0, NULL);
        g_free(data);
        if (ret->data)
            return true;
        stream_event_clear(ret);
    }
    return false;
}

static StreamNext stream_closed(ClientStream *stream, CURLcode code, GError **error)
{
    if (stream->failure)
        g_propagate_error(error, g_steal_pointer(&stream->failure));
    else if (code != CURLE_OK)
        transport_fail(stream->transport, stream->curl, code, error);
    else if (stream_status(stream) != 200)
        transport_problem(stream_status(stream), stream->refusal->str, stream->refusal->len, error);
    else
        oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "orield ended the stream of events");
    return STREAM_CLOSED;
}

StreamNext client_stream_next(ClientStream *stream, int timeout_ms, int watch_fd, StreamEvent *ret,
                              GError **error)
{
    int64_t until = clock_monotonic_ms() + timeout_ms;
    for (;;) {
        int running = 0, left = 0;
        curl_multi_perform(stream->multi, &running);
        if (stream->opened && !stream->told) {
            stream->told = true;
            return STREAM_OPENED;
        }
        if (event_take(stream, ret))
            return STREAM_EVENT;
        CURLMsg *message = curl_multi_info_read(stream->multi, &left);
        if (message && message->msg == CURLMSG_DONE)
            return stream_closed(stream, message->data.result, error);
        int64_t wait = until - clock_monotonic_ms();
        if (wait <= 0)
            return STREAM_QUIET;
        struct curl_waitfd watch = {.fd = watch_fd, .events = CURL_WAIT_POLLIN};
        curl_multi_poll(stream->multi, &watch, watch_fd >= 0 ? 1 : 0, (int)wait, NULL);
        if (watch_fd >= 0 && watch.revents & CURL_WAIT_POLLIN)
            return STREAM_INPUT;
    }
}
