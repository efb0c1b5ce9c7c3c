/* A certificate for a house that has none yet. */
#pragma once

#include <glib.h>
#include <openssl/x509.h>

#define SELF_SIGNED_DAYS 825 /* the longest that browsers of Apple accept */

/* Signed by its own key: for this host's name, localhost and every address that the host has now. Caller
 * frees with X509_free. NULL on failure. */
X509 *self_signed_new(EVP_PKEY *key, GError **error);
