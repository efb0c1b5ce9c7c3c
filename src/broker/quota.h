/* How much a person may have. Pure; any thread. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum {
    QUOTA_DESKTOPS, /* that are theirs */
    QUOTA_RUNNING,  /* of them such as run or are to run */
    QUOTA_MEMORY,   /* bytes of those that run, as their pools say */
    QUOTA_DISK,     /* bytes of their disks, as large as the guests see them */
    QUOTA_KINDS,
} QuotaKind;

#define QUOTA_UNSAID (-1)    /* this one says nothing: others are asked */
#define QUOTA_UNLIMITED (-2) /* and this one says that there is no limit */

typedef enum {
    QUOTA_OF_USER,
    QUOTA_OF_GROUP,
    QUOTA_OF_EVERYONE, /* the built-in group: what holds for whom nobody else says anything */
    QUOTA_OF_NOBODY,
} QuotaSource;

typedef struct {
    QuotaSource source;
    const char *name; /* of the user or group; borrowed */
    int64_t most[QUOTA_KINDS];
} QuotaSaid;

typedef struct {
    int64_t most; /* never QUOTA_UNSAID */
    QuotaSource source;
    const char *name; /* borrowed from the said; NULL: of nobody */
} QuotaLimit;

/* Each kind for itself: the person's own quota first, else the most generous of their groups, else that of everyone, else no limit. */
void quota_resolve(const QuotaSaid *said, size_t count, QuotaLimit ret[QUOTA_KINDS]);

/* FULL with the quota, its use and what to do, unless all of `more` fits. What is used already over a limit that was lowered
 * stays; only more of it is refused. */
bool quota_admit(const char *user, const QuotaLimit limits[QUOTA_KINDS], const int64_t used[QUOTA_KINDS],
                 const int64_t more[QUOTA_KINDS], GError **error);

const char *quota_word(QuotaKind kind); /* "desktops", "running", "memory_bytes", "disk_bytes" */
