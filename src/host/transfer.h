/* Files between a person's browser and their desktop: put into, or fetched from, FILES_FOLDER of their home there. The guest does it
 * as that person. What the display plan forbids is refused here, at each piece, so a plan that changes holds at once. Each transfer is
 * in the audit trail when it begins, before a byte has gone, and when it ends.
 *
 * Each session has one tunnel, opened when it is first needed and closed when nothing has used it for a while: what was under way
 * then has ended, and nothing is left of it. Any thread; blocks. The caller has checked that the asker is the session's own user. */
#pragma once

#include "host/file_link.h"
#include "host/host.h"

typedef struct {
    Host *host;
    const StoreSession *session; /* open */
    const StoreActor *actor;
} HostFilesAsker;

typedef struct {
    char *id;
    bool to_desktop;
    char *name;
    uint64_t size;
    uint64_t done; /* to the desktop: where to go on; from it: furthest byte that was read */
} HostTransfer;

void host_transfer_clear(HostTransfer *transfer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HostTransfer, host_transfer_clear)

/* For all: FORBIDDEN (the plan), CONFLICT (the session has ended), UNSUPPORTED (a machine that was there before, a seat of a shared
 * one), UNAVAILABLE (not now), and what the guest says. Of a transfer that is not known (any more): NOT_FOUND. */
bool host_files_list(const HostFilesAsker *asker, HostFiles *ret, GError **error);

/* fields: to_desktop, name, and to the desktop size. NO_SPACE where the desktop has no room for it. */
bool host_transfer_begin(const HostFilesAsker *asker, const HostTransfer *fields, HostTransfer *ret, GError **error);
bool host_transfer_get(const HostFilesAsker *asker, const char *id, HostTransfer *ret, GError **error);

/* Bytes that belong at `offset`; those that do not are not written, and *ret_done says where to go on. */
bool host_transfer_write(const HostFilesAsker *asker, const char *id, uint64_t offset, GBytes *bytes, uint64_t *ret_done, GError **error);
GBytes *host_transfer_read(const HostFilesAsker *asker, const char *id, uint64_t offset, GError **error); /* at most FILES_BLOCK */

/* To the desktop: all has come, and the file gets a name that no other has: *ret_name. */
bool host_transfer_finish(const HostFilesAsker *asker, const char *id, char **ret_name, GError **error);
bool host_transfer_cancel(const HostFilesAsker *asker, const char *id, GError **error); /* nothing is left of it */
