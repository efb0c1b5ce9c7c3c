/* From a request to an answer: who calls, whether they may, what they sent, and only then the handler. The
 * one place where permissions are checked. Blocks (store, machines): run it on a worker, but for routes of
 * LANE_INLINE. */
#pragma once

#include "api/router.h"

/* Bytes that the body may have; asked before it has come, on the loop thread. route NULL: none fits. */
size_t dispatch_body_limit(const Route *route, const Request *request);

/* parameters: of router_find; taken over. Always leaves an answer in reply. */
void dispatch(const Service *service, const Route *route, char *parameters[CALL_PARAMETERS], Request *request,
              Reply *reply);

/* The answer where no route fits: a web file, or a problem (404, 405). */
void dispatch_unrouted(const Service *service, const char *allow, const Request *request, Reply *reply);
