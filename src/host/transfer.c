#include "host/transfer.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/id.h"
#include "base/log.h"
#include "base/tunnel_wire.h"
#include "host/private.h"
#include "store/event.h"

static const int64_t idle_limit_ms = 120 * 1000;

typedef struct {
    HostTransfer shown;
    uint32_t number; /* the guest's */
    char *user_id, *user_name, *address; /* who began it */
} Transfer;

/* One session's. Lock order: door, then host->lock. */
struct FileRoom {
    gatomicrefcount count;
    Host *host;
    char *session_id, *desktop_id, *desktop_name;
    GMutex door; /* one question at a time, and all below */
    int fd;      /* -1: not open */
    GHashTable *transfers; /* id → Transfer */
    int64_t used_ms;       /* monotonic */
    bool closed;           /* out of the table: the next one is another */
};

void host_transfer_clear(HostTransfer *transfer)
{
    g_clear_pointer(&transfer->id, g_free);
    g_clear_pointer(&transfer->name, g_free);
}

static void transfer_free(void *data)
{
    Transfer *transfer = data;
    host_transfer_clear(&transfer->shown);
    g_free(transfer->user_id);
    g_free(transfer->user_name);
    g_free(transfer->address);
    g_free(transfer);
}

static void room_unref(void *data)
{
    FileRoom *room = data;
    if (!room || !g_atomic_ref_count_dec(&room->count))
        return;
    g_hash_table_unref(room->transfers);
    fd_clear(&room->fd);
    g_mutex_clear(&room->door);
    g_free(room->session_id);
    g_free(room->desktop_id);
    g_free(room->desktop_name);
    g_free(room);
}

GHashTable *file_rooms_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, NULL, room_unref);
}

/* ---- the audit trail ---- */

typedef struct {
    bool ends;
    const char *result; /* NULL: "ok" */
} Note;

static bool note(const FileRoom *room, const Transfer *transfer, Note what, GError **error)
{
    static const char *const actions[2][2] = {{"session.download", "session.download-end"}, {"session.upload", "session.upload-end"}};
    const HostTransfer *shown = &transfer->shown;
    g_autoptr(Json) detail = json_pack("{s:s, s:I}", "file", shown->name, "size_bytes", (json_int_t)shown->size);
    if (what.ends)
        json_object_set_new(detail, "done_bytes", json_integer((json_int_t)shown->done));
    g_autofree char *text = json_text(detail);
    const StoreActor actor = {.user_id = transfer->user_id, .name = transfer->user_name, .address = transfer->address};
    const StoreEventNew event = {.action = actions[shown->to_desktop][what.ends],
                                 .object_kind = "session",
                                 .object_id = room->session_id,
                                 .object_name = room->desktop_name,
                                 .result = what.result,
                                 .detail = text};
    return store_event_add(room->host->store, &actor, &event, error);
}

/* Its end, which cannot be undone for want of a row. */
static void note_end(const FileRoom *room, const Transfer *transfer, const char *result)
{
    g_autoptr(GError) error = NULL;
    if (!note(room, transfer, (Note){true, result}, &error))
        log_warning("session %s: the end of the transfer of \"%s\" is not in the audit trail: %s", room->session_id, transfer->shown.name,
                    error->message);
}

static const char *word_of(OrielErrorKind kind)
{
    return oriel_error_info(kind)->type;
}

/* ---- the room ---- */

/* The stream is over, and all that was under way in it. With the door. */
static void room_end(FileRoom *room, OrielErrorKind why)
{
    GHashTableIter each;
    gpointer value = NULL;
    g_hash_table_iter_init(&each, room->transfers);
    while (g_hash_table_iter_next(&each, NULL, &value)) {
        const Transfer *transfer = value;
        bool all = !transfer->shown.to_desktop && transfer->shown.done == transfer->shown.size;
        note_end(room, transfer, all ? NULL : word_of(why));
    }
    g_hash_table_remove_all(room->transfers);
    fd_clear(&room->fd);
}

static FileRoom *room_of(const HostFilesAsker *asker)
{
    Host *host = asker->host;
    g_mutex_lock(&host->lock);
    FileRoom *room = g_hash_table_lookup(host->file_rooms, asker->session->id);
    if (!room) {
        room = g_new0(FileRoom, 1);
        g_atomic_ref_count_init(&room->count);
        g_mutex_init(&room->door);
        room->host = host;
        room->session_id = g_strdup(asker->session->id);
        room->desktop_id = g_strdup(asker->session->desktop_id);
        room->desktop_name = g_strdup(asker->session->desktop_name);
        room->fd = -1;
        room->transfers = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, transfer_free);
        g_hash_table_insert(host->file_rooms, room->session_id, room);
    }
    g_atomic_ref_count_inc(&room->count);
    g_mutex_unlock(&host->lock);
    return room;
}

static bool check_desktop(const FileRoom *room, GError **error)
{
    g_autoptr(StoreDesktop) row = store_desktop_find(room->host->store, room->desktop_id, error);
    if (!row)
        return false;
    if (row->protocol)
        return oriel_fail(error, ORIEL_ERROR_UNSUPPORTED, "desktop \"%s\": is a machine without Oriel's agent, which moves no files", row->name);
    return !row->seat_of || oriel_fail(error, ORIEL_ERROR_UNSUPPORTED,
                                       "desktop \"%s\": is a seat of a shared machine, where files are not moved yet", row->name);
}

/* What the guest did for somebody before their log-on would be in another's home. */
static bool is_prepared(Slot *slot)
{
    Machine *machine = slot_machine(slot);
    g_mutex_lock(&slot->host->lock);
    bool due = slot->log_on_due || slot->logging_on;
    g_mutex_unlock(&slot->host->lock);
    bool prepared = !due || !machine || !slot->host->driver->logs_on(machine);
    slot_release_machine(slot->host, machine);
    return prepared;
}

static FileLink link_of(const FileRoom *room)
{
    return (FileLink){.fd = room->fd, .folder = FILES_FOLDER};
}

/* The guest gives a new stream to whoever works there when it hears of it. A request that waited while its session ended must not have
 * the next person's: the stream has been answered, so whom it is about is settled, and no next one is there before this one has ended. */
static bool check_whose(const FileRoom *room, GError **error)
{
    FileLink link = link_of(room);
    g_autoptr(GError) said = NULL;
    file_link_drop(&link, 0, &said); /* what it says of that does not matter */
    if (link.ended) {
        g_propagate_error(error, g_steal_pointer(&said));
        return false;
    }
    g_autoptr(StoreSession) now = store_session_get(room->host->store, room->session_id, error);
    return now && (now->state != STORE_SESSION_ENDED || oriel_fail(error, ORIEL_ERROR_CONFLICT, "session \"%s\": has ended", now->id));
}

static bool room_connect(FileRoom *room, GError **error)
{
    g_autoptr(Slot) slot = slot_of(room->host, room->desktop_id);
    if (!check_desktop(room, error))
        return false;
    if (!is_prepared(slot))
        return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "desktop \"%s\": is being prepared for you; try again in a moment", room->desktop_name);
    room->fd = tunnel_connect(slot, TUNNEL_FILES, error);
    if (room->fd >= 0 && check_whose(room, error))
        return true;
    fd_clear(&room->fd);
    return false;
}

/* With the door, open. NULL: *error; then the door is free. */
static FileRoom *room_enter(const HostFilesAsker *asker, GError **error)
{
    if (asker->session->state == STORE_SESSION_ENDED || !asker->session->desktop_id) {
        oriel_fail(error, ORIEL_ERROR_CONFLICT, "session \"%s\": has ended", asker->session->id);
        return NULL;
    }
    FileRoom *room = room_of(asker);
    g_mutex_lock(&room->door);
    while (room->closed) {
        g_mutex_unlock(&room->door);
        room_unref(room);
        room = room_of(asker);
        g_mutex_lock(&room->door);
    }
    room->used_ms = clock_monotonic_ms();
    if (room->fd >= 0 || room_connect(room, error))
        return room;
    g_mutex_unlock(&room->door);
    room_unref(room);
    return NULL;
}

/* link NULL: nothing was asked. */
static void room_leave(FileRoom *room, const FileLink *link)
{
    if (link && link->ended)
        room_end(room, ORIEL_ERROR_UNAVAILABLE);
    room->used_ms = clock_monotonic_ms();
    g_mutex_unlock(&room->door);
    room_unref(room);
}

/* ---- leave to do it ---- */

static bool check_plan(const HostFilesAsker *asker, bool to_desktop, GError **error)
{
    DisplayPlan plan;
    if (!host_session_display(asker->host, asker->session->id, &plan, error))
        return false;
    const char *refusal = display_plan_files_refusal(&plan, to_desktop);
    return !refusal || oriel_fail(error, ORIEL_ERROR_FORBIDDEN, "desktop \"%s\": %s", asker->session->desktop_name, refusal);
}

/* In an open room. */
static Transfer *find(FileRoom *room, const char *id, GError **error)
{
    Transfer *transfer = g_hash_table_lookup(room->transfers, id);
    if (!transfer)
        oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "transfer \"%s\": there is none; it may have been interrupted: begin it again", id);
    return transfer;
}

static void forget(FileRoom *room, FileLink *link, Transfer *transfer, const char *result)
{
    if (!link->ended)
        file_link_drop(link, transfer->number, NULL);
    note_end(room, transfer, result);
    g_hash_table_remove(room->transfers, transfer->shown.id);
}

/* That transfer, in its room, with leave for the next piece. NULL: *error. */
static Transfer *enter(const HostFilesAsker *asker, const char *id, FileRoom **ret_room, GError **error)
{
    g_autoptr(GError) refusal = NULL;
    FileRoom *room = room_enter(asker, error);
    Transfer *transfer = room ? find(room, id, error) : NULL;
    if (transfer && !check_plan(asker, transfer->shown.to_desktop, &refusal)) {
        FileLink link = link_of(room);
        if (oriel_error_kind(refusal) == ORIEL_ERROR_FORBIDDEN)
            forget(room, &link, transfer, word_of(ORIEL_ERROR_FORBIDDEN));
        g_propagate_error(error, g_steal_pointer(&refusal));
        room_leave(room, &link);
        return NULL;
    }
    if (room && !transfer)
        room_leave(room, NULL);
    *ret_room = room;
    return transfer;
}

static HostTransfer shown_copy(const Transfer *transfer)
{
    HostTransfer copy = transfer->shown;
    copy.id = g_strdup(copy.id);
    copy.name = g_strdup(copy.name);
    return copy;
}

/* ---- what people ask ---- */

bool host_files_list(const HostFilesAsker *asker, HostFiles *ret, GError **error)
{
    if (!check_plan(asker, false, error))
        return false;
    FileRoom *room = room_enter(asker, error);
    if (!room)
        return false;
    FileLink link = link_of(room);
    bool done = file_link_list(&link, ret, error);
    room_leave(room, &link);
    return done;
}

static Transfer *transfer_new(const HostFilesAsker *asker, const HostTransfer *fields)
{
    Transfer *transfer = g_new0(Transfer, 1);
    transfer->shown = (HostTransfer){id_new(), fields->to_desktop, g_strdup(fields->name), fields->size, 0};
    transfer->user_id = g_strdup(asker->actor->user_id);
    transfer->user_name = g_strdup(asker->actor->name);
    transfer->address = g_strdup(asker->actor->address);
    return transfer;
}

/* The trail has it before a byte has gone. */
static bool begin(FileRoom *room, FileLink *link, Transfer *transfer, GError **error)
{
    HostTransfer *shown = &transfer->shown;
    if (g_hash_table_size(room->transfers) >= FILES_OPEN) /* also of a guest that takes ever more */
        return oriel_fail(error, ORIEL_ERROR_FULL, "file \"%s\": %d transfers are under way there; wait for one of them to end", shown->name, FILES_OPEN);
    bool begun = shown->to_desktop ? file_link_put(link, shown->name, shown->size, &transfer->number, error)
                                   : file_link_get(link, shown->name, &transfer->number, &shown->size, error);
    if (!begun)
        return false;
    if (note(room, transfer, (Note){0}, error))
        return true;
    file_link_drop(link, transfer->number, NULL);
    return false;
}

static void note_refused(const HostFilesAsker *asker, const HostTransfer *fields)
{
    FileRoom room = {.host = asker->host, .session_id = asker->session->id, .desktop_name = asker->session->desktop_name};
    Transfer *transfer = transfer_new(asker, fields);
    g_autoptr(GError) error = NULL;
    if (!note(&room, transfer, (Note){false, word_of(ORIEL_ERROR_FORBIDDEN)}, &error))
        log_warning("session %s: a refused transfer is not in the audit trail: %s", room.session_id, error->message);
    transfer_free(transfer);
}

bool host_transfer_begin(const HostFilesAsker *asker, const HostTransfer *fields, HostTransfer *ret, GError **error)
{
    g_autoptr(GError) refusal = NULL;
    if (!file_name_is_plain(fields->name, strlen(fields->name)))
        return oriel_fail(error, ORIEL_ERROR_INVALID, "file: its name must be 1 to %d bytes, without \"/\" and control characters", FILES_NAME);
    if (!check_plan(asker, fields->to_desktop, &refusal)) {
        if (oriel_error_kind(refusal) == ORIEL_ERROR_FORBIDDEN)
            note_refused(asker, fields);
        g_propagate_error(error, g_steal_pointer(&refusal));
        return false;
    }
    FileRoom *room = room_enter(asker, error);
    if (!room)
        return false;
    FileLink link = link_of(room);
    Transfer *transfer = transfer_new(asker, fields);
    bool begun = begin(room, &link, transfer, error);
    if (begun) {
        g_hash_table_insert(room->transfers, transfer->shown.id, transfer);
        *ret = shown_copy(transfer);
    } else {
        transfer_free(transfer);
    }
    room_leave(room, &link);
    return begun;
}

bool host_transfer_get(const HostFilesAsker *asker, const char *id, HostTransfer *ret, GError **error)
{
    FileRoom *room = NULL;
    const Transfer *transfer = enter(asker, id, &room, error);
    if (!transfer)
        return false;
    *ret = shown_copy(transfer);
    room_leave(room, NULL);
    return true;
}

bool host_transfer_write(const HostFilesAsker *asker, const char *id, uint64_t offset, GBytes *bytes, uint64_t *ret_done, GError **error)
{
    FileRoom *room = NULL;
    Transfer *transfer = enter(asker, id, &room, error);
    if (!transfer)
        return false;
    FileLink link = link_of(room);
    gsize length = 0;
    const void *data = g_bytes_get_data(bytes, &length);
    const FilesRequest where = {.length = (uint32_t)length, .transfer = transfer->number, .offset = offset};
    g_autoptr(GError) problem = NULL;
    bool written = length <= transfer->shown.size - transfer->shown.done || offset < transfer->shown.done
                       ? file_link_write(&link, &where, data, ret_done, &problem)
                       : oriel_fail(&problem, ORIEL_ERROR_CONFLICT, "file \"%s\": that is more than the %" G_GUINT64_FORMAT " bytes that were announced",
                                    transfer->shown.name, transfer->shown.size);
    if (written)
        transfer->shown.done = MIN(*ret_done, transfer->shown.size);
    else if (!link.ended)
        forget(room, &link, transfer, word_of(oriel_error_kind(problem)));
    if (problem)
        g_propagate_error(error, g_steal_pointer(&problem));
    room_leave(room, &link);
    return written;
}

GBytes *host_transfer_read(const HostFilesAsker *asker, const char *id, uint64_t offset, GError **error)
{
    FileRoom *room = NULL;
    Transfer *transfer = enter(asker, id, &room, error);
    if (!transfer)
        return NULL;
    FileLink link = link_of(room);
    GBytes *bytes = NULL;
    if (transfer->shown.to_desktop || offset > transfer->shown.size)
        oriel_fail(error, ORIEL_ERROR_CONFLICT, "transfer \"%s\": nothing can be read from it there", id);
    else
        bytes = file_link_read(&link, transfer->number, offset, FILES_BLOCK, error);
    if (bytes)
        transfer->shown.done = MIN(MAX(transfer->shown.done, offset + g_bytes_get_size(bytes)), transfer->shown.size);
    room_leave(room, &link);
    return bytes;
}

bool host_transfer_finish(const HostFilesAsker *asker, const char *id, char **ret_name, GError **error)
{
    FileRoom *room = NULL;
    Transfer *transfer = enter(asker, id, &room, error);
    if (!transfer)
        return false;
    FileLink link = link_of(room);
    HostTransfer *shown = &transfer->shown;
    g_autofree char *name = NULL;
    if (shown->done != shown->size)
        oriel_fail(error, ORIEL_ERROR_CONFLICT, "file \"%s\": only %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " bytes have gone", shown->name,
                   shown->done, shown->size);
    else
        name = shown->to_desktop ? file_link_finish(&link, transfer->number, error) : g_strdup(shown->name);
    bool done = name != NULL;
    if (done) {
        g_free(shown->name);
        shown->name = g_strdup(name); /* the trail says what it is called there */
        forget(room, &link, transfer, NULL);
        *ret_name = g_steal_pointer(&name);
    }
    room_leave(room, &link);
    return done;
}

bool host_transfer_cancel(const HostFilesAsker *asker, const char *id, GError **error)
{
    FileRoom *room = room_enter(asker, error);
    Transfer *transfer = room ? find(room, id, error) : NULL;
    FileLink link = room ? link_of(room) : (FileLink){.fd = -1};
    if (transfer)
        forget(room, &link, transfer, word_of(ORIEL_ERROR_CANCELLED));
    if (room)
        room_leave(room, &link);
    return transfer != NULL;
}

/* ---- ends that nobody asks for ---- */

/* Nothing has used it for long, or its session has ended. With the door. */
static bool is_over(const FileRoom *room, bool all)
{
    if (all || clock_monotonic_ms() - room->used_ms > idle_limit_ms)
        return true;
    g_autoptr(GError) error = NULL;
    g_autoptr(StoreSession) session = store_session_get(room->host->store, room->session_id, &error);
    return session ? session->state == STORE_SESSION_ENDED : oriel_error_kind(error) == ORIEL_ERROR_NOT_FOUND;
}

static void pass(Host *host, bool all)
{
    g_autoptr(GPtrArray) rooms = g_ptr_array_new_with_free_func(room_unref);
    GHashTableIter each;
    gpointer value = NULL;
    g_mutex_lock(&host->lock);
    g_hash_table_iter_init(&each, host->file_rooms);
    while (g_hash_table_iter_next(&each, NULL, &value)) {
        g_atomic_ref_count_inc(&((FileRoom *)value)->count);
        g_ptr_array_add(rooms, value);
    }
    g_mutex_unlock(&host->lock);
    for (guint i = 0; i < rooms->len; i++) {
        FileRoom *room = rooms->pdata[i];
        if (!g_mutex_trylock(&room->door))
            continue; /* somebody uses it */
        bool over = is_over(room, all);
        if (over)
            room_end(room, ORIEL_ERROR_CANCELLED);
        room->closed = over;
        g_mutex_lock(&host->lock);
        if (over)
            g_hash_table_remove(host->file_rooms, room->session_id);
        g_mutex_unlock(&host->lock);
        g_mutex_unlock(&room->door);
    }
}

void transfer_pass(Host *host)
{
    pass(host, false);
}

void transfer_close_all(Host *host)
{
    pass(host, true);
}
