#include "cli/usage.h"

#include <string.h>

const char *usage_value(const Option *option)
{
    switch (option->form) {
    case VALUE_FLAG:
        return "";
    case VALUE_CHOICE:
        return option->choices;
    case VALUE_TEXT:
    case VALUE_COUNT:
    case VALUE_SIZE:
    case VALUE_SWITCH:
    case VALUE_FILE:
    default:
        return option->value;
    }
}

static char *option_words(const Option *option)
{
    const char *value = usage_value(option);
    return g_strdup_printf("--%s%s%s", option->name, *value ? " " : "", value);
}

char *usage_synopsis(const VerbGroup *group, const Verb *verb)
{
    g_autofree char *path = verb_path(group, verb);
    GString *line = g_string_new(path);
    for (size_t i = 0; i < G_N_ELEMENTS(verb->arguments) && verb->arguments[i].name; i++)
        g_string_append_printf(line, verb->arguments[i].optional ? " [%s]" : " %s", verb->arguments[i].name);
    bool more = false;
    for (const Option *option = verb->options; option && option->name; option++) {
        g_autofree char *words = option_words(option);
        if (option->required)
            g_string_append_printf(line, " %s", words);
        more = more || !option->required;
    }
    if (more)
        g_string_append(line, " [options]");
    return g_string_free(line, FALSE);
}

/* Words wrapped at 80 columns. */
static void paragraph(GString *text, const char *words)
{
    g_auto(GStrv) list = g_strsplit(words, " ", -1);
    glong column = 0;
    for (size_t i = 0; list[i]; i++) {
        glong width = g_utf8_strlen(list[i], -1);
        if (column && column + 1 + width > 80) {
            g_string_append_c(text, '\n');
            column = 0;
        }
        g_string_append_printf(text, "%s%s", column ? " " : "", list[i]);
        column += width + (column ? 1 : 0);
    }
    g_string_append_c(text, '\n');
}

static void option_list(GString *text, const char *title, const Option *options)
{
    g_string_append_printf(text, "\n%s:\n", title);
    for (const Option *option = options; option->name; option++) {
        g_autofree char *words = option_words(option);
        long columns = g_utf8_strlen(words, -1);
        if (columns > 26)
            g_string_append_printf(text, "  %s\n  %26s  %s\n", words, "", option->help);
        else
            g_string_append_printf(text, "  %s%*s  %s\n", words, (int)(26 - columns), "", option->help);
    }
}

static char *verb_usage(const VerbGroup *group, const Verb *verb)
{
    GString *text = g_string_new("Usage: ");
    g_autofree char *synopsis = usage_synopsis(group, verb);
    g_string_append_printf(text, "%s\n\n%s.\n", synopsis, verb->help);
    if (verb->detail) {
        g_string_append_c(text, '\n');
        paragraph(text, verb->detail);
    }
    if (verb->options)
        option_list(text, "Options", verb->options);
    option_list(text, "General options", verb_general_options());
    return g_string_free(text, FALSE);
}

static char *group_usage(const VerbGroup *group)
{
    GString *text = g_string_new(NULL);
    g_string_append_printf(text, "Usage: oriel %s VERB …\n\n%s.\n\nVerbs:\n", group->name, group->help);
    for (const Verb *verb = group->verbs; verb->run; verb++)
        g_string_append_printf(text, "  %-14s  %s\n", verb->name, verb->help);
    g_string_append_printf(text, "\n\"oriel %s VERB --help\" says more about one of them.\n", group->name);
    return g_string_free(text, FALSE);
}

static char *whole_usage(void)
{
    GString *text = g_string_new(
        "Usage: oriel COMMAND …\n\nVirtual desktops for a team: a person clicks, and a desktop forked "
        "from a frozen\nmachine is on the screen.\n\nCommands:\n");
    for (const VerbGroup *const *group = verb_groups(); *group; group++)
        g_string_append_printf(text, "  %-14s  %s\n", (*group)->name, (*group)->help);
    option_list(text, "General options", verb_general_options());
    g_string_append(text,
                    "\n\"oriel COMMAND --help\" says more about one of them, \"man oriel\" about all.\n");
    return g_string_free(text, FALSE);
}

char *usage_text(const VerbGroup *group, const Verb *verb)
{
    if (!group)
        return whole_usage();
    return verb ? verb_usage(group, verb) : group_usage(group);
}
