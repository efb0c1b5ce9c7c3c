/* Pools. */
#include <string.h>

#include "api/resource.h"
#include "base/limits.h"
#include "base/naming.h"
#include "base/number.h"
#include "broker/application.h"
#include "broker/self_service.h"
#include "store/image.h"

#define VCPUS_MOST 64
#define MEMORY_LEAST (64 * 1024 * 1024ULL)
#define SIZE_DEFAULT 10
#define SPARES_DEFAULT 1
#define HOME_DEFAULT (10ULL << 30)
#define SEATS_DEFAULT 8
#define POOL_RULES "seats", "home", "home_bytes", "self_service", "provisioning", "minimum", "naming", "draining", "assignment", "users_a_desktop", "application", "sessions_a_user"

/* ---- out ---- */

static bool version_number(Store *store, const StorePool *pool, int64_t *ret, GError **error)
{
    *ret = pool->image_version_number;
    if (pool->image_version_id || !pool->image_id)
        return true;
    g_autoptr(StoreImage) image = store_image_find(store, pool->image_id, error);
    if (image)
        *ret = image->newest_number;
    return image != NULL;
}

static Json *template_json(Host *host, const StorePool *pool)
{
    if (!pool->image_id)
        return json_pack("{s:s, s:n, s:n, s:n}", "state", "none", "job", "error", "waits_for");
    const char *pool_id = pool->id;
    g_auto(HostTemplateStatus) status = {0};
    g_autoptr(GError) error = NULL;
    if (!host_template_status(host, pool_id, &status, &error))
        return json_pack("{s:s, s:n, s:s, s:n}", "state", "unknown", "job", "error", error->message, "waits_for");
    return json_pack("{s:s, s:o, s:o, s:o}", "state", status.state, "job", json_text_or_null(status.job_id),
                     "error", json_text_or_null(status.error), "waits_for",
                     json_text_or_null(status.waits_for));
}

static Json *counts_json(const StorePool *pool)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I}", "desktops", (json_int_t)pool->desktops, "running",
                     (json_int_t)pool->desktops_running, "assigned", (json_int_t)pool->desktops_assigned,
                     "free", (json_int_t)pool->desktops_free,
                     "sessions", (json_int_t)pool->sessions);
}

static const char *const plan_keys[STORE_PLAN_KINDS] = {"power_plan", "release_plan", "display_plan"};

static Json *pool_json(const Service *service, const StorePool *pool, GError **error)
{
    int64_t number = 0;
    if (!version_number(service->store, pool, &number, error))
        return NULL;
    Json *value =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:b}", "id", pool->id, "name", pool->name,
                  "display_name", pool->display_name, "description", pool->description, "type",
                  pool->seats ? "shared" : store_pool_type_word(pool->type), "image", json_ref(pool->image_id, pool->image_name),
                  "version", json_time_or_null(number), "follows_newest",
                  pool->image_id && !pool->image_version_id);
    Json *more = json_pack(
        "{s:I, s:I, s:I, s:I, s:b, s:b, s:b, s:b, s:o, s:o, s:I, s:I}", "size", (json_int_t)pool->size,
        "spares", (json_int_t)pool->spares, "vcpus", (json_int_t)pool->vcpus, "memory_bytes",
        (json_int_t)pool->memory_bytes, "refresh_on_log_off", pool->refresh_on_log_off, "enabled",
        pool->enabled, "maintenance", pool->maintenance, "deleting", pool->deleting, "counts",
        counts_json(pool), "template", template_json(service->host, pool), "created_ms",
        (json_int_t)pool->created_ms, "updated_ms", (json_int_t)pool->updated_ms);
    Json *rules = json_pack("{s:I, s:I, s:s, s:b, s:b, s:s, s:I, s:o, s:s, s:b, s:s, s:I, s:s, s:I}", "seats", (json_int_t)pool->seats, "minimum", (json_int_t)pool->minimum, "naming",
                            pool->naming, "draining", pool->draining, "drained",
                            pool->draining && pool->sessions == 0, "assignment",
                            pool->assign_by_hand ? "manual" : "automatic", "users_a_desktop",
                            (json_int_t)pool->users_a_desktop, "self_service", self_service_json(pool), "provisioning",
                            store_provisioning_word(pool->provisioning), "icon", pool->has_icon,
                            "home", pool->home, "home_bytes", (json_int_t)pool->home_bytes, "application", pool->application,
                            "sessions_a_user", (json_int_t)pool->sessions_a_user);
    json_object_update(value, more);
    for (int kind = 0; kind < STORE_PLAN_KINDS; kind++)
        json_object_set_new(value, plan_keys[kind], json_ref(pool->plan_ids[kind], pool->plan_names[kind]));
    json_object_update(value, rules);
    json_decref(more);
    json_decref(rules);
    return value;
}

/* By name or id; null: none. */
static bool plans_read(Call *call, StorePool *pool, GError **error)
{
    for (int kind = 0; kind < STORE_PLAN_KINDS; kind++) {
        const char *name = NULL;
        Json *value = json_object_get(call->body, plan_keys[kind]);
        if (json_is_null(value))
            store_set(&pool->plan_ids[kind], NULL);
        if (!value || json_is_null(value))
            continue;
        if (!json_take_text(call->body, plan_keys[kind], &name, error))
            return false;
        g_autoptr(StorePlan) plan = store_plan_find(call->service->store, name, error);
        if (!plan)
            return false;
        if ((int)plan->kind != kind)
            return oriel_fail(error, ORIEL_ERROR_INVALID, "%s: \"%s\" is a %s plan", plan_keys[kind], plan->name,
                              store_plan_kind_word(plan->kind));
        store_set(&pool->plan_ids[kind], plan->id);
    }
    return true;
}

static bool pool_answer(Call *call, const StorePool *pool, GError **error)
{
    Json *value = pool_json(call->service, pool, error);
    if (!value)
        return false;
    call_etag(call, pool->version);
    reply_json(call->reply, 200, value);
    return true;
}

bool pools_get(Call *call, GError **error)
{
    StorePage page;
    g_autofree char *next = NULL;
    if (!call_page(call, &page, error))
        return false;
    g_autoptr(GPtrArray) pools = store_pool_list(call->service->store, &page, &next, error);
    if (!pools)
        return false;
    g_autoptr(Json) items = json_array();
    for (unsigned i = 0; i < pools->len; i++) {
        Json *item = pool_json(call->service, pools->pdata[i], error);
        if (!item)
            return false;
        json_array_append_new(items, item);
    }
    call_reply_page(call, g_steal_pointer(&items), next);
    return true;
}

bool pool_get(Call *call, GError **error)
{
    g_autoptr(StorePool) pool = store_pool_find(call->service->store, call->parameters[0], error);
    return pool && pool_answer(call, pool, error);
}

/* ---- in ---- */

/* The version that a pool is pinned to: by number, or null for the newest. */
static bool version_read(Call *call, StorePool *pool, GError **error)
{
    Json *value = json_object_get(call->body, "version");
    NumberField field = {"version", 1, G_MAXINT32};
    uint64_t number = 0;
    if (!value)
        return true;
    if (!json_take_number(call->body, &field, &number, error))
        return false;
    if (number == 0) {
        store_set(&pool->image_version_id, NULL);
        return true;
    }
    g_autoptr(GPtrArray) versions = store_image_version_list(call->service->store, pool->image_id, -1, error);
    if (!versions)
        return false;
    for (unsigned i = 0; i < versions->len; i++) {
        const StoreImageVersion *version = versions->pdata[i];
        if ((uint64_t)version->number != number)
            continue;
        if (version->state != STORE_IMAGE_READY)
            return oriel_fail(error, ORIEL_ERROR_CONFLICT,
                              "image \"%s\": version %" G_GUINT64_FORMAT " is not ready", version->image_name,
                              number);
        store_set(&pool->image_version_id, version->id);
        return true;
    }
    return oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "image: there is no version %" G_GUINT64_FORMAT, number);
}

static bool image_read(Call *call, StorePool *pool, GError **error)
{
    const char *name;
    if (!json_take_text(call->body, "image", &name, error))
        return false;
    if (!name)
        return true;
    g_autoptr(StoreImage) image = store_image_find(call->service->store, name, error);
    if (!image)
        return false;
    if (g_strcmp0(pool->image_id, image->id) != 0)
        store_set(&pool->image_version_id, NULL); /* a version is one of its image */
    store_set(&pool->image_id, image->id);
    return true;
}

/* Sizes that are asked for here must be ones that this host can give when nothing else runs. */
static bool sizes_check(const Call *call, const StorePool *pool, GError **error)
{
    g_auto(HostStatus) host = {0};
    unsigned processors = g_get_num_processors();
    if (json_object_get(call->body, "vcpus") && pool->vcpus > processors)
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "pool: %" G_GUINT64_FORMAT " processors for a desktop are more than this host has: %u",
                          pool->vcpus, processors);
    if (!json_object_get(call->body, "memory_bytes"))
        return true;
    if (!host_status(call->service->host, &host, error))
        return false;
    if (pool->memory_bytes <= host.memory_most)
        return true;
    g_autofree char *wanted = number_format_size(pool->memory_bytes), *most = number_format_size(host.memory_most);
    return oriel_fail(error, ORIEL_ERROR_INVALID,
                      "pool: %s of memory for a desktop are more than this host can ever give: %s", wanted, most);
}

static bool provisioning_read(Json *body, StorePool *pool, GError **error)
{
    const char *word;
    if (!json_take_text(body, "provisioning", &word, error))
        return false;
    return !word || store_provisioning_parse(word, &pool->provisioning) ||
           oriel_fail(error, ORIEL_ERROR_INVALID, "pool: provisioning \"%s\" is unknown; allowed: instant, linked, full", word);
}

/* Who gets its desktops, and how they come and go. */
static bool rules_read(Json *body, StorePool *pool, GError **error)
{
    const char *naming, *assignment;
    const NumberField minimum = {"minimum", 0, LIMIT_DESKTOPS_POOL},
                      users = {"users_a_desktop", 1, LIMIT_USERS_DESKTOP}, sessions = {"sessions_a_user", 1, LIMIT_SESSIONS_USER};
    if (!json_take_number(body, &minimum, &pool->minimum, error) ||
        !json_take_number(body, &users, &pool->users_a_desktop, error) ||
        !json_take_number(body, &sessions, &pool->sessions_a_user, error) ||
        !json_take_text(body, "naming", &naming, error) ||
        !json_take_text(body, "assignment", &assignment, error) ||
        !json_take_flag(body, "draining", &pool->draining, error) || !self_service_read(body, pool, error) ||
        !provisioning_read(body, pool, error))
        return false;
    if (naming)
        store_set(&pool->naming, naming);
    if (assignment && strcmp(assignment, "automatic") != 0 && strcmp(assignment, "manual") != 0)
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "pool: assignment \"%s\" is unknown; allowed: automatic, manual", assignment);
    if (assignment)
        pool->assign_by_hand = strcmp(assignment, "manual") == 0;
    if (pool->type == STORE_POOL_FLOATING && (pool->assign_by_hand || pool->users_a_desktop > 1))
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "pool: assignment by hand and several users a desktop are for dedicated pools");
    if (pool->type != STORE_POOL_FLOATING && pool->sessions_a_user > 1)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "pool: several desktops a person are for floating pools");
    return true;
}

/* The name joins pools: who has a home of that name in one of them finds it in the others. */
static bool home_read(Json *body, StorePool *pool, GError **error)
{
    const NumberField size = {"home_bytes", LIMIT_HOME_LEAST, LIMIT_HOME_MOST};
    const char *home;
    if (!json_take_text(body, "home", &home, error) || !json_take_number(body, &size, &pool->home_bytes, error))
        return false;
    if (home && *home && !home_name_is_valid(home))
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "pool: home \"%s\" must be 1 to %d of a-z, 0-9 and -, or empty for none", home, LIMIT_NAME);
    if (home)
        store_set(&pool->home, home);
    if (pool->home && *pool->home && !pool->home_bytes)
        pool->home_bytes = HOME_DEFAULT;
    return true;
}

/* The version of its image that it has now; NULL without an error: none yet. */
static bool version_now(Store *store, const StorePool *pool, StoreImageVersion **ret, GError **error)
{
    g_autoptr(GError) problem = NULL;
    *ret = !pool->image_id           ? NULL
           : pool->image_version_id ? store_image_version_get(store, pool->image_version_id, &problem)
                                    : store_image_version_newest(store, pool->image_id, &problem);
    if (!problem || oriel_error_kind(problem) == ORIEL_ERROR_NOT_FOUND)
        return true;
    g_propagate_error(error, g_steal_pointer(&problem));
    return false;
}

/* What is not known yet of an image that is being built is found when its template is made. */
static bool application_read(Call *call, StorePool *pool, GError **error)
{
    const char *command = NULL;
    ImageFacts facts = {0};
    if (!json_take_text(call->body, "application", &command, error) || !application_check(command, error))
        return false;
    if (command)
        store_set(&pool->application, command);
    if (!pool->application || !*pool->application)
        return true;
    g_autoptr(StoreImageVersion) version = NULL;
    if (!version_now(call->service->store, pool, &version, error))
        return false;
    if (version)
        image_facts_read(version->manifest, &facts);
    return !*facts.session || application_fits(pool->application, facts.session, version->image_name, error);
}

/* A manual pool's machines are there already: nothing about how desktops are made means anything. */
static bool manual_check(Json *body, const StorePool *pool, GError **error)
{
    static const char *const none[] = {"image", "version", "minimum", "spares", "naming", "vcpus", "memory_bytes",
                                       "refresh_on_log_off", "power_plan", "assignment", "provisioning", "home", "home_bytes", "application", NULL};
    for (size_t i = 0; pool->type == STORE_POOL_MANUAL && none[i]; i++)
        if (json_object_get(body, none[i]) && !json_is_null(json_object_get(body, none[i])))
            return oriel_fail(error, ORIEL_ERROR_INVALID,
                              "pool: %s is for desktops that Oriel makes; a manual pool has machines that were there before",
                              none[i]);
    return true;
}

/* Fields that creating and changing share; what is absent stays. */
static bool fields_read(Call *call, StorePool *pool, GError **error)
{
    const char *display_name, *description;
    const NumberField size = {"size", 1, LIMIT_DESKTOPS_POOL}, spares = {"spares", 0, LIMIT_DESKTOPS_POOL * LIMIT_SEATS},
                      vcpus = {"vcpus", 1, VCPUS_MOST}, seats = {"seats", 1, LIMIT_SEATS}, memory = {"memory_bytes", MEMORY_LEAST, G_MAXINT64};
    Json *body = call->body;
    if (!manual_check(body, pool, error) || !image_read(call, pool, error) || !version_read(call, pool, error) ||
        !json_take_text(body, "display_name", &display_name, error) ||
        !json_take_text(body, "description", &description, error) ||
        !json_take_number(body, &size, &pool->size, error) ||
        !json_take_number(body, &spares, &pool->spares, error) ||
        !json_take_number(body, &vcpus, &pool->vcpus, error) ||
        !json_take_number(body, &memory, &pool->memory_bytes, error) ||
        !json_take_flag(body, "refresh_on_log_off", &pool->refresh_on_log_off, error) ||
        !json_take_flag(body, "enabled", &pool->enabled, error) ||
        !json_take_flag(body, "maintenance", &pool->maintenance, error) || !plans_read(call, pool, error))
        return false;
    if (!rules_read(body, pool, error) || !home_read(body, pool, error) || !application_read(call, pool, error) || !sizes_check(call, pool, error))
        return false;
    if (json_object_get(body, "seats") && !pool->seats)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "pool: seats are for pools of type \"shared\"");
    if (!json_take_number(body, &seats, &pool->seats, error))
        return false;
    if (display_name)
        store_set(&pool->display_name, display_name);
    if (description)
        store_set(&pool->description, description);
    uint64_t most = pool->size * MAX(pool->seats, 1);
    return pool->spares <= most ||
           oriel_fail(error, ORIEL_ERROR_INVALID,
                      pool->seats ? "pool: %" G_GUINT64_FORMAT " spares are more than its machines have seats: %" G_GUINT64_FORMAT
                                  : "pool: %" G_GUINT64_FORMAT " spares are more than its size of %" G_GUINT64_FORMAT " desktops",
                      pool->spares, most);
}

static bool type_read(Json *body, StorePool *pool, GError **error)
{
    const char *type;
    if (!json_take_text(body, "type", &type, error))
        return false;
    bool shared = g_strcmp0(type, "shared") == 0; /* floating, but for its seats */
    if (type && !shared && !store_pool_type_parse(type, &pool->type))
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "pool: type \"%s\" is unknown; allowed: floating, dedicated, shared, manual", type);
    pool->seats = shared ? SEATS_DEFAULT : 0;
    pool->refresh_on_log_off = pool->type == STORE_POOL_FLOATING;
    store_set(&pool->self_service, pool->type == STORE_POOL_MANUAL || shared ? "" : SELF_SERVICE_DEFAULT);
    if (pool->type == STORE_POOL_MANUAL) {
        pool->size = LIMIT_DESKTOPS_POOL;
        pool->spares = 0;
        pool->assign_by_hand = true;
    }
    return true;
}

/* What the recipe of the image asks for, where the request does not say. */
static bool sizes_default(Call *call, StorePool *pool, GError **error)
{
    ImageFacts facts = {0};
    if (pool->vcpus && pool->memory_bytes)
        return true;
    g_autoptr(StoreImageVersion) version =
        pool->image_version_id ? store_image_version_get(call->service->store, pool->image_version_id, error)
                               : store_image_version_newest(call->service->store, pool->image_id, error);
    if (!version)
        return false;
    image_facts_read(version->manifest, &facts);
    pool->vcpus = pool->vcpus ? pool->vcpus : facts.vcpus;
    pool->memory_bytes = pool->memory_bytes ? pool->memory_bytes : facts.memory_bytes;
    return true;
}

bool pools_post(Call *call, GError **error)
{
    static const char *const keys[] = {
        "name",   "image", "display_name", "description",        "type",    "version",     "size",
        "spares", "vcpus", "memory_bytes", "refresh_on_log_off", "enabled", "maintenance",
        "power_plan", "release_plan", "display_plan", POOL_RULES, NULL};
    const char *name;
    g_autoptr(StorePool) fields = g_new0(StorePool, 1);
    fields->enabled = true;
    fields->size = SIZE_DEFAULT;
    fields->spares = SPARES_DEFAULT;
    store_set(&fields->display_name, "");
    store_set(&fields->description, "");
    if (!json_only(call->body, keys, error) || !json_take_text(call->body, "name", &name, error) ||
        !name_check(name ? name : "", "pool", error) || !type_read(call->body, fields, error) ||
        !fields_read(call, fields, error))
        return false;
    bool manual = fields->type == STORE_POOL_MANUAL;
    if (!manual && !fields->image_id)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "request body: \"image\" is needed");
    if (!manual && !sizes_default(call, fields, error))
        return false;
    store_set(&fields->name, name);
    g_autoptr(StorePool) pool = store_pool_create(call->service->store, &call->actor, fields, error);
    if (!pool)
        return false;
    host_wake(call->service->host);
    Json *value = pool_json(call->service, pool, error);
    if (value)
        call_reply_created(call, "pools", pool->id, pool->version, value);
    return value != NULL;
}

bool pool_patch(Call *call, GError **error)
{
    static const char *const keys[] = {
        "image", "display_name", "description",        "version", "size",        "spares",
        "vcpus", "memory_bytes", "refresh_on_log_off", "enabled", "maintenance", "power_plan",
        "release_plan", "display_plan", POOL_RULES, NULL};
    g_autoptr(StorePool) pool = store_pool_find(call->service->store, call->parameters[0], error);
    if (!pool || !call_match(call, pool->version, error) || !json_only(call->body, keys, error) ||
        !fields_read(call, pool, error) ||
        !store_pool_update(call->service->store, &call->actor, pool, error))
        return false;
    host_wake(call->service->host);
    g_autoptr(StorePool) now = store_pool_find(call->service->store, pool->id, error);
    return now && pool_answer(call, now, error);
}

bool pool_delete(Call *call, GError **error)
{
    int64_t version = 0;
    bool force = false;
    g_autoptr(StorePool) pool = store_pool_find(call->service->store, call->parameters[0], error);
    if (!pool || !call_if_match(call, &version, error) || !call_flag(call, "force", &force, error))
        return false;
    if (pool->sessions && !force)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT,
                          "pool \"%s\": %" G_GUINT64_FORMAT
                          " sessions are open; end them, or delete it with force=true",
                          pool->name, pool->sessions);
    if (!store_pool_delete(call->service->store, &call->actor, pool->id, version, error))
        return false;
    host_wake(call->service->host);
    reply_empty(call->reply);
    return true;
}
