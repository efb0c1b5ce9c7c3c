/* Wake-on-LAN: the magic packet of AMD's white paper 20213. Any thread. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define WAKE_PACKET_BYTES (6 + 16 * 6)

/* "52:54:00:12:34:56", "-" between the pairs is fine too; group addresses are no machine's. INVALID. */
bool wake_mac_parse(const char *text, uint8_t ret_mac[6], GError **error);

void wake_packet(const uint8_t mac[6], uint8_t ret[WAKE_PACKET_BYTES]);

/* Sends it, to UDP port 9, to every network that this host is in, and to `address` itself (a name or an address, of which a
 * router may know the way to the right network). Nobody answers: what could not be sent is only logged. */
void wake_send(const uint8_t mac[6], const char *address);
