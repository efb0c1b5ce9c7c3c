/* A call under way: what a handler gets, and the small helpers that every resource uses. */
#pragma once

#include "api/reply.h"
#include "api/request.h"
#include "api/service.h"
#include "base/error.h"
#include "base/json.h"

typedef struct Route Route;

#define CALL_PARAMETERS 3 /* most {names} in one path */

typedef struct {
    const Service *service;
    const Route *route;
    Request *request;
    Reply *reply;
    Caller *caller;                    /* NULL on routes for anyone */
    char *parameters[CALL_PARAMETERS]; /* values of the pattern's {names}, in order; NULL after the last */
    Json *body;                        /* NULL: none was sent and none is required */
    StoreActor actor;                  /* of this call, for events */
} Call;

/* ---- permissions ---- */

bool call_allows(const Call *call, Permission permission);
/* The same as an error that names the permission. */
bool call_demand(const Call *call, Permission permission, GError **error);
/* A kiosk's login is for one pool: FORBIDDEN of others. */
bool call_demand_pool(const Call *call, const char *pool_id, GError **error);
/* Whether the caller is this user. */
bool call_is(const Call *call, const char *user_id);

/* Of whom a limited help desk may know: *ret is its id, NULL where the caller is not limited. */
bool call_helper(const Call *call, const char **ret, GError **error);
/* NOT_FOUND, as if KIND "NAME" did not exist, unless the caller may help one of these people (NULL: nobody). */
bool call_may_help(const Call *call, const char *person_id, const char *kind, const char *name, GError **error);

/* ---- reading the request ---- */

/* limit and after of the query. */
bool call_page(const Call *call, StorePage *ret, GError **error);
/* true or false in the query; absent: false. */
bool call_flag(const Call *call, const char *name, bool *ret, GError **error);
/* search of the query: borrowed, NULL if absent. INVALID: longer than LIMIT_TEXT bytes. */
bool call_search(const Call *call, const char **ret, GError **error);
/* If-Match: the version to demand, 0 if absent or "*". */
bool call_if_match(const Call *call, int64_t *ret_version, GError **error);
/* STALE if If-Match is there and is not this version. */
bool call_match(const Call *call, int64_t version, GError **error);
/* Resolves an optional query parameter (a name or id) to an id: *ret NULL if absent. Caller frees. */
bool call_query_pool(const Call *call, char **ret, GError **error);
bool call_query_user(const Call *call, char **ret, GError **error);

/* ---- answering ---- */

/* {"items": [...], "next": next or null}; takes items. */
void call_reply_page(Call *call, Json *items, const char *next);
void call_etag(Call *call, int64_t version);
/* 201 with Location: api/v1/COLLECTION/ID and the ETag (version 0: none); takes value. */
void call_reply_created(Call *call, const char *collection, const char *id, int64_t version, Json *value);
/* 202 with {"job": ...} */
bool call_reply_job(Call *call, const char *job_id, GError **error);

/* ---- small JSON ---- */

Json *json_ref(const char *id, const char *name); /* {"id","name"}; null without an id */
Json *json_text_or_null(const char *text);        /* null for NULL and "" */
Json *json_time_or_null(int64_t time_ms);         /* null for 0 */
Json *json_object_of(const char *kind, const char *id,
                     const char *name); /* {"kind","id","name"}; null without a kind */
/* An optional string field: *ret is borrowed, NULL if absent. INVALID if it is no string or longer than
 * LIMIT_TEXT bytes. */
bool json_take_text(Json *object, const char *key, const char **ret, GError **error);
/* An optional boolean: *ret stays as it is if absent. */
bool json_take_flag(Json *object, const char *key, bool *ret, GError **error);
/* An optional whole number lowest..highest: *ret stays as it is if absent or null. */
typedef struct {
    const char *key;
    uint64_t lowest;
    uint64_t highest;
} NumberField;
bool json_take_number(Json *object, const NumberField *field, uint64_t *ret, GError **error);
/* INVALID if the object has a key that is not among keys (NULL-ended): names it and what is allowed. */
bool json_only(Json *object, const char *const *keys, GError **error);
