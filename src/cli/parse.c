#include "cli/parse.h"

#include <string.h>

#include "base/error.h"
#include "base/number.h"
#include "cli/words.h"

static const Option version_option = {"version", VALUE_FLAG, .help = "Show the version"};

void call_free(Call *call)
{
    if (!call)
        return;
    g_clear_pointer(&call->arguments, g_ptr_array_unref);
    g_clear_pointer(&call->options, g_hash_table_unref);
    g_free(call);
}

static Call *call_new(void)
{
    Call *call = g_new0(Call, 1);
    call->arguments = g_ptr_array_new_with_free_func(g_free);
    call->options = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
    return call;
}

static const Option *option_in(const Option *options, const char *name, size_t length)
{
    for (; options && options->name; options++)
        if (strlen(options->name) == length && strncmp(options->name, name, length) == 0)
            return options;
    return NULL;
}

static const Option *option_find(const Call *call, const char *name, size_t length)
{
    if (!call->group && length == strlen("version") && strncmp(name, "version", length) == 0)
        return &version_option;
    const Option *found = call->verb ? option_in(call->verb->options, name, length) : NULL;
    return found ? found : option_in(verb_general_options(), name, length);
}

static bool unknown_option(const Call *call, const char *typed, GError **error)
{
    g_autoptr(GPtrArray) words = g_ptr_array_new();
    for (const Option *option = call->verb ? call->verb->options : NULL; option && option->name; option++)
        g_ptr_array_add(words, (char *)option->name);
    for (const Option *option = verb_general_options(); option->name; option++)
        g_ptr_array_add(words, (char *)option->name);
    g_ptr_array_add(words, NULL);
    const char *near = word_nearest(typed, (const char *const *)words->pdata);
    g_autofree char *path = call->group ? verb_path(call->group, call->verb) : g_strdup("oriel");
    if (near)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "%s: there is no option --%s; did you mean --%s?", path,
                          typed, near);
    return oriel_fail(error, ORIEL_ERROR_INVALID, "%s: there is no option --%s; \"%s --help\" lists them",
                      path, typed, path);
}

static bool choice_check(const Option *option, const char *text, GError **error)
{
    g_auto(GStrv) choices = g_strsplit(option->choices, "|", -1);
    if (g_strv_contains((const char *const *)choices, text))
        return true;
    g_autofree char *list = g_strjoinv(", ", choices);
    return oriel_fail(error, ORIEL_ERROR_INVALID, "--%s: \"%s\" is none of: %s", option->name, text, list);
}

static bool value_check(const Option *option, const char *text, GError **error)
{
    uint64_t number = 0;
    g_autofree char *what = g_strdup_printf("--%s", option->name);
    switch (option->form) {
    case VALUE_COUNT:
        return number_parse(text, option->lowest, option->highest, what, &number, error);
    case VALUE_SIZE:
        return number_parse_size(text, what, &number, error);
    case VALUE_CHOICE:
        return choice_check(option, text, error);
    case VALUE_SWITCH:
        if (strcmp(text, "yes") == 0 || strcmp(text, "no") == 0)
            return true;
        return oriel_fail(error, ORIEL_ERROR_INVALID, "%s: \"%s\" is neither yes nor no", what, text);
    case VALUE_FLAG:
    case VALUE_TEXT:
    case VALUE_FILE:
    default:
        return true;
    }
}

/* One "--name", "--name=value" or "--name value". */
static bool option_take(Call *call, int count, char *const *arguments, int *index, GError **error)
{
    const char *typed = arguments[*index] + 2;
    size_t length = strcspn(typed, "=");
    const char *value = typed[length] == '=' ? typed + length + 1 : NULL;
    g_autofree char *name = g_strndup(typed, length);
    const Option *option = option_find(call, name, length);
    if (!option)
        return unknown_option(call, name, error);
    if (option->form == VALUE_FLAG) {
        if (value)
            return oriel_fail(error, ORIEL_ERROR_INVALID, "--%s takes no value", name);
        value = "";
    } else if (!value) {
        if (*index + 1 >= count)
            return oriel_fail(error, ORIEL_ERROR_INVALID, "--%s needs a value", name);
        value = arguments[++*index];
    }
    if (!value_check(option, value, error))
        return false;
    g_hash_table_insert(call->options, (char *)option->name, g_strdup(value));
    return true;
}

static bool group_take(Call *call, const char *word, GError **error)
{
    call->group = verb_group_find(word_meant_group(word));
    if (!call->group) {
        g_autoptr(GPtrArray) words = g_ptr_array_new();
        for (const VerbGroup *const *group = verb_groups(); *group; group++)
            g_ptr_array_add(words, (char *)(*group)->name);
        g_ptr_array_add(words, NULL);
        const char *near = word_nearest(word, (const char *const *)words->pdata);
        if (near)
            return oriel_fail(error, ORIEL_ERROR_INVALID,
                              "oriel has no command \"%s\"; did you mean \"oriel %s\"?", word, near);
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "oriel has no command \"%s\"; \"oriel --help\" lists them", word);
    }
    if (!call->group->verbs[0].name)
        call->verb = &call->group->verbs[0];
    return true;
}

static bool verb_take(Call *call, const char *word, GError **error)
{
    call->verb = verb_find(call->group, word);
    if (call->verb)
        return true;
    g_autoptr(GPtrArray) words = g_ptr_array_new();
    for (const Verb *verb = call->group->verbs; verb->run; verb++)
        g_ptr_array_add(words, (char *)verb->name);
    g_ptr_array_add(words, NULL);
    const char *const *list = (const char *const *)words->pdata;
    const char *near = word_meant_verb(word, list);
    const char *name = call->group->name;
    if (near)
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "oriel %s has no verb \"%s\"; did you mean \"oriel %s %s\"?", name, word, name,
                          near);
    g_autofree char *all = g_strjoinv(", ", (char **)words->pdata);
    return oriel_fail(error, ORIEL_ERROR_INVALID, "oriel %s has no verb \"%s\"; it has: %s", name, word, all);
}

static bool argument_take(Call *call, const char *word, GError **error)
{
    unsigned most = 0;
    while (most < G_N_ELEMENTS(call->verb->arguments) && call->verb->arguments[most].name)
        most++;
    if (call->arguments->len >= most) {
        g_autofree char *path = verb_path(call->group, call->verb);
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "%s: \"%s\" is one word too many; \"%s --help\" shows how it is used", path, word,
                          path);
    }
    g_ptr_array_add(call->arguments, g_strdup(word));
    return true;
}

static bool word_take(Call *call, const char *word, GError **error)
{
    if (!call->group)
        return group_take(call, word, error);
    if (!call->verb)
        return verb_take(call, word, error);
    return argument_take(call, word, error);
}

static bool complete_check(const Call *call, GError **error)
{
    g_autofree char *path = verb_path(call->group, call->verb);
    for (unsigned i = 0; i < G_N_ELEMENTS(call->verb->arguments) && call->verb->arguments[i].name; i++)
        if (i >= call->arguments->len && !call->verb->arguments[i].optional)
            return oriel_fail(error, ORIEL_ERROR_INVALID,
                              "%s: %s is missing; \"%s --help\" shows how it is used", path,
                              call->verb->arguments[i].name, path);
    for (unsigned i = 0; i < call->arguments->len; i++)
        if (!*(const char *)call->arguments->pdata[i])
            return oriel_fail(error, ORIEL_ERROR_INVALID, "%s: %s is empty", path,
                              call->verb->arguments[i].name);
    for (const Option *option = call->verb->options; option && option->name; option++)
        if (option->required && !g_hash_table_contains(call->options, option->name))
            return oriel_fail(error, ORIEL_ERROR_INVALID,
                              "%s: --%s is missing; \"%s --help\" shows how it is used", path, option->name,
                              path);
    return true;
}

Call *call_parse(int count, char *const *arguments, GError **error)
{
    g_autoptr(Call) call = call_new();
    bool words_only = false;
    for (int i = 1; i < count; i++) {
        const char *word = arguments[i];
        if (!words_only && strcmp(word, "--") == 0)
            words_only = true;
        else if (!words_only && strcmp(word, "-h") == 0)
            g_hash_table_insert(call->options, "help", g_strdup(""));
        else if (!words_only && word[0] == '-' && word[1] != '\0' && word[1] != '-')
            return oriel_fail(error, ORIEL_ERROR_INVALID,
                              "there is no option \"%s\"; options are words, such as --json", word),
                   NULL;
        else if (!words_only && g_str_has_prefix(word, "--") ? !option_take(call, count, arguments, &i, error)
                                                             : !word_take(call, word, error))
            return NULL;
    }
    if (call_flag(call, "version") && !call->group)
        call->as = PARSED_VERSION;
    else if (call_flag(call, "help") || !call->verb)
        call->as = PARSED_HELP;
    else if (!complete_check(call, error))
        return NULL;
    return g_steal_pointer(&call);
}

const char *call_argument(const Call *call, unsigned index)
{
    return index < call->arguments->len ? call->arguments->pdata[index] : NULL;
}

const char *call_option(const Call *call, const char *name)
{
    return g_hash_table_lookup(call->options, name);
}

bool call_flag(const Call *call, const char *name)
{
    return g_hash_table_contains(call->options, name);
}

static uint64_t number_of(const Option *option, const char *text)
{
    uint64_t number = 0;
    if (option->form == VALUE_SIZE)
        number_parse_size(text, option->name, &number, NULL);
    else
        number_parse(text, 0, UINT64_MAX, option->name, &number, NULL);
    return number;
}

uint64_t call_number(const Call *call, const char *name, uint64_t otherwise)
{
    const char *text = call_option(call, name);
    return text ? number_of(option_find(call, name, strlen(name)), text) : otherwise;
}

static Json *value_json(const Option *option, const char *text)
{
    switch (option->form) {
    case VALUE_FLAG:
        return json_true();
    case VALUE_SWITCH:
        return json_boolean(strcmp(text, "yes") == 0);
    case VALUE_COUNT:
    case VALUE_SIZE:
        return json_integer((json_int_t)number_of(option, text));
    case VALUE_TEXT:
    case VALUE_CHOICE:
    case VALUE_FILE:
    default:
        return json_string(text);
    }
}

Json *call_body(const Call *call)
{
    Json *body = json_object();
    for (const Option *option = call->verb->options; option && option->name; option++) {
        const char *text = call_option(call, option->name);
        if (text && option->field)
            json_object_set_new(body, option->field, value_json(option, text));
    }
    return body;
}

void call_words(const Call *call, const char *option, const char *field, Json *body)
{
    const char *text = call_option(call, option);
    if (!text)
        return;
    g_auto(GStrv) words = g_strsplit(text, ",", -1);
    Json *list = json_array();
    for (size_t i = 0; words[i]; i++)
        if (*g_strstrip(words[i]))
            json_array_append_new(list, json_string(words[i]));
    json_object_set_new(body, field, list);
}
