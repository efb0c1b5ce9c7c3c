/* Command lines against the verb table, and the words that mistyped ones probably meant. */
#include <string.h>

#include "base/error.h"
#include "cli/parse.h"
#include "cli/words.h"

static Call *parse(const char *line, GError **error)
{
    g_auto(GStrv) words = g_strsplit(line, " ", -1);
    return call_parse((int)g_strv_length(words), words, error);
}

static void test_good(void)
{
    static const struct {
        const char *line;
        const char *path;
        const char *body; /* what call_body makes of it */
    } rows[] = {
        {"oriel status", "oriel status", "{}"},
        {"oriel status --json", "oriel status", "{}"},
        {"oriel --json pool list", "oriel pool list", "{}"},
        {"oriel pools list", "oriel pool list", "{}"},
        {"oriel pool show demo", "oriel pool show", "{}"},
        {"oriel pool create demo --image debian-xfce --size 7 --memory 1GiB --enabled no --type dedicated",
         "oriel pool create",
         "{\"image\":\"debian-xfce\",\"type\":\"dedicated\",\"size\":7,\"memory_bytes\":1073741824,"
         "\"enabled\":false}"},
        {"oriel pool create --image=i demo --spares=0", "oriel pool create",
         "{\"image\":\"i\",\"spares\":0}"},
        {"oriel pool edit demo --size 1 --size 2", "oriel pool edit", "{\"size\":2}"},
        {"oriel entitle add demo --user ada", "oriel entitle add", "{}"},
        {"oriel desktop connect demo --user ada", "oriel desktop connect", "{\"user\":\"ada\"}"},
        {"oriel user create -- --odd", "oriel user create", "{}"},
        {"oriel image build -", "oriel image build", "{}"},
        {"oriel completion", "oriel completion", "{}"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Call) call = parse(rows[i].line, &error);
        g_assert_no_error(error);
        g_assert_cmpint(call->as, ==, PARSED_RUN);
        g_autofree char *path = verb_path(call->group, call->verb);
        g_assert_cmpstr(path, ==, rows[i].path);
        g_autoptr(Json) body = call_body(call);
        g_autofree char *text = json_text(body);
        g_assert_cmpstr(text, ==, rows[i].body);
    }
}

static void test_bad(void)
{
    static const struct {
        const char *line;
        const char *says; /* a part of the error */
    } rows[] = {
        {"oriel pol list", "did you mean \"oriel pool\""},
        {"oriel desktpo list", "did you mean \"oriel desktop\""},
        {"oriel xyzzy", "\"oriel --help\" lists them"},
        {"oriel pool ls", "did you mean \"oriel pool list\""},
        {"oriel pool rm x", "did you mean \"oriel pool delete\""},
        {"oriel pool craete x", "did you mean \"oriel pool create\""},
        {"oriel image create x", "did you mean \"oriel image build\""},
        {"oriel entitle create x", "did you mean \"oriel entitle add\""},
        {"oriel session logout x", "did you mean \"oriel session log-off\""},
        {"oriel pool frobnicate", "it has: list, show"},
        {"oriel pool show", "POOL is missing"},
        {"oriel pool show a b", "\"b\" is one word too many"},
        {"oriel pool show ", "POOL is empty"},
        {"oriel desktop assign d", "USER is missing"},
        {"oriel desktop add x y", "--address is missing"},
        {"oriel pool create x --image", "--image needs a value"},
        {"oriel pool create x --image i --tpye floating", "did you mean --type"},
        {"oriel pool create x --image i --type floaty", "\"floaty\" is none of: floating, dedicated"},
        {"oriel pool create x --image i --size 2001", "--size"},
        {"oriel pool create x --image i --size -1", "--size"},
        {"oriel pool create x --image i --cpus 0", "--cpus"},
        {"oriel pool create x --image i --memory 1GB", "--memory"},
        {"oriel pool create x --image i --enabled true", "neither yes nor no"},
        {"oriel pool list --json=yes", "--json takes no value"},
        {"oriel pool list -j", "options are words"},
        {"oriel pool list --frobnicate", "there is no option --frobnicate"},
        {"oriel pool list --version", "there is no option --version"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Call) call = parse(rows[i].line, &error);
        g_assert_null(call);
        g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_INVALID);
        if (!strstr(error->message, rows[i].says))
            g_error("\"%s\": \"%s\" does not say \"%s\"", rows[i].line, error->message, rows[i].says);
    }
}

static void test_help(void)
{
    static const struct {
        const char *line;
        ParsedAs as;
        const char *group, *verb;
    } rows[] = {
        {"oriel", PARSED_HELP, NULL, NULL},
        {"oriel --help", PARSED_HELP, NULL, NULL},
        {"oriel -h", PARSED_HELP, NULL, NULL},
        {"oriel --version", PARSED_VERSION, NULL, NULL},
        {"oriel pool", PARSED_HELP, "pool", NULL},
        {"oriel pool create --help", PARSED_HELP, "pool", "create"},
        {"oriel status --help", PARSED_HELP, "status", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Call) call = parse(rows[i].line, &error);
        g_assert_no_error(error);
        g_assert_cmpint(call->as, ==, rows[i].as);
        g_assert_cmpstr(call->group ? call->group->name : NULL, ==, rows[i].group);
        g_assert_cmpstr(call->verb ? call->verb->name : NULL, ==, rows[i].verb);
    }
}

static void test_numbers(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Call) call = parse("oriel pool create x --image i --size 12 --memory 2GiB", &error);
    g_assert_no_error(error);
    g_assert_cmpuint(call_number(call, "size", 5), ==, 12);
    g_assert_cmpuint(call_number(call, "spares", 5), ==, 5);
    g_assert_cmpuint(call_number(call, "memory", 0), ==, 2147483648u);
}

static void test_nearest(void)
{
    const char *const words[] = {"list", "show", "create", "edit", "delete", NULL};
    g_assert_cmpstr(word_nearest("list", words), ==, "list");
    g_assert_cmpstr(word_nearest("lits", words), ==, "list");
    g_assert_cmpstr(word_nearest("del", words), ==, "delete");
    g_assert_cmpstr(word_nearest("creat", words), ==, "create");
    g_assert_null(word_nearest("x", words));
    g_assert_null(word_nearest("", words));
    g_assert_null(word_nearest("banana", words));
    g_autofree char *long_word = g_strnfill(5000, 'a');
    g_assert_null(word_nearest(long_word, words));
}

/* What every table must keep so that usage, completion and the man page can rely on it. */
static void test_tables(void)
{
    for (const VerbGroup *const *group = verb_groups(); *group; group++) {
        g_assert_nonnull((*group)->help);
        for (const Verb *verb = (*group)->verbs; verb->run; verb++) {
            g_assert_nonnull(verb->help);
            g_assert_false(g_str_has_suffix(verb->help, "."));
            g_assert_true(verb->name || !verb[1].run);
            for (const Option *option = verb->options; option && option->name; option++) {
                g_assert_nonnull(option->help);
                g_assert_false(g_str_has_suffix(option->help, "."));
                g_assert_true((option->form == VALUE_CHOICE) == (option->choices != NULL));
                g_assert_true((option->form == VALUE_FLAG || option->form == VALUE_CHOICE) ==
                              (option->value == NULL));
                for (const Option *common = verb_general_options(); common->name; common++)
                    g_assert_cmpstr(common->name, !=, option->name);
            }
        }
    }
}

int main(int count, char **arguments)
{
    g_test_init(&count, &arguments, NULL);
    g_test_add_func("/cli/parse/good", test_good);
    g_test_add_func("/cli/parse/bad", test_bad);
    g_test_add_func("/cli/parse/help", test_help);
    g_test_add_func("/cli/parse/numbers", test_numbers);
    g_test_add_func("/cli/words/nearest", test_nearest);
    g_test_add_func("/cli/verb/tables", test_tables);
    return g_test_run();
}
