/* Byte streams into a desktop's guest, past any network of it. */
#include "host/private.h"

#include "base/error.h"

static const int64_t agent_limit_ms = 15 * 1000; /* a desktop that has just been forked, or an orield that has just come back */

int tunnel_connect(Slot *slot, unsigned number, GError **error)
{
    Host *host = slot->host;
    Machine *machine = slot_machine(slot);
    if (!machine) {
        oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "desktop: does not run now; connect again");
        return -1;
    }
    int fd = -1;
    if (host->driver->wait_ready(machine, false, agent_limit_ms, error))
        fd = host->driver->tunnel(machine, number, error);
    slot_release_machine(host, machine);
    return fd;
}
