/* The pool of connections of one store. Any thread. Only for this folder. */
#pragma once

#include "store/driver.h"

typedef struct Connections Connections;

typedef enum { PURPOSE_READ, PURPOSE_WRITE } Purpose;

/* `target` as Driver.open wants it. Opens nothing yet. */
Connections *connections_new(const Driver *driver, const char *target);
void connections_free(Connections *connections); /* all must have been given back; NULL is fine */

/* Waits for a free one, opening it if need be. UNAVAILABLE: the database cannot be reached, or all are busy
 * for 15 s. After a failed attempt to connect further ones are made only after a back-off (0.1 s doubling to
 * 5 s); until then callers get the failure at once. */
Connection *connections_take(Connections *connections, Purpose purpose, GError **error);

/* Gives it back; a broken one is closed, and with it all idle ones (the server went away under all of them).
 */
void connections_give(Connections *connections, Connection *connection, Purpose purpose);

const Driver *connections_driver(const Connections *connections);
