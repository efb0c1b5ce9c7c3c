/* Golden images and recipes. */
#include <string.h>

#include "api/resource.h"
#include "image/image.h"
#include "store/image.h"

#define RECIPE_SUFFIX ".recipe"

/* ---- out ---- */

static Json *version_json(const StoreImageVersion *version)
{
    ImageFacts facts;
    image_facts_read(version->manifest, &facts);
    return json_pack("{s:I, s:s, s:I, s:I, s:I, s:I, s:s, s:o, s:o, s:I}", "version",
                     (json_int_t)version->number, "state", store_image_state_word(version->state),
                     "disk_bytes", (json_int_t)version->disk_bytes, "file_bytes",
                     (json_int_t)version->file_bytes, "memory_bytes", (json_int_t)facts.memory_bytes, "vcpus",
                     (json_int_t)facts.vcpus, "checksum", version->checksum ? version->checksum : "", "job",
                     json_text_or_null(version->job_id), "error", json_text_or_null(version->error),
                     "created_ms", (json_int_t)version->created_ms);
}

static Json *versions_json(Store *store, const char *image_id, GError **error)
{
    g_autoptr(GPtrArray) versions = store_image_version_list(store, image_id, -1, error);
    if (!versions)
        return NULL;
    Json *array = json_array();
    for (unsigned i = 0; i < versions->len; i++)
        json_array_append_new(array, version_json(versions->pdata[i]));
    return array;
}

static Json *pools_of(GPtrArray *pools, const char *image_id)
{
    Json *array = json_array();
    for (unsigned i = 0; i < pools->len; i++) {
        const StorePool *pool = pools->pdata[i];
        if (strcmp(pool->image_id, image_id) == 0)
            json_array_append_new(array, json_ref(pool->id, pool->name));
    }
    return array;
}

static Json *image_json(const Service *service, const StoreImage *image, GPtrArray *pools, GError **error)
{
    Json *versions = versions_json(service->store, image->id, error);
    if (!versions)
        return NULL;
    g_autofree char *building = job_find(service->jobs, "image.build", image->id);
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:s?, s:I, s:I}", "id", image->id, "name",
                     image->name, "display_name", image->display_name, "description", image->description,
                     "recipe", json_text_or_null(image->recipe_name), "newest",
                     json_time_or_null(image->newest_number), "versions", versions, "pools",
                     pools_of(pools, image->id), "building", building, "created_ms",
                     (json_int_t)image->created_ms, "updated_ms", (json_int_t)image->updated_ms);
}

bool images_get(Call *call, GError **error)
{
    StorePage page;
    g_autofree char *next = NULL;
    if (!call_page(call, &page, error))
        return false;
    g_autoptr(GPtrArray) images = store_image_list(call->service->store, &page, &next, error);
    g_autoptr(GPtrArray) pools = images ? store_pool_list(call->service->store, NULL, NULL, error) : NULL;
    if (!pools)
        return false;
    g_autoptr(Json) items = json_array();
    for (unsigned i = 0; i < images->len; i++) {
        Json *item = image_json(call->service, images->pdata[i], pools, error);
        if (!item)
            return false;
        json_array_append_new(items, item);
    }
    call_reply_page(call, g_steal_pointer(&items), next);
    return true;
}

bool image_get(Call *call, GError **error)
{
    g_autoptr(StoreImage) image = store_image_find(call->service->store, call->parameters[0], error);
    g_autoptr(GPtrArray) pools = image ? store_pool_list(call->service->store, NULL, NULL, error) : NULL;
    Json *value = pools ? image_json(call->service, image, pools, error) : NULL;
    if (!value)
        return false;
    call_etag(call, image->version);
    reply_json(call->reply, 200, value);
    return true;
}

/* ---- delete ---- */

/* CONFLICT while something stands on the image: then nothing is touched. */
static bool image_is_unused(Call *call, const StoreImage *image, GPtrArray *versions, GError **error)
{
    Store *store = call->service->store;
    g_autofree char *building = job_find(call->service->jobs, "image.build", image->id);
    if (building)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT, "image \"%s\": is being built; cancel job %s first",
                          image->name, building);
    g_autoptr(GPtrArray) pools = store_pool_list(store, NULL, NULL, error);
    g_autoptr(GPtrArray) desktops = pools ? store_desktop_list(store, NULL, NULL, NULL, error) : NULL;
    if (!desktops)
        return false;
    for (unsigned i = 0; i < pools->len; i++) {
        const StorePool *pool = pools->pdata[i];
        if (strcmp(pool->image_id, image->id) == 0)
            return oriel_fail(error, ORIEL_ERROR_CONFLICT, "image \"%s\": pool \"%s\" uses it", image->name,
                              pool->name);
    }
    for (unsigned i = 0; i < desktops->len; i++) {
        const StoreDesktop *desktop = desktops->pdata[i];
        for (unsigned j = 0; j < versions->len; j++) {
            const StoreImageVersion *version = versions->pdata[j];
            if (g_strcmp0(desktop->image_version_id, version->id) == 0)
                return oriel_fail(error, ORIEL_ERROR_CONFLICT, "image \"%s\": desktop \"%s\" is made from it",
                                  image->name, desktop->name);
        }
    }
    return true;
}

/* Row marked, folder, row: a crash between them is finished at the next start (image_sync.c). */
static bool version_remove(Call *call, StoreImageVersion *version, GError **error)
{
    g_autoptr(GError) problem = NULL;
    version->state = STORE_IMAGE_DELETING;
    if (!store_image_version_update(call->service->store, &call->actor, version, error))
        return false;
    if (!image_remove(call->service->images, version->image_name, (unsigned)version->number, &problem) &&
        oriel_error_kind(problem) != ORIEL_ERROR_NOT_FOUND) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return false;
    }
    return store_image_version_delete(call->service->store, &call->actor, version->id, error);
}

bool image_delete(Call *call, GError **error)
{
    Store *store = call->service->store;
    g_autoptr(StoreImage) image = store_image_find(store, call->parameters[0], error);
    if (!image || !call_match(call, image->version, error))
        return false;
    g_autoptr(GPtrArray) versions = store_image_version_list(store, image->id, -1, error);
    if (!versions || !image_is_unused(call, image, versions, error))
        return false;
    for (unsigned i = 0; i < versions->len; i++)
        if (!version_remove(call, versions->pdata[i], error))
            return false;
    if (!store_image_delete(store, &call->actor, image->id, 0, error))
        return false;
    host_wake(call->service->host);
    reply_empty(call->reply);
    return true;
}

/* ---- recipes ---- */

char *recipes_folder(const Config *config)
{
    return g_build_filename(config->share, "recipes", NULL);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static Json *recipe_json(const char *folder, const char *file)
{
    g_autofree char *path = g_build_filename(folder, file, NULL);
    g_autofree char *name = g_strndup(file, strlen(file) - strlen(RECIPE_SUFFIX));
    g_autoptr(Recipe) recipe = recipe_load(path, NULL);
    if (!recipe)
        return NULL;
    const char *description =
        recipe->description && *recipe->description ? recipe->description : recipe->title;
    return json_pack("{s:s, s:s, s:s}", "name", name, "description", description ? description : "", "text",
                     recipe->text);
}

bool recipes_get(Call *call, GError **error)
{
    g_autofree char *folder = recipes_folder(call->service->config);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);
    const char *file;
    while (dir && (file = g_dir_read_name(dir)))
        if (file[0] != '.' && g_str_has_suffix(file, RECIPE_SUFFIX))
            g_ptr_array_add(files, g_strdup(file));
    g_ptr_array_sort(files, by_name);
    Json *items = json_array();
    for (unsigned i = 0; i < files->len; i++) {
        Json *item = recipe_json(folder, files->pdata[i]);
        if (item)
            json_array_append_new(items, item);
    }
    call_reply_page(call, items, NULL);
    return true;
}
