#include "broker/client.h"

#include <string.h>

static const char *const words[DISPLAY_CLIENTS] = {
    [DISPLAY_CLIENT_BROWSER] = "browser",
    [DISPLAY_CLIENT_VV] = "vv",
    [DISPLAY_CLIENT_RDP] = "rdp",
};

const char *client_word(DisplayClient kind)
{
    return words[kind];
}

bool client_parse(const char *word, DisplayClient *ret)
{
    for (unsigned i = 0; i < DISPLAY_CLIENTS; i++) {
        if (strcmp(words[i], word) != 0)
            continue;
        *ret = (DisplayClient)i;
        return true;
    }
    return false;
}

static bool is_rdp(const char *protocol)
{
    return protocol && strcmp(protocol, "rdp") == 0;
}

bool client_suits(DisplayClient kind, const char *protocol, bool serves_rdp)
{
    if (!protocol)
        return kind != DISPLAY_CLIENT_RDP || serves_rdp;
    return is_rdp(protocol) == (kind == DISPLAY_CLIENT_RDP);
}

const char *client_advice(const char *protocol)
{
    return is_rdp(protocol) ? "it speaks RDP: open it with an RDP client (an .rdp file)"
                            : "it speaks no RDP: open it in the browser or with remote-viewer (a .vv file)";
}
