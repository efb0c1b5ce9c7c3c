#include "store/migrate.h"

#include "base/clock.h"
#include "base/error.h"

static bool run(Connection *connection, const char *sql, const Param *params, size_t count, GError **error)
{
    g_autoptr(Rows) rows = connection->driver->query(connection, sql, params, count, error);
    return rows != NULL;
}

static bool begin(Connection *connection, GError **error)
{
    const Driver *driver = connection->driver;
    return driver->begin(connection, BEGIN_DURABLE, error) &&
           (!driver->lock_migrations || run(connection, driver->lock_migrations, NO_PARAMS, error));
}

static bool read_version(Connection *connection, int64_t *ret, GError **error)
{
    const Driver *driver = connection->driver;
    if (!driver->script(
            connection,
            "CREATE TABLE IF NOT EXISTS migrations (number BIGINT PRIMARY KEY, name TEXT NOT NULL,"
            " applied_ms BIGINT NOT NULL) STRICT;",
            error))
        return false;
    g_autoptr(Rows) rows = driver->query(connection, "SELECT MAX(number) FROM migrations", NO_PARAMS, error);
    if (!rows)
        return false;
    *ret = rows_number(rows, 0, 0);
    return true;
}

/* The version is read anew in each transaction: another process may have been quicker. */
static bool step(Connection *connection, const Migration *steps, size_t count, bool *ret_done, GError **error)
{
    const Driver *driver = connection->driver;
    int64_t version = 0;
    if (!begin(connection, error) || !read_version(connection, &version, error))
        return false;
    if (version > (int64_t)count)
        return oriel_fail(error, ORIEL_ERROR_UNSUPPORTED,
                          "store: its schema is version %" G_GINT64_FORMAT
                          ", this Oriel (%s) knows up to %zu; start the newer Oriel that wrote it",
                          version, ORIEL_VERSION, count);
    *ret_done = version == (int64_t)count;
    if (!*ret_done) {
        const Migration *next = &steps[version];
        if (!driver->script(connection, next->sql, error) ||
            !run(connection, "INSERT INTO migrations (number, name, applied_ms) VALUES ($1, $2, $3)",
                 PARAMS(NUMBER(next->number), TEXT(next->name), NUMBER(clock_utc_ms())), error)) {
            g_prefix_error(error, "migration %s: ", next->name);
            return false;
        }
    }
    return driver->commit(connection, error);
}

bool migrate(Connection *connection, const Migration *steps, size_t count, GError **error)
{
    for (bool done = false; !done;) {
        if (!step(connection, steps, count, &done, error)) {
            connection->driver->rollback(connection);
            return false;
        }
    }
    return true;
}
