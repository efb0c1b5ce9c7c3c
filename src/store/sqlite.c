/* SQLite: WAL, so that readers never wait for the one writer; synchronous = FULL, because a commit that we
 * reported (a password, a dedicated desktop, an audit event) must survive a power cut; BEGIN_RELAXED goes
 * down to NORMAL for what need not. */
#include "store/driver.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>

#include "base/error.h"

typedef struct {
    Connection base;
    sqlite3 *db;
    GHashTable *statements; /* SQL literal (by address) to sqlite3_stmt */
    bool relaxed;           /* synchronous is NORMAL now */
} Sqlite;

static Failure failure_of(int code)
{
    switch (code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
        return FAILURE_UNIQUE;
    case SQLITE_CONSTRAINT_FOREIGNKEY:
        return FAILURE_FOREIGN_KEY;
    default:
        break;
    }
    int primary = code & 0xff;
    return primary == SQLITE_BUSY || primary == SQLITE_LOCKED ? FAILURE_RETRY : FAILURE_OTHER;
}

static OrielErrorKind kind_of(sqlite3 *db, int code)
{
    int saved = db ? sqlite3_system_errno(db) : errno;
    switch (code & 0xff) {
    case SQLITE_FULL:
        return ORIEL_ERROR_NO_SPACE;
    case SQLITE_CONSTRAINT:
        return code == SQLITE_CONSTRAINT_CHECK || code == SQLITE_CONSTRAINT_NOTNULL ? ORIEL_ERROR_INVALID
                                                                                    : ORIEL_ERROR_CONFLICT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_CANTOPEN:
        return ORIEL_ERROR_UNAVAILABLE;
    case SQLITE_IOERR:
        return saved == ENOSPC || saved == EDQUOT ? ORIEL_ERROR_NO_SPACE : ORIEL_ERROR_UNAVAILABLE;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ORIEL_ERROR_CORRUPT;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return ORIEL_ERROR_FORBIDDEN;
    default:
        return ORIEL_ERROR_INTERNAL;
    }
}

static bool fail(Sqlite *sqlite, GError **error)
{
    int code = sqlite3_extended_errcode(sqlite->db);
    sqlite->base.failure = failure_of(code);
    const char *path = sqlite3_db_filename(sqlite->db, "main");
    return oriel_fail(error, kind_of(sqlite->db, code), "store %s: %s", path ? path : "",
                      sqlite3_errmsg(sqlite->db));
}

static bool execute(Sqlite *sqlite, const char *sql, GError **error)
{
    return sqlite3_exec(sqlite->db, sql, NULL, NULL, NULL) == SQLITE_OK || fail(sqlite, error);
}

static void sqlite_close(Connection *connection)
{
    Sqlite *sqlite = (Sqlite *)connection;
    g_clear_pointer(&sqlite->statements, g_hash_table_unref);
    sqlite3_close(sqlite->db);
    g_free(sqlite);
}

static void statement_free(gpointer statement)
{
    sqlite3_finalize(statement);
}

enum { BUSY_MS = 10000, BUSY_STEP_MS = 20 };

/* SQLite does not call its busy handler for the change of a new file to WAL, so that is waited for here. */
static bool set_wal(Sqlite *sqlite, GError **error)
{
    for (int waited_ms = 0;; waited_ms += BUSY_STEP_MS) {
        g_autoptr(GError) failure = NULL;
        if (execute(sqlite, "PRAGMA journal_mode = WAL", &failure))
            return true;
        if (sqlite->base.failure != FAILURE_RETRY || waited_ms >= BUSY_MS) {
            g_propagate_error(error, g_steal_pointer(&failure));
            return false;
        }
        sqlite3_sleep(BUSY_STEP_MS);
    }
}

static Connection *sqlite_open(const char *path, GError **error)
{
    Sqlite *sqlite = g_new0(Sqlite, 1);
    sqlite->base.driver = &sqlite_driver;
    sqlite->statements = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, statement_free);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int code = sqlite3_open_v2(path, &sqlite->db, flags, NULL);
    if (code != SQLITE_OK) {
        oriel_fail(error, kind_of(sqlite->db, code), "store %s: cannot be opened: %s", path,
                   sqlite3_errstr(code));
        sqlite_close(&sqlite->base);
        return NULL;
    }
    sqlite3_busy_timeout(sqlite->db, BUSY_MS);
    if (!set_wal(sqlite, error) ||
        !execute(
            sqlite,
            "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
            "PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 67108864; PRAGMA trusted_schema = OFF;",
            error)) {
        sqlite_close(&sqlite->base);
        return NULL;
    }
    return &sqlite->base;
}

/* There is one writer, so the row lock that PostgreSQL takes at the end of a SELECT is left out. */
static int length_without_lock(const char *sql)
{
    const char *lock = strstr(sql, " FOR UPDATE");
    return lock ? (int)(lock - sql) : -1;
}

static sqlite3_stmt *prepared(Sqlite *sqlite, const char *sql, GError **error)
{
    sqlite3_stmt *statement = g_hash_table_lookup(sqlite->statements, sql);
    if (statement)
        return statement;
    if (sqlite3_prepare_v3(sqlite->db, sql, length_without_lock(sql), SQLITE_PREPARE_PERSISTENT, &statement,
                           NULL) != SQLITE_OK) {
        fail(sqlite, error);
        return NULL;
    }
    g_hash_table_insert(sqlite->statements, (gpointer)sql, statement);
    return statement;
}

/* To SQLite "$1" is a name, not a position. */
static bool bind(Sqlite *sqlite, sqlite3_stmt *statement, const Param *params, size_t count, GError **error)
{
    for (size_t i = 0; i < count; i++) {
        char name[8];
        g_snprintf(name, sizeof name, "$%zu", i + 1);
        int index = sqlite3_bind_parameter_index(statement, name);
        if (index == 0)
            continue;
        int code = params[i].is_number ? sqlite3_bind_int64(statement, index, params[i].number)
                   : params[i].text ? sqlite3_bind_text(statement, index, params[i].text, -1, SQLITE_STATIC)
                                    : sqlite3_bind_null(statement, index);
        if (code != SQLITE_OK)
            return fail(sqlite, error);
    }
    return true;
}

static Rows *fetch(Sqlite *sqlite, sqlite3_stmt *statement, GError **error)
{
    int columns = sqlite3_column_count(statement);
    g_autoptr(Rows) rows = rows_new((size_t)columns);
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        for (int i = 0; i < columns; i++)
            rows_add_cell(rows, (const char *)sqlite3_column_text(statement, i));
        rows_end_row(rows);
    }
    if (code != SQLITE_DONE) {
        fail(sqlite, error);
        return NULL;
    }
    rows->affected = sqlite3_stmt_readonly(statement) ? 0 : (size_t)sqlite3_changes(sqlite->db);
    return g_steal_pointer(&rows);
}

static Rows *sqlite_query(Connection *connection, const char *sql, const Param *params, size_t count,
                          GError **error)
{
    Sqlite *sqlite = (Sqlite *)connection;
    sqlite->base.failure = FAILURE_NONE;
    sqlite3_stmt *statement = prepared(sqlite, sql, error);
    if (!statement)
        return NULL;
    Rows *rows = bind(sqlite, statement, params, count, error) ? fetch(sqlite, statement, error) : NULL;
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return rows;
}

static bool sqlite_script(Connection *connection, const char *sql, GError **error)
{
    g_autoptr(GString) text = g_string_new(sql);
    g_string_replace(text, "BIGINT", "INTEGER", 0); /* STRICT tables know no BIGINT; INTEGER has 64 bits */
    return execute((Sqlite *)connection, text->str, error);
}

/* Only outside of a transaction; the commit that follows keeps to it. */
static bool set_relaxed(Sqlite *sqlite, bool relaxed, GError **error)
{
    if (relaxed == sqlite->relaxed)
        return true;
    if (!execute(sqlite, relaxed ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL", error))
        return false;
    sqlite->relaxed = relaxed;
    return true;
}

static bool sqlite_begin(Connection *connection, Begin kind, GError **error)
{
    Sqlite *sqlite = (Sqlite *)connection;
    sqlite->base.failure = FAILURE_NONE;
    if (!set_relaxed(sqlite, kind == BEGIN_RELAXED, error))
        return false;
    g_autoptr(Rows) rows = sqlite_query(connection, "BEGIN IMMEDIATE", NO_PARAMS, error);
    return rows != NULL;
}

static bool sqlite_commit(Connection *connection, GError **error)
{
    g_autoptr(Rows) rows = sqlite_query(connection, "COMMIT", NO_PARAMS, error);
    return rows != NULL;
}

static void sqlite_rollback(Connection *connection)
{
    Sqlite *sqlite = (Sqlite *)connection;
    if (!sqlite3_get_autocommit(sqlite->db))
        sqlite3_exec(sqlite->db, "ROLLBACK", NULL, NULL, NULL);
}

static bool sqlite_is_broken(const Connection *connection)
{
    return false;
}

static char *sqlite_version(Connection *connection)
{
    return g_strdup_printf("SQLite %s", sqlite3_libversion());
}

const Driver sqlite_driver = {
    .name = "sqlite",
    .writers = 1,
    .one_pool = false,
    .lock_migrations = NULL, /* BEGIN IMMEDIATE */
    .notify = NULL,
    .open = sqlite_open,
    .close = sqlite_close,
    .query = sqlite_query,
    .script = sqlite_script,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .is_broken = sqlite_is_broken,
    .version = sqlite_version,
};
