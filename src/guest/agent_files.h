/* Files between a person's browser and their desktop (base/files_wire.h): the guest's half. It runs as the person, in a process of
 * its own, and ends with the tunnel: whatever it does, the kernel lets it do no more than that person. What comes has no name
 * before it is whole (O_TMPFILE), so whatever ends it halfway leaves nothing behind. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/files_wire.h"
#include "guest/agent_session.h"

/* For agent_tunnel: starts that process for whoever works here, and returns our end of its stream. -1: nobody does. */
int agent_files_start(const AgentSession *session);

/* That process: serves the stream at this descriptor until it ends, in FILES_FOLDER of this home. The exit status. */
int agent_files_serve(int stream, const char *home);

/* One component of a path that can be shown as text: UTF-8 without control characters, at most FILES_NAME bytes, neither "." nor
 * ".." nor with a slash. */
bool agent_files_name_is_plain(const char *name, size_t length);

/* "name (2).ext" for the second of that name; a name that would be too long is cut before its ending. */
void agent_files_name(char *to, size_t size, const char *name, unsigned number);
