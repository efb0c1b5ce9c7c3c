/* What the handlers stand on: set once at start, then read by all threads. */
#pragma once

#include "api/api.h"

typedef struct Hub Hub;     /* api/stream.h */
typedef struct Files Files; /* api/files.h */
typedef struct Turns Turns; /* api/turns.h */
typedef struct Denials Denials; /* api/denials.h */

typedef struct {
    ApiSetup setup;
    Store *store;
    Identity *identity;
    JobRunner *jobs;
    Host *host;
    const Config *config;
    Hub *hub;
    Files *files;
    Turns *slow_turns;    /* of one user in LANE_SLOW */
    Turns *connect_turns; /* and in LANE_CONNECT */
    Denials *denials;
    char *public_url; /* without a slash at the end */
    char *images;     /* folder of golden images */
    int64_t started_ms;
} Service;
