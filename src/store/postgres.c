/* PostgreSQL through libpq. READ COMMITTED: what must not race is decided by unique indexes, conditional
 * UPDATEs and row locks. */
#include "store/driver.h"

#include <libpq-fe.h>
#include <string.h>

#include "base/error.h"

/* Type ids of pg_type.dat; stable since PostgreSQL began. */
enum { OID_INT8 = 20, OID_TEXT = 25, PARAMS_MOST = 32 };

typedef struct {
    Connection base;
    PGconn *link;
    bool broken; /* as far as libpq told: its PQstatus may still say OK after the server went away */
    GHashTable *statements; /* SQL literal (by address) to the number that names its prepared form */
} Postgres;

static Failure failure_of(const char *state)
{
    if (!state)
        return FAILURE_OTHER;
    if (strcmp(state, "23505") == 0)
        return FAILURE_UNIQUE;
    if (strcmp(state, "23503") == 0)
        return FAILURE_FOREIGN_KEY;
    /* serialization_failure, deadlock_detected, lock_not_available */
    if (strcmp(state, "40001") == 0 || strcmp(state, "40P01") == 0 || strcmp(state, "55P03") == 0)
        return FAILURE_RETRY;
    return FAILURE_OTHER;
}

/* SQLSTATE classes: PostgreSQL's Appendix A. */
static OrielErrorKind kind_of(const char *state)
{
    static const struct {
        const char *begin;
        OrielErrorKind kind;
    } classes[] = {
        {"53100", ORIEL_ERROR_NO_SPACE},    {"53", ORIEL_ERROR_UNAVAILABLE},
        {"57014", ORIEL_ERROR_TIMEOUT},     {"57", ORIEL_ERROR_UNAVAILABLE},
        {"08", ORIEL_ERROR_UNAVAILABLE},    {"40", ORIEL_ERROR_UNAVAILABLE},
        {"55P03", ORIEL_ERROR_UNAVAILABLE}, {"23502", ORIEL_ERROR_INVALID},
        {"23514", ORIEL_ERROR_INVALID},     {"23", ORIEL_ERROR_CONFLICT},
        {"22", ORIEL_ERROR_INVALID},        {"XX001", ORIEL_ERROR_CORRUPT},
        {"XX002", ORIEL_ERROR_CORRUPT},     {"25006", ORIEL_ERROR_UNAVAILABLE},
        {"42501", ORIEL_ERROR_FORBIDDEN},
    };
    for (size_t i = 0; state && i < G_N_ELEMENTS(classes); i++)
        if (g_str_has_prefix(state, classes[i].begin))
            return classes[i].kind;
    return ORIEL_ERROR_INTERNAL;
}

/* An error without a code is libpq's own: the connection broke. Classes 08 and 57P: the server ends it. */
static bool is_farewell(const char *state)
{
    return !state || g_str_has_prefix(state, "08") || g_str_has_prefix(state, "57P");
}

static bool fail(Postgres *postgres, const PGresult *result, GError **error)
{
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *primary = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    if (PQstatus(postgres->link) != CONNECTION_OK || is_farewell(state)) {
        postgres->broken = true;
        postgres->base.failure = FAILURE_BROKEN;
        return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE,
                          "store: PostgreSQL cannot be reached; trying to reconnect");
    }
    postgres->base.failure = failure_of(state);
    return oriel_fail(error, kind_of(state), "store: PostgreSQL: %s (%s)", primary ? primary : "no reason",
                      state);
}

static bool execute(Postgres *postgres, const char *sql, GError **error)
{
    PGresult *result = PQexec(postgres->link, sql);
    ExecStatusType status = PQresultStatus(result);
    bool good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || fail(postgres, result, error);
    PQclear(result);
    return good;
}

static void postgres_close(Connection *connection)
{
    Postgres *postgres = (Postgres *)connection;
    g_hash_table_unref(postgres->statements);
    PQfinish(postgres->link);
    g_free(postgres);
}

/* Notices ("relation exists, skipping") are not ours to print. */
static void ignore_notice(void *data, const char *message)
{
}

static Connection *postgres_open(const char *uri, GError **error)
{
    static const char *const names[] = {"dbname",
                                        "connect_timeout",
                                        "client_encoding",
                                        "application_name",
                                        "tcp_user_timeout",
                                        "keepalives_idle",
                                        NULL};
    const char *const values[] = {uri, "5", "UTF8", "oriel", "15000", "30", NULL};
    Postgres *postgres = g_new0(Postgres, 1);
    postgres->base.driver = &postgres_driver;
    postgres->statements = g_hash_table_new(g_direct_hash, g_direct_equal);
    postgres->link = PQconnectdbParams(names, values, 1);
    if (PQstatus(postgres->link) != CONNECTION_OK) {
        g_autofree char *reason = g_strstrip(g_strdup(PQerrorMessage(postgres->link)));
        oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "store: PostgreSQL cannot be reached: %s", reason);
        postgres_close(&postgres->base);
        return NULL;
    }
    PQsetNoticeProcessor(postgres->link, ignore_notice, NULL);
    /* A forgotten lock must not stop the house: waits end with an error instead. */
    if (!execute(postgres,
                 "SET lock_timeout = '10s'; SET statement_timeout = '60s';"
                 "SET idle_in_transaction_session_timeout = '60s'; SET default_transaction_isolation = 'read "
                 "committed'",
                 error)) {
        postgres_close(&postgres->base);
        return NULL;
    }
    return &postgres->base;
}

typedef struct {
    Oid types[PARAMS_MOST];
    const char *values[PARAMS_MOST];
    char numbers[PARAMS_MOST][24];
} Bound;

static void bind(Bound *bound, const Param *params, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bound->types[i] = params[i].is_number ? OID_INT8 : OID_TEXT;
        bound->values[i] = params[i].text;
        if (params[i].is_number) {
            g_snprintf(bound->numbers[i], sizeof bound->numbers[i], "%" G_GINT64_FORMAT, params[i].number);
            bound->values[i] = bound->numbers[i];
        }
    }
}

/* Prepares on first use; the name is "s" and a number. */
static bool prepare(Postgres *postgres, const char *sql, const Bound *bound, size_t count, char name[16],
                    GError **error)
{
    guint number = GPOINTER_TO_UINT(g_hash_table_lookup(postgres->statements, sql));
    if (number != 0) {
        g_snprintf(name, 16, "s%u", number);
        return true;
    }
    number = g_hash_table_size(postgres->statements) + 1;
    g_snprintf(name, 16, "s%u", number);
    PGresult *result = PQprepare(postgres->link, name, sql, (int)count, bound->types);
    bool good = PQresultStatus(result) == PGRES_COMMAND_OK || fail(postgres, result, error);
    PQclear(result);
    if (good)
        g_hash_table_insert(postgres->statements, (gpointer)sql, GUINT_TO_POINTER(number));
    return good;
}

static Rows *rows_of(const PGresult *result)
{
    int count = PQntuples(result);
    int columns = PQnfields(result);
    Rows *rows = rows_new((size_t)columns);
    for (int row = 0; row < count; row++) {
        for (int i = 0; i < columns; i++)
            rows_add_cell(rows, PQgetisnull(result, row, i) ? NULL : PQgetvalue(result, row, i));
        rows_end_row(rows);
    }
    rows->affected = (size_t)g_ascii_strtoull(PQcmdTuples((PGresult *)result), NULL, 10);
    return rows;
}

static Rows *postgres_query(Connection *connection, const char *sql, const Param *params, size_t count,
                            GError **error)
{
    Postgres *postgres = (Postgres *)connection;
    postgres->base.failure = FAILURE_NONE;
    g_return_val_if_fail(count <= PARAMS_MOST, NULL);
    Bound bound;
    bind(&bound, params, count);
    char name[16];
    if (!prepare(postgres, sql, &bound, count, name, error))
        return NULL;
    PGresult *result = PQexecPrepared(postgres->link, name, (int)count, bound.values, NULL, NULL, 0);
    ExecStatusType status = PQresultStatus(result);
    Rows *rows = NULL;
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
        rows = rows_of(result);
    else
        fail(postgres, result, error);
    PQclear(result);
    return rows;
}

static bool postgres_script(Connection *connection, const char *sql, GError **error)
{
    g_autoptr(GString) text = g_string_new(sql);
    g_string_replace(text, " TEXT", " TEXT COLLATE \"C\"", 0); /* order by bytes, as SQLite does */
    g_string_replace(text, ") STRICT;", ");", 0);              /* it always is */
    return execute((Postgres *)connection, text->str, error);
}

static bool postgres_begin(Connection *connection, Begin kind, GError **error)
{
    connection->failure = FAILURE_NONE;
    return execute((Postgres *)connection,
                   kind == BEGIN_RELAXED ? "BEGIN; SET LOCAL synchronous_commit = off" : "BEGIN", error);
}

/* COMMIT of a failed transaction "succeeds" as ROLLBACK; callers never commit after a failure, but a lost
 * write must not hide. */
static bool postgres_commit(Connection *connection, GError **error)
{
    Postgres *postgres = (Postgres *)connection;
    postgres->base.failure = FAILURE_NONE;
    PGresult *result = PQexec(postgres->link, "COMMIT");
    bool good = PQresultStatus(result) == PGRES_COMMAND_OK || fail(postgres, result, error);
    if (good && strcmp(PQcmdStatus(result), "COMMIT") != 0)
        good = oriel_fail(error, ORIEL_ERROR_INTERNAL, "store: PostgreSQL rolled the transaction back");
    PQclear(result);
    return good;
}

static void postgres_rollback(Connection *connection)
{
    Postgres *postgres = (Postgres *)connection;
    if (!postgres->broken && PQtransactionStatus(postgres->link) != PQTRANS_IDLE)
        PQclear(PQexec(postgres->link, "ROLLBACK"));
}

static bool postgres_is_broken(const Connection *connection)
{
    const Postgres *postgres = (const Postgres *)connection;
    return postgres->broken || PQstatus(postgres->link) != CONNECTION_OK;
}

static char *postgres_version(Connection *connection)
{
    int version = PQserverVersion(((Postgres *)connection)->link);
    return g_strdup_printf("PostgreSQL %d.%d", version / 10000, version % 10000);
}

const Driver postgres_driver = {
    .name = "postgresql",
    .writers = 8,
    .one_pool = true,
    .lock_migrations = "SELECT pg_advisory_xact_lock(8025107231)",
    .notify = "SELECT pg_notify('oriel', $1)",
    .open = postgres_open,
    .close = postgres_close,
    .query = postgres_query,
    .script = postgres_script,
    .begin = postgres_begin,
    .commit = postgres_commit,
    .rollback = postgres_rollback,
    .is_broken = postgres_is_broken,
    .version = postgres_version,
};
