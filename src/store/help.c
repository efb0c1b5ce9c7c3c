#include "store/help.h"

#include "base/error.h"
#include "base/id.h"
#include "store/rules.h"
#include "store/transaction.h"

bool store_helper_is_limited(Store *store, const char *user_id, bool *ret, GError **error)
{
    g_autoptr(Rows) rows = store_read(store,
                                      "SELECT h.id FROM helpers h WHERE h.user_id = $1 OR h.group_id = '" STORE_GROUP_EVERYONE
                                      "' OR h.group_id IN (SELECT m.group_id FROM group_members m WHERE m.user_id = $1) LIMIT 1",
                                      PARAMS(TEXT(user_id)), error);
    if (rows)
        *ret = rows->count > 0;
    return rows != NULL;
}

bool store_helper_helps(Store *store, const char *helper_id, const char *person_id, bool *ret, GError **error)
{
    g_autoptr(Rows) rows = store_read(store, "SELECT u.id FROM users u WHERE u.id = $1 AND " HELPED_BY("$2", "u.id"),
                                      PARAMS(TEXT(person_id), TEXT(helper_id)), error);
    if (rows)
        *ret = rows->count > 0;
    return rows != NULL;
}

static gpointer group_read_brief(Reader *reader)
{
    StoreGroup *group = g_new0(StoreGroup, 1);
    group->id = read_string(reader);
    group->name = read_string(reader);
    return group;
}

#define OF_HELPER "(h.user_id = $1 OR h.group_id = $2)"

GPtrArray *store_helper_groups(Store *store, const StoreHelper *helper, bool *ret_limited, GError **error)
{
    List list = {NULL, group_read_brief, (GDestroyNotify)store_group_free, 0};
    g_autoptr(Rows) rows = store_read(store, "SELECT h.id FROM helpers h WHERE " OF_HELPER,
                                      PARAMS(TEXT(helper->user_id), TEXT(helper->group_id)), error);
    if (!rows)
        return NULL;
    *ret_limited = rows->count > 0;
    return list_of(store_read(store,
                              "SELECT g.id, g.name FROM helpers h JOIN helper_groups l ON l.helper_id = h.id"
                              " JOIN groups g ON g.id = l.group_id WHERE " OF_HELPER " ORDER BY g.name",
                              PARAMS(TEXT(helper->user_id), TEXT(helper->group_id)), error),
                   &list, NULL);
}

static bool insert_limit(Transaction *transaction, const StoreHelper *helper, const char *const *group_ids, GError **error)
{
    g_autofree char *id = id_new();
    if (!transaction_run(transaction, "INSERT INTO helpers (id, user_id, group_id) VALUES ($1, $2, $3)",
                         PARAMS(TEXT(id), TEXT(helper->user_id), TEXT(helper->group_id)), error))
        return false;
    for (size_t i = 0; group_ids[i]; i++)
        if (!check_exists(transaction, "SELECT id FROM groups WHERE id = $1", "group", group_ids[i], error) ||
            !transaction_run(transaction,
                             "INSERT INTO helper_groups (helper_id, group_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                             PARAMS(TEXT(id), TEXT(group_ids[i])), error))
            return false;
    return true;
}

bool store_helper_set(Store *store, const StoreActor *actor, const StoreHelper *helper, const char *const *group_ids, GError **error)
{
    g_auto(Transaction) transaction = {0};
    g_autofree char *groups = group_ids ? g_strjoinv(" ", (char **)group_ids) : NULL;
    g_autofree char *detail = detail_of("{s:s?}", "groups", groups);
    Record record = {.action = "help.limit",
                     .kind = helper->user_id ? "user" : "group",
                     .id = helper->user_id ? helper->user_id : helper->group_id,
                     .name = helper->name,
                     .op = "update",
                     .detail = detail};
    return transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error) &&
           transaction_run(&transaction, "DELETE FROM helpers WHERE user_id = $1 OR group_id = $2",
                           PARAMS(TEXT(helper->user_id), TEXT(helper->group_id)), error) &&
           (!group_ids || insert_limit(&transaction, helper, group_ids, error)) &&
           transaction_record(&transaction, &record, error) && transaction_commit(&transaction, error);
}
