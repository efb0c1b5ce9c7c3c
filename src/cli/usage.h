/* Texts made from the verb table: usage, shell completion and the man page. All pure; callers free with
 * g_free. */
#pragma once

#include "cli/verb.h"

/* `oriel --help` (both NULL), `oriel pool --help` (verb NULL), `oriel pool create --help`. */
char *usage_text(const VerbGroup *group, const Verb *verb);

/* "oriel pool create NAME --image IMAGE [options]" */
char *usage_synopsis(const VerbGroup *group, const Verb *verb);

/* "IMAGE" or "floating|dedicated"; "" for a flag. Borrowed. */
const char *usage_value(const Option *option);

/* A completion script for "bash", "zsh" or "fish"; NULL for any other shell. */
char *completion_text(const char *shell);

/* The man page oriel(1) in man(7)'s language. */
char *manual_text(void);
