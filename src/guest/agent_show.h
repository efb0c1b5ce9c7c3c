/* A message to whoever sits in front of the screen. */
#pragma once

#include "guest/agent_session.h"

/* As a notification that stays until it is closed where there is a desktop, else as lines on the console. Both texts are data: neither a
 * shell nor an option reads them. False: there is nobody to show it to, or nothing that shows it. */
bool agent_show(const AgentSession *session, const char *title, const char *text, Failure *failure);

/* Text without markup as notifications take it (Desktop Notifications 1.2, "Markup"). False: it does not fit. For tests. */
bool agent_show_escape(const char *text, char *escaped, size_t size);
