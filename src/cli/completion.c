#include <string.h>

#include "cli/usage.h"

static const char *const name_words[NAMES_KINDS] = {
    [NAMES_POOL] = "pool",       [NAMES_PLAN] = "plan",       [NAMES_DIRECTORY] = "directory",
    [NAMES_POLICY] = "policy",
    [NAMES_IMAGE] = "image",     [NAMES_RECIPE] = "recipe",
    [NAMES_DESKTOP] = "desktop", [NAMES_SESSION] = "session", [NAMES_USER] = "user",
    [NAMES_GROUP] = "group",     [NAMES_JOB] = "job",         [NAMES_TOKEN] = "token",
    [NAMES_KIOSK] = "kiosk",
};

/* ---- bash (and zsh through its bashcompinit) ---- */

/* What a place takes, as a shell word for _oriel_values: "=a b" words, "@pool" names from the API, "/" files,
 * "" nothing. */
static char *bash_source(ValueForm form, const char *choices, NameSource names)
{
    if (form == VALUE_CHOICE) {
        g_auto(GStrv) words = g_strsplit(choices, "|", -1);
        g_autofree char *list = g_strjoinv(" ", words);
        return g_strdup_printf("=%s", list);
    }
    if (form == VALUE_SWITCH)
        return g_strdup("=yes no");
    if (form == VALUE_FILE || names == NAMES_FILE)
        return g_strdup("/");
    if (names == NAMES_SHELL)
        return g_strdup("=bash zsh fish");
    return name_words[names] ? g_strdup_printf("@%s", name_words[names]) : g_strdup("");
}

static void bash_options(GString *text, const char *path, const Option *options)
{
    for (const Option *option = options; option && option->name; option++) {
        if (option->form == VALUE_FLAG)
            continue;
        g_autofree char *source = bash_source(option->form, option->choices, option->names);
        g_string_append_printf(text, "    '%s --%s') source='%s' ;;\n", path, option->name, source);
    }
}

static void bash_verb(GString *text, const VerbGroup *group, const Verb *verb)
{
    g_autofree char *path = verb_path(group, verb);
    bash_options(text, path, verb->options);
    for (size_t i = 0; i < G_N_ELEMENTS(verb->arguments) && verb->arguments[i].name; i++) {
        g_autofree char *source = bash_source(VALUE_TEXT, NULL, verb->arguments[i].names);
        g_string_append_printf(text, "    '%s %zu') source='%s' ;;\n", path, i, source);
    }
}

static void bash_words(GString *text, const Option *options)
{
    for (const Option *option = options; option && option->name; option++)
        g_string_append_printf(text, " --%s", option->name);
}

static void bash_verb_words(GString *text, const VerbGroup *group, const Verb *verb)
{
    g_autofree char *path = verb_path(group, verb);
    g_string_append_printf(text, "    '%s') words='", path);
    bash_words(text, verb->options);
    g_string_append(text, "' ;;\n");
}

static void bash_tables(GString *text)
{
    g_string_append(text, "_oriel_source() {\n    local source=\n    case $1 in\n");
    for (const VerbGroup *const *group = verb_groups(); *group; group++)
        for (const Verb *verb = (*group)->verbs; verb->run; verb++)
            bash_verb(text, *group, verb);
    for (const Option *option = verb_general_options(); option->name; option++) {
        g_autofree char *source = bash_source(option->form, option->choices, option->names);
        if (option->form != VALUE_FLAG)
            g_string_append_printf(text, "    *' --%s') source='%s' ;;\n", option->name, source);
    }
    g_string_append(text, "    *) return 1 ;;\n    esac\n    printf '%s' \"$source\"\n}\n\n"
                          "_oriel_words() {\n    local words=\n    case $1 in\n    'oriel') words='");
    for (const VerbGroup *const *group = verb_groups(); *group; group++)
        g_string_append_printf(text, "%s%s", group == verb_groups() ? "" : " ", (*group)->name);
    g_string_append(text, "' ;;\n");
    for (const VerbGroup *const *group = verb_groups(); *group; group++) {
        if ((*group)->verbs[0].name) {
            g_string_append_printf(text, "    'oriel %s') words='", (*group)->name);
            for (const Verb *verb = (*group)->verbs; verb->run; verb++)
                g_string_append_printf(text, "%s%s", verb == (*group)->verbs ? "" : " ", verb->name);
            g_string_append(text, "' ;;\n");
        }
        for (const Verb *verb = (*group)->verbs; verb->run; verb++)
            bash_verb_words(text, *group, verb);
    }
    g_string_append(text, "    esac\n    printf '%s' \"$words\"\n}\n\n");
}

static const char bash_driver[] =
    "_oriel() {\n"
    "    local current=${COMP_WORDS[COMP_CWORD]} path=oriel depth=0 place=0 source= index word\n"
    "    for ((index = 1; index < COMP_CWORD; index++)); do\n"
    "        word=${COMP_WORDS[index]}\n"
    "        case $word in\n"
    "        --*)\n"
    "            # an option with a value takes the next word with it\n"
    "            if source=$(_oriel_source \"$path $word\"); then\n"
    "                if ((index + 1 == COMP_CWORD)); then _oriel_offer \"$source\"; return; fi\n"
    "                ((index++))\n"
    "            fi ;;\n"
    "        *)\n"
    "            if ((depth < 2)) && [[ \" $(_oriel_words \"$path\") \" == *\" $word \"* ]]; then\n"
    "                path+=\" $word\"; ((depth++))\n"
    "            else\n"
    "                ((place++))\n"
    "            fi ;;\n"
    "        esac\n"
    "    done\n"
    "    if [[ $current == -* ]]; then\n"
    "        _oriel_offer \"=$(_oriel_words \"$path\") $_oriel_general\"\n"
    "    elif source=$(_oriel_source \"$path $place\"); then\n"
    "        _oriel_offer \"$source\"\n"
    "    else\n"
    "        _oriel_offer \"=$(_oriel_words \"$path\")\"\n"
    "    fi\n"
    "}\n\n"
    "_oriel_offer() {\n"
    "    case $1 in\n"
    "    =*) COMPREPLY=($(compgen -W \"${1#=}\" -- \"$current\")) ;;\n"
    "    @*) COMPREPLY=($(compgen -W \"$(oriel completion --names \"${1#@}\" 2>/dev/null)\" -- "
    "\"$current\")) ;;\n"
    "    /) COMPREPLY=($(compgen -f -- \"$current\")) ;;\n"
    "    esac\n"
    "}\n\n"
    "complete -F _oriel oriel\n";

static char *bash_text(bool zsh)
{
    GString *text =
        g_string_new(zsh ? "#compdef oriel\nautoload -U +X bashcompinit && bashcompinit\n\n"
                         : "# Completion of oriel for bash; made by \"oriel completion bash\".\n\n");
    bash_tables(text);
    g_string_append(text, "_oriel_general='");
    bash_words(text, verb_general_options());
    g_string_append(text, "'\n\n");
    g_string_append(text, bash_driver);
    return g_string_free(text, FALSE);
}

/* ---- fish ---- */

static char *fish_quote(const char *text)
{
    g_autoptr(GString) quoted = g_string_new(text);
    g_string_replace(quoted, "\\", "\\\\", 0);
    g_string_replace(quoted, "'", "\\'", 0);
    return g_strdup_printf("'%s'", quoted->str);
}

static void fish_source(GString *text, ValueForm form, const char *choices, NameSource names)
{
    g_autofree char *source = bash_source(form, choices, names);
    if (source[0] == '=')
        g_string_append_printf(text, " -xa '%s'", source + 1);
    else if (source[0] == '@')
        g_string_append_printf(text, " -xa '(oriel completion --names %s 2>/dev/null)'", source + 1);
    else if (source[0] == '/')
        g_string_append(text, " -rF");
    else
        g_string_append(text, " -x");
}

static void fish_option(GString *text, const char *condition, const Option *option)
{
    g_autofree char *help = fish_quote(option->help);
    g_string_append_printf(text, "complete -c oriel%s -l %s -d %s", condition, option->name, help);
    if (option->form != VALUE_FLAG)
        fish_source(text, option->form, option->choices, option->names);
    g_string_append_c(text, '\n');
}

static void fish_verb(GString *text, const VerbGroup *group, const Verb *verb)
{
    g_autofree char *condition =
        verb->name
            ? g_strdup_printf(" -n '__fish_seen_subcommand_from %s; and __fish_seen_subcommand_from %s'",
                              group->name, verb->name)
            : g_strdup_printf(" -n '__fish_seen_subcommand_from %s'", group->name);
    if (verb->name) {
        g_autofree char *help = fish_quote(verb->help);
        g_string_append_printf(text,
                               "complete -c oriel -f -n '__fish_seen_subcommand_from %s; and not "
                               "__fish_seen_subcommand_from",
                               group->name);
        for (const Verb *other = group->verbs; other->run; other++)
            g_string_append_printf(text, " %s", other->name);
        g_string_append_printf(text, "' -a %s -d %s\n", verb->name, help);
    }
    for (const Option *option = verb->options; option && option->name; option++)
        fish_option(text, condition, option);
    for (size_t i = 0; i < G_N_ELEMENTS(verb->arguments) && verb->arguments[i].name; i++) {
        g_string_append_printf(text, "complete -c oriel%s", condition);
        fish_source(text, VALUE_TEXT, NULL, verb->arguments[i].names);
        g_string_append_c(text, '\n');
    }
}

static char *fish_text(void)
{
    GString *text = g_string_new(
        "# Completion of oriel for fish; made by \"oriel completion fish\".\ncomplete -c oriel -f\n");
    for (const VerbGroup *const *group = verb_groups(); *group; group++) {
        g_autofree char *help = fish_quote((*group)->help);
        g_string_append_printf(text, "complete -c oriel -n __fish_use_subcommand -a %s -d %s\n",
                               (*group)->name, help);
        for (const Verb *verb = (*group)->verbs; verb->run; verb++)
            fish_verb(text, *group, verb);
    }
    for (const Option *option = verb_general_options(); option->name; option++)
        fish_option(text, "", option);
    return g_string_free(text, FALSE);
}

char *completion_text(const char *shell)
{
    if (strcmp(shell, "bash") == 0)
        return bash_text(false);
    if (strcmp(shell, "zsh") == 0)
        return bash_text(true);
    return strcmp(shell, "fish") == 0 ? fish_text() : NULL;
}
