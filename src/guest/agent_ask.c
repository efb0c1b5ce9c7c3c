#include "guest/agent_ask.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "guest/agent_show.h"
#include "guest/agent_words.h"

#define ALLOW "allow"
#define REFUSE "refuse"
#define END_MS 2000

/* The words of the buttons are data behind a name of our own. */
static bool action_text(char *text, size_t size, const char *name, const char *words)
{
    int length = snprintf(text, size, "--action=%s=%s", name, words);
    return length > 0 && (size_t)length < size;
}

bool agent_ask_open(AgentQuestion *question, const AgentChild *where, const AgentRequest *request, Failure *failure)
{
    char text[5 * sizeof((AgentSaid *)0)->text], allow[2 * AGENT_CHOICE_LONGEST + 32], refuse[2 * AGENT_CHOICE_LONGEST + 32];
    AgentSaid said, named, yes, no;
    const char *language = agent_words_language();
    if (question->pid > 0)
        return failure_set(failure, "another question is on the screen");
    if (!agent_show_escape(agent_words_say(language, request->text, &said), text, sizeof text) ||
        !action_text(allow, sizeof allow, ALLOW, agent_words_say(language, request->allow, &yes)) ||
        !action_text(refuse, sizeof refuse, REFUSE, agent_words_say(language, request->refuse, &no)))
        return failure_set(failure, "the text is too long");
    const char *const argv[] = {"notify-send", "--urgency=critical", "--app-name=Oriel", "--icon=dialog-question", allow, refuse,
                                "--", request->title[0] ? agent_words_say(language, request->title, &named) : "Question", text, NULL};
    AgentChild ask = {.argv = argv, .environment = where->environment, .uid = where->uid};
    pid_t pid = 0;
    int output = agent_child_open(&ask, &pid, failure);
    if (output < 0)
        return false;
    *question = (AgentQuestion){.pid = pid, .output = output};
    snprintf(question->id, sizeof question->id, "%s", request->question);
    return true;
}

bool agent_ask_begin(AgentQuestion *question, const AgentSession *session, const AgentRequest *request, Failure *failure)
{
    SessionEnvironment environment;
    if (question->pid > 0)
        return failure_set(failure, "another question is on the screen");
    if (!session->present || !session->graphical || !agent_session_environment(session, &environment))
        return failure_set(failure, "there is no desktop that could ask");
    AgentChild where = {.environment = environment.entries, .uid = session->uid};
    return agent_ask_open(question, &where, request, failure);
}

/* notify-send(1) prints the name of the action that was chosen, and nothing where the notification was closed. */
static AgentAnswer answer_of(const AgentQuestion *question, int status)
{
    if (question->taken_back || status != 0)
        return ANSWER_LOST;
    return strcmp(question->said, ALLOW "\n") == 0 ? ANSWER_ALLOW : ANSWER_REFUSE;
}

AgentAnswer agent_ask_hear(AgentQuestion *question)
{
    char block[64];
    ssize_t got;
    while ((got = read(question->output, block, sizeof block)) > 0) {
        size_t room = sizeof question->said - 1 - question->said_length, part = (size_t)got < room ? (size_t)got : room;
        memcpy(question->said + question->said_length, block, part);
        question->said_length += part;
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return ANSWER_NONE;
    close(question->output);
    question->output = -1;
    AgentAnswer answer = answer_of(question, agent_child_reap(question->pid, END_MS));
    question->pid = 0;
    return answer;
}

void agent_ask_end(AgentQuestion *question, const char *id)
{
    if (question->pid <= 0 || (id && strcmp(id, question->id) != 0))
        return;
    question->taken_back = true;
    kill(question->pid, SIGINT); /* notify-send closes what it shows */
}
