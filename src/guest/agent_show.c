#include "guest/agent_show.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/agent_wire.h"
#include "guest/agent_child.h"
#include "guest/agent_words.h"
#include "guest/file.h"

#define SHOW_MS 10000 /* the first notification starts the program that shows them */

bool agent_show_escape(const char *text, char *escaped, size_t size)
{
    size_t used = 0;
    for (; *text; text++) {
        const char one[] = {*text, '\0'};
        const char *as = *text == '&' ? "&amp;" : *text == '<' ? "&lt;" : *text == '>' ? "&gt;" : one;
        size_t length = strlen(as);
        if (length + 1 > size - used)
            return false;
        memcpy(escaped + used, as, length);
        used += length;
    }
    escaped[used] = '\0';
    return true;
}

static bool show_notification(const AgentSession *session, const char *title, const char *text, Failure *failure)
{
    char escaped[5 * sizeof((AgentSaid *)0)->text];
    SessionEnvironment environment;
    if (!agent_session_environment(session, &environment))
        return failure_set(failure, "the session has no desktop yet");
    if (!agent_show_escape(text, escaped, sizeof escaped))
        return failure_set(failure, "the text is too long");
    const char *const argv[] = {"notify-send", "--urgency=critical", "--app-name=Oriel", "--icon=dialog-information",
                                "--", title[0] ? title : "Message", escaped, NULL};
    AgentChild notify = {.argv = argv, .environment = environment.entries, .uid = session->uid, .timeout_ms = SHOW_MS};
    return agent_child_run(&notify, failure);
}

static bool show_lines(const AgentSession *session, const char *title, const char *text, Failure *failure)
{
    char path[sizeof session->tty + 8], lines[4 * AGENT_TEXT_LONGEST + AGENT_TITLE_LONGEST + 32];
    if (!session->tty[0])
        return failure_set(failure, "the session has neither a desktop nor a console");
    snprintf(path, sizeof path, "/dev/%s", session->tty);
    int used = snprintf(lines, sizeof lines, "\r\n\a*** %s ***\r\n", title[0] ? title : "Message");
    for (; *text && (size_t)used < sizeof lines - 8; text++) { /* a terminal in raw mode needs both */
        if (*text == '\n')
            lines[used++] = '\r';
        lines[used++] = *text;
    }
    used += snprintf(lines + used, sizeof lines - (size_t)used, "\r\n\r\n");
    autofd int fd = open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    return (fd >= 0 && write(fd, lines, (size_t)used) == used) ||
           failure_set_errno(failure, errno, "the console %s takes no message", session->tty);
}

bool agent_show(const AgentSession *session, const char *title, const char *text, Failure *failure)
{
    AgentSaid said, named;
    const char *language = agent_words_language();
    const char *in_language = agent_words_say(language, text, &said), *head = agent_words_say(language, title, &named);
    if (!session->present)
        return failure_set(failure, "nobody is logged on");
    return session->graphical ? show_notification(session, head, in_language, failure) : show_lines(session, head, in_language, failure);
}
