#include "machine/agent.h"

#include "base/person_wire.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "machine/agent_link.h"
#include "machine/machine_internal.h"

#define ENTROPY_BYTES 64
#define MACHINE_ID_BYTES 16

static Json *message_new(const char *type)
{
    return json_pack("{s:s}", "type", type);
}

static void set_text(Json *message, const char *key, const char *text)
{
    if (text)
        json_object_set_new(message, key, json_string(text));
}

static void set_seat(Json *message, unsigned seat)
{
    if (seat)
        json_object_set_new(message, "seat", json_integer(seat));
}

static char *machine_id_new(void)
{
    uint8_t bytes[MACHINE_ID_BYTES];
    secret_random(bytes, sizeof bytes);
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < sizeof bytes; i++)
        g_string_append_printf(text, "%02x", bytes[i]);
    return g_string_free(text, FALSE);
}

bool agent_identity(Machine *machine, const AgentIdentity *identity, int64_t limit_ms, char **ret_steps,
                    GError **error)
{
    uint8_t entropy[ENTROPY_BYTES];
    secret_random(entropy, sizeof entropy);
    g_autofree char *encoded = g_base64_encode(entropy, sizeof entropy);
    g_autofree char *random_id = machine_id_new();
    Json *message = message_new("identity");
    json_object_set_new(message, "time_ms", json_integer(clock_utc_ms()));
    set_text(message, "entropy", encoded);
    set_text(message, "machine_id", identity->machine_id ? identity->machine_id : random_id);
    set_text(message, "hostname", identity->hostname);
    set_text(message, "locale", identity->locale);
    set_text(message, "keyboard", identity->keyboard);
    set_text(message, "time_zone", identity->time_zone);
    return agent_link_call(machine->agent, message, limit_ms, ret_steps, error);
}

void agent_logged_on_clear(AgentLoggedOn *logged_on)
{
    g_clear_pointer(&logged_on->account, g_free);
    g_clear_pointer(&logged_on->warnings, g_free);
    g_clear_pointer(&logged_on->steps, g_free);
}

bool agent_log_on(Machine *machine, const AgentLogOn *person, int64_t limit_ms, AgentLoggedOn *ret, GError **error)
{
    g_auto(AgentMessage) answer = {0};
    Json *message = message_new(AGENT_LOG_ON);
    set_seat(message, person->seat);
    set_text(message, "session", person->session);
    set_text(message, "user", person->account);
    json_object_set_new(message, "uid", json_integer(person->uid));
    set_text(message, "display_name", person->display_name);
    set_text(message, "locale", person->locale);
    set_text(message, "keyboard", person->keyboard);
    set_text(message, "time_zone", person->time_zone);
    set_text(message, "home", !person->has_home     ? AGENT_HOME_NONE
                              : person->home_is_new ? AGENT_HOME_NEW
                                                    : AGENT_HOME_KEPT);
    set_text(message, "warning", person->warning);
    if (!agent_link_ask(machine->agent, message, limit_ms, &answer, error))
        return false;
    *ret = (AgentLoggedOn){.account = g_steal_pointer(&answer.account),
                           .warnings = g_steal_pointer(&answer.warnings),
                           .steps = g_steal_pointer(&answer.second),
                           .has_home = answer.flag};
    return true;
}

bool agent_logs_on(const Machine *machine)
{
    return agent_link_logs_on(machine->agent);
}

bool agent_tunnels(const Machine *machine)
{
    return agent_link_tunnels(machine->agent);
}

bool agent_grow_home(Machine *machine, int64_t limit_ms, GError **error)
{
    return agent_link_call(machine->agent, message_new(AGENT_GROW_HOME), limit_ms, NULL, error);
}

bool agent_prepare_freeze(Machine *machine, int64_t limit_ms, GError **error)
{
    return agent_link_call(machine->agent, message_new("prepare-freeze"), limit_ms, NULL, error);
}

bool agent_seats(const Machine *machine)
{
    return agent_link_seats(machine->agent) > 0;
}

bool agent_log_off(Machine *machine, unsigned seat, int64_t limit_ms, GError **error)
{
    Json *message = message_new("log-off");
    set_seat(message, seat);
    return agent_link_call(machine->agent, message, limit_ms, NULL, error);
}

bool agent_resize(Machine *machine, unsigned width, unsigned height, int64_t limit_ms, GError **error)
{
    Json *message = message_new("resize");
    json_object_set_new(message, "width", json_integer(width));
    json_object_set_new(message, "height", json_integer(height));
    return agent_link_call(machine->agent, message, limit_ms, NULL, error);
}

bool agent_show(Machine *machine, const AgentShow *what, int64_t limit_ms, GError **error)
{
    Json *message = message_new("message");
    set_seat(message, what->seat);
    set_text(message, "title", what->title);
    set_text(message, "text", what->text);
    return agent_link_call(machine->agent, message, limit_ms, NULL, error);
}

bool agent_ask(Machine *machine, const AgentQuestion *question, GError **error)
{
    Json *message = message_new("ask");
    set_seat(message, question->seat);
    set_text(message, "question", question->id);
    set_text(message, "title", question->title);
    set_text(message, "text", question->text);
    set_text(message, "allow", question->allow);
    set_text(message, "refuse", question->refuse);
    json_object_set_new(message, "limit_ms", json_integer(question->limit_ms));
    return agent_link_call(machine->agent, message, 0, NULL, error);
}

bool agent_ask_end(Machine *machine, unsigned seat, const char *question, GError **error)
{
    Json *message = message_new("ask-end");
    set_seat(message, seat);
    set_text(message, "question", question);
    return agent_link_call(machine->agent, message, 0, NULL, error);
}

bool agent_lock(Machine *machine, unsigned seat, int64_t limit_ms, GError **error)
{
    Json *message = message_new("lock");
    set_seat(message, seat);
    return agent_link_call(machine->agent, message, limit_ms, NULL, error);
}

bool agent_unlock(Machine *machine, unsigned seat, int64_t limit_ms, GError **error)
{
    Json *message = message_new("unlock");
    set_seat(message, seat);
    return agent_link_call(machine->agent, message, limit_ms, NULL, error);
}

bool agent_ping(Machine *machine, int64_t limit_ms, GError **error)
{
    return agent_link_call(machine->agent, message_new("ping"), limit_ms, NULL, error);
}

bool agent_shut_down(Machine *machine, GError **error)
{
    return agent_link_call(machine->agent, message_new("shut-down"), 0, NULL, error);
}

bool agent_wait_ready(Machine *machine, bool settled, int64_t limit_ms, GError **error)
{
    return agent_link_wait_ready(machine->agent, settled, limit_ms, error);
}
