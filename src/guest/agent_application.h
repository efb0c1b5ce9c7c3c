/* The one program of an application pool. The host names it on the kernel's command line. The session of the image runs
 * `oriel-agent application`, as its user and in place of a desktop; that tells the agent how the program fares. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/application_wire.h"

typedef struct {
    char text[APPLICATION_LONGEST + 1]; /* the words, each ended with NUL */
    char *argv[APPLICATION_WORDS + 1];  /* NULL-ended, into text; argv[0] NULL: there is none */
} AgentApplication;

/* From the text of /proc/cmdline. False: a whole desktop is wanted. */
bool agent_application_parse(const char *command_line, AgentApplication *application);
bool agent_application_wanted(AgentApplication *application); /* of this machine */

typedef struct {
    bool runs; /* else it has ended */
    char lines[APPLICATION_LINES][APPLICATION_LINE + 1]; /* how it ended, and what it said last; ASCII */
    size_t lines_count;
} AgentApplicationNews;

#define AGENT_APPLICATION_ADDRESS "oriel/application" /* in the abstract name space; tests have others */

/* Where the session's side tells: a descriptor, or -1. */
int agent_application_listen(const char *address);
/* Next word from there. False: there is none (left). What it says is untrusted: anybody in the guest may say it. */
bool agent_application_hear(int fd, AgentApplicationNews *ret);

/* The whole life of `oriel-agent application`: runs the program, tells, returns its exit status. A program that fails at once
 * holds the session up for a moment: it would be started anew without a pause. */
int agent_application_run(const AgentApplication *application, const char *address);

/* What the session of an image asks for: "wanted" exits with 0 where one program is to be shown, "run" shows it. */
int agent_application_session(const char *verb);
