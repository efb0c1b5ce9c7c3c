#include "api/websocket.h"

#include <string.h>

#include "base/error.h"

#define KEY_BYTES 16
#define ACCEPT_GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* RFC 6455, section 1.3 */

void websocket_handshake_clear(WebSocketHandshake *handshake)
{
    g_clear_pointer(&handshake->accept, g_free);
}

static char *accept_of(const char *key)
{
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA1);
    g_checksum_update(checksum, (const guchar *)key, -1);
    g_checksum_update(checksum, (const guchar *)ACCEPT_GUID, -1);
    guint8 digest[20];
    gsize length = sizeof(digest);
    g_checksum_get_digest(checksum, digest, &length);
    return g_base64_encode(digest, length);
}

static bool key_is_valid(const char *key)
{
    if (!key || strlen(key) != 24)
        return false;
    gsize length = 0;
    g_autofree guchar *bytes = g_base64_decode(key, &length);
    return bytes && length == KEY_BYTES;
}

/* "https://host:port" → "host:port", in lower case, without the scheme's own port. NULL: no http(s) origin.
 */
static char *authority(const char *url)
{
    const char *at = strstr(url, "://");
    if (!at)
        return NULL;
    bool secure = g_ascii_strncasecmp(url, "https://", 8) == 0;
    if (!secure && g_ascii_strncasecmp(url, "http://", 7) != 0)
        return NULL;
    at += 3;
    g_autofree char *text = g_ascii_strdown(at, (gssize)strcspn(at, "/?#"));
    const char *usual = secure ? ":443" : ":80";
    if (g_str_has_suffix(text, usual))
        text[strlen(text) - strlen(usual)] = '\0';
    return g_steal_pointer(&text);
}

static bool same_host(const char *authority_text, const char *host)
{
    if (!host)
        return false;
    g_autofree char *lower = g_ascii_strdown(host, -1);
    if (strcmp(authority_text, lower) == 0)
        return true;
    /* A Host with the scheme's own port names the same place. */
    size_t length = strlen(authority_text);
    return strncmp(authority_text, lower, length) == 0 &&
           (strcmp(lower + length, ":443") == 0 || strcmp(lower + length, ":80") == 0);
}

/* A browser sets Origin and no page can change it. Behind a reverse proxy the Host may be rewritten; then
 * X-Forwarded-Host, which no page can set on a WebSocket either, or the configured address stands in. */
static bool origin_is_ours(const Request *request, const char *public_url)
{
    const char *origin = request_header(request, "origin");
    if (!origin)
        return true;
    g_autofree char *from = authority(origin);
    if (!from)
        return false;
    if (same_host(from, request_header(request, "host")) ||
        same_host(from, request_header(request, "x-forwarded-host")))
        return true;
    g_autofree char *configured = public_url ? authority(public_url) : NULL;
    return configured && strcmp(from, configured) == 0;
}

bool websocket_check(const Request *request, const char *public_url, WebSocketHandshake *ret, int *ret_status,
                     GError **error)
{
    const char *version = request_header(request, "sec-websocket-version");
    *ret_status = 426;
    if (!request_header_has(request, "upgrade", "websocket") ||
        !request_header_has(request, "connection", "upgrade"))
        return oriel_fail(error, ORIEL_ERROR_INVALID, "a display is a WebSocket: ask for an upgrade");
    if (!version || strcmp(version, "13") != 0)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "WebSocket version 13 is needed");
    *ret_status = 400;
    const char *key = request_header(request, "sec-websocket-key");
    if (!key_is_valid(key))
        return oriel_fail(error, ORIEL_ERROR_INVALID, "Sec-WebSocket-Key is not 16 bytes in base64");
    *ret_status = 403;
    if (!origin_is_ours(request, public_url))
        return oriel_fail(error, ORIEL_ERROR_FORBIDDEN,
                          "a page of another address may not open a display here");
    ret->accept = accept_of(key);
    ret->binary = request_header_has(request, "sec-websocket-protocol", "binary");
    return true;
}
