/* Machines that were there before, as members of manual pools. */
#include <string.h>

#include "api/resource.h"
#include "base/limits.h"
#include "base/secret.h"
#include "host/wake_packet.h"

enum { VNC_PORT = 5900, RDP_PORT = 3389, ADDRESS_MOST = 253, PASSWORD_MOST = 64 };

typedef struct {
    const char *pool;
    const char *name;
    const char *address;
    const char *protocol;
    const char *mac;
    const char *password;
    uint64_t port;
    uint64_t seats;
} Wanted;

static bool is_rdp(const Wanted *wanted)
{
    return strcmp(wanted->protocol, "rdp") == 0;
}

static bool take_fields(Json *body, Wanted *wanted, GError **error)
{
    static const char *const keys[] = {"pool", "name", "address", "protocol", "port", "mac", "password", "seats", NULL};
    const NumberField port = {"port", 1, 65535}, seats = {"seats", 1, LIMIT_SEATS};
    wanted->seats = 0;
    if (!json_only(body, keys, error) || !json_take_text(body, "protocol", &wanted->protocol, error))
        return false;
    wanted->protocol = wanted->protocol ? wanted->protocol : "vnc";
    wanted->port = is_rdp(wanted) ? RDP_PORT : VNC_PORT;
    return json_take_text(body, "pool", &wanted->pool, error) &&
           json_take_text(body, "name", &wanted->name, error) && json_take_text(body, "address", &wanted->address, error) &&
           json_take_text(body, "mac", &wanted->mac, error) &&
           json_take_text(body, "password", &wanted->password, error) && json_take_number(body, &port, &wanted->port, error) &&
           json_take_number(body, &seats, &wanted->seats, error);
}

/* A name or an address; what it leads to is only known when it is looked for. */
static bool address_check(const char *address, GError **error)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:%_";
    size_t length = strlen(address);
    return (length > 0 && length <= ADDRESS_MOST && strspn(address, allowed) == length && *address != '-') ||
           oriel_fail(error, ORIEL_ERROR_INVALID, "machine: address \"%s\" is neither a host's name nor an IP address", address);
}

static bool check(const Wanted *wanted, GError **error)
{
    uint8_t mac[6];
    if (!wanted->pool || !wanted->name || !wanted->address)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "request body: \"pool\", \"name\" and \"address\" are needed");
    if (!is_rdp(wanted) && strcmp(wanted->protocol, "vnc") != 0)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "machine: protocol \"%s\" is unknown; allowed: vnc, rdp", wanted->protocol);
    if (!is_rdp(wanted) && wanted->seats)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "machine: seats are for RDP session hosts; a VNC server shows everybody the same screen");
    if (is_rdp(wanted) && wanted->password)
        return oriel_fail(error, ORIEL_ERROR_INVALID, "machine: of an RDP machine Oriel needs no password; its people log on there");
    if (wanted->password && (!*wanted->password || strlen(wanted->password) > PASSWORD_MOST))
        return oriel_fail(error, ORIEL_ERROR_INVALID, "machine: a VNC password has 1 to %d bytes", PASSWORD_MOST);
    return name_check(wanted->name, "machine", error) && address_check(wanted->address, error) &&
           (!wanted->mac || wake_mac_parse(wanted->mac, mac, error));
}

static char *mac_text(const char *text)
{
    uint8_t mac[6] = {0};
    if (!text || !wake_mac_parse(text, mac, NULL))
        return NULL;
    return g_strdup_printf("%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

bool desktops_post(Call *call, GError **error)
{
    Wanted wanted;
    if (!take_fields(call->body, &wanted, error) || !check(&wanted, error))
        return false;
    g_autoptr(StorePool) pool = store_pool_find(call->service->store, wanted.pool, error);
    if (!pool)
        return false;
    if (pool->type != STORE_POOL_MANUAL)
        return oriel_fail(error, ORIEL_ERROR_CONFLICT,
                          "pool \"%s\": makes its desktops itself; machines are added to manual pools", pool->name);
    g_autofree char *purpose = external_purpose(wanted.name);
    g_autofree char *sealed = wanted.password ? secret_seal(purpose, wanted.password) : NULL;
    g_autofree char *mac = mac_text(wanted.mac);
    StoreDesktopNew fields = {
        .pool_id = pool->id,
        .host_id = host_id(call->service->host),
        .name = wanted.name,
        .desired = STORE_DESIRED_RUNNING,
        .protocol = wanted.protocol,
        .address = wanted.address,
        .port = (uint16_t)wanted.port,
        .wake_mac = mac,
        .sealed_password = sealed,
        .seats = (unsigned)wanted.seats,
    };
    g_autoptr(StoreDesktop) made = store_desktop_create(call->service->store, &call->actor, &fields, error);
    if (!made)
        return false;
    host_wake(call->service->host);
    Json *value = desktop_one_json(call->service->store, made, error);
    if (value)
        call_reply_created(call, "desktops", made->id, made->version, value);
    return value != NULL;
}
