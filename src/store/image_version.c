#include <string.h>

#include "base/error.h"
#include "base/id.h"
#include "base/json.h"
#include "store/image.h"
#include "store/rules.h"
#include "store/transaction.h"

#define VERSION_COLUMNS                                                                                      \
    "v.id, v.image_id, (SELECT i.name FROM images i WHERE i.id = v.image_id), v.number, v.state, v.recipe, " \
    "v.manifest,"                                                                                            \
    " v.checksum, v.disk_bytes, v.file_bytes, v.job_id, v.error, v.created_ms, v.updated_ms, v.version"

static const char *const states[] = {"building", "ready", "failed", "deleting", NULL};

const char *store_image_state_word(StoreImageState state)
{
    return word_of(states, (int)state);
}

void store_image_version_free(StoreImageVersion *version)
{
    if (!version)
        return;
    g_free(version->id);
    g_free(version->image_id);
    g_free(version->image_name);
    g_free(version->recipe);
    g_free(version->manifest);
    g_free(version->checksum);
    g_free(version->job_id);
    g_free(version->error);
    g_free(version);
}

static gpointer version_read(Reader *reader)
{
    StoreImageVersion *version = g_new0(StoreImageVersion, 1);
    version->id = read_string(reader);
    version->image_id = read_string(reader);
    version->image_name = read_string(reader);
    version->number = read_number(reader);
    version->state = (StoreImageState)read_word(reader, states);
    version->recipe = read_string(reader);
    version->manifest = read_string(reader);
    version->checksum = read_string(reader);
    version->disk_bytes = (uint64_t)read_number(reader);
    version->file_bytes = (uint64_t)read_number(reader);
    version->job_id = read_text(reader);
    version->error = read_text(reader);
    version->created_ms = read_number(reader);
    version->updated_ms = read_number(reader);
    version->version = read_number(reader);
    return version;
}

static StoreImageVersion *first_version(Rows *owned)
{
    g_autoptr(Rows) rows = owned;
    return rows && rows->count > 0 ? version_read(&(Reader){rows, 0, 0}) : NULL;
}

static StoreImageVersion *version_lock(Transaction *transaction, const char *id, GError **error)
{
    g_autoptr(Rows) rows = transaction_query(
        transaction, "SELECT " VERSION_COLUMNS " FROM image_versions v WHERE v.id = $1 FOR UPDATE",
        PARAMS(TEXT(id)), error);
    if (rows && rows->count == 0)
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "image version \"%s\": there is none", id);
    return first_version(g_steal_pointer(&rows));
}

/* Raising the image's counter also locks the image against its deletion. */
static bool next_number(Transaction *transaction, const char *image_id, int64_t *ret, GError **error)
{
    g_autoptr(Rows) rows = transaction_query(
        transaction, "UPDATE images SET next_number = next_number + 1 WHERE id = $1 RETURNING next_number",
        PARAMS(TEXT(image_id)), error);
    if (!rows)
        return false;
    if (rows->count == 0)
        return oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "image \"%s\": there is none", image_id);
    *ret = rows_number(rows, 0, 0) - 1;
    return true;
}

static bool record_version(Transaction *transaction, const char *action, const StoreImageVersion *version,
                           const char *op, GError **error)
{
    g_autofree char *detail = detail_of("{s:I,s:s}", "number", (json_int_t)version->number, "state",
                                        store_image_state_word(version->state));
    transaction_change(transaction, "image", version->image_id, "update", NULL);
    Record record = {.action = action,
                     .kind = "image_version",
                     .id = version->id,
                     .name = version->image_name,
                     .op = op,
                     .detail = detail};
    return transaction_record(transaction, &record, error);
}

StoreImageVersion *store_image_version_create(Store *store, const StoreActor *actor,
                                              const StoreImageVersion *fields, GError **error)
{
    g_auto(Transaction) transaction = {0};
    int64_t number = 0;
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error) ||
        !next_number(&transaction, fields->image_id, &number, error))
        return NULL;
    g_autofree char *id = id_new();
    if (!transaction_run(
            &transaction,
            "INSERT INTO image_versions (id, image_id, number, state, recipe, job_id, created_ms, updated_ms)"
            " VALUES ($1, $2, $3, 'building', $4, $5, $6, $6)",
            PARAMS(TEXT(id), TEXT(fields->image_id), NUMBER(number), TEXT(text_or_empty(fields->recipe)),
                   TEXT(fields->job_id), NUMBER(transaction.now_ms)),
            error))
        return NULL;
    g_autoptr(StoreImageVersion) version = version_lock(&transaction, id, error);
    if (!version || !record_version(&transaction, "image.version.create", version, "create", error) ||
        !transaction_commit(&transaction, error))
        return NULL;
    return g_steal_pointer(&version);
}

StoreImageVersion *store_image_version_get(Store *store, const char *id, GError **error)
{
    g_autoptr(Rows) rows = store_read(
        store, "SELECT " VERSION_COLUMNS " FROM image_versions v WHERE v.id = $1", PARAMS(TEXT(id)), error);
    if (rows && rows->count == 0)
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "image version \"%s\": there is none", id);
    return first_version(g_steal_pointer(&rows));
}

GPtrArray *store_image_version_list(Store *store, const char *image_id, int state, GError **error)
{
    List list = {NULL, version_read, (GDestroyNotify)store_image_version_free, 0};
    const char *word = state < 0 ? NULL : store_image_state_word((StoreImageState)state);
    return list_of(store_read(store,
                              "SELECT " VERSION_COLUMNS " FROM image_versions v WHERE v.image_id = $1"
                              " AND ($2 IS NULL OR v.state = $2) ORDER BY v.number DESC",
                              PARAMS(TEXT(image_id), TEXT(word)), error),
                   &list, NULL);
}

/* Why there is none that is ready: what became of the newest. Always NULL. */
static StoreImageVersion *fail_none_ready(Store *store, const char *image_id, GError **error)
{
    g_autoptr(Rows) rows =
        store_read(store,
                   "SELECT i.name, v.number, v.state, v.error FROM images i"
                   " LEFT JOIN image_versions v ON v.image_id = i.id AND v.state <> 'deleting'"
                   " WHERE i.id = $1 ORDER BY v.number DESC LIMIT 1",
                   PARAMS(TEXT(image_id)), error);
    if (!rows)
        return NULL;
    const char *name = rows->count ? rows_text(rows, 0, 0) : NULL;
    const char *state = rows->count ? text_or_empty(rows_text(rows, 0, 2)) : "";
    if (!name)
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "image \"%s\": there is none", image_id);
    else if (strcmp(state, store_image_state_word(STORE_IMAGE_FAILED)) == 0)
        oriel_fail(error, ORIEL_ERROR_CONFLICT,
                   "image \"%s\": has no version that is ready; version %" G_GINT64_FORMAT " failed: %s",
                   name, rows_number(rows, 0, 1), text_or_empty(rows_text(rows, 0, 3)));
    else if (strcmp(state, store_image_state_word(STORE_IMAGE_BUILDING)) == 0)
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND,
                   "image \"%s\": has no version that is ready; version %" G_GINT64_FORMAT " is being built",
                   name, rows_number(rows, 0, 1));
    else
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND,
                   "image \"%s\": has no version that is ready; build one first", name);
    return NULL;
}

StoreImageVersion *store_image_version_newest(Store *store, const char *image_id, GError **error)
{
    g_autoptr(Rows) rows = store_read(store,
                                      "SELECT " VERSION_COLUMNS " FROM image_versions v WHERE v.image_id = $1"
                                      " AND v.state = 'ready' ORDER BY v.number DESC LIMIT 1",
                                      PARAMS(TEXT(image_id)), error);
    if (rows && rows->count == 0)
        return fail_none_ready(store, image_id, error);
    return first_version(g_steal_pointer(&rows));
}

static bool update_row(Transaction *transaction, const StoreImageVersion *version, GError **error)
{
    g_autoptr(Rows) rows = transaction_query(
        transaction,
        "UPDATE image_versions SET state = $3, manifest = $4, checksum = $5, disk_bytes = $6, file_bytes = "
        "$7,"
        " job_id = $8, error = $9, updated_ms = $10, version = version + 1 WHERE id = $1 AND version = $2",
        PARAMS(TEXT(version->id), NUMBER(version->version), TEXT(store_image_state_word(version->state)),
               TEXT(text_or_empty(version->manifest)), TEXT(text_or_empty(version->checksum)),
               NUMBER(version->disk_bytes), NUMBER(version->file_bytes), TEXT(version->job_id),
               TEXT(version->error), NUMBER(transaction->now_ms)),
        error);
    return rows &&
           (rows->affected == 1 || fail_missed(transaction, "SELECT id FROM image_versions WHERE id = $1",
                                               &(Missed){"image version", version->id, version->id}, error));
}

/* What a reader of the trail can do something with: the checksum stands for the manifest. */
static Json *version_fields(const StoreImageVersion *version)
{
    return json_pack("{s:s, s:s, s:I, s:I, s:s?, s:s?}", "state", store_image_state_word(version->state),
                     "checksum", text_or_empty(version->checksum), "disk_bytes",
                     (json_int_t)version->disk_bytes, "file_bytes", (json_int_t)version->file_bytes, "job",
                     version->job_id, "error", version->error);
}

/* With the number beside the changes: the event's name is the image's, and the id leads nowhere once the version is gone. */
static bool record_update(Transaction *transaction, const StoreImageVersion *old,
                          const StoreImageVersion *version, GError **error)
{
    g_autoptr(Json) changes = changes_between(version_fields(old), version_fields(version));
    g_autoptr(Json) detail = json_pack("{s:I}", "number", (json_int_t)old->number);
    json_object_update(detail, changes);
    g_autofree char *text = json_text(detail);
    transaction_change(transaction, "image", old->image_id, "update", NULL);
    Record record = {.action = "image.version.update",
                     .kind = "image_version",
                     .id = old->id,
                     .name = old->image_name,
                     .op = "update",
                     .detail = text};
    return transaction_record(transaction, &record, error);
}

bool store_image_version_update(Store *store, const StoreActor *actor, StoreImageVersion *version,
                                GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return false;
    g_autoptr(StoreImageVersion) old = version_lock(&transaction, version->id, error);
    if (!old || !update_row(&transaction, version, error))
        return false;
    int64_t now_ms = transaction.now_ms;
    if (!record_update(&transaction, old, version, error) || !transaction_commit(&transaction, error))
        return false;
    version->version++;
    version->updated_ms = now_ms;
    return true;
}

static bool check_version_unused(Transaction *transaction, const StoreImageVersion *version, GError **error)
{
    g_autoptr(Rows) rows =
        transaction_query(transaction,
                          "SELECT (SELECT MIN(name) FROM pools WHERE image_version_id = $1),"
                          " (SELECT MIN(name) FROM desktops WHERE image_version_id = $1)",
                          PARAMS(TEXT(version->id)), error);
    if (!rows)
        return false;
    for (size_t column = 0; column < 2; column++)
        if (rows_text(rows, 0, column))
            return oriel_fail(error, ORIEL_ERROR_CONFLICT,
                              "image \"%s\" version %" G_GINT64_FORMAT ": %s \"%s\" uses it",
                              version->image_name, version->number, column == 0 ? "pool" : "desktop",
                              rows_text(rows, 0, column));
    return true;
}

bool store_image_version_delete(Store *store, const StoreActor *actor, const char *id, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return false;
    g_autoptr(StoreImageVersion) version = version_lock(&transaction, id, error);
    return version && check_version_unused(&transaction, version, error) &&
           transaction_run(&transaction, "DELETE FROM image_versions WHERE id = $1", PARAMS(TEXT(id)),
                           error) &&
           record_version(&transaction, "image.version.delete", version, "delete", error) &&
           transaction_commit(&transaction, error);
}
