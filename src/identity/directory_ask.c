/* Asking directories: who may log in by one, what an administrator wants to know of it. */
#include "identity/directory_ask.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/secret.h"
#include "identity/internal.h"
#include "identity/recheck.h"

enum { ROUNDS = 3 }; /* so many times timeout_seconds for one question to a directory */
#define SILENT_MS (30 * 1000LL) /* a server that did not answer is asked last for so long */

/* ---- a directory, ready to be asked ---- */

void directory_ready_clear(DirectoryReady *ready)
{
    ldap_settings_clear(&ready->settings);
    g_clear_pointer(&ready->json, json_decref);
    g_clear_pointer(&ready->secret, secret_free);
    g_clear_pointer(&ready->servers, g_free);
}

static bool is_silent(Identity *identity, const char *server)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&identity->lock);
    const int64_t *until = g_hash_table_lookup(identity->silent, server);
    return until && *until > clock_monotonic_ms();
}

static void server_failed(const char *server, void *data)
{
    Identity *identity = data;
    int64_t *until = g_new(int64_t, 1);
    *until = clock_monotonic_ms() + SILENT_MS;
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&identity->lock);
    g_hash_table_replace(identity->silent, g_strdup(server), until);
}

/* As in the settings, but those that did not answer lately come last: nobody waits for a dead one at each log-in. */
static const char **servers_in_order(Identity *identity, const char *const *servers)
{
    size_t count = g_strv_length((char **)servers), at = 0;
    const char **order = g_new0(const char *, count + 1);
    for (int silent = 0; silent < 2; silent++)
        for (size_t i = 0; i < count; i++)
            if (is_silent(identity, servers[i]) == silent && at < count)
                order[at++] = servers[i];
    /* One may have changed between the two looks; none is left out. */
    return at == count ? order : (memcpy(order, servers, count * sizeof *order), order);
}

bool directory_ready(Identity *identity, const StoreDirectory *directory, DirectoryReady *ret, GError **error)
{
    g_autoptr(GError) failure = NULL;
    ret->json = json_parse_object(directory->settings, strlen(directory->settings), "settings", error);
    if (!ret->json || !ldap_settings_read(ret->json, &ret->settings, error))
        return false;
    ret->secret = directory_secret_open(directory, &failure);
    if (failure) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return false;
    }
    ret->servers = servers_in_order(identity, ret->settings.servers);
    ret->ask = (LdapAsk){.settings = &ret->settings,
                         .servers = ret->servers,
                         .secret = ret->secret,
                         .deadline_ms = clock_monotonic_ms() + ret->settings.timeout_seconds * 1000 * ROUNDS,
                         .failed = server_failed,
                         .data = identity};
    return true;
}

/* A directory that hangs must not take all the workers: those who know their local password need some. */
static bool turn_take(Identity *identity, GError **error)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&identity->lock);
    if (identity->asking >= LIMIT_DIRECTORY_ASKERS)
        return oriel_fail(error, ORIEL_ERROR_TOO_MANY, "too many log-ins at once; try again in some seconds");
    identity->asking++;
    return true;
}

static void turn_give(Identity *identity)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&identity->lock);
    identity->asking--;
}

/* ---- what an administrator asks ---- */

static bool demand_ldap(const StoreDirectory *directory, GError **error)
{
    return directory->kind == STORE_DIRECTORY_LDAP ||
           oriel_fail(error, ORIEL_ERROR_CONFLICT, "directory \"%s\": is an OpenID provider; only LDAP directories can be asked that",
                      directory->name);
}

/* Notes which of the groups that Oriel knows are not there any more. */
static bool groups_check(Identity *identity, const LdapAsk *ask, const GPtrArray *groups, GPtrArray *ret_missing, GError **error)
{
    g_autoptr(GPtrArray) ids = g_ptr_array_new();
    g_autoptr(GPtrArray) missing = g_ptr_array_new();
    for (unsigned i = 0; i < groups->len; i++)
        g_ptr_array_add(ids, ((StoreGroup *)groups->pdata[i])->external_id);
    g_ptr_array_add(ids, NULL);
    if (groups->len > 0 && !ldap_groups_missing(ask, (char **)ids->pdata, missing, error))
        return false;
    for (unsigned i = 0; i < groups->len; i++) {
        const StoreGroup *group = groups->pdata[i];
        bool is_missing = g_ptr_array_find(missing, group->external_id, NULL);
        if (is_missing && ret_missing)
            g_ptr_array_add(ret_missing, group->name);
        if (is_missing != (group->missing_ms != 0) && !store_group_missing_set(identity->store, group->id, is_missing, error))
            return false;
    }
    return true;
}

static void step_add(GPtrArray *steps, const char *step, bool ok, char *detail)
{
    DirectoryStep *made = g_new0(DirectoryStep, 1);
    *made = (DirectoryStep){.step = step, .ok = ok, .detail = detail};
    g_ptr_array_add(steps, made);
}

/* The last step: are the groups that were entered still there? */
static void test_entered(Identity *identity, const StoreDirectory *directory, const LdapAsk *ask, GPtrArray *steps)
{
    g_autoptr(GError) failure = NULL;
    LdapAsk silent = *ask;
    silent.steps = NULL;
    int64_t began_ms = clock_monotonic_ms();
    g_autoptr(GPtrArray) groups = store_directory_groups(identity->store, directory->id, &failure);
    g_autoptr(GPtrArray) missing = g_ptr_array_new();
    if (groups && groups->len == 0)
        return;
    if (!groups || !groups_check(identity, &silent, groups, missing, &failure))
        step_add(steps, "entered", false, g_strdup(failure->message));
    else if (missing->len == 0)
        step_add(steps, "entered", true, g_strdup_printf("all %u groups that Oriel knows are there", groups->len));
    else {
        g_ptr_array_add(missing, NULL);
        g_autofree char *names = g_strjoinv(", ", (char **)missing->pdata);
        step_add(steps, "entered", false, g_strdup_printf("not in the directory any more: %s", names));
    }
    ((DirectoryStep *)steps->pdata[steps->len - 1])->milliseconds = clock_monotonic_ms() - began_ms;
}

static bool base_entry(LdapLink *link, LDAPMessage *entry, void *data, GError **error)
{
    *(bool *)data = true;
    return true;
}

/* Without a user: is the base there? */
static bool test_base(const LdapAsk *ask, GError **error)
{
    static const char *const attributes[] = {LDAP_NO_ATTRS, NULL};
    g_auto(LdapLink) link = {0};
    g_autoptr(GError) failure = NULL;
    bool found = false;
    LdapSearch search = {ask->settings->users_base, LDAP_SCOPE_BASE, "(objectClass=*)", attributes, 1};
    if (!ldap_link_open_bound(&link, ask, error))
        return false;
    if (!ask->settings->bind_name)
        return true; /* nobody is bound: the base shows itself to people only */
    bool done = ldap_link_search(&link, &search, base_entry, &found, &failure);
    ldap_step_end(&link, "base", done && found, "%s%s%s", ask->settings->users_base, done && found ? "" : ": ",
                  !done   ? failure->message
                  : found ? ""
                          : "is not there, or the service account may not see it");
    return done && found;
}

static bool test_user(const LdapAsk *ask, const char *user, const char *password)
{
    g_auto(DirectoryPerson) person = {0};
    LdapQuestion question = {.user = user, .password = password, .groups = true};
    g_autoptr(GError) failure = NULL;
    unsigned known = ask->steps->len;
    if (!ask->settings->bind_name && !password) {
        step_add(ask->steps, "bind-user", false,
                 g_strdup("the directory has no service account: without the person's password nothing can be seen"));
        return false;
    }
    LdapVerdict verdict = ldap_person_ask(ask, &question, &person, &failure);
    /* The way there is known, and not shown twice. */
    while (verdict != LDAP_PERSON_FAILED && known < ask->steps->len &&
           g_strv_contains((const char *const[]){"resolve", "connect", "tls", "bind", NULL},
                           ((DirectoryStep *)ask->steps->pdata[known])->step))
        g_ptr_array_remove_index(ask->steps, known);
    return verdict == LDAP_PERSON_GOOD;
}

GPtrArray *identity_directory_test(Identity *identity, const StoreDirectory *directory, const char *user, const char *password,
                                   GError **error)
{
    g_auto(DirectoryReady) ready = {0};
    g_autoptr(GPtrArray) steps = g_ptr_array_new_with_free_func((GDestroyNotify)directory_step_free);
    if (!demand_ldap(directory, error) || !directory_ready(identity, directory, &ready, error) || !turn_take(identity, error))
        return NULL;
    ready.ask.steps = steps;
    ready.ask.servers = ready.settings.servers; /* as they are written, whoever failed lately */
    bool good = test_base(&ready.ask, NULL);
    if (good && user)
        good = test_user(&ready.ask, user, password);
    if (good && ready.settings.bind_name)
        test_entered(identity, directory, &ready.ask, steps);
    turn_give(identity);
    return g_steal_pointer(&steps);
}

LdapVerdict directory_look(Identity *identity, const StoreDirectory *directory, const StoreUser *user, DirectoryPerson *ret,
                           GError **error)
{
    g_auto(DirectoryReady) ready = {0};
    LdapQuestion question = {.user = user->name, .id = user->external_id};
    if (!directory_ready(identity, directory, &ready, error) || !ready.settings.bind_name || !turn_take(identity, error))
        return LDAP_PERSON_FAILED;
    LdapVerdict verdict = ldap_person_ask(&ready.ask, &question, ret, error);
    if (verdict == LDAP_PERSON_UNKNOWN && !test_base(&ready.ask, error)) /* a base that is not there has nobody */
        verdict = LDAP_PERSON_FAILED;
    turn_give(identity);
    return verdict;
}

bool identity_directory_group(Identity *identity, const StoreDirectory *directory, const char *text, DirectoryGroup *ret,
                              GError **error)
{
    g_auto(DirectoryReady) ready = {0};
    g_auto(LdapGroup) group = {0};
    if (directory->kind == STORE_DIRECTORY_OIDC) { /* nobody can ask a provider for its groups */
        *ret = (DirectoryGroup){g_strdup(text), g_strdup(text)};
        return true;
    }
    if (!directory_ready(identity, directory, &ready, error) || !turn_take(identity, error))
        return false;
    bool done = ldap_group_find(&ready.ask, text, &group, error);
    turn_give(identity);
    if (!done) {
        g_prefix_error(error, "directory \"%s\": ", directory->name);
        return false;
    }
    *ret = (DirectoryGroup){g_steal_pointer(&group.external_id), g_steal_pointer(&group.name)};
    return true;
}

void directory_group_clear(DirectoryGroup *group)
{
    g_clear_pointer(&group->external_id, g_free);
    g_clear_pointer(&group->name, g_free);
}

/* ---- log-in ---- */

/* After a log-in: groups that the person was in until now may be gone altogether, and others may be back. */
static void groups_notice(Identity *identity, const LdapAsk *ask, const GPtrArray *known, char **lost, char **has)
{
    g_autoptr(GPtrArray) doubtful = g_ptr_array_new();
    for (unsigned i = 0; i < known->len; i++) {
        StoreGroup *group = known->pdata[i];
        if (g_strv_contains((const char *const *)lost, group->external_id) ||
            (group->missing_ms && g_strv_contains((const char *const *)has, group->external_id)))
            g_ptr_array_add(doubtful, group);
    }
    if (doubtful->len > 0)
        groups_check(identity, ask, doubtful, NULL, NULL); /* only a warning; the log-in does not fail by it */
}

/* With the setting, the password is remembered as a hash for when the directory does not answer. */
static bool password_keep(Identity *identity, const LdapSettings *settings, const StoreUser *user, const char *password,
                          GError **error)
{
    if (settings->when_down != LDAP_DOWN_CACHED)
        return store_directory_password_forget(identity->store, user->id, error);
    g_autofree char *hash = hash_new(identity, password, error);
    return hash && store_directory_password_set(identity->store, user->id, hash, error);
}

typedef struct {
    Identity *identity;
    const DirectoryLogin *login;
    const StoreDirectory *directory;
    DirectoryReady *ready;
} Asking;

static bool is_of(const StoreUser *user, const StoreDirectory *directory)
{
    return user && g_strcmp0(user->directory_id, directory->id) == 0;
}

/* Their user. Whoever had the name in this directory until now may only have been given another one. */
static StoreUser *user_of(const Asking *asking, const DirectoryPerson *person, GError **error)
{
    DirectoryRules rules = {asking->ready->settings.allow_create, asking->ready->settings.role};
    const StoreUser *before = asking->login->user;
    g_autoptr(GError) failure = NULL;
    StoreUser *user = directory_person_user(asking->identity, asking->directory, person, &rules, &failure);
    if (user || oriel_error_kind(failure) != ORIEL_ERROR_CONFLICT || !is_of(before, asking->directory) ||
        g_strcmp0(before->external_id, person->external_id) == 0) {
        if (failure)
            g_propagate_error(error, g_steal_pointer(&failure));
        return user;
    }
    recheck_follow(asking->identity, asking->directory, before);
    return directory_person_user(asking->identity, asking->directory, person, &rules, error);
}

static bool good_person(const Asking *asking, const DirectoryPerson *person, const GPtrArray *known, StoreUser **ret, GError **error)
{
    Identity *identity = asking->identity;
    g_auto(GStrv) lost = NULL;
    DirectoryPerson without = *person;
    without.groups = NULL; /* they are set here, to learn what was lost */
    g_autoptr(StoreUser) user = user_of(asking, &without, error);
    if (!user)
        return false;
    StorePersonGroups groups = {user->id, asking->directory->id, (const char *const *)person->groups};
    g_autofree char *who = g_strconcat("directory ", asking->directory->name, NULL);
    StoreActor actor = {.name = who};
    if (person->groups) {
        if (!store_person_groups_set(identity->store, &actor, &groups, &lost, error))
            return false;
        groups_notice(identity, &asking->ready->ask, known, lost, person->groups);
    }
    recheck_seen(identity, user->id);
    if (!password_keep(identity, &asking->ready->settings, user, asking->login->password, error))
        return false;
    *ret = g_steal_pointer(&user);
    return true;
}

/* The directory knows better: a password that it does not take is not kept, nor any of somebody whom it does not have. What somebody
 * guesses makes nothing forgotten. */
static bool forget_stale(const Asking *asking, LdapVerdict verdict, GError **error)
{
    const StoreUser *user = asking->login->user;
    Identity *identity = asking->identity;
    g_autoptr(GError) failure = NULL;
    bool matches = false, known = is_of(user, asking->directory);
    if (asking->ready->settings.when_down != LDAP_DOWN_CACHED)
        return true;
    g_autofree char *hash = store_directory_password_get(identity->store, known ? user->id : "", 0, &failure);
    if (failure) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return false;
    }
    /* Also where it does not matter: it takes as long for a name that nobody has. */
    if (!hash_verify(identity, hash, asking->login->password, &matches, error))
        return false;
    return !hash || (verdict == LDAP_PERSON_WRONG && !matches) || store_directory_password_forget(identity->store, user->id, error);
}

/* While the directory is silent. The same time for somebody of whom nothing is kept. */
static bool try_kept(const Asking *asking, StoreUser **ret, GError **error)
{
    const StoreUser *user = asking->login->user;
    int64_t since_ms = clock_utc_ms() - asking->ready->settings.cached_hours * 60 * 60 * 1000;
    g_autoptr(GError) failure = NULL;
    bool matches = false;
    if (asking->ready->settings.when_down != LDAP_DOWN_CACHED)
        return true;
    bool known = is_of(user, asking->directory) && user->enabled;
    g_autofree char *hash =
        store_directory_password_get(asking->identity->store, known ? user->id : "", since_ms, &failure);
    if (failure) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return false;
    }
    if (!hash_verify(asking->identity, hash, asking->login->password, &matches, error))
        return false;
    if (matches)
        *ret = store_user_find(asking->identity->store, user->id, error);
    return !matches || *ret;
}

typedef enum { ASKED_NEXT, ASKED_ENOUGH, ASKED_SILENT, ASKED_ERROR } Asked;

static Asked ask_one(const Asking *asking, StoreUser **ret, GError **error)
{
    g_auto(DirectoryPerson) person = {0};
    g_autoptr(GError) failure = NULL;
    const DirectoryLogin *login = asking->login;
    g_autoptr(GPtrArray) known = store_directory_groups(asking->identity->store, asking->directory->id, error);
    if (!known)
        return ASKED_ERROR;
    /* Oriel's own user or another directory's has this name: this one is asked for somebody who is not there, so that it takes as
     * long as for an unknown name, and never gets that password. */
    g_autoptr(SecretString) nobody = secret_token_new();
    bool foreign = login->user && !is_of(login->user, asking->directory);
    LdapQuestion question = {.user = foreign ? nobody : login->name,
                             .password = foreign ? nobody : login->password,
                             .groups = known->len > 0};
    switch (ldap_person_ask(&asking->ready->ask, &question, &person, &failure)) {
    case LDAP_PERSON_GOOD:
        return good_person(asking, &person, known, ret, error) ? ASKED_ENOUGH : ASKED_ERROR;
    case LDAP_PERSON_DISABLED:
        return forget_stale(asking, LDAP_PERSON_DISABLED, error) ? ASKED_ENOUGH : ASKED_ERROR;
    case LDAP_PERSON_WRONG:
        if (!forget_stale(asking, LDAP_PERSON_WRONG, error))
            return ASKED_ERROR;
        return asking->ready->settings.bind_name ? ASKED_ENOUGH : ASKED_NEXT; /* a template does not say whether there is somebody */
    case LDAP_PERSON_FAILED:
        if (oriel_error_kind(failure) != ORIEL_ERROR_UNAVAILABLE)
            return ASKED_ENOUGH; /* an entry that we cannot use; the test says why */
        g_propagate_error(error, g_steal_pointer(&failure));
        return ASKED_SILENT;
    case LDAP_PERSON_UNKNOWN:
    default:
        return forget_stale(asking, LDAP_PERSON_UNKNOWN, error) ? ASKED_NEXT : ASKED_ERROR;
    }
}

/* The sentence is the same for a known and an unknown name. */
static bool fail_silent(const StoreDirectory *directory, const LdapSettings *settings, GError **error)
{
    const char *name = *directory->display_name ? directory->display_name : directory->name;
    if (settings->when_down == LDAP_DOWN_CACHED)
        return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE,
                          "log in: the directory \"%s\" does not answer; only who has logged in during the last %" G_GINT64_FORMAT
                          " h can do so now, with the same password",
                          name, settings->cached_hours);
    return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE,
                      "log in: the directory \"%s\" does not answer, so that its users cannot log in now; try again later", name);
}

/* One directory, with what becomes of its silence: *ret_silence is the sentence for people, *ret_why the reason. */
static Asked ask_directory(Identity *identity, const DirectoryLogin *login, const StoreDirectory *directory,
                           DirectoryAnswer *answer, GError **error)
{
    g_auto(DirectoryReady) ready = {0};
    Asking asking = {identity, login, directory, &ready};
    g_autoptr(GError) failure = NULL;
    if (!directory_ready(identity, directory, &ready, error) || !turn_take(identity, error))
        return ASKED_ERROR;
    Asked asked = ask_one(&asking, &answer->user, &failure);
    turn_give(identity);
    if (asked != ASKED_SILENT) {
        if (failure)
            g_propagate_error(error, g_steal_pointer(&failure));
        return asked;
    }
    if (!try_kept(&asking, &answer->user, error))
        return ASKED_ERROR;
    if (answer->user)
        return ASKED_ENOUGH;
    if (!answer->silence) {
        fail_silent(directory, &ready.settings, &answer->silence);
        answer->why = g_strdup(failure->message);
    }
    return ASKED_NEXT;
}

void directory_answer_clear(DirectoryAnswer *answer)
{
    g_clear_pointer(&answer->user, store_user_free);
    g_clear_error(&answer->silence);
    g_clear_pointer(&answer->why, g_free);
}

static bool is_asked(const StoreDirectory *directory)
{
    return directory->enabled && directory->kind == STORE_DIRECTORY_LDAP;
}

/* Whose person has that name already: no other needs to be asked. NULL: none's that can be asked. */
static const StoreDirectory *theirs(const GPtrArray *directories, const StoreUser *user)
{
    for (unsigned i = 0; i < directories->len; i++)
        if (is_of(user, directories->pdata[i]) && is_asked(directories->pdata[i]))
            return directories->pdata[i];
    return NULL;
}

bool directories_login(Identity *identity, const DirectoryLogin *login, DirectoryAnswer *ret, GError **error)
{
    g_autoptr(GPtrArray) directories = store_directory_list(identity->store, error);
    if (!directories)
        return false;
    const StoreDirectory *only = theirs(directories, login->user);
    for (unsigned i = 0; i < directories->len; i++) {
        const StoreDirectory *directory = directories->pdata[i];
        if (!is_asked(directory) || (only && directory != only))
            continue;
        Asked asked = ask_directory(identity, login, directory, ret, error);
        if (asked == ASKED_ERROR)
            return false;
        if (asked == ASKED_ENOUGH)
            break;
    }
    if (ret->user && !ret->user->enabled)
        g_clear_pointer(&ret->user, store_user_free);
    return true;
}
