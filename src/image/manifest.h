/* manifest.json of a published image version: what the files must be, and what a machine needs to run them. */
#pragma once

#include "base/json.h"
#include "image/image.h"

#define MANIFEST_FORMAT 1

/* The files of a version besides the manifest and the log, in the order in which they are checked. */
enum { MANIFEST_DISK, MANIFEST_KERNEL, MANIFEST_INITRD, MANIFEST_PACKAGES, MANIFEST_FILES };

typedef struct {
    uint64_t bytes;
    char sha256[65]; /* hex */
} ManifestFile;

typedef struct {
    Image *image; /* everything but `folder` and the paths */
    ManifestFile files[MANIFEST_FILES];
} Manifest;

/* "disk.qcow2", "kernel", "initrd", "packages.txt" */
const char *manifest_file_name(int file);

/* Strict: an unknown or missing key, a wrong type, a value out of bounds is CORRUPT, with a sentence that names it.
 * `what` names the manifest in it. Caller clears. */
bool manifest_read(Json *object, const char *what, Manifest *ret, GError **error);

/* Caller owns. */
Json *manifest_json(const Manifest *manifest);
void manifest_clear(Manifest *manifest);

/* Size and SHA-256 of a file, read as a whole. */
bool manifest_measure(const char *path, GCancellable *cancellable, ManifestFile *ret, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Manifest, manifest_clear)
