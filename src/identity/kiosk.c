#include "identity/kiosk.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/network.h"
#include "base/socket.h"
#include "identity/internal.h"

enum { FINGERPRINT_LENGTH = 64, WORDS_MOST = 64 };

bool kiosk_fits(const StoreKiosk *kiosk, const KioskDevice *device)
{
    g_auto(GStrv) networks = g_strsplit(kiosk->networks, " ", -1);
    g_auto(GStrv) certificates = g_strsplit(kiosk->certificates, " ", -1);
    if (!*kiosk->networks && !*kiosk->certificates)
        return false;
    if (*kiosk->networks && !networks_contain((const char *const *)networks, device->address))
        return false;
    return !*kiosk->certificates ||
           (device->certificate && g_strv_contains((const char *const *)certificates, device->certificate));
}

static bool demand_few(const char *const *texts, const char *what, GError **error)
{
    return g_strv_length((char **)texts) <= WORDS_MOST ||
           oriel_fail(error, ORIEL_ERROR_INVALID, "kiosk: at most %d %s", WORDS_MOST, what);
}

char *kiosk_networks_read(const char *const *texts, GError **error)
{
    if (!demand_few(texts, "networks", error))
        return NULL;
    for (size_t i = 0; texts[i]; i++) {
        Network network;
        if (!network_parse(texts[i], "networks", &network, error))
            return NULL;
    }
    return g_strjoinv(" ", (char **)texts);
}

/* As browsers and openssl show it, with colons or without. */
static bool fingerprint_add(GString *words, const char *text, GError **error)
{
    size_t digits = 0;
    g_autofree char *kept = g_ascii_strdown(text, -1);
    for (const char *at = kept; *at; at++) {
        if (*at == ':')
            continue;
        if (!g_ascii_isxdigit(*at) || digits == FINGERPRINT_LENGTH)
            break;
        kept[digits++] = *at;
        if (digits == FINGERPRINT_LENGTH && at[1] == '\0') {
            g_string_append_printf(words, "%s%.*s", words->len ? " " : "", FINGERPRINT_LENGTH, kept);
            return true;
        }
    }
    return oriel_fail(error, ORIEL_ERROR_INVALID,
                      "certificates: \"%s\" is no SHA-256 of a certificate: 64 hexadecimal digits, with colons or without",
                      strlen(text) <= 100 ? text : "…");
}

char *kiosk_certificates_read(const char *const *texts, GError **error)
{
    g_autoptr(GString) words = g_string_new(NULL);
    if (!demand_few(texts, "certificates", error))
        return NULL;
    for (size_t i = 0; texts[i]; i++)
        if (!fingerprint_add(words, texts[i], error))
            return NULL;
    return g_string_free(g_steal_pointer(&words), FALSE);
}

StoreKiosk *identity_kiosk_of(Identity *identity, const KioskDevice *device, GError **error)
{
    g_autoptr(GPtrArray) kiosks = store_kiosk_list(identity->store, NULL, NULL, error);
    for (size_t i = 0; kiosks && i < kiosks->len; i++) {
        StoreKiosk *kiosk = kiosks->pdata[i];
        if (kiosk->enabled && kiosk_fits(kiosk, device))
            return store_kiosk_find(identity->store, kiosk->id, error);
    }
    return NULL;
}

/* "192.0.2.7", and no range: all devices are behind it. */
static bool is_one_place(const StoreKiosk *kiosk)
{
    Network network;
    return *kiosk->networks && !strchr(kiosk->networks, ' ') && network_parse(kiosk->networks, "networks", &network, NULL) && network.bits == 128;
}

static bool is_unused(const StoreKioskLogin *login, int64_t now_ms)
{
    return !login->shows && login->seen_ms + LIMIT_KIOSK_UNUSED_MS < now_ms;
}

KioskRoom kiosk_room(const StoreKiosk *kiosk, const GPtrArray *logins, const char *address, int64_t now_ms, const char **ret_unused)
{
    unsigned same = 0;
    const char *anywhere = NULL, *there = NULL;
    g_autofree char *here = socket_network(address ? address : "");
    for (unsigned i = 0; i < logins->len; i++) {
        const StoreKioskLogin *login = logins->pdata[i];
        g_autofree char *network = socket_network(login->address);
        bool is_here = strcmp(network, here) == 0, unused = is_unused(login, now_ms);
        same += is_here;
        anywhere = unused && !anywhere ? login->id : anywhere;
        there = unused && is_here && !there ? login->id : there;
    }
    bool crowded = same >= LIMIT_KIOSK_LOGINS_ADDRESS && logins->len >= LIMIT_KIOSK_LOGINS_CROWD && !is_one_place(kiosk);
    KioskRoom room = crowded ? KIOSK_FULL_HERE : logins->len >= LIMIT_KIOSK_LOGINS ? KIOSK_FULL : KIOSK_ROOM;
    *ret_unused = room == KIOSK_FULL_HERE ? there : room == KIOSK_FULL ? anywhere : NULL;
    return room;
}

/* Room for one more login of this kiosk, in all and from this address; a device that lost its cookie has left one behind that nobody uses. */
static bool check_room(Identity *identity, const StoreKiosk *kiosk, const char *address, GError **error)
{
    const char *unused = NULL;
    StoreActor actor = {.name = kiosk->name, .address = address};
    g_autoptr(GPtrArray) logins = store_kiosk_logins(identity->store, kiosk->id, error);
    if (!logins)
        return false;
    KioskRoom room = kiosk_room(kiosk, logins, address, clock_utc_ms(), &unused);
    if (unused)
        return store_web_session_delete(identity->store, &actor, unused, error);
    if (room == KIOSK_FULL_HERE)
        return oriel_fail(error, ORIEL_ERROR_TOO_MANY,
                          "kiosk \"%s\": %d logins are open, and more than %d of them from this address: end some, or make a kiosk of its "
                          "own for this address",
                          kiosk->name, LIMIT_KIOSK_LOGINS_CROWD, LIMIT_KIOSK_LOGINS_ADDRESS);
    return room == KIOSK_ROOM ||
           oriel_fail(error, ORIEL_ERROR_TOO_MANY, "kiosk \"%s\": %d logins are open, which is the limit: end some", kiosk->name,
                      LIMIT_KIOSK_LOGINS);
}

Login *identity_kiosk_login(Identity *identity, const KioskDevice *device, const ClientInfo *client, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(StoreKiosk) kiosk = identity_kiosk_of(identity, device, &failure);
    if (failure) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
    }
    if (!kiosk) {
        oriel_fail(error, ORIEL_ERROR_FORBIDDEN, "this device is no kiosk: neither its address nor its certificate is known as one");
        return NULL;
    }
    if (!check_room(identity, kiosk, client->address, error))
        return NULL;
    g_autoptr(StoreUser) user = store_user_find(identity->store, kiosk->user_id, error);
    if (!user)
        return NULL;
    if (!user->may_log_in) {
        oriel_fail(error, ORIEL_ERROR_FORBIDDEN, "kiosk \"%s\": its user \"%s\" is disabled", kiosk->name, user->name);
        return NULL;
    }
    Login *login = login_open(identity, user, &(LoginMeans){client, SCOPE_KIOSK, "kiosk", kiosk->id, -1}, error);
    if (login)
        caller_kiosk_set(login->caller, kiosk->pool_id, kiosk->pool_name);
    return login;
}
