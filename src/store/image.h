/* Golden images and their versions. Files are the image room's; here is what exists and in which state. */
#pragma once

#include "store/store.h"

typedef enum {
    STORE_IMAGE_BUILDING,
    STORE_IMAGE_READY,
    STORE_IMAGE_FAILED,
    STORE_IMAGE_DELETING, /* its folder is to be removed; no new desktop uses it */
} StoreImageState;

const char *store_image_state_word(StoreImageState state); /* "building", ... */

typedef struct {
    char *id;
    char *image_id;
    char *image_name; /* read only */
    int64_t number;   /* read only: 1, 2, 3 ... within the image, never used again */
    StoreImageState state;
    char *recipe;        /* text of the recipe it was built from */
    char *manifest;      /* JSON of manifest.json, "" until ready */
    char *checksum;      /* of the disk; "" until ready */
    uint64_t disk_bytes; /* virtual size of the disk */
    uint64_t file_bytes; /* what it takes on the disk of the host */
    char *job_id;        /* that builds or built it; NULL: none */
    char *error;         /* NULL, or why it failed */
    int64_t created_ms;  /* read only, as all of the following */
    int64_t updated_ms;
    int64_t version;
} StoreImageVersion;

typedef struct {
    char *id;
    char *name; /* unique */
    char *display_name;
    char *description;
    char *recipe_name;     /* of the shipped recipe, or "" for a text of the caller's */
    char *newest_id;       /* read only: newest READY version; NULL: none yet */
    int64_t newest_number; /* read only; 0: none yet */
    int64_t created_ms;    /* read only, as all of the following */
    int64_t updated_ms;
    int64_t version;
} StoreImage;

void store_image_free(StoreImage *image);
void store_image_version_free(StoreImageVersion *version);

/* name, display_name, description, recipe_name. CONFLICT: name taken. */
StoreImage *store_image_create(Store *store, const StoreActor *actor, const StoreImage *fields,
                               GError **error);
StoreImage *store_image_find(Store *store, const char *name_or_id, GError **error);
GPtrArray *store_image_list(Store *store, const StorePage *page, char **ret_next, GError **error);
bool store_image_update(Store *store, const StoreActor *actor, StoreImage *image, GError **error);
/* CONFLICT: a pool uses it, or it still has versions (delete those first, each when its folder is gone). */
bool store_image_delete(Store *store, const StoreActor *actor, const char *id, int64_t expected_version,
                        GError **error);

/* A new version in state BUILDING; image_id, recipe, job_id are read from fields. NOT_FOUND: no such image.
 */
StoreImageVersion *store_image_version_create(Store *store, const StoreActor *actor,
                                              const StoreImageVersion *fields, GError **error);
StoreImageVersion *store_image_version_get(Store *store, const char *id, GError **error);
/* Newest first; `state` -1: any. */
GPtrArray *store_image_version_list(Store *store, const char *image_id, int state, GError **error);
/* Newest READY version. NOT_FOUND with a sentence that says what is missing: none was built, or one is being built.
 * CONFLICT: none is ready and the newest failed; the sentence has its reason. */
StoreImageVersion *store_image_version_newest(Store *store, const char *image_id, GError **error);
/* Writes state, manifest, checksum, disk_bytes, file_bytes, job_id, error; STALE as store_user_update. */
bool store_image_version_update(Store *store, const StoreActor *actor, StoreImageVersion *version,
                                GError **error);
/* Removes the row, after the folder. CONFLICT: a desktop or a pool (pinned) uses it. */
bool store_image_version_delete(Store *store, const StoreActor *actor, const char *id, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreImage, store_image_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreImageVersion, store_image_version_free)
