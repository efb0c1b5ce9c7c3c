#include "gateway/certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "gateway/self_signed.h"

#define PEM_LARGEST (256 * 1024)

G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509, X509_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_PKEY, EVP_PKEY_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BIO, BIO_free)

/* OpenSSL's own words for what failed last. */
static const char *tls_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    return reason ? reason : "unknown reason";
}

/* A key that wants a password gets none, instead of a question on the terminal. */
static int no_password(char *buffer, int size, int writing, void *data)
{
    return -1;
}

static BIO *pem_open(const char *what, const char *path, GError **error)
{
    size_t length = 0;
    g_autofree char *text = file_read(path, PEM_LARGEST, &length, error);
    if (!text) {
        g_prefix_error(error, "%s: ", what);
        return NULL;
    }
    BIO *bio = BIO_new(BIO_s_mem());
    BIO_write(bio, text, (int)length);
    OPENSSL_cleanse(text, length);
    return bio;
}

static X509 *certificate_read(const char *path, GError **error)
{
    g_autoptr(BIO) bio = pem_open("certificate", path, error);
    if (!bio)
        return NULL;
    ERR_clear_error();
    X509 *certificate = PEM_read_bio_X509_AUX(bio, NULL, no_password, NULL);
    if (!certificate)
        oriel_fail(error, ORIEL_ERROR_CORRUPT, "certificate \"%s\": not a certificate in PEM form (%s)", path,
                   tls_reason());
    return certificate;
}

static EVP_PKEY *key_read(const char *path, GError **error)
{
    g_autoptr(BIO) bio = pem_open("certificate's key", path, error);
    if (!bio)
        return NULL;
    ERR_clear_error();
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
    if (!key)
        oriel_fail(error, ORIEL_ERROR_CORRUPT,
                   "certificate's key \"%s\": not a private key in PEM form without a password (%s)", path,
                   tls_reason());
    return key;
}

static char *fingerprint(const X509 *certificate)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    GString *text = g_string_new(NULL);
    X509_digest(certificate, EVP_sha256(), digest, &length);
    for (unsigned i = 0; i < length; i++)
        g_string_append_printf(text, "%s%02X", i ? ":" : "", digest[i]);
    return g_string_free(text, FALSE);
}

char *certificate_fingerprint(const char *path, GError **error)
{
    g_autoptr(X509) certificate = certificate_read(path, error);
    return certificate ? fingerprint(certificate) : NULL;
}

char *certificate_context_fingerprint(SSL_CTX *context)
{
    return fingerprint(SSL_CTX_get0_certificate(context));
}

int certificate_context_days_left(SSL_CTX *context)
{
    int days = 0, seconds = 0;
    ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(SSL_CTX_get0_certificate(context)));
    return seconds < 0 ? days - 1 : days;
}

static bool key_write(EVP_PKEY *key, const char *path, GError **error)
{
    g_autoptr(BIO) bio = BIO_new(BIO_s_secmem());
    char *text = NULL;
    if (!PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL))
        return oriel_fail(error, ORIEL_ERROR_INTERNAL, "certificate's key: cannot write it: %s",
                          tls_reason());
    long length = BIO_get_mem_data(bio, &text);
    return file_write_atomic(path, text, (size_t)length, 0600, error);
}

/* The key of an earlier attempt that a crash ended before its certificate was written, or a new one. */
static EVP_PKEY *key_ensure(const char *path, GError **error)
{
    if (access(path, F_OK) == 0)
        return key_read(path, error);
    g_autoptr(EVP_PKEY) key = EVP_EC_gen("P-256");
    if (!key) {
        oriel_fail(error, ORIEL_ERROR_INTERNAL, "certificate's key: cannot make one: %s", tls_reason());
        return NULL;
    }
    return key_write(key, path, error) ? g_steal_pointer(&key) : NULL;
}

bool certificate_ensure(const char *certificate, const char *key, bool *ret_made, GError **error)
{
    *ret_made = false;
    if (access(certificate, F_OK) == 0)
        return access(key, F_OK) == 0 || oriel_fail(error, ORIEL_ERROR_NOT_FOUND,
                                                    "certificate \"%s\": its key \"%s\" is missing; put it "
                                                    "there, or remove the certificate and "
                                                    "a new one is made",
                                                    certificate, key);
    g_autofree char *folder = g_path_get_dirname(certificate);
    g_autofree char *key_folder = g_path_get_dirname(key);
    if (!folder_make(folder, 0700, error) || !folder_make(key_folder, 0700, error))
        return false;
    g_autoptr(EVP_PKEY) pair = key_ensure(key, error);
    if (!pair)
        return false;
    g_autoptr(X509) made = self_signed_new(pair, error);
    g_autoptr(BIO) bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    if (!made)
        return false;
    if (!PEM_write_bio_X509(bio, made))
        return oriel_fail(error, ORIEL_ERROR_INTERNAL, "certificate: cannot write it: %s", tls_reason());
    long length = BIO_get_mem_data(bio, &text);
    *ret_made = file_write_atomic(certificate, text, (size_t)length, 0644, error);
    return *ret_made;
}

/* RFC 7301: http/1.1, or the alert no_application_protocol. WebSocket needs HTTP/1.1, and nothing here speaks
 * more. */
static int choose_protocol(SSL *stream, const unsigned char **ret, unsigned char *ret_length,
                           const unsigned char *offered, unsigned offered_length, void *data)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *chosen = NULL;
    if (SSL_select_next_proto(&chosen, ret_length, ours, sizeof ours - 1, offered, offered_length) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *ret = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static bool context_policy(SSL_CTX *context)
{
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                     SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); /* tickets keep the state at the client */
    SSL_CTX_set_session_id_context(context, (const unsigned char *)"oriel", 5);
    SSL_CTX_set_default_passwd_cb(context, no_password);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) &&
           SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") &&
           SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
                                             "TLS_CHACHA20_POLY1305_SHA256") &&
           SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384");
}

/* The first certificate of the file, and after it those that lead to its root. */
static bool context_chain(SSL_CTX *context, const char *path, GError **error)
{
    g_autoptr(X509) first = certificate_read(path, error);
    g_autoptr(BIO) bio = first ? pem_open("certificate", path, error) : NULL;
    if (!bio)
        return false;
    if (!SSL_CTX_use_certificate(context, first))
        return oriel_fail(error, ORIEL_ERROR_INVALID, "certificate \"%s\": cannot be used: %s", path,
                          tls_reason());
    X509_free(PEM_read_bio_X509_AUX(bio, NULL, no_password, NULL)); /* the first again */
    X509 *next;
    while ((next = PEM_read_bio_X509(bio, NULL, no_password, NULL)) != NULL)
        if (!SSL_CTX_add0_chain_cert(context, next)) {
            X509_free(next);
            return oriel_fail(error, ORIEL_ERROR_INVALID, "certificate \"%s\": its chain cannot be used: %s",
                              path, tls_reason());
        }
    bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    if (!at_end)
        return oriel_fail(error, ORIEL_ERROR_CORRUPT, "certificate \"%s\": its chain is damaged: %s", path,
                          tls_reason());
    ERR_clear_error();
    return true;
}

SSL_CTX *certificate_context(const char *certificate, const char *key, GError **error)
{
    g_autoptr(SSL_CTX) context = SSL_CTX_new(TLS_server_method());
    if (!context || !context_policy(context)) {
        oriel_fail(error, ORIEL_ERROR_INTERNAL, "TLS cannot be set up: %s", tls_reason());
        return NULL;
    }
    if (!context_chain(context, certificate, error))
        return NULL;
    g_autoptr(EVP_PKEY) private = key_read(key, error);
    if (!private)
        return NULL;
    ERR_clear_error();
    if (!SSL_CTX_use_PrivateKey(context, private) || !SSL_CTX_check_private_key(context)) {
        oriel_fail(error, ORIEL_ERROR_INVALID,
                   "certificate \"%s\": the key \"%s\" does not belong to it (%s)", certificate, key,
                   tls_reason());
        return NULL;
    }
    return g_steal_pointer(&context);
}

static int take_any(X509_STORE_CTX *store, void *data)
{
    return 1;
}

void certificate_ask_clients(SSL_CTX *context)
{
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(context, take_any, NULL);
}
