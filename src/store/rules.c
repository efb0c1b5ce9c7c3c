#include "store/rules.h"

#include <string.h>

#include "base/error.h"
#include "base/json.h"

const char *text_or_empty(const char *text)
{
    return text ? text : "";
}

bool fail_taken(const Transaction *transaction, GError *failure, const char *kind, const char *name,
                GError **error)
{
    if (transaction_failure(transaction) != FAILURE_UNIQUE) {
        g_propagate_error(error, failure);
        return false;
    }
    g_error_free(failure);
    return oriel_fail(error, ORIEL_ERROR_CONFLICT, "%s \"%s\": the name is taken", kind, name);
}

bool check_exists(Transaction *transaction, const char *exists, const char *kind, const char *id,
                  GError **error)
{
    g_autoptr(Rows) rows = transaction_query(transaction, exists, PARAMS(TEXT(id)), error);
    if (!rows)
        return false;
    return rows->count > 0 || oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "%s \"%s\": there is none", kind, id);
}

bool fail_missed(Transaction *transaction, const char *exists, const Missed *missed, GError **error)
{
    if (!check_exists(transaction, exists, missed->kind, missed->id, error))
        return false;
    return oriel_fail(error, ORIEL_ERROR_STALE, "%s \"%s\": changed since you read it; read it again",
                      missed->kind, missed->name);
}

bool check_version(const char *kind, const char *name, int64_t version, int64_t expected, GError **error)
{
    return expected == 0 || expected == version ||
           oriel_fail(error, ORIEL_ERROR_STALE, "%s \"%s\": changed since you read it; read it again", kind,
                      name);
}

char *detail_of(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autoptr(Json) detail = json_vpack_ex(NULL, 0, format, args);
    va_end(args);
    return detail ? json_text(detail) : g_strdup("{}");
}

Json *changes_between(Json *before, Json *after)
{
    g_autoptr(Json) old = before;
    g_autoptr(Json) new = after;
    Json *changes = json_object();
    const char *field = NULL;
    Json *value = NULL;
    json_object_foreach (new, field, value) {
        Json *was = json_object_get(old, field);
        if (!json_equal(was, value))
            json_object_set_new(changes, field, json_pack("[O, O]", was, value));
    }
    return changes;
}

bool record_changes(Transaction *transaction, Record record, Json *before, Json *after, GError **error)
{
    g_autoptr(Json) changes = changes_between(before, after);
    g_autofree char *detail = json_text(changes);
    record.op = "update";
    record.detail = detail;
    return transaction_record(transaction, &record, error);
}

const char *word_of(const char *const *words, int value)
{
    int count = 0;
    while (words[count])
        count++;
    return value >= 0 && value < count ? words[value] : words[0];
}

bool word_parse(const char *const *words, const char *word, int *ret)
{
    for (int i = 0; word && words[i]; i++) {
        if (strcmp(words[i], word) == 0) {
            *ret = i;
            return true;
        }
    }
    return false;
}
