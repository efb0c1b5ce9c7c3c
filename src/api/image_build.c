/* POST images: a job that builds a version from a recipe. */
#include <string.h>

#include "api/image_record.h"
#include "api/resource.h"
#include "base/limits.h"
#include "image/recipe.h"

#define RECORD_TRIES 30 /* the store may be away for a while just when a build of minutes ends */
#define RECORD_PAUSE_US (2 * G_USEC_PER_SEC)

typedef struct {
    Store *store;
    Host *host;
    Recipe *recipe;
    char *image_id;
    char *image_name;
    char *images; /* folders */
    char *guest;
    char *cache;
} Build;

static void build_free(void *data)
{
    Build *build = data;
    recipe_free(build->recipe);
    g_free(build->image_id);
    g_free(build->image_name);
    g_free(build->images);
    g_free(build->guest);
    g_free(build->cache);
    g_free(build);
}

static void on_progress(void *data, const char *step, unsigned percent, const char *line)
{
    Job *job = data;
    job_progress(job, (int)percent, step);
    if (line)
        job_log(job, "%s", line);
}

/* Writes how it ended into the row, whatever changed there meanwhile. */
static bool version_record(const Build *build, const char *version_id, const Image *image,
                           const char *failure, GError **error)
{
    g_autoptr(StoreImageVersion) row = store_image_version_get(build->store, version_id, error);
    if (!row)
        return false;
    if (image) {
        image_record_fill(row, image);
    } else {
        row->state = STORE_IMAGE_FAILED;
        store_set(&row->error, failure);
    }
    return store_image_version_update(build->store, NULL, row, error);
}

static bool version_record_patiently(const Build *build, const char *version_id, const Image *image,
                                     const char *failure, GError **error)
{
    for (unsigned i = 1;; i++) {
        g_autoptr(GError) problem = NULL;
        if (version_record(build, version_id, image, failure, &problem))
            return true;
        bool may_pass = g_error_matches(problem, ORIEL_ERROR, ORIEL_ERROR_UNAVAILABLE) ||
                        g_error_matches(problem, ORIEL_ERROR, ORIEL_ERROR_STALE);
        if (!may_pass || i == RECORD_TRIES) {
            g_propagate_error(error, g_steal_pointer(&problem));
            return false;
        }
        g_usleep(RECORD_PAUSE_US);
    }
}

static bool build_run(Job *job, void *data, GError **error)
{
    Build *build = data;
    g_autoptr(GError) problem = NULL;
    StoreImageVersion fields = {
        .image_id = build->image_id,
        .recipe = build->recipe->text,
        .job_id = (char *)job_id(job),
    };
    g_autoptr(StoreImageVersion) row = store_image_version_create(build->store, NULL, &fields, error);
    if (!row)
        return false;
    ImageBuild what = {
        .recipe = build->recipe,
        .images = build->images,
        .name = build->image_name,
        .version = (unsigned)row->number,
        .guest = build->guest,
        .cache = build->cache,
        .progress = on_progress,
        .data = job,
        .cancellable = job_cancellable(job),
    };
    g_autoptr(Image) image = image_build(&what, &problem);
    bool recorded = version_record_patiently(build, row->id, image, problem ? problem->message : NULL,
                                             problem ? NULL : error);
    if (problem)
        g_propagate_error(error, g_steal_pointer(&problem));
    host_wake(build->host);
    return image && recorded;
}

/* ---- the request ---- */

/* The recipe that the request names or brings. *ret_name: "" for a text of the caller's, which errors call by its
 * recipe_file, or else by the image. */
static Recipe *recipe_read(Call *call, const char *image, const char **ret_name, GError **error)
{
    const char *name, *label, *text = json_string_value(json_object_get(call->body, "recipe_text"));
    if (!json_take_text(call->body, "recipe", &name, error) ||
        !json_take_text(call->body, "recipe_file", &label, error))
        return NULL;
    if ((name != NULL) == (text != NULL)) {
        oriel_fail(error, ORIEL_ERROR_INVALID,
                   "request body: one of \"recipe\" and \"recipe_text\" is needed");
        return NULL;
    }
    *ret_name = name ? name : "";
    if (text)
        return recipe_parse(text, strlen(text), label && *label ? label : image, error);
    if (!image_name_is_valid(name)) {
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "there is no recipe \"%s\"", name);
        return NULL;
    }
    g_autofree char *folder = recipes_folder(call->service->config);
    g_autofree char *file = g_strconcat(name, ".recipe", NULL);
    g_autofree char *path = g_build_filename(folder, file, NULL);
    if (!g_file_test(path, G_FILE_TEST_IS_REGULAR)) {
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "there is no recipe \"%s\"", name);
        return NULL;
    }
    return recipe_load(path, error);
}

static StoreImage *image_find_or_create(Call *call, const StoreImage *fields, GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(StoreImage) image = store_image_find(call->service->store, fields->name, &problem);
    if (!image && oriel_error_kind(problem) == ORIEL_ERROR_NOT_FOUND)
        return store_image_create(call->service->store, &call->actor, fields, error);
    if (!image) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return NULL;
    }
    store_set(&image->display_name, fields->display_name);
    store_set(&image->description, fields->description);
    store_set(&image->recipe_name, fields->recipe_name);
    if (!store_image_update(call->service->store, &call->actor, image, error))
        return NULL;
    return g_steal_pointer(&image);
}

static char *build_start(Call *call, const StoreImage *image, Recipe *recipe, GError **error)
{
    const Config *config = call->service->config;
    Build *build = g_new0(Build, 1);
    build->store = call->service->store;
    build->host = call->service->host;
    build->recipe = recipe;
    build->image_id = g_strdup(image->id);
    build->image_name = g_strdup(image->name);
    build->images = g_strdup(call->service->images);
    build->guest = g_build_filename(config->share, "guest", NULL);
    build->cache = g_build_filename(config->state, "cache", "packages", NULL);
    JobStart start = {
        .kind = "image.build",
        .object_kind = "image",
        .object_id = image->id,
        .object_name = image->name,
        .function = build_run,
        .data = build,
        .data_free = build_free,
        .actor = &call->actor,
    };
    return job_start(call->service->jobs, &start, error);
}

bool images_post(Call *call, GError **error)
{
    static const char *const keys[] = {"name", "recipe", "recipe_text", "recipe_file", NULL};
    static GMutex one_at_a_time; /* looking for a build under way and starting one go together */
    const char *name, *recipe_name;
    if (!json_only(call->body, keys, error) || !json_take_text(call->body, "name", &name, error) ||
        !name_check(name ? name : "", "image", error))
        return false;
    if (!image_name_is_valid(name))
        return oriel_fail(error, ORIEL_ERROR_INVALID, "image \"%s\": a name has only a-z, 0-9, '-' and '.'",
                          name);
    g_autoptr(Recipe) recipe = recipe_read(call, name, &recipe_name, error);
    if (!recipe)
        return false;
    StoreImage fields = {
        .name = (char *)name,
        .display_name = recipe->title ? recipe->title : (char *)"",
        .description = recipe->description ? recipe->description : (char *)"",
        .recipe_name = (char *)recipe_name,
    };
    g_mutex_lock(&one_at_a_time);
    g_autoptr(StoreImage) image = image_find_or_create(call, &fields, error);
    g_autofree char *building = image ? job_find(call->service->jobs, "image.build", image->id) : NULL;
    if (building)
        oriel_fail(error, ORIEL_ERROR_CONFLICT, "image \"%s\": is being built already, by job %s", name,
                   building);
    g_autofree char *job_id =
        image && !building ? build_start(call, image, g_steal_pointer(&recipe), error) : NULL;
    g_mutex_unlock(&one_at_a_time);
    return job_id && call_reply_job(call, job_id, error);
}
