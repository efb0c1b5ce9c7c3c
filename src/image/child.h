/* Runs one program of a build and reads what it says. The program and all it starts form a process group of low priority,
 * which ends with it. */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>

typedef struct {
    const char *const *argv;  /* argv[0] is looked up in the environment's PATH */
    char **environment;       /* NULL-ended, "KEY=VALUE" */
    const char *folder;       /* working folder */
    void (*line)(void *data, const char *line); /* each line of output and errors, valid UTF-8, at most CHILD_LINE bytes */
    void *data;
    GCancellable *cancellable; /* may be NULL */
} Child;

#define CHILD_LINE 8192

/* Blocks until it has ended; what it started does not outlive it. CANCELLED: it was killed; UNSUPPORTED: it cannot be started; INTERNAL: it did not exit with
 * 0 (the sentence names the program only: what it said, `line` has seen). Any thread. */
bool child_run(const Child *child, GError **error);
