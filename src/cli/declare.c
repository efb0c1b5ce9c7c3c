#include "cli/declare.h"

#include <string.h>

#include "base/error.h"
#include "base/number.h"

static const struct {
    const char *word, *collection;
    const char *fixed[3]; /* fields that are decided when it is made */
} kinds[DECLARED_KINDS] = {
    [DECLARED_PLAN] = {"plan", "plans", {"kind"}},
    [DECLARED_POOL] = {"pool", "pools", {"type"}},
    [DECLARED_POLICY] = {"policy", "policies", {NULL}},
};

static const char *const entitled_kinds[][2] = {{"users", "user"}, {"groups", "group"}};

const char *declared_word(DeclaredKind kind)
{
    return kinds[kind].word;
}

const char *declared_collection(DeclaredKind kind)
{
    return kinds[kind].collection;
}

void change_free(Change *change)
{
    if (!change)
        return;
    g_free(change->name);
    json_decref(change->body);
    json_decref(change->before);
    g_free(change);
}

static const char *name_of(const Json *item)
{
    return json_string_value(json_object_get(item, "name"));
}

static const Json *find(const Json *list, const char *name)
{
    size_t i;
    Json *item;
    json_array_foreach ((Json *)list, i, item)
        if (g_strcmp0(name_of(item), name) == 0)
            return item;
    return NULL;
}

/* ---- the file ---- */

static bool names_check(const Json *list, const char *where, GError **error)
{
    size_t i;
    Json *name;
    if (list && !json_is_array(list))
        return oriel_fail(error, ORIEL_ERROR_INVALID, "%s: a list of names is needed", where);
    json_array_foreach ((Json *)list, i, name)
        if (!json_is_string(name))
            return oriel_fail(error, ORIEL_ERROR_INVALID, "%s: item %zu is no name; quote it if it looks like a number", where, i + 1);
    return true;
}

static bool entitlements_check(const Json *pool, GError **error)
{
    const Json *lists = json_object_get(pool, "entitlements");
    const char *key;
    Json *list;
    if (lists && !json_is_object(lists))
        return oriel_fail(error, ORIEL_ERROR_INVALID, "pool \"%s\": entitlements: \"users\" and \"groups\" are needed, each a list", name_of(pool));
    json_object_foreach ((Json *)lists, key, list) {
        g_autofree char *where = g_strdup_printf("pool \"%s\": entitlements: %s", name_of(pool), key);
        if (strcmp(key, "users") != 0 && strcmp(key, "groups") != 0)
            return oriel_fail(error, ORIEL_ERROR_INVALID, "%s: unknown; allowed are users and groups", where);
        if (!names_check(list, where, error))
            return false;
    }
    return true;
}

static bool kind_check(const Json *list, DeclaredKind kind, GError **error)
{
    size_t i;
    Json *item;
    if (!json_is_array(list))
        return oriel_fail(error, ORIEL_ERROR_INVALID, "%s: a list is needed, each item with its name", kinds[kind].collection);
    json_array_foreach ((Json *)list, i, item) {
        const char *name = name_of(item);
        if (!name || !*name)
            return oriel_fail(error, ORIEL_ERROR_INVALID, "%s: item %zu has no name (quote it if it looks like a number)", kinds[kind].collection, i + 1);
        if (find(list, name) != item)
            return oriel_fail(error, ORIEL_ERROR_INVALID, "%s \"%s\": is declared twice", kinds[kind].word, name);
        if (kind == DECLARED_POOL && !entitlements_check(item, error))
            return false;
    }
    return true;
}

bool declaration_check(const Json *declared, GError **error)
{
    const char *key;
    Json *list;
    json_object_foreach ((Json *)declared, key, list) {
        unsigned kind = 0;
        while (kind < DECLARED_KINDS && strcmp(kinds[kind].collection, key) != 0)
            kind++;
        if (kind == DECLARED_KINDS)
            return oriel_fail(error, ORIEL_ERROR_INVALID, "\"%s\": unknown; a file may declare plans, pools and policies", key);
        if (!kind_check(list, (DeclaredKind)kind, error))
            return false;
    }
    return true;
}

/* ---- one thing ---- */

/* As the API takes it: references by name. New. */
static Json *as_declared(const Json *value)
{
    if (json_is_object(value) && name_of(value) && json_object_get(value, "id"))
        return json_incref(json_object_get(value, "name"));
    if (!json_is_array(value))
        return json_incref((Json *)value);
    Json *list = json_array();
    size_t i;
    Json *item;
    json_array_foreach ((Json *)value, i, item)
        json_array_append_new(list, as_declared(item));
    return list;
}

/* What the field is now. A pool that follows its image has no version of its own. NULL: there is no such field. New. */
static Json *field_now(const Json *object, const char *key)
{
    if (strcmp(key, "version") == 0 && json_is_true(json_object_get(object, "follows_newest")))
        return json_null();
    const Json *value = json_object_get(object, key);
    return value ? as_declared(value) : NULL;
}

/* "2GiB" for bytes. New; NULL on failure. */
static Json *field_wanted(const char *key, const Json *value, GError **error)
{
    uint64_t bytes = 0;
    if (!json_is_string(value) || !g_str_has_suffix(key, "_bytes"))
        return json_incref((Json *)value);
    return number_parse_size(json_string_value(value), key, &bytes, error) ? json_integer((json_int_t)bytes) : NULL;
}

static bool is_fixed(DeclaredKind kind, const char *key)
{
    for (size_t i = 0; i < G_N_ELEMENTS(kinds[kind].fixed) && kinds[kind].fixed[i]; i++)
        if (strcmp(kinds[kind].fixed[i], key) == 0)
            return true;
    return false;
}

static Change *change_new(ChangeAction action, DeclaredKind kind, const char *name)
{
    Change *change = g_new0(Change, 1);
    change->action = action;
    change->kind = kind;
    change->name = g_strdup(name);
    return change;
}

static gint by_text(gconstpointer left, gconstpointer right)
{
    return strcmp(json_string_value(*(Json *const *)left), json_string_value(*(Json *const *)right));
}

/* A list of names means a set. New. */
static Json *sorted(const Json *value)
{
    g_autoptr(GPtrArray) items = g_ptr_array_new();
    size_t i;
    Json *item, *list = json_array();
    json_array_foreach ((Json *)value, i, item)
        if (json_is_string(item))
            g_ptr_array_add(items, item);
    g_ptr_array_sort(items, by_text);
    for (i = 0; i < items->len; i++)
        json_array_append(list, items->pdata[i]);
    return list;
}

/* What a policy's "when" or "then" comes to: by name, in any order, without conditions that are none. New. */
static Json *part_essence(const Json *part)
{
    Json *essence = json_object(), *value;
    const char *key;
    json_object_foreach ((Json *)part, key, value) {
        g_autoptr(Json) plain = as_declared(value);
        if (json_is_array(plain) && json_array_size(plain) > 0)
            json_object_set_new(essence, key, sorted(plain));
        else if (!json_is_array(plain) && !json_is_null(plain))
            json_object_set(essence, key, plain);
    }
    return essence;
}

/* What the file does not have any more has to be taken away by name: the API leaves what is not sent. */
static void part_compare(Change *change, const char *key, const Json *wanted, const Json *current)
{
    g_autoptr(Json) now = part_essence(current), then = part_essence(wanted);
    const char *name;
    Json *value;
    if (json_equal(now, then))
        return;
    g_autoptr(Json) sent = json_copy((Json *)wanted);
    json_object_foreach (now, name, value)
        if (!json_object_get(sent, name))
            json_object_set_new(sent, name, json_null());
    json_object_set(change->body, key, sent);
    json_object_set(change->before, key, now);
}

/* Adds the field to the change where it differs. */
static bool field_compare(Change *change, const char *key, Json *wanted, const Json *current, GError **error)
{
    const Json *part = change->kind == DECLARED_POLICY ? json_object_get(current, key) : NULL;
    g_autoptr(Json) now = current ? field_now(current, key) : NULL;
    if (json_is_object(part) && json_is_object(wanted)) {
        part_compare(change, key, wanted, part);
        return true;
    }
    if (current && !now)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "there is no field \"%s\"", key);
    if (now && json_equal(now, wanted))
        return true;
    if (now && is_fixed(change->kind, key))
        return oriel_fail(error, ORIEL_ERROR_INVALID, "\"%s\" is decided when it is made; delete it first, or give it another name", key);
    json_object_set(change->body, key, wanted);
    if (now)
        json_object_set(change->before, key, now);
    return true;
}

/* *ret stays NULL where nothing is to be changed. current NULL: it is to be made. */
static bool item_compare(DeclaredKind kind, const Json *declared, const Json *current, Change **ret, GError **error)
{
    g_autoptr(Change) change = change_new(current ? CHANGE_UPDATE : CHANGE_CREATE, kind, name_of(declared));
    const char *key;
    Json *value;
    change->body = json_object();
    change->before = current ? json_object() : NULL;
    json_object_foreach ((Json *)declared, key, value) {
        if (kind == DECLARED_POOL && strcmp(key, "entitlements") == 0)
            continue;
        g_autoptr(Json) wanted = field_wanted(key, value, error);
        if (!wanted || !field_compare(change, key, wanted, current, error)) {
            g_prefix_error(error, "%s \"%s\": ", kinds[kind].word, change->name);
            return false;
        }
    }
    if (!current || json_object_size(change->body) > 0)
        *ret = g_steal_pointer(&change);
    return true;
}

/* ---- entitlements ---- */

static bool has_entitlement(const Json *list, const char *kind, const char *name)
{
    size_t i;
    Json *item;
    json_array_foreach ((Json *)list, i, item)
        if (g_strcmp0(json_string_value(json_object_get(item, "kind")), kind) == 0 && g_strcmp0(name_of(item), name) == 0)
            return true;
    return false;
}

static void entitle(GPtrArray *changes, ChangeAction action, const char *pool, const char *const subject[2])
{
    Change *change = change_new(action, DECLARED_POOL, pool);
    change->body = json_pack("{s:s, s:s}", "kind", subject[0], "name", subject[1]);
    g_ptr_array_add(changes, change);
}

/* The lists that are declared are whole: who is not in them loses the pool. */
static void entitlements_compare(GPtrArray *changes, const Json *pool, const Json *now)
{
    const Json *lists = json_object_get(pool, "entitlements");
    g_autoptr(Json) wanted = json_array();
    for (size_t kind = 0; kind < G_N_ELEMENTS(entitled_kinds); kind++) {
        size_t i;
        Json *name;
        json_array_foreach (json_object_get(lists, entitled_kinds[kind][0]), i, name) {
            const char *subject[] = {entitled_kinds[kind][1], json_string_value(name)};
            if (!has_entitlement(now, subject[0], subject[1]) && !has_entitlement(wanted, subject[0], subject[1]))
                entitle(changes, CHANGE_ENTITLE, name_of(pool), subject);
            json_array_append_new(wanted, json_pack("{s:s, s:s}", "kind", subject[0], "name", subject[1]));
        }
    }
    size_t i;
    Json *item;
    json_array_foreach ((Json *)now, i, item) {
        const char *subject[] = {json_string_value(json_object_get(item, "kind")), name_of(item)};
        if (!has_entitlement(wanted, subject[0], subject[1]))
            entitle(changes, CHANGE_DISENTITLE, name_of(pool), subject);
    }
}

/* ---- all ---- */

static bool kind_compare(GPtrArray *changes, DeclaredKind kind, const Json *declared, const Json *current, GError **error)
{
    const Json *list = json_object_get(declared, kinds[kind].collection), *there = json_object_get(current, kinds[kind].collection);
    size_t i;
    Json *item;
    json_array_foreach ((Json *)list, i, item) {
        Change *change = NULL;
        if (!item_compare(kind, item, find(there, name_of(item)), &change, error))
            return false;
        if (change)
            g_ptr_array_add(changes, change);
        if (kind == DECLARED_POOL && json_object_get(item, "entitlements"))
            entitlements_compare(changes, item, json_object_get(json_object_get(current, "entitlements"), name_of(item)));
    }
    return true;
}

/* Policies are asked in the order of the file; those that it does not have come after them, as they were. */
static void order_compare(GPtrArray *changes, const Json *declared, const Json *current, bool prune)
{
    const Json *list = json_object_get(declared, "policies"), *there = json_object_get(current, "policies");
    g_autoptr(Json) wanted = json_array(), now = json_array();
    size_t i;
    Json *item;
    json_array_foreach ((Json *)list, i, item)
        json_array_append(wanted, json_object_get(item, "name"));
    json_array_foreach ((Json *)there, i, item) {
        bool is_declared = find(list, name_of(item)) != NULL;
        if (is_declared || !prune)
            json_array_append(now, json_object_get(item, "name"));
        if (!is_declared && !prune)
            json_array_append(wanted, json_object_get(item, "name"));
    }
    /* What is made comes last, as the API does it. */
    json_array_foreach ((Json *)list, i, item)
        if (!find(there, name_of(item)))
            json_array_append(now, json_object_get(item, "name"));
    if (!list || json_equal(wanted, now))
        return;
    Change *change = change_new(CHANGE_ORDER, DECLARED_POLICY, "");
    change->body = json_pack("{s:O}", "policies", wanted);
    change->before = json_pack("{s:O}", "policies", now);
    g_ptr_array_add(changes, change);
}

static void kind_prune(GPtrArray *changes, DeclaredKind kind, const Json *declared, const Json *current)
{
    const Json *list = json_object_get(declared, kinds[kind].collection);
    size_t i;
    Json *item;
    json_array_foreach (json_object_get(current, kinds[kind].collection), i, item)
        if (list && !find(list, name_of(item)))
            g_ptr_array_add(changes, change_new(CHANGE_DELETE, kind, name_of(item)));
}

GPtrArray *declaration_changes(const Json *declared, const Json *current, bool prune, GError **error)
{
    g_autoptr(GPtrArray) changes = g_ptr_array_new_with_free_func((GDestroyNotify)change_free);
    for (int kind = 0; kind < DECLARED_KINDS; kind++)
        if (!kind_compare(changes, (DeclaredKind)kind, declared, current, error))
            return NULL;
    for (int kind = DECLARED_KINDS - 1; prune && kind >= 0; kind--)
        kind_prune(changes, (DeclaredKind)kind, declared, current);
    order_compare(changes, declared, current, prune);
    return g_steal_pointer(&changes);
}

/* ---- for people and scripts ---- */

static char *value_text(const Json *value)
{
    if (json_is_null(value))
        return g_strdup("none");
    return json_is_string(value) ? g_strdup(json_string_value(value)) : json_text(value);
}

static void fields_text(GString *text, const Change *change)
{
    const char *key;
    Json *value;
    json_object_foreach (change->body, key, value) {
        g_autofree char *now = value_text(value);
        g_autofree char *before = change->before ? value_text(json_object_get(change->before, key)) : NULL;
        if (strcmp(key, "name") == 0)
            continue;
        g_string_append_printf(text, "\n    %s: %s%s%s", key, before ? before : "", before ? " → " : "", now);
    }
}

char *change_text(const Change *change)
{
    static const char signs[] = {
        [CHANGE_CREATE] = '+', [CHANGE_UPDATE] = '~', [CHANGE_DELETE] = '-', [CHANGE_ENTITLE] = '+', [CHANGE_DISENTITLE] = '-', [CHANGE_ORDER] = '~'};
    g_autoptr(GString) text = g_string_new(NULL);
    g_string_append_printf(text, "%c ", signs[change->action]);
    switch (change->action) {
    case CHANGE_ENTITLE:
    case CHANGE_DISENTITLE:
        g_string_append_printf(text, "entitlement to %s: %s %s", change->name, json_string_value(json_object_get(change->body, "kind")), name_of(change->body));
        break;
    case CHANGE_ORDER:
        g_string_append(text, "order of policies");
        fields_text(text, change);
        break;
    case CHANGE_CREATE:
    case CHANGE_UPDATE:
    case CHANGE_DELETE:
    default:
        g_string_append_printf(text, "%s %s", kinds[change->kind].word, change->name);
        fields_text(text, change);
    }
    return g_strdup(text->str);
}

Json *change_json(const Change *change)
{
    static const char *const words[] = {
        [CHANGE_CREATE] = "create",   [CHANGE_UPDATE] = "update",       [CHANGE_DELETE] = "delete",
        [CHANGE_ENTITLE] = "entitle", [CHANGE_DISENTITLE] = "disentitle", [CHANGE_ORDER] = "order"};
    return json_pack("{s:s, s:s, s:s, s:O?, s:O?}", "action", words[change->action], "kind", kinds[change->kind].word, "name",
                     change->name, "before", change->before, "fields", change->body);
}
