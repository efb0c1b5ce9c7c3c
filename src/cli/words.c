#include "cli/words.h"

#include <string.h>

#include "cli/verb.h"

/* Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). Words here are
 * short. */
static unsigned distance(const char *a, const char *b)
{
    size_t rows = strlen(a) + 1, columns = strlen(b) + 1;
    g_autofree unsigned *cells = g_new0(unsigned, rows *columns);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) {
            unsigned *cell = &cells[i * columns + j];
            if (i == 0 || j == 0) {
                *cell = (unsigned)(i + j);
                continue;
            }
            unsigned replace = cells[(i - 1) * columns + j - 1] + (a[i - 1] != b[j - 1]);
            *cell = MIN(replace, MIN(cells[(i - 1) * columns + j], cells[i * columns + j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                *cell = MIN(*cell, cells[(i - 2) * columns + j - 2] + 1);
        }
    return cells[rows * columns - 1];
}

const char *word_nearest(const char *typed, const char *const *words)
{
    const char *nearest = NULL;
    unsigned best = 3;
    size_t length = strlen(typed);
    if (length > 40)
        return NULL;
    for (; *words; words++) {
        unsigned away = distance(typed, *words);
        /* Half of a short word is another word. */
        bool begins = length >= 2 && strncmp(typed, *words, length) == 0;
        if (begins)
            away = MIN(away, 1);
        if (away < best && (begins || away * 2 < MAX(length, 2))) {
            best = away;
            nearest = *words;
        }
    }
    return nearest;
}

const char *word_meant_verb(const char *typed, const char *const *words)
{
    static const struct {
        const char *typed, *meant;
    } others[] = {
        {"ls", "list"},        {"rm", "delete"},     {"remove", "delete"}, {"delete", "remove"},
        {"new", "create"},     {"add", "create"},    {"make", "create"},   {"build", "create"},
        {"create", "build"},   {"get", "show"},      {"describe", "show"}, {"info", "show"},
        {"inspect", "show"},   {"set", "edit"},      {"update", "edit"},   {"logout", "log-off"},
        {"logoff", "log-off"}, {"reboot", "reset"},  {"restart", "reset"}, {"passwd", "password"},
        {"stop", "cancel"},    {"logs", "log"},      {"follow", "watch"},  {"wait", "watch"},
        {"create", "add"},     {"revoke", "delete"}, {"kill", "stop"},     {"screenshot", "thumbnail"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
        if (strcmp(others[i].typed, typed) == 0 && g_strv_contains(words, others[i].meant))
            return others[i].meant;
    return word_nearest(typed, words);
}

const char *word_meant_group(const char *typed)
{
    for (const VerbGroup *const *group = verb_groups(); *group; group++) {
        size_t length = strlen((*group)->name);
        if (strncmp((*group)->name, typed, length) == 0 && strcmp(typed + length, "s") == 0)
            return (*group)->name;
    }
    return typed;
}
