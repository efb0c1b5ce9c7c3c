/* What a server may send to the command: streams of events, and text that ends on a terminal. However a
 * stream is cut into pieces, the same events come out; nothing that a terminal would obey comes through. */
#include <string.h>

#include "base/json.h"
#include "cli/print.h"
#include "cli/sse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *events_of(const char *bytes, size_t size, size_t step)
{
    g_autoptr(SseParser) parser = sse_parser_new();
    g_autoptr(GString) seen = g_string_new(NULL);
    for (size_t at = 0; at < size; at += step) {
        if (!sse_parser_feed(parser, bytes + at, MIN(step, size - at), NULL))
            break;
        char *event = NULL, *payload = NULL;
        while (sse_parser_take(parser, &event, &payload)) {
            g_string_append_printf(seen, "%s=%s;", event, payload);
            g_free(event);
            g_free(payload);
        }
    }
    return g_strdup(seen->str);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *whole = events_of((const char *)data, size, MAX(size, 1));
    g_autofree char *pieces = events_of((const char *)data, size, 1);
    if (strcmp(whole, pieces) != 0)
        g_abort();
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autofree char *safe = print_safe(text);
    for (const char *at = safe; *at; at++)
        if ((guchar)*at < 0x20 || *at == 0x7f)
            g_abort();
    if (!g_utf8_validate(safe, -1, NULL))
        g_abort();
    static const Column columns[] = {
        {"A", "a", SHOW_DETAILS}, {"B", "a.0.b", SHOW_LIST}, {"C", "a", SHOW_SIZE}, {0}};
    g_autoptr(Json) value = json_loadb((const char *)data, size, 0, NULL);
    for (size_t i = 0; value && columns[i].title; i++)
        g_free(print_value(value, &columns[i]));
    return 0;
}
