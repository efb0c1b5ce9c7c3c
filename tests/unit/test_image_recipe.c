/* Recipes: what is read, and that each mistake names its line and what is allowed. */
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "image/recipe.h"

#define HEAD "[image]\ntitle = T\nsuite = bookworm\nsize = 2 GiB\nmemory = 256 MiB\n"

static Recipe *parse(const char *text, GError **error)
{
    return recipe_parse(text, strlen(text), "x.recipe", error);
}

static void test_whole(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Recipe) recipe = parse("# a comment\n" HEAD "vcpus = 3\nsession = x11\nuser = ann\nappend = quiet a=b\r\n"
                                     "drivers = all\n\n[packages]\n# not this\na b\n-c\n[users]\nann: audio, video\nbob\n"
                                     "[services]\nenable x.service y.timer\nmask getty@tty1.service\n"
                                     "[file /etc/motd]\n    one\n\n      two\n    # three\n\n\n# comment\n"
                                     "[file /bin/x 0755]\n    #!/bin/sh\n[script]\n    echo [hello]\n",
                                     &error);
    g_assert_no_error(error);
    g_assert_cmpuint(recipe->size, ==, 2ull << 30);
    g_assert_cmpuint(recipe->memory, ==, 256ull << 20);
    g_assert_cmpuint(recipe->vcpus, ==, 3);
    g_assert_cmpint(recipe->session, ==, RECIPE_SESSION_X11);
    g_assert_cmpint(recipe->drivers, ==, RECIPE_DRIVERS_ALL);
    g_assert_cmpstr(recipe->append, ==, "quiet a=b");
    g_assert_cmpuint(recipe->packages->len, ==, 3);
    g_assert_cmpstr(recipe->packages->pdata[2], ==, "-c");
    g_assert_cmpuint(recipe->users->len, ==, 2);
    g_assert_cmpstr(((RecipeUser *)recipe->users->pdata[0])->groups, ==, "audio,video");
    g_assert_cmpuint(recipe->services->len, ==, 3);
    const RecipeFile *motd = recipe->files->pdata[0], *program = recipe->files->pdata[1];
    g_assert_cmpstr(motd->text, ==, "one\n\n  two\n# three\n");
    g_assert_cmpuint(motd->mode, ==, 0644);
    g_assert_cmpuint(program->mode, ==, 0755);
    g_assert_cmpstr(recipe->script, ==, "echo [hello]\n");
}

static void test_mistakes(void)
{
    static const struct {
        const char *text;
        const char *said;
    } ROWS[] = {
        {"title = T\n", "line 1: \"title = T\" stands before the first section"},
        {"[image]\nsiez = 3\n", "line 2: unknown key \"siez\"; allowed: title, description"},
        {"[image]\ntitle\n", "line 2: \"title\" is not of the form KEY = VALUE"},
        {"[image]\ntitle =\n", "line 2: title has no value"},
        {"[image]\ntitle = a\ntitle = b\n", "line 3: title is given twice"},
        {"[image]\nsize = 20\n", "line 2: size \"20\" is no size"},
        {"[image]\nsize = 20 GB\n", "line 2: size \"20 GB\" is no size"},
        {"[image]\nmemory = 1 MiB\n", "64 MiB to 1 TiB"},
        {"[image]\nvcpus = 0\n", "allowed: 1 to 64"},
        {"[image]\nsession = wayland\n", "allowed: console, x11"},
        {"[image]\nbase = fedora\n", "allowed: debian"},
        {"[image]\nsuite = ../x\n", "line 2: suite"},
        {"[image]\nmirror = ftp://x\n", "http://"},
        {"[image]\nmirror = http://x y\n", "http://"},
        {"[image]\nappend = root=/dev/sda\n", "without root="},
        {"[imag]\n", "unknown section [imag]; allowed: [image], [packages]"},
        {"[image\n", "line 1: a section ends with ]"},
        {"[packages]\nFoo\n", "\"Foo\" is no package name"},
        {"[packages]\n--force\n", "is no package name"},
        {"[packages]\na;b\n", "is no package name"},
        {"[packages]\n[packages]\n", "section [packages] is given twice"},
        {"[users]\nRoot: x\n", "is no user name"},
        {"[users]\na: b;c\n", "is no group name"},
        {"[users]\na\na: b\n", "user \"a\" is given twice"},
        {"[services]\nstart x.service\n", "allowed: enable, disable or mask"},
        {"[services]\nenable x\n", "\"x\" is no unit"},
        {"[services]\nenable --now.service\n", NULL}, /* a leading dash is legal in a unit's name, never an option here */
        {"[file etc/x]\n", "allowed: [file /ABSOLUTE/PATH]"},
        {"[file /etc/../x]\n", "allowed: [file /ABSOLUTE/PATH]"},
        {"[file /]\n", "allowed: [file /ABSOLUTE/PATH]"},
        {"[file /etc/x 644]\n", "four octal digits"},
        {"[file /etc/x 0649]\n", "four octal digits"},
        {"[file /home/ann/x]\n", "/etc/skel"},
        {"[file /etc/x]\n[file /etc/x]\n", "file /etc/x is given twice"},
        {"[file /etc/x]\nnot indented\n", "line 2: contents must be indented"},
        {"[script]\nrm -rf /\n", "line 2: contents must be indented"},
        {"[image]\ntitle = T\n", "[image] has no suite"},
        {HEAD "user = ann\n", "user \"ann\" of [image] is not in [users]"},
        {HEAD "session = x11\n", "session x11 needs a user"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(ROWS); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Recipe) recipe = parse(ROWS[i].text, &error);
        g_assert_null(recipe);
        if (!ROWS[i].said)
            continue;
        g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_INVALID);
        g_assert_nonnull(strstr(error->message, "recipe \"x.recipe\""));
        if (!strstr(error->message, ROWS[i].said))
            g_error("%s\ndoes not say: %s", error->message, ROWS[i].said);
    }
}

static void test_bounds(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *large = g_strnfill(LIMIT_RECIPE + 1, '#');
    g_assert_null(recipe_parse(large, LIMIT_RECIPE + 1, "x", &error));
    g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_TOO_LARGE);
    g_clear_error(&error);
    g_assert_null(recipe_parse("[image]\ntitle = \xff\n", 18, "x", &error));
    g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_INVALID);
    g_clear_error(&error);
    g_assert_null(recipe_parse(HEAD "\0", sizeof HEAD, "x", &error)); /* a NUL inside */
    g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_INVALID);
    g_clear_error(&error);
    g_assert_null(recipe_load("/nonexistent/x.recipe", &error));
    g_assert_error(error, ORIEL_ERROR, ORIEL_ERROR_NOT_FOUND);
}

/* The recipes that we ship must parse. */
static void test_shipped(void)
{
    static const char *const NAMES[] = {"debian-minimal", "debian-xfce"};
    for (size_t i = 0; i < G_N_ELEMENTS(NAMES); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *path = g_strdup_printf("%s/%s.recipe", ORIEL_RECIPES, NAMES[i]);
        g_autoptr(Recipe) recipe = recipe_load(path, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(recipe->user, ==, "user");
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/recipe/whole", test_whole);
    g_test_add_func("/recipe/mistakes", test_mistakes);
    g_test_add_func("/recipe/bounds", test_bounds);
    g_test_add_func("/recipe/shipped", test_shipped);
    return g_test_run();
}
