#include <arpa/inet.h>
#include <netinet/in.h>

#include "gateway/address.h"

static struct sockaddr_in6 six(const char *text, uint16_t port)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_scope_id = 3};
    g_assert_cmpint(inet_pton(AF_INET6, text, &address.sin6_addr), ==, 1);
    return address;
}

static void test_text(void)
{
    static const struct {
        const char *address;
        const char *text;
    } rows[] = {
        {"2001:db8::1", "[2001:db8::1]:51234"},
        {"::1", "[::1]:51234"},
        {"fe80::1", "[fe80::1]:51234"},
        {"::ffff:192.0.2.7", "192.0.2.7:51234"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct sockaddr_in6 address = six(rows[i].address, 51234);
        g_autofree char *text = address_text((const struct sockaddr *)&address);
        g_assert_cmpstr(text, ==, rows[i].text);
    }
    struct sockaddr_in four = {
        .sin_family = AF_INET, .sin_port = htons(80), .sin_addr.s_addr = htonl(0xc0000207)};
    g_autofree char *text = address_text((const struct sockaddr *)&four);
    g_assert_cmpstr(text, ==, "192.0.2.7:80");
}

static AddressCount *take(AddressTable *table, const char *text)
{
    struct sockaddr_in6 address = six(text, 1);
    return address_take(table, (const struct sockaddr *)&address);
}

static void test_places(void)
{
    AddressTable *table = address_table_new(2);
    AddressCount *first = take(table, "2001:db8::1");
    AddressCount *second = take(table, "2001:db8::2");
    g_assert_nonnull(first);
    g_assert_true(first == second); /* one /64 is one client */
    g_assert_null(take(table, "2001:db8::3"));
    AddressCount *other = take(table, "2001:db8:0:1::1");
    g_assert_nonnull(other);
    AddressCount *four = take(table, "::ffff:192.0.2.7");
    AddressCount *neighbour = take(table, "::ffff:192.0.2.8");
    g_assert_nonnull(four);
    g_assert_true(four != neighbour); /* IPv4 counts one by one */
    address_release(table, first);
    g_assert_true(take(table, "2001:db8::3") == second);
    address_release(table, second);
    address_release(table, second);
    address_release(table, other);
    address_release(table, four);
    address_release(table, neighbour);
    address_release(table, NULL);
    address_table_free(table);
    address_table_free(NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gateway/address/text", test_text);
    g_test_add_func("/gateway/address/places", test_places);
    return g_test_run();
}
