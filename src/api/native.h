/* Files for native clients. */
#pragma once

#include "api/call.h"
#include "broker/client.h"

/* {"name","type","text"}: a .vv or .rdp file that brings this ticket to the gateway. name: the desktop's. */
typedef struct {
    const char *desktop; /* its name */
    const char *text;
    bool is_ours;        /* not a machine that was there before */
    DisplayPlan plan;    /* that holds for its session */
} NativeTicket;

Json *native_file(const Call *call, DisplayClient client, const NativeTicket *ticket);
