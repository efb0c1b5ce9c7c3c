#include "image/recipe.h"

#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/number.h"

#define INDENT "    "
#define SECTIONS "[image], [packages], [users], [services], [file PATH MODE], [script]"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

typedef enum {
    SECTION_NONE,
    SECTION_IMAGE,
    SECTION_PACKAGES,
    SECTION_USERS,
    SECTION_SERVICES,
    SECTION_FILE,
    SECTION_SCRIPT,
} Section;

typedef struct {
    const char *file;
    unsigned line;
    Section section;
    Recipe *recipe;
    GString *body;      /* contents of the [file] or [script] that is being read */
    RecipeFile *open;   /* the [file] whose contents these are */
    unsigned blank;     /* empty lines in it that may turn out to be its end */
    GHashTable *seen;   /* keys of [image], sections that may come once, paths of files */
} Parser;

static bool fail_here(const Parser *parser, GError **error, const char *format, ...) G_GNUC_PRINTF(3, 4);

static bool fail_here(const Parser *parser, GError **error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    return oriel_fail(error, ORIEL_ERROR_INVALID, "recipe \"%s\" line %u: %s", parser->file, parser->line, text);
}

/* Made of `allowed` only, the first of `first`. */
static bool is_word(const char *text, const char *first, const char *allowed, size_t longest)
{
    size_t length = strlen(text);
    return length > 0 && length <= longest && strchr(first, text[0]) && strspn(text, allowed) == length;
}

static bool is_package(const char *text)
{
    return is_word(text, LOWER DIGITS, LOWER DIGITS "+.-", 128);
}

static bool is_account(const char *text)
{
    return is_word(text, LOWER "_", LOWER DIGITS "_-", 32);
}

static bool is_unit(const char *text)
{
    return is_word(text, LOWER UPPER DIGITS "-", LOWER UPPER DIGITS "@:._-\\", 255) && strchr(text, '.');
}

static bool is_printable(const char *text)
{
    for (const char *at = text; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            return false;
    return true;
}

static bool is_mirror(const char *text)
{
    bool scheme = g_str_has_prefix(text, "http://") || g_str_has_prefix(text, "https://") ||
                  g_str_has_prefix(text, "file:///");
    return scheme && is_printable(text) && !strpbrk(text, " []\"\\");
}

/* ---- [image] ---- */

static bool set_size(Parser *parser, const char *key, const char *value, GError **error)
{
    Recipe *recipe = parser->recipe;
    bool memory = strcmp(key, "memory") == 0;
    uint64_t lowest = memory ? 64ull << 20 : 256ull << 20, highest = memory ? 1ull << 40 : 16ull << 40;
    uint64_t bytes;
    if (!number_parse_size(value, key, &bytes, NULL) || bytes < lowest || bytes > highest || bytes % (1 << 20) != 0)
        return fail_here(parser, error, "%s \"%s\" is no size; allowed: whole MiB such as \"512 MiB\" or \"20 GiB\", %s", key,
                         value, memory ? "64 MiB to 1 TiB" : "256 MiB to 16 TiB");
    *(memory ? &recipe->memory : &recipe->size) = bytes;
    return true;
}

static bool set_vcpus(Parser *parser, const char *key, const char *value, GError **error)
{
    uint64_t count;
    if (!number_parse(value, 1, 64, key, &count, NULL))
        return fail_here(parser, error, "vcpus \"%s\" is not allowed; allowed: 1 to 64", value);
    parser->recipe->vcpus = (unsigned)count;
    return true;
}

static bool set_choice(Parser *parser, const char *key, const char *value, GError **error)
{
    static const struct {
        const char *key, *first, *second;
    } CHOICES[] = {{"session", "console", "x11"}, {"drivers", "virtual", "all"}, {"rdp", "no", "yes"}, {"base", "debian", "debian"}};
    const size_t only = G_N_ELEMENTS(CHOICES) - 1; /* has no second one */
    for (size_t i = 0; i < G_N_ELEMENTS(CHOICES); i++) {
        if (strcmp(CHOICES[i].key, key) != 0)
            continue;
        bool second = strcmp(value, CHOICES[i].second) == 0;
        if (!second && strcmp(value, CHOICES[i].first) != 0)
            return fail_here(parser, error, "%s \"%s\" is not allowed; allowed: %s%s%s", key, value, CHOICES[i].first,
                             i < only ? ", " : "", i < only ? CHOICES[i].second : "");
        if (i == 0)
            parser->recipe->session = second ? RECIPE_SESSION_X11 : RECIPE_SESSION_CONSOLE;
        if (i == 1)
            parser->recipe->drivers = second ? RECIPE_DRIVERS_ALL : RECIPE_DRIVERS_VIRTUAL;
        if (i == 2)
            parser->recipe->serves_rdp = second;
    }
    return true;
}

static bool set_text(Parser *parser, const char *key, const char *value, GError **error)
{
    Recipe *recipe = parser->recipe;
    const struct {
        const char *key;
        char **field;
        bool valid;
        const char *allowed;
    } TEXTS[] = {
        {"title", &recipe->title, is_printable(value) && strlen(value) <= 100, "one line of at most 100 bytes"},
        {"description", &recipe->description, is_printable(value) && strlen(value) <= 1000,
         "one line of at most 1000 bytes"},
        {"suite", &recipe->suite, is_word(value, LOWER, LOWER DIGITS "-", 32), "a release's name such as bookworm"},
        {"mirror", &recipe->mirror, is_mirror(value), "an address that begins with http://, https:// or file:///"},
        {"components", &recipe->components, is_word(value, LOWER, LOWER "- ", 100), "words such as: main contrib"},
        {"kernel", &recipe->kernel, is_package(value), "a package such as linux-image-amd64"},
        {"append", &recipe->append, is_printable(value) && strlen(value) <= 1000 && !strstr(value, "root="),
         "words for the kernel, without root="},
        {"user", &recipe->user, is_account(value), "the name of an account that [users] has"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(TEXTS); i++) {
        if (strcmp(TEXTS[i].key, key) != 0)
            continue;
        if (!TEXTS[i].valid)
            return fail_here(parser, error, "%s \"%s\" is not allowed; allowed: %s", key, value, TEXTS[i].allowed);
        g_free(*TEXTS[i].field);
        *TEXTS[i].field = g_strdup(value);
    }
    return true;
}

static bool read_image(Parser *parser, char *text, GError **error)
{
    static const struct {
        const char *key;
        bool (*set)(Parser *parser, const char *key, const char *value, GError **error);
    } KEYS[] = {{"title", set_text},      {"description", set_text}, {"base", set_choice},  {"suite", set_text},
                {"mirror", set_text},     {"components", set_text},  {"size", set_size},    {"memory", set_size},
                {"vcpus", set_vcpus},     {"session", set_choice},   {"user", set_text},    {"kernel", set_text},
                {"drivers", set_choice},  {"append", set_text},      {"rdp", set_choice}};
    char *equals = strchr(text, '=');
    if (!equals)
        return fail_here(parser, error, "\"%s\" is not of the form KEY = VALUE", text);
    *equals = '\0';
    const char *key = g_strstrip(text), *value = g_strstrip(equals + 1);
    g_autoptr(GString) allowed = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(KEYS); i++) {
        g_string_append_printf(allowed, "%s%s", i ? ", " : "", KEYS[i].key);
        if (strcmp(KEYS[i].key, key) != 0)
            continue;
        if (!g_hash_table_add(parser->seen, g_strdup(key)))
            return fail_here(parser, error, "%s is given twice", key);
        return *value ? KEYS[i].set(parser, key, value, error) : fail_here(parser, error, "%s has no value", key);
    }
    return fail_here(parser, error, "unknown key \"%s\"; allowed: %s", key, allowed->str);
}

/* ---- lists ---- */

static bool read_packages(Parser *parser, char *text, GError **error)
{
    g_auto(GStrv) words = g_strsplit_set(text, " \t", -1);
    for (char **word = words; *word; word++) {
        if (!**word)
            continue;
        if (!is_package(**word == '-' ? *word + 1 : *word))
            return fail_here(parser, error, "\"%s\" is no package name; allowed: a-z 0-9 + . -, and a - before it to leave "
                             "it out", *word);
        g_ptr_array_add(parser->recipe->packages, g_strdup(*word));
    }
    return true;
}

static void user_free(gpointer data)
{
    RecipeUser *user = data;
    g_free(user->name);
    g_free(user->groups);
    g_free(user);
}

static bool read_users(Parser *parser, char *text, GError **error)
{
    char *colon = strchr(text, ':');
    const char *groups = colon ? colon + 1 : "";
    if (colon)
        *colon = '\0';
    const char *name = g_strstrip(text);
    if (!is_account(name))
        return fail_here(parser, error, "\"%s\" is no user name; allowed: NAME: GROUP GROUP, of a-z 0-9 _ -", name);
    g_autofree char *seen = g_strconcat("user ", name, NULL);
    if (!g_hash_table_add(parser->seen, g_steal_pointer(&seen)))
        return fail_here(parser, error, "user \"%s\" is given twice", name);
    g_auto(GStrv) words = g_strsplit_set(groups, " \t,", -1);
    g_autoptr(GString) list = g_string_new(NULL);
    for (char **word = words; *word; word++) {
        if (!**word)
            continue;
        if (!is_account(*word))
            return fail_here(parser, error, "\"%s\" is no group name; allowed: a-z 0-9 _ -", *word);
        g_string_append_printf(list, "%s%s", list->len ? "," : "", *word);
    }
    RecipeUser *user = g_new0(RecipeUser, 1);
    user->name = g_strdup(name);
    user->groups = g_strdup(list->str);
    g_ptr_array_add(parser->recipe->users, user);
    return true;
}

static void service_free(gpointer data)
{
    RecipeService *service = data;
    g_free(service->verb);
    g_free(service->unit);
    g_free(service);
}

static bool read_services(Parser *parser, char *text, GError **error)
{
    static const char *const VERBS[] = {"enable", "disable", "mask", NULL};
    g_auto(GStrv) words = g_strsplit_set(text, " \t", -1);
    if (!g_strv_contains(VERBS, words[0]))
        return fail_here(parser, error, "\"%s\" is not allowed; allowed: enable, disable or mask, then units", words[0]);
    for (char **word = words + 1; *word; word++) {
        if (!**word)
            continue;
        if (!is_unit(*word))
            return fail_here(parser, error, "\"%s\" is no unit; allowed: whole names such as getty@tty1.service", *word);
        RecipeService *service = g_new0(RecipeService, 1);
        service->verb = g_strdup(words[0]);
        service->unit = g_strdup(*word);
        g_ptr_array_add(parser->recipe->services, service);
    }
    return true;
}

/* ---- [file] and [script] ---- */

static void file_free(gpointer data)
{
    RecipeFile *file = data;
    g_free(file->path);
    g_free(file->text);
    g_free(file);
}

static void close_body(Parser *parser)
{
    char *text = parser->body ? g_string_free(g_steal_pointer(&parser->body), FALSE) : NULL;
    if (text && parser->open) {
        g_free(parser->open->text);
        parser->open->text = text;
    } else if (text) {
        g_free(parser->recipe->script);
        parser->recipe->script = text;
    }
    parser->open = NULL;
    parser->blank = 0;
}

static bool is_file_path(const char *path)
{
    return path[0] == '/' && path[1] && is_printable(path) && !strstr(path, "//") && !strstr(path, "/../") &&
           !strstr(path, "/./") && !g_str_has_suffix(path, "/..") && !g_str_has_suffix(path, "/.") &&
           !g_str_has_suffix(path, "/") && strlen(path) < 1024;
}

static bool open_file(Parser *parser, char **words, GError **error)
{
    const char *path = words[1] ? words[1] : "", *mode = words[1] && words[2] ? words[2] : "0644";
    if (!is_file_path(path) || (words[1] && words[2] && words[3]))
        return fail_here(parser, error, "allowed: [file /ABSOLUTE/PATH] or [file /ABSOLUTE/PATH 0755]");
    if (g_str_has_prefix(path, "/home/"))
        return fail_here(parser, error, "%s: put it below /etc/skel, from where each new user gets a copy", path);
    if (strlen(mode) != 4 || strspn(mode, "01234567") != 4)
        return fail_here(parser, error, "mode \"%s\" is not allowed; allowed: four octal digits such as 0644", mode);
    if (!g_hash_table_add(parser->seen, g_strdup(path)))
        return fail_here(parser, error, "file %s is given twice", path);
    RecipeFile *file = g_new0(RecipeFile, 1);
    file->path = g_strdup(path);
    file->mode = (unsigned)g_ascii_strtoull(mode, NULL, 8);
    file->text = g_strdup("");
    g_ptr_array_add(parser->recipe->files, file);
    parser->open = file;
    parser->body = g_string_new(NULL);
    return true;
}

static bool read_body(Parser *parser, const char *line, GError **error)
{
    if (!*line) {
        parser->blank++;
        return true;
    }
    if (*line == '#')
        return true;
    if (!g_str_has_prefix(line, INDENT))
        return fail_here(parser, error, "contents must be indented by four spaces; a new section begins with [");
    for (; parser->blank > 0; parser->blank--)
        g_string_append_c(parser->body, '\n');
    g_string_append(parser->body, line + strlen(INDENT));
    g_string_append_c(parser->body, '\n');
    return true;
}

/* ---- the whole ---- */

static bool open_section(Parser *parser, char *line, GError **error)
{
    static const char *const NAMES[] = {NULL, "image", "packages", "users", "services", "file", "script"};
    close_body(parser);
    g_strchomp(line);
    size_t length = strlen(line);
    if (line[length - 1] != ']')
        return fail_here(parser, error, "a section ends with ]");
    line[length - 1] = '\0';
    g_auto(GStrv) words = g_strsplit_set(line + 1, " ", -1);
    Section section = SECTION_IMAGE;
    while (section <= SECTION_SCRIPT && strcmp(NAMES[section], words[0] ? words[0] : "") != 0)
        section++;
    if (section > SECTION_SCRIPT || (section != SECTION_FILE && words[1]))
        return fail_here(parser, error, "unknown section [%s]; allowed: %s", line + 1, SECTIONS);
    parser->section = section;
    if (section == SECTION_FILE)
        return open_file(parser, words, error);
    if (!g_hash_table_add(parser->seen, g_strconcat("section ", words[0], NULL)))
        return fail_here(parser, error, "section [%s] is given twice", words[0]);
    if (section == SECTION_SCRIPT)
        parser->body = g_string_new(NULL);
    return true;
}

static bool read_line(Parser *parser, char *line, GError **error)
{
    if (*line == '[')
        return open_section(parser, line, error);
    if (parser->body)
        return read_body(parser, line, error);
    char *text = g_strstrip(line);
    if (!*text || *text == '#')
        return true;
    switch (parser->section) {
    case SECTION_IMAGE:
        return read_image(parser, text, error);
    case SECTION_PACKAGES:
        return read_packages(parser, text, error);
    case SECTION_USERS:
        return read_users(parser, text, error);
    case SECTION_SERVICES:
        return read_services(parser, text, error);
    case SECTION_NONE:
    case SECTION_FILE:
    case SECTION_SCRIPT:
        break;
    }
    return fail_here(parser, error, "\"%s\" stands before the first section; allowed: %s", text, SECTIONS);
}

static bool has_user(const Recipe *recipe, const char *name)
{
    for (guint i = 0; i < recipe->users->len; i++)
        if (strcmp(((RecipeUser *)recipe->users->pdata[i])->name, name) == 0)
            return true;
    return false;
}

static bool check_whole(const Parser *parser, GError **error)
{
    static const char *const NEEDED[] = {"title", "suite", "size", "memory"};
    for (size_t i = 0; i < G_N_ELEMENTS(NEEDED); i++)
        if (!g_hash_table_contains(parser->seen, NEEDED[i]))
            return oriel_fail(error, ORIEL_ERROR_INVALID, "recipe \"%s\": [image] has no %s", parser->file, NEEDED[i]);
    const char *user = parser->recipe->user;
    if (user && !has_user(parser->recipe, user))
        return oriel_fail(error, ORIEL_ERROR_INVALID, "recipe \"%s\": user \"%s\" of [image] is not in [users]",
                          parser->file, user);
    if (parser->recipe->session == RECIPE_SESSION_X11 && !user)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "recipe \"%s\": session x11 needs a user in [image]", parser->file);
    return true;
}

static Recipe *recipe_new(const char *text, size_t length)
{
    Recipe *recipe = g_new0(Recipe, 1);
    recipe->text = g_strndup(text, length);
    recipe->title = g_strdup("");
    recipe->description = g_strdup("");
    recipe->base = g_strdup("debian");
    recipe->suite = g_strdup("");
    recipe->components = g_strdup("main");
    recipe->kernel = g_strdup("linux-image-amd64");
    recipe->append = g_strdup("");
    recipe->script = g_strdup("");
    recipe->vcpus = 1;
    recipe->packages = g_ptr_array_new_with_free_func(g_free);
    recipe->users = g_ptr_array_new_with_free_func(user_free);
    recipe->services = g_ptr_array_new_with_free_func(service_free);
    recipe->files = g_ptr_array_new_with_free_func(file_free);
    return recipe;
}

static bool parse_lines(Parser *parser, const char *text, GError **error)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        parser->line++;
        size_t length = strlen(*line);
        if (length > 0 && (*line)[length - 1] == '\r')
            (*line)[length - 1] = '\0';
        if (!read_line(parser, *line, error))
            return false;
    }
    close_body(parser);
    return check_whole(parser, error);
}

Recipe *recipe_parse(const char *text, size_t length, const char *file, GError **error)
{
    if (length > LIMIT_RECIPE) {
        oriel_fail(error, ORIEL_ERROR_TOO_LARGE, "recipe \"%s\": is over its limit of %d bytes", file, LIMIT_RECIPE);
        return NULL;
    }
    if (!g_utf8_validate(text, (gssize)length, NULL)) {
        oriel_fail(error, ORIEL_ERROR_INVALID, "recipe \"%s\": is no UTF-8 text", file);
        return NULL;
    }
    g_autoptr(Recipe) recipe = recipe_new(text, length);
    Parser parser = {.file = file, .recipe = recipe};
    parser.seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    bool parsed = parse_lines(&parser, recipe->text, error);
    close_body(&parser);
    g_hash_table_unref(parser.seen);
    return parsed ? g_steal_pointer(&recipe) : NULL;
}

Recipe *recipe_load(const char *path, GError **error)
{
    size_t length;
    g_autofree char *text = file_read(path, LIMIT_RECIPE, &length, error);
    return text ? recipe_parse(text, length, path, error) : NULL;
}

void recipe_free(Recipe *recipe)
{
    if (!recipe)
        return;
    g_free(recipe->text);
    g_free(recipe->title);
    g_free(recipe->description);
    g_free(recipe->base);
    g_free(recipe->suite);
    g_free(recipe->mirror);
    g_free(recipe->components);
    g_free(recipe->kernel);
    g_free(recipe->append);
    g_free(recipe->user);
    g_free(recipe->script);
    g_ptr_array_unref(recipe->packages);
    g_ptr_array_unref(recipe->users);
    g_ptr_array_unref(recipe->services);
    g_ptr_array_unref(recipe->files);
    g_free(recipe);
}

const char *recipe_session_name(RecipeSession session)
{
    return session == RECIPE_SESSION_X11 ? "x11" : "console";
}
