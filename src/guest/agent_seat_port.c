#include "guest/agent_seat_port.h"

static void send_done(AgentPort *port, const char *id, const Failure *failure)
{
    agent_port_send(port, agent_done_text(id, failure ? failure->text : NULL, NULL, 0));
}

void agent_seats_say(const AgentSeats *seats, AgentPort *port)
{
    for (unsigned number = 1; number <= seats->count; number++)
        if (seats->each[number].person.name[0] && !seats->each[number].starter.pid)
            agent_port_send(port, agent_seat_text(number, true, seats->each[number].person.name));
}

static void seat_begun(AgentPort *port, unsigned number, const AgentSeat *seat)
{
    agent_port_send(port, agent_seat_text(number, true, seat->person.name));
    agent_port_send(port, agent_log_on_text(seat->log_on_id, &seat->last));
}

void agent_seats_tell(AgentSeats *seats, AgentPort *port)
{
    AgentSeatNews news;
    unsigned number;
    while ((number = agent_seats_news(seats, &news)) != 0) {
        if (news.kind == SEAT_BEGUN) {
            seat_begun(port, number, &news.seat);
            continue;
        }
        if (news.kind == SEAT_ANSWERED) {
            agent_port_send(port, agent_answer_text(number, news.seat.question.id, news.allow));
            continue;
        }
        if (news.kind == SEAT_FAILED)
            send_done(port, news.seat.log_on_id, &news.failure);
        if (news.seat.log_off_id[0])
            send_done(port, news.seat.log_off_id, NULL);
        if (news.kind == SEAT_ENDED)
            agent_port_send(port, agent_seat_text(number, false, news.seat.person.name));
    }
}

static void seat_log_on(AgentSeats *seats, AgentPort *port, const AgentRequest *request)
{
    AgentLogOn result;
    Failure failure = {""};
    AgentSeated seated = agent_seat_log_on(seats, request, &result, &failure);
    if (seated == SEAT_REFUSED)
        send_done(port, request->id, &failure);
    else if (seated == SEAT_TAKEN)
        agent_port_send(port, agent_log_on_text(request->id, &result));
}

static void seat_log_off(AgentSeats *seats, AgentPort *port, const AgentRequest *request)
{
    Failure failure = {""};
    if (!agent_seat_log_off(seats, request, &failure))
        send_done(port, request->id, &failure);
}

static void seat_show(AgentSeats *seats, AgentPort *port, const AgentRequest *request)
{
    Failure failure = {""};
    agent_seat_show(seats, request, &failure);
    send_done(port, request->id, &failure);
}

static void seat_ask(AgentSeats *seats, AgentPort *port, const AgentRequest *request)
{
    Failure failure = {""};
    if (request->type == REQUEST_ASK)
        agent_seat_ask(seats, request, &failure);
    else
        agent_seat_ask_end(seats, request);
    send_done(port, request->id, &failure);
}

/* Of seats, whose X servers no log-in manager knows. */
bool agent_seats_handle(AgentSeats *seats, AgentPort *port, const AgentRequest *request)
{
    Failure unknown = {"a seat has no screen locker"};
    if (!request->seat)
        return false;
    if (request->type == REQUEST_LOG_ON)
        seat_log_on(seats, port, request);
    else if (request->type == REQUEST_LOG_OFF)
        seat_log_off(seats, port, request);
    else if (request->type == REQUEST_SHOW)
        seat_show(seats, port, request);
    else if (request->type == REQUEST_ASK || request->type == REQUEST_ASK_END)
        seat_ask(seats, port, request);
    else
        send_done(port, request->id, &unknown);
    return true;
}
