/* The size of the session's screen. QEMU hands a viewer's wish (VNC SetDesktopSize) to virtio-gpu, which tells of it as a
 * DRM hot-plug with a new preferred mode; X does not follow by itself. */
#pragma once

#include <stdbool.h>

#include "guest/agent_session.h"

/* Switches every connected output to its preferred mode. */
bool agent_screen_follow(const AgentSession *session, Failure *failure);

/* Switches the first connected output to width x height, adding a mode if it has none. */
bool agent_screen_resize(const AgentSession *session, unsigned width, unsigned height, Failure *failure);

/* Sets the keyboard layout of the session ("de", "de,fr"). */
bool agent_screen_keyboard(const AgentSession *session, const char *layout, Failure *failure);
