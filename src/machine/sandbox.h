/* Landlock (kernel docs: userspace-api/landlock): which files a QEMU process may touch. Made by the parent,
 * entered by the child between fork and exec with one system call. Inherited descriptors are not affected,
 * and what a rule allows follows the folder when it is renamed. Any thread. */
#pragma once

#include <glib.h>
#include <stdbool.h>

typedef struct {
    const char *folder;          /* the machine's own: read and write, no devices, links or folders in it */
    const char *program;         /* QEMU */
    const char *const *readable; /* NULL-ended folders and files; a missing one is left out */
    bool kvm;                    /* /dev/kvm */
} SandboxSpec;

/* The kernel's Landlock ABI; 0: it has none (the machine then runs without, confined by seccomp alone). */
int sandbox_abi(void);

/* A ruleset descriptor (close-on-exec), or -1 without error where the kernel has no Landlock, -1 with error
 * on failure. */
int sandbox_open(const SandboxSpec *spec, GError **error);

/* In the child: async-signal-safe. Sets no_new_privs too. 0 or -1 with errno. */
int sandbox_enter(int ruleset);
