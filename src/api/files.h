/* The web files: SHARE/web, read only. No path of a request leads out of that folder: each name of it is
 * opened by itself, links are not followed, and names that begin with a dot do not exist. Any thread. */
#pragma once

#include "api/reply.h"
#include "api/request.h"

typedef struct Files Files; /* opaque */

/* A missing folder is fine: then every file is NOT_FOUND. */
Files *files_new(const char *folder);
void files_free(Files *files);

/* Answers GET or HEAD of a path ("/": index.html) with the file, its .gz beside it where the client takes
 * that, or 304. */
bool files_reply(const Files *files, const Request *request, Reply *reply, GError **error);

/* Content-Type by the name's end; static. */
const char *files_content_type(const char *name);

/* Whether esbuild put a hash of the contents into the name: "app-K3XQ7A2B.js". */
bool files_is_hashed(const char *name);
