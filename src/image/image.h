/* Golden images in a folder: IMAGES/NAME/VERSION/{disk.qcow2,kernel,initrd,manifest.json,packages.txt,build.log}.
 * Versions are numbers 1, 2, 3…; a published version never changes. Names that begin with a dot are work in progress or
 * rubbish of a killed build. Whatever is read here is checked: a manifest may have been damaged or edited. */
#pragma once

#include <gio/gio.h>
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "image/recipe.h"

typedef struct {
    char *name;          /* "debian-xfce" */
    unsigned version;
    char *folder;        /* absolute */
    char *disk;          /* absolute path of disk.qcow2, never written to: give each machine an overlay */
    char *kernel;        /* absolute path */
    char *initrd;        /* absolute path */
    char *append;        /* kernel command line, with root= */
    char *title;
    char *description;
    char *suite;
    char *session;       /* "x11": a graphical session; "console": text */
    char *user;          /* the desktop user who is logged in by itself; NULL: none */
    char *recipe_text;
    char *disk_sha256;   /* hex: part of a template's key */
    char *kernel_sha256;
    char *initrd_sha256;
    uint64_t disk_bytes; /* virtual size of the disk */
    uint64_t file_bytes; /* what the files take */
    uint64_t memory;     /* default RAM in bytes */
    unsigned vcpus;      /* default */
    unsigned packages;   /* how many are installed */
    int64_t built_ms;    /* UTC */
} Image;

/* Opens one version's folder: reads the manifest strictly, compares the size of every file with it and looks at the
 * disk's qcow2 header. NOT_FOUND: no such folder; CORRUPT: a sentence says what is damaged and that the image must be
 * built again. Takes well under a millisecond. Caller frees. Any thread. */
Image *image_open(const char *folder, GError **error);

/* Reads all files and compares their SHA-256 with the manifest: seconds for a large disk. CORRUPT, CANCELLED. */
bool image_verify(const Image *image, GCancellable *cancellable, GError **error);
void image_free(Image *image); /* NULL is fine */

/* Whether text may name an image: a-z 0-9 - . , first a letter or digit, at most LIMIT_NAME bytes. */
bool image_name_is_valid(const char *name);

/* IMAGES/NAME/VERSION. Caller frees. */
char *image_folder(const char *images, const char *name, unsigned version);

/* Highest published version, 0 if there is none (whether it is whole or not). */
unsigned image_latest(const char *images, const char *name);

typedef struct {
    char *name;
    unsigned version;
    Image *image;  /* NULL: damaged */
    GError *error; /* why it is NULL */
} ImageEntry;

/* Every version of every image, sorted by name then version; a damaged one is an entry with its error. A missing
 * folder is an empty list. Caller frees with g_ptr_array_unref. */
GPtrArray *image_list(const char *images, GError **error);

/* Removes one version (first renamed aside, so that no half image is ever seen). Missing: NOT_FOUND. The caller knows
 * that no template and no desktop stands on it. */
bool image_remove(const char *images, const char *name, unsigned version, GError **error);

/* Removes what killed builds and removals left behind. A build that runs now, in any process, is left alone (it holds a
 * lock). Call at start. */
bool image_sweep(const char *images, GError **error);

/* How a build reports. Called from the thread that runs image_build. percent only grows. `line` is NULL or one line of
 * the build log without its newline (valid UTF-8); it is also in build.log. */
typedef void (*ImageProgress)(void *data, const char *step, unsigned percent, const char *line);

typedef struct {
    const Recipe *recipe;
    const char *images;   /* folder of all images; made if missing */
    const char *name;     /* of the image */
    unsigned version;     /* 0: the next free one */
    const char *guest;    /* folder with oriel-agent, oriel-init and oriel-locker */
    const char *cache;    /* folder of downloaded packages, made if missing; NULL: keep none */
    ImageProgress progress; /* may be NULL */
    void *data;
    GCancellable *cancellable; /* may be NULL */
} ImageBuild;

/* Builds and publishes a version, blocking for minutes: run it in a worker. Needs mmdebstrap, mke2fs, qemu-img and, if not
 * root, unshare with a range in /etc/subuid. On failure nothing is left behind and the error's sentence ends with the
 * last telling line of the log. Errors: INVALID (the recipe asks for what is not there), CONFLICT (version exists),
 * NO_SPACE, UNSUPPORTED (a program is missing), UNAVAILABLE (mirror unreachable), CANCELLED. Caller frees. */
Image *image_build(const ImageBuild *build, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Image, image_free)
