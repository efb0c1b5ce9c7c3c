#include "identity/ldap.h"

#include <stdarg.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "identity/ldap_connect.h"
#include "identity/ldap_guard.h"
#include "identity/ldap_text.h"

enum { PAGE = 500 };

/* ---- steps ---- */

void ldap_step_begin(LdapLink *link)
{
    link->step_ms = clock_monotonic_ms();
}

void ldap_step_end(LdapLink *link, const char *step, bool ok, const char *format, ...)
{
    int64_t now_ms = clock_monotonic_ms();
    if (link->ask->steps) {
        va_list args;
        va_start(args, format);
        DirectoryStep *done = g_new0(DirectoryStep, 1);
        g_autofree char *detail = g_strdup_vprintf(format, args);
        va_end(args);
        *done = (DirectoryStep){step, ok, g_utf8_make_valid(detail, -1), now_ms - link->step_ms};
        g_ptr_array_add(link->ask->steps, done);
    }
    link->step_ms = now_ms;
}

/* ---- time ---- */

/* What is left for the next operation; false: nothing. */
static bool time_left(LdapLink *link, struct timeval *ret, GError **error)
{
    int64_t left = link->ask->deadline_ms - clock_monotonic_ms();
    left = MIN(left, link->ask->settings->timeout_seconds * 1000);
    if (left <= 0)
        return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "server %s: did not answer in time", link->server);
    *ret = (struct timeval){left / 1000, left % 1000 * 1000};
    ldap_set_option(link->ld, LDAP_OPT_TIMEOUT, ret);
    ldap_set_option(link->ld, LDAP_OPT_NETWORK_TIMEOUT, ret);
    return true;
}

/* ---- failures ---- */

static char *diagnostic_of(LdapLink *link)
{
    char *text = NULL;
    ldap_get_option(link->ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &text);
    char *copy = text && *text ? g_utf8_make_valid(text, -1) : NULL;
    ldap_memfree(text);
    return copy;
}

static bool fail_code(LdapLink *link, int code, const char *what, GError **error)
{
    g_autofree char *diagnostic = diagnostic_of(link);
    return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "server %s: %s: %s%s%s%s", link->server, what, ldap_err2string(code),
                      diagnostic ? " (" : "", diagnostic ? diagnostic : "", diagnostic ? ")" : "");
}

/* ---- open, bind ---- */

void ldap_link_close(LdapLink *link)
{
    if (link->ld)
        ldap_unbind_ext(link->ld, NULL, NULL);
    link->ld = NULL;
    g_clear_pointer(&link->guard, ldap_guard_free);
}

bool ldap_link_open(LdapLink *link, const LdapAsk *ask, GError **error)
{
    g_autoptr(GError) failure = NULL;
    *link = (LdapLink){.ask = ask};
    for (size_t i = 0; ask->servers[i]; i++) {
        g_clear_error(&failure);
        link->server = ask->servers[i];
        if (ldap_connect_to(link, &failure))
            return true;
        ldap_link_close(link);
        if (ask->failed)
            ask->failed(link->server, ask->data);
    }
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
}

LdapBind ldap_link_bind(LdapLink *link, const char *name, const char *password, char **ret_why, GError **error)
{
    struct timeval left;
    struct berval credentials = {password ? strlen(password) : 0, (char *)password};
    if (credentials.bv_len == 0 || !*name) {
        if (ret_why)
            *ret_why = g_strdup("an empty password is never tried: servers take it for a bind without a name");
        return LDAP_BIND_WRONG;
    }
    if (!time_left(link, &left, error))
        return LDAP_BIND_FAILED;
    int code = ldap_sasl_bind_s(link->ld, name, LDAP_SASL_SIMPLE, &credentials, NULL, NULL, NULL);
    if (code == LDAP_SUCCESS)
        return LDAP_BIND_GOOD;
    switch (code) {
    case LDAP_INVALID_CREDENTIALS:
    case LDAP_NO_SUCH_OBJECT:
    case LDAP_INAPPROPRIATE_AUTH:
    case LDAP_INVALID_DN_SYNTAX:
    case LDAP_UNWILLING_TO_PERFORM: {
        g_autofree char *diagnostic = diagnostic_of(link);
        const char *reason = ldap_ad_reason(diagnostic);
        if (ret_why)
            *ret_why = g_strdup_printf("%s%s%s", ldap_err2string(code), reason || diagnostic ? ": " : "",
                                       reason       ? reason
                                       : diagnostic ? diagnostic
                                                    : "");
        return LDAP_BIND_WRONG;
    }
    default:
        fail_code(link, code, "bind", error);
        return LDAP_BIND_FAILED;
    }
}

bool ldap_link_bind_service(LdapLink *link, GError **error)
{
    const LdapSettings *settings = link->ask->settings;
    g_autofree char *why = NULL;
    if (!settings->bind_name)
        return true;
    switch (ldap_link_bind(link, settings->bind_name, link->ask->secret, &why, error)) {
    case LDAP_BIND_GOOD:
        return true;
    case LDAP_BIND_WRONG:
        return oriel_fail(error, ORIEL_ERROR_UNAVAILABLE, "server %s: does not let the service account in: %s", link->server, why);
    case LDAP_BIND_FAILED:
    default:
        return false;
    }
}

bool ldap_link_open_bound(LdapLink *link, const LdapAsk *ask, GError **error)
{
    g_autoptr(GError) failure = NULL;
    if (!ldap_link_open(link, ask, error))
        return false;
    if (!ask->settings->bind_name)
        return true;
    if (ldap_link_bind_service(link, &failure)) {
        ldap_step_end(link, "bind", true, "%s", ask->settings->bind_name);
        return true;
    }
    ldap_step_end(link, "bind", false, "%s", failure->message);
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
}

/* ---- search ---- */

/* The cookie of the next page; empty: this was the last one. */
static bool page_end(LdapLink *link, LDAPMessage *result, struct berval *cookie, GError **error)
{
    int code = 0;
    ber_int_t estimate = 0;
    LDAPControl **controls = NULL;
    ber_memfree(cookie->bv_val);
    *cookie = (struct berval){0};
    int parsed = ldap_parse_result(link->ld, result, &code, NULL, NULL, NULL, &controls, 0);
    LDAPControl *page = parsed == LDAP_SUCCESS ? ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, controls, NULL) : NULL;
    if (page)
        parsed = ldap_parse_pageresponse_control(link->ld, page, &estimate, cookie);
    ldap_controls_free(controls);
    return parsed == LDAP_SUCCESS || fail_code(link, parsed, "search", error);
}

static bool page_entries(LdapLink *link, LDAPMessage *result, LdapEach each, void *data, GError **error)
{
    for (LDAPMessage *entry = ldap_first_entry(link->ld, result); entry; entry = ldap_next_entry(link->ld, entry))
        if (!each(link, entry, data, error))
            return false;
    return true;
}

typedef struct {
    struct berval cookie;
    size_t count;
} Paging;

/* One page. */
static bool search_page(LdapLink *link, const LdapSearch *search, Paging *paging, LDAPMessage **ret, GError **error)
{
    struct timeval left;
    LDAPControl *page = NULL;
    if (!time_left(link, &left, error))
        return false;
    int code = ldap_create_page_control(link->ld, PAGE, &paging->cookie, 0, &page);
    if (code != LDAP_SUCCESS)
        return fail_code(link, code, "search", error);
    LDAPControl *controls[] = {page, NULL};
    code = ldap_search_ext_s(link->ld, search->base, search->scope, search->filter, (char **)search->attributes, 0,
                             search->scope == LDAP_SCOPE_BASE ? NULL : controls, NULL, &left, LDAP_NO_LIMIT, ret);
    ldap_control_free(page);
    if (code != LDAP_SUCCESS && code != LDAP_NO_SUCH_OBJECT && code != LDAP_PARTIAL_RESULTS && code != LDAP_REFERRAL)
        return fail_code(link, code, "search", error);
    paging->count += (size_t)MAX(0, ldap_count_entries(link->ld, *ret));
    return paging->count <= search->most ||
           oriel_fail(error, ORIEL_ERROR_TOO_LARGE, "server %s: more than %zu entries match", link->server, search->most);
}

bool ldap_link_search(LdapLink *link, const LdapSearch *search, LdapEach each, void *data, GError **error)
{
    Paging paging = {0};
    bool done = true;
    do {
        LDAPMessage *result = NULL;
        done = search_page(link, search, &paging, &result, error) && page_entries(link, result, each, data, error) &&
               page_end(link, result, &paging.cookie, error);
        ldap_msgfree(result);
    } while (done && paging.cookie.bv_len > 0);
    ber_memfree(paging.cookie.bv_val);
    return done;
}

/* ---- entries ---- */

char *ldap_entry_id(LdapLink *link, LDAPMessage *entry, const char *attribute)
{
    struct berval **values = ldap_get_values_len(link->ld, entry, attribute);
    char *text = values && values[0] ? ldap_id_text(attribute, values[0]->bv_val, values[0]->bv_len) : NULL;
    ldap_value_free_len(values);
    return text;
}

char *ldap_entry_text(LdapLink *link, LDAPMessage *entry, const char *attribute)
{
    struct berval **values = ldap_get_values_len(link->ld, entry, attribute);
    g_autofree char *text = values && values[0] ? g_strndup(values[0]->bv_val, values[0]->bv_len) : NULL;
    ldap_value_free_len(values);
    return text ? g_utf8_make_valid(text, -1) : NULL;
}

char *ldap_entry_name(LdapLink *link, LDAPMessage *entry)
{
    char *name = ldap_get_dn(link->ld, entry);
    char *copy = name ? g_utf8_make_valid(name, -1) : NULL;
    ldap_memfree(name);
    return copy;
}
