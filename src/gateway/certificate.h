/* The gateway's certificate: made at first start, its fingerprint, and the TLS context that serves it. */
#pragma once

#include <glib.h>
#include <openssl/ssl.h>
#include <stdbool.h>

/* If the certificate file is missing, makes a self-signed one (ECDSA P-256, 825 days; names: this host's,
 * localhost and all its addresses) with its key (mode 0600; an existing key is used), in a folder of mode
 * 0700 if that is missing too. *ret_made says whether it did. A certificate without its key is an error. */
bool certificate_ensure(const char *certificate, const char *key, bool *ret_made, GError **error);

/* SHA-256 of the certificate as browsers show it: "AB:CD:...". Caller frees. NULL on failure. */
char *certificate_fingerprint(const char *certificate, GError **error);

/* A server context: TLS 1.2 and 1.3, forward secrecy and AEAD only, ALPN http/1.1, session tickets, no
 * renegotiation, no compression, buffers released while idle. NULL, with the reason, if the files do not fit
 * together. Caller frees with SSL_CTX_free; connections keep their own reference. */
SSL_CTX *certificate_context(const char *certificate, const char *key, GError **error);

/* Clients are asked for a certificate, and may have none. Whoever signed it: only which one it is counts, and that its key is the
 * client's (RFC 8446 4.4.3). */
void certificate_ask_clients(SSL_CTX *context);

/* Of the certificate that the context serves. */
char *certificate_context_fingerprint(SSL_CTX *context);
int certificate_context_days_left(SSL_CTX *context); /* negative: it has ended */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SSL_CTX, SSL_CTX_free)
