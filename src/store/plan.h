/* Plans: named settings that pools and policies choose (broker/plan.h reads what is in them). */
#pragma once

#include "store/store.h"

typedef enum { STORE_PLAN_POWER, STORE_PLAN_RELEASE, STORE_PLAN_DISPLAY, STORE_PLAN_KINDS } StorePlanKind;

const char *store_plan_kind_word(StorePlanKind kind); /* "power", ... */
bool store_plan_kind_parse(const char *word, StorePlanKind *ret);

typedef struct {
    char *id;
    char *name; /* unique among all kinds */
    char *description;
    StorePlanKind kind;
    char *settings; /* a JSON object, checked by the caller */
    uint64_t pools; /* read only: that use it */
    int64_t created_ms;
    int64_t updated_ms;
    int64_t version;
} StorePlan;

void store_plan_free(StorePlan *plan);

/* CONFLICT: name taken. FULL: LIMIT_PLANS. */
StorePlan *store_plan_create(Store *store, const StoreActor *actor, const StorePlan *fields, GError **error);
StorePlan *store_plan_find(Store *store, const char *name_or_id, GError **error);
/* By name. */
GPtrArray *store_plan_list(Store *store, const StorePage *page, char **ret_next, GError **error);
/* Name, description and settings; the kind stays. As store_user_update. */
bool store_plan_update(Store *store, const StoreActor *actor, StorePlan *plan, GError **error);
/* CONFLICT: a pool or policy uses it; names one. */
bool store_plan_delete(Store *store, const StoreActor *actor, const char *id, int64_t expected_version, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(StorePlan, store_plan_free)
