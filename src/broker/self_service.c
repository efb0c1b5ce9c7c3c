#include "broker/self_service.h"

#include <string.h>

#include "base/error.h"

static const char *const words[] = {"restart", "reset", "refresh"};

const char *self_act_word(SelfAct act)
{
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        if ((unsigned)act == 1u << i)
            return words[i];
    return "nothing";
}

static unsigned bit_of(const char *word)
{
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        if (strcmp(words[i], word) == 0)
            return 1u << i;
    return 0;
}

bool self_service_parse(const char *text, unsigned *ret, GError **error)
{
    unsigned acts = 0;
    g_auto(GStrv) list = g_strsplit(text ? text : "", " ", -1);
    for (char **word = list; *word; word++) {
        if (**word && !bit_of(*word))
            return oriel_fail(error, ORIEL_ERROR_INVALID,
                              "self service: \"%s\" is unknown; allowed: restart, reset, refresh", *word);
        acts |= bit_of(*word);
    }
    *ret = acts;
    return true;
}

char *self_service_format(unsigned acts)
{
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        if (acts & 1u << i)
            g_string_append_printf(text, "%s%s", text->len ? " " : "", words[i]);
    return g_string_free(text, FALSE);
}

bool self_service_check(const SelfQuestion *question, GError **error)
{
    const char *pool = question->pool, *act = self_act_word(question->act);
    if (!question->entitled)
        return oriel_fail(error, ORIEL_ERROR_FORBIDDEN,
                          "pool \"%s\": you are not entitled to it; ask your administrator", pool);
    if (question->external)
        return oriel_fail(error, ORIEL_ERROR_UNSUPPORTED,
                          "pool \"%s\": its machines were there before Oriel, which cannot %s them; do it on the machine itself",
                          pool, act);
    if (!(question->allowed & (unsigned)question->act))
        return oriel_fail(error, ORIEL_ERROR_FORBIDDEN,
                          "pool \"%s\": people may not %s its desktops themselves; ask your administrator", pool, act);
    if (!question->has_desktop)
        return oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "pool \"%s\": you have no desktop there to %s; open one first",
                          pool, act);
    if (question->maintenance)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "pool \"%s\": is in maintenance; try again later", pool);
    if (question->in_use)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT,
                          "pool \"%s\": somebody else is in session on your desktop; try again when they have left", pool);
    return true;
}
