/* Settings of the whole house: one JSON object a name, read by whoever decides by it. */
#pragma once

#include "store/store.h"

/* NULL with no error set where it was never written. Caller frees. */
char *store_setting_get(Store *store, const char *name, GError **error);

/* Writes it, and the event "setting.update" with what changed. Both objects of the same keys, without secrets; `before` is
 * what the caller read. */
typedef struct {
    const char *name;
    const char *before; /* JSON */
    const char *after;
} StoreSettingChange;
bool store_setting_set(Store *store, const StoreActor *actor, const StoreSettingChange *change, GError **error);
