#include "cli/sse.h"

#include <string.h>

#include "base/error.h"

enum { EVENT_LIMIT = 1024 * 1024 };

typedef struct {
    char *event, *data;
} Complete;

struct SseParser {
    GString *line;  /* what has come of the current line */
    GString *event; /* field of the event under way */
    GString *data;
    bool has_data;
    bool after_return; /* the last byte was \r: a \n next belongs to it */
    GQueue complete;   /* Complete * */
};

SseParser *sse_parser_new(void)
{
    SseParser *parser = g_new0(SseParser, 1);
    parser->line = g_string_new(NULL);
    parser->event = g_string_new(NULL);
    parser->data = g_string_new(NULL);
    g_queue_init(&parser->complete);
    return parser;
}

static void complete_free(void *pointer)
{
    Complete *complete = pointer;
    g_free(complete->event);
    g_free(complete->data);
    g_free(complete);
}

void sse_parser_free(SseParser *parser)
{
    if (!parser)
        return;
    g_string_free(parser->line, TRUE);
    g_string_free(parser->event, TRUE);
    g_string_free(parser->data, TRUE);
    g_queue_clear_full(&parser->complete, complete_free);
    g_free(parser);
}

static void event_end(SseParser *parser)
{
    if (parser->has_data) {
        Complete *complete = g_new0(Complete, 1);
        complete->event = g_strdup(parser->event->len ? parser->event->str : "message");
        complete->data = g_strdup(parser->data->str);
        g_queue_push_tail(&parser->complete, complete);
    }
    g_string_truncate(parser->event, 0);
    g_string_truncate(parser->data, 0);
    parser->has_data = false;
}

static void line_end(SseParser *parser)
{
    const char *line = parser->line->str;
    if (!*line) {
        event_end(parser);
        return;
    }
    size_t name = strcspn(line, ":");
    const char *value = line[name] == ':' ? line + name + 1 : line + name;
    if (*value == ' ')
        value++;
    if (name == 5 && strncmp(line, "event", 5) == 0) {
        g_string_assign(parser->event, value);
    } else if (name == 4 && strncmp(line, "data", 4) == 0) {
        if (parser->has_data)
            g_string_append_c(parser->data, '\n');
        g_string_append(parser->data, value);
        parser->has_data = true;
    }
    g_string_truncate(parser->line, 0);
}

bool sse_parser_feed(SseParser *parser, const char *bytes, size_t length, GError **error)
{
    for (size_t i = 0; i < length; i++) {
        char byte = bytes[i];
        bool second_half = byte == '\n' && parser->after_return;
        parser->after_return = byte == '\r';
        if (second_half)
            continue;
        if (byte == '\n' || byte == '\r')
            line_end(parser);
        else
            g_string_append_c(parser->line, byte);
        if (parser->line->len + parser->data->len > EVENT_LIMIT)
            return oriel_fail(error, ORIEL_ERROR_TOO_LARGE, "an event of the stream is over %d bytes",
                              EVENT_LIMIT);
    }
    return true;
}

bool sse_parser_take(SseParser *parser, char **ret_event, char **ret_data)
{
    Complete *complete = g_queue_pop_head(&parser->complete);
    if (!complete)
        return false;
    *ret_event = g_steal_pointer(&complete->event);
    *ret_data = g_steal_pointer(&complete->data);
    complete_free(complete);
    return true;
}
