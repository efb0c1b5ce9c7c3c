/* sd_notify(3) without libsystemd: tells the service manager that we are ready, or are ending. */
#pragma once

/* state: "READY=1", "STOPPING=1". Does nothing without $NOTIFY_SOCKET; failures are of no consequence. */
void notify_manager(const char *state);
