/* The one program that an application pool shows: a command line as a person types it, taken apart once and run without a
 * shell. Pure; any thread. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* INVALID: says what is wrong with it. Empty or NULL is good: the whole desktop. */
bool application_check(const char *command, GError **error);

/* The kernel's command line `append` with what oriel-agent in the guest must know (base/agent_wire.h); a copy of `append`
 * where there is no application. `command` was checked. Caller frees. */
char *application_append(const char *append, const char *command);

/* What an image says of its session. INVALID: an application needs a graphical one. */
bool application_fits(const char *command, const char *session, const char *image_name, GError **error);
