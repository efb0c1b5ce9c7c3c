/* The name of a browser for people, from what it sends as User-Agent (RFC 9110 10.1.5). Pure; any thread. */
#pragma once

/* "Firefox 128 on Linux"; "" where nothing is known of it. It says what the client claims, no more. Caller frees. */
char *browser_name(const char *agent);
