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

/* ---- sealed secrets: what the store must give back and nobody else may read ---- */

/* Reads the key that seals, 32 bytes in hex in a file of mode 0600, and makes it where the file is missing. Once at the start,
 * before anything is sealed. Hosts that share a database share this file. INVALID: it is no key. */
bool secret_key_load(const char *path, GError **error);

/* A word that is the same for the same key, and says nothing of it: to notice another host's other key. Caller frees. */
char *secret_key_mark(void);

/* XChaCha20-Poly1305, as base64url. `purpose` ("totp 01ARZ…") must be the same to open it, so that nobody who can write to
 * the database moves a sealed text elsewhere. Caller frees. */
char *secret_seal(const char *purpose, const char *text);

/* Caller frees with secret_free. CORRUPT: changed, of another purpose, or sealed with another key. */
char *secret_open(const char *purpose, const char *sealed, GError **error);

typedef char SecretString;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SecretString, secret_free)
