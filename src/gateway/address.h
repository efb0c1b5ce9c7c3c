/* The addresses of clients: as text for orield, and counted so that none takes all places. */
#pragma once

#include <glib.h>
#include <stddef.h>
#include <sys/socket.h>

/* "192.0.2.7:51234" or "[2001:db8::1]:51234"; an IPv4 address that came over an IPv6 socket is written as
 * IPv4, a scope is left out. Caller frees. */
char *address_text(const struct sockaddr *address);

/* How many connections each address has. An IPv6 client counts by its /64: it owns all addresses of it. */
typedef struct AddressTable AddressTable;
typedef struct AddressCount AddressCount;

AddressTable *address_table_new(unsigned limit);
void address_table_free(AddressTable *table);

/* Takes a place; NULL: the address has none left. Give it back with address_release. */
AddressCount *address_take(AddressTable *table, const struct sockaddr *address);
void address_release(AddressTable *table, AddressCount *count);
