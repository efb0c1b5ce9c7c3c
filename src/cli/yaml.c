#include "cli/yaml.h"

#include <string.h>
#include <yaml.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/number.h"

typedef struct {
    yaml_parser_t parser;
    const char *what;
    GError **error;
} Reader;

/* Borrowed by the event's end. */
static void event_end(yaml_event_t *event)
{
    yaml_event_delete(event);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(yaml_event_t, event_end)

static Json *refuse(Reader *reader, const yaml_event_t *event, const char *why)
{
    oriel_fail(reader->error, ORIEL_ERROR_INVALID, "%s, line %zu: %s", reader->what, event->start_mark.line + 1, why);
    return NULL;
}

static bool next(Reader *reader, yaml_event_t *ret)
{
    if (yaml_parser_parse(&reader->parser, ret))
        return true;
    const yaml_parser_t *parser = &reader->parser;
    size_t line = parser->problem_mark.line ? parser->problem_mark.line : parser->context_mark.line;
    oriel_fail(reader->error, ORIEL_ERROR_INVALID, "%s, line %zu: %s", reader->what, line + 1,
               parser->problem ? parser->problem : "it is no YAML");
    memset(ret, 0, sizeof *ret);
    return false;
}

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(text, *words) == 0)
            return true;
    return false;
}

/* A plain scalar of the core schema. */
static Json *plain(const char *text)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const truths[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    uint64_t number = 0;
    if (is_one_of(text, nulls))
        return json_null();
    if (is_one_of(text, truths) || is_one_of(text, falses))
        return json_boolean(is_one_of(text, truths));
    bool minus = text[0] == '-';
    if (number_parse(text + minus, 0, G_MAXINT64, "number", &number, NULL))
        return json_integer(minus ? -(json_int_t)number : (json_int_t)number);
    return json_string(text);
}

static Json *scalar(Reader *reader, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    if (event->data.scalar.anchor)
        return refuse(reader, event, "anchors (&) are not understood here: write it out");
    if (event->data.scalar.tag)
        return refuse(reader, event, "tags (!) are not understood here");
    if (strlen(text) != event->data.scalar.length)
        return refuse(reader, event, "a text with a zero byte");
    Json *value = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? plain(text) : json_string(text);
    return value ? value : refuse(reader, event, "a text that is no UTF-8");
}

static Json *node(Reader *reader, const yaml_event_t *event, unsigned depth);

static Json *sequence(Reader *reader, unsigned depth)
{
    g_autoptr(Json) list = json_array();
    for (;;) {
        g_auto(yaml_event_t) event = {0};
        if (!next(reader, &event))
            return NULL;
        if (event.type == YAML_SEQUENCE_END_EVENT)
            return g_steal_pointer(&list);
        Json *value = node(reader, &event, depth);
        if (!value)
            return NULL;
        json_array_append_new(list, value);
    }
}

static Json *mapping(Reader *reader, unsigned depth)
{
    g_autoptr(Json) object = json_object();
    for (;;) {
        g_auto(yaml_event_t) key = {0}, value = {0};
        if (!next(reader, &key))
            return NULL;
        if (key.type == YAML_MAPPING_END_EVENT)
            return g_steal_pointer(&object);
        if (key.type != YAML_SCALAR_EVENT)
            return refuse(reader, &key, "a key has to be a word");
        g_autoptr(Json) checked = scalar(reader, &key);
        if (!checked)
            return NULL;
        const char *name = (const char *)key.data.scalar.value;
        if (json_object_get(object, name)) {
            g_autofree char *why = g_strdup_printf("\"%s\" stands here twice", name);
            return refuse(reader, &key, why);
        }
        Json *member = next(reader, &value) ? node(reader, &value, depth) : NULL;
        if (!member)
            return NULL;
        json_object_set_new(object, name, member);
    }
}

static Json *node(Reader *reader, const yaml_event_t *event, unsigned depth)
{
    bool is_sequence = event->type == YAML_SEQUENCE_START_EVENT;
    if (event->type == YAML_SCALAR_EVENT)
        return scalar(reader, event);
    if (event->type == YAML_ALIAS_EVENT)
        return refuse(reader, event, "aliases (*) are not understood here: write it out");
    if (!is_sequence && event->type != YAML_MAPPING_START_EVENT)
        return refuse(reader, event, "a value is missing");
    if (is_sequence ? !!event->data.sequence_start.anchor : !!event->data.mapping_start.anchor)
        return refuse(reader, event, "anchors (&) are not understood here: write it out");
    if (is_sequence ? !!event->data.sequence_start.tag : !!event->data.mapping_start.tag)
        return refuse(reader, event, "tags (!) are not understood here");
    if (depth == LIMIT_APPLY_DEPTH) {
        oriel_fail(reader->error, ORIEL_ERROR_TOO_LARGE, "%s, line %zu: more than %d levels deep", reader->what,
                   event->start_mark.line + 1, LIMIT_APPLY_DEPTH);
        return NULL;
    }
    return is_sequence ? sequence(reader, depth + 1) : mapping(reader, depth + 1);
}

static Json *document(Reader *reader)
{
    for (;;) {
        g_auto(yaml_event_t) event = {0};
        if (!next(reader, &event))
            return NULL;
        if (event.type == YAML_STREAM_START_EVENT || event.type == YAML_DOCUMENT_START_EVENT)
            continue;
        if (event.type != YAML_MAPPING_START_EVENT)
            return refuse(reader, &event, "what is wanted has to be here, such as \"pools:\" and a list of them");
        return node(reader, &event, 0);
    }
}

/* Nothing may follow the one document. */
static bool stream_ends(Reader *reader)
{
    for (;;) {
        g_auto(yaml_event_t) event = {0};
        if (!next(reader, &event))
            return false;
        if (event.type == YAML_STREAM_END_EVENT)
            return true;
        if (event.type != YAML_DOCUMENT_END_EVENT)
            return refuse(reader, &event, "a second document: put everything into one") != NULL;
    }
}

Json *yaml_parse_object(const char *text, size_t length, const char *what, GError **error)
{
    Reader reader = {.what = what, .error = error};
    if (!yaml_parser_initialize(&reader.parser))
        g_error("out of memory");
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, length);
    g_autoptr(Json) object = document(&reader);
    bool whole = object && stream_ends(&reader);
    yaml_parser_delete(&reader.parser);
    return whole ? g_steal_pointer(&object) : NULL;
}
