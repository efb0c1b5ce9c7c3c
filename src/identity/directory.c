#include "identity/directory.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/secret.h"
#include "identity/internal.h"
#include "identity/ldap_settings.h"
#include "identity/oidc_settings.h"

static bool check_kind(StoreDirectoryKind kind, Json *settings, GError **error)
{
    g_auto(LdapSettings) ldap = {0};
    g_auto(OidcSettings) oidc = {0};
    if (kind == STORE_DIRECTORY_OIDC)
        return oidc_settings_read(settings, &oidc, error);
    return ldap_settings_read(settings, &ldap, error);
}

bool directory_settings_check(StoreDirectoryKind kind, Json *settings, char **ret_text, GError **error)
{
    if (!check_kind(kind, settings, error))
        return false;
    g_autofree char *text = json_text(settings);
    if (strlen(text) > LIMIT_DIRECTORY_SETTINGS)
        return oriel_fail(error, ORIEL_ERROR_TOO_LARGE, "directory: its settings are more than %d KiB",
                          LIMIT_DIRECTORY_SETTINGS / 1024);
    *ret_text = g_steal_pointer(&text);
    return true;
}

static char *purpose_of(const char *directory_id)
{
    return g_strconcat("directory ", directory_id, NULL);
}

char *directory_secret_seal(const char *directory_id, const char *secret)
{
    g_autofree char *purpose = purpose_of(directory_id);
    return secret_seal(purpose, secret);
}

char *directory_secret_open(const StoreDirectory *directory, GError **error)
{
    g_autofree char *purpose = purpose_of(directory->id);
    return directory->sealed_secret ? secret_open(purpose, directory->sealed_secret, error) : NULL;
}

void directory_step_free(DirectoryStep *step)
{
    if (!step)
        return;
    g_free(step->detail);
    g_free(step);
}

void directory_person_clear(DirectoryPerson *person)
{
    g_clear_pointer(&person->external_id, g_free);
    g_clear_pointer(&person->name, g_free);
    g_clear_pointer(&person->display_name, g_free);
    g_clear_pointer(&person->email, g_free);
    g_clear_pointer(&person->groups, g_strfreev);
}

/* What a line of text may be in Oriel: valid, without control characters, cut at a letter's end. */
static char *line_of(const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text ? text : "", -1);
    for (char *at = valid; *at; at++)
        if (g_ascii_iscntrl(*at))
            *at = ' ';
    const char *end = strlen(valid) > LIMIT_TEXT ? g_utf8_find_prev_char(valid, valid + LIMIT_TEXT + 1) : NULL;
    return end ? g_strndup(valid, (size_t)(end - valid)) : g_steal_pointer(&valid);
}

StoreUser *directory_person_user(Identity *identity, const StoreDirectory *directory, const DirectoryPerson *person,
                                 const DirectoryRules *rules, GError **error)
{
    g_autofree char *name = g_ascii_strdown(person->name, -1);
    g_autofree char *display_name = line_of(person->display_name), *email = line_of(person->email);
    if (!name_check(name, "user", error))
        return NULL;
    g_autofree char *who = g_strconcat("directory ", directory->name, NULL);
    StoreActor actor = {.name = who};
    StorePerson fields = {.directory_id = directory->id,
                          .external_id = person->external_id,
                          .name = name,
                          .display_name = display_name,
                          .email = email,
                          .roles = rules->role,
                          .allow_create = rules->allow_create};
    g_autoptr(StoreUser) user = store_person_user(identity->store, &actor, &fields, error);
    if (!user || !person->groups)
        return g_steal_pointer(&user);
    StorePersonGroups groups = {user->id, directory->id, (const char *const *)person->groups};
    return store_person_groups_set(identity->store, &actor, &groups, NULL, error) ? g_steal_pointer(&user) : NULL;
}
