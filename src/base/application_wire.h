/* What host and guest agent say of the one program of an application pool. Constants only, no GLib, as agent_wire.h. */
#pragma once

#define APPLICATION_TYPE "application" /* "type" of the agent's message */

/* its "state" */
#define APPLICATION_RUNS "runs"
#define APPLICATION_ENDED "ended"

#define APPLICATION_LINES 6  /* of its "lines" */
#define APPLICATION_LINE 200 /* bytes of one */

/* On the kernel's command line: the program's words, each ended with NUL, as base64. The whole line has 2048 bytes (x86),
 * of which a recipe may take 1000. */
#define APPLICATION_PARAMETER "oriel.application"
#define APPLICATION_LONGEST 600 /* bytes of these words */
#define APPLICATION_WORDS 64
