/* An image's initrd: oriel-init and the modules that reach a virtio disk with ext4 on it, as a newc cpio archive
 * (Documentation/driver-api/early-userspace/buffer-format.rst of Linux). Uncompressed: it is read from the page cache, and an
 * emulated processor would take longer to unpack it. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* The only kernel version that is installed below root ("6.1.0-56-amd64"). INVALID: none. Caller frees. */
char *initrd_kernel_version(const char *root, GError **error);

/* Files of root/usr/lib/modules/VERSION (relative to it) that must be loaded, in that order, for the named modules, by
 * the text of modules.dep; a name that it does not have is built in and left out. Caller frees with g_ptr_array_unref. */
GPtrArray *initrd_modules(const char *modules_dep, const char *const *names);

/* Writes the archive. */
bool initrd_write(const char *root, const char *version, const char *init_program, const char *path, GError **error);
