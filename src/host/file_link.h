/* What the host says to the guest about files (base/files_wire.h), over a connected socket. Whatever comes back is a guest's word:
 * bounded, checked, and never a path. Not for two threads at once; each call blocks until the guest has answered, at most a
 * minute. Where `ended` becomes true the stream is of no use any more. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/files_wire.h"

typedef struct {
    char *name; /* plain: UTF-8, no control characters, no slash */
    uint64_t size;
    int64_t modified_ms; /* UTC */
} HostFile;

typedef struct {
    GPtrArray *files;    /* of HostFile */
    uint64_t left_out;   /* more than a list holds, or with names that cannot be shown */
    uint64_t free_bytes; /* where they are */
} HostFiles;

void host_files_clear(HostFiles *files);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HostFiles, host_files_clear)

typedef struct {
    int fd;             /* borrowed */
    const char *folder; /* of messages: "Downloads" */
    int64_t limit_ms;   /* of one question, also where its answer comes byte by byte; 0: as long as one takes */
    bool ended;
} FileLink;

/* One component of a path that can be shown: UTF-8 without control characters, 1 to FILES_NAME bytes, neither "." nor "..". */
bool file_name_is_plain(const char *name, size_t length);

bool file_link_list(FileLink *link, HostFiles *ret, GError **error);
bool file_link_put(FileLink *link, const char *name, uint64_t size, uint32_t *ret_number, GError **error);
bool file_link_write(FileLink *link, const FilesRequest *where, const void *bytes, uint64_t *ret_done, GError **error);
char *file_link_finish(FileLink *link, uint32_t number, GError **error); /* the name that it got; caller frees */
bool file_link_get(FileLink *link, const char *name, uint32_t *ret_number, uint64_t *ret_size, GError **error);
GBytes *file_link_read(FileLink *link, uint32_t number, uint64_t offset, uint32_t most, GError **error);
bool file_link_drop(FileLink *link, uint32_t number, GError **error);

/* What is behind an answer to FILES_LIST. CORRUPT: it is none. For the fuzzer too. */
bool file_list_parse(const uint8_t *bytes, size_t length, HostFiles *ret, GError **error);
