/* Names of guests. Pure; any thread. */
#pragma once

/* A desktop's name made fit as its guest's host name (RFC 1123 2.1: letters, digits, hyphens, no hyphen at
 * either end; at most 63): "Sales Team-7" gives "sales-team-7". Names without anything fit give "desktop".
 * Caller frees. */
char *name_host(const char *desktop_name);

/* A person's name made fit as that of their account in guests: what stands before "@", without accents, in small letters; other
 * characters become "_"; begins with a letter; at most AGENT_ACCOUNT_LONGEST. "Jörg.Weiß@example.org" gives "jorg_weiss".
 * Nothing fit gives "user-UID". Two people may get the same: they are never on one desktop at a time, and the number differs.
 * Caller frees. */
char *name_account(const char *user_name, unsigned uid);
