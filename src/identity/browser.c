#include "identity/browser.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

enum { VERSION_MOST = 6 }; /* digits */

typedef struct {
    const char *mark; /* in the User-Agent; the version follows it */
    const char *name;
} Mark;

/* Each calls itself by the names of those that came before it as well: the most particular first. */
static const Mark browsers[] = {
    {"Edg/", "Edge"},          {"EdgA/", "Edge"},       {"EdgiOS/", "Edge"},          {"OPR/", "Opera"},
    {"SamsungBrowser/", "Samsung Internet"},            {"Vivaldi/", "Vivaldi"},      {"Firefox/", "Firefox"},
    {"FxiOS/", "Firefox"},     {"CriOS/", "Chrome"},    {"HeadlessChrome/", "Chrome"}, {"Chromium/", "Chromium"},
    {"Chrome/", "Chrome"},     {"Version/", "Safari"},  {"oriel/", "oriel"},          {"curl/", "curl"},
};

static const Mark systems[] = {
    {"Windows", "Windows"}, {"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"},
    {"CrOS", "ChromeOS"},   {"Mac OS X", "macOS"},  {"Linux", "Linux"},   {"FreeBSD", "FreeBSD"},
};

static const Mark *find(const Mark *marks, size_t count, const char *agent, const char **ret_after)
{
    for (size_t i = 0; i < count; i++) {
        const char *at = strstr(agent, marks[i].mark);
        if (!at)
            continue;
        *ret_after = at + strlen(marks[i].mark);
        return &marks[i];
    }
    return NULL;
}

/* Of a browser that is not known: the first word without its version, if it is a plain one. */
static char *first_word(const char *agent)
{
    size_t length = 0;
    while (g_ascii_isalnum(agent[length]) || agent[length] == '-' || agent[length] == '_')
        length++;
    return length > 0 && length <= 40 && strncmp(agent, "Mozilla", length) != 0 ? g_strndup(agent, length) : g_strdup("");
}

char *browser_name(const char *agent)
{
    const char *version = NULL, *unused = NULL;
    const Mark *browser = find(browsers, G_N_ELEMENTS(browsers), agent, &version);
    const Mark *system = find(systems, G_N_ELEMENTS(systems), agent, &unused);
    g_autoptr(GString) text = g_string_new(NULL);
    if (browser) {
        size_t digits = strspn(version, "0123456789");
        g_string_append(text, browser->name);
        if (digits > 0 && digits <= VERSION_MOST)
            g_string_append_printf(text, " %.*s", (int)digits, version);
    } else {
        g_autofree char *word = first_word(agent);
        g_string_append(text, word);
    }
    if (system)
        g_string_append_printf(text, "%s%s", text->len ? " on " : "", system->name);
    return g_string_free(g_steal_pointer(&text), FALSE);
}
