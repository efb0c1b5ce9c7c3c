/* People of a directory are looked up there again while they use what they logged in for, at a request of theirs or (at a native
 * display there are none) in rounds: whoever it does not have any more, or has switched off, is logged out; whoever has another name there
 * gets it here. Who they are says the external id, not the name. A directory that does not answer ends nothing. */
#include "identity/recheck.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/log.h"
#include "identity/directory_ask.h"
#include "identity/internal.h"
#include "store/event.h"

#define A_ROUND "" /* no id: see who is there at all */

bool recheck_due(const int64_t *looked_ms, int64_t now_ms)
{
    return !looked_ms || now_ms - *looked_ms >= LIMIT_RECHECK_MS;
}

size_t recheck_share(size_t people)
{
    return MAX((people + LIMIT_RECHECK_ROUNDS - 1) / LIMIT_RECHECK_ROUNDS, (size_t)LIMIT_RECHECK_LEAST);
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

/* Whether it was their turn. */
static bool take_turn(Identity *identity, const char *user_id)
{
    int64_t now_ms = clock_monotonic_ms();
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&identity->lock);
    if (!identity->rechecks || !recheck_due(g_hash_table_lookup(identity->looked, user_id), now_ms) ||
        g_thread_pool_unprocessed(identity->rechecks) >= LIMIT_RECHECK_WAITING)
        return false;
    note_locked(identity, user_id, now_ms);
    if (g_hash_table_contains(identity->looked, user_id)) /* else nobody would remember that they were */
        g_thread_pool_push(identity->rechecks, g_strdup(user_id), NULL);
    return true;
}

void recheck_note(Identity *identity, const StoreUser *user)
{
    if (user->directory_id)
        take_turn(identity, user->id);
}

void identity_recheck(Identity *identity)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&identity->lock);
    if (identity->rechecks && g_thread_pool_unprocessed(identity->rechecks) < LIMIT_RECHECK_WAITING)
        g_thread_pool_push(identity->rechecks, g_strdup(A_ROUND), NULL);
}

static void round_go(Identity *identity)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) people = store_directory_people_open(identity->store, LIMIT_RECHECK_PEOPLE, &error);
    if (!people)
        log_debug("who is logged in cannot be looked up in the directories now: %s", error->message);
    size_t left = people ? recheck_share(people->len) : 0;
    for (unsigned i = 0; people && i < people->len && left > 0; i++)
        left -= take_turn(identity, people->pdata[i]);
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

static bool is_said(Identity *identity, const StoreUser *user, const DirectoryPerson *person)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&identity->lock);
    return g_strcmp0(g_hash_table_lookup(identity->refused, user->id), person->name) == 0;
}

static void note_said(Identity *identity, const StoreUser *user, const DirectoryPerson *person)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&identity->lock);
    if (g_hash_table_size(identity->refused) >= LIMIT_RECHECK_PEOPLE)
        g_hash_table_remove_all(identity->refused);
    g_hash_table_replace(identity->refused, g_strdup(user->id), g_strdup(person->name));
}

/* Why somebody cannot have the name that their directory gives them: said once in the trail, not each ten minutes. */
static void refuse_name(Identity *identity, const StoreActor *actor, const StoreUser *user, const DirectoryPerson *person,
                        const GError *failure)
{
    if (is_said(identity, user, person))
        return;
    log_warning("user %s: has another name in its directory now, which Oriel cannot take over: %s", user->name, failure->message);
    g_autoptr(GError) error = NULL;
    g_autoptr(Json) detail = json_pack("{s:s, s:s}", "name", person->name, "why", failure->message);
    g_autofree char *text = detail ? json_text(detail) : NULL;
    StoreEventNew event = {.action = "user.rename-refused",
                           .object_kind = "user",
                           .object_id = user->id,
                           .object_name = user->name,
                           .result = oriel_error_info(oriel_error_kind(failure))->type,
                           .detail = text};
    if (store_event_add(identity->store, actor, &event, &error))
        note_said(identity, user, person);
    else
        log_debug("user %s: that is not in the trail yet, and said again: %s", user->name, error->message);
}

static void follow_name(Identity *identity, const StoreDirectory *directory, const StoreUser *user, const DirectoryPerson *person)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *who = g_strconcat("directory ", directory->name, NULL);
    StoreActor actor = {.name = who};
    DirectoryRules never_new = {.allow_create = false, .role = "user"};
    if (g_ascii_strcasecmp(person->name, user->name) == 0)
        return;
    DirectoryPerson without = *person;
    without.groups = NULL; /* those of the last log-in stay */
    g_autoptr(StoreUser) now = directory_person_user(identity, directory, &without, &never_new, &error);
    if (now)
        log_info("user %s: is called %s in the directory \"%s\" now, and so here", user->name, now->name, directory->name);
    else if (oriel_error_kind(error) == ORIEL_ERROR_UNAVAILABLE)
        log_debug("user %s: cannot get the new name now: %s", user->name, error->message);
    else
        refuse_name(identity, &actor, user, person, error);
}

void recheck_follow(Identity *identity, const StoreDirectory *directory, const StoreUser *user)
{
    g_auto(DirectoryPerson) person = {0};
    if (directory_look(identity, directory, user, &person, NULL) == LDAP_PERSON_GOOD)
        follow_name(identity, directory, user, &person);
}

/* On the pool's one thread. */
static void look(void *data, void *owner)
{
    Identity *identity = owner;
    g_autofree char *user_id = data;
    g_auto(DirectoryPerson) person = {0};
    g_autoptr(GError) error = NULL;
    if (strcmp(user_id, A_ROUND) == 0) {
        round_go(identity);
        return;
    }
    g_autoptr(StoreUser) user = store_user_find(identity->store, user_id, NULL);
    g_autoptr(StoreDirectory) directory =
        user && user->may_log_in && user->directory_id ? store_directory_find(identity->store, user->directory_id, NULL) : NULL;
    if (!directory || directory->kind != STORE_DIRECTORY_LDAP)
        return;
    switch (directory_look(identity, directory, user, &person, &error)) {
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
    case LDAP_PERSON_GOOD:
        follow_name(identity, directory, user, &person);
        break;
    case LDAP_PERSON_WRONG:
    default:
        break;
    }
}

void recheck_open(Identity *identity)
{
    identity->looked = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    identity->refused = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
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
    g_clear_pointer(&identity->refused, g_hash_table_unref);
}
