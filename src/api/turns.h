/* How many calls of one user run at once: whoever sends more gets TOO_MANY instead of everybody's workers. Any thread. */
#pragma once

#include <glib.h>
#include <stdbool.h>

typedef struct Turns Turns;

Turns *turns_new(unsigned most);
void turns_free(Turns *turns); /* NULL is fine */

/* TOO_MANY: `most` of this key are under way. Each true needs one turn_end. */
bool turn_begin(Turns *turns, const char *key, GError **error);
void turn_end(Turns *turns, const char *key);
