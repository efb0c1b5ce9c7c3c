/* A thin layer over jansson: cleanup, strict unpacking with a sentence as error, bounded parsing. Any thread. */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

typedef json_t Json;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Json, json_decref)

/* Parses one object; duplicates of a key and depth over 2048 are refused (jansson). `what` names it in the error:
 * "request body". Caller owns. NULL on failure. */
Json *json_parse_object(const char *text, size_t length, const char *what, GError **error);

/* json_unpack_ex with JSON_STRICT: an unknown or missing key is an error that names it. `what` as above.
 * Borrowed strings live as long as the object. */
bool json_read(Json *object, const char *what, GError **error, const char *format, ...);

/* Compact text, keys in the order they were set. Caller frees with g_free. */
char *json_text(const Json *value);

/* Whole file, at most `limit` bytes. Caller owns. */
Json *json_read_file(const char *path, size_t limit, GError **error);
bool json_write_file(const char *path, const Json *value, GError **error); /* atomic, mode 0600, indented */
