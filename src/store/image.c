#include "store/image.h"

#include "base/error.h"
#include "base/id.h"
#include "store/rules.h"
#include "store/transaction.h"

#define NEWEST(column)                                                                                       \
    "(SELECT v." column                                                                                      \
    " FROM image_versions v WHERE v.image_id = i.id AND v.state = 'ready' ORDER BY v.number DESC LIMIT 1)"

#define IMAGE_COLUMNS                                                                                        \
    "i.id, i.name, i.display_name, i.description, i.recipe_name, " NEWEST("id") ", " NEWEST(                 \
        "number") ", i.created_ms,"                                                                          \
                  " i.updated_ms, i.version"

static const char image_exists[] = "SELECT id FROM images WHERE id = $1";

void store_image_free(StoreImage *image)
{
    if (!image)
        return;
    g_free(image->id);
    g_free(image->name);
    g_free(image->display_name);
    g_free(image->description);
    g_free(image->recipe_name);
    g_free(image->newest_id);
    g_free(image);
}

static gpointer image_read(Reader *reader)
{
    StoreImage *image = g_new0(StoreImage, 1);
    image->id = read_string(reader);
    image->name = read_string(reader);
    image->display_name = read_string(reader);
    image->description = read_string(reader);
    image->recipe_name = read_string(reader);
    image->newest_id = read_text(reader);
    image->newest_number = read_number(reader);
    image->created_ms = read_number(reader);
    image->updated_ms = read_number(reader);
    image->version = read_number(reader);
    return image;
}

static StoreImage *one_image(Rows *owned, const char *name, GError **error)
{
    g_autoptr(Rows) rows = owned;
    if (!rows)
        return NULL;
    if (rows->count == 0) {
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "image \"%s\": there is none", name);
        return NULL;
    }
    return image_read(&(Reader){rows, 0, 0});
}

static bool insert_row(Transaction *transaction, const StoreImage *fields, const char *id, GError **error)
{
    g_autoptr(GError) failure = NULL;
    return transaction_run(
               transaction,
               "INSERT INTO images (id, name, display_name, description, recipe_name, created_ms, updated_ms)"
               " VALUES ($1, $2, $3, $4, $5, $6, $6)",
               PARAMS(TEXT(id), TEXT(fields->name), TEXT(text_or_empty(fields->display_name)),
                      TEXT(text_or_empty(fields->description)), TEXT(text_or_empty(fields->recipe_name)),
                      NUMBER(transaction->now_ms)),
               &failure) ||
           fail_taken(transaction, g_steal_pointer(&failure), "image", fields->name, error);
}

static StoreImage *image_lock(Transaction *transaction, const char *id, GError **error)
{
    return one_image(transaction_query(transaction,
                                       "SELECT " IMAGE_COLUMNS " FROM images i WHERE i.id = $1 FOR UPDATE",
                                       PARAMS(TEXT(id)), error),
                     id, error);
}

StoreImage *store_image_create(Store *store, const StoreActor *actor, const StoreImage *fields,
                               GError **error)
{
    g_auto(Transaction) transaction = {0};
    g_autofree char *id = id_new();
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error) ||
        !insert_row(&transaction, fields, id, error))
        return NULL;
    g_autoptr(StoreImage) image = image_lock(&transaction, id, error);
    Record record = {
        .action = "image.create", .kind = "image", .id = id, .name = fields->name, .op = "create"};
    if (!image || !transaction_record(&transaction, &record, error) ||
        !transaction_commit(&transaction, error))
        return NULL;
    return g_steal_pointer(&image);
}

StoreImage *store_image_find(Store *store, const char *name_or_id, GError **error)
{
    return one_image(store_read(store,
                                "SELECT " IMAGE_COLUMNS " FROM images i WHERE i.id = $1 OR i.name = $1",
                                PARAMS(TEXT(name_or_id)), error),
                     name_or_id, error);
}

GPtrArray *store_image_list(Store *store, const StorePage *page, char **ret_next, GError **error)
{
    List list = {page, image_read, (GDestroyNotify)store_image_free, 1};
    return list_of(
        store_read(store, "SELECT " IMAGE_COLUMNS " FROM images i WHERE i.name > $1 ORDER BY i.name LIMIT $2",
                   PARAMS(TEXT(page_after(page)), NUMBER(page_limit(page))), error),
        &list, ret_next);
}

static bool update_row(Transaction *transaction, const StoreImage *image, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(Rows) rows = transaction_query(
        transaction,
        "UPDATE images SET name = $3, display_name = $4, description = $5, recipe_name = $6, updated_ms = $7,"
        " version = version + 1 WHERE id = $1 AND version = $2",
        PARAMS(TEXT(image->id), NUMBER(image->version), TEXT(image->name),
               TEXT(text_or_empty(image->display_name)), TEXT(text_or_empty(image->description)),
               TEXT(text_or_empty(image->recipe_name)), NUMBER(transaction->now_ms)),
        &failure);
    if (!rows)
        return fail_taken(transaction, g_steal_pointer(&failure), "image", image->name, error);
    return rows->affected == 1 ||
           fail_missed(transaction, image_exists, &(Missed){"image", image->name, image->id}, error);
}

static Json *image_fields(const StoreImage *image)
{
    return json_pack("{s:s, s:s, s:s, s:s}", "name", image->name, "display_name",
                     text_or_empty(image->display_name), "description", text_or_empty(image->description),
                     "recipe_name", text_or_empty(image->recipe_name));
}

bool store_image_update(Store *store, const StoreActor *actor, StoreImage *image, GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return false;
    g_autoptr(StoreImage) old = image_lock(&transaction, image->id, error);
    if (!old || !update_row(&transaction, image, error))
        return false;
    const Record record = {.action = "image.update", .kind = "image", .id = image->id, .name = image->name};
    int64_t now_ms = transaction.now_ms;
    if (!record_changes(&transaction, record, image_fields(old), image_fields(image), error) ||
        !transaction_commit(&transaction, error))
        return false;
    image->version++;
    image->updated_ms = now_ms;
    return true;
}

static bool check_image_unused(Transaction *transaction, const StoreImage *image, GError **error)
{
    g_autoptr(Rows) rows = transaction_query(transaction,
                                             "SELECT (SELECT MIN(name) FROM pools WHERE image_id = $1),"
                                             " (SELECT COUNT(*) FROM image_versions WHERE image_id = $1)",
                                             PARAMS(TEXT(image->id)), error);
    if (!rows)
        return false;
    if (rows_text(rows, 0, 0))
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "image \"%s\": pool \"%s\" uses it", image->name,
                          rows_text(rows, 0, 0));
    return rows_number(rows, 0, 1) == 0 ||
           oriel_fail(error, ORIEL_ERROR_CONFLICT,
                      "image \"%s\": it still has %s version(s); delete those first", image->name,
                      rows_text(rows, 0, 1));
}

bool store_image_delete(Store *store, const StoreActor *actor, const char *id, int64_t expected_version,
                        GError **error)
{
    g_auto(Transaction) transaction = {0};
    if (!transaction_begin(&transaction, store, actor, BEGIN_DURABLE, error))
        return false;
    g_autoptr(StoreImage) image = image_lock(&transaction, id, error);
    if (!image || !check_version("image", image->name, image->version, expected_version, error) ||
        !check_image_unused(&transaction, image, error))
        return false;
    Record record = {
        .action = "image.delete", .kind = "image", .id = id, .name = image->name, .op = "delete"};
    return transaction_run(&transaction, "DELETE FROM images WHERE id = $1", PARAMS(TEXT(id)), error) &&
           transaction_record(&transaction, &record, error) && transaction_commit(&transaction, error);
}
