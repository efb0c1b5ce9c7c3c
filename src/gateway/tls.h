/* TLS of one client over memory: the caller moves the bytes of the socket, so it decides when to read and
 * what waits. All streams of a process share one TlsWire, because only one of them works at a time: an idle
 * stream owns no buffer. */
#pragma once

#include <glib.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TLS_WIRE_OUTPUT (128 * 1024) /* holds a handshake flight, or 64 KiB of plain bytes as records */

typedef struct {
    const uint8_t *input; /* what came from the socket */
    size_t input_length;
    uint8_t *output; /* TLS_WIRE_OUTPUT bytes: what has to go to the socket */
    size_t output_length;
} TlsWire;

typedef enum {
    TLS_OPEN,   /* all input is used; more may come */
    TLS_ENDED,  /* the client has ended its half in an orderly way */
    TLS_FAILED, /* not TLS, no common version or cipher, damaged: an alert may be in the output */
} TlsStatus;

/* A server's stream, before its handshake. wire must outlive it. Free with SSL_free. NULL: no memory. */
SSL *tls_stream_new(SSL_CTX *context, TlsWire *wire);

/* SHA-256 of the certificate whose key the client has shown to have, as base64url (43 letters). NULL: it has shown none. After the
 * handshake. Caller frees. */
char *tls_client_certificate(SSL *stream);

/* Uses up the whole input: advances the handshake, then decrypts into plain. size must be at least the
 * input's length plus one record (16 KiB). Answers (handshake, alerts) are added to the output. */
TlsStatus tls_take(SSL *stream, uint8_t *plain, size_t size, size_t *ret_length);

/* Encrypts all of plain into the output; false: the stream is broken or the output is full. */
bool tls_put(SSL *stream, const uint8_t *plain, size_t length);

/* Adds our close_notify to the output, once. */
void tls_end(SSL *stream);
