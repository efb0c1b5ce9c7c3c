/* What a file declares, held against what there is: the changes that make it so. Pure; any thread.
 *
 * A declaration is the JSON object {"plans": […], "pools": […], "policies": […]}, each item with its name and fields of the
 * API's bodies (docs/api.yaml); a pool may have "entitlements": {"users": […], "groups": […]}, which is then the whole list.
 * A field that is not declared stays as it is. */
#pragma once

#include "base/json.h"

typedef enum { DECLARED_PLAN, DECLARED_POOL, DECLARED_POLICY, DECLARED_KINDS } DeclaredKind;

const char *declared_word(DeclaredKind kind);       /* "pool" */
const char *declared_collection(DeclaredKind kind); /* "pools": key of the file, path of the API */

typedef enum {
    CHANGE_CREATE,
    CHANGE_UPDATE,
    CHANGE_DELETE,
    CHANGE_ENTITLE,  /* name is a pool's; body {"kind": "user" or "group", "name"} */
    CHANGE_DISENTITLE,
    CHANGE_ORDER, /* policies: body {"policies": [names]} */
} ChangeAction;

typedef struct {
    ChangeAction action;
    DeclaredKind kind;
    char *name;
    Json *body;   /* to be sent; NULL: DELETE */
    Json *before; /* UPDATE: what these fields are now; else NULL */
} Change;

void change_free(Change *change); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Change, change_free)

/* Refuses what cannot be meant: unknown keys of the file, an item without a name or with one that stands twice. INVALID. */
bool declaration_check(const Json *declared, GError **error);

/* The changes, in the order in which they can be made. `current`: {"plans": […], "pools": […], "policies": […],
 * "entitlements": {POOL: [{"kind", "name"}]}} as the API lists them. `prune`: what is not declared is deleted, of kinds that the
 * file has. INVALID: a field that there is not, or one that is decided when the thing is made. Caller frees (Change *). */
GPtrArray *declaration_changes(const Json *declared, const Json *current, bool prune, GError **error);

/* "+ pool office", and a line for each field. Caller frees. */
char *change_text(const Change *change);
Json *change_json(const Change *change); /* {"action", "kind", "name", "fields"}; caller owns */
