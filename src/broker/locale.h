/* Where a person is, from what their browser says: guesses, which the guest takes where it can. Pure; any thread. */
#pragma once

#include <stdbool.h>

/* The first language that has a form of "de" or "de-DE" (RFC 9110 12.5.4; what follows a ";" is not read, for browsers send the
 * favourite first): "de-AT,de;q=0.9" gives "de_AT.UTF-8". NULL: none. Caller frees. */
char *locale_of_languages(const char *languages);

/* The usual keyboard of a locale, as XKB names it: "de_CH.UTF-8" gives "ch". NULL: not known. Static. */
const char *keyboard_of_locale(const char *locale);

/* A form that can be a zone's name: "America/Argentina/Ushuaia", "Etc/GMT+5". */
bool time_zone_is_valid(const char *zone);
/* "de", "de,fr". */
bool keyboard_is_valid(const char *keyboard);
