/* The audit trail, and the stream of what changes now. */
#include <string.h>

#include "api/resource.h"
#include "api/stream.h"
#include "base/id.h"
#include "base/secret.h"
#include "forward/forward.h"
#include "store/event.h"

/* Any number of events is read by one call, page by page: it holds no more than one of them in memory. */
bool events_verify_get(Call *call, GError **error)
{
    g_auto(StoreEventVerdict) verdict = {0};
    if (!store_event_verify(call->service->store, &verdict, error))
        return false;
    Json *problem = verdict.problem ? json_pack("{s:I, s:s}", "sequence", (json_int_t)verdict.problem_sequence,
                                                "reason", verdict.problem)
                                    : json_null();
    Json *anchor = verdict.anchor_sequence
                       ? json_pack("{s:I, s:s}", "sequence", (json_int_t)verdict.anchor_sequence, "hash",
                                   verdict.anchor_hash)
                       : json_null();
    reply_json(call->reply, 200,
               json_pack("{s:b, s:I, s:I, s:I, s:s, s:o, s:o}", "whole", verdict.problem == NULL, "count",
                         (json_int_t)verdict.count, "first_sequence", (json_int_t)verdict.first_sequence,
                         "last_sequence", (json_int_t)verdict.last_sequence, "hash", verdict.head_hash, "anchor",
                         anchor, "problem", problem));
    return true;
}

bool events_get(Call *call, GError **error)
{
    StorePage page;
    g_autofree char *next = NULL;
    if (!call_page(call, &page, error))
        return false;
    const char *object = request_query(call->request, "object");
    bool is_id = object && id_is_valid(object);
    StoreEventFilter filter = {.object_id = is_id ? object : NULL, .object_name = is_id ? NULL : object};
    g_autoptr(GPtrArray) events = store_event_list(call->service->store, &filter, &page, &next, error);
    if (!events)
        return false;
    Json *items = json_array();
    for (unsigned i = 0; i < events->len; i++)
        json_array_append_new(items, event_json(events->pdata[i]));
    call_reply_page(call, items, next);
    return true;
}

bool stream_get(Call *call, GError **error)
{
    g_autoptr(SecretString) cookie = NULL;
    HubMember member = {.caller = call->caller};
    const char *helper = NULL;
    if (!call_helper(call, &helper, error))
        return false;
    member.limited = helper != NULL;
    if (call->caller->means == CALLER_COOKIE)
        member.cookie = cookie = request_cookie(call->request, IDENTITY_COOKIE);
    else if (call->caller->means == CALLER_TOKEN)
        member.token = request_header(call->request, "authorization") + strlen("Bearer ");
    StreamClient *client = hub_join(call->service->hub, &member, error);
    if (!client)
        return false;
    call->reply->status = 200;
    call->reply->content_type = "text/event-stream";
    call->reply->stream = client;
    reply_header(call->reply, "X-Accel-Buffering",
                 "no"); /* a reverse proxy shall pass each event on at once */
    return true;
}
