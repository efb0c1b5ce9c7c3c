/* Files for native clients. */
#pragma once

#include "api/call.h"
#include "broker/client.h"

/* {"name","type","text"}: a .vv or .rdp file that brings this ticket to the gateway. name: the desktop's. */
Json *native_file(const Call *call, DisplayClient client, const char *name, const char *ticket);
