/* Whether this host takes new work: open, draining or in maintenance. The row says so; here is what follows. */
#include "host/private.h"

#include "base/error.h"

StoreHostService host_service(Host *host)
{
    g_mutex_lock(&host->lock);
    StoreHostService service = host->service;
    g_mutex_unlock(&host->lock);
    return service;
}

bool service_read(Host *host, GError **error)
{
    g_autoptr(StoreHost) row = store_host_find(host->store, host->id, error);
    if (!row)
        return false;
    g_mutex_lock(&host->lock);
    host->service = row->service;
    g_mutex_unlock(&host->lock);
    return true;
}

bool host_set_service(Host *host, StoreHostService service, const StoreActor *actor, GError **error)
{
    if (!store_host_set_service(host->store, actor, host->id, service, error) || !service_read(host, error))
        return false;
    host_wake(host);
    return true;
}

bool service_check(Host *host, bool in_session, GError **error)
{
    switch (host_service(host)) {
    case STORE_HOST_DRAINING:
        return in_session || oriel_fail(error, ORIEL_ERROR_UNAVAILABLE,
                                        "host \"%s\" takes no new sessions now, it is being emptied; try again later",
                                        host->name);
    case STORE_HOST_MAINTENANCE:
        return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "host \"%s\" is in maintenance; try again later", host->name);
    case STORE_HOST_OPEN:
    default:
        return true;
    }
}
