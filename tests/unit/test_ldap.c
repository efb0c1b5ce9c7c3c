/* What Oriel says to LDAP servers and reads of them: escaping, filters, ids, account flags. */
#include <string.h>

#include "base/error.h"
#include "identity/ldap_person.h"
#include "identity/ldap_text.h"

static void test_filter_escape(void)
{
    const struct {
        const char *value, *escaped;
    } cases[] = {
        {"anna", "anna"},
        {"*", "\\2a"},
        {"anna)(uid=*", "anna\\29\\28uid=\\2a"},
        {"a\\b", "a\\5cb"},
        {"", ""},
        {"cn=Ann Ascot,ou=x", "cn=Ann Ascot,ou=x"},
        {"J\xc3\xbcrgen", "J\\c3\\bcrgen"},
        {"&|~\n", "\\26\\7c\\7e\\0a"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *escaped = ldap_filter_escape(cases[i].value);
        g_assert_cmpstr(escaped, ==, cases[i].escaped);
    }
    g_autofree char *bytes = ldap_filter_escape_bytes("a\0b", 3);
    g_assert_cmpstr(bytes, ==, "a\\00b");
}

static void test_template(void)
{
    const struct {
        const char *bind_template, *user, *name;
    } cases[] = {
        {"uid={user},ou=people", "ann", "uid=ann,ou=people"},
        {"uid={user},ou=people", "ann,ou=admins", "uid=ann\\2cou\\3dadmins,ou=people"},
        {"uid={user},ou=people", "#x", "uid=\\23x,ou=people"},
        {"uid={user},ou=people", " a b ", "uid=\\20a b\\20,ou=people"},
        {"uid={user},ou=people", "a\\", "uid=a\\5c,ou=people"},
        {"{user}@corp.example", "ann", "ann@corp.example"},
        {"cn={user},ou={user}", "x", "cn=x,ou=x"},
        {"uid={user},dc=x", "{user}", "uid=\\7buser\\7d,dc=x"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *name = ldap_template_fill(cases[i].bind_template, cases[i].user);
        g_assert_cmpstr(name, ==, cases[i].name);
    }
}

static void test_ids(void)
{
    const unsigned char guid[] = {0x1a, 0x0e, 0x5c, 0x4f, 0xcd, 0xab, 0x34, 0x12, 0x80, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07};
    g_autofree char *text = ldap_id_text("objectGUID", guid, sizeof guid);
    g_assert_cmpstr(text, ==, "4f5c0e1a-abcd-1234-8001-020304050607");
    g_autofree char *filter = ldap_id_filter("objectguid", text);
    g_autofree char *same = ldap_filter_escape_bytes(guid, sizeof guid);
    g_assert_cmpstr(filter, ==, same);
    g_autofree char *uuid = ldap_id_text("entryUUID", "4f5c0e1a-abcd", 13);
    g_assert_cmpstr(uuid, ==, "4f5c0e1a-abcd");
    g_autofree char *bytes = ldap_id_text("other", "\x00\xff", 2);
    g_assert_cmpstr(bytes, ==, "#00ff");
    g_autofree char *back = ldap_id_filter("other", bytes);
    g_assert_cmpstr(back, ==, "\\00\\ff");
    g_autofree char *odd = ldap_id_filter("other", "#0");
    g_assert_cmpstr(odd, ==, "#0");
    g_autofree char *hash = ldap_id_text("other", "#00", 3); /* a text that looks like bytes is written as bytes */
    g_assert_cmpstr(hash, ==, "#233030");
}

static void test_accounts(void)
{
    g_assert_true(ldap_control_is_disabled("514"));
    g_assert_true(ldap_control_is_disabled("66050"));
    g_assert_false(ldap_control_is_disabled("512"));
    g_assert_false(ldap_control_is_disabled("rubbish"));
    g_assert_false(ldap_control_is_disabled("99999999999"));
    g_assert_false(ldap_control_is_disabled(NULL));
    g_assert_true(ldap_locked_for_good("000001010000Z"));
    g_assert_false(ldap_locked_for_good("20261129120000Z"));
    g_assert_cmpstr(ldap_ad_reason("80090308: LdapErr: DSID-0C09044E, comment: AcceptSecurityContext error, data 533, v3839"), ==,
                    "the account is disabled");
    g_assert_null(ldap_ad_reason("data 5331, v1"));
    g_assert_null(ldap_ad_reason("data "));
    g_assert_null(ldap_ad_reason(NULL));
}

static LdapSettings settings_of(const char *type, const char *nested, Json **ret)
{
    g_autoptr(GError) error = NULL;
    LdapSettings settings;
    *ret = json_pack("{s:s, s:s?, s:[s], s:s, s:s}", "type", type, "nested_groups", nested, "servers", "ldaps://dc", "base", "dc=x",
                     "bind_name", "cn=o");
    if (!nested)
        json_object_del(*ret, "nested_groups");
    g_assert_true(ldap_settings_read(*ret, &settings, &error));
    g_assert_no_error(error);
    return settings;
}

static void test_filters(void)
{
    const char *const members[] = {"cn=a (b),dc=x", "cn=c,dc=x", NULL};
    g_autoptr(Json) open = NULL;
    g_autoptr(Json) chain = NULL;
    g_autoptr(Json) search = NULL;
    g_auto(LdapSettings) openldap = settings_of("openldap", NULL, &open);
    g_auto(LdapSettings) ad = settings_of("active-directory", NULL, &chain);
    g_auto(LdapSettings) ad_search = settings_of("active-directory", "search", &search);
    g_autofree char *user = ldap_user_filter(&openldap, "ann*");
    g_assert_cmpstr(user, ==, "(&(objectClass=inetOrgPerson)(uid=ann\\2a))");
    g_autofree char *ad_user = ldap_user_filter(&ad, "ann");
    g_assert_cmpstr(ad_user, ==, "(&(&(objectClass=user)(!(objectClass=computer)))(sAMAccountName=ann))");
    g_autofree char *by_id = ldap_id_user_filter(&openldap, "5b0c7c2e-1f0a-103d-8d0a-d1f0a4b6c001");
    g_assert_cmpstr(by_id, ==, "(&(objectClass=inetOrgPerson)(entryUUID=5b0c7c2e-1f0a-103d-8d0a-d1f0a4b6c001))");
    g_autofree char *by_guid = ldap_id_user_filter(&ad, "03020100-0504-0706-0809-0a0b0c0d0e0f");
    g_assert_cmpstr(by_guid, ==, "(&(&(objectClass=user)(!(objectClass=computer)))"
                                 "(objectGUID=\\00\\01\\02\\03\\04\\05\\06\\07\\08\\09\\0a\\0b\\0c\\0d\\0e\\0f))");
    g_autofree char *in_chain = ldap_member_filter(&ad, members, "ann");
    g_assert_cmpstr(in_chain, ==,
                    "(&(objectClass=group)(|(member:1.2.840.113556.1.4.1941:=cn=a \\28b\\29,dc=x)"
                    "(member:1.2.840.113556.1.4.1941:=cn=c,dc=x)))");
    g_autofree char *by_search = ldap_member_filter(&ad_search, members + 1, "ann");
    g_assert_cmpstr(by_search, ==, "(&(objectClass=group)(|(member=cn=c,dc=x)))");
    g_autofree char *posix = ldap_member_filter(&openldap, members + 1, "ann");
    g_assert_nonnull(strstr(posix, "(|(member=cn=c,dc=x)(uniqueMember=cn=c,dc=x)(memberUid=ann))"));
    g_autofree char *above = ldap_member_filter(&openldap, members + 1, NULL);
    g_assert_null(strstr(above, "memberUid"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ldap/filter-escape", test_filter_escape);
    g_test_add_func("/ldap/template", test_template);
    g_test_add_func("/ldap/ids", test_ids);
    g_test_add_func("/ldap/accounts", test_accounts);
    g_test_add_func("/ldap/filters", test_filters);
    return g_test_run();
}
