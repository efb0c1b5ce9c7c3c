/* Names of guests. Pure; any thread. */
#pragma once

/* A desktop's name made fit as its guest's host name (RFC 1123 2.1: letters, digits, hyphens, no hyphen at
 * either end; at most 63): "Sales Team-7" gives "sales-team-7". Names without anything fit give "desktop".
 * Caller frees. */
char *name_host(const char *desktop_name);
