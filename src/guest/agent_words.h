/* What the agent itself says to people, in the language of the session (LANG, which a log-on sets): English, German, French, Spanish,
 * Japanese, Chinese. */
#pragma once

#include <stdbool.h>

typedef enum {
    WORDS_LOCKED,     /* a locked screen's title */
    WORDS_LOCKED_HOW, /* and how to go on */
    WORDS_COUNT,
} AgentWords;

/* "de" of "de_DE.UTF-8"; "en" where there is no such language here, or (root: "" or a folder of a test) no font that could show it. */
const char *agent_words_language_of(const char *root, const char *locale);

/* Of this machine, as /etc/default/locale says now. */
const char *agent_words_language(void);

/* Never NULL. */
const char *agent_words(const char *language, AgentWords which);
