#include "identity/ldap_guard.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

struct LdapGuard {
    GMutex lock; /* of the rest */
    GCond changed;
    GThread *thread;
    int fd; /* a copy: libldap closes its own */
    int64_t until_ms;
    bool ended;
};

static gpointer watch(gpointer data)
{
    LdapGuard *guard = data;
    g_mutex_lock(&guard->lock);
    while (!guard->ended && clock_monotonic_ms() < guard->until_ms)
        g_cond_wait_until(&guard->changed, &guard->lock, guard->until_ms * 1000);
    bool late = !guard->ended;
    g_mutex_unlock(&guard->lock);
    if (late)
        shutdown(guard->fd, SHUT_RDWR);
    return NULL;
}

LdapGuard *ldap_guard_new(int fd, int64_t until_ms)
{
    LdapGuard *guard = g_new0(LdapGuard, 1);
    g_mutex_init(&guard->lock);
    g_cond_init(&guard->changed);
    guard->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    guard->until_ms = until_ms;
    guard->thread = g_thread_new("ldap-guard", watch, guard);
    return guard;
}

void ldap_guard_extend(LdapGuard *guard, int64_t until_ms)
{
    g_mutex_lock(&guard->lock);
    guard->until_ms = until_ms;
    g_cond_signal(&guard->changed);
    g_mutex_unlock(&guard->lock);
}

void ldap_guard_free(LdapGuard *guard)
{
    if (!guard)
        return;
    g_mutex_lock(&guard->lock);
    guard->ended = true;
    g_cond_signal(&guard->changed);
    g_mutex_unlock(&guard->lock);
    g_thread_join(guard->thread);
    if (guard->fd >= 0)
        close(guard->fd);
    g_mutex_clear(&guard->lock);
    g_cond_clear(&guard->changed);
    g_free(guard);
}
