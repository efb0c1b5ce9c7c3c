/* Brings the schema up to date. Only for this folder. */
#pragma once

#include "store/driver.h"

typedef struct {
    int64_t number;   /* 1, 2, 3 ... without a gap */
    const char *name; /* of the file in migrations/ */
    const char *sql;
} Migration;

/* Made by the build from migrations/NNNN_*.sql. */
extern const Migration migrations[];
extern const size_t migrations_count;

/* Applies what is missing, one transaction each. UNSUPPORTED: the database is of a newer version. */
bool migrate(Connection *connection, const Migration *steps, size_t count, GError **error);
