/* The one table of everything `oriel` understands. Parsing, usage texts, shell completion and the man page
 * all read it, so that they cannot disagree. A verb group is one file of this folder; verb_groups() lists
 * them in the order people read. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"

typedef struct Cli Cli; /* cli.h: the connection and how to print */
typedef struct Call Call;

typedef enum {
    VALUE_FLAG,   /* no value: --json */
    VALUE_TEXT,   /* any text */
    VALUE_COUNT,  /* lowest..highest */
    VALUE_SIZE,   /* "2GiB": bytes */
    VALUE_CHOICE, /* one of `choices` */
    VALUE_SWITCH, /* yes or no */
    VALUE_FILE,   /* a path; "-" is standard input */
} ValueForm;

/* Where shell completion finds the possible words. */
typedef enum {
    NAMES_NONE,
    NAMES_POOL,
    NAMES_PLAN,
    NAMES_POLICY,
    NAMES_IMAGE,
    NAMES_RECIPE,
    NAMES_DESKTOP,
    NAMES_SESSION,
    NAMES_USER,
    NAMES_GROUP,
    NAMES_DIRECTORY,
    NAMES_JOB,
    NAMES_TOKEN,
    NAMES_KIOSK,
    NAMES_FILE,
    NAMES_SHELL,
    NAMES_KINDS,
} NameSource;

typedef struct {
    const char *name; /* without the dashes; NULL ends a list */
    ValueForm form;
    const char *value;   /* what usage shows for it: "N"; NULL for flags and choices */
    const char *help;    /* one line, without a full stop */
    const char *choices; /* VALUE_CHOICE: "floating|dedicated" */
    uint64_t lowest, highest;
    NameSource names;
    const char *field; /* key of the request body that call_body() sets from it; NULL: none */
    bool required;
} Option;

typedef struct {
    const char *name; /* "POOL"; NULL ends a list */
    NameSource names;
    bool optional;
} Argument;

typedef struct {
    const char *name;   /* NULL: the group is itself the verb (`oriel status`) */
    const char *help;   /* one line, imperative, without a full stop */
    const char *detail; /* paragraphs for --help and the man page, or NULL */
    Argument arguments[3];
    const Option *options; /* ends with a nameless one; NULL: none but the general ones */
    bool (*run)(Cli *cli, const Call *call, GError **error);
} Verb;

typedef struct {
    const char *name;
    const char *help;
    const Verb *verbs; /* ends with one without run */
} VerbGroup;

/* Ends with a nameless one. */
const VerbGroup *const *verb_groups(void);

/* Options that every verb takes: --json, --url, ... Ends with a nameless one. */
const Option *verb_general_options(void);

/* NULL if there is none of that name. */
const VerbGroup *verb_group_find(const char *name);
const Verb *verb_find(const VerbGroup *group, const char *name);

/* "oriel pool create", "oriel status". Caller frees. */
char *verb_path(const VerbGroup *group, const Verb *verb);

/* The groups, each defined in its own file. */
extern const VerbGroup status_group;
extern const VerbGroup doctor_group;
extern const VerbGroup image_group;
extern const VerbGroup pool_group;
extern const VerbGroup plan_group;
extern const VerbGroup policy_group;
extern const VerbGroup home_group;
extern const VerbGroup desktop_group;
extern const VerbGroup session_group;
extern const VerbGroup user_group;
extern const VerbGroup group_group;
extern const VerbGroup directory_group;
extern const VerbGroup entitle_group;
extern const VerbGroup quota_group;
extern const VerbGroup job_group;
extern const VerbGroup event_group;
extern const VerbGroup login_group, kiosk_group;
extern const VerbGroup token_group;
extern const VerbGroup host_group;
extern const VerbGroup help_desk_group;
extern const VerbGroup setting_group;
extern const VerbGroup apply_group;
extern const VerbGroup completion_group;
