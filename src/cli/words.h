/* What a mistyped word probably meant. Pure. */
#pragma once

#include <glib.h>

/* The nearest of the words (a NULL-ended list) to what was typed, or NULL if none is near. Borrowed from
 * words. */
const char *word_nearest(const char *typed, const char *const *words);

/* The same, after words of other tools ("ls", "rm", "new") have had their say. */
const char *word_meant_verb(const char *typed, const char *const *words);

/* "pools" and "pool" are the same group: what was typed, without a plural's s where that names a group.
 * Borrowed. */
const char *word_meant_group(const char *typed);
