#include "store/setting.h"

#include <string.h>

#include "base/error.h"
#include "store/host.h"
#include "store/rules.h"
#include "store/transaction.h"

char *store_setting_get(Store *store, const char *name, GError **error)
{
    g_autofree char *key = g_strconcat("setting.", name, NULL);
    return store_meta_get(store, key, error);
}

bool store_setting_set(Store *store, const StoreActor *actor, const StoreSettingChange *change, GError **error)
{
    g_auto(Transaction) transaction = {0};
    g_autofree char *key = g_strconcat("setting.", change->name, NULL);
    Json *before = json_parse_object(change->before, strlen(change->before), "setting", error);
    Json *after = before ? json_parse_object(change->after, strlen(change->after), "setting", error) : NULL;
    if (!after || !transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error) ||
        !transaction_run(&transaction,
                         "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = $2",
                         PARAMS(TEXT(key), TEXT(change->after)), error)) {
        json_decref(before);
        json_decref(after);
        return false;
    }
    const Record record = {.action = "setting.update", .kind = "setting", .id = change->name, .name = change->name};
    return record_changes(&transaction, record, before, after, error) && transaction_commit(&transaction, error);
}
