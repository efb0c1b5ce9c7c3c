#include "cli/print.h"

#include <libsmartcols.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/number.h"

typedef struct libscols_table Table;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Table, scols_unref_table)

static const Json *json_at(const Json *value, const char *path)
{
    g_auto(GStrv) steps = g_strsplit(path, ".", -1);
    for (size_t i = 0; steps[i] && value; i++)
        value = json_is_array(value) ? json_array_get(value, (size_t)g_ascii_strtoull(steps[i], NULL, 10))
                                     : json_object_get(value, steps[i]);
    return value;
}

char *print_safe(const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    GString *safe = g_string_new(NULL);
    for (const char *at = valid; *at; at = g_utf8_next_char(at)) {
        gunichar letter = g_utf8_get_char(at);
        if (letter < 0x20 || (letter >= 0x7f && letter < 0xa0) || g_unichar_type(letter) == G_UNICODE_FORMAT)
            g_string_append_c(safe, letter == '\n' || letter == '\t' ? ' ' : '?');
        else
            g_string_append_unichar(safe, letter);
    }
    return g_string_free(safe, FALSE);
}

char *print_age(int64_t then_ms, int64_t now_ms)
{
    int64_t seconds = MAX((now_ms - then_ms) / 1000, 0);
    if (seconds < 60)
        return g_strdup_printf("%" G_GINT64_FORMAT " s", seconds);
    if (seconds < 60 * 60)
        return g_strdup_printf("%" G_GINT64_FORMAT " min", seconds / 60);
    if (seconds < 48 * 60 * 60)
        return g_strdup_printf("%" G_GINT64_FORMAT " h", seconds / 3600);
    return g_strdup_printf("%" G_GINT64_FORMAT " d", seconds / 86400);
}

static char *time_text(int64_t utc_ms)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_local(utc_ms / 1000);
    return time ? g_date_time_format(time, "%Y-%m-%d %H:%M:%S") : g_strdup("-");
}

static char *plain_text(const Json *value)
{
    if (json_is_string(value))
        return print_safe(json_string_value(value));
    if (json_is_boolean(value))
        return g_strdup(json_is_true(value) ? "yes" : "no");
    if (json_is_integer(value))
        return g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    if (json_is_object(value) && json_object_get(value, "name"))
        return plain_text(json_object_get(value, "name"));
    return json_is_null(value) || !value ? g_strdup("") : json_text(value);
}

static char *list_text(const Json *list)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (size_t i = 0; i < json_array_size(list); i++) {
        g_autofree char *piece = plain_text(json_array_get(list, i));
        g_string_append_printf(text, "%s%s", i ? ", " : "", piece);
    }
    return g_strdup(text->str);
}

static char *details_text(const Json *object)
{
    g_autoptr(GString) text = g_string_new(NULL);
    const char *key;
    Json *value;
    json_object_foreach ((Json *)object, key, value) {
        g_autofree char *piece = json_is_array(value) ? list_text(value) : plain_text(value);
        g_autofree char *safe = print_safe(key);
        if (*piece)
            g_string_append_printf(text, "%s%s %s", text->len ? ", " : "", safe, piece);
    }
    return g_strdup(text->str);
}

char *print_value(const Json *object, const Column *column)
{
    const Json *value = json_at(object, column->path);
    if (!value || json_is_null(value))
        return g_strdup("");
    switch (column->form) {
    case SHOW_SIZE:
        return number_format_size((uint64_t)json_integer_value(value));
    case SHOW_TIME:
        return time_text(json_integer_value(value));
    case SHOW_AGE:
        return print_age(json_integer_value(value), clock_utc_ms());
    case SHOW_LIST:
        return list_text(value);
    case SHOW_DETAILS:
        return details_text(value);
    case SHOW_COUNT:
        return g_strdup_printf("%zu", json_array_size(value));
    case SHOW_TEXT:
    case SHOW_NUMBER:
    case SHOW_YES:
    case SHOW_STATE:
    default:
        return plain_text(value);
    }
}

static const char *state_colour(const char *state)
{
    static const struct {
        const char *state, *colour;
    } colours[] = {
        {"failed", "red"},        {"broken", "red"},      {"cancelled", "yellow"},    {"running", "green"},
        {"ready", "green"},       {"connected", "green"}, {"starting", "yellow"},     {"stopping", "yellow"},
        {"refreshing", "yellow"}, {"deleting", "yellow"}, {"disconnected", "yellow"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(colours); i++)
        if (strcmp(colours[i].state, state) == 0)
            return colours[i].colour;
    return NULL;
}

static void table_row(Table *table, const Json *item, const Column *columns)
{
    struct libscols_line *line = scols_table_new_line(table, NULL);
    for (size_t i = 0; line && columns[i].title; i++) {
        g_autofree char *text = print_value(item, &columns[i]);
        if (columns[i].form == SHOW_STATE && state_colour(text))
            scols_cell_set_color(scols_line_get_cell(line, i), state_colour(text));
        scols_line_set_data(line, i, *text ? text : "-");
    }
}

/* ---- CSV ---- */

static bool as_csv;

void print_tables_as_csv(void)
{
    as_csv = true;
}

static char *csv_quoted(const char *text)
{
    if (!strpbrk(text, ",\"\r\n"))
        return g_strdup(text);
    g_autoptr(GString) quoted = g_string_new("\"");
    for (; *text; text++)
        g_string_append_printf(quoted, "%s%c", *text == '"' ? "\"" : "", *text);
    return g_strconcat(quoted->str, "\"", NULL);
}

static char *csv_text(const Json *object, const Column *column)
{
    const Json *value = json_at(object, column->path);
    bool is_time = column->form == SHOW_TIME || column->form == SHOW_AGE;
    if (!json_is_integer(value))
        return print_value(object, column);
    if (!is_time)
        return g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(json_integer_value(value) / 1000);
    return time ? g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ") : g_strdup("");
}

char *print_csv_value(const Json *object, const Column *column)
{
    g_autofree char *text = csv_text(object, column);
    bool formula = !json_is_integer(json_at(object, column->path)) && *text && strchr("=+-@\t\r", *text);
    g_autofree char *harmless = g_strconcat(formula ? "'" : "", text, NULL);
    return csv_quoted(harmless);
}

static void csv_print(const Json *items, const Column *columns)
{
    for (size_t i = 0; columns[i].title; i++)
        printf("%s%s", i ? "," : "", columns[i].title);
    size_t row;
    Json *item;
    json_array_foreach ((Json *)items, row, item)
        for (size_t i = 0; columns[i].title; i++) {
            g_autofree char *text = print_csv_value(item, &columns[i]);
            printf("%s%s", i ? "," : "\n", text);
        }
    putchar('\n');
}

void print_table(const Json *list, const Column *columns)
{
    const Json *items = json_object_get(list, "items");
    if (as_csv) {
        csv_print(items, columns);
        return;
    }
    if (json_array_size(items) == 0) {
        puts("None.");
        return;
    }
    scols_init_debug(0);
    g_autoptr(Table) table = scols_new_table();
    if (!table)
        g_error("out of memory");
    for (size_t i = 0; columns[i].title; i++) {
        bool number =
            columns[i].form == SHOW_NUMBER || columns[i].form == SHOW_SIZE || columns[i].form == SHOW_COUNT;
        scols_table_new_column(table, columns[i].title, 0, number ? SCOLS_FL_RIGHT : 0);
    }
    if (isatty(STDOUT_FILENO) && !g_getenv("NO_COLOR"))
        scols_table_enable_colors(table, 1);
    for (size_t i = 0; i < json_array_size(items); i++)
        table_row(table, json_array_get(items, i), columns);
    scols_print_table(table);
}

void print_card(const Json *object, const Column *columns)
{
    int widest = 0;
    for (size_t i = 0; columns[i].title; i++)
        widest = MAX(widest, (int)strlen(columns[i].title));
    for (size_t i = 0; columns[i].title; i++) {
        g_autofree char *text = print_value(object, &columns[i]);
        if (*text)
            printf("%s:%*s %s\n", columns[i].title, widest - (int)strlen(columns[i].title), "", text);
    }
}

void print_json(const Json *value)
{
    json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
    putchar('\n');
}
