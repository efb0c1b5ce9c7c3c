#include "identity/ldap_person.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/secret.h"
#include "identity/ldap_text.h"

enum { PEOPLE_MOST = 1, MEMBERS_A_FILTER = 40, NESTING_MOST = 16 };

void ldap_group_clear(LdapGroup *group)
{
    g_clear_pointer(&group->external_id, g_free);
    g_clear_pointer(&group->name, g_free);
}

/* ---- filters ---- */

char *ldap_user_filter(const LdapSettings *settings, const char *user)
{
    g_autofree char *value = ldap_filter_escape(user);
    return g_strdup_printf("(&%s(%s=%s))", settings->user_filter, settings->login_attribute, value);
}

char *ldap_id_user_filter(const LdapSettings *settings, const char *id)
{
    g_autofree char *value = ldap_id_filter(settings->id_attribute, id);
    return g_strdup_printf("(&%s(%s=%s))", settings->user_filter, settings->id_attribute, value);
}

char *ldap_member_filter(const LdapSettings *settings, const char *const *members, const char *user)
{
    GString *filter = g_string_new(NULL);
    bool directory = settings->type == LDAP_TYPE_ACTIVE_DIRECTORY;
    const char *member = settings->nested_groups == LDAP_NESTED_CHAIN ? "member:1.2.840.113556.1.4.1941:" : "member";
    g_string_append_printf(filter, "(&%s(|", settings->group_filter);
    for (size_t i = 0; members[i]; i++) {
        g_autofree char *value = ldap_filter_escape(members[i]);
        g_string_append_printf(filter, "(%s=%s)", member, value);
        if (!directory)
            g_string_append_printf(filter, "(uniqueMember=%s)", value);
    }
    if (user && !directory) {
        g_autofree char *value = ldap_filter_escape(user);
        g_string_append_printf(filter, "(memberUid=%s)", value);
    }
    g_string_append(filter, "))");
    return g_string_free(filter, FALSE);
}

/* ---- the person ---- */

typedef struct {
    const char *typed;
    bool by_id; /* and not by the name, which may be another now */
    DirectoryPerson person;
    char *dn;
    bool disabled;
    unsigned count;
} Found;

static void found_clear(Found *found)
{
    directory_person_clear(&found->person);
    g_clear_pointer(&found->dn, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Found, found_clear)

/* The value that was typed, as the directory writes it; of several values the others are other names of the person. *ret_other: there
 * are only others. Directories compare loosely, by width and accents: whoever guesses would have many names for one person, each
 * with attempts of its own. */
static char *login_name(LdapLink *link, LDAPMessage *entry, const char *typed, bool *ret_other)
{
    struct berval **values = ldap_get_values_len(link->ld, entry, link->ask->settings->login_attribute);
    char *name = NULL;
    for (int i = 0; values && values[i] && !name; i++) {
        g_autofree char *value = g_strndup(values[i]->bv_val, values[i]->bv_len);
        if (g_ascii_strcasecmp(value, typed) == 0)
            name = g_utf8_make_valid(value, -1);
    }
    *ret_other = values && values[0] && !name;
    ldap_value_free_len(values);
    return name;
}

static bool person_entry(LdapLink *link, LDAPMessage *entry, void *data, GError **error)
{
    const LdapSettings *settings = link->ask->settings;
    Found *found = data;
    bool other = false;
    g_autofree char *name = login_name(link, entry, found->typed, &other);
    if (other && found->by_id)
        name = ldap_entry_text(link, entry, settings->login_attribute);
    if ((other && !found->by_id) || found->count++ > 0)
        return true;
    g_autofree char *control = ldap_entry_text(link, entry, "userAccountControl");
    g_autofree char *locked = ldap_entry_text(link, entry, "pwdAccountLockedTime");
    found->dn = ldap_entry_name(link, entry);
    found->person.name = g_steal_pointer(&name);
    found->person.external_id = ldap_entry_id(link, entry, settings->id_attribute);
    found->person.display_name = ldap_entry_text(link, entry, settings->name_attribute);
    found->person.email = ldap_entry_text(link, entry, settings->mail_attribute);
    found->disabled = ldap_control_is_disabled(control) || ldap_locked_for_good(locked);
    if (!found->person.name || !found->person.external_id || !found->dn)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "user \"%s\": the entry has no %s that Oriel may read", found->typed,
                          found->person.name ? settings->id_attribute : settings->login_attribute);
    return true;
}

static bool person_find(LdapLink *link, const LdapQuestion *question, Found *ret, GError **error)
{
    const LdapSettings *settings = link->ask->settings;
    const char *user = question->user;
    g_autofree char *filter =
        question->id ? ldap_id_user_filter(settings, question->id) : ldap_user_filter(settings, user);
    const char *attributes[] = {settings->login_attribute, settings->id_attribute, settings->name_attribute,
                                settings->mail_attribute,  "userAccountControl",   "pwdAccountLockedTime",
                                NULL};
    LdapSearch search = {settings->users_base, LDAP_SCOPE_SUBTREE, filter, attributes, PEOPLE_MOST + 1};
    g_autoptr(GError) failure = NULL;
    ret->typed = user;
    ret->by_id = question->id != NULL;
    if (!ldap_link_search(link, &search, person_entry, ret, &failure)) {
        ldap_step_end(link, "find", false, "%s: %s", filter, failure->message);
        g_propagate_error(error, g_steal_pointer(&failure));
        return false;
    }
    if (ret->count > PEOPLE_MOST) {
        ldap_step_end(link, "find", false, "%s: more than one entry matches", filter);
        return oriel_fail(error, ORIEL_ERROR_INVALID, "user \"%s\": more than one entry of the directory has this name", user);
    }
    if (ret->count == 0)
        ldap_step_end(link, "find", false, "%s: no entry under %s matches", filter, settings->users_base);
    else
        ldap_step_end(link, "find", !ret->disabled, "%s, id %s%s", ret->dn, ret->person.external_id,
                      ret->disabled ? ": the account is disabled" : "");
    return true;
}

/* ---- their groups ---- */

typedef struct {
    GHashTable *seen; /* external ids */
    GPtrArray *next;  /* DNs of groups that were seen now for the first time */
} Groups;

static bool group_entry(LdapLink *link, LDAPMessage *entry, void *data, GError **error)
{
    Groups *groups = data;
    char *id = ldap_entry_id(link, entry, link->ask->settings->id_attribute);
    char *name = ldap_entry_name(link, entry);
    if (id && name && g_hash_table_add(groups->seen, g_steal_pointer(&id)))
        g_ptr_array_add(groups->next, g_steal_pointer(&name));
    g_free(id);
    g_free(name);
    return g_hash_table_size(groups->seen) <= LIMIT_DIRECTORY_GROUPS ||
           oriel_fail(error, ORIEL_ERROR_TOO_LARGE, "more than %d groups of the directory have this person as a member",
                      LIMIT_DIRECTORY_GROUPS);
}

/* Groups that name one of these; a filter has a bound, so that it is asked in parts. */
static bool groups_above(LdapLink *link, const GPtrArray *members, const char *user, Groups *groups, GError **error)
{
    const LdapSettings *settings = link->ask->settings;
    const char *attributes[] = {settings->id_attribute, NULL};
    for (unsigned from = 0; from < members->len; from += MEMBERS_A_FILTER) {
        const char *part[MEMBERS_A_FILTER + 1] = {NULL};
        for (unsigned i = from; i < members->len && i < from + MEMBERS_A_FILTER; i++)
            part[i - from] = members->pdata[i];
        g_autofree char *filter = ldap_member_filter(settings, part, user);
        LdapSearch search = {settings->groups_base, LDAP_SCOPE_SUBTREE, filter, attributes, LIMIT_DIRECTORY_GROUPS};
        if (!ldap_link_search(link, &search, group_entry, groups, error))
            return false;
    }
    return true;
}

static char **texts_of(GHashTable *set)
{
    g_autoptr(GPtrArray) array = g_ptr_array_new();
    GHashTableIter iter;
    gpointer key;
    g_hash_table_iter_init(&iter, set);
    while (g_hash_table_iter_next(&iter, &key, NULL))
        g_ptr_array_add(array, g_strdup(key));
    g_ptr_array_add(array, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&array), FALSE);
}

/* Level by level: groups of the person, groups of those groups ... A circle ends it, for nothing new is seen then. */
static bool groups_find(LdapLink *link, Found *found, GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GPtrArray) members = g_ptr_array_new_with_free_func(g_free);
    unsigned levels = link->ask->settings->nested_groups == LDAP_NESTED_SEARCH ? NESTING_MOST : 1;
    g_ptr_array_add(members, g_strdup(found->dn));
    for (unsigned level = 0; level < levels && members->len > 0; level++) {
        g_autoptr(GError) failure = NULL;
        g_autoptr(GPtrArray) next = g_ptr_array_new_with_free_func(g_free);
        Groups groups = {seen, next};
        if (!groups_above(link, members, level == 0 ? found->person.name : NULL, &groups, &failure)) {
            ldap_step_end(link, "groups", false, "%s", failure->message);
            g_propagate_error(error, g_steal_pointer(&failure));
            return false;
        }
        g_ptr_array_unref(members);
        members = g_steal_pointer(&next);
    }
    found->person.groups = texts_of(seen);
    ldap_step_end(link, "groups", true, "member of %u groups of the directory", g_hash_table_size(seen));
    return true;
}

/* ---- the whole question ---- */

static void bind_nobody(LdapLink *link)
{
    g_autofree char *nobody = secret_token_new();
    g_autofree char *name = g_strdup_printf("cn=%s,%s", nobody, link->ask->settings->users_base);
    ldap_link_bind(link, name, nobody, NULL, NULL);
}

static LdapVerdict bind_person(LdapLink *link, const char *name, const char *password, GError **error)
{
    g_autofree char *why = NULL;
    g_autoptr(GError) failure = NULL;
    switch (ldap_link_bind(link, name, password, &why, &failure)) {
    case LDAP_BIND_GOOD:
        ldap_step_end(link, "bind-user", true, "%s", name);
        return LDAP_PERSON_GOOD;
    case LDAP_BIND_WRONG:
        ldap_step_end(link, "bind-user", false, "%s: %s", name, why);
        return LDAP_PERSON_WRONG;
    case LDAP_BIND_FAILED:
    default:
        ldap_step_end(link, "bind-user", false, "%s: %s", name, failure->message);
        g_propagate_error(error, g_steal_pointer(&failure));
        return LDAP_PERSON_FAILED;
    }
}

/* With a service account: find, then bind as the person, then be the service again for the groups. */
static LdapVerdict ask_by_service(LdapLink *link, const LdapQuestion *question, Found *found, GError **error)
{
    if (!person_find(link, question, found, error))
        return LDAP_PERSON_FAILED;
    if (found->count == 0) {
        if (question->password)
            bind_nobody(link);
        return LDAP_PERSON_UNKNOWN;
    }
    LdapVerdict verdict =
        question->password ? bind_person(link, found->dn, question->password, error) : LDAP_PERSON_GOOD;
    if (verdict != LDAP_PERSON_GOOD)
        return verdict;
    if (found->disabled)
        return LDAP_PERSON_DISABLED;
    if (question->password && question->groups && !ldap_link_bind_service(link, error))
        return LDAP_PERSON_FAILED;
    return LDAP_PERSON_GOOD;
}

/* Without one the person looks themselves up. */
static LdapVerdict ask_by_template(LdapLink *link, const LdapQuestion *question, Found *found, GError **error)
{
    g_autofree char *name = ldap_template_fill(link->ask->settings->bind_template, question->user);
    LdapVerdict verdict = bind_person(link, name, question->password, error);
    if (verdict != LDAP_PERSON_GOOD)
        return verdict;
    if (!person_find(link, question, found, error))
        return LDAP_PERSON_FAILED;
    return found->count == 0 ? LDAP_PERSON_UNKNOWN : found->disabled ? LDAP_PERSON_DISABLED : LDAP_PERSON_GOOD;
}

LdapVerdict ldap_person_ask(const LdapAsk *ask, const LdapQuestion *question, DirectoryPerson *ret, GError **error)
{
    g_auto(LdapLink) link = {0};
    g_auto(Found) found = {0};
    if (!ldap_link_open_bound(&link, ask, error))
        return LDAP_PERSON_FAILED;
    LdapVerdict verdict = ask->settings->bind_name ? ask_by_service(&link, question, &found, error)
                                                   : ask_by_template(&link, question, &found, error);
    if (verdict == LDAP_PERSON_GOOD && question->groups && !groups_find(&link, &found, error))
        return LDAP_PERSON_FAILED;
    if (verdict == LDAP_PERSON_GOOD) {
        *ret = found.person;
        found.person = (DirectoryPerson){0};
    }
    return verdict;
}

/* ---- groups as such ---- */

typedef struct {
    LdapGroup group;
    unsigned count;
} OneGroup;

static bool one_group_entry(LdapLink *link, LDAPMessage *entry, void *data, GError **error)
{
    OneGroup *one = data;
    if (one->count++ == 0) {
        one->group.external_id = ldap_entry_id(link, entry, link->ask->settings->id_attribute);
        one->group.name = ldap_entry_name(link, entry);
    }
    return true;
}

static bool demand_service(const LdapAsk *ask, GError **error)
{
    return ask->settings->bind_name ||
           oriel_fail(error, ORIEL_ERROR_CONFLICT,
                      "the directory has no service account (\"bind_name\"), so that nobody can look for groups in it");
}

/* A name is not the DN of something else that is no group: the filter decides. */
static bool group_search(LdapLink *link, const char *text, OneGroup *one, GError **error)
{
    const LdapSettings *settings = link->ask->settings;
    const char *attributes[] = {settings->id_attribute, NULL};
    g_autofree char *value = ldap_filter_escape(text);
    g_autofree char *by_name = g_strdup_printf("(&%s(|(cn=%s)(sAMAccountName=%s)))", settings->group_filter, value, value);
    LdapSearch search = {settings->groups_base, LDAP_SCOPE_SUBTREE, by_name, attributes, 2};
    LDAPDN parsed = NULL;
    if (strchr(text, '=') && ldap_str2dn(text, &parsed, LDAP_DN_FORMAT_LDAPV3) == LDAP_SUCCESS) {
        ldap_dnfree(parsed);
        search = (LdapSearch){text, LDAP_SCOPE_BASE, settings->group_filter, attributes, 2};
    }
    return ldap_link_search(link, &search, one_group_entry, one, error);
}

bool ldap_group_find(const LdapAsk *ask, const char *text, LdapGroup *ret, GError **error)
{
    g_auto(LdapLink) link = {0};
    OneGroup one = {0};
    if (!demand_service(ask, error) || !ldap_link_open_bound(&link, ask, error))
        return false;
    bool done = group_search(&link, text, &one, error);
    if (done && one.count == 0)
        done = oriel_fail(error, ORIEL_ERROR_NOT_FOUND, "the directory has no group \"%s\" under %s", text,
                          ask->settings->groups_base);
    else if (done && one.count > 1)
        done = oriel_fail(error, ORIEL_ERROR_CONFLICT, "the directory has several groups \"%s\"; give the DN of one", text);
    else if (done && (!one.group.external_id || !one.group.name))
        done = oriel_fail(error, ORIEL_ERROR_INVALID, "group \"%s\": has no %s that Oriel may read", text,
                          ask->settings->id_attribute);
    if (!done) {
        ldap_group_clear(&one.group);
        return false;
    }
    *ret = one.group;
    return true;
}

bool ldap_groups_missing(const LdapAsk *ask, char **external_ids, GPtrArray *ret_missing, GError **error)
{
    const LdapSettings *settings = ask->settings;
    const char *attributes[] = {settings->id_attribute, NULL};
    g_auto(LdapLink) link = {0};
    if (!demand_service(ask, error) || !ldap_link_open_bound(&link, ask, error))
        return false;
    for (size_t i = 0; external_ids[i]; i++) {
        OneGroup one = {0};
        g_autofree char *value = ldap_id_filter(settings->id_attribute, external_ids[i]);
        g_autofree char *filter = g_strdup_printf("(&%s(%s=%s))", settings->group_filter, settings->id_attribute, value);
        LdapSearch search = {settings->groups_base, LDAP_SCOPE_SUBTREE, filter, attributes, 2};
        bool done = ldap_link_search(&link, &search, one_group_entry, &one, error);
        ldap_group_clear(&one.group);
        if (!done)
            return false;
        if (one.count == 0)
            g_ptr_array_add(ret_missing, external_ids[i]);
    }
    return true;
}
