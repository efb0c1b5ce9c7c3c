#include "store/migrate.h"

#include <string.h>

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

/* Without the lines that are for the other database ("-- only sqlite", "-- both"). */
static char *script_of(const Driver *driver, const char *sql)
{
    g_autofree char *own = g_strdup_printf("-- only %s", driver->name);
    g_auto(GStrv) lines = g_strsplit(sql, "\n", -1);
    g_autoptr(GString) text = g_string_new(NULL);
    bool wanted = true;
    for (char **line = lines; *line; line++) {
        if (g_str_has_prefix(*line, "-- only "))
            wanted = strcmp(*line, own) == 0;
        else if (strcmp(*line, "-- both") == 0)
            wanted = true;
        else if (wanted)
            g_string_append_printf(text, "%s\n", *line);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
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
        g_autofree char *sql = script_of(driver, next->sql);
        if (!driver->script(connection, sql, error) ||
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
