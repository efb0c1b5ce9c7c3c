#include "broker/plan.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "broker/client.h"

static const char *const kinds[] = {"power", "release", "display", NULL};
static const char *const actions[] = {"none", "suspend", "shut-down", "power-off", NULL};
static const char *const thens[] = {"as-pool", "keep", "refresh", "delete", NULL};

const char *plan_kind_word(PlanKind kind)
{
    return (unsigned)kind < PLAN_KINDS ? kinds[kind] : "";
}

static bool word_index(const char *const *words, const char *word, int *ret)
{
    for (int i = 0; word && words[i]; i++) {
        if (strcmp(words[i], word) == 0) {
            *ret = i;
            return true;
        }
    }
    return false;
}

bool plan_kind_parse(const char *word, PlanKind *ret)
{
    int index = 0;
    bool known = word_index(kinds, word, &index);
    if (known)
        *ret = (PlanKind)index;
    return known;
}

void plan_free(Plan *plan)
{
    if (!plan)
        return;
    schedule_free(plan->power.schedule);
    g_free(plan);
}

/* ---- reading ---- */

/* A NULL-ended list of keys in the sentence. */
static bool only(Json *object, const char *what, const char *const *keys, GError **error)
{
    const char *key;
    Json *value;
    if (!json_is_object(object))
        return oriel_fail(error, ORIEL_ERROR_INVALID, "%s: must be an object", what);
    json_object_foreach(object, key, value)
    {
        if (g_strv_contains(keys, key))
            continue;
        g_autofree char *allowed = g_strjoinv(", ", (char **)keys);
        return oriel_fail(error, ORIEL_ERROR_INVALID, "%s: \"%s\" is unknown; allowed: %s", what, key, allowed);
    }
    return true;
}

typedef struct {
    const char *key;
    json_int_t lowest, highest;
} WholeField;

/* Absent or null: *ret stays, and false is written to *ret_given. */
static bool whole(Json *object, const WholeField *field, int64_t *ret, bool *ret_given, GError **error)
{
    Json *value = json_object_get(object, field->key);
    *ret_given = value && !json_is_null(value);
    if (!*ret_given)
        return true;
    if (!json_is_integer(value) || json_integer_value(value) < field->lowest || json_integer_value(value) > field->highest)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "settings: \"%s\" must be a whole number from %lld to %lld", field->key,
                          (long long)field->lowest, (long long)field->highest);
    *ret = json_integer_value(value);
    return true;
}

static bool minutes(Json *object, const char *key, json_int_t lowest, int64_t *ret_ms, GError **error)
{
    const WholeField field = {key, lowest, LIMIT_PLAN_MINUTES};
    bool given = false;
    int64_t value = 0;
    if (!whole(object, &field, &value, &given, error))
        return false;
    if (given)
        *ret_ms = value * 60 * 1000;
    return true;
}

static bool word(Json *object, const char *key, const char *const *words, int *ret, GError **error)
{
    Json *value = json_object_get(object, key);
    if (!value || word_index(words, json_string_value(value), ret))
        return true;
    g_autofree char *allowed = g_strjoinv(", ", (char **)words);
    return oriel_fail(error, ORIEL_ERROR_INVALID, "settings: \"%s\" must be one of: %s", key, allowed);
}

static bool power_rule(Json *settings, const char *key, PowerRule *ret, GError **error)
{
    static const char *const keys[] = {"action", "after_minutes", NULL};
    Json *rule = json_object_get(settings, key);
    int action = POWER_NONE;
    if (!rule)
        return true;
    g_autofree char *what = g_strdup_printf("settings: %s", key);
    if (!only(rule, what, keys, error) || !word(rule, "action", actions, &action, error) ||
        !minutes(rule, "after_minutes", 0, &ret->after_ms, error))
        return false;
    ret->action = (PowerAction)action;
    return true;
}

static bool spares(Json *settings, const char *key, unsigned *ret, bool *ret_given, GError **error)
{
    const WholeField field = {key, 0, LIMIT_DESKTOPS_POOL};
    int64_t value = 0;
    if (!whole(settings, &field, &value, ret_given, error))
        return false;
    *ret = (unsigned)value;
    return true;
}

static bool read_power(Json *settings, PowerPlan *ret, GError **error)
{
    static const char *const keys[] = {"on_disconnect", "on_log_off", "on_idle", "peak", "peak_spares", "off_peak_spares", NULL};
    Json *peak = json_object_get(settings, "peak");
    if (!only(settings, "settings", keys, error) || !power_rule(settings, "on_disconnect", &ret->on_disconnect, error) ||
        !power_rule(settings, "on_log_off", &ret->on_log_off, error) ||
        !power_rule(settings, "on_idle", &ret->on_idle, error) ||
        !spares(settings, "peak_spares", &ret->peak_spares, &ret->has_peak_spares, error) ||
        !spares(settings, "off_peak_spares", &ret->off_peak_spares, &ret->has_off_peak_spares, error))
        return false;
    if (ret->has_off_peak_spares && !peak)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "settings: off_peak_spares need \"peak\": when is it peak?");
    return !peak || (ret->schedule = schedule_read(peak, "settings: peak", error)) != NULL;
}

static bool idle_minutes(Json *settings, ReleasePlan *ret, GError **error)
{
    return minutes(settings, "lock_after_idle_minutes", 1, &ret->lock_after_idle_ms, error) &&
           minutes(settings, "disconnect_after_idle_minutes", 1, &ret->disconnect_after_idle_ms, error) &&
           minutes(settings, "log_off_after_idle_minutes", 1, &ret->log_off_after_idle_ms, error);
}

static bool read_release(Json *settings, ReleasePlan *ret, GError **error)
{
    static const char *const keys[] = {"log_off_after_minutes", "at_log_off", "release_after_minutes", "at_release",
                                       "lock_after_idle_minutes", "disconnect_after_idle_minutes", "log_off_after_idle_minutes", NULL};
    int at_log_off = THEN_AS_POOL, at_release = THEN_AS_POOL;
    if (!only(settings, "settings", keys, error) ||
        !minutes(settings, "log_off_after_minutes", 1, &ret->log_off_after_ms, error) ||
        !minutes(settings, "release_after_minutes", 1, &ret->release_after_ms, error) ||
        !idle_minutes(settings, ret, error) ||
        !word(settings, "at_log_off", thens, &at_log_off, error) ||
        !word(settings, "at_release", thens, &at_release, error))
        return false;
    ret->at_log_off = (ThenWord)at_log_off;
    ret->at_release = (ThenWord)at_release;
    return true;
}

static bool yes_no(Json *object, const char *key, bool *ret, GError **error)
{
    Json *value = json_object_get(object, key);
    if (value && !json_is_boolean(value))
        return oriel_fail(error, ORIEL_ERROR_INVALID, "settings: \"%s\" must be true or false", key);
    *ret = value ? json_is_true(value) : *ret;
    return true;
}

static bool read_ways(Json *settings, const char *key, bool *ret_no_in, bool *ret_no_out, GError **error)
{
    static const char *const words[] = {"both", "none", "to_desktop", "from_desktop", NULL};
    enum { BOTH, NONE, TO_DESKTOP, FROM_DESKTOP };
    int ways = BOTH;
    if (!word(settings, key, words, &ways, error))
        return false;
    *ret_no_in = ways == NONE || ways == FROM_DESKTOP;
    *ret_no_out = ways == NONE || ways == TO_DESKTOP;
    return true;
}

/* Width and height; null: any. */
static bool read_largest(Json *settings, DisplayPlan *ret, GError **error)
{
    static const char *const keys[] = {"width", "height", NULL};
    static const WholeField fields[] = {{"width", LIMIT_SCREEN_LEAST, LIMIT_SCREEN}, {"height", LIMIT_SCREEN_LEAST, LIMIT_SCREEN}};
    Json *largest = json_object_get(settings, "largest");
    int64_t width = 0, height = 0;
    bool wide = false, high = false;
    if (!largest || json_is_null(largest))
        return true;
    if (!only(largest, "settings: largest", keys, error) || !whole(largest, &fields[0], &width, &wide, error) ||
        !whole(largest, &fields[1], &height, &high, error))
        return false;
    if (!wide || !high)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "settings: \"largest\" needs \"width\" and \"height\"");
    ret->width = (uint16_t)width;
    ret->height = (uint16_t)height;
    return true;
}

static bool read_bandwidth(Json *settings, DisplayPlan *ret, GError **error)
{
    static const WholeField field = {"bandwidth_kbit_s", LIMIT_BANDWIDTH_LEAST_KBIT_S, LIMIT_BANDWIDTH_KBIT_S};
    int64_t most = 0;
    bool given = false;
    if (!whole(settings, &field, &most, &given, error))
        return false;
    ret->kbit_s = (uint16_t)most;
    return true;
}

/* Those that are offered; absent: all. */
static bool read_clients(Json *settings, DisplayPlan *ret, GError **error)
{
    Json *clients = json_object_get(settings, "clients");
    unsigned offered = 0;
    if (!clients)
        return true;
    for (size_t i = 0; i < json_array_size(clients); i++) {
        DisplayClient client = DISPLAY_CLIENT_BROWSER;
        const char *word = json_string_value(json_array_get(clients, i));
        if (!word || !client_parse(word, &client))
            break;
        offered |= 1u << client;
    }
    if (!json_is_array(clients) || !offered || (size_t)__builtin_popcount(offered) != json_array_size(clients))
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "settings: \"clients\" must be a list with at least one of: browser, vv, rdp; each once");
    ret->withheld = ((1u << DISPLAY_CLIENTS) - 1) & ~offered;
    return true;
}

static bool read_display(Json *settings, DisplayPlan *ret, GError **error)
{
    static const char *const keys[] = {"clipboard", "files", "largest", "follow_window", "view_only", "sound", "drives", "usb",
                                       "printers", "bandwidth_kbit_s", "clients", NULL};
    bool follows = true, sound = true, drives = true, usb = true, printers = true;
    if (!only(settings, "settings", keys, error) || !read_ways(settings, "clipboard", &ret->no_clipboard_in, &ret->no_clipboard_out, error) ||
        !read_ways(settings, "files", &ret->no_files_in, &ret->no_files_out, error) ||
        !read_largest(settings, ret, error) || !yes_no(settings, "follow_window", &follows, error) ||
        !yes_no(settings, "view_only", &ret->view_only, error) || !yes_no(settings, "sound", &sound, error) ||
        !yes_no(settings, "drives", &drives, error) || !yes_no(settings, "usb", &usb, error) ||
        !yes_no(settings, "printers", &printers, error) ||
        !read_bandwidth(settings, ret, error) || !read_clients(settings, ret, error))
        return false;
    ret->no_size = !follows;
    ret->no_sound = !sound;
    ret->no_drives = !drives;
    ret->no_usb = !usb;
    ret->no_printers = !printers;
    return true;
}

const char *display_plan_files_refusal(const DisplayPlan *plan, bool to_desktop)
{
    if (to_desktop && plan->view_only)
        return "its display plan is for looking only";
    if (to_desktop)
        return plan->no_files_in ? "its display plan lets no files in" : NULL;
    return plan->no_files_out ? "its display plan lets no files out" : NULL;
}

bool display_plan_offers(const DisplayPlan *plan, DisplayClient client)
{
    return !plan || !(plan->withheld & (1u << client));
}

Plan *plan_read(PlanKind kind, Json *settings, GError **error)
{
    g_autoptr(Plan) plan = g_new0(Plan, 1);
    plan->kind = kind;
    bool read = kind == PLAN_POWER     ? read_power(settings, &plan->power, error)
                : kind == PLAN_RELEASE ? read_release(settings, &plan->release, error)
                                       : read_display(settings, &plan->display, error);
    return read ? g_steal_pointer(&plan) : NULL;
}

/* ---- power ---- */

PowerVerdict power_after(const PowerPlan *plan, const PowerFacts *facts, int64_t now_ms)
{
    PowerRule rule = {0};
    if (!plan || !facts->assigned || !facts->running)
        return (PowerVerdict){0};
    if (!facts->in_session)
        rule = plan->on_log_off;
    else if (facts->disconnected)
        rule = plan->on_disconnect;
    else if (facts->connected)
        rule = plan->on_idle;
    if (rule.action == POWER_NONE)
        return (PowerVerdict){0};
    int64_t due = facts->since_ms + rule.after_ms;
    return now_ms >= due ? (PowerVerdict){rule.action, 0} : (PowerVerdict){POWER_NONE, due};
}

unsigned power_spares(const PowerPlan *plan, unsigned pool_spares, int64_t now_ms)
{
    if (!plan)
        return pool_spares;
    if (!plan->schedule || schedule_contains(plan->schedule, now_ms))
        return plan->has_peak_spares ? plan->peak_spares : pool_spares;
    return plan->has_off_peak_spares ? plan->off_peak_spares : pool_spares;
}

/* ---- release ---- */

BrokerPool release_pool(BrokerPool pool, const ReleasePlan *plan)
{
    if (!plan)
        return pool;
    pool.log_off_after_ms = plan->log_off_after_ms;
    pool.lock_after_idle_ms = plan->lock_after_idle_ms;
    pool.disconnect_after_idle_ms = plan->disconnect_after_idle_ms;
    pool.log_off_after_idle_ms = plan->log_off_after_idle_ms;
    if (plan->at_log_off != THEN_AS_POOL) {
        pool.refresh_on_log_off = plan->at_log_off == THEN_REFRESH;
        pool.delete_on_log_off = plan->at_log_off == THEN_DELETE;
    }
    return pool;
}

ReleaseVerdict release_after(const ReleasePlan *plan, const BrokerPool *pool, int64_t since_ms, int64_t now_ms)
{
    if (!plan || plan->release_after_ms == 0 || pool->type != BROKER_DEDICATED)
        return (ReleaseVerdict){0};
    int64_t due = since_ms + plan->release_after_ms;
    if (now_ms < due)
        return (ReleaseVerdict){.look_again_ms = due};
    return (ReleaseVerdict){
        .due = true,
        .refresh = plan->at_release == THEN_AS_POOL || plan->at_release == THEN_REFRESH,
        .remove = plan->at_release == THEN_DELETE,
    };
}
