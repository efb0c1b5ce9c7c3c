#include "cli/client.h"

#include <stdarg.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/number.h"
#include "base/secret.h"
#include "cli/transport.h"
#include "cli/client_private.h"

/* The largest answer that is taken into memory: a job's log is the longest there is. */
enum { ANSWER_LIMIT = 64 * 1024 * 1024, REQUEST_SECONDS = 300 };

/* "X-Oriel-Next: 4711": the one header of an answer that matters to us. */
static size_t header_read(char *bytes, size_t size, size_t count, void *context)
{
    static const char name[] = "x-oriel-next:";
    Client *client = context;
    g_autofree char *line = g_strndup(bytes, size * count);
    if (g_ascii_strncasecmp(line, name, strlen(name)) == 0)
        client->has_next =
            number_parse(g_strstrip(line + strlen(name)), 0, INT64_MAX, "X-Oriel-Next", &client->next, NULL);
    return size * count;
}

static bool fingerprint_read(const char *text, guint8 bytes[32], GError **error)
{
    size_t digits = 0;
    for (; *text; text++) {
        if (*text == ':' || *text == ' ')
            continue;
        int value = g_ascii_xdigit_value(*text);
        if (value < 0 || digits >= 64)
            break;
        bytes[digits / 2] = (guint8)(digits % 2 ? (bytes[digits / 2] << 4) | value : value);
        digits++;
    }
    if (digits == 64 && !*text)
        return true;
    return oriel_fail(
        error, ORIEL_ERROR_INVALID,
        "--fingerprint: a SHA-256 fingerprint has 64 hexadecimal digits, with or without colons");
}

static bool address_remote(Transport *transport, const ClientAddress *address, GError **error)
{
    g_autoptr(GUri) uri = g_uri_parse(address->url, G_URI_FLAGS_NONE, NULL);
    if (!uri || !g_uri_get_host(uri) || strcmp(g_uri_get_scheme(uri), "https") != 0 || g_uri_get_query(uri))
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "--url: \"%s\" is no address such as https://desk.example:8443", address->url);
    const char *slash = g_str_has_suffix(address->url, "/") ? "" : "/";
    transport->base = g_strconcat(address->url, slash, "api/v1/", NULL);
    transport->token = g_strdup(address->token);
    transport->pinned = address->fingerprint != NULL;
    return !address->fingerprint || fingerprint_read(address->fingerprint, transport->fingerprint, error);
}

Client *client_new(const ClientAddress *address, GError **error)
{
    g_autoptr(Client) client = g_new0(Client, 1);
    client->transport.folder = -1;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    if (address->url) {
        if (!address_remote(&client->transport, address, error))
            return NULL;
    } else {
        client->transport.socket_path = g_strdup(address->socket_path);
        client->transport.base = g_strdup("http://localhost/api/v1/");
    }
    return g_steal_pointer(&client);
}

void client_free(Client *client)
{
    if (!client)
        return;
    g_free(client->transport.socket_path);
    g_free(client->transport.base);
    fd_clear(&client->transport.folder);
    secret_free(client->transport.token);
    g_clear_error(&client->transport.failure);
    g_free(client);
}

static size_t answer_add(char *bytes, size_t size, size_t count, void *context)
{
    GByteArray *answer = context;
    if (answer->len + size * count > ANSWER_LIMIT)
        return 0;
    g_byte_array_append(answer, (const guint8 *)bytes, (guint)(size * count));
    return size * count;
}

typedef struct {
    const void *bytes; /* NULL: none */
    size_t length;
    const char *header; /* its type */
} Body;

/* The bytes of a good answer. */
static GByteArray *exchange(Client *client, const char *method, const char *path, Body body, GError **error)
{
    g_autoptr(HeaderList) headers = NULL;
    g_autoptr(CURL) curl = transport_handle(&client->transport, path, &headers, error);
    if (!curl)
        return NULL;
    if (body.bytes)
        headers = curl_slist_append(headers, body.header);
    g_autoptr(GByteArray) answer = g_byte_array_new();
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)REQUEST_SECONDS);
    client->has_next = false;
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, header_read);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, client);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, answer_add);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    if (body.bytes) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)body.length);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.bytes);
    }
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    CURLcode code = curl_easy_perform(curl);
    if (code != CURLE_OK)
        return transport_fail(&client->transport, curl, code, error), NULL;
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200 || status > 299)
        return transport_problem(status, (const char *)answer->data, answer->len, error), NULL;
    return g_steal_pointer(&answer);
}

static Json *answer_json(const GByteArray *answer, GError **error)
{
    if (answer->len == 0)
        return json_object();
    return json_parse_object((const char *)answer->data, answer->len, "answer of orield", error);
}

Json *client_request(Client *client, const char *method, const char *path, const Json *body, GError **error)
{
    g_autofree char *text = body ? json_text(body) : NULL;
    /* A POST without a body still has a length of 0; servers may ask for it. */
    const char *sent = text ? text : strcmp(method, "POST") == 0 ? "{}" : NULL;
    const Body whole = {sent, sent ? strlen(sent) : 0, "Content-Type: application/json"};
    g_autoptr(GByteArray) answer = exchange(client, method, path, whole, error);
    if (text)
        memset(text, 0, strlen(text)); /* it may hold a password */
    return answer ? answer_json(answer, error) : NULL;
}

Json *client_send(Client *client, const char *path, GBytes *bytes, GError **error)
{
    gsize length = 0;
    const void *data = g_bytes_get_data(bytes, &length);
    const Body body = {data, length, "Content-Type: application/octet-stream"};
    g_autoptr(GByteArray) answer = exchange(client, "PUT", path, body, error);
    return answer ? answer_json(answer, error) : NULL;
}

GBytes *client_fetch(Client *client, const char *path, uint64_t *ret_next, GError **error)
{
    GByteArray *answer = exchange(client, "GET", path, (Body){0}, error);
    if (answer && ret_next && client->has_next)
        *ret_next = client->next;
    return answer ? g_byte_array_free_to_bytes(answer) : NULL;
}

Json *client_list(Client *client, const char *path, unsigned limit, GError **error)
{
    g_autoptr(Json) all = json_array();
    g_autofree char *after = NULL;
    do {
        g_autoptr(GString) page = g_string_new(path);
        unsigned wanted = limit ? (unsigned)MIN(limit - json_array_size(all), LIMIT_PAGE) : LIMIT_PAGE;
        g_autofree char *count = g_strdup_printf("%u", wanted);
        client_query(page, "limit", count);
        client_query(page, "after", after);
        g_autoptr(Json) answer = client_request(client, "GET", page->str, NULL, error);
        if (!answer)
            return NULL;
        json_array_extend(all, json_object_get(answer, "items"));
        g_free(after);
        after = g_strdup(json_string_value(json_object_get(answer, "next")));
    } while (after && (!limit || json_array_size(all) < limit));
    return json_pack("{s:O, s:s?}", "items", all, "next", after);
}

char *client_path(const char *first, ...)
{
    GString *path = g_string_new(first);
    va_list pieces;
    va_start(pieces, first);
    for (const char *piece = va_arg(pieces, const char *); piece; piece = va_arg(pieces, const char *)) {
        g_autofree char *encoded = g_uri_escape_string(piece, NULL, FALSE);
        /* "." and ".." would walk the path; servers and curl fold them away. */
        g_string_append_printf(path, "/%s",
                               strcmp(piece, ".") == 0    ? "%2E"
                               : strcmp(piece, "..") == 0 ? "%2E%2E"
                                                          : encoded);
    }
    va_end(pieces);
    return g_string_free(path, FALSE);
}

void client_query(GString *path, const char *name, const char *value)
{
    if (!value)
        return;
    g_autofree char *encoded = g_uri_escape_string(value, NULL, FALSE);
    g_string_append_printf(path, "%c%s=%s", strchr(path->str, '?') ? '&' : '?', name, encoded);
}
