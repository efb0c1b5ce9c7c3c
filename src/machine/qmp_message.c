#include "machine/qmp_message.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"

void qmp_message_clear(QmpMessage *message)
{
    json_decref(message->value);
    g_free(message->name);
    g_free(message->description);
    *message = (QmpMessage){0};
}

/* Our ids are positive integers; anything else was not sent by us. */
static bool read_id(const Json *object, uint64_t *ret_id)
{
    const Json *id = json_object_get(object, "id");
    *ret_id = 0;
    if (!id)
        return true;
    if (!json_is_integer(id) || json_integer_value(id) <= 0)
        return false;
    *ret_id = (uint64_t)json_integer_value(id);
    return true;
}

static bool read_event(Json *object, QmpMessage *message)
{
    const char *name = json_string_value(json_object_get(object, "event"));
    Json *data = json_object_get(object, "data");
    if (!name || (data && !json_is_object(data)))
        return false;
    message->kind = QMP_EVENT;
    message->name = g_strdup(name);
    message->value = data ? json_incref(data) : json_object();
    return true;
}

static bool read_error(Json *object, QmpMessage *message)
{
    const Json *error = json_object_get(object, "error");
    const char *class = json_string_value(json_object_get(error, "class"));
    const char *description = json_string_value(json_object_get(error, "desc"));
    if (!class || !description || !read_id(object, &message->id))
        return false;
    message->kind = QMP_ERROR;
    message->name = g_strdup(class);
    message->description = g_strdup(description);
    return true;
}

static bool read_message(Json *object, QmpMessage *message)
{
    Json *value = json_object_get(object, "return");
    if (value) {
        message->kind = QMP_RETURN;
        message->value = json_incref(value);
        return read_id(object, &message->id) && message->id > 0;
    }
    if (json_object_get(object, "error"))
        return read_error(object, message);
    if (json_object_get(object, "event"))
        return read_event(object, message);
    message->kind = QMP_GREETING;
    message->value = json_incref(object);
    return json_is_object(json_object_get(json_object_get(object, "QMP"), "version"));
}

bool qmp_message_parse(const char *line, size_t length, QmpMessage *ret, GError **error)
{
    if (length > LIMIT_QMP_LINE)
        return oriel_fail(error, ORIEL_ERROR_CORRUPT, "a QMP line is over %d bytes", LIMIT_QMP_LINE);
    g_autoptr(Json) object = json_parse_object(line, length, "QMP line", error);
    if (!object) {
        if (error && *error)
            (*error)->code = ORIEL_ERROR_CORRUPT;
        return false;
    }
    g_auto(QmpMessage) message = {0};
    if (!read_message(object, &message))
        return oriel_fail(error, ORIEL_ERROR_CORRUPT, "a QMP line is neither greeting, answer nor event");
    *ret = message;
    message = (QmpMessage){0};
    return true;
}
