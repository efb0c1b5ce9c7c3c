/* Kiosks, and the log-in of one. */
#include <string.h>

#include "api/resource.h"
#include "identity/kiosk.h"

static Json *words_json(const char *words)
{
    g_auto(GStrv) texts = g_strsplit(words, " ", -1);
    Json *array = json_array();
    for (size_t i = 0; texts[i]; i++)
        if (*texts[i])
            json_array_append_new(array, json_string(texts[i]));
    return array;
}

static Json *kiosk_json(const StoreKiosk *kiosk)
{
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:b, s:I, s:I, s:I}", "id", kiosk->id, "name", kiosk->name, "networks",
                     words_json(kiosk->networks), "certificates", words_json(kiosk->certificates), "user",
                     json_ref(kiosk->user_id, kiosk->user_name), "pool", json_ref(kiosk->pool_id, kiosk->pool_name), "enabled",
                     kiosk->enabled, "logins", (json_int_t)kiosk->logins, "created_ms", (json_int_t)kiosk->created_ms,
                     "updated_ms", (json_int_t)kiosk->updated_ms);
}

static bool kiosk_answer(Call *call, const char *id, GError **error)
{
    g_autoptr(StoreKiosk) kiosk = store_kiosk_find(call->service->store, id, error);
    if (!kiosk)
        return false;
    call_etag(call, kiosk->version);
    reply_json(call->reply, 200, kiosk_json(kiosk));
    return true;
}

bool kiosks_get(Call *call, GError **error)
{
    StorePage page;
    g_autofree char *next = NULL;
    if (!call_page(call, &page, error))
        return false;
    g_autoptr(GPtrArray) kiosks = store_kiosk_list(call->service->store, &page, &next, error);
    if (!kiosks)
        return false;
    Json *items = json_array();
    for (size_t i = 0; i < kiosks->len; i++)
        json_array_append_new(items, kiosk_json(kiosks->pdata[i]));
    call_reply_page(call, items, next);
    return true;
}

typedef char *(*WordsRead)(const char *const *texts, GError **error);

/* An optional list of texts, in the form that is kept. */
static bool words_take(Json *body, const char *key, WordsRead read, char **field, GError **error)
{
    Json *array = json_object_get(body, key);
    g_autoptr(GPtrArray) texts = g_ptr_array_new();
    if (!array)
        return true;
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *text = json_string_value(json_array_get(array, i));
        if (text && *text)
            g_ptr_array_add(texts, (char *)text);
    }
    if (!json_is_array(array) || texts->len != json_array_size(array))
        return oriel_fail(error, ORIEL_ERROR_INVALID, "request body: \"%s\" must be a list of texts", key);
    g_ptr_array_add(texts, NULL);
    g_autofree char *words = read((const char *const *)texts->pdata, error);
    if (words)
        store_set(field, words);
    return words != NULL;
}

/* A kiosk has no more rights than the least of people. */
static bool user_take(Call *call, StoreKiosk *kiosk, GError **error)
{
    const char *name = NULL;
    if (!json_take_text(call->body, "user", &name, error) || !name)
        return name || !json_object_get(call->body, "user");
    g_autoptr(StoreUser) user = store_user_find(call->service->store, name, error);
    if (!user)
        return false;
    if (strcmp(user->roles, "user") != 0)
        return oriel_fail(error, ORIEL_ERROR_INVALID,
                          "kiosk: user \"%s\" has other roles than \"user\": whoever stands before the device would have its account",
                          user->name);
    store_set(&kiosk->user_id, user->id);
    return true;
}

static bool pool_take(Call *call, StoreKiosk *kiosk, GError **error)
{
    const char *name = NULL;
    if (!json_take_text(call->body, "pool", &name, error) || !name)
        return name || !json_object_get(call->body, "pool");
    g_autoptr(StorePool) pool = store_pool_find(call->service->store, name, error);
    if (pool)
        store_set(&kiosk->pool_id, pool->id);
    return pool != NULL;
}

static bool fields_read(Call *call, StoreKiosk *kiosk, GError **error)
{
    static const char *const keys[] = {"name", "networks", "certificates", "user", "pool", "enabled", NULL};
    const char *name = NULL;
    if (!json_only(call->body, keys, error) || !json_take_text(call->body, "name", &name, error) ||
        (name && !name_check(name, "kiosk", error)) ||
        !words_take(call->body, "networks", kiosk_networks_read, &kiosk->networks, error) ||
        !words_take(call->body, "certificates", kiosk_certificates_read, &kiosk->certificates, error) ||
        !user_take(call, kiosk, error) || !pool_take(call, kiosk, error) ||
        !json_take_flag(call->body, "enabled", &kiosk->enabled, error))
        return false;
    if (name)
        store_set(&kiosk->name, name);
    if (!kiosk->name || !kiosk->user_id || !kiosk->pool_id)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "request body: \"name\", \"user\" and \"pool\" are needed");
    return *kiosk->networks || *kiosk->certificates ||
           oriel_fail(error, ORIEL_ERROR_INVALID, "kiosk \"%s\": give \"networks\", \"certificates\" or both: by what is it known?",
                      kiosk->name);
}

bool kiosks_post(Call *call, GError **error)
{
    g_autoptr(StoreKiosk) fields = g_new0(StoreKiosk, 1);
    fields->networks = g_strdup("");
    fields->certificates = g_strdup("");
    fields->enabled = true;
    if (!fields_read(call, fields, error))
        return false;
    g_autoptr(StoreKiosk) kiosk = store_kiosk_create(call->service->store, &call->actor, fields, error);
    if (kiosk)
        call_reply_created(call, "kiosks", kiosk->id, kiosk->version, kiosk_json(kiosk));
    return kiosk != NULL;
}

bool kiosk_get(Call *call, GError **error)
{
    return kiosk_answer(call, call->parameters[0], error);
}

bool kiosk_patch(Call *call, GError **error)
{
    g_autoptr(StoreKiosk) kiosk = store_kiosk_find(call->service->store, call->parameters[0], error);
    return kiosk && call_match(call, kiosk->version, error) && fields_read(call, kiosk, error) &&
           store_kiosk_update(call->service->store, &call->actor, kiosk, error) && kiosk_answer(call, kiosk->id, error);
}

bool kiosk_delete(Call *call, GError **error)
{
    int64_t version = 0;
    g_autoptr(StoreKiosk) kiosk = store_kiosk_find(call->service->store, call->parameters[0], error);
    if (!kiosk || !call_if_match(call, &version, error) ||
        !store_kiosk_delete(call->service->store, &call->actor, kiosk->id, version, error))
        return false;
    reply_empty(call->reply);
    return true;
}

/* ---- the device ---- */

static KioskDevice device_of(const Call *call)
{
    return (KioskDevice){call->request->client, call->request->certificate};
}

/* It needs no secret, so that a page of somebody else could do it, and put the kiosk's login in the place of a person's. */
static bool demand_own_page(const Call *call, GError **error)
{
    const char *site = request_header(call->request, "sec-fetch-site"); /* browsers say it and let no page change it */
    return !site || strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0 ||
           oriel_fail(error, ORIEL_ERROR_FORBIDDEN, "a kiosk logs in from Oriel's own page, not from one of another site");
}

bool login_kiosk_post(Call *call, GError **error)
{
    if (!demand_own_page(call, error))
        return false;
    KioskDevice device = device_of(call);
    ClientInfo client = client_of(call);
    g_autoptr(Login) login = identity_kiosk_login(call->service->identity, &device, &client, error);
    if (!login)
        return false;
    login_cookies(call, login);
    reply_json(call->reply, 200, me_json(login->caller));
    return true;
}

bool login_is_kiosk(const Call *call, bool *ret, GError **error)
{
    KioskDevice device = device_of(call);
    g_autoptr(GError) failure = NULL;
    g_autoptr(StoreKiosk) kiosk = identity_kiosk_of(call->service->identity, &device, &failure);
    *ret = kiosk != NULL;
    if (failure)
        g_propagate_error(error, g_steal_pointer(&failure));
    return !failure;
}
