/* Random bytes, tokens and their hashes, on libsodium. Any thread after secret_init. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Once at the start of a process; false: libsodium cannot start (no entropy). */
bool secret_init(GError **error);

void secret_random(void *bytes, size_t length);

/* 256 random bits as 43 characters of base64url: tickets, session cookies, API tokens. Caller frees with secret_free. */
char *secret_token_new(void);

/* What the store keeps of a token: its BLAKE2b-256 in hex. (A token has 256 bits of its own: no salt, no argon2.) */
char *secret_token_hash(const char *token);

/* Compares in constant time. NULL equals nothing. */
bool secret_equal(const char *a, const char *b);

/* Wipes and frees a string; NULL is fine. */
void secret_free(char *secret);

/* argon2id at libsodium's "interactive" cost (64 MiB, about 0.1 s): caller holds no lock. Caller frees the result. */
char *secret_password_hash(const char *password, GError **error);
bool secret_password_verify(const char *hash, const char *password);

typedef char SecretString;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SecretString, secret_free)
