/* Native clients: the files that open a desktop in one, and the tickets that they bring through the gateway. */
#include "api/native.h"

#include <string.h>

#include "api/resource.h"
#include "base/file.h"

enum { PORT_HTTPS = 443 };

typedef struct {
    char *host; /* without brackets */
    int port;
} Place;

static void place_clear(Place *place)
{
    g_clear_pointer(&place->host, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Place, place_clear)

static bool place_of(const char *url, Place *ret)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:_";
    place_clear(ret);
    if (!url || !g_uri_split_network(url, G_URI_FLAGS_NONE, NULL, &ret->host, &ret->port, NULL))
        return false;
    if (ret->port < 1)
        ret->port = PORT_HTTPS;
    return ret->host && *ret->host && strspn(ret->host, allowed) == strlen(ret->host);
}

/* Where the client shall go: the configured address, else the one that the caller has come by. */
static void place_find(const Call *call, Place *ret)
{
    const char *asked = call->request->gateway ? request_header(call->request, "host") : NULL;
    g_autofree char *url = asked ? g_strconcat("https://", asked, NULL) : NULL;
    if (!place_of(call->service->config->public_url, ret) && !place_of(url, ret))
        place_of(call->service->public_url, ret);
}

static char *vv_text(const Place *place, const char *name, const char *ticket)
{
    return g_strdup_printf("[virt-viewer]\n"
                           "type=vnc\n"
                           "host=%s\n"
                           "port=%d\n"
                           "username=oriel\n"
                           "password=%s\n"
                           "title=%s\n"
                           "delete-this-file=1\n",
                           place->host, place->port, ticket, name);
}

/* What the plan allows is left to the person and their client; the rest the file asks it to leave out. */
static char *rdp_devices(const DisplayPlan *plan)
{
    return g_strconcat(plan->no_sound ? "audiomode:i:2\r\naudiocapturemode:i:0\r\n" : "",
                       plan->no_drives ? "redirectdrives:i:0\r\ndrivestoredirect:s:\r\n" : "",
                       plan->no_usb ? "usbdevicestoredirect:s:\r\ndevicestoredirect:s:\r\n" : "",
                       plan->no_printers ? "redirectprinters:i:0\r\n" : "", NULL);
}

/* Reconnecting by itself would bring the used ticket again; the log-on to a machine that was there before is between client and machine. */
static char *rdp_text(const Place *place, const NativeTicket *ticket, const DisplayPlan *plan)
{
    /* xrdp of our own desktops (enable_token_login): a name, U+001F and a word, which it does not look at, are a log-on. */
    static const char own[] = "enablecredsspsupport:i:0\r\nprompt for credentials:i:0\r\nusername:s:oriel\x1fticket\r\nauthentication level:i:2\r\n";
    static const char other[] = "enablecredsspsupport:i:1\r\nauthentication level:i:2\r\n";
    g_autofree char *devices = rdp_devices(plan);
    bool v6 = strchr(place->host, ':') != NULL;
    return g_strdup_printf("full address:s:%s%s%s:%d\r\n"
                           "loadbalanceinfo:s:oriel-%s\r\n"
                           "use redirection server name:i:0\r\n"
                           "negotiate security layer:i:1\r\n"
                           "%s"
                           "autoreconnection enabled:i:0\r\n"
                           "gatewayusagemethod:i:0\r\n"
                           "dynamic resolution:i:1\r\n%s",
                           v6 ? "[" : "", place->host, v6 ? "]" : "", place->port, ticket->text, ticket->is_ours ? own : other, devices);
}

Json *native_file(const Call *call, DisplayClient client, const NativeTicket *ticket)
{
    g_auto(Place) place = {0};
    place_find(call, &place);
    bool vv = client == DISPLAY_CLIENT_VV;
    g_autofree char *text = vv ? vv_text(&place, ticket->desktop, ticket->text) : rdp_text(&place, ticket, &ticket->plan);
    g_autofree char *file = g_strconcat(ticket->desktop, vv ? ".vv" : ".rdp", NULL);
    return json_pack("{s:s, s:s, s:s}", "name", file, "type", vv ? "application/x-virt-viewer" : "application/x-rdp", "text",
                     text);
}

bool native_get(Call *call, GError **error)
{
    const char *upgrade = request_header(call->request, "upgrade");
    bool rdp = g_strcmp0(upgrade, "rdp") == 0;
    if (!call->request->gateway || (!rdp && g_strcmp0(upgrade, "rfb") != 0))
        return oriel_fail(error, ORIEL_ERROR_UNSUPPORTED,
                          "a native client's ticket is for oriel-gateway: open the file with remote-viewer or an RDP client");
    HostDisplayRequest request = {call->parameters[0], rdp ? DISPLAY_CLIENT_RDP : DISPLAY_CLIENT_VV, call->request->client};
    g_auto(HostDisplay) display = {.fd = -1};
    if (!host_display_open(call->service->host, &request, &display, error))
        return false;
    call->reply->status = 101;
    call->reply->display = fd_steal(&display.fd);
    call->reply->handover = display.handover;
    reply_header(call->reply, "Upgrade", upgrade);
    return true;
}
