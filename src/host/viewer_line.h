/* The socket of displays (docs/architecture.md, contract 1): gateways connect, say what becomes of their displays, and are told rules
 * and ends. One thread; what it hears goes to ViewerEars, on that thread. */
#pragma once

#include <glib.h>

#include "base/display_wire.h"

typedef struct ViewerLines ViewerLines;
typedef struct ViewerLine ViewerLine; /* one gateway; valid until `gone` of it returns */

typedef struct {
    void (*heard)(ViewerLine *line, const DisplayPacket *packet, void *data);
    void (*gone)(ViewerLine *line, void *data);
    void *data;
} ViewerEars;

/* Listens at `path`. NULL on failure. */
ViewerLines *viewer_lines_open(const char *path, const ViewerEars *ears, GError **error);
void viewer_lines_close(ViewerLines *lines); /* after it, no ears are called; NULL is fine */

/* A native VNC client may come within so long: all gateways are told, soon after. NULL is fine. */
void viewer_lines_expect(ViewerLines *lines, unsigned seconds);

bool viewer_lines_connected(ViewerLines *lines); /* any gateway is there */

/* Never waits: a gateway that does not read is cut off, and comes again. Not from within the ears' locks that they take. */
void viewer_line_say(ViewerLine *line, const DisplayPacket *packet);
