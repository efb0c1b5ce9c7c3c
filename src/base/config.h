/* Where things are and how the two daemons listen. Read once at start, then never changed. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    char *state;           /* folder of all state; $ORIEL_STATE, else "/var/lib/oriel" */
    char *runtime;         /* folder of sockets: $ORIEL_RUNTIME, else STATE/run */
    char *share;           /* web files, recipes: $ORIEL_SHARE, else the folder compiled in */
    char *database;        /* "sqlite" (STATE/oriel.db) or "postgresql://..." */
    char *listen_address;  /* of the gateway: "::" (default, both families) or an address */
    uint16_t port;         /* $ORIEL_PORT, else 8443 */
    char *certificate;     /* PEM chain; default STATE/tls/certificate.pem, made at first start */
    char *certificate_key; /* PEM */
    bool client_certificates; /* the gateway asks browsers for a certificate, which may be a kiosk's */
    char *gateway_user;    /* whom a gateway started by root becomes; NULL: it stays root, less all capabilities */
    char *public_url;      /* what people type, without a slash at the end; NULL: https://HOSTNAME:port */
    char *secret_key;      /* seals secrets in the store; default STATE/secret.key, made at first start */
    uint64_t memory_limit; /* bytes that all machines of this host may use; 0: what is free at start, less a reserve */
    unsigned event_retention_days; /* how long the audit trail is kept; 0: for ever */
    char *event_syslog;  /* "unix:/dev/log", "udp:HOST:514", "tcp:HOST:PORT"; NULL: events are not sent there */
    char *event_webhook; /* "https://..."; NULL: none */
    char *event_webhook_secret_file; /* what signs its batches (HMAC-SHA256); NULL: they are not signed */
    unsigned waiting;      /* waiting QEMU processes kept for each instant pool's template */
} Config;

/* The environment, then FILE (NULL: STATE/oriel.conf, which may be missing; a GKeyFile with one group [oriel] and the
 * fields' names as keys), then defaults; the environment wins. An unknown key or a bad value is an error that names
 * file, key and what is allowed. Caller frees with config_free. */
Config *config_load(const char *file, GError **error);
void config_free(Config *config);

/* RUNTIME/orield.sock. Caller frees. */
char *config_api_socket(const Config *config);

/* STATE/gateway.lock: the gateway that listens holds the byte whose number is its port (file_hold_byte). Caller frees. */
char *config_gateway_lock(const Config *config);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Config, config_free)
