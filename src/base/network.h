/* Addresses and ranges of them: "192.0.2.0/24", "2001:db8::/32", a single "192.0.2.7". Pure; any thread. */
#pragma once

#include <glib.h>
#include <stdbool.h>

typedef struct {
    unsigned char bytes[16]; /* IPv4 as IPv4-mapped IPv6 */
    unsigned bits;           /* of the 128 */
} Network;

/* INVALID names the text, `what` begins the sentence. Bits beyond the prefix must be 0, so that a slip of the pen shows. */
bool network_parse(const char *text, const char *what, Network *ret, GError **error);

/* Whether the address ("192.0.2.7", "::ffff:192.0.2.7", "2001:db8::1") is in it. false for what is no address, and NULL. */
bool network_contains(const Network *network, const char *address);

/* Whether the one is a part of the other, or the same. */
bool network_includes(const Network *network, const Network *part);

/* A new address for a network card, "x2:…": locally administered and of one machine (IEEE 802: the second and the first bit), the other 46 bits
 * random, so that of 10,000 cards two share one in one of a million houses. Caller frees. */
char *network_mac_new(void);

/* Whether the address is in one of these texts (NULL-ended; one that is no network has no address in it). */
bool networks_contain(const char *const *texts, const char *address);
