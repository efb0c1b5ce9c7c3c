#include "broker/application.h"

#include <string.h>

#include "base/application_wire.h"
#include "base/error.h"
#include "base/limits.h"

/* Without expansion of anything: quotes and backslashes alone mean what they mean in a shell. Caller frees. */
static GStrv words_of(const char *command, GError **error)
{
    g_auto(GStrv) words = NULL;
    g_autoptr(GError) problem = NULL;
    if (!g_shell_parse_argv(command, NULL, &words, &problem)) {
        oriel_fail(error, ORIEL_ERROR_INVALID, "application: %s",
                   g_error_matches(problem, G_SHELL_ERROR, G_SHELL_ERROR_BAD_QUOTING) ? "a quotation mark is not closed"
                                                                                       : "there is no command in it");
        return NULL;
    }
    return g_steal_pointer(&words);
}

static GByteArray *block_of(const GStrv words)
{
    GByteArray *block = g_byte_array_new();
    for (char **word = words; *word; word++)
        g_byte_array_append(block, (const guint8 *)*word, (guint)strlen(*word) + 1);
    return block;
}

static bool is_printable(const char *text)
{
    if (!g_utf8_validate(text, -1, NULL))
        return false;
    for (const char *at = text; *at; at = g_utf8_next_char(at))
        if (g_unichar_iscntrl(g_utf8_get_char(at)))
            return false;
    return true;
}

bool application_check(const char *command, GError **error)
{
    if (!command || !*command)
        return true;
    if (strlen(command) > LIMIT_APPLICATION)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "application: the command line must have at most %d bytes", LIMIT_APPLICATION);
    if (!is_printable(command))
        return oriel_fail(error, ORIEL_ERROR_INVALID, "application: the command line must be one line of text");
    g_auto(GStrv) words = words_of(command, error);
    if (!words)
        return false;
    if (g_strv_length(words) > APPLICATION_WORDS)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "application: the command line must have at most %d words", APPLICATION_WORDS);
    return *words[0] || oriel_fail(error, ORIEL_ERROR_INVALID, "application: the first word, the program, must not be empty");
}

char *application_append(const char *append, const char *command)
{
    g_auto(GStrv) words = command && *command ? words_of(command, NULL) : NULL;
    if (!words)
        return g_strdup(append);
    g_autoptr(GByteArray) block = block_of(words);
    g_autofree char *coded = g_base64_encode(block->data, block->len);
    return g_strdup_printf("%s%s" APPLICATION_PARAMETER "=%s", append ? append : "", append && *append ? " " : "", coded);
}

bool application_fits(const char *command, const char *session, const char *image_name, GError **error)
{
    if (!command || !*command || g_strcmp0(session, "x11") == 0)
        return true;
    return oriel_fail(error, ORIEL_ERROR_INVALID, "image \"%s\": has no graphical session, so it cannot show an application",
                      image_name);
}
