/* Only for this folder. */
#pragma once

#include "store/transaction.h"

typedef struct {
    const char *user_id;
    const char *hash;
    const char *keep_session_id; /* NULL: none */
    bool keep_tokens;
} PasswordWrite;

/* Writes the hash, ends the user's other web sessions, all their links and, unless kept, API tokens. *ret_name (g_free) for the event.
 * NOT_FOUND. */
bool password_write(Transaction *transaction, const PasswordWrite *write, char **ret_name, GError **error);
