/* Files and descriptors. Any thread. */
#pragma once

#include <fcntl.h>
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
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

/* Locks one byte of a file (fcntl(2), F_SETLK; made with mode 0600 where missing) for as long as this process lives and
 * closes no descriptor of that file. So a process can show others what it holds, a port for example, without a pid file
 * that may be stale. The descriptor, to be kept; -1 on failure. CONFLICT: another process holds it. */
int file_hold_byte(const char *path, uint16_t byte, GError **error);

/* The process that holds this byte, as the kernel says; 0: none, or this very process, or the file cannot be read. */
pid_t file_byte_holder(const char *path, uint16_t byte);

/* mkdir -p with mode for what it makes. */
bool folder_make(const char *path, mode_t mode, GError **error);

/* Removes a folder and all in it, not following links and not leaving its file system; a missing one is fine. */
bool folder_remove(const char *path, GError **error);

/* Free bytes for this user on the file system that holds path. */
bool folder_free_bytes(const char *path, uint64_t *ret_bytes, GError **error);
