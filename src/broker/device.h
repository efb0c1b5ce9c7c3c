/* What kind of device somebody connects from, as its program says (User-Agent, RFC 9110 10.1.5). It is a hint for comfort, no proof: whoever
 * wants to can call himself anything. Pure; any thread. */
#pragma once

#include <stdbool.h>

typedef enum {
    DEVICE_DESKTOP, /* a browser on a computer */
    DEVICE_MOBILE,  /* on a telephone */
    DEVICE_TABLET,
    DEVICE_KIOSK,   /* whoever has logged in as a kiosk; also a browser whose name has "kiosk" in it */
    DEVICE_NATIVE,  /* no browser: the command line, a native client, a script */
    DEVICES,
} Device;

extern const char *const device_words[]; /* "desktop", ...; NULL-ended */

const char *device_word(Device device);
bool device_parse(const char *word, Device *ret);

/* agent NULL or "": DEVICE_NATIVE. */
Device device_of(const char *agent);
