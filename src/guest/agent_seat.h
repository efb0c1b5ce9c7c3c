/* A machine that several people share: each works in a seat, with an account, a home and an X server of their own (Xvnc), in a unit
 * of systemd of its own (oriel-seat-N), which bounds what one can take from the others. Nobody reaches another's home, screen or
 * socket: homes and folders of seats are 0700, X servers ask for a cookie, and listen on no network. */
#pragma once

#include "base/person_wire.h"
#include "guest/agent_ask.h"
#include "guest/agent_seat_start.h"

typedef struct {
    AgentAccount person; /* name "": nobody */
    char session[AGENT_ID_LONGEST + 1];
    AgentLogOn last;     /* said again for the same session, the answer is the same */
    SeatStarter starter; /* while they cannot work there yet */
    char log_on_id[sizeof((AgentRequest *)0)->id];  /* to be answered then */
    char log_off_id[sizeof((AgentRequest *)0)->id]; /* of a log-off that is under way; "": none */
    int process; /* pidfd of the unit's main process; -1: none */
    AgentQuestion question; /* that they are asked */
    int question_timer;     /* when that is over; -1: none is asked */
} AgentSeat;

typedef struct {
    int epoll; /* readable: agent_seats_news has some */
    unsigned count; /* 0: this image cannot seat people: no Xvnc, or no session to start in it */
    AgentAccount base;
    AgentSeat each[AGENT_SEATS_MOST + 1]; /* by number, from 1 */
} AgentSeats;

/* What an agent before us has left is ended. */
bool agent_seats_open(AgentSeats *seats, const AgentAccount *base);

typedef enum { SEAT_TAKEN, SEAT_BEGINS, SEAT_REFUSED } AgentSeated;

/* SEAT_TAKEN: said before, and *result is what it was. SEAT_BEGINS: agent_seats_news tells; but where somebody else is being seated
 * there, or the person is on their way out of another seat, it tells nothing of this request, which is to be said again. */
AgentSeated agent_seat_log_on(AgentSeats *seats, const AgentRequest *request, AgentLogOn *result, Failure *failure);

/* Asks the unit to end, and kills it after a while: agent_seats_news tells. */
bool agent_seat_log_off(AgentSeats *seats, const AgentRequest *request, Failure *failure);

typedef enum { SEAT_BEGUN, SEAT_FAILED, SEAT_ENDED, SEAT_ANSWERED } AgentSeatChange;

typedef struct {
    AgentSeatChange kind;
    AgentSeat seat;  /* as it was just before somebody left it; its descriptors are not to be used */
    Failure failure; /* of SEAT_FAILED: nobody sits there now */
    bool allow;      /* of SEAT_ANSWERED */
} AgentSeatNews;

/* The seat whose person is there now, or gone, with whatever they left running killed, or has answered; 0: no more news. */
unsigned agent_seats_news(AgentSeats *seats, AgentSeatNews *ret);

bool agent_seat_show(AgentSeats *seats, const AgentRequest *request, Failure *failure);

/* As agent_ask_begin and agent_ask_end. */
bool agent_seat_ask(AgentSeats *seats, const AgentRequest *request, Failure *failure);
void agent_seat_ask_end(AgentSeats *seats, const AgentRequest *request);

/* In the unit, as the person: the X server, then what the image calls its session; ends with either. */
int agent_seat_run(const char *number);
