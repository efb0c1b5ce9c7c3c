/* What the agent itself says to people, in the language of the session (LANG, which a log-on sets): English, German, French, Spanish,
 * Japanese, Chinese. */
#pragma once

#include <stdbool.h>

#include "base/agent_wire.h"

typedef enum {
    WORDS_LOCKED,     /* a locked screen's title */
    WORDS_LOCKED_HOW, /* and how to go on */
    WORDS_HELP_DESK,  /* from here on as words_wire.h has them */
    WORDS_SOMEBODY,
    WORDS_ALLOW,
    WORDS_REFUSE,
    WORDS_ASK_VIEW,
    WORDS_ASK_CONTROL,
    WORDS_SEES,
    WORDS_WORKS,
    WORDS_NO_HOME,
    WORDS_NOT_NAMED,
    WORDS_NOT_PUT_AWAY,
    WORDS_NO_PLACE,
    WORDS_COUNT,
} AgentWords;

/* "de" of "de_DE.UTF-8"; "en" where there is no such language here, or (root: "" or a folder of a test) no font that could show it. */
const char *agent_words_language_of(const char *root, const char *locale);

/* Of this machine, as /etc/default/locale says now. */
const char *agent_words_language(void);

/* Never NULL. */
const char *agent_words(const char *language, AgentWords which);

typedef struct {
    char text[AGENT_TEXT_LONGEST + 512];
} AgentSaid;

/* A sentence of words_wire.h in that language, made in `said`; any other text, and what does not fit, as it is. */
const char *agent_words_say(const char *language, const char *text, AgentSaid *said);
