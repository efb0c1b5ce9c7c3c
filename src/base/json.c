#include "base/json.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"

Json *json_parse_object(const char *text, size_t length, const char *what, GError **error)
{
    json_error_t problem;
    Json *value = json_loadb(text, length, JSON_REJECT_DUPLICATES, &problem);
    if (!value) {
        oriel_fail(error, ORIEL_ERROR_INVALID, "%s: is not JSON: %s at line %d", what, problem.text, problem.line);
        return NULL;
    }
    if (!json_is_object(value)) {
        json_decref(value);
        oriel_fail(error, ORIEL_ERROR_INVALID, "%s: must be a JSON object", what);
        return NULL;
    }
    return value;
}

bool json_read(Json *object, const char *what, GError **error, const char *format, ...)
{
    json_error_t problem;
    va_list args;
    va_start(args, format);
    int result = json_vunpack_ex(object, &problem, JSON_STRICT, format, args);
    va_end(args);
    if (result != 0)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "%s: %s", what, problem.text);
    return true;
}

char *json_text(const Json *value)
{
    char *raw = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    char *text = g_strdup(raw ? raw : "null");
    free(raw);
    return text;
}

Json *json_read_file(const char *path, size_t limit, GError **error)
{
    size_t length = 0;
    g_autofree char *text = file_read(path, limit, &length, error);
    if (!text)
        return NULL;
    g_autofree char *what = g_strdup_printf("file \"%s\"", path);
    GError *inner = NULL;
    Json *value = json_parse_object(text, length, what, &inner);
    if (!value) {
        oriel_fail(error, ORIEL_ERROR_CORRUPT, "%s", inner->message);
        g_error_free(inner);
    }
    return value;
}

bool json_write_file(const char *path, const Json *value, GError **error)
{
    char *raw = json_dumps(value, JSON_INDENT(2));
    if (!raw)
        return oriel_fail(error, ORIEL_ERROR_INTERNAL, "file \"%s\": its text cannot be made", path);
    bool done = file_write_atomic(path, raw, strlen(raw), 0600, error);
    free(raw);
    return done;
}
