/* Files and descriptors. Any thread. */
#pragma once

#include <fcntl.h>
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

/* A descriptor that closes itself: `autofd int fd = -1;`; hand it over with fd_steal(&fd). */
#define autofd __attribute__((cleanup(fd_clear)))
void fd_clear(int *fd); /* closes if >= 0, sets -1 */
int fd_steal(int *fd);

bool fd_write_all(int fd, const void *data, size_t length, GError **error);

/* Temp file in the same folder, fsync, rename, fsync of the folder: after a crash the old or the new text is there. */
bool file_write_atomic(const char *path, const void *data, size_t length, mode_t mode, GError **error);

/* The whole file as a NUL-ended string of at most `limit` bytes (TOO_LARGE beyond). Caller frees. NULL on failure. */
char *file_read(const char *path, size_t limit, size_t *ret_length, GError **error);

/* An exclusive flock on an open file, for at most limit_ms. false: somebody else has it (errno EWOULDBLOCK), or it failed
 * (errno). Wait a little even where nobody else is expected: what a process that was killed had forked holds its locks
 * until it executes its program. */
bool file_lock(int fd, int64_t limit_ms);

/* mkdir -p with mode for what it makes. */
bool folder_make(const char *path, mode_t mode, GError **error);

/* Removes a folder and all in it, not following links and not leaving its file system; a missing one is fine. */
bool folder_remove(const char *path, GError **error);

/* Free bytes for this user on the file system that holds path. */
bool folder_free_bytes(const char *path, uint64_t *ret_bytes, GError **error);
