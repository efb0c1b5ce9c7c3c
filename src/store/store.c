#include "store/store.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "store/connections.h"
#include "store/migrate.h"
#include "store/quota_internal.h"
#include "store/transaction.h"
#include "store/watch.h"

struct Store {
    Connections *connections;
    Watch *watch;
    char *backend;
    StoreQuotaJudge judge;
};

void store_set_quota_judge(Store *store, StoreQuotaJudge judge)
{
    store->judge = judge;
}

StoreQuotaJudge store_quota_judge(const Store *store)
{
    return store->judge;
}

Connections *store_connections(Store *store)
{
    return store->connections;
}

Watch *store_watch(Store *store)
{
    return store->watch;
}

static bool is_postgres(const char *database)
{
    return g_str_has_prefix(database, "postgresql://") || g_str_has_prefix(database, "postgres://");
}

/* SQLite makes its file with the umask's mode; ours holds password hashes. -wal and -shm take the file's
 * mode. A file that is there is not opened: closing it would drop the locks of another store of this process
 * (POSIX, fcntl(2)). */
static bool make_private_file(const char *path, GError **error)
{
    autofd int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return fd >= 0 || errno == EEXIST || oriel_fail_errno(error, errno, "store %s", path);
}

static bool prepare_schema(Store *store, GError **error)
{
    Connection *connection = connections_take(store->connections, PURPOSE_WRITE, error);
    if (!connection)
        return false;
    bool good = migrate(connection, migrations, migrations_count, error);
    store->backend = connection->driver->version(connection);
    connections_give(store->connections, connection, PURPOSE_WRITE);
    return good;
}

Store *store_open(const char *database, const char *sqlite_path, GError **error)
{
    bool postgres = is_postgres(database);
    if (!postgres && strcmp(database, "sqlite") != 0) {
        oriel_fail(error, ORIEL_ERROR_INVALID, "database: must be \"sqlite\" or begin with postgresql://");
        return NULL;
    }
    if (!postgres && !make_private_file(sqlite_path, error))
        return NULL;
    g_autoptr(Store) store = g_new0(Store, 1);
    store->watch = watch_new();
    store->connections =
        postgres ? connections_new(&postgres_driver, database) : connections_new(&sqlite_driver, sqlite_path);
    if (!prepare_schema(store, error))
        return NULL;
    if (postgres)
        watch_listen(store->watch, database);
    return g_steal_pointer(&store);
}

void store_close(Store *store)
{
    if (!store)
        return;
    watch_free(store->watch);
    connections_free(store->connections);
    g_free(store->backend);
    g_free(store);
}

bool store_ping(Store *store, GError **error)
{
    g_autoptr(Rows) rows = store_read(store, "SELECT MAX(number) FROM migrations", NO_PARAMS, error);
    return rows != NULL;
}

const char *store_backend(const Store *store)
{
    return store->backend;
}

unsigned store_subscribe(Store *store, StoreWatcher watcher, void *data)
{
    return watch_subscribe(store->watch, watcher, data);
}

void store_unsubscribe(Store *store, unsigned handle)
{
    watch_unsubscribe(store->watch, handle);
}

void store_set(char **field, const char *value)
{
    char *copy = g_strdup(value);
    g_free(*field);
    *field = copy;
}
