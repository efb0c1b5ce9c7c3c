/* Child processes that outlive us, and how to know them again. A process is known by its pid, start time and
 * boot id together, and is signalled through a pidfd only, so that a pid used again is never mistaken. Any
 * thread. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PROCESS_BOOT_ID 36
#define PROCESS_FIRST_FD 3 /* the first of ProcessSpec.fds in the child */

typedef struct {
    pid_t pid;
    uint64_t start_time; /* clock ticks after boot: field 22 of /proc/PID/stat */
    char boot_id[PROCESS_BOOT_ID + 1];
} ProcessIdentity;

typedef struct {
    const char *const *arguments; /* NULL-ended; the first is the program's absolute path */
    const char *folder;           /* its working folder */
    const int *fds;               /* become descriptors 3, 4, 5...; all others are closed */
    size_t fd_count;
    int output;  /* its standard output and error; stays the caller's */
    int ruleset; /* of sandbox_open; -1: none */
    /* Called with the child born but not yet executing the program: false ends it there. So no program runs
     * that nobody has written down. May be NULL. */
    bool (*record)(const ProcessIdentity *identity, void *data, GError **error);
    void *data;
} ProcessSpec;

/* Returns the pidfd (close-on-exec) once the program executes, in a session and process group of its own, or
 * -1. */
int process_start(const ProcessSpec *spec, ProcessIdentity *ret_identity, GError **error);

bool process_identify(pid_t pid, ProcessIdentity *ret, GError **error);

/* The pidfd of the process that `identity` names and whose working folder is `folder`; -1 with NOT_FOUND
 * where it is gone. */
int process_open(const ProcessIdentity *identity, const char *folder, GError **error);

bool process_signal(int pidfd, int signal, GError **error); /* a process that has ended is success */

/* Waits for the end; if it is our child, reaps it. False: it lives on after limit_ms (no error is set).
 * *ret_status (may be NULL) as waitpid(2) gives it, untouched if it is not our child. */
bool process_wait(int pidfd, int64_t limit_ms, int *ret_status);

/* Reaps an ended child: true and its status as waitpid(2) gives it; false: it is not our child, or lives. */
bool process_reap(int pidfd, int *ret_status);

/* Lowers the priority of the process's threads whose name begins so. Best effort: without it all works, only less smoothly. */
void process_nice_threads(const ProcessIdentity *identity, const char *prefix, int niceness);
