#include "identity/role.h"

#include <string.h>

#include "base/error.h"

#define EVERYBODY (ROLE_USER | ROLE_AUDITOR | ROLE_HELPDESK | ROLE_OPERATOR | ROLE_ADMIN)
#define FROM_USER (ROLE_USER | ROLE_HELPDESK | ROLE_OPERATOR | ROLE_ADMIN)
#define FROM_HELPDESK (ROLE_HELPDESK | ROLE_OPERATOR | ROLE_ADMIN)
#define FROM_OPERATOR (ROLE_OPERATOR | ROLE_ADMIN)

static const struct {
    const char *word;
    Roles roles;
    Scopes scopes; /* SCOPE_READ covers whatever reads, SCOPES_ALL everything */
} table[PERMISSIONS] = {
    [PERMISSION_ME] = {"me", EVERYBODY, SCOPES_ALL},
    [PERMISSION_TOTP] = {"totp", EVERYBODY, SCOPE_ACCOUNT | SCOPE_ENROL},
    [PERMISSION_SELF] = {"self", EVERYBODY, SCOPE_ACCOUNT},
    [PERMISSION_SESSION_OWN] = {"session.own", EVERYBODY, SCOPE_PORTAL | SCOPE_SESSIONS | SCOPE_KIOSK},
    [PERMISSION_DESKTOP_OWN] = {"desktop.own", EVERYBODY, SCOPE_PORTAL | SCOPE_DESKTOPS},
    [PERMISSION_PORTAL] = {"portal", FROM_USER, SCOPE_PORTAL | SCOPE_KIOSK},
    [PERMISSION_CONNECT_FOR_OTHERS] = {"connect.others", FROM_OPERATOR, SCOPE_DESKTOPS},
    [PERMISSION_SESSION_READ] = {"session.read", FROM_HELPDESK, SCOPE_SESSIONS},
    [PERMISSION_SESSION_WRITE] = {"session.write", FROM_HELPDESK, SCOPE_SESSIONS},
    [PERMISSION_DESKTOP_READ] = {"desktop.read", FROM_HELPDESK, SCOPE_DESKTOPS},
    [PERMISSION_DESKTOP_POWER] = {"desktop.power", FROM_HELPDESK, SCOPE_DESKTOPS},
    [PERMISSION_DESKTOP_ASSIGN] = {"desktop.assign", FROM_OPERATOR, SCOPE_DESKTOPS},
    [PERMISSION_DESKTOP_DELETE] = {"desktop.delete", ROLE_ADMIN, SCOPE_DESKTOPS},
    [PERMISSION_POOL_READ] = {"pool.read", FROM_OPERATOR, SCOPE_POOLS},
    [PERMISSION_POOL_WRITE] = {"pool.write", ROLE_ADMIN, SCOPE_POOLS},
    [PERMISSION_IMAGE_READ] = {"image.read", FROM_OPERATOR, SCOPE_IMAGES},
    [PERMISSION_IMAGE_WRITE] = {"image.write", ROLE_ADMIN, SCOPE_IMAGES},
    [PERMISSION_USER_READ] = {"user.read", ROLE_ADMIN, SCOPE_USERS},
    [PERMISSION_USER_WRITE] = {"user.write", ROLE_ADMIN, SCOPE_USERS},
    [PERMISSION_JOB_READ] = {"job.read", FROM_OPERATOR, SCOPE_JOBS},
    [PERMISSION_JOB_CANCEL] = {"job.cancel", FROM_OPERATOR, SCOPE_JOBS},
    [PERMISSION_EVENT_READ] = {"event.read", ROLE_AUDITOR | ROLE_ADMIN, SCOPE_AUDIT},
    [PERMISSION_STATUS_READ] = {"status.read", FROM_OPERATOR, SCOPE_HOSTS},
    [PERMISSION_HOST_WRITE] = {"host.write", ROLE_ADMIN, SCOPE_HOSTS},
    [PERMISSION_STREAM_ALL] = {"stream.all", FROM_OPERATOR, SCOPES_ALL},
};

/* In the order people read them. */
static const struct {
    Role role;
    const char *word;
} words[] = {
    {ROLE_ADMIN, "admin"},     {ROLE_OPERATOR, "operator"}, {ROLE_HELPDESK, "helpdesk"},
    {ROLE_AUDITOR, "auditor"}, {ROLE_USER, "user"},
};

bool identity_allows(Roles roles, Permission permission)
{
    return (unsigned)permission < PERMISSIONS && (table[permission].roles & roles) != 0;
}

bool scopes_allow(Scopes scopes, Permission permission, bool reads)
{
    if ((unsigned)permission >= PERMISSIONS)
        return false;
    return ((table[permission].scopes & scopes) != 0 && scopes != 0) || (reads && (scopes & SCOPE_READ));
}

const char *permission_word(Permission permission)
{
    return (unsigned)permission < PERMISSIONS ? table[permission].word : "";
}

const char *role_word(Role role)
{
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        if (words[i].role == role)
            return words[i].word;
    return NULL;
}

static Role role_of(const char *word)
{
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        if (strcmp(words[i].word, word) == 0)
            return words[i].role;
    return 0;
}

bool roles_parse(const char *text, Roles *ret, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(text, " ", 0);
    Roles roles = 0;
    for (char **part = parts; *part; part++) {
        if (!**part)
            continue;
        Role role = role_of(*part);
        if (!role)
            return oriel_fail(error, ORIEL_ERROR_INVALID,
                              "role \"%s\": unknown; allowed are admin, operator, helpdesk, auditor and user",
                              *part);
        roles |= role;
    }
    *ret = roles;
    return true;
}

char *roles_format(Roles roles)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        if (roles & words[i].role)
            g_string_append_printf(text, "%s%s", text->len ? " " : "", words[i].word);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* ---- scopes ---- */

static const struct {
    Scope scope;
    const char *word;
} scope_words[] = {
    {SCOPE_READ, "read"},         {SCOPE_PORTAL, "portal"}, {SCOPE_ACCOUNT, "account"}, {SCOPE_DESKTOPS, "desktops"},
    {SCOPE_SESSIONS, "sessions"}, {SCOPE_POOLS, "pools"},   {SCOPE_IMAGES, "images"},   {SCOPE_USERS, "users"},
    {SCOPE_JOBS, "jobs"},         {SCOPE_AUDIT, "audit"},   {SCOPE_HOSTS, "hosts"},   {SCOPE_ENROL, "enrol"},
    {SCOPE_KIOSK, "kiosk"},
};

static Scopes scope_of(const char *word)
{
    for (size_t i = 0; i < G_N_ELEMENTS(scope_words); i++)
        if (strcmp(scope_words[i].word, word) == 0)
            return scope_words[i].scope;
    return strcmp(word, "all") == 0 ? SCOPES_ALL : 0;
}

bool scopes_parse(const char *text, Scopes *ret, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(text, " ", 0);
    Scopes scopes = 0;
    for (char **part = parts; *part; part++) {
        if (!**part)
            continue;
        Scopes scope = scope_of(*part);
        if (!scope)
            return oriel_fail(error, ORIEL_ERROR_INVALID, "scope \"%s\": unknown; allowed are %s", *part, SCOPES_OF_TOKENS);
        scopes |= scope;
    }
    *ret = scopes;
    return true;
}

char *scopes_format(Scopes scopes)
{
    if (scopes == SCOPES_ALL)
        return g_strdup("all");
    g_autoptr(GString) text = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(scope_words); i++)
        if (scopes & scope_words[i].scope)
            g_string_append_printf(text, "%s%s", text->len ? " " : "", scope_words[i].word);
    return g_string_free(g_steal_pointer(&text), FALSE);
}
