/* The folder in which one version is built: IMAGES/NAME/.build-XXXXXX, on the same file system as the published image so
 * that publishing is one rename. It is locked as long as somebody builds in it. */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>

#include "image/image.h"

#define WORKSHOP_PREFIX ".build-"

typedef struct {
    char *folder;  /* the workshop */
    char *root;    /* folder/root: the system that is being installed */
    char *product; /* folder/product: becomes IMAGES/NAME/VERSION */
    int lock;      /* descriptor that holds the lock */
} Workshop;

/* Makes and locks it. Caller ends it with workshop_close. */
bool workshop_open(const char *images, const char *name, Workshop *ret, GError **error);

/* Removes the folder with all in it, also what belongs to mapped users. */
void workshop_close(Workshop *workshop);

/* Writes what the scripts in image/build/ read: files, users, services, script, sources, the agent. */
bool workshop_furnish(const Workshop *workshop, const ImageBuild *build, GError **error);

/* Removes a workshop that was left behind; does nothing if somebody builds in it. */
bool workshop_sweep(const char *folder, GError **error);

/* The text of one of the files in image/build/ that are part of this program. Caller frees. NULL only by a mistake of ours. */
char *workshop_resource(const char *name);

/* The words before a command that is to run in namespaces of its own: private mounts and processes, so that whatever
 * happens nothing of it stays behind; and, for those who are not root, a range of user ids. NULL-ended; empty if this
 * host does not let root make namespaces. Static. */
const char *const *workshop_namespace(void);
