#include "base/network.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/error.h"
#include "base/number.h"
#include "base/secret.h"

/* *ret_bits: how many of the 128 the whole address has beyond the mapping's prefix. */
static bool address_bytes(const char *text, unsigned char bytes[16], unsigned *ret_bits)
{
    static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    *ret_bits = 128;
    if (inet_pton(AF_INET6, text, bytes) == 1)
        return true;
    memcpy(bytes, mapped, sizeof mapped);
    *ret_bits = 32;
    return inet_pton(AF_INET, text, bytes + sizeof mapped) == 1;
}

static bool bit_of(const unsigned char bytes[16], unsigned bit)
{
    return (bytes[bit / 8] >> (7 - bit % 8)) & 1;
}

bool network_parse(const char *text, const char *what, Network *ret, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(text, "/", 2);
    unsigned bits = 0;
    if (!parts[0] || !address_bytes(parts[0], ret->bytes, &bits))
        return oriel_fail(error, ORIEL_ERROR_INVALID, "%s: \"%s\" is no network such as 192.0.2.0/24 or 2001:db8::/32", what,
                          text);
    uint64_t prefix = bits;
    if (parts[1] && !number_parse(parts[1], 0, bits, what, &prefix, error))
        return false;
    ret->bits = 128 - bits + (unsigned)prefix;
    for (unsigned bit = ret->bits; bit < 128; bit++)
        if (bit_of(ret->bytes, bit))
            return oriel_fail(error, ORIEL_ERROR_INVALID,
                              "%s: \"%s\" has bits beyond its first %u: is one address meant, or its network?", what, text,
                              (unsigned)prefix);
    return true;
}

bool network_contains(const Network *network, const char *address)
{
    unsigned char bytes[16];
    unsigned bits = 0;
    if (!address || !address_bytes(address, bytes, &bits))
        return false;
    for (unsigned bit = 0; bit < network->bits; bit++)
        if (bit_of(network->bytes, bit) != bit_of(bytes, bit))
            return false;
    return true;
}

bool network_includes(const Network *network, const Network *part)
{
    unsigned whole = network->bits / 8;
    if (part->bits < network->bits || memcmp(network->bytes, part->bytes, whole) != 0)
        return false;
    for (unsigned bit = whole * 8; bit < network->bits; bit++)
        if (bit_of(network->bytes, bit) != bit_of(part->bytes, bit))
            return false;
    return true;
}

bool networks_contain(const char *const *texts, const char *address)
{
    for (size_t i = 0; texts && texts[i]; i++) {
        Network network;
        if (network_parse(texts[i], "network", &network, NULL) && network_contains(&network, address))
            return true;
    }
    return false;
}

char *network_mac_new(void)
{
    uint8_t bytes[6];
    secret_random(bytes, sizeof bytes);
    bytes[0] = (uint8_t)((bytes[0] & ~1u) | 2u);
    return g_strdup_printf("%02x:%02x:%02x:%02x:%02x:%02x", bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5]);
}
