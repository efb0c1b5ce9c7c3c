#include "machine/agent_message.h"

#include <string.h>

#include "base/application_wire.h"
#include "base/id.h"
#include "base/person_wire.h"

#define STEPS_MOST 32
#define LINE_LONGEST 300

void agent_message_clear(AgentMessage *message)
{
    g_free(message->first);
    g_free(message->second);
    g_free(message->account);
    g_free(message->warnings);
    *message = (AgentMessage){0};
}

void agent_lines_feed(AgentLines *lines, const char *bytes, size_t length,
                      void (*take)(const char *line, size_t length, void *data), void *data)
{
    while (length > 0) {
        const char *end = memchr(bytes, '\n', length);
        size_t part = end ? (size_t)(end - bytes) : length;
        lines->dropping = lines->dropping || part > sizeof lines->line - lines->length;
        if (!lines->dropping) {
            memcpy(lines->line + lines->length, bytes, part);
            lines->length += part;
        }
        if (end && !lines->dropping && lines->length > 0)
            take(lines->line, lines->length, data);
        if (end || lines->dropping)
            lines->length = 0;
        if (end)
            lines->dropping = false;
        bytes += part + (end ? 1 : 0);
        length -= part + (end ? 1 : 0);
    }
}

/* A short printable text, or NULL. jansson has checked the UTF-8. */
static const char *text_of(const Json *object, const char *key, size_t limit)
{
    const char *text = json_string_value(json_object_get(object, key));
    if (!text || strlen(text) > limit)
        return NULL;
    for (const char *at = text; *at; at = g_utf8_next_char(at))
        if (g_unichar_iscntrl(g_utf8_get_char(at)))
            return NULL;
    return text;
}

static uint64_t id_of(const Json *object)
{
    json_int_t id = json_integer_value(json_object_get(object, "id"));
    return id > 0 ? (uint64_t)id : 0;
}

/* "clock 12 us, entropy 80 us": what the agent measured; NULL where it told nothing sensible. */
static char *steps_of(const Json *object)
{
    const Json *steps = json_object_get(object, "steps");
    size_t count = json_array_size(steps);
    if (count == 0 || count > STEPS_MOST)
        return NULL;
    g_autoptr(GString) text = g_string_new(NULL);
    for (size_t i = 0; i < count; i++) {
        const Json *step = json_array_get(steps, i);
        const char *name = text_of(step, "name", 63);
        if (name)
            g_string_append_printf(text, "%s%s %" JSON_INTEGER_FORMAT " us", text->len > 0 ? ", " : "", name,
                                   json_integer_value(json_object_get(step, "us")));
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static bool read_hello(const Json *object, AgentMessage *message)
{
    const char *version = text_of(object, "version", AGENT_TEXT_LIMIT);
    const char *boot_id = text_of(object, "boot_id", AGENT_TEXT_LIMIT);
    if (!version || !boot_id)
        return false;
    message->kind = AGENT_HELLO;
    message->first = g_strdup(version);
    message->second = g_strdup(boot_id);
    return true;
}

/* Absent: 0. False: not one that there can be. */
static bool read_seat(const Json *object, const char *key, unsigned *ret)
{
    const Json *seat = json_object_get(object, key);
    json_int_t number = json_integer_value(seat);
    *ret = seat && number >= 0 && number <= AGENT_SEATS_MOST ? (unsigned)number : 0;
    return !seat || (json_is_integer(seat) && number >= 0 && number <= AGENT_SEATS_MOST);
}

static bool read_session(const Json *object, AgentMessage *message)
{
    const char *state = text_of(object, "state", AGENT_TEXT_LIMIT);
    const char *user = text_of(object, "user", AGENT_TEXT_LIMIT);
    if (!state || !user || !read_seat(object, "seat", &message->seat))
        return false;
    message->kind = AGENT_SESSION;
    message->flag = g_str_equal(state, "logged-on");
    message->first = g_strdup(user);
    return message->flag || g_str_equal(state, "logged-off");
}

/* What people will read: a guest cannot write more lines than `most`, nor long ones. */
static char *lines_of(const Json *object, const char *key, size_t most)
{
    const Json *list = json_object_get(object, key);
    g_autoptr(GString) text = g_string_new(NULL);
    for (size_t i = 0; i < MIN(json_array_size(list), most); i++) {
        g_autoptr(Json) one = json_pack("{s:O}", "line", json_array_get(list, i));
        const char *line = text_of(one, "line", LINE_LONGEST);
        if (line && *line)
            g_string_append_printf(text, "%s%s", text->len > 0 ? "\n" : "", line);
    }
    return text->len > 0 ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}

static bool read_application(const Json *object, AgentMessage *message)
{
    const char *state = text_of(object, "state", AGENT_TEXT_LIMIT);
    message->kind = AGENT_APPLICATION;
    message->flag = g_strcmp0(state, APPLICATION_RUNS) == 0;
    if (message->flag)
        return true;
    message->first = lines_of(object, "lines", APPLICATION_LINES);
    if (!message->first)
        message->first = g_strdup("it did not say why");
    return g_strcmp0(state, APPLICATION_ENDED) == 0;
}

static char *account_of(const Json *object)
{
    const char *account = text_of(object, "user", AGENT_ACCOUNT_LONGEST);
    bool fits = account && strspn(account, "abcdefghijklmnopqrstuvwxyz0123456789_-") == strlen(account);
    return fits ? g_strdup(account) : NULL;
}

static bool read_done(const Json *object, AgentMessage *message)
{
    message->kind = AGENT_DONE;
    message->id = id_of(object);
    const char *failure = text_of(object, "error", 1000);
    if (json_object_get(object, "error"))
        message->first = g_strdup(failure ? failure : "the agent failed without a readable reason");
    message->second = steps_of(object);
    message->flag = json_is_true(json_object_get(object, "home"));
    message->account = account_of(object);
    message->warnings = lines_of(object, "warnings", AGENT_WARNINGS_MOST);
    return true;
}

/* A time that cannot be is no time: an agent may lie, but only within what an honest one could say. */
static bool read_activity(const Json *object, AgentMessage *message)
{
    const Json *idle = json_object_get(object, "idle_ms"), *locked = json_object_get(object, "locked");
    message->kind = AGENT_ACTIVITY;
    message->flag = json_is_true(locked);
    message->held = message->flag && json_is_true(json_object_get(object, "held"));
    message->idle_ms = idle ? json_integer_value(idle) : -1;
    bool is_time = json_is_integer(idle) && message->idle_ms >= 0 && message->idle_ms <= LIMIT_AGENT_IDLE_MS;
    return read_seat(object, "seat", &message->seat) && json_is_boolean(locked) && (!idle || is_time);
}

static bool read_answer(const Json *object, AgentMessage *message)
{
    const char *question = text_of(object, "question", ID_LENGTH);
    const Json *allow = json_object_get(object, "allow");
    if (!question || !id_is_valid(question) || !json_is_boolean(allow) || !read_seat(object, "seat", &message->seat))
        return false;
    message->kind = AGENT_ANSWERED;
    message->first = g_strdup(question);
    message->flag = json_is_true(allow);
    return true;
}

bool agent_message_parse(const char *line, size_t length, AgentMessage *ret)
{
    g_auto(AgentMessage) message = {.kind = AGENT_UNKNOWN};
    bool sensible = true;
    if (length > LIMIT_AGENT_LINE)
        return false;
    g_autoptr(Json) object = json_parse_object(line, length, "agent's line", NULL);
    const char *type = json_string_value(json_object_get(object, "type"));
    if (!type)
        return false;
    if (g_str_equal(type, "hello")) {
        sensible = read_hello(object, &message);
    } else if (g_str_equal(type, "ready")) {
        message.kind = AGENT_READY;
        message.flag = json_is_true(json_object_get(object, "settled"));
        message.logs_on = json_is_true(json_object_get(object, "log_on"));
        sensible = read_seat(object, "seats", &message.seat);
        message.tunnels = json_is_true(json_object_get(object, "tunnel"));
    } else if (g_str_equal(type, "done")) {
        sensible = read_done(object, &message);
    } else if (g_str_equal(type, "session")) {
        sensible = read_session(object, &message);
    } else if (g_str_equal(type, "activity")) {
        sensible = read_activity(object, &message);
    } else if (g_str_equal(type, APPLICATION_TYPE)) {
        sensible = read_application(object, &message);
    } else if (g_str_equal(type, "answer")) {
        sensible = read_answer(object, &message);
    } else if (g_str_equal(type, "pong")) {
        message.kind = AGENT_PONG;
        message.id = id_of(object);
    }
    if (!sensible)
        return false;
    *ret = message;
    message = (AgentMessage){0};
    return true;
}
