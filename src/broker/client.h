/* With what a desktop can be opened: a page of Oriel's own, remote-viewer by a .vv file, an RDP client by an .rdp file. Pure; any
 * thread. */
#pragma once

#include <stdbool.h>

#include "broker/plan.h"

const char *client_word(DisplayClient kind); /* "browser", "vv", "rdp" */
bool client_parse(const char *word, DisplayClient *ret);

/* protocol: of a machine that was there before, "vnc" or "rdp"; NULL: one of ours, whose image serves_rdp or not. */
bool client_suits(DisplayClient kind, const char *protocol, bool serves_rdp);

/* Why it does not, and what does: a part of a sentence. */
const char *client_advice(const char *protocol);
