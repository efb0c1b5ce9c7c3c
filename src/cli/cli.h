/* What every verb gets: where to ask and how to show the answer. One thread. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>

#include "cli/client.h"
#include "cli/parse.h"
#include "cli/verb.h"

struct Cli {
    Client *client;
    char *socket;        /* orield's; NULL: --url */
    bool json;           /* --json: the API's own JSON on standard output */
    bool wait;           /* not --no-wait */
    bool quiet;          /* --quiet: nothing but errors and JSON */
    bool terminal_out;   /* standard output is a terminal */
    bool terminal_error; /* standard error is one: progress bars are drawn there */
    bool misused;        /* cli_misused(): the exit code is that of a wrong command line */
};

/* INVALID, for what the table of verbs cannot say about a command line. Always false. */
bool cli_misused(Cli *cli, GError **error, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* Shows an answer: as JSON with --json, else by `show`. Takes the answer; false and nothing shown if it is
 * NULL. */
bool cli_show(Cli *cli, Json *answer, void (*show)(Cli *cli, const Json *answer));

/* The object at path; NULL with no error if there is none (NOT_FOUND). Caller owns. */
Json *cli_find(Cli *cli, const char *path, GError **error);

/* POST to a collection with the first argument as name; with --if-missing, what is there already. Caller
 * owns. */
Json *cli_create(Cli *cli, const Call *call, const char *collection, Json *body, GError **error);

/* A sentence for people on standard output; nothing with --json or --quiet. */
void cli_say(const Cli *cli, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* One request without an answer worth showing, then the sentence; with --json prints {}. */
bool cli_do(Cli *cli, const char *method, const char *path, const Json *body, GError **error);

/* Before something that cannot be undone: asks on a terminal, unless --yes. Without a terminal it is refused.
 * CANCELLED if the person says no. */
bool cli_confirm(Cli *cli, const Call *call, const char *question, GError **error);

/* A file's text or standard input's ("-"). Caller frees. */
char *cli_read_file(const char *path, size_t limit, GError **error);

/* The first line of a file or of standard input ("-"); an empty one is INVALID. Caller frees with secret_free. */
char *cli_read_secret(const char *path, GError **error);

/* A person's answer, typed without echo. `option` is what a script gives instead: "--password-file". */
char *cli_ask_secret(Cli *cli, const char *prompt, const char *option, GError **error);
