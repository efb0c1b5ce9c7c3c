#include <string.h>

#include "base/error.h"
#include "cli/usage.h"

/* Text for man(7): backslashes, hyphens that are minus signs, and a dot at a line's beginning mean something
 * there. */
static void add(GString *page, const char *text)
{
    bool line_start = page->len == 0 || page->str[page->len - 1] == '\n';
    for (; *text; text++) {
        if (line_start && (*text == '.' || *text == '\''))
            g_string_append(page, "\\&");
        if (*text == '\\')
            g_string_append(page, "\\e");
        else if (*text == '-')
            g_string_append(page, "\\-");
        else
            g_string_append_c(page, *text);
        line_start = *text == '\n';
    }
}

static void add_option(GString *page, const Option *option)
{
    const char *value = usage_value(option);
    g_string_append(page, ".TP\n\\fB");
    add(page, "--");
    add(page, option->name);
    g_string_append(page, "\\fR");
    if (*value) {
        g_string_append(page, " \\fI");
        add(page, value);
        g_string_append(page, "\\fR");
    }
    g_string_append_c(page, '\n');
    add(page, option->help);
    g_string_append(page, ".\n");
}

static void add_verb(GString *page, const VerbGroup *group, const Verb *verb)
{
    g_autofree char *synopsis = usage_synopsis(group, verb);
    g_string_append(page, ".SS \"");
    add(page, synopsis);
    g_string_append(page, "\"\n");
    add(page, verb->help);
    g_string_append(page, ".\n");
    if (verb->detail) {
        add(page, verb->detail);
        g_string_append_c(page, '\n');
    }
    for (const Option *option = verb->options; option && option->name; option++)
        add_option(page, option);
}

static void add_exit_status(GString *page)
{
    g_string_append(page, ".SH EXIT STATUS\n.TP\n.B 0\nDone.\n.TP\n.B 64\nThe command line is wrong.\n");
    for (int code = 65; code < 79; code++) {
        g_autoptr(GString) titles = g_string_new(NULL);
        for (int kind = 0; kind < ORIEL_ERROR_KINDS; kind++) {
            const OrielErrorInfo *info = oriel_error_info((OrielErrorKind)kind);
            if (info->exit_code == code)
                g_string_append_printf(titles, "%s%s", titles->len ? "; " : "", info->title);
        }
        if (titles->len)
            g_string_append_printf(page, ".TP\n.B %d\n%s.\n", code, titles->str);
    }
}

static const char beginning[] =
    ".SH NAME\noriel \\- administer virtual desktops\n"
    ".SH SYNOPSIS\n.B oriel\n.I COMMAND\n[\\fIVERB\\fR] [\\fIARGUMENTS\\fR] [\\fIOPTIONS\\fR]\n"
    ".SH DESCRIPTION\n"
    "Oriel gives people virtual desktops in their browser. A golden image is booted once and frozen; a "
    "pool's desktops are forked\n"
    "from that frozen machine when somebody clicks.\n.PP\n"
    ".B oriel\n"
    "does all that an administrator does, over the same API as the web pages. On the host itself it speaks "
    "to orield's socket, as\n"
    "root or as orield's own user, and needs no password; with \\fB\\-\\-url\\fR and "
    "\\fB\\-\\-token\\-file\\fR it works from\n"
    "elsewhere. Objects are named by name or by id.\n";

static const char ending[] =
    ".SH ENVIRONMENT\n"
    ".TP\n.B ORIEL_STATE\norield's state folder; /var/lib/oriel otherwise.\n"
    ".TP\n.B ORIEL_RUNTIME\nThe folder of orield's socket; the folder run in the state folder otherwise.\n"
    ".TP\n.BR ORIEL_URL \", \" ORIEL_TOKEN_FILE \", \" ORIEL_FINGERPRINT\nAs the options of these names.\n"
    ".TP\n.B NO_COLOR\nIf set, nothing is coloured.\n"
    ".SH FILES\n.TP\n.I STATE/run/orield.sock\nThe local door of the API.\n"
    ".SH EXAMPLES\n.nf\n"
    "oriel image build debian\\-xfce\n"
    "oriel pool create office \\-\\-image debian\\-xfce \\-\\-size 20 \\-\\-spares 2\n"
    "oriel user create ada \\-\\-title \\(dqAda Lovelace\\(dq\n"
    "oriel entitle add office \\-\\-user ada\n"
    "oriel user link ada\n"
    "oriel desktop connect office \\-\\-user ada \\-\\-json\n"
    "oriel event list \\-\\-follow\n"
    ".fi\n";

char *manual_text(void)
{
    GString *page = g_string_new(".TH ORIEL 1 \"\" \"Oriel " ORIEL_VERSION "\" \"Oriel\"\n");
    g_string_append(page, beginning);
    g_string_append(page, ".SH GENERAL OPTIONS\n");
    for (const Option *option = verb_general_options(); option->name; option++)
        add_option(page, option);
    for (const VerbGroup *const *group = verb_groups(); *group; group++) {
        g_autofree char *title = g_ascii_strup((*group)->name, -1);
        g_string_append_printf(page, ".SH %s\n", title);
        add(page, (*group)->help);
        g_string_append(page, ".\n");
        for (const Verb *verb = (*group)->verbs; verb->run; verb++)
            add_verb(page, *group, verb);
    }
    add_exit_status(page);
    g_string_append(page, ending);
    return g_string_free(page, FALSE);
}
