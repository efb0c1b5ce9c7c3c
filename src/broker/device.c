#include "broker/device.h"

#include <glib.h>
#include <string.h>

const char *const device_words[] = {"desktop", "mobile", "tablet", "kiosk", "native", NULL};

const char *device_word(Device device)
{
    return (unsigned)device < DEVICES ? device_words[device] : "";
}

bool device_parse(const char *word, Device *ret)
{
    for (int i = 0; word && device_words[i]; i++) {
        if (strcmp(device_words[i], word) == 0) {
            *ret = (Device)i;
            return true;
        }
    }
    return false;
}

static bool has(const char *agent, const char *mark)
{
    return strstr(agent, mark) != NULL;
}

/* Every browser begins with "Mozilla/", whatever it is. Android says "Mobile" of telephones only. */
Device device_of(const char *agent)
{
    if (!agent)
        return DEVICE_NATIVE;
    g_autofree char *lower = g_ascii_strdown(agent, -1);
    if (has(lower, "kiosk"))
        return DEVICE_KIOSK;
    if (!g_str_has_prefix(lower, "mozilla/"))
        return DEVICE_NATIVE;
    if (has(lower, "ipad") || has(lower, "tablet") || (has(lower, "android") && !has(lower, "mobile")))
        return DEVICE_TABLET;
    return has(lower, "mobile") || has(lower, "iphone") ? DEVICE_MOBILE : DEVICE_DESKTOP;
}
