#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "forward/forward.h"
#include "forward/sender.h"

static Json *text_or_null(const char *text)
{
    return text && *text ? json_string(text) : json_null();
}

Json *event_json(const StoreEvent *event)
{
    Json *detail = json_loads(event->detail ? event->detail : "{}", JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(detail)) {
        json_decref(detail);
        detail = json_object();
    }
    bool has_object = event->object_kind && *event->object_kind;
    Json *object = has_object ? json_pack("{s:s, s:o, s:o}", "kind", event->object_kind, "id",
                                          text_or_null(event->object_id), "name", text_or_null(event->object_name))
                              : json_null();
    const char *actor = event->actor_name && *event->actor_name ? event->actor_name : "system";
    return json_pack("{s:I, s:s, s:I, s:s, s:o, s:s, s:o, s:s, s:o, s:s}", "sequence",
                     (json_int_t)event->sequence, "id", event->id, "time_ms", (json_int_t)event->time_ms, "actor",
                     actor, "address", text_or_null(event->address), "action", event->action, "object", object,
                     "result", event->result, "detail", detail, "hash", event->hash);
}

/* ---- RFC 5424 ---- */

enum { FACILITY_AUDIT = 13, SEVERITY_WARNING = 4, SEVERITY_INFO = 6, MSGID_LONGEST = 32 };

/* A header field: printable ASCII without spaces (6: PRINTUSASCII), "-" for nothing. */
static void add_header(GString *line, const char *text, size_t most)
{
    size_t length = 0;
    for (; text && text[length] && length < most; length++)
        g_string_append_c(line, text[length] > 0x20 && text[length] < 0x7f ? text[length] : '_');
    g_string_append(line, length ? " " : "- ");
}

/* 6.3.3: '"', '\' and ']' are escaped. Control characters would be lines of their own to some receivers. */
static void add_parameter(GString *line, const char *name, const char *value)
{
    g_string_append_printf(line, " %s=\"", name);
    for (const char *c = value ? value : ""; *c; c++) {
        if (strchr("\"\\]", *c))
            g_string_append_c(line, '\\');
        g_string_append_c(line, (unsigned char)*c < 0x20 || *c == 0x7f ? '?' : *c);
    }
    g_string_append_c(line, '"');
}

static void add_message(GString *line, const StoreEvent *event)
{
    g_string_append_printf(line, "] \xef\xbb\xbf%s %s", event->actor_name, event->action);
    if (*event->object_name)
        g_string_append_printf(line, " %s", event->object_name);
    g_string_append_printf(line, ": %s %s", event->result, event->detail);
}

static void cut(GString *line, size_t most)
{
    if (line->len <= most)
        return;
    while (most > 0 && ((unsigned char)line->str[most] & 0xc0) == 0x80)
        most--; /* between two characters */
    g_string_truncate(line, most);
}

char *event_syslog_text(const StoreEvent *event, const char *host, size_t most)
{
    int severity = strcmp(event->result, "ok") == 0 ? SEVERITY_INFO : SEVERITY_WARNING;
    g_autofree char *time = clock_format_utc(event->time_ms);
    GString *line = g_string_new(NULL);
    g_string_append_printf(line, "<%d>1 %s ", FACILITY_AUDIT * 8 + severity, time);
    add_header(line, host, 255);
    g_string_append_printf(line, "oriel %d ", (int)getpid());
    add_header(line, event->action, MSGID_LONGEST);
    /* 32473 is the private enterprise number of examples (RFC 5612): Oriel has none of its own. */
    g_string_append_printf(line, "[oriel@32473 sequence=\"%" G_GINT64_FORMAT "\"", event->sequence);
    const struct {
        const char *name;
        const char *value;
    } parameters[] = {{"id", event->id},
                      {"actor", event->actor_name},
                      {"address", event->address},
                      {"action", event->action},
                      {"objectKind", event->object_kind},
                      {"objectId", event->object_id},
                      {"objectName", event->object_name},
                      {"result", event->result},
                      {"hash", event->hash}};
    for (size_t i = 0; i < G_N_ELEMENTS(parameters); i++)
        add_parameter(line, parameters[i].name, parameters[i].value);
    size_t head = line->len;
    add_message(line, event);
    for (char *c = line->str + head; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    cut(line, most);
    return g_string_free(line, FALSE);
}
