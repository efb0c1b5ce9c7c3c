/* Follows a build by what its programs say: how far is it, and what went wrong. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

typedef struct {
    const char *step; /* "prepare", "download", "install", "configure", "disk", "checksum" */
    unsigned percent; /* only grows */
    unsigned packages; /* that this run of apt installs */
    unsigned fetched, unpacked, set_up;
    unsigned round;          /* apt runs twice: for the essential packages and for the rest */
    char first_error[512];   /* first line that reports an error */
    char before_error[512];  /* the line before it */
    char last_line[512];
} Progress;

/* Enters a step; percent never falls. */
void progress_step(Progress *progress, const char *step, unsigned percent);

/* One line of mmdebstrap, apt, dpkg or our scripts. */
void progress_line(Progress *progress, const char *line);

/* Turns the failure of a program into one for a person: `program` says which one failed. */
void progress_explain(const Progress *progress, const char *program, OrielErrorKind *ret_kind, char *text, size_t size);
