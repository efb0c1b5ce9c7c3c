/* Second factors: the secret shared with a person's device (sealed by the caller), and hashes of recovery codes. */
#pragma once

#include "store/store.h"

typedef struct {
    char *secret; /* sealed; NULL: the user has none */
    int64_t last_step;
    int64_t created_ms;
    int64_t confirmed_ms; /* 0: the first code has not been seen yet */
    uint64_t recovery_codes; /* that are left */
} StoreTotp;

void store_totp_clear(StoreTotp *totp);

/* A user without one: secret NULL. */
bool store_totp_get(Store *store, const char *user_id, StoreTotp *ret, GError **error);

/* Takes the place of an unconfirmed one. CONFLICT: there is a confirmed one. NOT_FOUND: no such user. */
bool store_totp_begin(Store *store, const char *user_id, const char *sealed, GError **error);

typedef struct {
    const char *user_id;
    int64_t step;              /* of the code that confirms */
    const char *const *hashes; /* of recovery codes, NULL-ended */
    const char *session_id;    /* web session that had to set this up first and now may everything; NULL: none */
} StoreTotpConfirm;

/* CONFLICT: nothing waits to be confirmed. */
bool store_totp_confirm(Store *store, const StoreActor *actor, const StoreTotpConfirm *confirm, GError **error);

/* Marks the step as used. *ret_fresh: whether it was later than the last one; of many callers exactly one gets true. */
bool store_totp_use(Store *store, const char *user_id, int64_t step, bool *ret_fresh, GError **error);

/* *ret_used: whether it was one of the user's; it is gone then. */
bool store_recovery_code_use(Store *store, const StoreActor *actor, const char *user_id, const char *hash, bool *ret_used,
                             GError **error);
bool store_recovery_codes_replace(Store *store, const StoreActor *actor, const char *user_id, const char *const *hashes,
                                  GError **error);

/* action: "totp.remove" or "totp.reset". NOT_FOUND: there is none. */
bool store_totp_remove(Store *store, const StoreActor *actor, const char *user_id, const char *action, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StoreTotp, store_totp_clear)
