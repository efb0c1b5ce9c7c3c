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
} table[PERMISSIONS] = {
    [PERMISSION_SELF] = {"self", EVERYBODY},
    [PERMISSION_PORTAL] = {"portal", FROM_USER},
    [PERMISSION_CONNECT_FOR_OTHERS] = {"connect.others", FROM_OPERATOR},
    [PERMISSION_SESSION_READ] = {"session.read", FROM_HELPDESK},
    [PERMISSION_SESSION_WRITE] = {"session.write", FROM_HELPDESK},
    [PERMISSION_DESKTOP_READ] = {"desktop.read", FROM_HELPDESK},
    [PERMISSION_DESKTOP_POWER] = {"desktop.power", FROM_HELPDESK},
    [PERMISSION_DESKTOP_ASSIGN] = {"desktop.assign", FROM_OPERATOR},
    [PERMISSION_DESKTOP_DELETE] = {"desktop.delete", ROLE_ADMIN},
    [PERMISSION_POOL_READ] = {"pool.read", FROM_OPERATOR},
    [PERMISSION_POOL_WRITE] = {"pool.write", ROLE_ADMIN},
    [PERMISSION_IMAGE_READ] = {"image.read", FROM_OPERATOR},
    [PERMISSION_IMAGE_WRITE] = {"image.write", ROLE_ADMIN},
    [PERMISSION_USER_READ] = {"user.read", ROLE_ADMIN},
    [PERMISSION_USER_WRITE] = {"user.write", ROLE_ADMIN},
    [PERMISSION_JOB_READ] = {"job.read", FROM_OPERATOR},
    [PERMISSION_JOB_CANCEL] = {"job.cancel", FROM_OPERATOR},
    [PERMISSION_EVENT_READ] = {"event.read", ROLE_AUDITOR | ROLE_ADMIN},
    [PERMISSION_STATUS_READ] = {"status.read", FROM_OPERATOR},
    [PERMISSION_HOST_WRITE] = {"host.write", ROLE_ADMIN},
    [PERMISSION_STREAM_ALL] = {"stream.all", FROM_OPERATOR},
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
