/* Small files of the guest: /etc, /proc, /sys. No GLib; a descriptor that closes itself as in base/file.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "guest/failure.h"

#define autofd __attribute__((cleanup(guest_fd_clear)))
void guest_fd_clear(int *fd);

/* Reads at most size - 1 bytes and ends them with NUL. Returns their number, or -1 with errno. */
ssize_t guest_file_read(const char *path, char *buffer, size_t size);

/* Temp file beside it, fsync-less rename: a reader sees the old or the new text. (A fork's disk is thrown away with the
 * fork; what must survive a power cut is not here.) */
bool guest_file_replace(const char *path, const char *text, mode_t mode, Failure *failure);

/* The same with the owner, group and mode that the file had. */
bool guest_file_replace_owned(const char *path, const char *text, mode_t mode, Failure *failure);

/* Writes into an existing file of /proc or /sys. */
bool guest_file_poke(const char *path, const char *text, Failure *failure);

/* The value of KEY in text of lines KEY=VALUE, cut to size - 1 bytes. False if there is none. */
bool guest_value(const char *text, const char *key, char *value, size_t size);

/* Decimal digits only, at most `highest`. */
bool guest_number(const char *text, unsigned long highest, unsigned long *ret);
