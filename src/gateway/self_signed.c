#include "gateway/self_signed.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "base/secret.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509, X509_free)

static void add_address(GString *names, const struct sockaddr *address)
{
    char text[INET6_ADDRSTRLEN] = "";
    if (address->sa_family == AF_INET) {
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr, text, sizeof text);
    } else if (address->sa_family == AF_INET6) {
        const struct in6_addr *six = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
        if (!IN6_IS_ADDR_LINKLOCAL(six)) /* nobody can type one into a browser */
            inet_ntop(AF_INET6, six, text, sizeof text);
    }
    if (*text)
        g_string_append_printf(names, ",IP:%s", text);
}

/* A host's name as a DNS name; letters that would mean something else in OpenSSL's list are refused. */
static bool is_dns_name(const char *name)
{
    for (const char *at = name; *at; at++)
        if (!g_ascii_isalnum(*at) && *at != '-' && *at != '.')
            return false;
    return *name && strlen(name) <= 253;
}

/* "DNS:localhost,IP:127.0.0.1,..." Caller frees. */
static char *alternative_names(void)
{
    GString *names = g_string_new("DNS:localhost,IP:127.0.0.1,IP:::1");
    const char *host = g_get_host_name();
    if (is_dns_name(host) && g_ascii_strcasecmp(host, "localhost") != 0)
        g_string_append_printf(names, ",DNS:%s", host);
    struct ifaddrs *all = NULL;
    if (getifaddrs(&all) == 0) {
        for (const struct ifaddrs *one = all; one; one = one->ifa_next)
            if (one->ifa_addr && !(one->ifa_flags & IFF_LOOPBACK))
                add_address(names, one->ifa_addr);
        freeifaddrs(all);
    }
    return g_string_free(names, FALSE);
}

static bool add_extension(X509 *certificate, int kind, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    bool added = extension && X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    return added;
}

/* RFC 5280 4.1.2.2: positive, at most 20 bytes. Browsers refuse two certificates of one issuer with one
 * number. */
static bool set_number(X509 *certificate)
{
    unsigned char bytes[16];
    secret_random(bytes, sizeof bytes);
    bytes[0] = (bytes[0] & 0x7f) | 0x40;
    BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    bool set = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
    return set;
}

static bool set_name(X509 *certificate)
{
    const char *host = g_get_host_name();
    g_autofree char *common = g_strndup(host, 64); /* ub-common-name of RFC 5280 */
    X509_NAME *name = X509_get_subject_name(certificate);
    return X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const unsigned char *)"Oriel (self-signed)",
                                      -1, -1, 0) &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common, -1, -1, 0) &&
           X509_set_issuer_name(certificate, name);
}

X509 *self_signed_new(EVP_PKEY *key, GError **error)
{
    g_autoptr(X509) certificate = X509_new();
    g_autofree char *names = alternative_names();
    ERR_clear_error();
    bool made = certificate && X509_set_version(certificate, X509_VERSION_3) && set_number(certificate) &&
                /* an hour back: clocks of clients differ */
                X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) &&
                X509_time_adj_ex(X509_getm_notAfter(certificate), SELF_SIGNED_DAYS - 1, 0, NULL) &&
                X509_set_pubkey(certificate, key) && set_name(certificate) &&
                add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
                add_extension(certificate, NID_key_usage, "critical,digitalSignature") &&
                add_extension(certificate, NID_ext_key_usage, "serverAuth") &&
                add_extension(certificate, NID_subject_key_identifier, "hash") &&
                add_extension(certificate, NID_subject_alt_name, names) &&
                X509_sign(certificate, key, EVP_sha256());
    if (!made) {
        const char *reason = ERR_reason_error_string(ERR_peek_last_error());
        oriel_fail(error, ORIEL_ERROR_INTERNAL, "certificate: cannot make one: %s",
                   reason ? reason : "no memory");
        return NULL;
    }
    return g_steal_pointer(&certificate);
}
