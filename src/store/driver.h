/* One database connection behind a small table of functions: sqlite.c and postgres.c fill it. Only for this
 * folder.
 *
 * A connection is used by one thread at a time (connections.c sees to it). Statements are string literals of
 * this folder with $1, $2 ... as parameters; a connection keeps each one prepared, so the text must live for
 * ever. "FOR UPDATE [SKIP LOCKED]" may stand at the very end of one: SQLite leaves it out.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- parameters ---- */

typedef struct {
    bool is_number;
    int64_t number;
    const char *text; /* NULL: SQL NULL (of type text) */
} Param;

#define TEXT(value) ((Param){.text = (value)})
#define NUMBER(value) ((Param){.is_number = true, .number = (int64_t)(value)})
#define PARAMS(...) ((const Param[]){__VA_ARGS__}), (sizeof((const Param[]){__VA_ARGS__}) / sizeof(Param))
#define NO_PARAMS NULL, (size_t)0

/* Whether a column holds a parameter's text (in lower case: search_text), whatever its case: as far as SQLite's LOWER knows it,
 * which is A to Z. Nothing in the text is a wildcard. */
#define HOLDS(column, parameter) "REPLACE(LOWER(" column "), " parameter ", '') <> LOWER(" column ")"

/* NULL for NULL and "". Caller frees. */
char *search_text(const char *text);

/* ---- results ---- */

typedef struct {
    size_t count; /* rows */
    size_t columns;
    size_t affected;  /* rows that an INSERT, UPDATE or DELETE changed */
    GPtrArray *cells; /* texts of `chunk`, row after row; NULL: SQL NULL */
    GStringChunk *chunk;
} Rows;

Rows *rows_new(size_t columns);
void rows_add_cell(Rows *rows, const char *text); /* copied; NULL: SQL NULL */
void rows_end_row(Rows *rows);
void rows_free(Rows *rows); /* NULL is fine */

const char *rows_text(const Rows *rows, size_t row,
                      size_t column);                             /* lives as long as rows; NULL: SQL NULL */
int64_t rows_number(const Rows *rows, size_t row, size_t column); /* SQL NULL: 0 */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Rows, rows_free)

/* Reads the columns of one row from left to right. */
typedef struct {
    const Rows *rows;
    size_t row;
    size_t column;
} Reader;

char *read_text(Reader *reader);   /* a copy; NULL: SQL NULL */
char *read_string(Reader *reader); /* the same, but "" for SQL NULL */
int64_t read_number(Reader *reader);
bool read_bool(Reader *reader);
int read_word(Reader *reader,
              const char *const *words); /* index in a NULL-ended table of words; unknown: 0 */

/* ---- connections ---- */

/* Why the last statement of a connection failed, for callers that can do something about it. */
typedef enum {
    FAILURE_NONE,
    FAILURE_UNIQUE,      /* CONFLICT: there is such a row */
    FAILURE_FOREIGN_KEY, /* CONFLICT: refers to a row that is not there, or is referred to */
    FAILURE_RETRY,  /* UNAVAILABLE: deadlock or lock time limit; the whole transaction may be tried again */
    FAILURE_BROKEN, /* UNAVAILABLE: the connection is gone */
    FAILURE_OTHER,
} Failure;

typedef enum {
    BEGIN_DURABLE, /* the commit is on the disk when it returns */
    BEGIN_RELAXED, /* a crash of the machine (not of the process) may lose the last of these, but no order
                      changes */
} Begin;

typedef struct Driver Driver;

typedef struct {
    const Driver *driver;
    Failure failure;
} Connection; /* first member of each driver's own struct */

struct Driver {
    const char *name;
    unsigned writers;            /* connections that may write at the same time */
    bool one_pool;               /* readers and writers are the same connections */
    const char *lock_migrations; /* statement that keeps a second process from migrating; NULL: begin does */
    const char
        *notify; /* statement that tells other processes at commit, $1 = payload; NULL: there are none */
    Connection *(*open)(const char *target, GError **error);
    void (*close)(Connection *connection);
    Rows *(*query)(Connection *connection, const char *sql, const Param *params, size_t count,
                   GError **error);
    bool (*script)(Connection *connection, const char *sql,
                   GError **error); /* a migration: several statements */
    bool (*begin)(Connection *connection, Begin kind, GError **error);
    bool (*commit)(Connection *connection, GError **error);
    void (*rollback)(Connection *connection); /* also without a transaction */
    bool (*is_broken)(const Connection *connection);
    char *(*version)(Connection *connection); /* "SQLite 3.40.1" */
};

extern const Driver sqlite_driver;   /* target: path of the file */
extern const Driver postgres_driver; /* target: libpq URI */
