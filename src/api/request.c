#include "api/request.h"

#include <string.h>

#include "base/error.h"
#include "base/secret.h"

static char *decode(const char *text, size_t length, bool is_query, GError **error)
{
    g_autofree char *raw = g_strndup(text, length);
    if (is_query)
        g_strdelimit(raw, "+", ' ');
    g_autofree char *decoded = g_uri_unescape_string(raw, NULL); /* NULL on a bad escape and on %00 */
    if (!decoded || !g_utf8_validate(decoded, -1, NULL)) {
        oriel_fail(error, ORIEL_ERROR_INVALID, "the address of the request has a bad escape or is no UTF-8");
        return NULL;
    }
    return g_steal_pointer(&decoded);
}

static bool path_is_plain(const char *path)
{
    if (path[0] != '/')
        return false;
    for (const char *at = path; *at; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            return false;
        if (*at != '/' || at[1] != '.')
            continue;
        const char *after = at[2] == '.' ? at + 3 : at + 2;
        if (*after == '/' || *after == '\0')
            return false;
    }
    return true;
}

static bool query_parse(Request *request, const char *text, GError **error)
{
    g_auto(GStrv) pairs = g_strsplit(text, "&", -1);
    for (size_t i = 0; pairs[i]; i++) {
        if (!*pairs[i])
            continue;
        const char *equals = strchr(pairs[i], '=');
        size_t name_length = equals ? (size_t)(equals - pairs[i]) : strlen(pairs[i]);
        g_autofree char *name = decode(pairs[i], name_length, true, error);
        if (!name)
            return false;
        g_autofree char *value =
            decode(equals ? equals + 1 : "", equals ? strlen(equals + 1) : 0, true, error);
        if (!value)
            return false;
        if (!g_hash_table_contains(request->query, name))
            g_hash_table_insert(request->query, g_steal_pointer(&name), g_steal_pointer(&value));
    }
    return true;
}

Request *request_new(const char *method, const char *target, GError **error)
{
    g_autoptr(Request) request = g_new0(Request, 1);
    request->method = g_strdup(method);
    request->query = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    request->headers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)secret_free);
    request->body = g_byte_array_new();
    const char *question = strchr(target, '?');
    request->path = decode(target, question ? (size_t)(question - target) : strlen(target), false, error);
    if (!request->path)
        return NULL;
    if (!path_is_plain(request->path)) {
        oriel_fail(error, ORIEL_ERROR_INVALID, "the address of the request is not a plain path");
        return NULL;
    }
    if (question && !query_parse(request, question + 1, error))
        return NULL;
    return g_steal_pointer(&request);
}

/* Passwords come in bodies. */
static void body_free(GByteArray *body)
{
    if (body->len)
        explicit_bzero(body->data, body->len);
    g_byte_array_unref(body);
}

void request_body_forget(Request *request)
{
    body_free(request->body);
    request->body = g_byte_array_new();
}

void request_free(Request *request)
{
    if (!request)
        return;
    g_free(request->method);
    g_free(request->path);
    g_clear_pointer(&request->query, g_hash_table_unref);
    g_clear_pointer(&request->headers, g_hash_table_unref);
    g_clear_pointer(&request->body, body_free);
    g_free(request->client);
    g_free(request->certificate);
    g_free(request);
}

void request_add_header(Request *request, const char *name, const char *value)
{
    g_autofree char *lower = g_ascii_strdown(name, -1);
    if (strcmp(lower, "content-length") == 0 || strcmp(lower, "transfer-encoding") == 0)
        request->two_lengths = request->two_lengths || request_header(request, "content-length") ||
                               request_header(request, "transfer-encoding");
    if (!g_hash_table_contains(request->headers, lower))
        g_hash_table_insert(request->headers, g_steal_pointer(&lower), g_strdup(value ? value : ""));
}

const char *request_header(const Request *request, const char *name)
{
    return g_hash_table_lookup(request->headers, name);
}

const char *request_query(const Request *request, const char *name)
{
    return g_hash_table_lookup(request->query, name);
}

char *request_cookie(const Request *request, const char *name)
{
    const char *at = request_header(request, "cookie");
    size_t length = strlen(name);
    while (at && *at) {
        at += strspn(at, " \t;");
        size_t pair = strcspn(at, ";");
        if (pair > length && strncmp(at, name, length) == 0 && at[length] == '=') {
            g_autofree char *value = g_strndup(at + length + 1, pair - length - 1);
            return g_strdup(g_strchomp(value));
        }
        at += pair;
    }
    return NULL;
}

bool request_header_has(const Request *request, const char *name, const char *token)
{
    const char *value = request_header(request, name);
    if (!value)
        return false;
    g_auto(GStrv) words = g_strsplit(value, ",", -1);
    for (size_t i = 0; words[i]; i++)
        if (g_ascii_strcasecmp(g_strstrip(words[i]), token) == 0)
            return true;
    return false;
}

bool request_reads(const Request *request)
{
    return strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
}
