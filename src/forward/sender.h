/* The two ways out. A sender is used by one thread. Only for this folder. */
#pragma once

#include "base/config.h"
#include "base/json.h"
#include "store/event.h"

typedef struct Sender Sender;

struct Sender {
    const char *name;
    bool (*send)(Sender *sender, const GPtrArray *events, GError **error);
    /* The sequence to go on from: `sequence`, or an earlier one where what was sent may not have arrived. */
    int64_t (*resume)(Sender *sender, int64_t sequence);
    void (*free)(Sender *sender);
};

/* NULL without an error: not configured. */
Sender *syslog_sender_new(const Config *config, GError **error);
Sender *webhook_sender_new(const Config *config, GError **error);

/* RFC 5424, without the framing of a transport; at most `most` bytes, then the message's end is cut. Pure. */
char *event_syslog_text(const StoreEvent *event, const char *host, size_t most);
