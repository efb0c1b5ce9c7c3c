/* Which of the host's own apt sources serve a suite: an image is built from the mirror that the host itself uses. Pure. */
#pragma once

#include <stdbool.h>

/* Picks from one file of /etc/apt/sources.list.d (deb822 stanzas if `deb822`, else one-line entries) those of Debian's
 * archive for suite, suite-updates and suite-security. Returns text of the same form, "" if there is none; *ret_whole says
 * whether the suite itself is among them. Caller frees. */
char *sources_pick(const char *text, bool deb822, const char *suite, bool *ret_whole);
