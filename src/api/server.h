/* libmicrohttpd: bytes to requests and answers to bytes. One loop thread accepts nothing, parses and sends;
 * the work is done by bounded pools of workers, one for each lane, while the connection is suspended. */
#pragma once

#include "api/service.h"

typedef struct Server Server;

/* service lives longer. Opens the door too. */
Server *server_start(const Service *service, GError **error);
/* Answers what is under way, then closes. service->hub must have been stopped before. NULL is fine. */
void server_stop(Server *server);

/* No connection is accepted from now on; the sockets are gone. Before hub_stop and server_stop. */
void server_shut(Server *server);
