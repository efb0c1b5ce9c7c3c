/* The caller's API tokens. */
#include <string.h>

#include "api/resource.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/secret.h"

#define DAYS_DEFAULT 365
#define DAYS_LONGEST 3650
#define DAY_MS (24 * 60 * 60 * 1000LL)

Json *scopes_json(Scopes scopes)
{
    g_autofree char *text = scopes_format(scopes);
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    Json *array = json_array();
    for (size_t i = 0; words[i]; i++)
        if (*words[i])
            json_array_append_new(array, json_string(words[i]));
    return array;
}

static bool scopes_read(Json *array, Scopes *ret, GError **error)
{
    g_autoptr(GString) words = g_string_new(NULL);
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *word = json_string_value(json_array_get(array, i));
        if (!word || !*word || strchr(word, ' '))
            return oriel_fail(error, ORIEL_ERROR_INVALID, "request body: \"scopes\" must be a list of words");
        g_string_append_printf(words, "%s ", word);
    }
    return scopes_parse(words->str, ret, error);
}

static Json *token_json(const StoreToken *token)
{
    Scopes scopes = 0;
    scopes_parse(token->scopes, &scopes, NULL);
    return json_pack("{s:s, s:s, s:o, s:I, s:o, s:o}", "id", token->id, "name", token->name, "scopes",
                     scopes_json(scopes), "created_ms", (json_int_t)token->created_ms, "expires_ms", json_time_or_null(token->expires_ms),
                     "last_used_ms", json_time_or_null(token->used_ms));
}

static bool is_local(const Call *call)
{
    return call->caller->means == CALLER_LOCAL;
}

/* Whose tokens are meant: the caller's own. The local administrator is no user and has none, but may see, make and delete those
 * of `user`. *ret NULL: nobody's. Caller frees. */
static bool find_owner(const Call *call, const char *user, char **ret, GError **error)
{
    if (!user || !is_local(call)) {
        *ret = g_strdup(call->caller->user_id);
        return !user || oriel_fail(error, ORIEL_ERROR_FORBIDDEN,
                                   "only the local administrator, on the host itself, asks for the tokens of somebody else");
    }
    g_autoptr(StoreUser) owner = store_user_find(call->service->store, user, error);
    *ret = owner ? g_strdup(owner->id) : NULL;
    return owner != NULL;
}

/* A token that leaked must not make others that live on after it has been deleted. */
static bool demand_login(const Call *call, GError **error)
{
    return call->caller->means != CALLER_TOKEN ||
           oriel_fail(error, ORIEL_ERROR_FORBIDDEN, "a token makes no tokens: log in with your password");
}

static bool demand_owner(const char *owner_id, GError **error)
{
    return owner_id ||
           oriel_fail(error, ORIEL_ERROR_CONFLICT, "the local administrator has no tokens: say whose it is to be, \"user\" (--user)");
}

bool tokens_get(Call *call, GError **error)
{
    g_autoptr(Json) items = json_array();
    g_autofree char *owner_id = NULL;
    if (!find_owner(call, request_query(call->request, "user"), &owner_id, error))
        return false;
    if (owner_id) {
        g_autoptr(GPtrArray) tokens = store_token_list(call->service->store, owner_id, NULL, NULL, error);
        if (!tokens)
            return false;
        for (unsigned i = 0; i < tokens->len; i++)
            json_array_append_new(items, token_json(tokens->pdata[i]));
    }
    call_reply_page(call, g_steal_pointer(&items), NULL);
    return true;
}

static bool demand_room(const Call *call, const char *owner_id, GError **error)
{
    g_autoptr(GPtrArray) tokens = store_token_list(call->service->store, owner_id, NULL, NULL, error);
    return tokens &&
           (tokens->len < LIMIT_TOKENS_USER ||
            oriel_fail(error, ORIEL_ERROR_CONFLICT,
                       "there are %d tokens, which is the limit: delete one that is not used", LIMIT_TOKENS_USER));
}

bool tokens_post(Call *call, GError **error)
{
    static const char *const keys[] = {"name", "days", "scopes", "user", NULL};
    const char *name, *user = NULL;
    g_autofree char *owner_id = NULL;
    NumberField field = {"days", 1, DAYS_LONGEST};
    Json *list = json_object_get(call->body, "scopes");
    Scopes scopes = SCOPES_ALL;
    uint64_t days = json_is_null(json_object_get(call->body, "days")) ? 0 : DAYS_DEFAULT;
    if (!demand_login(call, error) || !json_only(call->body, keys, error) ||
        !json_take_text(call->body, "user", &user, error) || !find_owner(call, user, &owner_id, error) ||
        !demand_owner(owner_id, error) ||
        !demand_room(call, owner_id, error) || !json_take_text(call->body, "name", &name, error) ||
        !json_take_number(call->body, &field, &days, error) || (list && !scopes_read(list, &scopes, error)))
        return false;
    g_autoptr(SecretString) secret = NULL;
    TokenNew wanted = {.name = name ? name : "",
                       .scopes = scopes,
                       .user_id = owner_id,
                       .expires_ms = days ? clock_utc_ms() + (int64_t)days * DAY_MS : 0};
    g_autoptr(StoreToken) token =
        identity_token_new(call->service->identity, call->caller, &wanted, &secret, error);
    if (!token)
        return false;
    Json *value = token_json(token);
    json_object_set_new(value, "token", json_string(secret));
    call_reply_created(call, "tokens", token->id, 0, value);
    return true;
}

/* Somebody else's token is not there, but for the local administrator. */
bool token_delete(Call *call, GError **error)
{
    g_autoptr(StoreToken) token = store_token_get(call->service->store, call->parameters[0], error);
    if (!token)
        return false;
    if (!is_local(call) && !call_is(call, token->user_id))
        return oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "there is no token \"%s\"", call->parameters[0]);
    if (!store_token_delete(call->service->store, &call->actor, token->id, error))
        return false;
    reply_empty(call->reply);
    return true;
}
