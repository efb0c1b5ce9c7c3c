/* The text/event-stream format (HTML standard, 9.2.6), fed piecewise. Pure. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct SseParser SseParser;

SseParser *sse_parser_new(void);
void sse_parser_free(SseParser *parser);

/* False: an event is over the limit of 1 MiB; the stream is of no more use. */
bool sse_parser_feed(SseParser *parser, const char *bytes, size_t length, GError **error);

/* Takes the oldest complete event; both strings are the caller's. False: none is complete. */
bool sse_parser_take(SseParser *parser, char **ret_event, char **ret_data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SseParser, sse_parser_free)
