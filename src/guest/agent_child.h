/* Runs programs of the guest for the agent: bounded in time, without a shell. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "guest/failure.h"

typedef struct {
    const char *const *argv;        /* argv[0] is looked up in PATH */
    const char *const *environment; /* NULL: a minimal one */
    const char *cgroup;             /* its cgroup.procs file, to be moved there first; NULL: stays with the agent */
    uid_t uid;                      /* 0: as root; else with that user's groups and home */
    int stream;                     /* its standard input, a socket that it may also write to; 0: none */
    char *output;                   /* agent_child_run: its standard output, cut and ended with NUL; NULL: thrown away */
    size_t output_size;
    int timeout_ms;                 /* killed after that; agent_child_start: no limit */
    int status_most; /* highest exit status that is no failure: e2fsck(8) says with 1 that it has repaired something */
} AgentChild;

/* Runs and waits. False: could not start, timed out, or did not exit with 0. What it writes must be short: less than a pipe holds. */
bool agent_child_run(const AgentChild *child, Failure *failure);

/* Starts it and returns the read end of its standard output, at whose end it has ended: then agent_child_reap. -1 on failure. */
int agent_child_open(const AgentChild *child, pid_t *ret_pid, Failure *failure);

/* Its exit status; one that does not end within timeout_ms is killed: -1, as for one that a signal ended. */
int agent_child_reap(pid_t pid, int timeout_ms);

/* Starts it as nobody's child and does not wait: whether it could be started shows only in what it does. */
bool agent_child_start(const AgentChild *child, Failure *failure);
