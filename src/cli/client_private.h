/* What client.c and stream.c share. */
#pragma once

#include "cli/client.h"
#include "cli/transport.h"

struct Client {
    Transport transport;
    bool has_next; /* the last answer had X-Oriel-Next: */
    uint64_t next;
};
