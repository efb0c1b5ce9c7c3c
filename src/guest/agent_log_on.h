/* The person whose click claimed this desktop becomes who works in it.
 *
 * A template is frozen with a session of the image's own user, ready and painted, so that the picture is there at once.
 * Without a user disk that session stays, and the person's name becomes the first name of that account: nothing restarts.
 * With one, the session must begin anew, for what runs holds settings and folders of the old home: the old session ends,
 * the screen says so, and oriel-session@NAME.service begins on the same screen. Whatever fails, there is a session, and
 * the result says what is missing. */
#pragma once

#include "guest/agent_home.h"
#include "guest/agent_session.h"

typedef struct {
    AgentAccount base;   /* the image's user; name "" where there is none */
    AgentAccount person; /* name "": nobody yet */
    char session[AGENT_ID_LONGEST + 1]; /* the host's id of the session that they were logged on for; "": none */
    AgentLogOn last;     /* what came of it: said again for the same session, the answer is the same */
    bool has_home;       /* person's disk is mounted, and the session is theirs alone */
} AgentPerson;

/* Reads who the image's user is. name: of /etc/oriel/agent.conf. */
void agent_person_init(AgentPerson *who, const char *name);

/* For an agent that is started again under a running session: a file of /run. */
void agent_person_remember(const AgentPerson *who);

/* Blocks, bounded by the limits of each step. `session`: what is there now. False: it was said already, and the result is the
 * same; nobody needs to be shown its warnings again. */
bool agent_log_on(AgentPerson *who, const AgentRequest *request, const AgentSession *session, AgentLogOn *result);

/* After the person's session has ended: their disk is let go of, and the image's user is back on the screen. True at once
 * where there was no disk. */
bool agent_log_off_home(AgentPerson *who, Failure *failure);

/* The locale is installed: /usr/lib/locale has it in its archive or as a folder. */
bool agent_locale_exists(const char *root, const char *locale);
