#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/print.h"
#include "cli/watch.h"

static const Column list_columns[] = {
    {"NAME", "name", SHOW_TEXT},
    {"NEWEST", "newest", SHOW_NUMBER},
    {"STATE", "versions.0.state", SHOW_STATE},
    {"ON DISK", "versions.0.file_bytes", SHOW_SIZE},
    {"MADE", "versions.0.created_ms", SHOW_TIME},
    {"POOLS", "pools", SHOW_LIST},
    {0},
};

static const Column card_columns[] = {
    {"Name", "name", SHOW_TEXT},
    {"Id", "id", SHOW_TEXT},
    {"Shown as", "display_name", SHOW_TEXT},
    {"Description", "description", SHOW_TEXT},
    {"Recipe", "recipe", SHOW_TEXT},
    {"Newest version", "newest", SHOW_NUMBER},
    {"Pools", "pools", SHOW_LIST},
    {"Being built by job", "building", SHOW_TEXT},
    {0},
};

static const Column version_columns[] = {
    {"VERSION", "version", SHOW_NUMBER},
    {"STATE", "state", SHOW_STATE},
    {"ON DISK", "file_bytes", SHOW_SIZE},
    {"DESKTOP DISK", "disk_bytes", SHOW_SIZE},
    {"MEMORY", "memory_bytes", SHOW_SIZE},
    {"CPUS", "vcpus", SHOW_NUMBER},
    {"MADE", "created_ms", SHOW_TIME},
    {"ERROR", "error", SHOW_TEXT},
    {0},
};

static const Column recipe_columns[] = {
    {"NAME", "name", SHOW_TEXT},
    {"DESCRIPTION", "description", SHOW_TEXT},
    {0},
};

static void show_list(Cli *cli, const Json *list)
{
    print_table(list, list_columns);
}

static void show_card(Cli *cli, const Json *image)
{
    print_card(image, card_columns);
    if (json_array_size(json_object_get(image, "versions")) == 0)
        return;
    g_autoptr(Json) versions = json_pack("{s:O}", "items", json_object_get(image, "versions"));
    putchar('\n');
    print_table(versions, version_columns);
}

static void show_recipes(Cli *cli, const Json *list)
{
    print_table(list, recipe_columns);
}

static bool run_list(Cli *cli, const Call *call, GError **error)
{
    return cli_show(cli, client_list(cli->client, "images", 0, error), show_list);
}

static bool run_recipes(Cli *cli, const Call *call, GError **error)
{
    return cli_show(cli, client_list(cli->client, "recipes", 0, error), show_recipes);
}

static bool run_show(Cli *cli, const Call *call, GError **error)
{
    g_autofree char *path = client_path("images", call_argument(call, 0), NULL);
    return cli_show(cli, client_request(cli->client, "GET", path, NULL, error), show_card);
}

/* "images/office.recipe" → "office": the name of an image where none was given. */
static char *name_of_recipe(const char *recipe)
{
    char *name = g_path_get_basename(recipe);
    if (g_str_has_suffix(name, ".recipe"))
        name[strlen(name) - strlen(".recipe")] = '\0';
    return name;
}

/* What errors are to call it. NULL: even its last part is longer than the API takes. */
static char *label_of_recipe(const char *recipe)
{
    g_autofree char *valid = g_utf8_make_valid(strcmp(recipe, "-") == 0 ? "standard input" : recipe, -1);
    g_autofree char *base = g_path_get_basename(valid);
    if (strlen(valid) <= LIMIT_TEXT)
        return g_steal_pointer(&valid);
    return strlen(base) <= LIMIT_TEXT ? g_steal_pointer(&base) : NULL;
}

/* A word that is a file here, or looks like one, is sent as text; any other is the name of a recipe on the
 * server. */
static Json *build_body(Cli *cli, const Call *call, GError **error)
{
    const char *recipe = call_argument(call, 0);
    const char *name = call_option(call, "name");
    g_autofree char *usual = name_of_recipe(recipe);
    if (!strchr(recipe, '/') && !g_str_has_suffix(recipe, ".recipe") && strcmp(recipe, "-") != 0)
        return json_pack("{s:s, s:s}", "name", name ? name : usual, "recipe", recipe);
    if (!name && strcmp(recipe, "-") == 0)
        return cli_misused(cli, error,
                          "oriel image build: a recipe from standard input needs --name"),
               NULL;
    g_autofree char *text = cli_read_file(recipe, LIMIT_RECIPE, error);
    if (!text)
        return NULL;
    g_autofree char *label = label_of_recipe(recipe);
    Json *body = json_pack("{s:s, s:s, s:s*}", "name", name ? name : usual, "recipe_text", text,
                           "recipe_file", label);
    if (!body)
        oriel_fail(error, ORIEL_ERROR_INVALID, "recipe \"%s\": is no UTF-8 text", recipe);
    return body;
}

static void show_built(Cli *cli, const Json *image)
{
    g_autoptr(GString) text = g_string_new(NULL);
    static const Column newest = {"", "newest", SHOW_NUMBER}, name = {"", "name", SHOW_TEXT};
    g_autofree char *version = print_value(image, &newest), *title = print_value(image, &name);
    cli_say(cli, "Image %s has version %s now.", title, version);
}

static void show_job(Cli *cli, const Json *answer)
{
    const char *id = json_string_value(json_object_get(json_object_get(answer, "job"), "id"));
    cli_say(cli, "Job %s does it; \"oriel job watch %s\" shows how far it is.", id, id);
}

/* The job that builds this image; a build that runs already is joined by --if-missing. Caller owns. */
static Json *build_begin(Cli *cli, const Json *image, const Json *body, GError **error)
{
    const char *building = json_string_value(json_object_get(image, "building"));
    if (!building)
        return client_request(cli->client, "POST", "images", body, error);
    g_autofree char *path = client_path("jobs", building, NULL);
    Json *job = client_request(cli->client, "GET", path, NULL, error);
    return job ? json_pack("{s:o}", "job", job) : NULL;
}

static bool build_and_wait(Cli *cli, const Json *image, const Json *body, GError **error)
{
    g_autoptr(Json) answer = build_begin(cli, image, body, error);
    if (!answer)
        return false;
    if (!cli->wait)
        return cli_show(cli, g_steal_pointer(&answer), show_job);
    const char *id = json_string_value(json_object_get(json_object_get(answer, "job"), "id"));
    if (!id)
        return oriel_fail(error, ORIEL_ERROR_CORRUPT, "answer of orield: no job in it");
    g_autoptr(Json) job = watch_job(cli, id, error);
    return job != NULL;
}

static bool run_build(Cli *cli, const Call *call, GError **error)
{
    g_autoptr(Json) body = build_body(cli, call, error);
    if (!body)
        return false;
    g_autofree char *path = client_path("images", json_string_value(json_object_get(body, "name")), NULL);
    g_autoptr(Json) image = NULL;
    if (call_flag(call, "if-missing")) {
        g_autoptr(GError) failure = NULL;
        image = cli_find(cli, path, &failure);
        if (failure)
            return g_propagate_error(error, g_steal_pointer(&failure)), false;
    }
    if (json_is_integer(json_object_get(image, "newest")))
        return cli_show(cli, g_steal_pointer(&image), show_built);
    if (!build_and_wait(cli, image, body, error))
        return false;
    return !cli->wait || cli_show(cli, client_request(cli->client, "GET", path, NULL, error), show_built);
}

static bool run_delete(Cli *cli, const Call *call, GError **error)
{
    const char *name = call_argument(call, 0);
    g_autofree char *question = g_strdup_printf("Delete image \"%s\" with all its versions?", name);
    g_autofree char *path = client_path("images", name, NULL);
    if (!cli_confirm(cli, call, question, error) || !cli_do(cli, "DELETE", path, NULL, error))
        return false;
    cli_say(cli, "Image %s is gone.", name);
    return true;
}

static const Option build_options[] = {
    {"name", VALUE_TEXT, "NAME", "Name of the image; else that of the recipe", .names = NAMES_IMAGE},
    {"if-missing", VALUE_FLAG, .help = "Only where the image has no usable version yet"},
    {0},
};

static const Option delete_options[] = {
    {"yes", VALUE_FLAG, .help = "Do not ask first"},
    {0},
};

static const Verb verbs[] = {
    {"list", "List golden images", .run = run_list},
    {"show", "Show an image and its versions", .arguments = {{"IMAGE", NAMES_IMAGE}}, .run = run_show},
    {"build", "Build an image, or a new version of it, from a recipe",
     "RECIPE is the name of a recipe on the server (\"oriel image recipes\" lists them) or, with a slash or "
     "the ending "
     ".recipe, a file here; - is standard input. Pools that follow the image's newest version go over to it.",
     .arguments = {{"RECIPE", NAMES_RECIPE}}, .options = build_options, .run = run_build},
    {"recipes", "List the recipes that images can be built from", .run = run_recipes},
    {"delete", "Delete an image with all its versions", "Refused while a pool uses it.",
     .arguments = {{"IMAGE", NAMES_IMAGE}}, .options = delete_options, .run = run_delete},
    {0},
};

const VerbGroup image_group = {"image", "Golden images", verbs};
