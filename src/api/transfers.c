/* Files between a person's browser and their desktop, in pieces. They are the person's alone: no role may move another's. */
#include <string.h>

#include "api/resource.h"
#include "base/limits.h"
#include "base/number.h"
#include "host/transfer.h"

/* Whose session it is, and only they; of a locked one whoever could open it. NULL: *error. */
static StoreSession *own_session(Call *call, GError **error)
{
    g_autoptr(StoreSession) session = session_find(call, PERMISSION_SESSION_READ, error);
    if (session && session->locked_ms && call_is(call, session->user_id) && !store_session_may_unlock(session, call->caller->proved_ms, error))
        return NULL;
    if (!session || call_is(call, session->user_id))
        return g_steal_pointer(&session);
    oriel_fail(error, ORIEL_ERROR_FORBIDDEN, "session \"%s\": its files are its own user's alone", session->id);
    return NULL;
}

static HostFilesAsker asker_of(Call *call, const StoreSession *session)
{
    return (HostFilesAsker){call->service->host, session, &call->actor};
}

static Json *transfer_json(const HostTransfer *transfer)
{
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:i}", "id", transfer->id, "direction", transfer->to_desktop ? "to_desktop" : "from_desktop",
                     "name", transfer->name, "size_bytes", (json_int_t)transfer->size, "done_bytes", (json_int_t)transfer->done,
                     "piece_bytes", FILES_BLOCK);
}

bool session_files_get(Call *call, GError **error)
{
    g_autoptr(StoreSession) session = own_session(call, error);
    g_auto(HostFiles) files = {0};
    if (!session)
        return false;
    const HostFilesAsker asker = asker_of(call, session);
    if (!host_files_list(&asker, &files, error))
        return false;
    Json *items = json_array();
    for (guint i = 0; i < files.files->len; i++) {
        const HostFile *file = files.files->pdata[i];
        json_array_append_new(items, json_pack("{s:s, s:I, s:I}", "name", file->name, "size_bytes", (json_int_t)file->size, "modified_ms",
                                               (json_int_t)file->modified_ms));
    }
    reply_json(call->reply, 200, json_pack("{s:s, s:o, s:I, s:I}", "folder", FILES_FOLDER, "items", items, "left_out",
                                           (json_int_t)files.left_out, "free_bytes", (json_int_t)files.free_bytes));
    return true;
}

static bool order_read(Call *call, HostTransfer *ret, GError **error)
{
    const char *direction = NULL, *name = NULL;
    json_int_t size = -1;
    if (!json_read(call->body, "request body", error, "{s:s, s:s, s?I}", "direction", &direction, "name", &name, "size_bytes", &size))
        return false;
    ret->to_desktop = strcmp(direction, "to_desktop") == 0;
    if (!ret->to_desktop && strcmp(direction, "from_desktop") != 0)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "request body: \"direction\" must be to_desktop or from_desktop");
    if (ret->to_desktop && size < 0)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "request body: \"size_bytes\" must say how large the file is");
    ret->name = g_strdup(name);
    ret->size = ret->to_desktop ? (uint64_t)size : 0;
    return true;
}

bool session_files_post(Call *call, GError **error)
{
    g_autoptr(StoreSession) session = own_session(call, error);
    g_auto(HostTransfer) order = {0}, transfer = {0};
    if (!session || !order_read(call, &order, error))
        return false;
    const HostFilesAsker asker = asker_of(call, session);
    if (!host_transfer_begin(&asker, &order, &transfer, error))
        return false;
    g_autofree char *collection = g_strdup_printf("sessions/%s/files", session->id);
    call_reply_created(call, collection, transfer.id, 0, transfer_json(&transfer));
    return true;
}

bool session_transfer_get(Call *call, GError **error)
{
    g_autoptr(StoreSession) session = own_session(call, error);
    g_auto(HostTransfer) transfer = {0};
    if (!session)
        return false;
    const HostFilesAsker asker = asker_of(call, session);
    if (!host_transfer_get(&asker, call->parameters[1], &transfer, error))
        return false;
    reply_json(call->reply, 200, transfer_json(&transfer));
    return true;
}

bool session_transfer_delete(Call *call, GError **error)
{
    g_autoptr(StoreSession) session = own_session(call, error);
    if (!session)
        return false;
    const HostFilesAsker asker = asker_of(call, session);
    if (!host_transfer_cancel(&asker, call->parameters[1], error))
        return false;
    reply_empty(call->reply);
    return true;
}

static bool offset_read(Call *call, uint64_t *ret, GError **error)
{
    const char *text = request_query(call->request, "offset");
    *ret = 0;
    return !text || number_parse(text, 0, INT64_MAX, "offset", ret, error);
}

bool session_transfer_bytes_get(Call *call, GError **error)
{
    g_autoptr(StoreSession) session = own_session(call, error);
    uint64_t offset = 0;
    if (!session || !offset_read(call, &offset, error))
        return false;
    const HostFilesAsker asker = asker_of(call, session);
    g_autoptr(GBytes) bytes = host_transfer_read(&asker, call->parameters[1], offset, error);
    if (!bytes)
        return false;
    reply_bytes(call->reply, "application/octet-stream", bytes);
    return true;
}

bool session_transfer_bytes_put(Call *call, GError **error)
{
    g_autoptr(StoreSession) session = own_session(call, error);
    uint64_t offset = 0, done = 0;
    if (!session || !offset_read(call, &offset, error))
        return false;
    const HostFilesAsker asker = asker_of(call, session);
    g_autoptr(GBytes) bytes = g_bytes_new(call->request->body->data, call->request->body->len);
    if (!host_transfer_write(&asker, call->parameters[1], offset, bytes, &done, error))
        return false;
    reply_json(call->reply, 200, json_pack("{s:I}", "done_bytes", (json_int_t)done));
    return true;
}

bool session_transfer_finish_post(Call *call, GError **error)
{
    g_autoptr(StoreSession) session = own_session(call, error);
    g_autofree char *name = NULL;
    if (!session)
        return false;
    const HostFilesAsker asker = asker_of(call, session);
    if (!host_transfer_finish(&asker, call->parameters[1], &name, error))
        return false;
    reply_json(call->reply, 200, json_pack("{s:s}", "name", name));
    return true;
}
