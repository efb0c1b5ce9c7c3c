/* What this host can and cannot do, in one sentence each: `orield --check [--json]`, which `oriel doctor` and
 * `make up` show. Needs no running daemon and no store. Reads only, but for a tiny guest that the accelerator
 * probe starts. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "base/config.h"
#include "base/json.h"

typedef enum {
    CHECK_OK,
    CHECK_WARNING, /* works, but slower or smaller than it could: the sentence says what to do */
    CHECK_FAILED,  /* desktops cannot run until this is put right */
} CheckState;

typedef struct {
    const char *name; /* stable word, static: "accelerator", "memory", "disk", "port", "qemu", ... */
    CheckState state;
    char *sentence; /* what was found and, where it falls short, what to do; owned */
} Check;

/* Every check, in the order a person reads them. Root becomes, for good, the owner of the state folder where that is another
 * user, so that what is found is what orield will find: call it in a process of its own. Never fails: what cannot be found out is a check of state
 * CHECK_WARNING. Takes up to some seconds the first time (the accelerator probe). Free with
 * g_ptr_array_unref. Any one thread. */
GPtrArray *host_check(const Config *config);

/* {"checks":[{"name","state":"ok|warning|failed","sentence"}]}. Caller owns. */
Json *host_check_json(GPtrArray *checks);

/* "ok        accelerator  KVM: ..." lines. Caller frees with g_free. */
char *host_check_text(GPtrArray *checks);

/* The worst state among them. */
CheckState host_check_worst(GPtrArray *checks);
