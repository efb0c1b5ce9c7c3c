#include "identity/fetch.h"

#include <curl/curl.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"

enum { CONNECT_SECONDS = 5, WHOLE_SECONDS = 10, URL_MOST = 2048 };

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CURL, curl_easy_cleanup)

bool fetch_url_allowed(const char *url)
{
    static const char *const own[] = {"localhost", "127.0.0.1", "::1", NULL};
    g_autoptr(GUri) uri = strlen(url) <= URL_MOST ? g_uri_parse(url, G_URI_FLAGS_NONE, NULL) : NULL;
    const char *host = uri ? g_uri_get_host(uri) : NULL;
    for (const char *at = url; *at; at++)
        if ((unsigned char)*at <= ' ' || *at == 0x7f || *at == '\\')
            return false;
    if (!host || !*host || g_uri_get_userinfo(uri) || g_uri_get_fragment(uri))
        return false;
    return strcmp(g_uri_get_scheme(uri), "https") == 0 ||
           (strcmp(g_uri_get_scheme(uri), "http") == 0 && g_strv_contains(own, host));
}

typedef struct {
    GString *text;
    bool too_large;
} Answer;

static size_t take(char *bytes, size_t size, size_t count, void *context)
{
    Answer *answer = context;
    answer->too_large = answer->too_large || answer->text->len + size * count > LIMIT_PROVIDER_ANSWER;
    if (answer->too_large)
        return 0;
    g_string_append_len(answer->text, bytes, (gssize)(size * count));
    return size * count;
}

static void bounds_set(CURL *curl, const char *url)
{
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)WHOLE_SECONDS);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (g_str_has_prefix(url, "http:"))
        curl_easy_setopt(curl, CURLOPT_PROXY, "");
}

static void authorities_set(CURL *curl, const char *certificates)
{
    if (!certificates)
        return;
    struct curl_blob blob = {.data = (void *)certificates, .len = strlen(certificates), .flags = CURL_BLOB_COPY};
    curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &blob);
    curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
}

static void credentials_set(CURL *curl, const FetchRequest *request)
{
    if (request->basic) {
        curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        curl_easy_setopt(curl, CURLOPT_USERPWD, request->basic);
    }
    if (request->bearer) {
        curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
        curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, request->bearer);
    }
    if (request->form)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->form);
}

static bool perform(CURL *curl, const FetchRequest *request, Answer *answer, GError **error)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Accept: application/json");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    CURLcode code = curl_easy_perform(curl);
    curl_slist_free_all(headers);
    if (answer->too_large)
        return oriel_fail(error, ORIEL_ERROR_CORRUPT, "%s: answers more than %d KiB", request->url, LIMIT_PROVIDER_ANSWER / 1024);
    return code == CURLE_OK ||
           oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "%s: %s", request->url, curl_easy_strerror(code));
}

Json *fetch_json(const FetchRequest *request, long *ret_status, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(CURL) curl = curl_easy_init();
    Answer answer = {text, false};
    if (!curl) {
        oriel_fail(error, ORIEL_ERROR_INTERNAL, "libcurl cannot start");
        return NULL;
    }
    bounds_set(curl, request->url);
    authorities_set(curl, request->certificates);
    credentials_set(curl, request);
    if (!perform(curl, request, &answer, error))
        return NULL;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, ret_status);
    if (*ret_status >= 500) {
        oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "%s: answers with status %ld", request->url, *ret_status);
        return NULL;
    }
    return json_parse_object(text->str, text->len, request->url, error);
}
