#include "image/sources.h"

#include <glib.h>
#include <string.h>

/* Third parties name their suites after Debian's too; only Debian has a component "main" under these names. */
static bool suite_matches(const char *word, const char *suite, bool *whole)
{
    size_t length = strlen(suite);
    if (strncmp(word, suite, length) != 0)
        return false;
    const char *rest = word + length;
    *whole |= !*rest;
    return !*rest || strcmp(rest, "-updates") == 0 || strcmp(rest, "-security") == 0;
}

static bool has_word(const char *text, const char *wanted)
{
    g_auto(GStrv) words = g_strsplit_set(text, " \t", -1);
    return g_strv_contains((const char *const *)words, wanted);
}

/* "deb [options] uri suite component..." */
static bool line_matches(const char *line, const char *suite, bool *whole)
{
    if (!g_str_has_prefix(line, "deb ") && !g_str_has_prefix(line, "deb\t"))
        return false;
    const char *rest = line + 4;
    while (*rest == ' ' || *rest == '\t')
        rest++;
    if (*rest == '[') {
        rest = strchr(rest, ']');
        if (!rest)
            return false;
        rest++;
    }
    g_auto(GStrv) words = g_strsplit_set(rest, " \t", -1);
    const char *found[2] = {NULL, NULL};
    int count = 0;
    bool main = false;
    for (char **word = words; *word; word++) {
        if (!**word)
            continue;
        if (count < 2)
            found[count++] = *word;
        else
            main |= strcmp(*word, "main") == 0;
    }
    bool here = false;
    if (count < 2 || !main || !suite_matches(found[1], suite, &here))
        return false;
    *whole |= here;
    return true;
}

typedef struct {
    GString *text; /* the stanza, only with the suites that match */
    bool types, components, enabled, suites, whole;
} Stanza;

static void stanza_field(Stanza *stanza, const char *line, const char *suite)
{
    const char *colon = strchr(line, ':');
    bool field = colon && line[0] != ' ' && line[0] != '\t';
    g_autofree char *name = field ? g_ascii_strdown(line, colon - line) : NULL;
    if (field && strcmp(name, "types") == 0) {
        stanza->types = has_word(colon + 1, "deb");
        g_string_append(stanza->text, "Types: deb\n");
    } else if (field && strcmp(name, "suites") == 0) {
        g_auto(GStrv) words = g_strsplit_set(colon + 1, " \t", -1);
        g_string_append(stanza->text, "Suites:");
        for (char **word = words; *word; word++)
            if (**word && suite_matches(*word, suite, &stanza->whole)) {
                g_string_append_printf(stanza->text, " %s", *word);
                stanza->suites = true;
            }
        g_string_append_c(stanza->text, '\n');
    } else {
        if (field && strcmp(name, "components") == 0)
            stanza->components = has_word(colon + 1, "main");
        if (field && strcmp(name, "enabled") == 0)
            stanza->enabled = !has_word(colon + 1, "no");
        g_string_append_printf(stanza->text, "%s\n", line);
    }
}

static void stanza_end(Stanza *stanza, GString *picked, bool *whole)
{
    if (stanza->types && stanza->components && stanza->enabled && stanza->suites) {
        g_string_append_printf(picked, "%s\n", stanza->text->str);
        *whole |= stanza->whole;
    }
    g_string_truncate(stanza->text, 0);
    *stanza = (Stanza){.text = stanza->text, .enabled = true};
}

char *sources_pick(const char *text, bool deb822, const char *suite, bool *ret_whole)
{
    g_autoptr(GString) picked = g_string_new(NULL);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    Stanza stanza = {.text = g_string_new(NULL), .enabled = true};
    *ret_whole = false;
    for (char **line = lines; *line; line++) {
        if (**line == '#')
            continue;
        if (!deb822 && line_matches(*line, suite, ret_whole))
            g_string_append_printf(picked, "%s\n", *line);
        else if (deb822 && !**line)
            stanza_end(&stanza, picked, ret_whole);
        else if (deb822)
            stanza_field(&stanza, *line, suite);
    }
    if (deb822)
        stanza_end(&stanza, picked, ret_whole);
    g_string_free(stanza.text, TRUE);
    return g_strdup(picked->str);
}
