#include "api/dispatch.h"

#include <string.h>

#include "api/denials.h"
#include "api/files.h"
#include "api/turns.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/secret.h"
#include "store/event.h"
#include "store/host.h"

#define IDEMPOTENCY_KEY_LONGEST 64

/* ---- who ---- */

/* What the request shows of itself is looked at first: a token sent through orield.sock means that token's
 * user. */
static bool authenticate(Call *call, GError **error)
{
    const char *authorization = request_header(call->request, "authorization");
    if (authorization && g_ascii_strncasecmp(authorization, "bearer ", 7) == 0) {
        call->caller = identity_by_token(call->service->identity, authorization + 7, error);
        return call->caller != NULL;
    }
    g_autoptr(SecretString) cookie = request_cookie(call->request, IDENTITY_COOKIE);
    if (cookie) {
        call->caller = identity_by_cookie(call->service->identity, cookie, error);
        return call->caller != NULL;
    }
    if (call->request->local) {
        call->caller = identity_local();
        return true;
    }
    return oriel_fail(error, ORIEL_ERROR_UNAUTHENTICATED, "log in first, or send an API token");
}

/* Whether the credentials are good is asked later, by a worker: this is known as soon as the headers are there. */
static bool shows_credentials(const Request *request)
{
    g_autoptr(SecretString) cookie = request_cookie(request, IDENTITY_COOKIE);
    return request->local || cookie || request_header(request, "authorization");
}

size_t dispatch_body_limit(const Route *route, const Request *request)
{
    bool needs_little =
        !route || route->permission == ROUTE_ANYONE || (route->flags & ROUTE_NO_BODY) || request_reads(request);
    return needs_little || !shows_credentials(request) ? LIMIT_REQUEST_BODY_SMALL : LIMIT_REQUEST_BODY;
}

static bool check_forgery(const Call *call, GError **error)
{
    if (request_reads(call->request) ||
        identity_csrf_matches(call->caller, request_header(call->request, "x-oriel-csrf")))
        return true;
    return oriel_fail(error, ORIEL_ERROR_FORBIDDEN,
                      "the header X-Oriel-CSRF does not carry the value that \"me\" gave this login");
}

/* A refusal is written down where something was to be changed; reads would drown the trail. */
static void note_refusal(const Call *call)
{
    if (request_reads(call->request))
        return;
    const char *user = call->caller->user_id ? call->caller->user_id : "";
    g_autofree char *key = g_strdup_printf("%s %s %s", user, call->route->method, call->route->pattern);
    uint64_t left_out = 0;
    if (!denial_is_told(call->service->denials, key, clock_monotonic_ms(), &left_out))
        return;
    g_autoptr(Json) detail =
        json_pack("{s:s, s:s}", "method", call->request->method, "path", call->request->path);
    if (left_out)
        json_object_set_new(detail, "left_out", json_integer((json_int_t)left_out));
    g_autofree char *text = json_text(detail);
    StoreEventNew event = {.action = "call.denied", .result = "forbidden", .detail = text};
    g_autoptr(GError) error = NULL;
    if (!store_event_add(call->service->store, &call->actor, &event, &error))
        log_warning("the event of a refused call was not written: %s", error->message);
}

static bool authorise(Call *call, GError **error)
{
    int permission = call->route->permission;
    if (permission == ROUTE_ANYONE)
        return true;
    if (!authenticate(call, error))
        return false;
    call->actor.user_id = call->caller->user_id;
    call->actor.name = call->caller->name;
    call->actor.login_id = call->caller->session_id ? call->caller->session_id : call->caller->token_id;
    if (!check_forgery(call, error))
        return false;
    bool allowed = permission == ROUTE_LOCAL ? call->caller->means == CALLER_LOCAL
                                             : call_allows(call, (Permission)permission);
    if (allowed)
        return true;
    note_refusal(call);
    if (permission == ROUTE_LOCAL)
        return oriel_fail(error, ORIEL_ERROR_FORBIDDEN,
                          "only the local administrator may do this, on the host itself");
    return call_demand(call, (Permission)permission, error);
}

/* ---- what ---- */

/* The type is demanded so that no form of a foreign page can send a body here. */
static bool parse_body(Call *call, int *ret_status, GError **error)
{
    unsigned flags = call->route->flags;
    if (request_reads(call->request) || (flags & ROUTE_NO_BODY))
        return true;
    const GByteArray *body = call->request->body;
    if (body->len == 0) {
        if (flags & ROUTE_BODY_OPTIONAL)
            return true;
        return oriel_fail(error, ORIEL_ERROR_INVALID, "request body: a JSON object is needed");
    }
    const char *type = request_header(call->request, "content-type");
    const char *wanted = flags & ROUTE_BYTES ? "application/octet-stream" : "application/json";
    size_t length = type ? strcspn(type, "; \t") : 0;
    if (length != strlen(wanted) || g_ascii_strncasecmp(type, wanted, length) != 0) {
        *ret_status = 415;
        return oriel_fail(error, ORIEL_ERROR_INVALID, "Content-Type: the body must be %s", wanted);
    }
    if (flags & ROUTE_BYTES)
        return true;
    call->body = json_parse_object((const char *)body->data, body->len, "request body", error);
    return call->body != NULL;
}

/* NULL: whoever works on other people's desktops may do many at once. */
static Turns *turns_of(const Call *call)
{
    if (!call->caller || call_allows(call, PERMISSION_DESKTOP_POWER))
        return NULL;
    if (call->route->lane == LANE_SLOW || call->route->lane == LANE_FILES)
        return call->service->slow_turns;
    return call->route->lane == LANE_CONNECT ? call->service->connect_turns : NULL;
}

static bool call_handle(Call *call, GError **error)
{
    Turns *turns = turns_of(call);
    if (!turns)
        return call->route->handler(call, error);
    if (!turn_begin(turns, call->caller->user_id, error))
        return false;
    bool done = call->route->handler(call, error);
    turn_end(turns, call->caller->user_id);
    return done;
}

static bool call_run(Call *call, int *ret_status, GError **error)
{
    return authorise(call, error) && parse_body(call, ret_status, error) && call_handle(call, error);
}

/* ---- Idempotency-Key ---- */

static bool key_is_valid(const char *key)
{
    size_t length = strlen(key);
    for (size_t i = 0; i < length; i++)
        if (key[i] < 0x21 || key[i] > 0x7e)
            return false;
    return length > 0 && length <= IDEMPOTENCY_KEY_LONGEST;
}

/* What is the same about two bodies, without their secrets: an unsalted digest of a password could be guessed from a
 * copy of the database. NULL: without a body. */
static char *body_text(const Json *body)
{
    static const char *const secrets[] = {"password", "current", "token", "code", "client_secret", "secret"};
    g_autoptr(Json) open = body ? json_copy((Json *)body) : NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(secrets); i++)
        json_object_del(open, secrets[i]);
    return open ? json_text(open) : NULL;
}

static char *request_digest(const Call *call)
{
    const Request *request = call->request;
    g_autofree char *text = body_text(call->body);
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    g_checksum_update(checksum, (const guchar *)request->method, -1);
    g_checksum_update(checksum, (const guchar *)"\n", 1);
    g_checksum_update(checksum, (const guchar *)request->path, -1);
    g_checksum_update(checksum, (const guchar *)"\n", 1);
    g_checksum_update(checksum, (const guchar *)(text ? text : ""), -1);
    return g_strdup(g_checksum_get_string(checksum));
}

/* "Location: …\nETag: …\n": what a replay must say again. */
static char *headers_keep(const Reply *reply)
{
    static const char *const names[] = {"Location", "ETag"};
    g_autoptr(GString) text = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        const char *value = reply_header_get(reply, names[i]);
        if (value)
            g_string_append_printf(text, "%s: %s\n", names[i], value);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static void replay(const StoreAnswer *answer, Reply *reply)
{
    g_auto(GStrv) lines = g_strsplit(answer->headers ? answer->headers : "", "\n", -1);
    for (size_t i = 0; lines[i]; i++) {
        char *colon = strstr(lines[i], ": ");
        if (!colon)
            continue;
        *colon = '\0';
        reply_header(reply, lines[i], colon + 2);
    }
    reply_header(reply, "Idempotency-Replayed", "true");
    reply->status = answer->status;
    reply->content_type = answer->status < 400 ? "application/json" : "application/problem+json";
    reply->body = g_bytes_new(answer->body, strlen(answer->body));
}

static void answer_store(Call *call, const StoreIdempotency *what)
{
    g_autofree char *headers = headers_keep(call->reply);
    gsize length = 0;
    const char *data = call->reply->body ? g_bytes_get_data(call->reply->body, &length) : "";
    g_autofree char *body = g_strndup(data, length);
    StoreAnswer answer = {.status = call->reply->status, .body = body, .headers = headers};
    g_autoptr(GError) error = NULL;
    bool secret = (call->route->flags & ROUTE_SECRET) && answer.status < 400;
    if (!store_idempotency_finish(call->service->store, what, secret ? NULL : &answer, &error))
        log_warning("the answer to a request with an Idempotency-Key was not kept: %s", error->message);
}

/* ---- together ---- */

static void answer_problem(Call *call, const GError *error, int status)
{
    reply_reset(call->reply);
    reply_problem(call->reply, error, status);
    if (call->reply->status == 401)
        reply_header(call->reply, "WWW-Authenticate", "Bearer realm=\"oriel\"");
    if (call->reply->status == 426)
        reply_header(call->reply, "Upgrade", "websocket");
    if (call->reply->status >= 500)
        log_warning("%s %s: %s", call->request->method, call->route->pattern,
                    error ? error->message : "no reason");
}

/* Everything but the idempotency. */
static void call_answer(Call *call)
{
    g_autoptr(GError) error = NULL;
    int status = 0;
    if (!call_run(call, &status, &error)) {
        if (call->reply->status >= 400 && call->reply->body)
            return; /* the handler has put the problem better itself */
        answer_problem(call, error, status);
    }
}

static void call_answer_once(Call *call, const char *key)
{
    g_autoptr(GError) error = NULL;
    int status = 0;
    /* A body that cannot be read has no digest without its secrets: the refusal costs nothing to repeat. */
    if (!authorise(call, &error) || !parse_body(call, &status, &error)) {
        answer_problem(call, error, status);
        return;
    }
    g_autofree char *digest = request_digest(call);
    StoreIdempotency what = {call->caller->user_id ? call->caller->user_id : "local", key, digest};
    g_auto(StoreAnswer) answer = {0};
    if (!key_is_valid(key))
        oriel_fail(&error, ORIEL_ERROR_INVALID,
                   "Idempotency-Key: 1 to %d printable characters without spaces", IDEMPOTENCY_KEY_LONGEST);
    else
        store_idempotency_begin(call->service->store, &what, &answer, &error);
    if (error) {
        answer_problem(call, error, 0);
        return;
    }
    if (answer.status) {
        replay(&answer, call->reply);
        return;
    }
    if (!call_handle(call, &error))
        answer_problem(call, error, 0);
    answer_store(call, &what);
}

void dispatch(const Service *service, const Route *route, char *parameters[CALL_PARAMETERS], Request *request,
              Reply *reply)
{
    Call call = {.service = service, .route = route, .request = request, .reply = reply};
    call.actor.address = request->client;
    for (size_t i = 0; i < CALL_PARAMETERS; i++)
        call.parameters[i] = g_steal_pointer(&parameters[i]);
    const char *key = request_header(request, "idempotency-key");
    if (key && (route->flags & ROUTE_IDEMPOTENT))
        call_answer_once(&call, key);
    else
        call_answer(&call);
    for (size_t i = 0; i < CALL_PARAMETERS; i++)
        g_free(call.parameters[i]);
    json_decref(call.body);
    caller_free(call.caller);
}

void dispatch_unrouted(const Service *service, const char *allow, const Request *request, Reply *reply)
{
    g_autoptr(GError) error = NULL;
    if (allow) {
        reply_header(reply, "Allow", allow);
        reply_problem_text(reply, ORIEL_ERROR_INVALID, 405, "this address does not know that method");
        return;
    }
    bool is_api = strcmp(request->path, "/api") == 0 || g_str_has_prefix(request->path, "/api/");
    if (!is_api && !request_reads(request)) {
        reply_header(reply, "Allow", "GET, HEAD");
        reply_problem_text(reply, ORIEL_ERROR_INVALID, 405, "a page can only be read");
        return;
    }
    if (!is_api && files_reply(service->files, request, reply, &error))
        return;
    if (is_api)
        oriel_fail(&error, ORIEL_ERROR_NOT_FOUND, "the API has no \"%s\"", request->path);
    reply_reset(reply);
    reply_problem(reply, error, 0);
}
