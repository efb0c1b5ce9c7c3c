/* YAML as people write it into a file of declarations, read as JSON. One parser for both: JSON is YAML. Pure; any thread.
 *
 * The core schema of YAML 1.2 (10.3.2): plain null, true, false and whole numbers are what they look like, everything else is
 * text; quoted scalars are always text. Anchors, aliases, tags and a second document are refused, and so is a key that
 * stands twice: such a file says something else than its reader believes. */
#pragma once

#include "base/json.h"

/* The mapping that the text holds. `what` begins each sentence, followed by the line: "desks.yaml, line 3". INVALID; TOO_LARGE
 * for more than LIMIT_APPLY_DEPTH levels. Caller owns. */
Json *yaml_parse_object(const char *text, size_t length, const char *what, GError **error);
