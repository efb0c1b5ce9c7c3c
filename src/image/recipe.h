/* A recipe says what a golden image is made of: one small readable text file (images/README.md describes it).
 *
 *   [image]                      keys and values
 *   suite = bookworm
 *   [packages]                   one or more names a line; -NAME leaves out what another package asks for
 *   xfce4-session thunar
 *   [users]                      NAME: GROUP, GROUP
 *   [services]                   enable|disable|mask UNIT UNIT...
 *   [file /etc/motd 0644]        contents, each line indented by four spaces
 *   [script]                     /bin/sh -e lines run in the image as root at the end, indented by four spaces
 *
 * Text after # at the start of a line is a comment (not inside [file] and [script]). Any thread; no I/O but recipe_load. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum { RECIPE_SESSION_CONSOLE, RECIPE_SESSION_X11 } RecipeSession;
typedef enum { RECIPE_DRIVERS_VIRTUAL, RECIPE_DRIVERS_ALL } RecipeDrivers;

typedef struct {
    char *path; /* absolute, in the image */
    unsigned mode;
    char *text;
} RecipeFile;

typedef struct {
    char *name;
    char *groups; /* comma-separated, "" for none */
} RecipeUser;

typedef struct {
    char *verb; /* "enable", "disable", "mask" */
    char *unit;
} RecipeService;

typedef struct {
    char *text; /* the whole file, as given */
    char *title;       /* one line for people */
    char *description; /* "" if not given */
    char *base;        /* "debian" */
    char *suite;       /* "bookworm" */
    char *mirror;      /* NULL: the host's own apt sources where they have the suite, else Debian's */
    char *components;  /* "main" */
    char *kernel;      /* package of the kernel */
    char *append;      /* kernel command line */
    char *user;        /* who is logged in by itself in a desktop session; NULL: nobody */
    uint64_t size;     /* bytes of the disk */
    uint64_t memory;   /* bytes of RAM a machine gets unless told otherwise */
    unsigned vcpus;
    RecipeSession session;
    RecipeDrivers drivers; /* which kernel modules stay: those a virtual machine can use, or all */
    bool serves_rdp;       /* something in the guest serves RDP at the tunnel's target (base/tunnel_wire.h) */
    GPtrArray *packages;   /* of char *; "-name" leaves out */
    GPtrArray *users;      /* of RecipeUser * */
    GPtrArray *services;   /* of RecipeService * */
    GPtrArray *files;      /* of RecipeFile * */
    char *script;          /* "" for none */
} Recipe;

/* Parses length bytes. `file` names them in errors: `recipe "x.recipe" line 7: unknown key "siez"; allowed: ...`
 * (INVALID; TOO_LARGE over LIMIT_RECIPE). Caller frees with recipe_free. */
Recipe *recipe_parse(const char *text, size_t length, const char *file, GError **error);

/* Reads and parses a file. */
Recipe *recipe_load(const char *path, GError **error);
void recipe_free(Recipe *recipe); /* NULL is fine */

const char *recipe_session_name(RecipeSession session); /* "console", "x11" */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Recipe, recipe_free)
