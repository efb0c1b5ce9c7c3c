#include "cli/transport.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

enum { CONNECT_SECONDS = 10, UNIX_PATH_LARGEST = 107 };

/* Takes the place of OpenSSL's chain check: exactly this certificate, whoever signed it. */
static int certificate_is_pinned(X509_STORE_CTX *store, void *context)
{
    Transport *transport = context;
    guint8 digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    X509 *leaf = X509_STORE_CTX_get0_cert(store);
    if (leaf && X509_digest(leaf, EVP_sha256(), digest, &length) == 1 &&
        length == sizeof transport->fingerprint && memcmp(digest, transport->fingerprint, length) == 0)
        return 1;
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_UNTRUSTED);
    g_clear_error(&transport->failure);
    oriel_fail(&transport->failure, ORIEL_ERROR_FORBIDDEN,
               "the server's certificate does not have the given fingerprint: this may be another server");
    return 0;
}

static CURLcode tls_prepare(CURL *curl, void *context, void *transport)
{
    SSL_CTX_set_cert_verify_callback(context, certificate_is_pinned, transport);
    return CURLE_OK;
}

/* A path that is too long for a unix socket is reached through its folder's descriptor, which stays open as
 * long as we do. */
static char *short_path(Transport *transport)
{
    if (strlen(transport->socket_path) <= UNIX_PATH_LARGEST)
        return g_strdup(transport->socket_path);
    g_autofree char *folder = g_path_get_dirname(transport->socket_path);
    g_autofree char *name = g_path_get_basename(transport->socket_path);
    if (transport->folder < 0)
        transport->folder = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return g_strdup_printf("/proc/self/fd/%d/%s", transport->folder, name);
}

/* (Not by a socket that we connect ourselves: libcurl 7.88 connects it a second time, whatever the callback
 * says.) */
static void handle_local(CURL *curl, Transport *transport)
{
    g_autofree char *path = short_path(transport);
    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, path);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
}

static void handle_remote(CURL *curl, Transport *transport)
{
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
    if (!transport->pinned)
        return;
    curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, tls_prepare);
    curl_easy_setopt(curl, CURLOPT_SSL_CTX_DATA, transport);
    /* The callback above decides; the name in a self-signed certificate is of no weight beside its
     * fingerprint. */
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
}

static void header_add(struct curl_slist **headers, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*headers, line);
    if (longer)
        *headers = longer;
}

CURL *transport_handle(Transport *transport, const char *path, struct curl_slist **headers, GError **error)
{
    g_autoptr(CURL) curl = curl_easy_init();
    if (!curl) {
        oriel_fail(error, ORIEL_ERROR_INTERNAL, "libcurl cannot start");
        return NULL;
    }
    g_autofree char *url = g_strconcat(transport->base, path, NULL);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    transport->message[0] = '\0';
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, transport->message);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, transport->socket_path ? "http" : "https");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "oriel/" ORIEL_VERSION);
    if (transport->socket_path)
        handle_local(curl, transport);
    else
        handle_remote(curl, transport);
    header_add(headers, "Expect:"); /* no round trip before a body */
    if (transport->token) {
        g_autofree char *line = g_strdup_printf("Authorization: Bearer %s", transport->token);
        header_add(headers, line);
        memset(line, 0, strlen(line));
    }
    return g_steal_pointer(&curl);
}

static bool local_fail(const char *path, long reason, GError **error)
{
    if (reason == EACCES || reason == EPERM)
        return oriel_fail(error, ORIEL_ERROR_FORBIDDEN,
                          "orield's socket \"%s\" is not for you: run as root or as its user, or give --url "
                          "and --token-file",
                          path);
    return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE,
                      "orield does not answer at \"%s\": start it, or set ORIEL_STATE to its state folder",
                      path);
}

bool transport_fail(Transport *transport, CURL *curl, CURLcode code, GError **error)
{
    const char *server = transport->socket_path ? transport->socket_path : transport->base;
    const char *buffer = transport->message;
    g_autoptr(GError) failure = g_steal_pointer(&transport->failure);
    long reason = 0;
    curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &reason);
    if (transport->socket_path && code == CURLE_COULDNT_CONNECT)
        return local_fail(server, reason, error);
    if (failure)
        return oriel_fail(error, ORIEL_ERROR_FORBIDDEN, "%s", failure->message);
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        return oriel_fail(error, ORIEL_ERROR_FORBIDDEN,
                          "the certificate of \"%s\" is not trusted here (%s): give --fingerprint with what "
                          "the server printed",
                          server, *buffer ? buffer : curl_easy_strerror(code));
    if (code == CURLE_OPERATION_TIMEDOUT)
        return oriel_fail(error, ORIEL_ERROR_TIMEOUT, "\"%s\" did not answer in time", server);
    return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "\"%s\": %s", server,
                      *buffer ? buffer : curl_easy_strerror(code));
}

static OrielErrorKind kind_of_problem(const char *type, long status)
{
    const char *word = type ? strrchr(type, '/') : NULL;
    for (int kind = 0; word && kind < ORIEL_ERROR_KINDS; kind++)
        if (strcmp(oriel_error_info((OrielErrorKind)kind)->type, word + 1) == 0)
            return (OrielErrorKind)kind;
    for (int kind = 0; kind < ORIEL_ERROR_KINDS; kind++)
        if (oriel_error_info((OrielErrorKind)kind)->http_status == status)
            return (OrielErrorKind)kind;
    return status >= 400 && status < 500 ? ORIEL_ERROR_INVALID : ORIEL_ERROR_UNAVAILABLE;
}

bool transport_problem(long status, const char *text, size_t length, GError **error)
{
    g_autoptr(Json) problem = json_loadb(text, length, 0, NULL);
    const char *type = json_string_value(json_object_get(problem, "type"));
    const char *title = json_string_value(json_object_get(problem, "title"));
    const char *detail = json_string_value(json_object_get(problem, "detail"));
    OrielErrorKind kind = kind_of_problem(type, status);
    if (detail || title)
        return oriel_fail(error, kind, "%s", detail ? detail : title);
    return oriel_fail(error, kind, "the server answered with HTTP status %ld and no explanation", status);
}
