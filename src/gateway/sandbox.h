/* What the gateway gives up before it talks to anybody. Everything here is for the whole process and for
 * good. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* No core dumps, no ptrace by the same user; raises the number of descriptors as far as it may and returns
 * it. */
unsigned sandbox_limits(void);

/* Started by root: becomes `user` (NULL: stays root, without its capabilities) and gives up all capabilities
 * and the way to new ones. */
bool sandbox_user(const char *user, GError **error);

/* Makes `user` the owner of a file or folder; before sandbox_user. */
bool sandbox_give(const char *path, const char *user, GError **error);

/* Files: only reading, only in the NULL-ended list of folders (Landlock). No TCP but what is open. A kernel
 * without Landlock: true, *ret_held is false. */
bool sandbox_files(const char *const *folders, bool *ret_held, GError **error);

/* System calls: only the few that the loop needs (seccomp); others fail with EPERM, those that start programs
 * kill. */
bool sandbox_calls(GError **error);
