/* People of a directory are looked up there again while they use what they logged in for: whoever it does not have any more, or has
 * switched off, is logged out. A directory that does not answer ends nothing. */
#include "identity/recheck.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "identity/directory_ask.h"
#include "identity/internal.h"

bool recheck_due(const int64_t *looked_ms, int64_t now_ms)
{
    return !looked_ms || now_ms - *looked_ms >= LIMIT_RECHECK_MS;
}

/* With identity->lock. */
static void note_locked(Identity *identity, const char *user_id, int64_t now_ms)
{
    GHashTableIter each;
    gpointer value = NULL;
    if (g_hash_table_size(identity->looked) >= LIMIT_RECHECK_PEOPLE) { /* who is due anyway need not be known */
        g_hash_table_iter_init(&each, identity->looked);
        while (g_hash_table_iter_next(&each, NULL, &value))
            if (recheck_due(value, now_ms))
                g_hash_table_iter_remove(&each);
    }
    if (g_hash_table_size(identity->looked) >= LIMIT_RECHECK_PEOPLE && !g_hash_table_contains(identity->looked, user_id))
        return;
    int64_t *kept = g_new(int64_t, 1);
    *kept = now_ms;
    g_hash_table_replace(identity->looked, g_strdup(user_id), kept);
}

void recheck_seen(Identity *identity, const char *user_id)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&identity->lock);
    note_locked(identity, user_id, clock_monotonic_ms());
}

void recheck_note(Identity *identity, const StoreUser *user)
{
    if (!user->directory_id)
        return;
    int64_t now_ms = clock_monotonic_ms();
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&identity->lock);
    if (!identity->rechecks || !recheck_due(g_hash_table_lookup(identity->looked, user->id), now_ms) ||
        g_thread_pool_unprocessed(identity->rechecks) >= LIMIT_RECHECK_WAITING)
        return;
    note_locked(identity, user->id, now_ms);
    if (g_hash_table_contains(identity->looked, user->id)) /* else nobody would remember that they were */
        g_thread_pool_push(identity->rechecks, g_strdup(user->id), NULL);
}

static void end_logins(Identity *identity, const StoreDirectory *directory, const StoreUser *user, const char *why)
{
    g_autofree char *who = g_strconcat("directory ", directory->name, NULL);
    StoreActor actor = {.name = who};
    g_autoptr(GError) error = NULL;
    if (!store_person_left(identity->store, &actor, user->id, why, &error))
        log_warning("user %s: the directory \"%s\" says that they are %s, but their logins cannot be ended: %s", user->name, directory->name,
                    why, error->message);
}

/* On the pool's one thread. */
static void look(void *data, void *owner)
{
    Identity *identity = owner;
    g_autofree char *user_id = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(StoreUser) user = store_user_find(identity->store, user_id, NULL);
    g_autoptr(StoreDirectory) directory =
        user && user->may_log_in && user->directory_id ? store_directory_find(identity->store, user->directory_id, NULL) : NULL;
    if (!directory || directory->kind != STORE_DIRECTORY_LDAP)
        return;
    switch (directory_look(identity, directory, user, &error)) {
    case LDAP_PERSON_UNKNOWN:
        end_logins(identity, directory, user, "gone");
        break;
    case LDAP_PERSON_DISABLED:
        end_logins(identity, directory, user, "disabled");
        break;
    case LDAP_PERSON_FAILED:
        log_debug("user %s: the directory \"%s\" cannot say whether it still has them: %s", user->name, directory->name,
                  error ? error->message : "");
        break;
    case LDAP_PERSON_WRONG:
    case LDAP_PERSON_GOOD:
    default:
        break;
    }
}

void recheck_open(Identity *identity)
{
    identity->looked = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    identity->rechecks = g_thread_pool_new_full(look, identity, g_free, 1, FALSE, NULL);
}

void recheck_close(Identity *identity)
{
    g_mutex_lock(&identity->lock);
    GThreadPool *rechecks = g_steal_pointer(&identity->rechecks);
    g_mutex_unlock(&identity->lock);
    if (rechecks)
        g_thread_pool_free(rechecks, TRUE, TRUE);
    g_clear_pointer(&identity->looked, g_hash_table_unref);
}
