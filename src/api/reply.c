#include "api/reply.h"

#include <string.h>

#include "api/stream.h"
#include "base/error.h"
#include "base/file.h"

#define RETRY_SECONDS 5 /* where nobody knows when it will pass */

Reply *reply_new(void)
{
    Reply *reply = g_new0(Reply, 1);
    reply->file = -1;
    reply->display = -1;
    reply->headers = g_ptr_array_new_with_free_func(g_free);
    return reply;
}

void reply_reset(Reply *reply)
{
    reply->status = 0;
    reply->content_type = NULL;
    g_clear_pointer(&reply->body, g_bytes_unref);
    fd_clear(&reply->file);
    fd_clear(&reply->display);
    reply->file_bytes = 0;
    g_clear_pointer(&reply->stream, hub_leave);
    g_ptr_array_set_size(reply->headers, 0);
}

void reply_free(Reply *reply)
{
    if (!reply)
        return;
    reply_reset(reply);
    g_ptr_array_unref(reply->headers);
    g_free(reply);
}

void reply_header(Reply *reply, const char *name, const char *value)
{
    g_ptr_array_add(reply->headers, g_strdup(name));
    g_ptr_array_add(reply->headers, g_strdup(value));
}

const char *reply_header_get(const Reply *reply, const char *name)
{
    for (unsigned i = 0; i + 1 < reply->headers->len; i += 2)
        if (g_ascii_strcasecmp(reply->headers->pdata[i], name) == 0)
            return reply->headers->pdata[i + 1];
    return NULL;
}

static void body_set(Reply *reply, int status, const char *content_type, char *text)
{
    g_clear_pointer(&reply->body, g_bytes_unref);
    reply->status = status;
    reply->content_type = content_type;
    reply->body = g_bytes_new_take(text, strlen(text));
}

void reply_json(Reply *reply, int status, Json *value)
{
    if (!value) { /* jansson makes nothing of a text that is no UTF-8 */
        reply_problem_text(reply, ORIEL_ERROR_INTERNAL, 0, "the answer could not be put into JSON");
        return;
    }
    body_set(reply, status, "application/json", json_text(value));
    json_decref(value);
}

void reply_text(Reply *reply, int status, const char *text)
{
    body_set(reply, status, "text/plain; charset=utf-8", g_strdup(text));
}

void reply_bytes(Reply *reply, const char *content_type, GBytes *bytes)
{
    g_clear_pointer(&reply->body, g_bytes_unref);
    reply->status = 200;
    reply->content_type = content_type;
    reply->body = g_bytes_ref(bytes);
}

void reply_empty(Reply *reply)
{
    reply->status = 204;
}

static void problem_set(Reply *reply, int kind, int status, const char *detail)
{
    const OrielErrorInfo *info = oriel_error_info((OrielErrorKind)kind);
    if (status == 0)
        status = info->http_status;
    g_autofree char *type = g_strconcat("https://oriel.invalid/problems/", info->type, NULL);
    g_autofree char *valid = g_utf8_make_valid(detail, -1);
    g_autoptr(Json) problem = json_pack("{s:s, s:s, s:i, s:s}", "type", type, "title", info->title, "status",
                                        status, "detail", valid);
    body_set(reply, status, "application/problem+json", json_text(problem));
}

/* RFC 9110 10.2.3, RFC 6585 4. */
static void retry_after_set(Reply *reply, int64_t wait_seconds)
{
    if (reply->status != 429 && reply->status != 503)
        return;
    g_autofree char *value =
        g_strdup_printf("%" G_GINT64_FORMAT, wait_seconds > 0 ? wait_seconds : RETRY_SECONDS);
    reply_header(reply, "Retry-After", value);
}

void reply_problem_text(Reply *reply, int kind, int status, const char *detail)
{
    problem_set(reply, kind, status, detail);
    retry_after_set(reply, 0);
}

void reply_problem(Reply *reply, const GError *error, int status)
{
    problem_set(reply, (int)oriel_error_kind(error), status, error ? error->message : "no reason was given");
    retry_after_set(reply, oriel_error_wait_seconds(error));
}
