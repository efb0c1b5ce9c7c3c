/* The agent's side of contract 2: reads the host's lines, writes its own. Pure: no I/O, no state. What comes from the host
 * is checked as if it came from an enemy: a bug there must not make the guest unusable. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/agent_wire.h"
#include "base/application_wire.h"
#include "guest/failure.h"

typedef enum {
    REQUEST_PING,
    REQUEST_PREPARE_FREEZE,
    REQUEST_IDENTITY,
    REQUEST_LOG_ON,
    REQUEST_LOG_OFF,
    REQUEST_GROW_HOME,
    REQUEST_RESIZE,
    REQUEST_SHUT_DOWN,
    REQUEST_LOCK,
    REQUEST_UNLOCK,
    REQUEST_SHOW,
    REQUEST_ASK,
    REQUEST_ASK_END,
} AgentRequestType;

typedef struct {
    AgentRequestType type;
    char id[8 * AGENT_ID_LONGEST]; /* JSON text of a string or an integer, to be given back; "null" if there was none */
    Failure failure;               /* text is not "": a field is wrong; answer with it */
    int64_t time_ms;               /* identity */
    unsigned char entropy[AGENT_ENTROPY_BYTES];
    size_t entropy_length;
    char machine_id[33];
    char hostname[65];
    char locale[64];    /* "" if not given, as the next two */
    char keyboard[64];  /* "de" or "de,fr" (XKB layouts) */
    char time_zone[64]; /* "Europe/Berlin" */
    unsigned width, height; /* resize */
    char title[AGENT_TITLE_LONGEST + 1]; /* message; "" if not given; no control characters, as the next but for \n */
    char text[AGENT_TEXT_LONGEST + 1];
    char question[AGENT_ID_LONGEST + 1]; /* ask, ask-end: letters and digits */
    char allow[AGENT_CHOICE_LONGEST + 1], refuse[AGENT_CHOICE_LONGEST + 1];
    int ask_ms; /* so long there is to answer */
    char account[AGENT_ACCOUNT_LONGEST + 1]; /* log-on, as all of the following */
    unsigned uid;
    char display_name[256]; /* without ':', ',' and control characters: fit for passwd(5) */
    bool has_home, home_is_new;
    char session[AGENT_ID_LONGEST + 1];
    unsigned seat;   /* log-on, log-off, lock, message: 1 to AGENT_SEATS_MOST; 0: the desktop itself */
    Failure warning; /* of the host: for the screen too; "": none */
} AgentRequest;

typedef struct {
    const char *name;
    int64_t us;
} AgentStep;

/* False: no JSON object, or an unknown type: to be ignored. */
bool agent_request_parse(const char *line, size_t length, AgentRequest *request);

/* Standard base64 with padding. Returns the number of bytes, or -1 if the text is malformed or longer than size. */
int agent_base64_decode(const char *text, unsigned char *bytes, size_t size);

/* Each returns a line with its newline; caller frees with free(). NULL only when memory is out. */
char *agent_hello_text(const char *version, const char *boot_id);
char *agent_ready_text(bool settled, unsigned seats); /* how many people it can seat; 0: none but the desktop's own */
char *agent_pong_text(const char *id);
char *agent_session_text(bool logged_on, const char *user);
char *agent_seat_text(unsigned seat, bool logged_on, const char *user); /* the same of a seat */

/* idle_ms: since the last key or movement; negative: none was seen. held: locked, and only the host unlocks it. */
char *agent_activity_text(int64_t idle_ms, bool locked, bool held);

/* lines: text of APPLICATION_LINE bytes each, how it ended. */
char *agent_application_text(bool runs, const char lines[][APPLICATION_LINE + 1], size_t count);

char *agent_answer_text(unsigned seat, const char *question, bool allow); /* seat 0: of the desktop itself */

/* error NULL or "": success. steps may be NULL. */
char *agent_done_text(const char *id, const char *error, const AgentStep *steps, size_t count);

/* What a log-on came to: under which account, and what went wrong on the way (sentences). */
typedef struct {
    AgentStep steps[4];
    size_t steps_count;
    char account[AGENT_ACCOUNT_LONGEST + 1];
    bool has_home;
    Failure warnings[AGENT_WARNINGS_MOST];
    size_t warnings_count;
} AgentLogOn;

char *agent_log_on_text(const char *id, const AgentLogOn *result);
