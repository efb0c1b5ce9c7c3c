/* Reading settings that an administrator wrote: strict, each failure a sentence that names the setting. Pure; any thread.
 *
 * A function leaves *ret as it is where the key is absent or null. */
#pragma once

#include "base/json.h"

/* INVALID if there is a key that is not among `keys` (NULL-ended). */
bool settings_only(Json *settings, const char *const *keys, GError **error);
bool settings_flag(Json *settings, const char *key, bool *ret, GError **error);
/* A line of text without control characters, at most LIMIT_DIRECTORY_TEXT bytes, not empty; borrowed. */
bool settings_text(Json *settings, const char *key, const char **ret, GError **error);

typedef struct {
    const char *key;
    int64_t lowest;
    int64_t highest;
} SettingsNumber;
bool settings_number(Json *settings, const SettingsNumber *number, int64_t *ret, GError **error);

/* One of `words` (NULL-ended): its index. */
bool settings_word(Json *settings, const char *key, const char *const *words, int *ret, GError **error);
/* The word of one role. */
bool settings_role(Json *settings, const char *key, const char **ret, GError **error);
/* Certificates as PEM text: at least one; borrowed. */
bool settings_certificates(Json *settings, const char *key, const char **ret, GError **error);
/* Lines of text: 1 to `most`. Borrowed texts in a new NULL-ended array (g_free). */
bool settings_list(Json *settings, const char *key, size_t most, const char ***ret, GError **error);
