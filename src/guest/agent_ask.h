/* A question to whoever sits in front of the screen: a notification with two buttons, one question at a time. */
#pragma once

#include "guest/agent_child.h"
#include "guest/agent_message.h"
#include "guest/agent_session.h"

typedef struct {
    char id[AGENT_ID_LONGEST + 1]; /* ""; none is being asked */
    pid_t pid;
    int output;      /* readable: agent_ask_hear */
    bool taken_back; /* what is said now is nobody's answer */
    char said[16];
    size_t said_length;
} AgentQuestion;

typedef enum {
    ANSWER_NONE, /* none yet */
    ANSWER_ALLOW,
    ANSWER_REFUSE, /* also of who closes it without a choice */
    ANSWER_LOST,   /* it is over without an answer: taken back, or nothing shows it */
} AgentAnswer;

/* False: nobody is there who could be asked, or somebody is being asked already. */
bool agent_ask_begin(AgentQuestion *question, const AgentSession *session, const AgentRequest *request, Failure *failure);

/* The same as where->uid, in where->environment. */
bool agent_ask_open(AgentQuestion *question, const AgentChild *where, const AgentRequest *request, Failure *failure);

/* After anything but ANSWER_NONE the output is closed; the id is that of the question until the next begins. */
AgentAnswer agent_ask_hear(AgentQuestion *question);

/* Takes it off the screen; hear then says ANSWER_LOST. id NULL: whichever it is. */
void agent_ask_end(AgentQuestion *question, const char *id);
