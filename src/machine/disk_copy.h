/* Copies of disks and other large files, in-process. Any thread. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* How far it is, now and then. false, with its error, ends the copy. */
typedef bool (*DiskCopyProgress)(void *data, uint64_t done, uint64_t total, GError **error);

/* Copies the file `from` to `to` (mode 0600; CONFLICT if it exists) and makes it durable. Where the file system can, both share
 * their blocks and it takes no time and no space (FICLONE, ioctl_ficlonerange(2)); else data is copied and holes stay holes.
 * NULL as progress: nobody asks. On failure nothing is left. */
bool disk_copy(const char *from, const char *to, DiskCopyProgress progress, void *data, GError **error);
