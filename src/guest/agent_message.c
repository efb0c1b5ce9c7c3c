#include "guest/agent_message.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const REQUEST_NAMES[] = {
    [REQUEST_PING] = AGENT_PING,         [REQUEST_PREPARE_FREEZE] = AGENT_PREPARE_FREEZE,
    [REQUEST_IDENTITY] = AGENT_IDENTITY, [REQUEST_LOG_ON] = AGENT_LOG_ON,
    [REQUEST_LOG_OFF] = AGENT_LOG_OFF,   [REQUEST_GROW_HOME] = AGENT_GROW_HOME,
    [REQUEST_RESIZE] = AGENT_RESIZE,     [REQUEST_SHUT_DOWN] = AGENT_SHUT_DOWN,
    [REQUEST_LOCK] = AGENT_LOCK,         [REQUEST_UNLOCK] = AGENT_UNLOCK,
    [REQUEST_SHOW] = AGENT_SHOW,         [REQUEST_ASK] = AGENT_ASK,
    [REQUEST_ASK_END] = AGENT_ASK_END,
};

static int base64_value(char letter)
{
    static const char LETTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = letter ? strchr(LETTERS, letter) : NULL;
    return at ? (int)(at - LETTERS) : -1;
}

int agent_base64_decode(const char *text, unsigned char *bytes, size_t size)
{
    size_t length = strlen(text), used = 0;
    if (length % 4 != 0)
        return -1;
    for (size_t i = 0; i < length; i += 4) {
        int padding = i + 4 == length ? (text[i + 3] == '=') + (text[i + 2] == '=' && text[i + 3] == '=') : 0;
        unsigned bits = 0;
        for (int k = 0; k < 4; k++) {
            int value = k >= 4 - padding ? 0 : base64_value(text[i + (size_t)k]);
            if (value < 0)
                return -1;
            bits = bits << 6 | (unsigned)value;
        }
        for (int k = 0; k < 3 - padding; k++) {
            if (used == size)
                return -1;
            bytes[used++] = (unsigned char)(bits >> (16 - 8 * k));
        }
    }
    return (int)used;
}

/* Copies a string field if it is made only of letters, digits and `others`, and does not begin with one of those. */
static bool take_word(json_t *object, const char *key, const char *others, char *value, size_t size)
{
    json_t *field = json_object_get(object, key);
    value[0] = '\0';
    if (!field || json_is_null(field))
        return true;
    const char *text = json_string_value(field);
    size_t length = text ? strlen(text) : 0;
    if (length == 0 || length >= size || json_string_length(field) != length || strstr(text, "..") ||
        !isalnum((unsigned char)text[0]))
        return false;
    for (const char *at = text; *at; at++)
        if (!isalnum((unsigned char)*at) && !strchr(others, *at))
            return false;
    memcpy(value, text, length + 1);
    return true;
}

static bool is_machine_id(const char *text)
{
    return strlen(text) == 32 && strspn(text, "0123456789abcdef") == 32;
}

/* Where the person is; false: the failure is set. */
static bool take_place(json_t *object, AgentRequest *request)
{
    const char *type = json_string_value(json_object_get(object, "type"));
    if (!take_word(object, "locale", "_.@-", request->locale, sizeof request->locale))
        return failure_set(&request->failure, "%s: locale must look like de_DE.UTF-8", type);
    if (!take_word(object, "keyboard", ",_-", request->keyboard, sizeof request->keyboard))
        return failure_set(&request->failure, "%s: keyboard must look like de or de,fr", type);
    return take_word(object, "time_zone", "/_+-", request->time_zone, sizeof request->time_zone) ||
           failure_set(&request->failure, "%s: time_zone must look like Europe/Berlin", type);
}

static void take_identity(json_t *object, AgentRequest *request)
{
    json_t *time = json_object_get(object, "time_ms");
    const char *entropy = json_string_value(json_object_get(object, "entropy"));
    int entropy_length = entropy ? agent_base64_decode(entropy, request->entropy, sizeof request->entropy) : 0;
    request->time_ms = json_integer_value(time);
    request->entropy_length = entropy_length > 0 ? (size_t)entropy_length : 0;
    if (!json_is_integer(time) || request->time_ms <= 0)
        failure_set(&request->failure, "identity: time_ms must be milliseconds since 1970");
    else if (entropy_length < 16)
        failure_set(&request->failure, "identity: entropy must be base64 of 16 to %d bytes", AGENT_ENTROPY_BYTES);
    else if (!take_word(object, "machine_id", "", request->machine_id, sizeof request->machine_id) ||
             !is_machine_id(request->machine_id))
        failure_set(&request->failure, "identity: machine_id must be 32 lower-case hex digits");
    else if (!take_word(object, "hostname", "-.", request->hostname, sizeof request->hostname) || !request->hostname[0])
        failure_set(&request->failure, "identity: hostname must be letters, digits, - and .");
    else
        take_place(object, request);
}

/* A field of passwd(5): what would end it, or a line, becomes a space. */
static void take_display_name(json_t *object, AgentRequest *request)
{
    const char *text = json_string_value(json_object_get(object, "display_name"));
    size_t length = text ? strnlen(text, sizeof request->display_name) : 0;
    if (length == sizeof request->display_name)
        length = 0;
    for (size_t i = 0; i < length; i++)
        request->display_name[i] = strchr(":,", text[i]) || iscntrl((unsigned char)text[i]) ? ' ' : text[i];
    request->display_name[length] = '\0';
}

static void take_warning(json_t *object, AgentRequest *request)
{
    const char *text = json_string_value(json_object_get(object, "warning"));
    if (text)
        failure_set(&request->warning, "%s", text);
    for (char *at = request->warning.text; *at; at++)
        if (iscntrl((unsigned char)*at))
            *at = ' '; /* it goes to a terminal */
}

static bool is_account(const char *name)
{
    return ((*name >= 'a' && *name <= 'z') || *name == '_') &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == strlen(name);
}

static void take_log_on(json_t *object, AgentRequest *request)
{
    json_int_t uid = json_integer_value(json_object_get(object, "uid"));
    const char *home = json_string_value(json_object_get(object, "home"));
    const char *account = json_string_value(json_object_get(object, "user"));
    size_t length = account ? json_string_length(json_object_get(object, "user")) : 0;
    request->home_is_new = home && strcmp(home, AGENT_HOME_NEW) == 0;
    request->has_home = request->home_is_new || (home && strcmp(home, AGENT_HOME_KEPT) == 0);
    take_display_name(object, request);
    if (length == 0 || length >= sizeof request->account || strlen(account) != length || !is_account(account))
        failure_set(&request->failure, "log-on: user must be at most %d of a-z, 0-9, _ and -, and begin with a letter",
                    AGENT_ACCOUNT_LONGEST);
    else if (uid < AGENT_UID_LEAST || uid > AGENT_UID_MOST)
        failure_set(&request->failure, "log-on: uid must be %d to %d", AGENT_UID_LEAST, AGENT_UID_MOST);
    else if (!home || (!request->has_home && strcmp(home, AGENT_HOME_NONE) != 0))
        failure_set(&request->failure, "log-on: home must be none, new or kept");
    else if (!take_word(object, "session", "", request->session, sizeof request->session) || !request->session[0])
        failure_set(&request->failure, "log-on: session must be letters and digits");
    else if (take_place(object, request)) {
        take_warning(object, request);
        memcpy(request->account, account, length + 1);
        request->uid = (unsigned)uid;
    }
}

static void take_size(json_t *object, AgentRequest *request)
{
    json_int_t width = json_integer_value(json_object_get(object, "width"));
    json_int_t height = json_integer_value(json_object_get(object, "height"));
    if (width < AGENT_SCREEN_SMALLEST || width > AGENT_SCREEN_LARGEST || height < AGENT_SCREEN_SMALLEST ||
        height > AGENT_SCREEN_LARGEST)
        failure_set(&request->failure, "resize: width and height must be %d to %d", AGENT_SCREEN_SMALLEST,
                    AGENT_SCREEN_LARGEST);
    else {
        request->width = (unsigned)width;
        request->height = (unsigned)height;
    }
}

/* What is shown to people: a terminal must not take any of it for orders (ECMA-48's C0, DEL and C1). jansson has checked the UTF-8. */
static bool take_line_of(json_t *object, const char *key, bool lines, char *value, size_t size)
{
    const char *text = json_string_value(json_object_get(object, key));
    size_t length = text ? strlen(text) : 0;
    value[0] = '\0';
    if (length >= size || (text && json_string_length(json_object_get(object, key)) != length))
        return false;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i], next = (unsigned char)text[i + 1];
        if ((byte < 0x20 && !(lines && byte == '\n')) || byte == 0x7f || (byte == 0xc2 && next < 0xa0))
            return false;
    }
    if (length > 0)
        memcpy(value, text, length + 1);
    return true;
}

static void take_message(json_t *object, AgentRequest *request)
{
    if (!take_line_of(object, "title", false, request->title, sizeof request->title))
        failure_set(&request->failure, "message: title must be at most %d bytes without control characters", AGENT_TITLE_LONGEST);
    else if (!take_line_of(object, "text", true, request->text, sizeof request->text) || !request->text[0])
        failure_set(&request->failure, "message: text must be 1 to %d bytes without control characters", AGENT_TEXT_LONGEST);
}

static bool take_question(json_t *object, AgentRequest *request)
{
    return (take_word(object, "question", "", request->question, sizeof request->question) && request->question[0]) ||
           failure_set(&request->failure, "question must be letters and digits");
}

static void take_ask(json_t *object, AgentRequest *request)
{
    json_int_t limit_ms = json_integer_value(json_object_get(object, "limit_ms"));
    take_message(object, request);
    if (request->failure.text[0] || !take_question(object, request))
        return;
    if (!take_line_of(object, "allow", false, request->allow, sizeof request->allow) || !request->allow[0] ||
        !take_line_of(object, "refuse", false, request->refuse, sizeof request->refuse) || !request->refuse[0])
        failure_set(&request->failure, "ask: allow and refuse must be 1 to %d bytes without control characters", AGENT_CHOICE_LONGEST);
    else if (limit_ms < 1 || limit_ms > AGENT_ASK_MOST_MS)
        failure_set(&request->failure, "ask: limit_ms must be 1 to %d", AGENT_ASK_MOST_MS);
    else
        request->ask_ms = (int)limit_ms;
}

static void take_seat(json_t *object, AgentRequest *request)
{
    json_t *seat = json_object_get(object, "seat");
    json_int_t number = json_integer_value(seat);
    if (!seat)
        return;
    if (!json_is_integer(seat) || number < 1 || number > AGENT_SEATS_MOST)
        failure_set(&request->failure, "seat must be 1 to %d", AGENT_SEATS_MOST);
    else
        request->seat = (unsigned)number;
}

static void take_id(json_t *object, AgentRequest *request)
{
    json_t *id = json_object_get(object, "id");
    snprintf(request->id, sizeof request->id, "null");
    bool fits = json_is_integer(id) || (json_is_string(id) && json_string_length(id) <= AGENT_ID_LONGEST);
    char *text = fits ? json_dumps(id, JSON_ENCODE_ANY | JSON_ENSURE_ASCII) : NULL;
    if (text && strlen(text) < sizeof request->id)
        snprintf(request->id, sizeof request->id, "%s", text);
    free(text);
}

bool agent_request_parse(const char *line, size_t length, AgentRequest *request)
{
    memset(request, 0, sizeof *request);
    json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
    const char *type = json_string_value(json_object_get(object, "type"));
    size_t known = sizeof REQUEST_NAMES / sizeof REQUEST_NAMES[0], found = 0;
    while (type && found < known && strcmp(type, REQUEST_NAMES[found]) != 0)
        found++;
    if (!type || found == known) {
        json_decref(object);
        return false;
    }
    request->type = (AgentRequestType)found;
    take_id(object, request);
    take_seat(object, request);
    if (request->type == REQUEST_IDENTITY)
        take_identity(object, request);
    if (request->type == REQUEST_LOG_ON)
        take_log_on(object, request);
    if (request->type == REQUEST_RESIZE)
        take_size(object, request);
    if (request->type == REQUEST_SHOW)
        take_message(object, request);
    if (request->type == REQUEST_ASK)
        take_ask(object, request);
    if (request->type == REQUEST_ASK_END)
        take_question(object, request);
    json_decref(object);
    return true;
}

/* Takes the reference; one line of compact JSON. */
static char *line_of(json_t *object)
{
    char *text = object ? json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
    json_decref(object);
    size_t length = text ? strlen(text) : 0;
    char *line = text ? realloc(text, length + 2) : NULL;
    if (!line) {
        free(text);
        return NULL;
    }
    memcpy(line + length, "\n", 2);
    return line;
}

static json_t *id_value(const char *id)
{
    json_t *value = json_loads(id, JSON_DECODE_ANY, NULL);
    return value ? value : json_null();
}

char *agent_hello_text(const char *version, const char *boot_id)
{
    return line_of(json_pack("{s:s, s:s, s:s}", "type", AGENT_HELLO, "version", version, "boot_id", boot_id));
}

char *agent_ready_text(bool settled, unsigned seats)
{
    json_t *object = json_pack("{s:s, s:b, s:b, s:b}", "type", AGENT_READY, "settled", (int)settled, "log_on", 1, "tunnel", 1);
    if (object && seats > 0)
        json_object_set_new(object, "seats", json_integer(seats));
    return line_of(object);
}

char *agent_pong_text(const char *id)
{
    return line_of(json_pack("{s:s, s:o}", "type", AGENT_PONG, "id", id_value(id)));
}

char *agent_session_text(bool logged_on, const char *user)
{
    const char *state = logged_on ? AGENT_LOGGED_ON : AGENT_LOGGED_OFF;
    return line_of(json_pack("{s:s, s:s, s:s}", "type", AGENT_SESSION, "state", state, "user", user));
}

char *agent_seat_text(unsigned seat, bool logged_on, const char *user)
{
    const char *state = logged_on ? AGENT_LOGGED_ON : AGENT_LOGGED_OFF;
    return line_of(json_pack("{s:s, s:s, s:s, s:i}", "type", AGENT_SESSION, "state", state, "user", user, "seat", (int)seat));
}

char *agent_activity_text(int64_t idle_ms, bool locked, bool held)
{
    json_t *object = json_pack("{s:s, s:b}", "type", AGENT_ACTIVITY, "locked", (int)locked);
    if (object && held)
        json_object_set_new(object, "held", json_true());
    if (object && idle_ms >= 0)
        json_object_set_new(object, "idle_ms", json_integer(idle_ms));
    return line_of(object);
}

char *agent_answer_text(unsigned seat, const char *question, bool allow)
{
    json_t *object = json_pack("{s:s, s:s, s:b}", "type", AGENT_ANSWER, "question", question, "allow", (int)allow);
    if (object && seat > 0)
        json_object_set_new(object, "seat", json_integer(seat));
    return line_of(object);
}

char *agent_application_text(bool runs, const char lines[][APPLICATION_LINE + 1], size_t count)
{
    json_t *object = json_pack("{s:s, s:s}", "type", APPLICATION_TYPE, "state", runs ? APPLICATION_RUNS : APPLICATION_ENDED);
    json_t *list = object && !runs ? json_array() : NULL;
    for (size_t i = 0; list && i < count; i++)
        json_array_append_new(list, json_string(lines[i]));
    if (list)
        json_object_set_new(object, "lines", list);
    return line_of(object);
}

static void put_steps(json_t *object, const AgentStep *steps, size_t count)
{
    json_t *list = object && steps ? json_array() : NULL;
    for (size_t i = 0; list && i < count; i++)
        json_array_append_new(list, json_pack("{s:s, s:I}", "name", steps[i].name, "us", (json_int_t)steps[i].us));
    if (list)
        json_object_set_new(object, "steps", list);
}

char *agent_done_text(const char *id, const char *error, const AgentStep *steps, size_t count)
{
    json_t *object = json_pack("{s:s, s:o}", "type", AGENT_DONE, "id", id_value(id));
    if (object && error && *error)
        json_object_set_new(object, "error", json_string(error));
    put_steps(object, steps, count);
    return line_of(object);
}

char *agent_log_on_text(const char *id, const AgentLogOn *result)
{
    json_t *object = json_pack("{s:s, s:o, s:s, s:b}", "type", AGENT_DONE, "id", id_value(id), "user", result->account,
                               "home", (int)result->has_home);
    json_t *list = object ? json_array() : NULL;
    for (size_t i = 0; list && i < result->warnings_count; i++)
        json_array_append_new(list, json_string(result->warnings[i].text));
    if (list)
        json_object_set_new(object, "warnings", list);
    put_steps(object, result->steps, result->steps_count);
    return line_of(object);
}
