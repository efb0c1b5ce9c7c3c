/* With what a desktop can be opened. Pure; any thread. */
#pragma once

#include <stdbool.h>

typedef enum {
    CLIENT_BROWSER, /* a page of Oriel's own */
    CLIENT_VV,      /* remote-viewer, by a .vv file */
    CLIENT_RDP,     /* an RDP client, by an .rdp file */
} ClientKind;

#define CLIENT_KINDS 3

const char *client_word(ClientKind kind); /* "browser", "vv", "rdp" */
bool client_parse(const char *word, ClientKind *ret);

/* protocol: of a machine that was there before, "vnc" or "rdp"; NULL: one of ours. */
bool client_suits(ClientKind kind, const char *protocol);

/* Why it does not, and what does: a part of a sentence. */
const char *client_advice(const char *protocol);
