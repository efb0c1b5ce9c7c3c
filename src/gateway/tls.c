#include "gateway/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>

static int wire_read(BIO *bio, char *bytes, size_t size, size_t *ret_length)
{
    TlsWire *wire = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (wire->input_length == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    size_t take = size < wire->input_length ? size : wire->input_length;
    memcpy(bytes, wire->input, take);
    wire->input += take;
    wire->input_length -= take;
    *ret_length = take;
    return 1;
}

static int wire_write(BIO *bio, const char *bytes, size_t length, size_t *ret_length)
{
    TlsWire *wire = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (length > TLS_WIRE_OUTPUT - wire->output_length)
        return 0; /* a hard failure: what OpenSSL writes in one turn is bounded far below this */
    memcpy(wire->output + wire->output_length, bytes, length);
    wire->output_length += length;
    *ret_length = length;
    return 1;
}

static long wire_control(BIO *bio, int command, long number, void *pointer)
{
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static const BIO_METHOD *wire_method(void)
{
    static BIO_METHOD *method;
    if (!method) {
        method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "oriel wire");
        BIO_meth_set_read_ex(method, wire_read);
        BIO_meth_set_write_ex(method, wire_write);
        BIO_meth_set_ctrl(method, wire_control);
    }
    return method;
}

SSL *tls_stream_new(SSL_CTX *context, TlsWire *wire)
{
    SSL *stream = SSL_new(context);
    BIO *bio = BIO_new(wire_method());
    if (!stream || !bio) {
        SSL_free(stream);
        BIO_free(bio);
        return NULL;
    }
    BIO_set_data(bio, wire);
    BIO_set_init(bio, 1);
    SSL_set_bio(stream, bio, bio); /* owns it */
    SSL_set_accept_state(stream);
    return stream;
}

char *tls_client_certificate(SSL *stream)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    X509 *certificate = SSL_get0_peer_certificate(stream);
    if (!certificate || X509_digest(certificate, EVP_sha256(), digest, &length) != 1 || length != 32)
        return NULL;
    char *text = g_base64_encode(digest, length);
    g_strdelimit(text, "+", '-');
    g_strdelimit(text, "/", '_');
    text[strcspn(text, "=")] = '\0';
    return text;
}

TlsStatus tls_take(SSL *stream, uint8_t *plain, size_t size, size_t *ret_length)
{
    *ret_length = 0;
    ERR_clear_error();
    for (;;) {
        size_t length = 0;
        int result = SSL_read_ex(stream, plain + *ret_length, size - *ret_length, &length);
        *ret_length += length;
        if (result == 1 && *ret_length < size)
            continue;
        if (result == 1)
            return TLS_FAILED; /* more than the caller's promise allows */
        switch (SSL_get_error(stream, result)) {
        case SSL_ERROR_WANT_READ:
            return TLS_OPEN;
        case SSL_ERROR_ZERO_RETURN:
            return TLS_ENDED;
        default:
            return TLS_FAILED;
        }
    }
}

bool tls_put(SSL *stream, const uint8_t *plain, size_t length)
{
    ERR_clear_error();
    size_t written = 0;
    return SSL_write_ex(stream, plain, length, &written) == 1 && written == length;
}

void tls_end(SSL *stream)
{
    ERR_clear_error();
    if (SSL_is_init_finished(stream) && !(SSL_get_shutdown(stream) & SSL_SENT_SHUTDOWN))
        SSL_shutdown(stream);
    ERR_clear_error();
}
