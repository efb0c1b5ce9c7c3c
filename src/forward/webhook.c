/* Events to a webhook: POST of {"host", "events": [...]}; any 2xx takes the batch. */
#include <curl/curl.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/secret.h"
#include "forward/forward.h"
#include "forward/sender.h"

enum { CONNECT_SECONDS = 5, WHOLE_SECONDS = 15 };

typedef struct {
    Sender base;
    char *url;
    SecretString *secret; /* NULL: batches are not signed */
    CURL *curl;           /* kept, so that its connection is */
} Webhook;

static char *batch_text(const GPtrArray *events)
{
    Json *items = json_array();
    for (guint i = 0; i < events->len; i++)
        json_array_append_new(items, event_json(events->pdata[i]));
    g_autoptr(Json) batch = json_pack("{s:s, s:o}", "host", g_get_host_name(), "events", items);
    return batch ? json_text(batch) : NULL;
}

static size_t drop_answer(char *bytes, size_t size, size_t count, void *context)
{
    return size * count;
}

static struct curl_slist *headers_of(const Webhook *webhook, const char *body)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Expect:"); /* no 100-continue: one way less */
    if (!webhook->secret)
        return headers;
    g_autofree char *hmac = g_compute_hmac_for_string(G_CHECKSUM_SHA256, (const guchar *)webhook->secret,
                                                      strlen(webhook->secret), body, -1);
    g_autofree char *line = g_strdup_printf("X-Oriel-Signature: sha256=%s", hmac);
    return curl_slist_append(headers, line);
}

static bool webhook_send(Sender *sender, const GPtrArray *events, GError **error)
{
    Webhook *webhook = (Webhook *)sender;
    g_autofree char *body = batch_text(events);
    if (!body)
        return oriel_fail(error, ORIEL_ERROR_INTERNAL, "events could not be put into JSON");
    struct curl_slist *headers = headers_of(webhook, body);
    curl_easy_setopt(webhook->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(webhook->curl, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
    curl_easy_setopt(webhook->curl, CURLOPT_POSTFIELDS, body);
    CURLcode code = curl_easy_perform(webhook->curl);
    long status = 0;
    curl_easy_getinfo(webhook->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_setopt(webhook->curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    if (code != CURLE_OK)
        return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "%s", curl_easy_strerror(code));
    if (status < 200 || status > 299)
        return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "it answers with status %ld", status);
    return true;
}

static int64_t webhook_resume(Sender *sender, int64_t sequence)
{
    return sequence; /* its answer says what it has */
}

static void webhook_free(Sender *sender)
{
    Webhook *webhook = (Webhook *)sender;
    curl_easy_cleanup(webhook->curl);
    secret_free(webhook->secret);
    g_free(webhook->url);
    g_free(webhook);
}

/* In the clear only where nobody is between. */
static bool url_is_allowed(const char *text)
{
    g_autoptr(GUri) uri = g_uri_parse(text, G_URI_FLAGS_NONE, NULL);
    const char *host = uri ? g_uri_get_host(uri) : NULL;
    if (!host || !*host)
        return false;
    static const char *const own[] = {"localhost", "127.0.0.1", "::1", NULL};
    return strcmp(g_uri_get_scheme(uri), "https") == 0 ||
           (strcmp(g_uri_get_scheme(uri), "http") == 0 && g_strv_contains(own, host));
}

static bool secret_read(const Config *config, SecretString **ret, GError **error)
{
    if (!config->event_webhook_secret_file)
        return true;
    *ret = file_read(config->event_webhook_secret_file, LIMIT_WEBHOOK_SECRET, NULL, error);
    if (!*ret) {
        g_prefix_error(error, "configuration: event_webhook_secret_file: ");
        return false;
    }
    g_strstrip(*ret);
    return **ret || oriel_fail(error, ORIEL_ERROR_INVALID,
                               "configuration: event_webhook_secret_file: \"%s\" is empty",
                               config->event_webhook_secret_file);
}

static CURL *handle_new(const char *url)
{
    CURL *curl = curl_easy_init();
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "oriel/" ORIEL_VERSION);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)WHOLE_SECONDS);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop_answer);
    return curl;
}

Sender *webhook_sender_new(const Config *config, GError **error)
{
    const char *url = config->event_webhook;
    if (!url || !*url)
        return NULL;
    if (!url_is_allowed(url)) {
        oriel_fail(error, ORIEL_ERROR_INVALID,
                   "configuration: event_webhook: \"%s\" must be https://HOST/PATH (http:// only to this host itself, "
                   "as 127.0.0.1)",
                   url);
        return NULL;
    }
    g_autoptr(SecretString) secret = NULL;
    if (!secret_read(config, &secret, error))
        return NULL;
    Webhook *webhook = g_new0(Webhook, 1);
    webhook->base = (Sender){"webhook", webhook_send, webhook_resume, webhook_free};
    webhook->url = g_strdup(url);
    webhook->secret = g_steal_pointer(&secret);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    webhook->curl = handle_new(url);
    return &webhook->base;
}
