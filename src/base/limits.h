/* Every bound on what a person, a client or a guest can make us do. One name each, used wherever it holds. */
#pragma once

#define LIMIT_REQUEST_BODY (1024 * 1024)     /* bytes of an API request body */
#define LIMIT_REQUEST_HEADER (16 * 1024)     /* bytes of all headers of a request */
#define LIMIT_PAGE 500                       /* rows of a list in one answer */
#define LIMIT_PAGE_DEFAULT 100
#define LIMIT_NAME 63                        /* bytes of the name of a pool, image, group, user */
#define LIMIT_PASSWORD 1024                  /* bytes; shortest is LIMIT_PASSWORD_SHORTEST characters */
#define LIMIT_PASSWORD_SHORTEST 10
#define LIMIT_API_CONNECTIONS 4096           /* open connections to orield */
#define LIMIT_API_CONNECTIONS_CLIENT 256     /* of one client address */
#define LIMIT_EVENT_STREAMS 512              /* open server-sent event streams */
#define LIMIT_REQUEST_SECONDS 30             /* a request must have arrived whole by then (slow-loris) */
#define LIMIT_DESKTOPS_POOL 2000
#define LIMIT_POOLS 1000
#define LIMIT_TICKET_MS 30000                /* life of a display ticket */
#define LIMIT_AGENT_LINE (64 * 1024)         /* bytes of one message of the guest's agent */
#define LIMIT_QMP_LINE (16 * 1024 * 1024)    /* bytes of one QMP message */
#define LIMIT_RECIPE (256 * 1024)            /* bytes of a recipe */
#define LIMIT_MANIFEST (1024 * 1024)         /* bytes of a manifest or template.json */
#define LIMIT_GATEWAY_CLIENTS 16384          /* open client connections of one gateway */
#define LIMIT_GATEWAY_CLIENTS_ADDRESS 1024   /* of one client address (a reverse proxy counts as one) */
#define LIMIT_JOB_LOG (4 * 1024 * 1024)      /* bytes of a job's log that are kept */
