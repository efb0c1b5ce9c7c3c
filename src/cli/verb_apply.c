#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/declare.h"
#include "cli/print.h"
#include "cli/yaml.h"

/* ---- what there is ---- */

static bool add_entitlements(Cli *cli, const Json *declared, Json *current, GError **error)
{
    Json *all = json_object();
    json_object_set_new(current, "entitlements", all);
    size_t i;
    Json *pool;
    json_array_foreach (json_object_get(current, "pools"), i, pool) {
        const char *name = json_string_value(json_object_get(pool, "name"));
        g_autofree char *path = client_path("pools", name, "entitlements", NULL);
        g_autoptr(Json) list = client_list(cli->client, path, 0, error);
        if (!list)
            return false;
        json_object_set(all, name, json_object_get(list, "items"));
    }
    return true;
}

/* Only kinds that the file has. */
static Json *current_read(Cli *cli, const Json *declared, GError **error)
{
    g_autoptr(Json) current = json_object();
    for (int kind = 0; kind < DECLARED_KINDS; kind++) {
        const char *collection = declared_collection((DeclaredKind)kind);
        if (!json_object_get(declared, collection))
            continue;
        g_autoptr(Json) list = client_list(cli->client, collection, 0, error);
        if (!list)
            return NULL;
        json_object_set(current, collection, json_object_get(list, "items"));
    }
    return add_entitlements(cli, declared, current, error) ? g_steal_pointer(&current) : NULL;
}

/* ---- making it so ---- */

static bool entitlement_make(Cli *cli, const Change *change, GError **error)
{
    const char *kind = json_string_value(json_object_get(change->body, "kind")), *name = json_string_value(json_object_get(change->body, "name"));
    g_autofree char *path =
        client_path("pools", change->name, "entitlements", strcmp(kind, "user") == 0 ? "users" : "groups", name, NULL);
    g_autoptr(Json) answer = client_request(cli->client, change->action == CHANGE_ENTITLE ? "PUT" : "DELETE", path, NULL, error);
    return answer != NULL;
}

static bool change_make(Cli *cli, const Change *change, GError **error)
{
    const char *collection = declared_collection(change->kind);
    g_autofree char *path = client_path(collection, change->name, NULL);
    g_autoptr(Json) answer = NULL;
    switch (change->action) {
    case CHANGE_ENTITLE:
    case CHANGE_DISENTITLE:
        return entitlement_make(cli, change, error);
    case CHANGE_CREATE:
        answer = client_request(cli->client, "POST", collection, change->body, error);
        break;
    case CHANGE_UPDATE:
        answer = client_request(cli->client, "PATCH", path, change->body, error);
        break;
    case CHANGE_ORDER:
        answer = client_request(cli->client, "PUT", "policies/order", change->body, error);
        break;
    case CHANGE_DELETE:
    default:
        answer = client_request(cli->client, "DELETE", path, NULL, error);
    }
    return answer != NULL;
}

static bool changes_make(Cli *cli, const GPtrArray *changes, GError **error)
{
    for (unsigned i = 0; i < changes->len; i++) {
        const Change *change = changes->pdata[i];
        g_autoptr(GError) problem = NULL;
        if (change_make(cli, change, &problem))
            continue;
        return oriel_fail(error, oriel_error_kind(problem), "%s; %u of %u changes were made before it, and the same command goes on from here",
                          problem->message, i, changes->len);
    }
    return true;
}

/* ---- the verb ---- */

static Json *file_read_declaration(const char *path, GError **error)
{
    g_autofree char *text = cli_read_file(path, LIMIT_APPLY_FILE, error);
    const char *what = strcmp(path, "-") == 0 ? "standard input" : path;
    g_autoptr(Json) declared = text ? yaml_parse_object(text, strlen(text), what, error) : NULL;
    if (!declared)
        return NULL;
    if (!declaration_check(declared, error)) {
        g_prefix_error(error, "%s: ", what);
        return NULL;
    }
    return g_steal_pointer(&declared);
}

static void show(Cli *cli, const GPtrArray *changes, bool applied)
{
    g_autoptr(Json) list = json_array();
    for (unsigned i = 0; i < changes->len; i++) {
        g_autofree char *text = change_text(changes->pdata[i]);
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        for (char **line = lines; *line; line++)
            if (!applied)
                cli_say(cli, "%s", *line);
        json_array_append_new(list, change_json(changes->pdata[i]));
    }
    g_autoptr(Json) answer = json_pack("{s:O, s:b}", "changes", list, "applied", applied);
    if (cli->json)
        print_json(answer);
}

static bool run_apply(Cli *cli, const Call *call, GError **error)
{
    const char *path = call_argument(call, 0);
    bool dry = call_flag(call, "dry-run");
    g_autoptr(Json) declared = file_read_declaration(path, error);
    g_autoptr(Json) current = declared ? current_read(cli, declared, error) : NULL;
    g_autoptr(GPtrArray) changes = current ? declaration_changes(declared, current, call_flag(call, "prune"), error) : NULL;
    if (!changes)
        return false;
    if (!changes->len)
        cli_say(cli, "Everything is as declared; nothing is to be changed.");
    if (!changes->len || dry || !cli->json)
        show(cli, changes, false);
    if (!changes->len || dry)
        return true;
    g_autofree char *question = g_strdup_printf("Make %s?", changes->len == 1 ? "this change" : "these changes");
    if (!cli_confirm(cli, call, question, error) || !changes_make(cli, changes, error))
        return false;
    if (cli->json)
        show(cli, changes, true);
    cli_say(cli, changes->len == 1 ? "The change was made." : "All %u changes were made.", changes->len);
    return true;
}

static const Option options[] = {
    {"dry-run", VALUE_FLAG, .help = "Show what would change, and change nothing"},
    {"prune", VALUE_FLAG, .help = "Delete what is not declared, of the kinds that the file has"},
    {"yes", VALUE_FLAG, .help = "Do not ask first"},
    {0},
};

static const Verb verbs[] = {
    {NULL, "Make plans, pools, policies and entitlements what a file declares",
     "FILE is YAML or JSON (\"-\": standard input): \"plans\", \"pools\" and \"policies\", each a list of things with a name and the fields of "
     "the API. A pool may have \"entitlements\" with \"users\" and \"groups\", which are then the whole list. What a field is not "
     "declared for stays as it is. The difference is shown before anything is changed; a second run changes nothing.",
     .arguments = {{"FILE", NAMES_FILE}}, .options = options, .run = run_apply},
    {0},
};

const VerbGroup apply_group = {"apply", "Declared plans, pools, policies and entitlements", verbs};
