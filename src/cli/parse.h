/* Reads a command line against the verb table. Pure: prints nothing and asks nobody. */
#pragma once

#include "cli/verb.h"

typedef enum {
    PARSED_RUN,     /* call->verb is to run */
    PARSED_HELP,    /* show usage of call->group and call->verb, either or both NULL */
    PARSED_VERSION, /* --version */
} ParsedAs;

struct Call {
    ParsedAs as;
    const VerbGroup *group;
    const Verb *verb;
    GPtrArray *arguments; /* char *, as many as were given */
    GHashTable *options;  /* name → text as given; "" for flags */
};

/* NULL and an error of kind INVALID, with what was meant perhaps, if the line does not fit the table.
 * arguments[0] is the program's name. Caller frees with call_free. */
Call *call_parse(int count, char *const *arguments, GError **error);
void call_free(Call *call);

/* The text of an argument or option, NULL if it was not given. Borrowed. */
const char *call_argument(const Call *call, unsigned index);
const char *call_option(const Call *call, const char *name);
bool call_flag(const Call *call, const char *name);

/* The number of a VALUE_COUNT or VALUE_SIZE option, or `otherwise`. It was checked when it was parsed. */
uint64_t call_number(const Call *call, const char *name, uint64_t otherwise);

/* A request body of all options given that have a `field`. Caller owns. */
Json *call_body(const Call *call);
/* Where the option is there: its words, separated by commas, as a list under this key of the body; "" is the empty list. */
void call_words(const Call *call, const char *option, const char *field, Json *body);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Call, call_free)
