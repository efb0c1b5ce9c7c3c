#include "gateway/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

/* A counted address: IPv6 by its /64 with the rest zero, IPv4 mapped (::ffff:192.0.2.7) and whole. */
struct AddressCount {
    uint8_t key[16];
    unsigned connections;
};

struct AddressTable {
    GHashTable *counts; /* key → AddressCount, one allocation for both */
    unsigned limit;
};

/* The address as IPv6 (IPv4 mapped) and its port. An unknown family gives zeros. */
static uint16_t address_normal(const struct sockaddr *address, struct in6_addr *ret_address)
{
    memset(ret_address, 0, sizeof *ret_address);
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)address;
        *ret_address = six->sin6_addr;
        return ntohs(six->sin6_port);
    }
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)address;
        ret_address->s6_addr[10] = ret_address->s6_addr[11] = 0xff;
        memcpy(ret_address->s6_addr + 12, &four->sin_addr, 4);
        return ntohs(four->sin_port);
    }
    return 0;
}

char *address_text(const struct sockaddr *address)
{
    struct in6_addr normal;
    uint16_t port = address_normal(address, &normal);
    char text[INET6_ADDRSTRLEN] = "";
    if (IN6_IS_ADDR_V4MAPPED(&normal)) {
        inet_ntop(AF_INET, normal.s6_addr + 12, text, sizeof text);
        return g_strdup_printf("%s:%u", text, port);
    }
    inet_ntop(AF_INET6, &normal, text, sizeof text);
    return g_strdup_printf("[%s]:%u", text, port);
}

static guint key_hash(gconstpointer key)
{
    /* Keyed by chance, so that nobody can choose addresses that collide. */
    static uint64_t seed;
    if (!seed)
        seed = (uint64_t)g_random_int() << 32 | g_random_int() | 1;
    uint64_t halves[2];
    memcpy(halves, key, sizeof halves);
    uint64_t mixed = (halves[0] ^ seed) * 0x9e3779b97f4a7c15u;
    mixed = (mixed ^ mixed >> 32 ^ halves[1]) * (seed | 1);
    return (guint)(mixed >> 32);
}

static gboolean key_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, 16) == 0;
}

AddressTable *address_table_new(unsigned limit)
{
    AddressTable *table = g_new0(AddressTable, 1);
    table->counts = g_hash_table_new_full(key_hash, key_equal, NULL, g_free);
    table->limit = limit;
    return table;
}

void address_table_free(AddressTable *table)
{
    if (!table)
        return;
    g_hash_table_unref(table->counts);
    g_free(table);
}

AddressCount *address_take(AddressTable *table, const struct sockaddr *address)
{
    struct in6_addr normal;
    address_normal(address, &normal);
    if (!IN6_IS_ADDR_V4MAPPED(&normal))
        memset(normal.s6_addr + 8, 0, 8);
    AddressCount *count = g_hash_table_lookup(table->counts, normal.s6_addr);
    if (!count) {
        count = g_new0(AddressCount, 1);
        memcpy(count->key, normal.s6_addr, sizeof count->key);
        g_hash_table_insert(table->counts, count->key, count);
    }
    if (count->connections >= table->limit)
        return NULL;
    count->connections++;
    return count;
}

void address_release(AddressTable *table, AddressCount *count)
{
    if (count && --count->connections == 0)
        g_hash_table_remove(table->counts, count->key);
}
