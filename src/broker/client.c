#include "broker/client.h"

#include <string.h>

static const char *const words[CLIENT_KINDS] = {
    [CLIENT_BROWSER] = "browser",
    [CLIENT_VV] = "vv",
    [CLIENT_RDP] = "rdp",
};

const char *client_word(ClientKind kind)
{
    return words[kind];
}

bool client_parse(const char *word, ClientKind *ret)
{
    for (unsigned i = 0; i < CLIENT_KINDS; i++) {
        if (strcmp(words[i], word) != 0)
            continue;
        *ret = (ClientKind)i;
        return true;
    }
    return false;
}

static bool is_rdp(const char *protocol)
{
    return protocol && strcmp(protocol, "rdp") == 0;
}

bool client_suits(ClientKind kind, const char *protocol)
{
    return is_rdp(protocol) == (kind == CLIENT_RDP);
}

const char *client_advice(const char *protocol)
{
    return is_rdp(protocol) ? "it speaks RDP: open it with an RDP client (an .rdp file)"
                            : "it speaks no RDP: open it in the browser or with remote-viewer (a .vv file)";
}
