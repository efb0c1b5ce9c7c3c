/* At start: what is in the folder of images, and what the store says of it, become the same. Images may have
 * been put there by hand; builds and removals may have been cut off. */
#include <string.h>

#include "api/api.h"
#include "api/image_record.h"
#include "base/error.h"
#include "base/log.h"

typedef struct {
    Store *store;
    char *images;
    GPtrArray *entries; /* of ImageEntry */
} Sync;

static const ImageEntry *entry_of(const Sync *sync, const char *name, int64_t number)
{
    for (unsigned i = 0; i < sync->entries->len; i++) {
        const ImageEntry *entry = sync->entries->pdata[i];
        if (strcmp(entry->name, name) == 0 && entry->version == number)
            return entry;
    }
    return NULL;
}

static bool row_fail(const Sync *sync, StoreImageVersion *row, const char *sentence, GError **error)
{
    if (row->state == STORE_IMAGE_FAILED)
        return true;
    log_warning("image \"%s\" version %" G_GINT64_FORMAT ": %s", row->image_name, row->number, sentence);
    row->state = STORE_IMAGE_FAILED;
    store_set(&row->error, sentence);
    return store_image_version_update(sync->store, NULL, row, error);
}

/* A row whose removal was cut off. */
static bool row_remove(const Sync *sync, StoreImageVersion *row, GError **error)
{
    g_autoptr(GError) problem = NULL;
    if (!image_remove(sync->images, row->image_name, (unsigned)row->number, &problem) &&
        oriel_error_kind(problem) != ORIEL_ERROR_NOT_FOUND) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return false;
    }
    return store_image_version_delete(sync->store, NULL, row->id, error);
}

static bool row_sync(const Sync *sync, StoreImageVersion *row, GError **error)
{
    const ImageEntry *entry = entry_of(sync, row->image_name, row->number);
    if (row->state == STORE_IMAGE_DELETING)
        return row_remove(sync, row, error);
    if (entry && entry->image) {
        if (row->state == STORE_IMAGE_READY && g_strcmp0(row->checksum, entry->image->disk_sha256) == 0)
            return true;
        image_record_fill(row, entry->image);
        return store_image_version_update(sync->store, NULL, row, error);
    }
    if (entry)
        return row_fail(sync, row, entry->error->message, error);
    return row_fail(sync, row,
                    row->state == STORE_IMAGE_BUILDING ? "its build was cut off by an end of orield"
                                                       : "its files are not on this host: build it again",
                    error);
}

/* Numbers are given by the store and never used again: rows are made and taken away until it gives the
 * folder's. */
static StoreImageVersion *row_create(const Sync *sync, const char *image_id, const ImageEntry *entry,
                                     GError **error)
{
    for (;;) {
        StoreImageVersion fields = {.image_id = (char *)image_id, .recipe = entry->image->recipe_text};
        g_autoptr(StoreImageVersion) row = store_image_version_create(sync->store, NULL, &fields, error);
        if (!row || row->number == entry->version)
            return g_steal_pointer(&row);
        if (row->number > entry->version) {
            oriel_fail(
                error, ORIEL_ERROR_CONFLICT,
                "image \"%s\": folder %u is of a version that was removed: remove or rename the folder",
                entry->name, entry->version);
            store_image_version_delete(sync->store, NULL, row->id, NULL);
            return NULL;
        }
        if (!store_image_version_delete(sync->store, NULL, row->id, error))
            return NULL;
    }
}

static StoreImage *image_of(const Sync *sync, const ImageEntry *entry, GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(StoreImage) image = store_image_find(sync->store, entry->name, &problem);
    if (image)
        return g_steal_pointer(&image);
    if (oriel_error_kind(problem) != ORIEL_ERROR_NOT_FOUND) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return NULL;
    }
    StoreImage fields = {
        .name = entry->name,
        .display_name = entry->image->title ? entry->image->title : (char *)"",
        .description = entry->image->description ? entry->image->description : (char *)"",
        .recipe_name = (char *)"",
    };
    return store_image_create(sync->store, NULL, &fields, error);
}

static bool entry_sync(const Sync *sync, const ImageEntry *entry, GError **error)
{
    if (!entry->image) {
        log_warning("image \"%s\" version %u: %s", entry->name, entry->version, entry->error->message);
        return true;
    }
    g_autoptr(StoreImage) image = image_of(sync, entry, error);
    g_autoptr(GPtrArray) rows = image ? store_image_version_list(sync->store, image->id, -1, error) : NULL;
    if (!rows)
        return false;
    for (unsigned i = 0; i < rows->len; i++)
        if (((StoreImageVersion *)rows->pdata[i])->number == entry->version)
            return true; /* row_sync has looked at it */
    g_autoptr(StoreImageVersion) row = row_create(sync, image->id, entry, error);
    if (!row)
        return false;
    image_record_fill(row, entry->image);
    return store_image_version_update(sync->store, NULL, row, error);
}

static bool rows_sync(const Sync *sync, GError **error)
{
    g_autoptr(GPtrArray) images = store_image_list(sync->store, NULL, NULL, error);
    for (unsigned i = 0; images && i < images->len; i++) {
        const StoreImage *image = images->pdata[i];
        g_autoptr(GPtrArray) rows = store_image_version_list(sync->store, image->id, -1, error);
        for (unsigned j = 0; rows && j < rows->len; j++) {
            g_autoptr(GError) problem = NULL;
            if (!row_sync(sync, rows->pdata[j], &problem))
                log_warning("image \"%s\": %s", image->name,
                            problem->message); /* one bad image stops no start */
        }
        if (!rows)
            return false;
    }
    return images != NULL;
}

bool api_images_sync(Store *store, const Config *config, GError **error)
{
    g_autofree char *images = g_build_filename(config->state, "images", NULL);
    if (!image_sweep(images, error))
        return false;
    g_autoptr(GPtrArray) entries = image_list(images, error);
    if (!entries)
        return false;
    Sync sync = {store, images, entries};
    if (!rows_sync(&sync, error))
        return false;
    for (unsigned i = 0; i < entries->len; i++) {
        g_autoptr(GError) problem = NULL;
        if (!entry_sync(&sync, entries->pdata[i], &problem))
            log_warning("images: %s", problem->message);
    }
    return true;
}
