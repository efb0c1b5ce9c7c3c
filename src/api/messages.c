/* What a help desk says to a session's person: on the screen by the guest's agent, and in their browser until they close it. */
#include "api/resource.h"

#include <string.h>

#include "base/limits.h"
#include "base/words_wire.h"
#include "store/help.h"

static Json *message_json(const StoreMessage *message)
{
    return json_pack("{s:s, s:{s:s, s:s}, s:s, s:s, s:I}", "id", message->id, "session", "id", message->session_id, "desktop",
                     message->desktop_name, "by", message->by_name, "text", message->text, "sent_ms", (json_int_t)message->sent_ms);
}

/* As the guest's agent takes it: no control characters but line ends. */
static bool check_text(const char *text, GError **error)
{
    if (!*text || strlen(text) > LIMIT_MESSAGE)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "request body: \"text\" must be 1 to %d bytes", LIMIT_MESSAGE);
    for (const char *at = text; *at; at = g_utf8_next_char(at))
        if (g_unichar_iscntrl(g_utf8_get_char(at)) && *at != '\n')
            return oriel_fail(error, ORIEL_ERROR_INVALID, "request body: \"text\" must not have control characters");
    return true;
}

/* The browser has it as soon as it is stored; the guest may take seconds, or have nothing that shows it. */
bool session_message_post(Call *call, GError **error)
{
    const char *text = NULL;
    if (!json_read(call->body, "request body", error, "{s:s}", "text", &text) || !check_text(text, error))
        return false;
    g_autoptr(StoreSession) session = session_find(call, PERMISSION_SESSION_WRITE, error);
    g_autoptr(StoreMessage) message = session ? store_message_new(call->service->store, &call->actor, session->id, text, error) : NULL;
    if (!message)
        return false;
    const char *from = *message->by_name ? message->by_name : SAY_HELP_DESK;
    g_autoptr(GError) failure = NULL;
    bool shown = host_session_show(call->service->host, session->id, from, text, &failure);
    reply_json(call->reply, 200, json_pack("{s:s, s:b, s:o}", "id", message->id, "in_guest", shown, "problem",
                                           json_text_or_null(shown ? NULL : failure->message)));
    return true;
}

bool messages_get(Call *call, GError **error)
{
    Json *items = json_array();
    g_autoptr(Json) list = json_pack("{s:o}", "items", items);
    const char *person = call->caller->user_id; /* the local administrator is nobody's session's person */
    g_autoptr(GPtrArray) messages =
        person ? store_message_list(call->service->store, person, call->caller->kiosk_pool_id, error) : g_ptr_array_new();
    for (unsigned i = 0; messages && i < messages->len; i++)
        json_array_append_new(items, message_json(messages->pdata[i]));
    if (messages)
        reply_json(call->reply, 200, g_steal_pointer(&list));
    return messages != NULL;
}

bool message_delete(Call *call, GError **error)
{
    if (!store_message_close(call->service->store, &call->actor, call->parameters[0], error))
        return false;
    reply_empty(call->reply);
    return true;
}
