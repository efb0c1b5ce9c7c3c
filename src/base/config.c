#include "base/config.h"

#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/number.h"

#ifndef ORIEL_SHARE_FOLDER
#define ORIEL_SHARE_FOLDER "/usr/share/oriel"
#endif

typedef enum { TEXT, PORT, SIZE, COUNT, DAYS, SWITCH } Form;

enum { DAYS_MOST = 36500 };

static const struct {
    const char *key;
    const char *environment;
    Form form;
    size_t offset;
} fields[] = {
    {"state", "ORIEL_STATE", TEXT, G_STRUCT_OFFSET(Config, state)},
    {"runtime", "ORIEL_RUNTIME", TEXT, G_STRUCT_OFFSET(Config, runtime)},
    {"share", "ORIEL_SHARE", TEXT, G_STRUCT_OFFSET(Config, share)},
    {"database", "ORIEL_DATABASE", TEXT, G_STRUCT_OFFSET(Config, database)},
    {"listen_address", "ORIEL_LISTEN", TEXT, G_STRUCT_OFFSET(Config, listen_address)},
    {"port", "ORIEL_PORT", PORT, G_STRUCT_OFFSET(Config, port)},
    {"certificate", "ORIEL_CERTIFICATE", TEXT, G_STRUCT_OFFSET(Config, certificate)},
    {"certificate_key", "ORIEL_CERTIFICATE_KEY", TEXT, G_STRUCT_OFFSET(Config, certificate_key)},
    {"client_certificates", "ORIEL_CLIENT_CERTIFICATES", SWITCH, G_STRUCT_OFFSET(Config, client_certificates)},
    {"gateway_user", "ORIEL_GATEWAY_USER", TEXT, G_STRUCT_OFFSET(Config, gateway_user)},
    {"public_url", "ORIEL_PUBLIC_URL", TEXT, G_STRUCT_OFFSET(Config, public_url)},
    {"secret_key", "ORIEL_SECRET_KEY", TEXT, G_STRUCT_OFFSET(Config, secret_key)},
    {"memory_limit", "ORIEL_MEMORY_LIMIT", SIZE, G_STRUCT_OFFSET(Config, memory_limit)},
    {"event_retention_days", "ORIEL_EVENT_RETENTION_DAYS", DAYS, G_STRUCT_OFFSET(Config, event_retention_days)},
    {"event_syslog", "ORIEL_EVENT_SYSLOG", TEXT, G_STRUCT_OFFSET(Config, event_syslog)},
    {"event_webhook", "ORIEL_EVENT_WEBHOOK", TEXT, G_STRUCT_OFFSET(Config, event_webhook)},
    {"event_webhook_secret_file", "ORIEL_EVENT_WEBHOOK_SECRET_FILE", TEXT,
     G_STRUCT_OFFSET(Config, event_webhook_secret_file)},
    {"waiting", "ORIEL_WAITING", COUNT, G_STRUCT_OFFSET(Config, waiting)},
};

static bool field_set(Config *config, size_t index, const char *where, const char *text, GError **error)
{
    void *field = G_STRUCT_MEMBER_P(config, fields[index].offset);
    g_autofree char *what = g_strdup_printf("%s: %s", where, fields[index].key);
    uint64_t number = 0;
    switch (fields[index].form) {
    case TEXT:
        g_free(*(char **)field);
        *(char **)field = g_strdup(text);
        return true;
    case PORT:
        if (!number_parse(text, 1, 65535, what, &number, error))
            return false;
        *(uint16_t *)field = (uint16_t)number;
        return true;
    case SIZE:
        return number_parse_size(text, what, field, error);
    case COUNT:
    case DAYS:
        if (!number_parse(text, 0, fields[index].form == DAYS ? DAYS_MOST : 64, what, &number, error))
            return false;
        *(unsigned *)field = (unsigned)number;
        return true;
    case SWITCH:
        *(bool *)field = strcmp(text, "yes") == 0;
        return *(bool *)field || strcmp(text, "no") == 0 ||
               oriel_fail(error, ORIEL_ERROR_INVALID, "%s: \"%s\" is neither yes nor no", what, text);
    default:
        g_assert_not_reached();
    }
}

static bool file_apply(Config *config, const char *path, bool required, GError **error)
{
    if (!required && access(path, F_OK) != 0)
        return true;
    g_autoptr(GKeyFile) file = g_key_file_new();
    GError *inner = NULL;
    if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, &inner)) {
        oriel_fail(error, ORIEL_ERROR_INVALID, "configuration \"%s\": %s", path, inner->message);
        g_error_free(inner);
        return false;
    }
    g_auto(GStrv) keys = g_key_file_get_keys(file, "oriel", NULL, NULL);
    for (size_t k = 0; keys && keys[k]; k++) {
        size_t index = 0;
        while (index < G_N_ELEMENTS(fields) && strcmp(fields[index].key, keys[k]) != 0)
            index++;
        if (index == G_N_ELEMENTS(fields))
            return oriel_fail(error, ORIEL_ERROR_INVALID, "configuration \"%s\": unknown key \"%s\"", path, keys[k]);
        g_autofree char *text = g_key_file_get_string(file, "oriel", keys[k], NULL);
        if (!field_set(config, index, path, text, error))
            return false;
    }
    return true;
}

static bool environment_apply(Config *config, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
        const char *text = g_getenv(fields[i].environment);
        if (text && *text && !field_set(config, i, "environment", text, error))
            return false;
    }
    return true;
}

static void default_text(char **field, char *value)
{
    if (*field)
        g_free(value);
    else
        *field = value;
}

static void defaults_apply(Config *config)
{
    default_text(&config->runtime, g_build_filename(config->state, "run", NULL));
    default_text(&config->share, g_strdup(ORIEL_SHARE_FOLDER));
    default_text(&config->database, g_strdup("sqlite"));
    default_text(&config->listen_address, g_strdup("::"));
    default_text(&config->certificate, g_build_filename(config->state, "tls", "certificate.pem", NULL));
    default_text(&config->certificate_key, g_build_filename(config->state, "tls", "key.pem", NULL));
    default_text(&config->secret_key, g_build_filename(config->state, "secret.key", NULL));
    if (config->public_url && g_str_has_suffix(config->public_url, "/"))
        config->public_url[strlen(config->public_url) - 1] = '\0';
}

Config *config_load(const char *file, GError **error)
{
    g_autoptr(Config) config = g_new0(Config, 1);
    config->port = 8443;
    config->waiting = 2;
    config->event_retention_days = 365;
    const char *state = g_getenv("ORIEL_STATE");
    config->state = g_strdup(state && *state ? state : "/var/lib/oriel");
    g_autofree char *usual = g_build_filename(config->state, "oriel.conf", NULL);
    if (!file_apply(config, file ? file : usual, file != NULL, error) || !environment_apply(config, error))
        return NULL;
    defaults_apply(config);
    return g_steal_pointer(&config);
}

void config_free(Config *config)
{
    if (!config)
        return;
    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
        if (fields[i].form == TEXT)
            g_free(*(char **)G_STRUCT_MEMBER_P(config, fields[i].offset));
    g_free(config);
}

char *config_api_socket(const Config *config)
{
    return g_build_filename(config->runtime, "orield.sock", NULL);
}

char *config_gateway_lock(const Config *config)
{
    return g_build_filename(config->state, "gateway.lock", NULL);
}
