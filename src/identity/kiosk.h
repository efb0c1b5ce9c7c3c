/* Kiosks: which device is one, and its log-in. Any thread. */
#pragma once

#include "identity/identity.h"
#include "store/kiosk.h"

#define CERTIFICATE_MARK_LENGTH 43 /* of a SHA-256 as base64url, as the gateway tells it */

typedef struct {
    const char *address;     /* NULL: not known */
    const char *certificate; /* SHA-256 of the one that the device has proved to have, in hex; NULL: none */
} KioskDevice;

/* Pure. Everything that the kiosk names must fit: address, certificate, or both. One that names nothing fits nobody. */
bool kiosk_fits(const StoreKiosk *kiosk, const KioskDevice *device);

typedef enum { KIOSK_ROOM, KIOSK_FULL, KIOSK_FULL_HERE } KioskRoom;

/* Pure. Whether one more may log in from this address: LIMIT_KIOSK_LOGINS in all; LIMIT_KIOSK_LOGINS_ADDRESS of one address always, more while
 * there are fewer than LIMIT_KIOSK_LOGINS_CROWD, or where the kiosk's setting is this address alone, so that nobody is shut out by it.
 * *ret_unused: the id of a login (of StoreKioskLogin) whose end would make that room: it shows nothing and was not used for
 * LIMIT_KIOSK_UNUSED_MS; NULL: there is none. */
KioskRoom kiosk_room(const StoreKiosk *kiosk, const GPtrArray *logins, const char *address, int64_t now_ms, const char **ret_unused);

/* What an administrator wrote, in the form that is kept: small letters, no colons. INVALID. Callers free. */
char *kiosk_networks_read(const char *const *texts, GError **error);
char *kiosk_certificates_read(const char *const *texts, GError **error);

/* The first by name that is enabled and fits; NULL with no error: none. */
StoreKiosk *identity_kiosk_of(Identity *identity, const KioskDevice *device, GError **error);

/* A web session that may use the kiosk's pool and nothing else. FORBIDDEN: the device is no kiosk, or its user is disabled.
 * TOO_MANY: kiosk_room has none, and none is unused. */
Login *identity_kiosk_login(Identity *identity, const KioskDevice *device, const ClientInfo *client, GError **error);
