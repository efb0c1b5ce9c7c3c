/* Pools and who may use them. */
#pragma once

#include "store/plan.h"
#include "store/store.h"

typedef enum {
    STORE_POOL_FLOATING,
    STORE_POOL_DEDICATED,
    STORE_POOL_MANUAL, /* machines that were there before: each has an address, none an image */
} StorePoolType;

typedef enum {
    STORE_PROVISION_INSTANT, /* forked from a running template */
    STORE_PROVISION_LINKED,  /* a disk upon the image's, booted */
    STORE_PROVISION_FULL,    /* a copy of the image's disk, booted */
} StoreProvisioning;

const char *store_pool_type_word(StorePoolType type); /* "floating", "dedicated", "manual" */
bool store_pool_type_parse(const char *word, StorePoolType *ret);
const char *store_provisioning_word(StoreProvisioning provisioning); /* "instant", "linked", "full" */
bool store_provisioning_parse(const char *word, StoreProvisioning *ret);

typedef struct {
    char *id;
    char *name;         /* unique */
    char *display_name; /* never NULL, may be "" */
    char *description;  /* never NULL, may be "" */
    StorePoolType type;
    StoreProvisioning provisioning;
    bool assign_by_hand;      /* dedicated: an operator assigns, not the first click */
    uint64_t users_a_desktop; /* dedicated, manual: how many people one may be assigned to; 0 is taken as 1 */
    uint64_t sessions_a_user; /* floating: how many desktops one person may have at a time; 0 is taken as 1 */
    char *image_id;           /* NULL: manual */
    char *image_version_id;   /* pinned; NULL: the newest ready version */
    uint64_t size;            /* most desktops it may have */
    uint64_t seats;           /* 0: a desktop is one person's; else it is shared: size and minimum count machines, each with so many
                                 seats (desktops of their own, store/desktop.h), and spares counts seats. Only floating ones */
    uint64_t minimum;         /* desktops that are there in any case, made up front */
    uint64_t spares;          /* ready desktops that belong to nobody yet */
    char *naming;             /* base/naming.h; NULL is taken as NAMING_DEFAULT */
    uint64_t memory_bytes;
    uint64_t vcpus;
    char *application; /* command of the one program that it shows; "": the whole desktop. NULL is taken as "" */
    char *self_service; /* what people may do with their own: broker/self_service.h. NULL is taken as "" */
    char *home;          /* name of the user disk that people have here; "": none. NULL is taken as "" */
    uint64_t home_bytes; /* of a new one */
    bool refresh_on_log_off;
    bool enabled;
    bool maintenance;             /* nobody may connect; desktops stay */
    char *plan_ids[STORE_PLAN_KINDS]; /* power, release, display; NULL: none */
    char *plan_names[STORE_PLAN_KINDS]; /* read only */
    bool draining;                /* no new sessions, those that are open go on; free desktops go */
    char *image_name;             /* read only, as all of the following */
    int64_t image_version_number; /* 0: not pinned */
    bool has_icon;
    bool deleting;                /* store_pool_delete was called: goes when its last desktop has gone */
    uint64_t desktops;            /* rows that are not desired = deleted; seats do not count */
    uint64_t desktops_running;    /* of them observed = running */
    uint64_t desktops_assigned;   /* seats count, as in the next */
    uint64_t desktops_free; /* nobody's, running, their agent ready: the next click has one at once */
    uint64_t sessions; /* not ended */
    int64_t created_ms;
    int64_t updated_ms;
    int64_t version;
} StorePool;

void store_pool_free(StorePool *pool);

/* CONFLICT: name taken. NOT_FOUND: no such image or version. FULL: LIMIT_POOLS. INVALID: the version is
 * another image's, size 0 or over LIMIT_DESKTOPS_POOL, spares or minimum over size, naming is no pattern, a manual pool with
 * an image or another one without. */
StorePool *store_pool_create(Store *store, const StoreActor *actor, const StorePool *fields, GError **error);
StorePool *store_pool_find(Store *store, const char *name_or_id, GError **error);
/* Without the counts (they are 0), which cost as much as the pool has desktops; the same for the next. */
StorePool *store_pool_get(Store *store, const char *id, GError **error);
GPtrArray *store_pool_list_fields(Store *store, GError **error); /* all, by name */
/* By name. */
GPtrArray *store_pool_list(Store *store, const StorePage *page, char **ret_next, GError **error);
/* Writes every field that is not read only; as store_user_update, errors as store_pool_create. */
bool store_pool_update(Store *store, const StoreActor *actor, StorePool *pool, GError **error);
/* Marks it as deleting, sets its desktops to desired = deleted, ends their sessions; the row goes with the
 * last desktop (at once if there is none). Idempotent. */
bool store_pool_delete(Store *store, const StoreActor *actor, const char *id, int64_t expected_version,
                       GError **error);

/* The picture of its tile, a PNG as base64 of which the caller knows that it is one; "" or NULL: none. */
bool store_pool_set_icon(Store *store, const StoreActor *actor, const char *id, const char *base64, GError **error);
char *store_pool_icon(Store *store, const char *id, GError **error); /* "": none. Caller frees */

/* ---- entitlements ---- */

typedef struct {
    char *pool_id;
    bool is_group;
    char *subject_id; /* of the user or group */
    char *subject_name;
    char *subject_display_name;
    int64_t created_ms;
} StoreEntitlement;

void store_entitlement_free(StoreEntitlement *entitlement);

typedef struct {
    const char *pool_id;
    bool is_group;
    const char *subject_id;
} StoreEntitle;

/* Both are idempotent. NOT_FOUND: no such pool, user or group. */
bool store_entitlement_add(Store *store, const StoreActor *actor, const StoreEntitle *what, GError **error);
bool store_entitlement_remove(Store *store, const StoreActor *actor, const StoreEntitle *what,
                              GError **error);
GPtrArray *store_entitlement_list(Store *store, const char *pool_id, GError **error);

/* Pools that the user may use, directly or through a group, enabled and not deleting, by name: StorePool. */
GPtrArray *store_user_pools(Store *store, const char *user_id, GError **error);
/* Whether the user may use this pool (enabled or not). */
bool store_user_entitled(Store *store, const char *user_id, const char *pool_id, bool *ret, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(StorePool, store_pool_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreEntitlement, store_entitlement_free)
