/* The beginning of a person's session in a seat: their home, the seat's folder, their X server in its unit. It takes seconds, and the
 * agent passes other people's pictures on meanwhile: a process of its own does it. */
#pragma once

#include <sys/types.h>

#include "guest/agent_account.h"

#define SEAT_FOLDER "/run/oriel/seats" /* and the seat's number: its person's alone */
#define SEAT_WORDS_MOST 24

typedef struct {
    char text[SEAT_WORDS_MOST][192];
    size_t count;
} SeatWords;

/* What came of it. */
typedef struct {
    Failure failure;
    int main_process; /* of the unit */
    AgentStep steps[4];
    size_t steps_count;
} SeatStarted;

typedef struct {
    pid_t pid;  /* 0: none */
    int output; /* readable: it has ended */
} SeatStarter;

void agent_seat_unit_name(unsigned number, char *name, size_t size);

/* All that runs in the unit, at once, however fast it forks. */
void agent_seat_unit_kill(unsigned number);

/* What its programs find in their environment. place: where the person is; NULL: not of interest. */
void agent_seat_environment(unsigned number, const AgentRequest *place, SeatWords *words);

bool agent_seat_start(const AgentAccount *person, const AgentRequest *request, SeatStarter *ret, Failure *failure);

/* False: what failed is in ret->failure, and there may be a unit all the same. */
bool agent_seat_started(SeatStarter *starter, SeatStarted *ret);
