/* Kiosks: devices that log in by themselves, by where they are or by a certificate that they have, and open one pool. */
#pragma once

#include "store/store.h"

typedef struct {
    char *id;
    char *name;         /* unique */
    char *networks;     /* words as base/network.h reads them; "": by certificate alone */
    char *certificates; /* SHA-256 in hex, words; "": by address alone */
    char *user_id;      /* whom it logs in as */
    char *user_name;    /* read only, as the next */
    char *pool_id;
    char *pool_name;
    bool enabled;
    uint64_t logins; /* read only: open ones */
    int64_t created_ms;
    int64_t updated_ms;
    int64_t version;
} StoreKiosk;

void store_kiosk_free(StoreKiosk *kiosk);

/* CONFLICT: name taken. NOT_FOUND: user or pool. FULL: LIMIT_KIOSKS. */
StoreKiosk *store_kiosk_create(Store *store, const StoreActor *actor, const StoreKiosk *fields, GError **error);
StoreKiosk *store_kiosk_find(Store *store, const char *name_or_id, GError **error);
/* By name. */
GPtrArray *store_kiosk_list(Store *store, const StorePage *page, char **ret_next, GError **error);
/* As store_user_update. Its logins end, and with them its displays: the devices log in anew, if they still may. */
bool store_kiosk_update(Store *store, const StoreActor *actor, StoreKiosk *kiosk, GError **error);
bool store_kiosk_delete(Store *store, const StoreActor *actor, const char *id, int64_t expected_version, GError **error);

typedef struct {
    char *id; /* of the web session */
    char *address;
    int64_t seen_ms;
    bool shows; /* a display is open by it */
} StoreKioskLogin;

void store_kiosk_login_free(StoreKioskLogin *login);

/* Its open logins, the longest unused first. */
GPtrArray *store_kiosk_logins(Store *store, const char *id, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreKiosk, store_kiosk_free)
